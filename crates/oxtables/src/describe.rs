//! Packets and hosts as questions describe them, read as the verbs read them.

use crate::names;
use crate::verb::host::HostArgs;
use crate::verb::trace::packet_line;
use ox_engine::world::World;
use ox_rules::ir::{Owner, Packet};
use std::path::Path;

/// A packet as it was described.
#[derive(Clone, Debug)]
pub struct Described {
    /// The packet, with its mark.
    pub packet: Packet,
    /// The interface it comes in by; `None`: the host sends it.
    pub iif: Option<String>,
    /// Who sends it, if that was said.
    pub owner: Option<Owner>,
}

/// Reads a packet in the words of `oxtables trace`. Its source has to be among them.
///
/// # Errors
/// What is wrong with the words.
pub fn packet(words: &str) -> Result<Described, String> {
    let wanted = packet_line(words).and_then(|args| args.read(None, &names::System::default())).map_err(|w| w.0)?;
    let Some(src) = wanted.src else { return Err(format!("`{words}' names no source address")) };
    let packet = wanted.packet(src).map_err(|w| w.0)?;
    Ok(Described { packet, iif: wanted.iif, owner: wanted.owner })
}

/// A host as its file describes it.
#[derive(Clone, Debug)]
pub struct Host {
    /// The host.
    pub world: World,
    /// Its settings by name, in the order in which they take effect.
    pub sysctls: Vec<(String, i64)>,
    /// What its ipsets hold, as `ipset save` prints it.
    pub ipset: String,
}

/// Reads a `host.toml`.
///
/// # Errors
/// What is wrong with the file.
pub fn host(file: &Path) -> Result<Host, String> {
    let given = HostArgs { host: Some(file.to_owned()), ..HostArgs::default() }.read()?;
    Ok(Host { world: given.world, sysctls: given.sysctls, ipset: given.ipset })
}
