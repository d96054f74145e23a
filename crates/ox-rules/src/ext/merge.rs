//! What iptables-nft makes of several tcp or udp matches in one rule.
//!
//! It writes ports and flags as payload expressions, and reading them back gives one match where the first of them
//! stood. Conditions for which it writes nothing (every port, no flag) are gone. Two conditions on the same part of the
//! header stay two matches here: see `deviations/two-conditions-on-one-field.toml`.

use super::Match;
use crate::ir::Dialect;

/// Changes a rule's matches to what reading the rule back from nf_tables gives.
pub fn as_nft_writes(matches: &mut Vec<Match>) {
    let says_something = |m: &mut Match| match m {
        Match::Tcp(tcp) => {
            let written = tcp.written();
            // Nearly always it is as it was.
            if written == *tcp || !tcp.is_native(Dialect::Nft) {
                return true;
            }
            *tcp = written;
            tcp.is_native(Dialect::Nft)
        }
        Match::Udp(udp) => {
            let written = udp.written();
            if written == *udp || !udp.is_native(Dialect::Nft) {
                return true;
            }
            *udp = written;
            udp.is_native(Dialect::Nft)
        }
        _ => true,
    };
    if let [one] = matches.as_mut_slice() {
        if !says_something(one) {
            matches.clear();
        }
        return;
    }
    matches.retain_mut(says_something);
    let mut i = 0;
    while i < matches.len() {
        let mut j = i + 1;
        while j < matches.len() {
            match merged(&matches[i], &matches[j]) {
                Some(one) => {
                    matches[i] = one;
                    matches.remove(j);
                }
                None => j += 1,
            }
        }
        i += 1;
    }
}

fn merged(a: &Match, b: &Match) -> Option<Match> {
    match (a, b) {
        (Match::Tcp(a), Match::Tcp(b)) if a.is_native(Dialect::Nft) && b.is_native(Dialect::Nft) => {
            a.merged(b).map(Match::Tcp)
        }
        (Match::Udp(a), Match::Udp(b)) if a.is_native(Dialect::Nft) && b.is_native(Dialect::Nft) => {
            a.merged(b).map(Match::Udp)
        }
        _ => None,
    }
}
