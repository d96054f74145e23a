//! Writing a pcap file with times in nanoseconds.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use pcap_file::pcap::{PcapHeader, PcapPacket, PcapTsResolution, PcapWriter};
use pcap_file::{DataLink, Endianness};

use super::{Link, chain};
use crate::Error;

/// A pcap file being written, with times in nanoseconds.
pub struct Writer<W: Write> {
    name: String,
    inner: PcapWriter<W>,
}

/// Makes a pcap file, or empties the one of that name.
pub fn create(path: &Path, link: Link) -> Result<Writer<BufWriter<File>>, Error> {
    let file = File::create(path).map_err(|cause| Error::File { action: "create", path: path.into(), cause })?;
    Writer::new(path.display().to_string(), BufWriter::new(file), link)
}

impl<W: Write> Writer<W> {
    /// Writes the head of a capture. The name is for error messages.
    pub fn new(name: impl Into<String>, to: W, link: Link) -> Result<Self, Error> {
        let name = name.into();
        let header = PcapHeader {
            snaplen: 262_144,
            datalink: DataLink::from(link.number()),
            ts_resolution: PcapTsResolution::NanoSecond,
            endianness: Endianness::Little,
            ..PcapHeader::default()
        };
        match PcapWriter::with_header(to, header) {
            Ok(inner) => Ok(Writer { name, inner }),
            Err(error) => Err(unwritten(&name, &error)),
        }
    }

    /// Writes one packet; a wire length below the bytes' own is raised to it.
    pub fn write(&mut self, timestamp_ns: u64, bytes: &[u8], original_len: u32) -> Result<(), Error> {
        let length = original_len.max(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        PcapPacket::new(Duration::from_nanos(timestamp_ns), length, bytes)
            .map_err(|error| unwritten(&self.name, &error))
            .and_then(|packet| {
                self.inner.write_packet(&packet).map(drop).map_err(|error| unwritten(&self.name, &error))
            })
    }

    /// Hands everything to the system; without this, an error at the end would go unseen.
    pub fn finish(self) -> Result<W, Error> {
        let mut inner = self.inner.into_inner();
        inner.flush().map_err(|cause| Error::File { action: "write", path: self.name.into(), cause })?;
        Ok(inner)
    }
}

fn unwritten(name: &str, error: &(dyn std::error::Error + 'static)) -> Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(errno) = error.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error) {
            let cause = io::Error::from_raw_os_error(errno);
            return Error::File { action: "write", path: name.into(), cause };
        }
        cause = error.source();
    }
    Error::File { action: "write", path: name.into(), cause: io::Error::other(chain(error)) }
}
