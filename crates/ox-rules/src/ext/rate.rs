//! Rates as `limit` and `hashlimit` write them: so many a second, minute, hour or day.
//!
//! Both keep the time between two packets in parts of a second, so a rate comes back as the nearest that fits: 9999/s
//! with ten thousand parts is 10000/sec.

/// Units with their seconds, shortest last.
const UNITS: [(&str, u64); 4] = [("day", 86_400), ("hour", 3600), ("min", 60), ("sec", 1)];

/// Names of units as they may be typed, any beginning of them in any case.
const TYPED: [(&str, u64); 4] = [("second", 1), ("minute", 60), ("hour", 3600), ("day", 86_400)];

/// A rate as read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rate {
    /// Parts of a second between two packets.
    pub(super) period: u64,
    /// Seconds of the unit it was given in.
    pub(super) unit: u64,
}

/// Reads `N[/UNIT]` where a second has `scale` parts.
pub(super) fn read(text: &str, scale: u64) -> Result<Rate, String> {
    let (count, unit) = match crate::syntax::cut(text, b'/') {
        None => (text, 1),
        Some((count, typed)) => (count, unit(typed)?),
    };
    let number = count.bytes().all(|b| b.is_ascii_digit()).then(|| count.parse::<u32>().ok()).flatten();
    match number {
        None | Some(0) => Err(format!("`{text}' is not a rate: a number above 0 is expected, with /s, /m, /h or /d")),
        Some(n) if scale * unit / u64::from(n) == 0 => Err(format!("`{text}' is too fast: {scale}/s at most")),
        Some(n) => Ok(Rate { period: scale * unit / u64::from(n), unit }),
    }
}

fn unit(typed: &str) -> Result<u64, String> {
    let begins = |name: &str| {
        !typed.is_empty()
            && name.len() >= typed.len()
            && name.as_bytes()[..typed.len()].eq_ignore_ascii_case(typed.as_bytes())
    };
    let found = TYPED.iter().find(|(name, _)| begins(name));
    found.map(|u| u.1).ok_or_else(|| format!("`{typed}' is not a unit: second, minute, hour or day is expected"))
}

/// Count and unit (name and seconds) that stock shows for a period: the shortest unit in which the count comes out well.
pub(super) fn shown(period: u64, scale: u64) -> (u64, &'static str, u64) {
    let period = period.max(1);
    let badly = |seconds: u64| {
        let unit = seconds * scale;
        period > unit || unit / period < unit % period
    };
    let mut at = 0;
    while at + 1 < UNITS.len() && !badly(UNITS[at + 1].1) {
        at += 1;
    }
    (UNITS[at].1 * scale / period, UNITS[at].0, UNITS[at].1)
}

/// What nft calls a unit.
pub(super) fn unit_in_nft(unit: &'static str) -> &'static str {
    match unit {
        "sec" => "second",
        "min" => "minute",
        unit => unit,
    }
}
