//! Printing a rule as `-S` and `iptables-save` do.

use super::names::protocol_name;
use super::{Out, Print};
use crate::ext;
use crate::model::{Head, Iface, Net, Rule, Standard, Target};
use ox_packet::Family;

/// Prints everything of a rule behind `-A CHAIN`, with `-c P B` before the target if `counters`.
pub fn save_rule(rule: &Rule, family: Family, counters: bool, out: &mut Out) {
    print_head(&rule.head, family, out);
    for m in &rule.matches {
        ext::save_match(m, family, out);
    }
    if counters {
        out.opt(false, "-c", rule.counters.packets);
        out.value(rule.counters.bytes);
    }
    save_target(&rule.target, family, out);
}

/// Prints `-j …` or `-g …`.
pub fn save_target(target: &Target, family: Family, out: &mut Out) {
    match target {
        Target::None => {}
        Target::Jump(name) => out.opt(false, "-j", name.as_str()),
        Target::Goto(name) => out.opt(false, "-g", name.as_str()),
        Target::Standard(s) => out.opt(false, "-j", s.name()),
        other => ext::save_target(other, family, out),
    }
}

/// Prints `-s -d -i -o -p -f`.
pub fn print_head(head: &Head, family: Family, out: &mut Out) {
    let Head { src, dst, iif, oif, proto, frag } = head;
    for (net, flag) in [(src, "-s"), (dst, "-d")] {
        if !net.is.is_any() || net.not {
            out.flag(net.not, flag);
            out.raw(" ");
            net_as_is(net.is, family, out);
        }
    }
    for (iface, flag) in [(iif, "-i"), (oif, "-o")] {
        if !iface.is.is_any() || iface.not {
            out.flag(iface.not, flag);
            match iface.is.is_wild() {
                false => out.guarded(&iface.is.stem()),
                true => out.guarded(&format!("{}+", iface.is.stem())),
            }
        }
    }
    if !proto.is_default() {
        match protocol_name(proto.is.0) {
            Some(name) => out.opt(proto.not, "-p", name),
            None => out.opt(proto.not, "-p", proto.is.0),
        }
    }
    if let Some(further) = *frag {
        out.flag(!further, "-f");
    }
}

/// A network with its mask, which is a length where it can be one.
pub(super) fn net_as_is(net: Net, family: Family, out: &mut Out) {
    out.addr(family, net.addr());
    out.raw("/");
    match net.prefix_len(family) {
        Some(len) => out.dec(len.into()),
        None => out.addr(family, net.mask()),
    }
}

impl Print for Iface {
    fn print(&self, out: &mut Out) {
        out.raw(&self.stem());
        if self.is_wild() {
            out.raw("+");
        }
    }
}

impl Standard {
    /// The name after `-j`.
    pub const fn name(self) -> &'static str {
        match self {
            Standard::Accept => "ACCEPT",
            Standard::Drop => "DROP",
            Standard::Return => "RETURN",
            Standard::Queue => "QUEUE",
        }
    }
}
