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
