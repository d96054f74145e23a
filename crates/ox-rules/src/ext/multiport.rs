//! `-m multiport`: up to fifteen ports, a range counting as two.
//!
//! Kernel: net/netfilter/xt_multiport.c; ABI: uapi/linux/netfilter/xt_multiport.h.
use super::prelude::*;

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
        for part in args[0].split(',') {
            let ports = match part.split_once(':') {
                None => {
                    let port = read_port(part, cx)?;
                    Ports { lo: port, hi: port }
                }
                Some((lo, hi)) => Ports { lo: read_port(lo, cx)?, hi: read_port(hi, cx)? },
            };
            if part.contains(':') && ports.lo >= ports.hi {
                return Err(format!("the range `{part}' must run upwards"));
            }
            slots += if part.contains(':') { 2 } else { 1 };
            list.push(ports);
        }
        if slots > 15 {
            return Err(format!("{slots} ports are too many: 15 at most, a range counting as two"));
        }
        Ok(List(list))
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
