//! Differences that the ledger (`deviations/`) explains. Each has an entry that names the kernel's function, and a replay
//! in `test/differential/` of the same name that shows it.

use super::lab::{Cast, TAP, Way};
use ox_packet::{Family, Key, Shape, extract};
use ox_rules::ir::Dialect;
use std::fmt::Write as _;

/// A difference made as small as it gets: rules and packets that show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Small {
    /// Family.
    pub family: Family,
    /// Dialect.
    pub dialect: Dialect,
    /// The rules, as restore reads them.
    pub text: String,
    /// The packets.
    pub inputs: Vec<(Way, Vec<u8>)>,
}

/// A difference that is explained.
#[derive(Debug)]
pub struct Excuse {
    /// Name of the entry and of the replay.
    pub name: &'static str,
    fits: fn(&Small) -> bool,
}

/// All of them.
pub const EXCUSES: [Excuse; 4] = [
    Excuse {
        name: "nft-later-fragments",
        fits: |small| {
            nft(small)
                && small.family == Family::V6
                && native(small)
                && has(small, |_, shape| shape.any(Shape::FRAGMENT))
        },
    },
    Excuse {
        name: "nft-later-fragments-of-ipv4",
        fits: |small| {
            nft(small)
                && small.family == Family::V4
                && native(small)
                && has(small, |_, shape| shape.any(Shape::FRAGMENT))
        },
    },
    Excuse {
        name: "nft-cut-header",
        fits: |small| nft(small) && native(small) && has(small, |_, shape| shape.any(Shape::NOPORTS)),
    },
    Excuse {
        name: "nft-stops-at-ah",
        fits: |small| nft(small) && small.family == Family::V6 && has(small, |bytes, _| bytes.get(6) == Some(&51)),
    },
];

fn nft(small: &Small) -> bool {
    small.dialect == Dialect::Nft
}

/// Whether a rule has a match that iptables-nft writes as nf_tables' own tests of a header.
fn native(small: &Small) -> bool {
    ["-m tcp ", "-m udp ", "-m icmp"].iter().any(|m| small.text.contains(m))
}

/// Whether one of the packets is of this kind; the others are then what shows its effect, since all are needed.
fn has(small: &Small, fits: fn(&[u8], Shape) -> bool) -> bool {
    small.inputs.iter().any(|(_, bytes)| {
        let mut key = Key::default();
        let shape = extract(bytes, &mut key).map_or(Shape(Shape::NOL4), |_| key.shape);
        fits(bytes, shape)
    })
}

/// The entry that explains a difference.
pub fn excuse(small: &Small) -> Option<&'static str> {
    EXCUSES.iter().find(|e| (e.fits)(small)).map(|e| e.name)
}

impl Small {
    /// As a replay: a line for family and dialect, the rules, a line for each packet.
    pub fn write(&self) -> String {
        let mut out = format!("{:?} {:?}\n{}", self.family, self.dialect, self.text);
        for (way, bytes) in &self.inputs {
            let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
            let way = match way {
                Way::In(dev) => (*dev).to_owned(),
                Way::Frame(cast, neighbour) => format!("{cast:?}-{neighbour}"),
                Way::Local => "local".to_owned(),
            };
            let _ = writeln!(out, "packet {way} {hex}");
        }
        out
    }

    /// Reads a replay.
    pub fn read(text: &str) -> Option<Self> {
        let (head, rest) = text.split_once('\n')?;
        let (family, dialect) = match head {
            "V4 Nft" => (Family::V4, Dialect::Nft),
            "V4 Legacy" => (Family::V4, Dialect::Legacy),
            "V6 Nft" => (Family::V6, Dialect::Nft),
            "V6 Legacy" => (Family::V6, Dialect::Legacy),
            _ => return None,
        };
        let mut small = Small { family, dialect, text: String::new(), inputs: Vec::new() };
        for line in rest.lines() {
            let Some(packet) = line.strip_prefix("packet ") else {
                let _ = writeln!(small.text, "{line}");
                continue;
            };
            let (way, hex) = packet.split_once(' ')?;
            let bytes: Option<Vec<u8>> =
                (0..hex.len() / 2).map(|i| u8::from_str_radix(hex.get(2 * i..2 * i + 2)?, 16).ok()).collect();
            small.inputs.push((read_way(way)?, bytes?));
        }
        Some(small)
    }
}

fn read_way(word: &str) -> Option<Way> {
    Some(match word {
        "local" => Way::Local,
        TAP => Way::In(TAP),
        "out0" => Way::In("out0"),
        _ => {
            let (cast, neighbour) = word.split_once('-')?;
            let cast = [Cast::Uni, Cast::Multi, Cast::Broad].into_iter().find(|c| format!("{c:?}") == cast)?;
            Way::Frame(cast, neighbour.parse().ok()?)
        }
    })
}
