//! What a line of restore text is made of: counters, words and where they stand, names of targets.

use super::{TextFault, TextTrouble};
use crate::model::Counters;
use crate::syntax::{Trouble, decimal_u64, split_words};
use ox_packet::Family;

/// Whether a name is that of a target we do not have, and not that of a chain somebody forgot.
pub(super) fn is_target_name(name: &str) -> bool {
    const STOCK: &[&str] = &[
        "AUDIT",
        "BALANCE",
        "CHECKSUM",
        "CLASSIFY",
        "CLUSTERIP",
        "CONNMARK",
        "CONNSECMARK",
        "CT",
        "DNAT",
        "DNPT",
        "DSCP",
        "ECN",
        "HL",
        "HMARK",
        "IDLETIMER",
        "LED",
        "LOG",
        "MARK",
        "MASQUERADE",
        "MIRROR",
        "NETMAP",
        "NFLOG",
        "NFQUEUE",
        "NOTRACK",
        "RATEEST",
        "REDIRECT",
        "REJECT",
        "ROUTE",
        "SAME",
        "SECMARK",
        "SET",
        "SNAT",
        "SNPT",
        "SYNPROXY",
        "TCPMSS",
        "TARPIT",
        "TCPOPTSTRIP",
        "TEE",
        "TOS",
        "TPROXY",
        "TRACE",
        "TTL",
        "ULOG",
    ];
    STOCK.contains(&name)
}

/// `[packets:bytes]` before a rule, without the brackets, and what follows.
pub(in crate::syntax) fn counted(line: &str) -> (Option<&str>, &str) {
    match line.trim_start().strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((inside, body)) if !inside.is_empty() => (Some(inside), body),
        _ => (None, line),
    }
}

/// Where a word of a line is in it, and how long. `body` is the part of the line that has the words.
pub(in crate::syntax) fn word_span(line: &str, body: &str, word: usize) -> Option<(usize, usize)> {
    let mut split = Vec::new();
    // The line was split once already, so it can be again.
    let _ = split_words(body, &mut split);
    let at = split.get(word)?.at;
    let end = split.get(word + 1).map_or(body.trim_end().len(), |next| body[..next.at].trim_end().len());
    Some((at + line.len() - body.len(), end.saturating_sub(at).max(1)))
}

/// A fault of a line's words.
pub(in crate::syntax) fn at_word(number: u32, line: &str, body: &str, trouble: Trouble) -> Box<TextFault> {
    let span = trouble.word().and_then(|word| word_span(line, body, word));
    Box::new(TextFault { span, ..TextFault::new(number, TextTrouble::Command(trouble)) })
}

/// Whether a line says that it is for the other family. Not where the word is an option's argument.
pub(in crate::syntax) fn other_family(words: &[&str], family: Family) -> bool {
    let other = match family {
        Family::V4 => ["-6", "--ipv6"],
        Family::V6 => ["-4", "--ipv4"],
    };
    let says = |w: &str| w.len() == other[0].len() && w == other[0] || w == other[1];
    words.iter().enumerate().any(|(i, w)| says(w) && (i == 0 || !words[i - 1].starts_with('-')))
}

/// `[packets:bytes]`
pub(super) fn read_counters(text: &str) -> Option<Counters> {
    let inside = text.strip_prefix('[')?;
    // Stock does not miss the second bracket.
    read_pair(inside.strip_suffix(']').unwrap_or(inside))
}

pub(super) fn read_pair(text: &str) -> Option<Counters> {
    let (packets, bytes) = text.split_once(':')?;
    let count = |text| decimal_u64(text, u64::MAX);
    Some(Counters { packets: count(packets)?, bytes: count(bytes)? })
}
