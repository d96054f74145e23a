//! ICMPv6: the header, its types, and the packet an error quotes.
//!
//! ABI: uapi/linux/icmpv6.h.

use crate::view::header;

header! {
    /// An ICMPv6 header and what follows it.
    Icmp6, Icmp6Mut, 8;
    /// Type.
    kind, set_kind: u8 @ 0;
    /// Code.
    code, set_code: u8 @ 1;
    /// Checksum.
    checksum, set_checksum: u16 @ 2;
    /// Identifier of an echo.
    id, set_id: u16 @ 4;
    /// Sequence number of an echo.
    sequence, set_sequence: u16 @ 6;
    /// The second word whole: MTU of "packet too big", pointer of "parameter problem".
    rest, set_rest: u32 @ 4;
}

/// Destination unreachable.
pub const DEST_UNREACH: u8 = 1;
/// Packet too big.
pub const PKT_TOOBIG: u8 = 2;
/// Time exceeded.
pub const TIME_EXCEEDED: u8 = 3;
/// Parameter problem.
pub const PARAMETER_PROBLEM: u8 = 4;
/// Echo request.
pub const ECHO_REQUEST: u8 = 128;
/// Echo reply.
pub const ECHO_REPLY: u8 = 129;
/// Multicast listener query.
pub const MLD_QUERY: u8 = 130;
/// Multicast listener report.
pub const MLD_REPORT: u8 = 131;
/// Multicast listener done.
pub const MLD_DONE: u8 = 132;
/// Router solicitation.
pub const ROUTER_SOLICIT: u8 = 133;
/// Router advertisement.
pub const ROUTER_ADVERT: u8 = 134;
/// Neighbour solicitation.
pub const NEIGHBOUR_SOLICIT: u8 = 135;
/// Neighbour advertisement.
pub const NEIGHBOUR_ADVERT: u8 = 136;
/// Redirect.
pub const REDIRECT: u8 = 137;
/// Node information query.
pub const NI_QUERY: u8 = 139;
/// Node information reply.
pub const NI_REPLY: u8 = 140;
/// Multicast listener report, version 2.
pub const MLD2_REPORT: u8 = 143;

/// Whether the type reports an error about another packet, which it quotes (types below 128 do).
pub fn is_error(kind: u8) -> bool {
    kind < 128
}

/// Whether the type is an echo or its answer, with an identifier that NAT may rewrite.
pub fn is_query(kind: u8) -> bool {
    matches!(kind, ECHO_REQUEST | ECHO_REPLY)
}

/// The type that answers a query type, as connection tracking pairs them.
pub fn answer(kind: u8) -> Option<u8> {
    Some(match kind {
        ECHO_REQUEST => ECHO_REPLY,
        ECHO_REPLY => ECHO_REQUEST,
        NI_QUERY => NI_REPLY,
        NI_REPLY => NI_QUERY,
        _ => return None,
    })
}

/// What an ICMPv6 type and code mean, in the words of ip6tables' `--icmpv6-type` where it has one.
pub fn name(kind: u8, code: u8) -> Option<&'static str> {
    Some(match (kind, code) {
        (DEST_UNREACH, 0) => "no-route",
        (DEST_UNREACH, 1) => "communication-prohibited",
        (DEST_UNREACH, 2) => "beyond-scope",
        (DEST_UNREACH, 3) => "address-unreachable",
        (DEST_UNREACH, 4) => "port-unreachable",
        (DEST_UNREACH, 5) => "failed-policy",
        (DEST_UNREACH, 6) => "reject-route",
        (PKT_TOOBIG, 0) => "packet-too-big",
        (TIME_EXCEEDED, 0) => "ttl-zero-during-transit",
        (TIME_EXCEEDED, 1) => "ttl-zero-during-reassembly",
        (PARAMETER_PROBLEM, 0) => "bad-header",
        (PARAMETER_PROBLEM, 1) => "unknown-header-type",
        (PARAMETER_PROBLEM, 2) => "unknown-option",
        (ECHO_REQUEST, 0) => "echo-request",
        (ECHO_REPLY, 0) => "echo-reply",
        (MLD_QUERY, 0) => "multicast-listener-query",
        (MLD_REPORT, 0) => "multicast-listener-report",
        (MLD_DONE, 0) => "multicast-listener-done",
        (ROUTER_SOLICIT, 0) => "router-solicitation",
        (ROUTER_ADVERT, 0) => "router-advertisement",
        (NEIGHBOUR_SOLICIT, 0) => "neighbour-solicitation",
        (NEIGHBOUR_ADVERT, 0) => "neighbour-advertisement",
        (REDIRECT, 0) => "redirect",
        _ => return None,
    })
}

impl<'a> Icmp6<'a> {
    /// What follows the eight bytes of header.
    pub fn payload(self) -> &'a [u8] {
        &self.0[8..]
    }

    /// The packet an error quotes, as much of it as there is; `None` for types that quote nothing.
    pub fn inner(self) -> Option<&'a [u8]> {
        is_error(self.kind()).then(|| self.payload())
    }
}
