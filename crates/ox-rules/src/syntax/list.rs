//! Listings: `-L`, `-S`, and the echo of a rule that `-v` asks for.
//!
//! Facts: columns, widths and suffixes as iptables 1.8.9 prints them.

use super::{Names, Out, Show, save_rule};
use crate::ir::Dialect;
use crate::model::{Chain, Head, Iface, Inv, Net, Policy, References, Rule, Table, Target};
use ox_packet::Family;

/// How to list.
#[derive(Clone, Copy)]
pub struct Listing<'a> {
    /// Family of the ruleset.
    pub family: Family,
    /// Whose columns.
    pub dialect: Dialect,
    /// `-n`
    pub numeric: bool,
    /// `-v`: counters and interfaces.
    pub counters: bool,
    /// `-x`: counters to the last digit.
    pub exact: bool,
    /// `--line-numbers`
    pub lines: bool,
    /// Who knows names.
    pub names: &'a dyn Names,
}

impl Listing<'_> {
    /// `-L`, of the whole table, one chain, or one rule of it.
    pub fn table(&self, table: &Table, chain: Option<&Chain>, rule: Option<usize>, out: &mut Out) {
        let mut scratch = Out::default();
        if let (Some(chain), Some(at)) = (chain, rule) {
            if let Some(rule) = chain.rules.get(at.wrapping_sub(1)) {
                self.row(at, rule, out, &mut scratch);
            }
            return;
        }
        let refs = table.references();
        let chains = match chain {
            Some(chain) => vec![chain],
            None => table.in_order(),
        };
        for (i, chain) in chains.into_iter().enumerate() {
            if i > 0 {
                out.raw("\n");
            }
            self.header(chain, &refs, out);
            for (i, rule) in chain.rules.iter().enumerate() {
                self.row(i + 1, rule, out, &mut scratch);
            }
        }
    }

    fn header(&self, chain: &Chain, refs: &References, out: &mut Out) {
        out.raw("Chain ");
        out.raw(chain.name.as_str());
        match chain.base {
            Some(base) => {
                out.raw(" (policy ");
                out.raw(base.policy.name());
                if self.counters {
                    out.raw(" ");
                    self.number(chain.counters.packets, 0, out);
                    out.raw("packets, ");
                    self.number(chain.counters.bytes, 0, out);
                    out.raw("bytes");
                }
                out.raw(")\n");
            }
            None => out.fmt(format_args!(" ({} references)\n", refs.get(&chain.name).copied().unwrap_or(0))),
        }
        if self.lines {
            out.raw("num  ");
        }
        if self.counters {
            out.raw(if self.exact { "    pkts      bytes " } else { " pkts bytes " });
        }
        out.raw("target     prot opt ");
        if self.counters {
            out.raw("in     out    ");
            out.raw(" ");
        }
        out.raw("source               destination         \n");
    }

    /// A count in the kernel's style: five digits, then thousands, millions and so on.
    fn number(&self, n: u64, width: usize, out: &mut Out) {
        if self.exact {
            let width = if width == 0 { 0 } else { 8 };
            return out.fmt(format_args!("{n:width$} "));
        }
        if n <= 99_999 {
            return out.fmt(format_args!("{n:width$} "));
        }
        let width = width.saturating_sub(1);
        let mut n = n;
        for (i, suffix) in ['K', 'M', 'G', 'T'].into_iter().enumerate() {
            n = n / 1000 + u64::from(n % 1000 >= 500);
            if n <= 9_999 || i == 3 {
                return out.fmt(format_args!("{n:width$}{suffix} "));
            }
        }
    }

    fn row(&self, number: usize, rule: &Rule, out: &mut Out, scratch: &mut Out) {
        if self.lines {
            out.fmt(format_args!("{number:<4} "));
        }
        if self.counters {
            self.number(rule.counters.packets, 5, out);
            self.number(rule.counters.bytes, 5, out);
        }
        let target = rule.target.desc().map_or(rule.target.name(), |d| d.listed);
        out.fmt(format_args!("{target:<9} "));
        let Head { src, dst, iif, oif, proto, frag } = rule.head;
        out.raw(if proto.not { "!" } else { " " });
        if self.numeric {
            out.fmt(format_args!("{:<4} ", proto.is.0));
        } else {
            out.fmt(format_args!("{:<4} ", self.protocol(proto.is.0)));
        }
        out.raw(if frag == Some(false) { "!" } else { "-" });
        out.raw(if frag.is_some() { "f " } else { "- " });
        if self.counters {
            out.fmt(format_args!(" {:<6} ", self.iface(iif, self.numeric)));
            out.fmt(format_args!("{:<6} ", self.iface(oif, self.numeric)));
        }
        for net in [src, dst] {
            out.raw(if net.not { "!" } else { " " });
            scratch.text.clear();
            self.net(net.is, scratch);
            out.fmt(format_args!("{:<19} ", scratch.text));
        }
        self.rest(rule, out, scratch);
        out.raw("\n");
    }

    /// What stands behind the columns.
    fn rest(&self, rule: &Rule, out: &mut Out, scratch: &mut Out) {
        if matches!(rule.target, Target::Goto(_)) {
            out.raw("[goto] ");
        }
        let show = Show { numeric: self.numeric, names: self.names, family: self.family, proto: rule.head.proto.is.0 };
        let mut add = |print: &dyn Fn(&mut Out)| {
            scratch.text.clear();
            print(scratch);
            if !scratch.text.is_empty() {
                out.raw(" ");
                out.raw(&scratch.text);
            }
        };
        for m in &rule.matches {
            add(&|s| m.list(s, &show));
        }
        add(&|s| rule.target.list(s, &show));
    }

    fn protocol(&self, number: u8) -> String {
        let known = if number == 0 { None } else { self.names.protocol_name(number) };
        known.or_else(|| super::names::protocol_name(number).map(str::to_owned)).unwrap_or_else(|| number.to_string())
    }

    fn iface(&self, iface: Inv<Iface>, numeric: bool) -> String {
        let not = if iface.not { "!" } else { "" };
        let wild = iface.is.is_wild() && (self.dialect == Dialect::Legacy || iface.not || !iface.is.is_any());
        match (iface.is.is_any(), wild, numeric) {
            (true, false, true) => format!("{not}*"),
            (true, false, false) => format!("{not}any"),
            (_, wild, _) => format!("{not}{}{}", iface.is.stem(), if wild { "+" } else { "" }),
        }
    }

    fn net(&self, net: Net, out: &mut Out) {
        if net.mask() == 0 && !self.numeric {
            return out.raw("anywhere");
        }
        match Some(net.addr()).filter(|_| !self.numeric).and_then(|a| self.names.host_name(a, self.family)) {
            Some(name) => out.raw(&name),
            None => out.addr(self.family, net.addr()),
        }
        let width = if self.family == Family::V4 { 32 } else { 128 };
        match net.prefix_len(self.family) {
            Some(len) if len == width => {}
            Some(len) => out.fmt(format_args!("/{len}")),
            None => {
                out.raw("/");
                out.addr(self.family, net.mask());
            }
        }
    }

    /// The line that `-v` prints for a rule that a command names.
    pub fn echo(&self, rule: &Rule, out: &mut Out) {
        let Head { src, dst, iif, oif, proto, frag } = rule.head;
        let numeric = Self { numeric: true, ..*self };
        let mut scratch = Out::default();
        out.raw(rule.target.name());
        out.raw(if proto.not { " !" } else { "  " });
        match super::names::protocol_name(proto.is.0) {
            Some(name) => out.raw(name),
            None => out.dec(proto.is.0.into()),
        }
        out.raw(" opt ");
        out.raw(if frag == Some(false) { "!" } else { "-" });
        out.raw(if frag.is_some() { "f" } else { "-" });
        out.fmt(format_args!(" in {} out {} ", self.iface(iif, true), self.iface(oif, true)));
        out.raw(if src.not { "!" } else { " " });
        numeric.net(src.is, &mut scratch);
        out.raw(&scratch.text);
        out.raw(if dst.not { " !" } else { "  " });
        out.raw("-> ");
        scratch.text.clear();
        numeric.net(dst.is, &mut scratch);
        out.raw(&scratch.text);
        out.raw("  ");
        numeric.rest(rule, out, &mut scratch);
        out.raw("\n");
    }
}

/// `-S`, of the whole table, one chain, or one rule of it.
pub fn list_rules(
    table: &Table,
    chain: Option<&Chain>,
    rule: Option<usize>,
    family: Family,
    counters: bool,
    out: &mut Out,
) {
    let chains = match chain {
        Some(chain) => vec![chain],
        None => table.in_order(),
    };
    if rule.is_none() {
        for chain in &chains {
            match chain.base {
                Some(base) => {
                    out.fmt(format_args!("-P {} {}", chain.name.as_str(), base.policy.name()));
                    if counters {
                        out.fmt(format_args!(" -c {} {}", chain.counters.packets, chain.counters.bytes));
                    }
                }
                None => out.fmt(format_args!("-N {}", chain.name.as_str())),
            }
            out.raw("\n");
        }
    }
    for chain in chains {
        for (i, r) in chain.rules.iter().enumerate() {
            if rule.is_some_and(|at| at != i + 1) {
                continue;
            }
            append_line(chain.name.as_str(), r, family, counters, out);
        }
    }
}

/// `-A CHAIN RULE` and a line end.
pub(super) fn append_line(chain: &str, rule: &Rule, family: Family, counters: bool, out: &mut Out) {
    out.raw("-A ");
    out.raw(chain);
    save_rule(rule, family, counters, out);
    out.raw("\n");
}

/// `:CHAIN POLICY [packets:bytes]` and a line end.
pub(super) fn chain_line(chain: &Chain, out: &mut Out) {
    out.raw(":");
    out.raw(chain.name.as_str());
    out.raw(" ");
    out.raw(chain.base.map_or("-", |b| Policy::name(b.policy)));
    out.raw(" [");
    out.dec(chain.counters.packets);
    out.raw(":");
    out.dec(chain.counters.bytes);
    out.raw("]\n");
}
