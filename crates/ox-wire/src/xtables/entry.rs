//! A table as ip_tables and ip6_tables hand it over: entries one behind the other, each with its matches and a target.
//!
//! Kernel: net/ipv4/netfilter/ip_tables.c, net/ipv6/netfilter/ip6_tables.c `check_entry_size_and_hooks`; ABI:
//! uapi/linux/netfilter_ipv4/ip_tables.h, uapi/linux/netfilter_ipv6/ip6_tables.h, uapi/linux/netfilter/x_tables.h.

use super::align;
use zerocopy::FromBytes;

abi! {
    /// Addresses, interfaces and protocol of an IPv4 rule.
    "linux/netfilter_ipv4/ip_tables.h" "struct ipt_ip" IptIp {
        src: [u8; 4],
        dst: [u8; 4],
        smsk: [u8; 4],
        dmsk: [u8; 4],
        iniface: [u8; 16],
        outiface: [u8; 16],
        iniface_mask: [u8; 16],
        outiface_mask: [u8; 16],
        proto: u16,
        flags: u8,
        invflags: u8,
    }
    /// What begins an IPv4 rule.
    "linux/netfilter_ipv4/ip_tables.h" "struct ipt_entry" IptEntry {
        ip: IptIp,
        nfcache: u32,
        target_offset: u16,
        next_offset: u16,
        comefrom: u32,
        counters: XtCounters,
    }
    /// Addresses, interfaces and protocol of an IPv6 rule.
    "linux/netfilter_ipv6/ip6_tables.h" "struct ip6t_ip6" Ip6tIp6 {
        src: [u8; 16],
        dst: [u8; 16],
        smsk: [u8; 16],
        dmsk: [u8; 16],
        iniface: [u8; 16],
        outiface: [u8; 16],
        iniface_mask: [u8; 16],
        outiface_mask: [u8; 16],
        proto: u16,
        tos: u8,
        flags: u8,
        invflags: u8,
        _pad: [u8; 3],
    }
    /// What begins an IPv6 rule.
    "linux/netfilter_ipv6/ip6_tables.h" "struct ip6t_entry" Ip6tEntry {
        ipv6: Ip6tIp6,
        nfcache: u32,
        target_offset: u16,
        next_offset: u16,
        comefrom: u32,
        _pad: [u8; 4],
        counters: XtCounters,
    }
    /// Packets and bytes.
    "linux/netfilter/x_tables.h" "struct xt_counters" XtCounters {
        pcnt: u64,
        bcnt: u64,
    }
    /// What begins a match; a target's head lies the same.
    "linux/netfilter/x_tables.h" "struct xt_entry_match" XtHead {
        match_size as "u.user.match_size": u16,
        name as "u.user.name": [u8; 29],
        revision as "u.user.revision": u8,
    }
}

/// Which of the two layouts an entry has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `struct ipt_entry`
    Ipt,
    /// `struct ip6t_entry`
    Ip6t,
}

/// A match or a target as it lies in an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Name, up to its zero byte.
    pub name: &'a [u8],
    /// Revision.
    pub revision: u8,
    /// Payload, a multiple of [`super::ALIGN`] long.
    pub info: &'a [u8],
}

/// An entry taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Bytes before the entry in the table.
    pub offset: usize,
    /// The structure that it begins with ([`IptEntry`] or [`Ip6tEntry`]).
    pub head: &'a [u8],
    /// Its matches, in order.
    pub matches: Vec<Piece<'a>>,
    /// Its target.
    pub target: Piece<'a>,
}

/// Takes a table apart.
///
/// # Errors
/// The offset of the entry whose sizes do not fit into each other or into the table.
pub fn entries(kind: Kind, table: &[u8]) -> Result<Vec<Entry<'_>>, usize> {
    let mut all = Vec::new();
    let mut offset = 0;
    while offset < table.len() {
        let (entry, size) = one(kind, table, offset).ok_or(offset)?;
        all.push(entry);
        offset += size;
    }
    Ok(all)
}

fn one(kind: Kind, table: &[u8], offset: usize) -> Option<(Entry<'_>, usize)> {
    let rest = table.get(offset..)?;
    let (head, target_offset, next_offset) = match kind {
        Kind::Ipt => {
            let (e, _) = IptEntry::read_from_prefix(rest).ok()?;
            (size_of::<IptEntry>(), e.target_offset, e.next_offset)
        }
        Kind::Ip6t => {
            let (e, _) = Ip6tEntry::read_from_prefix(rest).ok()?;
            (size_of::<Ip6tEntry>(), e.target_offset, e.next_offset)
        }
    };
    let (target_offset, next_offset) = (usize::from(target_offset), usize::from(next_offset));
    let entry = rest.get(..next_offset)?;
    let mut matches = Vec::new();
    let mut rest = entry.get(head..target_offset)?;
    while !rest.is_empty() {
        let (piece, size) = piece(rest)?;
        matches.push(piece);
        rest = &rest[size..];
    }
    let (target, size) = piece(&entry[target_offset..])?;
    // Sizes are multiples of eight, so that a table always ends.
    (target_offset + size == next_offset)
        .then(|| (Entry { offset, head: &entry[..head], matches, target }, next_offset))
}

fn piece(bytes: &[u8]) -> Option<(Piece<'_>, usize)> {
    let (head, _) = XtHead::read_from_prefix(bytes).ok()?;
    let size = usize::from(head.match_size);
    if size != align(size) {
        return None;
    }
    let info = bytes.get(size_of::<XtHead>()..size)?;
    let name = &bytes[2..31];
    let end = name.iter().position(|&b| b == 0).unwrap_or(name.len());
    Some((Piece { name: &name[..end], revision: head.revision, info }, size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocopy::IntoBytes;

    fn head(size: u16, name: &str, revision: u8) -> Vec<u8> {
        let mut head = XtHead { match_size: size, revision, ..Default::default() };
        head.name[..name.len()].copy_from_slice(name.as_bytes());
        head.as_bytes().to_vec()
    }

    fn table() -> Vec<u8> {
        let entry = IptEntry { target_offset: 112 + 40, next_offset: 112 + 40 + 40, ..Default::default() };
        let mut bytes = entry.as_bytes().to_vec();
        bytes.extend(head(40, "mark", 1));
        bytes.extend([7; 8]);
        bytes.extend(head(40, "", 0));
        bytes.extend([9; 8]);
        bytes
    }

    #[test]
    fn takes_entries_apart() {
        let mut bytes = table();
        bytes.extend(table());
        let all = entries(Kind::Ipt, &bytes).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(all[1].offset, 192);
        assert_eq!(all[1].matches, [Piece { name: b"mark", revision: 1, info: &[7; 8] }]);
        assert_eq!(all[1].target, Piece { name: b"", revision: 0, info: &[9; 8] });
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        for (at, value) in [(88, 8u16), (90, 8), (90, 400), (112, 0), (112, 33), (112, 48), (152, 48), (152, 0)] {
            let mut bytes = table();
            bytes[at..at + 2].copy_from_slice(&value.to_ne_bytes());
            assert_eq!(entries(Kind::Ipt, &bytes), Err(0), "{at} {value}");
        }
        for len in 1..192 {
            assert_eq!(entries(Kind::Ipt, &table()[..len]), Err(0), "{len}");
        }
        assert_eq!(entries(Kind::Ip6t, &table()), Err(0));
    }
}
