//! `-m frag`: the IPv6 fragment header.
//!
//! Kernel: net/ipv6/netfilter/ip6t_frag.c; ABI: uapi/linux/netfilter_ipv6/ip6t_frag.h. The kernel keeps `--fraglen` but
//! never looks at it.
use super::exthdr::{self, Found};
use super::prelude::*;
use super::span::{self, Span};
use ox_wire::xtables::ipv6::Ip6tFrag;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frag {
    id: Inv<Span>,
    len: Option<Inv<u32>>,
    reserved: bool,
    first: bool,
    more: Option<bool>,
}

options! { Frag;
    /// Identification, or first and last of a range.
    ID ["fragid"] Inv<Span> => |f, v| f.id = v;
    /// Kept, but the kernel does not look at it.
    LEN ["fraglen"] Inv<u32> => |f, v| f.len = Some(v);
    /// The reserved bits are zero.
    RES ["fragres"] Flag => |f, _v| f.reserved = true;
    /// The first fragment.
    FIRST ["fragfirst"] Flag => |f, _v| f.first = true;
    /// More fragments follow.
    MORE ["fragmore"] Flag, .excl(Self::LAST) => |f, _v| f.more = Some(true);
    /// The last fragment.
    LAST ["fraglast"] Flag, .excl(Self::MORE) => |f, _v| f.more = Some(false);
}

impl Ext for Frag {
    const NAME: &'static str = "frag";
    const FAMILIES: Families = Families::V6;
    const ABOUT: &'static str = "Looks at the fragment header.";

    fn save(&self, out: &mut Out, _: Family) {
        let Self { id, len, reserved, first, more } = *self;
        span::save(id, "--fragid", out);
        if let Some(len) = len {
            out.opt(len.not, "--fraglen", len.is);
        }
        for (on, name) in [
            (reserved, "--fragres"),
            (first, "--fragfirst"),
            (more == Some(true), "--fragmore"),
            (more == Some(false), "--fraglast"),
        ] {
            if on {
                out.word(name);
            }
        }
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { id, len, reserved, first, more } = *self;
        // Stock's blanks: one behind `frag' in any case, one before each of the others.
        out.word("frag ");
        span::list(id, "id", out);
        if let Some(len) = len {
            out.fmt(format_args!(" length:{}{}", if len.not { "!" } else { "" }, len.is));
        }
        out.raw(if reserved { " reserved" } else { "" });
        out.raw(if first { " first" } else { "" });
        out.raw(match more {
            Some(true) => " more",
            Some(false) => " last",
            None => "",
        });
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { id, len: _, reserved, first, more } = *self;
        if !span::says(id) && !reserved && !first && more.is_none() {
            nft.word("exthdr frag exists");
        }
        span::translate("frag id", id, nft)?;
        if reserved {
            nft.word("frag reserved 0 frag reserved2 0");
        }
        if first {
            nft.word("frag frag-off 0");
        }
        if let Some(more) = more {
            nft.test("frag more-fragments", false, u8::from(more));
        }
        Some(())
    }
}

impl Matching for Frag {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { id, len: _, reserved, first, more } = *self;
        Native::new("fragment header", Effect::Stable, move |at| {
            let header = match exthdr::find(at.packet, ox_packet::proto::FRAGMENT)? {
                Found::Header(header) => header,
                Found::Absent => return Ok(false),
            };
            let (Some(head), Some(this)) = (span::word(header, 0), span::word(header, 4)) else {
                return Err(Stop::Hotdrop);
            };
            Ok(span::holds(id, this)
                && !(reserved && head & 0x00ff_0006 != 0)
                && !(first && head & 0xfff8 != 0)
                && more.is_none_or(|more| (head & 1 != 0) == more))
        })
        .into()
    }
}

impl Xt<0> for Frag {
    type Info = Ip6tFrag;

    fn encode(&self, _: &Carry<'_>) -> Option<Ip6tFrag> {
        let Self { id, len, reserved, first, more } = *self;
        let said = [span::says(id), len.is_some(), reserved, first, more == Some(true), more == Some(false)];
        Some(Ip6tFrag {
            ids: [id.is.lo, id.is.hi],
            hdrlen: len.map_or(0, |l| l.is),
            flags: bits(said),
            invflags: bits([id.not, len.is_some_and(|l| l.not)]),
            ..Default::default()
        })
    }

    fn decode(info: &Ip6tFrag, _: &Carry<'_>) -> Option<Self> {
        let Ip6tFrag { ids: [lo, hi], hdrlen, flags, invflags, _pad } = *info;
        let [_, len, reserved, first, more, last] = unbits(flags);
        let [not_id, not_len] = unbits(invflags);
        Some(Self {
            id: Inv { is: Span { lo, hi }, not: not_id },
            len: len.then_some(Inv { is: hdrlen, not: not_len }),
            reserved,
            first,
            more: (more || last).then_some(more),
        })
    }

    /// Every number is the same asked for or not.
    fn settle(info: &mut Ip6tFrag, _: &Carry<'_>) {
        if info.ids == [0, u32::MAX] && info.invflags & 1 == 0 {
            info.flags &= !1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use crate::model::TableName::Filter;
    use ox_packet::Family::{V4, V6};

    #[test]
    fn reads_and_prints() {
        check(
            V6,
            Filter,
            "-m frag --fraglast --fragfirst --fragres ! --fraglen 2 ! --fragid 5:10",
            "-m frag ! --fragid 5:10 ! --fraglen 2 --fragres --fragfirst --fraglast",
            "frag ids:!5:10 length:!2 reserved first last",
        );
        refused(V6, Filter, "-m frag --fragmore --fraglast");
        refused(V4, Filter, "-m frag");
    }

    #[test]
    fn fragments_are_told_apart() {
        use super::super::trial::Trial;
        use crate::ir::{Dialect, Packet};
        use std::net::Ipv6Addr;
        let build = || ox_packet::Build::udp((Ipv6Addr::LOCALHOST, 1), (Ipv6Addr::LOCALHOST, 2)).payload(vec![0; 64]);
        let packet = |build: ox_packet::Build| Packet::new(build.bytes()).expect("a sound packet");
        let rules = ["-m frag", "-m frag --fragfirst --fragmore", "-m frag --fraglast --fragid 7"];
        let mut trial = Trial::new(V6, Dialect::Nft, Filter, &rules);
        for (mut packet, answers) in [
            (packet(build()), [false, false, false]),
            (packet(build().fragment(0, true, 7)), [true, true, false]),
            (packet(build().fragment(16, false, 7)), [true, false, true]),
            (packet(build().fragment(16, false, 8)), [true, false, false]),
        ] {
            for (i, answer) in answers.into_iter().enumerate() {
                assert_eq!(trial.ask(i, &mut packet, None), Ok(answer), "rule {i}");
            }
        }
    }
}
