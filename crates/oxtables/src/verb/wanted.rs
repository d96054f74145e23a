//! A packet as far as it was described, and the making of it.

use super::packet::{Wrong, wrong};
use ox_packet::{Build, Family, pkttype, proto};
use ox_rules::ir::{Link, Owner, Packet};

/// A state that is taken for granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Opens a connection: what a first packet does by itself.
    New,
    /// Its connection has been answered.
    Established,
    /// Somebody expected its connection.
    Related,
    /// It belongs to none.
    Invalid,
    /// A rule said not to track it.
    Untracked,
}

/// A packet as far as it was described.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Family.
    pub family: Family,
    /// Interface it comes in by; `None`: this host sends it.
    pub iif: Option<String>,
    /// Interface it leaves by, if that was said.
    pub oif: Option<String>,
    /// Source; `None`: not said.
    pub src: Option<u128>,
    /// Destination.
    pub dst: u128,
    /// Assumed state.
    pub state: Option<State>,
    /// Who sends it.
    pub owner: Option<Owner>,
    /// What was filled in because it was not said.
    pub assumed: Vec<String>,
    /// What it is made of.
    pub form: Form,
    /// Mark.
    pub mark: u32,
    /// Hardware addresses.
    pub link: Option<Link>,
    /// Link-layer type, if that was said.
    pub pkttype: Option<u8>,
}

/// What a packet is made of.
#[derive(Clone, Debug)]
pub enum Form {
    /// A description, and the length asked for.
    Build(Box<Build>, Option<u16>),
    /// Bytes as captured.
    Bytes(Vec<u8>),
}

impl Wanted {
    /// A packet of a capture, as far as assumptions about its host ask.
    pub fn seen(packet: &Packet, iif: Option<&str>) -> Self {
        Self {
            family: packet.layout.family,
            iif: iif.map(str::to_owned),
            oif: None,
            src: Some(packet.key.src),
            dst: packet.key.dst,
            state: None,
            owner: None,
            assumed: Vec::new(),
            form: Form::Bytes(Vec::new()),
            mark: 0,
            link: None,
            pkttype: None,
        }
    }

    /// The packet, from this source if none was said.
    pub fn packet(&self, src: u128) -> Result<Packet, Wrong> {
        let bytes = match &self.form {
            Form::Bytes(bytes) => bytes.clone(),
            Form::Build(build, length) => {
                let mut build = (**build).clone();
                build.src = ox_packet::ip_address(self.family, self.src.unwrap_or(src));
                if let Some(length) = *length {
                    let short = Build { payload: Vec::new(), ..build.clone() }.bytes().len();
                    let Some(rest) = usize::from(length).checked_sub(short) else {
                        return wrong(format!("--length {length}: its headers alone are {short} bytes"));
                    };
                    build.payload.resize(rest, b'.');
                }
                build.bytes()
            }
        };
        let Ok(mut packet) = Packet::new(bytes) else { return wrong("it cannot be read as an IP packet") };
        packet.key.mark = self.mark;
        packet.meta.link = self.link;
        packet.key.iif = self.iif.as_deref().map_or(0, ox_packet::iface_number);
        packet.key.oif = match self.iif {
            Some(_) => 0,
            None => self.oif.as_deref().map_or(0, ox_packet::iface_number),
        };
        packet.key.pkttype = self.pkttype.unwrap_or_else(|| link_type(self.family, self.dst));
        packet.meta.untracked = self.state == Some(State::Untracked);
        if self.state == Some(State::Invalid) {
            spoil(&mut packet);
        }
        Ok(packet)
    }
}

/// How the link layer would have addressed it.
fn link_type(family: Family, dst: u128) -> u8 {
    match family {
        Family::V4 if dst == 0xffff_ffff => pkttype::BROADCAST,
        Family::V4 if dst >> 28 == 0xe => pkttype::MULTICAST,
        Family::V6 if dst >> 120 == 0xff => pkttype::MULTICAST,
        _ => pkttype::HOST,
    }
}

/// Makes connection tracking find it invalid: by its checksum, which no rule looks at.
fn spoil(packet: &mut Packet) {
    let at = packet.layout.l4
        + match packet.layout.proto {
            proto::TCP => 16,
            proto::UDP => 6,
            _ => 2,
        };
    if let Some(byte) = packet.bytes.get_mut(at) {
        *byte ^= 0x55;
    }
}
