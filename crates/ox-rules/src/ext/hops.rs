//! What ttl, hl, TTL and HL share: a byte in the IP header that every router counts down.
//!
//! Kernel: net/netfilter/xt_hl.c, net/netfilter/xt_HL.c.
use super::prelude::*;

/// How the byte must compare.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Compare {
    /// Equal.
    #[default]
    Eq,
    /// Not equal.
    Ne,
    /// Below.
    Lt,
    /// Above.
    Gt,
}

impl Compare {
    /// ` KEY VALUE`, or with what stands between them.
    pub(super) fn translate(self, key: &str, value: u8, nft: &mut Nft<'_>) {
        let sign = match self {
            Compare::Eq => "",
            Compare::Ne => " !=",
            Compare::Lt => " lt",
            Compare::Gt => " gt",
        };
        nft.say(format_args!("{key}{sign} {value}"));
    }

    /// Equal, or not equal behind a `!`.
    pub(super) fn eq(not: bool) -> Self {
        if not { Compare::Ne } else { Compare::Eq }
    }

    /// Its number in `IPT_TTL_…` and `IP6T_HL_…`.
    pub(super) fn number(self) -> u8 {
        self as u8
    }

    /// The one of a number.
    pub(super) fn numbered(number: u8) -> Option<Self> {
        [Compare::Eq, Compare::Ne, Compare::Lt, Compare::Gt].into_iter().find(|c| c.number() == number)
    }

    /// Prints ` ! --ttl-eq 5`; `prefix` is `--ttl` or `--hl`.
    pub(super) fn save(self, value: u8, prefix: &str, out: &mut Out) {
        let which = match self {
            Compare::Eq | Compare::Ne => "eq",
            Compare::Lt => "lt",
            Compare::Gt => "gt",
        };
        out.flag(self == Compare::Ne, prefix);
        out.fmt(format_args!("-{which} {value}"));
    }

    /// Prints ` TTL match TTL == 5`.
    pub(super) fn list(self, value: u8, name: &str, out: &mut Out) {
        let sign = match self {
            Compare::Eq => "==",
            Compare::Ne => "!=",
            Compare::Lt => "<",
            Compare::Gt => ">",
        };
        out.word(name);
        out.fmt(format_args!(" match {name} {sign} {value}"));
    }

    /// The test.
    pub(super) fn pred(self, value: u8) -> Pred {
        match self {
            Compare::Eq => Pred::eq(Field::Ttl, value),
            Compare::Ne => Pred::eq(Field::Ttl, value).not_if(true),
            Compare::Lt => value.checked_sub(1).map_or(Pred::Is(false), |last| Pred::range(Field::Ttl, 0u8, last)),
            Compare::Gt => {
                value.checked_add(1).map_or(Pred::Is(false), |first| Pred::range(Field::Ttl, first, u8::MAX))
            }
        }
    }
}

/// What becomes of the byte.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Change {
    /// This value.
    Set(u8),
    /// So much more, 255 at most.
    Inc(u8),
    /// So much less, 0 at least.
    Dec(u8),
}

impl Change {
    /// Its number in `IPT_TTL_…` and `IP6T_HL_…`, and how much.
    pub(super) fn numbers(self) -> (u8, u8) {
        match self {
            Change::Set(n) => (0, n),
            Change::Inc(n) => (1, n),
            Change::Dec(n) => (2, n),
        }
    }

    /// The one of a number.
    pub(super) fn numbered(number: u8, n: u8) -> Option<Self> {
        [Change::Set(n), Change::Inc(n), Change::Dec(n)].into_iter().find(|c| c.numbers() == (number, n))
    }

    /// Prints ` --ttl-inc 5`; `prefix` is `--ttl` or `--hl`.
    pub(super) fn save(self, prefix: &str, out: &mut Out) {
        out.word(prefix);
        match self {
            Change::Set(n) => out.fmt(format_args!("-set {n}")),
            Change::Inc(n) => out.fmt(format_args!("-inc {n}")),
            Change::Dec(n) => out.fmt(format_args!("-dec {n}")),
        }
    }

    /// Prints ` TTL increment by 5`.
    pub(super) fn list(self, name: &str, out: &mut Out) {
        out.word(name);
        match self {
            Change::Set(n) => out.fmt(format_args!(" set to {n}")),
            Change::Inc(n) => out.fmt(format_args!(" increment by {n}")),
            Change::Dec(n) => out.fmt(format_args!(" decrement by {n}")),
        }
    }

    /// The act.
    pub(super) fn act(self, name: &'static str) -> Act {
        if let Change::Set(value) = self {
            return Act::Set { field: Field::Ttl, mask: 0xff, value: value.into() };
        }
        Act::Native(NativeAct::new(name, Effect::Stable, move |at| {
            let old = at.packet.key.ttl;
            let new = match self {
                Change::Set(n) => n,
                Change::Inc(n) => old.saturating_add(n),
                Change::Dec(n) => old.saturating_sub(n),
            };
            if ox_packet::rewrite::set_ttl(&mut at.packet.bytes, &at.packet.layout, new) {
                at.packet.key.ttl = new;
            }
            Ok(Verdict::Continue)
        }))
    }
}

/// By how much a byte is counted up or down: 1 to 255.
pub(super) struct Step(pub(super) u8);

impl Value for Step {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "N";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        match number(args[0], 255) {
            Some(n @ 1..) => Ok(Step(n as u8)),
            _ => Err(format!("`{}' is not a number from 1 to 255", args[0])),
        }
    }
}
