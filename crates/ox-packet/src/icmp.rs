//! ICMP: the header, its types, and the packet an error quotes.
//!
//! ABI: uapi/linux/icmp.h. Kernel: net/ipv4/icmp.c `icmp_pointers`.

use crate::view::header;

header! {
    /// An ICMP header and what follows it.
    Icmp, IcmpMut, 8;
    /// Type.
    kind, set_kind: u8 @ 0;
    /// Code.
    code, set_code: u8 @ 1;
    /// Checksum.
    checksum, set_checksum: u16 @ 2;
    /// Identifier of a query.
    id, set_id: u16 @ 4;
    /// Sequence number of a query; next-hop MTU in "fragmentation needed".
    sequence, set_sequence: u16 @ 6;
    /// The second word whole: gateway of a redirect, pointer, MTU.
    rest, set_rest: u32 @ 4;
}

/// Echo reply.
pub const ECHO_REPLY: u8 = 0;
/// Destination unreachable.
pub const DEST_UNREACH: u8 = 3;
/// Source quench.
pub const SOURCE_QUENCH: u8 = 4;
/// Redirect.
pub const REDIRECT: u8 = 5;
/// Echo request.
pub const ECHO: u8 = 8;
/// Time exceeded.
pub const TIME_EXCEEDED: u8 = 11;
/// Parameter problem.
pub const PARAMETER_PROBLEM: u8 = 12;
/// Timestamp request.
pub const TIMESTAMP: u8 = 13;
/// Timestamp reply.
pub const TIMESTAMP_REPLY: u8 = 14;
/// Information request.
pub const INFO_REQUEST: u8 = 15;
/// Information reply.
pub const INFO_REPLY: u8 = 16;
/// Address mask request.
pub const ADDRESS: u8 = 17;
/// Address mask reply.
pub const ADDRESS_REPLY: u8 = 18;

/// Whether the type reports an error about another packet, which it quotes.
pub fn is_error(kind: u8) -> bool {
    matches!(kind, DEST_UNREACH | SOURCE_QUENCH | REDIRECT | TIME_EXCEEDED | PARAMETER_PROBLEM)
}

/// Whether the type is a query or its answer, with an identifier that NAT may rewrite.
pub fn is_query(kind: u8) -> bool {
    matches!(kind, ECHO | ECHO_REPLY | TIMESTAMP..=ADDRESS_REPLY)
}

/// The type that answers a query type.
pub fn answer(kind: u8) -> Option<u8> {
    Some(match kind {
        ECHO => ECHO_REPLY,
        ECHO_REPLY => ECHO,
        TIMESTAMP | INFO_REQUEST | ADDRESS => kind + 1,
        TIMESTAMP_REPLY | INFO_REPLY | ADDRESS_REPLY => kind - 1,
        _ => return None,
    })
}

/// What an ICMP type and code mean, in the words of iptables' `--icmp-type` where it has one.
pub fn name(kind: u8, code: u8) -> Option<&'static str> {
    const UNREACHABLE: [&str; 16] = [
        "network-unreachable",
        "host-unreachable",
        "protocol-unreachable",
        "port-unreachable",
        "fragmentation-needed",
        "source-route-failed",
        "network-unknown",
        "host-unknown",
        "source-host-isolated",
        "network-prohibited",
        "host-prohibited",
        "TOS-network-unreachable",
        "TOS-host-unreachable",
        "communication-prohibited",
        "host-precedence-violation",
        "precedence-cutoff",
    ];
    const REDIRECTED: [&str; 4] = ["network-redirect", "host-redirect", "TOS-network-redirect", "TOS-host-redirect"];
    Some(match (kind, code) {
        (ECHO, 0) => "echo-request",
        (ECHO_REPLY, 0) => "echo-reply",
        (DEST_UNREACH, code) => return UNREACHABLE.get(usize::from(code)).copied(),
        (REDIRECT, code) => return REDIRECTED.get(usize::from(code)).copied(),
        (SOURCE_QUENCH, 0) => "source-quench",
        (9, 0) => "router-advertisement",
        (10, 0) => "router-solicitation",
        (TIME_EXCEEDED, 0) => "ttl-zero-during-transit",
        (TIME_EXCEEDED, 1) => "ttl-zero-during-reassembly",
        (PARAMETER_PROBLEM, 0) => "ip-header-bad",
        (PARAMETER_PROBLEM, 1) => "required-option-missing",
        (TIMESTAMP, 0) => "timestamp-request",
        (TIMESTAMP_REPLY, 0) => "timestamp-reply",
        (ADDRESS, 0) => "address-mask-request",
        (ADDRESS_REPLY, 0) => "address-mask-reply",
        _ => return None,
    })
}

impl<'a> Icmp<'a> {
    /// What follows the eight bytes of header.
    pub fn payload(self) -> &'a [u8] {
        &self.0[8..]
    }

    /// The packet an error quotes, as much of it as there is; `None` for types that quote nothing.
    pub fn inner(self) -> Option<&'a [u8]> {
        is_error(self.kind()).then(|| self.payload())
    }
}
