//! Reading a capture piece by piece, in memory bounded by its largest packet.
//!
//! A broken capture yields every packet before the break, and then one error that says where it is.
//!
//! ABI: draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pcap_file::Endianness;
use pcap_file::pcap::{PcapParser, PcapTsResolution};
use pcap_file::pcapng::PcapNgParser;
use pcap_file::pcapng::blocks::block_common::Block;
use pcap_file::pcapng::blocks::interface_description::InterfaceDescriptionOption;

use super::{Link, Packet, chain};
use crate::Error;

/// A longer packet or block is a broken length: the longest IP packet is 64 KiB, and jumbograms are not captured whole.
const LONGEST: usize = 16 << 20;

/// How much is asked of the source at once.
const PIECE: usize = 256 << 10;

/// A capture being read; an iterator over its packets that ends after the first error.
pub struct Capture<R> {
    name: String,
    source: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Where in the file `buffer[start]` is.
    offset: u64,
    packets: u64,
    format: Format,
    ended: bool,
}

enum Format {
    Unknown,
    Pcap { parser: PcapParser, link: Link },
    PcapNg { parser: PcapNgParser, interfaces: Vec<(Link, Option<Arc<str>>)> },
}

/// Opens a capture file; `-` is standard input.
pub fn open(path: &Path) -> Result<Capture<Box<dyn Read>>, Error> {
    if path == Path::new("-") {
        return Capture::new("standard input", Box::new(io::stdin()));
    }
    let file = File::open(path).map_err(|cause| Error::File { action: "read", path: path.into(), cause })?;
    Capture::new(path.display().to_string(), Box::new(file))
}

impl<R: Read> Capture<R> {
    /// Reads the head of a capture. The name is for error messages.
    pub fn new(name: impl Into<String>, source: R) -> Result<Self, Error> {
        let mut capture = Capture {
            name: name.into(),
            source,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            offset: 0,
            packets: 0,
            format: Format::Unknown,
            ended: false,
        };
        capture.head()?;
        Ok(capture)
    }

    /// Packets read so far.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Reads the next packet into `packet`, whose memory is used again; `false` at the end.
    pub fn read(&mut self, packet: &mut Packet) -> Result<bool, Error> {
        if self.ended {
            return Ok(false);
        }
        let result = match self.format {
            Format::PcapNg { .. } => self.read_pcapng(packet),
            _ => self.read_pcap(packet),
        };
        match result {
            Ok(true) => self.packets += 1,
            _ => self.ended = true,
        }
        result
    }

    fn head(&mut self) -> Result<(), Error> {
        let magic = self.u32_at(0, true)?;
        self.format = match magic {
            None if self.end == self.start => return Err(self.broken("the file is empty")),
            Some(0x0a0d_0d0a) => {
                let Some(length) = self.block()? else { return Err(self.cut_off("header")) };
                let parser = match PcapNgParser::new(&self.buffer[self.start..self.start + length]) {
                    Ok((_, parser)) => parser,
                    Err(error) => return Err(self.broken(chain(&error))),
                };
                self.take(length);
                Format::PcapNg { parser, interfaces: Vec::new() }
            }
            Some(0xa1b2_c3d4 | 0xd4c3_b2a1 | 0xa1b2_3c4d | 0x4d3c_b2a1) => {
                if !self.fill(24)? {
                    return Err(self.cut_off("header"));
                }
                let parser = match PcapParser::new(&self.buffer[self.start..self.start + 24]) {
                    Ok((_, parser)) => parser,
                    Err(error) => return Err(self.broken(chain(&error))),
                };
                let link = Link::from_number(parser.header().datalink.into());
                self.take(24);
                Format::Pcap { parser, link }
            }
            Some(magic) if magic >> 16 == 0x1f8b => {
                return Err(self.broken("compressed with gzip: decompress it first"));
            }
            _ => return Err(self.broken("neither a pcap nor a pcapng capture")),
        };
        Ok(())
    }

    fn read_pcap(&mut self, packet: &mut Packet) -> Result<bool, Error> {
        let Format::Pcap { parser, link } = &self.format else { return Ok(false) };
        let (header, link) = (parser.header(), *link);
        let Some(length) = self.u32_at(8, header.endianness == Endianness::Big)? else {
            return if self.start == self.end { Ok(false) } else { Err(self.cut_off("packet header")) };
        };
        if length as usize > LONGEST {
            return Err(self.broken(format!("an impossible length of {length} bytes")));
        }
        let whole = 16 + length as usize;
        if !self.fill(whole)? {
            return Err(self.cut_off("packet"));
        }
        let Format::Pcap { parser, .. } = &self.format else { return Ok(false) };
        let raw = match parser.next_raw_packet(&self.buffer[self.start..self.start + whole]) {
            Ok((_, raw)) => raw,
            Err(error) => return Err(self.broken(chain(&error))),
        };
        let (scale, limit) = match header.ts_resolution {
            PcapTsResolution::MicroSecond => (1_000, 1_000_000),
            PcapTsResolution::NanoSecond => (1, 1_000_000_000),
        };
        if raw.ts_frac >= limit {
            let problem = format!("an impossible time: {} parts of a second, of which it has {limit}", raw.ts_frac);
            return Err(self.broken(problem));
        }
        packet.timestamp_ns = u64::from(raw.ts_sec) * 1_000_000_000 + u64::from(raw.ts_frac) * scale;
        packet.link = link;
        packet.interface = None;
        packet.bytes.clear();
        packet.bytes.extend_from_slice(&raw.data);
        packet.original_len = raw.orig_len.max(length);
        self.take(whole);
        Ok(true)
    }

    fn read_pcapng(&mut self, packet: &mut Packet) -> Result<bool, Error> {
        loop {
            let Some(length) = self.block()? else {
                return if self.start == self.end { Ok(false) } else { Err(self.cut_off("block")) };
            };
            let Format::PcapNg { parser, interfaces } = &mut self.format else { return Ok(false) };
            let bytes = &self.buffer[self.start..self.start + length];
            let found = next_pcapng(parser, interfaces, bytes, packet);
            match found {
                Ok(is_packet) => {
                    self.take(length);
                    if is_packet {
                        return Ok(true);
                    }
                }
                Err(problem) => return Err(self.broken(problem)),
            }
        }
    }

    /// Brings a whole pcapng block into the buffer and tells its length; `None` when the file ends before its end.
    fn block(&mut self) -> Result<Option<usize>, Error> {
        let Some(kind) = self.u32_at(0, true)? else { return Ok(None) };
        let big = match (&self.format, kind) {
            // A section's head says itself in which order its bytes are.
            (_, 0x0a0d_0d0a) => match self.u32_at(8, true)? {
                None => return Ok(None),
                Some(0x1a2b_3c4d) => true,
                Some(0x4d3c_2b1a) => false,
                Some(other) => return Err(self.broken(format!("a section of unknown byte order {other:#010x}"))),
            },
            (Format::PcapNg { parser, .. }, _) => parser.section().endianness == Endianness::Big,
            _ => return Err(self.broken("a capture that does not begin with a section")),
        };
        let Some(length) = self.u32_at(4, big)? else { return Ok(None) };
        if !(12..=LONGEST).contains(&(length as usize)) || length % 4 != 0 {
            return Err(self.broken(format!("a block of the impossible length {length}")));
        }
        Ok(self.fill(length as usize)?.then_some(length as usize))
    }

    /// The number at a distance from here, `None` when the file ends before it.
    fn u32_at(&mut self, distance: usize, big: bool) -> Result<Option<u32>, Error> {
        if !self.fill(distance + 4)? {
            return Ok(None);
        }
        let at = self.start + distance;
        let bytes = [self.buffer[at], self.buffer[at + 1], self.buffer[at + 2], self.buffer[at + 3]];
        Ok(Some(if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }))
    }

    /// Reads until so many bytes are here; `false` when the file ends first.
    fn fill(&mut self, wanted: usize) -> Result<bool, Error> {
        while self.end - self.start < wanted {
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            }
            // Grows with what the file holds, not with what a broken length promises.
            if self.buffer.len() - self.end < PIECE {
                self.buffer.resize(self.end + PIECE, 0);
            }
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(0) => return Ok(false),
                Ok(count) => self.end += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(Error::File { action: "read", path: self.name.as_str().into(), cause }),
            }
        }
        Ok(true)
    }

    fn take(&mut self, count: usize) {
        self.start += count;
        self.offset += count as u64;
    }

    fn cut_off(&self, what: &str) -> Error {
        let here = self.end - self.start;
        let mut error = self.broken(format!("the file ends in the middle of a {what}, {here} bytes into it"));
        if let Error::Capture { cut_off, .. } = &mut error {
            *cut_off = true;
        }
        error
    }

    fn broken(&self, problem: impl Into<String>) -> Error {
        let packet = if matches!(self.format, Format::Unknown) { 0 } else { self.packets + 1 };
        Error::Capture { name: self.name.clone(), packet, offset: self.offset, problem: problem.into(), cut_off: false }
    }
}

impl<R: Read> Iterator for Capture<R> {
    type Item = Result<Packet, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut packet = Packet::default();
        match self.read(&mut packet) {
            Ok(true) => Some(Ok(packet)),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        }
    }
}

/// Reads one block; `true` when it was a packet.
fn next_pcapng(
    parser: &mut PcapNgParser,
    interfaces: &mut Vec<(Link, Option<Arc<str>>)>,
    bytes: &[u8],
    packet: &mut Packet,
) -> Result<bool, String> {
    const INTERFACE: u32 = 1;
    const PACKETS: [u32; 3] = [2, 3, 6];
    const SECTION: u32 = 0x0a0d_0d0a;
    let (_, raw) = parser.next_raw_block(bytes).map_err(|error| chain(&error))?;
    match raw.type_ {
        SECTION => interfaces.clear(),
        INTERFACE => {
            let block = parser.interfaces().last().ok_or("an interface that is none")?;
            let name = block.options.iter().find_map(|option| match option {
                InterfaceDescriptionOption::IfName(name) => Some(Arc::from(name.as_ref())),
                _ => None,
            });
            interfaces.push((Link::from_number(block.linktype.into()), name));
        }
        _ => {}
    }
    // Statistics, names, comments: nothing in them can make a packet unreadable, so they are not even read.
    if !PACKETS.contains(&raw.type_) {
        return Ok(false);
    }
    let block = raw.try_into_block(parser.state()).map_err(|error| chain(&error))?;
    let (interface, time, original, data) = match block {
        Block::EnhancedPacket(b) => (b.interface_id as usize, b.timestamp, b.original_len, b.data),
        Block::Packet(b) => (usize::from(b.interface_id), b.timestamp, b.original_len, b.data),
        Block::SimplePacket(b) => (0, Duration::ZERO, b.original_len, b.data),
        _ => return Ok(false),
    };
    let (link, name) = interfaces.get(interface).ok_or_else(|| format!("an unknown interface {interface}"))?;
    packet.timestamp_ns = u64::try_from(time.as_nanos()).map_err(|_| "a time after the year 2554")?;
    packet.link = *link;
    packet.interface = name.clone();
    packet.bytes.clear();
    packet.bytes.extend_from_slice(&data);
    packet.original_len = original;
    Ok(true)
}
