//! Protocol numbers and their names.
//!
//! ABI: uapi/linux/in.h `IPPROTO_*`, uapi/linux/in6.h. Names are those of /etc/protocols.

macro_rules! protocols {
    ($( $(#[$doc:meta])* $konst:ident = $number:literal $name:literal $( | $alias:literal )*; )*) => {
        $( $(#[$doc])* pub const $konst: u8 = $number; )*

        /// The usual name of a protocol number.
        pub fn name(number: u8) -> Option<&'static str> {
            match number {
                $( $number => Some($name), )*
                _ => None,
            }
        }

        /// The number of a protocol name, case ignored.
        pub fn number(name: &str) -> Option<u8> {
            $( if [$name $(, $alias)*].iter().any(|n| n.eq_ignore_ascii_case(name)) { return Some($number); } )*
            None
        }
    };
}

protocols! {
    /// IPv6 hop-by-hop options; as an IPv4 protocol number it is the dummy "ip".
    HOPOPTS = 0 "ip" | "hopopt";
    /// ICMP.
    ICMP = 1 "icmp";
    /// IGMP.
    IGMP = 2 "igmp";
    /// IPv4 in IP.
    IPIP = 4 "ipencap" | "ipip" | "ip-encap";
    /// TCP.
    TCP = 6 "tcp";
    /// EGP.
    EGP = 8 "egp";
    /// UDP.
    UDP = 17 "udp";
    /// DCCP.
    DCCP = 33 "dccp";
    /// IPv6 in IP.
    IPV6 = 41 "ipv6";
    /// IPv6 routing header.
    ROUTING = 43 "ipv6-route";
    /// IPv6 fragment header.
    FRAGMENT = 44 "ipv6-frag";
    /// RSVP.
    RSVP = 46 "rsvp";
    /// GRE.
    GRE = 47 "gre";
    /// Encapsulating security payload.
    ESP = 50 "esp" | "ipsec-esp";
    /// Authentication header.
    AH = 51 "ah" | "ipsec-ah";
    /// ICMPv6.
    ICMPV6 = 58 "ipv6-icmp" | "icmpv6" | "icmp6";
    /// IPv6: nothing follows.
    NONE = 59 "ipv6-nonxt";
    /// IPv6 destination options.
    DSTOPTS = 60 "ipv6-opts";
    /// OSPF.
    OSPF = 89 "ospf" | "ospfigp";
    /// PIM.
    PIM = 103 "pim";
    /// IP payload compression.
    IPCOMP = 108 "ipcomp";
    /// VRRP.
    VRRP = 112 "vrrp";
    /// L2TP.
    L2TP = 115 "l2tp";
    /// SCTP.
    SCTP = 132 "sctp";
    /// IPv6 mobility header.
    MH = 135 "mobility-header" | "ipv6-mh" | "mh";
    /// UDP-Lite.
    UDPLITE = 136 "udplite";
    /// MPLS in IP.
    MPLS = 137 "mpls-in-ip";
}

/// Whether the protocol's header starts with a source and a destination port.
#[inline]
pub fn has_ports(proto: u8) -> bool {
    matches!(proto, TCP | UDP | UDPLITE | SCTP | DCCP)
}

/// The least number of bytes the kernel's matches want of a transport header; 0 where none reads it.
#[inline]
pub fn min_header(proto: u8) -> usize {
    match proto {
        TCP => 20,
        SCTP | DCCP | AH => 12,
        UDP | UDPLITE | ICMP | ICMPV6 | ESP => 8,
        MH => 6,
        GRE => 4,
        _ => 0,
    }
}
