//! A ruleset written as JSON, a rule a line.

use super::fields::extension;
use super::value::{print, string};
use super::{NOT, VERSION};
use crate::model::{Chain, Counters, Head, Iface, Inv, References, Rule, Table, Target};
use crate::syntax::list::append_line;
use crate::syntax::names::protocol_name;
use crate::syntax::save::net_as_is;
use crate::syntax::{Form, Out, Print};
use ox_packet::Family;

/// What of some tables is to be written, and how much is said about it.
#[derive(Clone, Copy)]
pub struct JsonOf<'a> {
    /// Family of the ruleset.
    pub family: Family,
    /// Only this chain.
    pub chain: Option<&'a Chain>,
    /// Only this rule of the chain, counted from 1.
    pub rule: Option<usize>,
    /// `-L`: numbers of rules, and how many rules jump to a chain.
    pub listing: bool,
}

/// Text that is handed on before more is made.
const PIECE: usize = 1 << 16;

/// Writes tables. `flush` is called from time to time with what there is, and may take it away.
pub fn json(tables: &[&Table], what: JsonOf<'_>, out: &mut Out, flush: &mut dyn FnMut(&mut Out)) {
    let family = match what.family {
        Family::V4 => "ipv4",
        Family::V6 => "ipv6",
    };
    out.fmt(format_args!("{{\"oxtables\":{VERSION},\"family\":\"{family}\",\"tables\":["));
    let mut writer = Writer { what, line: Out::default(), text: Out::default() };
    for (i, table) in tables.iter().enumerate() {
        out.raw(if i == 0 { "\n{\"name\":" } else { ",\n{\"name\":" });
        string(table.name.name(), out);
        out.raw(",\"chains\":[");
        let refs = what.listing.then(|| table.references());
        let chains = match what.chain {
            Some(chain) => vec![chain],
            None => table.in_order(),
        };
        for (i, chain) in chains.into_iter().enumerate() {
            out.raw(if i == 0 { "\n" } else { ",\n" });
            writer.chain(chain, refs.as_ref(), out, flush);
        }
        out.raw("]}");
    }
    out.raw("]}\n");
    flush(out);
}

struct Writer<'a> {
    what: JsonOf<'a>,
    /// What an extension prints.
    text: Out,
    /// The rule as text.
    line: Out,
}

impl Writer<'_> {
    fn chain(&mut self, chain: &Chain, refs: Option<&References>, out: &mut Out, flush: &mut dyn FnMut(&mut Out)) {
        out.raw("{\"name\":");
        string(chain.name.as_str(), out);
        if let Some(base) = chain.base {
            out.raw(",\"policy\":");
            string(base.policy.name(), out);
            counters(chain.counters, out);
        } else if let Some(refs) = refs {
            out.fmt(format_args!(",\"references\":{}", refs.get(&chain.name).copied().unwrap_or(0)));
        }
        out.raw(",\"rules\":[");
        let mut first = true;
        for (i, rule) in chain.rules.iter().enumerate() {
            if self.what.rule.is_some_and(|at| at != i + 1) {
                continue;
            }
            out.raw(if first { "\n{" } else { ",\n{" });
            first = false;
            if self.what.listing {
                out.fmt(format_args!("\"number\":{},", i + 1));
            }
            self.rule(chain.name.as_str(), rule, out);
            if out.text.len() >= PIECE {
                flush(out);
            }
        }
        out.raw("]}");
    }

    fn rule(&mut self, chain: &str, rule: &Rule, out: &mut Out) {
        let family = self.what.family;
        self.line.text.clear();
        append_line(chain, rule, family, false, &mut self.line);
        out.raw("\"rule\":");
        string(self.line.text.trim_end_matches('\n'), out);
        self.head(&rule.head, out);
        out.raw(",\"matches\":[");
        for (i, m) in rule.matches.iter().enumerate() {
            out.raw(if i == 0 { "" } else { "," });
            self.text.text.clear();
            m.save(&mut self.text, family);
            extension(m.name(), m.desc().map(|d| d.options), &self.text.text, out);
        }
        out.raw("]");
        match &rule.target {
            Target::None => {}
            Target::Jump(chain) | Target::Goto(chain) => {
                let goto = matches!(rule.target, Target::Goto(_));
                out.raw(if goto { ",\"goto\":" } else { ",\"jump\":" });
                string(chain.as_str(), out);
            }
            target => {
                let options = match target {
                    Target::Foreign(_) => None,
                    target => Some(target.options()),
                };
                out.raw(",\"target\":");
                self.text.text.clear();
                target.save(&mut self.text, family);
                extension(target.name(), options, &self.text.text, out);
            }
        }
        counters(rule.counters, out);
        out.raw("}");
    }

    fn head(&mut self, head: &Head, out: &mut Out) {
        let Head { src, dst, iif, oif, proto, frag } = *head;
        for (name, net) in [("source", src), ("destination", dst)] {
            if !net.is.is_any() || net.not {
                self.text.text.clear();
                net_as_is(net.is, self.what.family, &mut self.text);
                field(name, net.not, Form::Text, &self.text.text, out);
            }
        }
        for (name, Inv { is, not }) in [("in_interface", iif), ("out_interface", oif)] {
            if !is.is_any() || not {
                self.text.text.clear();
                Iface::print(&is, &mut self.text);
                field(name, not, Form::Text, &self.text.text, out);
            }
        }
        if !proto.is_default() {
            self.text.text.clear();
            match protocol_name(proto.is.0) {
                Some(name) => self.text.raw(name),
                None => self.text.dec(proto.is.0.into()),
            }
            field("protocol", proto.not, Form::Number, &self.text.text, out);
        }
        if let Some(further) = frag {
            out.raw(if further { ",\"fragment\":true" } else { ",\"fragment\":{\"not\":true}" });
        }
    }
}

fn field(name: &str, not: bool, form: Form, word: &str, out: &mut Out) {
    out.fmt(format_args!(",\"{name}\":"));
    if not {
        out.fmt(format_args!("{{\"{NOT}\":"));
    }
    print(form, word, out);
    out.raw(if not { "}" } else { "" });
}

fn counters(Counters { packets, bytes }: Counters, out: &mut Out) {
    out.raw(",\"counters\":{\"packets\":");
    out.dec(packets);
    out.raw(",\"bytes\":");
    out.dec(bytes);
    out.raw("}");
}
