//! `-m multiport`: up to fifteen ports, a range counting as two.
//!
//! Kernel: net/netfilter/xt_multiport.c; ABI: uapi/linux/netfilter/xt_multiport.h.
use super::prelude::*;
use ox_wire::xtables::port::{XtMultiport, XtMultiportV1};

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Multiport {
    side: Side,
    ports: Inv<List>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Side {
    Source,
    Destination,
    #[default]
    Either,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct List(Vec<Ports>);

options! { Multiport;
    /// Source ports: numbers, names and ranges, separated by commas.
    SPORTS ["source-ports", "sports"] Inv<List>, .excl(Self::DPORTS | Self::PORTS), .after(ported)
        => |m, v| *m = Multiport { side: Side::Source, ports: v };
    /// Destination ports, likewise.
    DPORTS ["destination-ports", "dports"] Inv<List>, .excl(Self::SPORTS | Self::PORTS), .after(ported)
        => |m, v| *m = Multiport { side: Side::Destination, ports: v };
    /// Either the source or the destination port.
    PORTS ["ports"] Inv<List>, .excl(Self::SPORTS | Self::DPORTS), .after(ported)
        => |m, v| *m = Multiport { side: Side::Either, ports: v };
}

/// Stock asks while it reads the option: `-p` must come first.
fn ported(cx: &Reading<'_>) -> Result<(), String> {
    match cx.head.proto {
        Inv { is: Proto::ANY, .. } => {
            Err("multiport needs `-p tcp', `-p udp', `-p udplite', `-p sctp' or `-p dccp' before it".into())
        }
        Inv { is: p, not: false } if p.has_ports() => Ok(()),
        _ => Err("multiport only works with TCP, UDP, UDPLITE, SCTP and DCCP".into()),
    }
}

impl Value for List {
    const FORMS: &'static [Form] = &[Form::Numbers];
    const HINT: &'static str = "PORT[,PORT|PORT:PORT]…";
    fn read(args: &[&str], _: bool, cx: &Reading<'_>) -> Result<Self, String> {
        let mut list = Vec::new();
        let mut slots = 0;
        for part in parts(args[0], b',') {
            let range = cut(part, b':');
            let ports = match range {
                None => {
                    let port = read_port(part, cx)?;
                    Ports { lo: port, hi: port }
                }
                Some((lo, hi)) => Ports { lo: read_port(lo, cx)?, hi: read_port(hi, cx)? },
            };
            if range.is_some() && ports.lo >= ports.hi {
                return Err(format!("the range `{part}' must run upwards"));
            }
            slots += if range.is_some() { 2 } else { 1 };
            list.push(ports);
        }
        if slots > 15 {
            return Err(format!("{slots} ports are too many: 15 at most, a range counting as two"));
        }
        Ok(List(list))
    }
}

impl List {
    /// The pairs of source and destination port of which one is in the list, as elements of a set of nft, of which no two
    /// may overlap: the source is in it, or it is not and the destination is.
    fn pairs(&self) -> Vec<String> {
        let mut spans: Vec<(u32, u32)> = self.0.iter().map(|p| (p.lo.into(), p.hi.into())).collect();
        spans.sort_unstable();
        let (mut within, mut without) = (Vec::<(u32, u32)>::new(), Vec::<(u32, u32)>::new());
        let mut next = 0;
        for (lo, hi) in spans {
            match within.last_mut() {
                Some(last) if lo <= last.1 + 1 => last.1 = last.1.max(hi),
                _ => {
                    if lo > next {
                        without.push((next, lo - 1));
                    }
                    within.push((lo, hi));
                }
            }
            next = next.max(hi + 1);
        }
        if next <= 65535 {
            without.push((next, 65535));
        }
        let text = |(lo, hi): (u32, u32)| if lo == hi { lo.to_string() } else { format!("{lo}-{hi}") };
        let mut pairs: Vec<String> = within.iter().map(|&p| format!("{} . 0-65535", text(p))).collect();
        for &other in &without {
            pairs.extend(within.iter().map(|&p| format!("{} . {}", text(other), text(p))));
        }
        pairs
    }
}

impl Print for List {
    fn print(&self, out: &mut Out) {
        for (i, p) in self.0.iter().enumerate() {
            if i > 0 {
                out.raw(",");
            }
            p.print(out);
        }
    }
}

impl Ext for Multiport {
    const NAME: &'static str = "multiport";
    const ABOUT: &'static str = "Looks for the source or destination port in a list of up to fifteen.";

    fn check(&mut self, seen: u32, _: &Reading<'_>) -> Result<(), String> {
        if seen == 0 { Err("no ports given: say --sports, --dports or --ports".into()) } else { Ok(()) }
    }

    fn save(&self, out: &mut Out, _: Family) {
        let Self { side, ports } = self;
        let name = match side {
            Side::Source => "--sports",
            Side::Destination => "--dports",
            Side::Either => "--ports",
        };
        out.opt(ports.not, name, &ports.is);
    }

    fn list(&self, out: &mut Out, show: &Show<'_>) {
        let Self { side, ports } = self;
        out.word("multiport");
        out.word(match side {
            Side::Source => "sports",
            Side::Destination => "dports",
            Side::Either => "ports",
        });
        // Stock leaves two blanks before the `!`.
        out.raw(if ports.not { "  !" } else { " " });
        for (i, p) in ports.is.0.iter().enumerate() {
            if i > 0 {
                out.raw(",");
            }
            super::ports::port(p.lo, out, show);
            if p.lo != p.hi {
                out.raw(":");
                super::ports::port(p.hi, out, show);
            }
        }
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { side, ports } = self;
        let proto = match nft.head.proto.is {
            Proto::TCP => "tcp",
            Proto::UDP => "udp",
            Proto::DCCP => "dccp",
            Proto::SCTP => "sctp",
            _ => "udplite",
        };
        if nft.head.proto.not {
            return nft.no("nft looks at ports only where it knows the protocol");
        }
        let range = |p: &Ports| if p.lo == p.hi { p.lo.to_string() } else { format!("{}-{}", p.lo, p.hi) };
        let list: Vec<String> = ports.is.0.iter().map(range).collect();
        let key = match side {
            Side::Source => format!("{proto} sport"),
            Side::Destination => format!("{proto} dport"),
            Side::Either => {
                let pairs: Vec<String> = if ports.is.0.iter().any(|p| p.lo != p.hi) {
                    ports.is.pairs()
                } else {
                    list.iter().map(|p| format!("0-65535 . {p}, {p} . 0-65535")).collect()
                };
                let key = format!("{proto} sport . {proto} dport");
                nft.test(&key, ports.not, format_args!("{{ {} }}", pairs.join(", ")));
                return Some(());
            }
        };
        match list.as_slice() {
            [one] => nft.test(&key, ports.not, &one[..]),
            list => nft.test(&key, ports.not, format_args!("{{ {} }}", list.join(", "))),
        }
        Some(())
    }
}

impl Matching for Multiport {
    fn pred(&self, cx: &Lowering<'_>) -> Pred {
        let Self { side, ports } = self;
        let any = |field| Pred::any(ports.is.0.iter().map(|p| Pred::range(field, p.lo, p.hi)));
        let found = match side {
            Side::Source => any(Field::Sport),
            Side::Destination => any(Field::Dport),
            Side::Either => Pred::any([any(Field::Sport), any(Field::Dport)]),
        };
        Pred::all([cx.xt_header(4), found.not_if(ports.not)])
    }
}

impl Xt<1> for Multiport {
    type Info = XtMultiportV1;

    fn encode(&self, _: &Carry<'_>) -> Option<XtMultiportV1> {
        let Self { side, ports } = self;
        let mut info = XtMultiportV1 { flags: side.number(), invert: ports.not.into(), ..Default::default() };
        for p in &ports.is.0 {
            let at = usize::from(info.count);
            let more = p.lo != p.hi;
            *info.ports.get_mut(at)? = p.lo;
            *info.pflags.get_mut(at)? = more.into();
            info.count += 1;
            if more {
                *info.ports.get_mut(at + 1)? = p.hi;
                info.count += 1;
            }
        }
        Some(info)
    }

    fn decode(info: &XtMultiportV1, _: &Carry<'_>) -> Option<Self> {
        let XtMultiportV1 { flags, count, ports, pflags, invert } = info;
        let mut list = Vec::new();
        let mut rest = ports.get(..usize::from(*count))?.iter().zip(pflags);
        while let Some((&lo, &more)) = rest.next() {
            let hi = if more == 0 { lo } else { *rest.next()?.0 };
            list.push(Ports { lo, hi });
        }
        Some(Self { side: Side::numbered(*flags)?, ports: Inv { is: List(list), not: *invert != 0 } })
    }
}

/// It knows neither ranges nor `!`.
impl Xt<0> for Multiport {
    type Info = XtMultiport;

    fn encode(&self, _: &Carry<'_>) -> Option<XtMultiport> {
        let Self { side, ports } = self;
        let mut info = XtMultiport { flags: side.number(), count: ports.is.0.len() as u8, ..Default::default() };
        for (slot, p) in info.ports.iter_mut().zip(&ports.is.0) {
            *slot = p.lo;
        }
        (!ports.not && ports.is.0.iter().all(|p| p.lo == p.hi)).then_some(info)
    }

    fn decode(info: &XtMultiport, _: &Carry<'_>) -> Option<Self> {
        let XtMultiport { flags, count, ports } = info;
        let list = ports.get(..usize::from(*count))?.iter().map(|&p| Ports { lo: p, hi: p }).collect();
        Some(Self { side: Side::numbered(*flags)?, ports: Inv::plain(List(list)) })
    }
}

impl Side {
    /// `enum xt_multiport_flags`
    fn number(self) -> u8 {
        match self {
            Side::Source => 0,
            Side::Destination => 1,
            Side::Either => 2,
        }
    }

    fn numbered(number: u8) -> Option<Self> {
        [Side::Source, Side::Destination, Side::Either].into_iter().find(|s| s.number() == number)
    }
}
