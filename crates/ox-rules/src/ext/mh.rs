//! `-m mh`: the message type of a mobility header.
//!
//! Kernel: net/ipv6/netfilter/ip6t_mh.c; ABI: uapi/linux/netfilter_ipv6/ip6t_mh.h.
use super::prelude::*;
use ox_wire::xtables::ipv6::Ip6tMh;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mh {
    kind: Inv<Types>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Types {
    lo: u8,
    hi: u8,
}

impl Default for Types {
    fn default() -> Self {
        Self { lo: 0, hi: 255 }
    }
}

/// Names by number, with their short forms.
const NAMES: [(&str, &str); 8] = [
    ("binding-refresh-request", "brr"),
    ("home-test-init", "hoti"),
    ("careof-test-init", "coti"),
    ("home-test", "hot"),
    ("careof-test", "cot"),
    ("binding-update", "bu"),
    ("binding-acknowledgement", "ba"),
    ("binding-error", "be"),
];

options! { Mh;
    /// Message type by number or name, or first and last of a range.
    TYPE ["mh-type"] Inv<Types> => |m, v| m.kind = v;
}

impl Value for Types {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "TYPE[:TYPE]";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let one = |t: &str, default: u8| -> Result<u8, String> {
            if t.is_empty() {
                return Ok(default);
            }
            if let Some(n) = number(t, 255) {
                return Ok(n as u8);
            }
            let exact =
                NAMES.iter().position(|(long, short)| long.eq_ignore_ascii_case(t) || short.eq_ignore_ascii_case(t));
            exact.map(|n| n as u8).ok_or_else(|| {
                let list: Vec<_> = NAMES.iter().map(|(long, _)| *long).collect();
                format!("`{t}' is not a message type: a number up to 255, or one of {}", list.join(" "))
            })
        };
        let text = args[0];
        let (lo, hi) = match text.split_once(':') {
            Some((lo, hi)) => (one(lo, 0)?, one(hi, 255)?),
            None if text.is_empty() => return Err("a message type is expected".into()),
            None => one(text, 0).map(|n| (n, n))?,
        };
        if lo > hi {
            return Err(format!("the range `{text}' runs backwards"));
        }
        Ok(Types { lo, hi })
    }
}

impl Types {
    fn print(self, numeric: bool, out: &mut Out) {
        let one = |n: u8, out: &mut Out| match NAMES.get(usize::from(n)).filter(|_| !numeric) {
            Some((long, _)) => out.raw(long),
            None => n.print(out),
        };
        one(self.lo, out);
        if self.lo != self.hi {
            out.raw(":");
            one(self.hi, out);
        }
    }
}

impl Ext for Mh {
    const NAME: &'static str = "mh";
    const FAMILIES: Families = Families::V6;
    const ABOUT: &'static str = "Looks at the message type of a mobility header.";
    const PROTO: Option<u8> = Some(135);

    fn save(&self, out: &mut Out, _: Family) {
        let Self { kind } = *self;
        if !kind.is_default() {
            out.flag(kind.not, "--mh-type");
            out.gap();
            kind.is.print(true, out);
        }
    }

    fn list(&self, out: &mut Out, show: &Show<'_>) {
        let Self { kind } = *self;
        out.word("mh");
        if !kind.is_default() {
            out.raw(if kind.not { " !" } else { " " });
            kind.is.print(show.numeric, out);
        }
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { kind: Inv { is: Types { lo, hi }, not } } = *self;
        match (lo, hi) {
            (0, 255) if !not => nft.word("exthdr mh exists"),
            (lo, hi) if lo == hi => nft.test("mh type", not, lo),
            (lo, hi) => nft.test("mh type", not, format_args!("{lo}-{hi}")),
        }
        Some(())
    }
}

impl Matching for Mh {
    fn pred(&self, cx: &Lowering<'_>) -> Pred {
        let Self { kind } = *self;
        let message = Native::new("mobility message", Effect::Stable, move |at| {
            let header = ox_packet::Mh::new(at.packet.transport()).ok_or(Stop::Hotdrop)?;
            if header.next_header() != ox_packet::proto::NONE {
                return Err(Stop::Hotdrop);
            }
            Ok((kind.is.lo <= header.kind() && header.kind() <= kind.is.hi) != kind.not)
        });
        Pred::all([cx.xt_header(6), message.into()])
    }
}

impl Xt<0> for Mh {
    type Info = Ip6tMh;

    fn encode(&self, _: &Carry<'_>) -> Option<Ip6tMh> {
        let Self { kind } = *self;
        Some(Ip6tMh { types: [kind.is.lo, kind.is.hi], invflags: kind.not.into() })
    }

    fn decode(info: &Ip6tMh, _: &Carry<'_>) -> Option<Self> {
        let Ip6tMh { types: [lo, hi], invflags } = *info;
        Some(Self { kind: Inv { is: Types { lo, hi }, not: invflags != 0 } })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use crate::model::TableName::Filter;
    use ox_packet::Family::V6;

    #[test]
    fn reads_and_prints() {
        check(V6, Filter, "-p mh ! --mh-type brr:BA", "-p ipv6-mh -m mh ! --mh-type 0:6", "mh !0:6");
        check(V6, Filter, "-p mh --mh-type 5:", "-p ipv6-mh -m mh --mh-type 5:255", "mh 5:255");
        check(V6, Filter, "-p 135 -m mh --mh-type :", "-p ipv6-mh -m mh", "mh");
        refused(V6, Filter, "-p mh --mh-type 3:1");
        refused(V6, Filter, "-p mh --mh-type 256");
    }
}
