//! A prefix length as conntrack, hashlimit and connlimit take it: a number of bits, or a mask that is one.
use super::prelude::*;

/// Bits of an address of a family.
pub(super) fn width(family: Family) -> u8 {
    match family {
        Family::V4 => 32,
        Family::V6 => 128,
    }
}

/// Reads `24` or `255.255.255.0`.
pub(super) fn read(text: &str, family: Family) -> Result<u8, String> {
    let width = width(family);
    let len = number(text, width.into()).map(|n| n as u8);
    len.or_else(|| Net::new(0, read_addr(text, family)?).prefix_len(family))
        .ok_or_else(|| format!("`{text}' is not a mask: a length from 0 to {width} or an unbroken mask is expected"))
}

/// A prefix length as an option's argument.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Plen(pub(super) u8);

impl Value for Plen {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "LENGTH|MASK";
    fn read(args: &[&str], _: bool, cx: &Reading<'_>) -> Result<Self, String> {
        read(args[0], cx.family).map(Self)
    }
}

/// What a name in /proc must not be (Kernel: net/netfilter/x_tables.c `xt_check_proc_name`).
pub(super) fn bad_proc_name(name: &str) -> Option<Refused> {
    (name.is_empty() || name == "." || name == ".." || name.contains('/'))
        .then(|| Refused::invalid(format!("`{name}' cannot be the name of a file, which this name becomes")))
}
