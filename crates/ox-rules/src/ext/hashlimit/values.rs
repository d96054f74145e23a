//! What the options of `-m hashlimit` take: rates, bursts, what has a limit of its own, lengths of masks.
use super::super::plen;
use super::super::prelude::*;
use super::super::rate;

/// Packets or bytes in a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Rate {
    /// Millionths of a second between packets, and the seconds of the unit it was given in.
    Packets { period: u64, unit: u64 },
    /// Cost of sixteen bytes.
    Bytes { cost: u32 },
}

impl Default for Rate {
    fn default() -> Self {
        Rate::Packets { period: 0, unit: 1 }
    }
}

impl Value for Rate {
    const HINT: &'static str = "RATE";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let text = args[0];
        if let Some(bytes) = text.strip_suffix("b/s") {
            // 0 too: that is how a rate below 16 bytes is printed, and what was saved can be read.
            let bytes = read_bytes(bytes).ok_or_else(|| format!("`{text}' is not a rate in bytes, like 512kb/s"))?;
            return match u32::try_from(bytes_to_cost(bytes)) {
                Ok(cost @ 1..) => Ok(Rate::Bytes { cost }),
                _ => Err(format!("`{text}' is too fast")),
            };
        }
        let rate::Rate { period, unit } = rate::read(text, SCALE)?;
        Ok(Rate::Packets { period, unit })
    }
}

/// What sixteen bytes cost at so many bytes a second; smaller parts of the rate are lost.
pub(super) fn bytes_to_cost(bytes: u64) -> u64 {
    u64::from(u32::MAX) / (bytes / 16 + 1)
}

/// Bytes a second that a cost stands for.
pub(super) fn cost_to_bytes(cost: u32) -> u64 {
    u64::from((u32::MAX / cost.max(1)).wrapping_sub(1)) << 4
}

/// What the packets of one limit have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Mode {
    pub(super) srcip: bool,
    pub(super) srcport: bool,
    pub(super) dstip: bool,
    pub(super) dstport: bool,
}

impl Value for Mode {
    const FORMS: &'static [Form] = &[Form::Texts];
    const HINT: &'static str = "srcip|srcport|dstip|dstport,…";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let mut mode = Self::default();
        for part in args[0].split(',').filter(|_| !args[0].is_empty()) {
            match part {
                "srcip" => mode.srcip = true,
                "srcport" => mode.srcport = true,
                "dstip" => mode.dstip = true,
                "dstport" => mode.dstport = true,
                other => return Err(format!("`{other}' is not a mode: srcip, srcport, dstip or dstport is expected")),
            }
        }
        Ok(mode)
    }
}

impl Mode {
    pub(super) fn print(self, between: &str, out: &mut Out) {
        let Self { srcip, srcport, dstip, dstport } = self;
        let mut first = true;
        for (on, name) in [(srcip, "srcip"), (srcport, "srcport"), (dstip, "dstip"), (dstport, "dstport")] {
            if on {
                out.raw(if first { "" } else { between });
                out.raw(name);
                first = false;
            }
        }
    }
}

/// `512k`, `1m`, `1000`
fn read_bytes(text: &str) -> Option<u64> {
    let (digits, factor) = match text.as_bytes().last()? {
        b'k' => (&text[..text.len() - 1], 1 << 10),
        b'm' => (&text[..text.len() - 1], 1 << 20),
        _ => (text, 1),
    };
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    number_u64(digits, u64::MAX)?.checked_mul(factor)
}

pub(super) struct Burst(pub(super) u64);

impl Value for Burst {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "N";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let text = args[0].strip_suffix('b').unwrap_or(args[0]);
        match read_bytes(text) {
            Some(n @ 1..) if n <= u32::MAX.into() => Ok(Self(n)),
            _ => Err(format!("`{}' is not a burst: a number of packets or, like 512kb, of bytes is expected", args[0])),
        }
    }
}

/// Bits of an address; stock leaves it to the kernel to refuse more than an IPv4 address has.
pub(super) struct Bits(pub(super) u8);

impl Value for Bits {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "LENGTH|MASK";
    fn read(args: &[&str], _: bool, cx: &Reading<'_>) -> Result<Self, String> {
        match number(args[0], 128) {
            Some(n) => Ok(Self(n as u8)),
            None => plen::read(args[0], cx.family).map(Self),
        }
    }
}

pub(super) struct Interval(pub(super) u32);

impl Value for Interval {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "SECONDS";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        match decimal(args[0], i32::MAX as u32) {
            Some(n @ 1..) => Ok(Self(n)),
            _ => Err(format!("`{}' is not a number of seconds from 1 to {}", args[0], i32::MAX)),
        }
    }
}

/// Parts of a second (`XT_HASHLIMIT_SCALE_v2`).
pub(super) const SCALE: u64 = 1_000_000;

/// Bytes in the largest unit of nft's that loses nothing.
pub(super) fn in_nft(bytes: u64) -> String {
    match bytes {
        b if b != 0 && b % (1 << 20) == 0 => format!("{} mbytes", b >> 20),
        b if b != 0 && b % (1 << 10) == 0 => format!("{} kbytes", b >> 10),
        b => format!("{b} bytes"),
    }
}

/// The largest unit that `fits`, bytes below it cut off.
pub(super) fn print_bytes(bytes: u64, fits: impl Fn(u64) -> bool, out: &mut Out) {
    let whole = |unit: u64| bytes >= unit && fits(bytes / unit * unit);
    let (unit, name) = match () {
        () if whole(1 << 20) => (1 << 20, "m"),
        () if whole(1 << 10) => (1 << 10, "k"),
        () => (1, ""),
    };
    out.fmt(format_args!("{}{name}b", bytes / unit));
}
