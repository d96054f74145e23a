//! The settings of connection tracking: timeouts and switches, by the names of their sysctls.
//!
//! Kernel: net/netfilter/nf_conntrack_standalone.c `nf_ct_sysctl_table`; the defaults are those of the nf_conntrack_proto_*.c
//! files, read back from a 6.18 kernel's /proc/sys/net/netfilter.

use super::tcp;

/// Nanoseconds in a second.
pub(crate) const SECOND: u64 = 1_000_000_000;

/// Timeouts of every protocol in nanoseconds; also what a timeout policy (`-j CT --timeout`) holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP by state number, then after too many retransmissions ([`tcp::RETRANS`]), then with unacknowledged data
    /// ([`tcp::UNACK`]).
    pub tcp: [u64; 14],
    /// UDP and UDP-Lite: one way only; both ways.
    pub udp: [u64; 2],
    /// ICMP.
    pub icmp: u64,
    /// ICMPv6.
    pub icmp6: u64,
    /// GRE: one way only; both ways.
    pub gre: [u64; 2],
    /// SCTP by state number.
    pub sctp: [u64; 9],
    /// Everything else.
    pub generic: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = |of: u64| of * SECOND;
        Self {
            tcp: [0, 120, 60, 432_000, 120, 60, 30, 120, 10, 120, 0, 0, 300, 300].map(seconds),
            udp: [30, 120].map(seconds),
            icmp: seconds(30),
            icmp6: seconds(30),
            gre: [30, 180].map(seconds),
            sctp: [0, 10, 3, 3, 210, 3, 3, 3, 30].map(seconds),
            generic: seconds(600),
        }
    }
}

/// What an administrator may set (`net.netfilter.nf_conntrack_*`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Timeouts where no policy says otherwise.
    pub timeouts: Timeouts,
    /// Packets that come in with a wrong checksum are invalid.
    pub checksum: bool,
    /// Count packets and bytes of connections.
    pub acct: bool,
    /// Most connections at a time; 0 is no limit.
    pub max: u32,
    /// Pick up TCP connections that are under way.
    pub tcp_loose: bool,
    /// Only RSTs out of window are invalid.
    pub tcp_be_liberal: bool,
    /// Any RST closes.
    pub tcp_ignore_invalid_rst: bool,
    /// Retransmissions in a row that shorten a timeout.
    pub tcp_max_retrans: u8,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timeouts: Timeouts::default(),
            checksum: true,
            acct: false,
            max: 262_144,
            tcp_loose: true,
            tcp_be_liberal: false,
            tcp_ignore_invalid_rst: false,
            tcp_max_retrans: 3,
        }
    }
}

impl Settings {
    /// Sets what the sysctl of this name (`nf_conntrack_udp_timeout`, with or without `net.netfilter.`) sets. False if
    /// there is none of that name here or the value does not fit.
    pub fn set(&mut self, name: &str, value: u64) -> bool {
        let name = name.strip_prefix("net.netfilter.").or(name.strip_prefix("net/netfilter/")).unwrap_or(name);
        let Some(name) = name.strip_prefix("nf_conntrack_") else { return false };
        if let Some(slot) = self.timeouts.slot(name) {
            return value.checked_mul(SECOND).map(|value| *slot = value).is_some();
        }
        let switch = match name {
            "checksum" => &mut self.checksum,
            "acct" => &mut self.acct,
            "tcp_loose" => &mut self.tcp_loose,
            "tcp_be_liberal" => &mut self.tcp_be_liberal,
            "tcp_ignore_invalid_rst" => &mut self.tcp_ignore_invalid_rst,
            "max" => return u32::try_from(value).map(|value| self.max = value).is_ok(),
            "tcp_max_retrans" => return u8::try_from(value).map(|value| self.tcp_max_retrans = value).is_ok(),
            _ => return false,
        };
        if value <= 1 {
            *switch = value == 1;
        }
        value <= 1
    }
}

impl Timeouts {
    fn slot(&mut self, name: &str) -> Option<&mut u64> {
        Some(match name {
            "udp_timeout" => &mut self.udp[0],
            "udp_timeout_stream" => &mut self.udp[1],
            "icmp_timeout" => &mut self.icmp,
            "icmpv6_timeout" => &mut self.icmp6,
            "generic_timeout" => &mut self.generic,
            "gre_timeout" => &mut self.gre[0],
            "gre_timeout_stream" => &mut self.gre[1],
            "tcp_timeout_syn_sent" => &mut self.tcp[usize::from(tcp::SYN_SENT)],
            "tcp_timeout_syn_recv" => &mut self.tcp[usize::from(tcp::SYN_RECV)],
            "tcp_timeout_established" => &mut self.tcp[usize::from(tcp::ESTABLISHED)],
            "tcp_timeout_fin_wait" => &mut self.tcp[usize::from(tcp::FIN_WAIT)],
            "tcp_timeout_close_wait" => &mut self.tcp[usize::from(tcp::CLOSE_WAIT)],
            "tcp_timeout_last_ack" => &mut self.tcp[usize::from(tcp::LAST_ACK)],
            "tcp_timeout_time_wait" => &mut self.tcp[usize::from(tcp::TIME_WAIT)],
            "tcp_timeout_close" => &mut self.tcp[usize::from(tcp::CLOSE)],
            "tcp_timeout_max_retrans" => &mut self.tcp[tcp::RETRANS],
            "tcp_timeout_unacknowledged" => &mut self.tcp[tcp::UNACK],
            "sctp_timeout_closed" => &mut self.sctp[1],
            "sctp_timeout_cookie_wait" => &mut self.sctp[2],
            "sctp_timeout_cookie_echoed" => &mut self.sctp[3],
            "sctp_timeout_established" => &mut self.sctp[4],
            "sctp_timeout_shutdown_sent" => &mut self.sctp[5],
            "sctp_timeout_shutdown_recd" => &mut self.sctp[6],
            "sctp_timeout_shutdown_ack_sent" => &mut self.sctp[7],
            "sctp_timeout_heartbeat_sent" => &mut self.sctp[8],
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_found_by_their_sysctl_names() {
        let mut s = Settings::default();
        assert!(s.set("net.netfilter.nf_conntrack_udp_timeout", 5));
        assert!(s.set("nf_conntrack_tcp_timeout_unacknowledged", 7));
        assert!(s.set("nf_conntrack_tcp_loose", 0));
        assert!(s.set("nf_conntrack_max", 10));
        assert_eq!((s.timeouts.udp[0], s.timeouts.tcp[13], s.tcp_loose, s.max), (5 * SECOND, 7 * SECOND, false, 10));
        assert!(!s.set("nf_conntrack_nonsense", 1));
        assert!(!s.set("udp_timeout", 1));
        assert!(!s.set("nf_conntrack_max", 1 << 40));
    }
}
