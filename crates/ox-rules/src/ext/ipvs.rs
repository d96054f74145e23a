//! `-m ipvs`: the packet belongs to a connection of the IPVS load balancer.
//!
//! Kernel: net/netfilter/xt_ipvs.c; ABI: uapi/linux/netfilter/xt_ipvs.h. Which connections IPVS has, only a live host
//! knows.
use super::addrmask::AddrMask;
use super::ports::Port;
use super::prelude::*;
use ox_wire::xtables::nat::XtIpvsMtinfo;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ipvs {
    /// `--ipvs`, with or without `!`; what every other option says as well.
    property: Option<bool>,
    proto: Option<Inv<u8>>,
    addr: Option<Inv<AddrMask>>,
    port: Option<Inv<u16>>,
    dir: Option<bool>,
    method: Option<Inv<Method>>,
    control: Option<Inv<u16>>,
}

options! { Ipvs;
    /// The packet belongs to a connection of IPVS.
    IPVS ["ipvs"] Inv<Flag> => |i, v| i.property = Some(!v.not);
    /// Protocol of the virtual service.
    PROTO ["vproto"] Inv<ProtoNumber> => |i, v| i.proto = Some(Inv { is: v.is.0, not: v.not });
    /// Address of the virtual service.
    ADDR ["vaddr"] Inv<AddrMask> => |i, v| i.addr = Some(v);
    /// Port of the virtual service.
    PORT ["vport"] Inv<Port> => |i, v| i.port = Some(Inv { is: v.is.0, not: v.not });
    /// ORIGINAL for packets from the client, REPLY for those to it.
    DIR ["vdir"] Direction => |i, v| i.dir = Some(v.0);
    /// How IPVS forwards: GATE, IPIP or MASQ.
    METHOD ["vmethod"] Inv<Method> => |i, v| i.method = Some(v);
    /// Port of the virtual service that controls this connection (21 for FTP).
    CONTROL ["vportctl"] Inv<Port> => |i, v| i.control = Some(Inv { is: v.is.0, not: v.not });
}

#[derive(Default)]
struct ProtoNumber(u8);

impl Value for ProtoNumber {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "PROTOCOL";
    fn read(args: &[&str], _: bool, cx: &Reading<'_>) -> Result<Self, String> {
        let number = read_protocol(args[0], cx.names).map(ProtoNumber);
        number.ok_or_else(|| format!("`{}' is not a protocol: a name or a number from 0 to 255", args[0]))
    }
}

/// True is REPLY.
struct Direction(bool);

impl Value for Direction {
    const HINT: &'static str = "ORIGINAL|REPLY";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        match args[0] {
            d if d.eq_ignore_ascii_case("ORIGINAL") => Ok(Direction(false)),
            d if d.eq_ignore_ascii_case("REPLY") => Ok(Direction(true)),
            other => Err(format!("`{other}' is not a direction: ORIGINAL or REPLY")),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Method {
    #[default]
    Gate,
    Ipip,
    Masq,
}

impl Method {
    const ALL: [(&'static str, Method); 3] = [("GATE", Method::Gate), ("IPIP", Method::Ipip), ("MASQ", Method::Masq)];
}

impl Value for Method {
    const HINT: &'static str = "GATE|IPIP|MASQ";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(name, _)| name.eq_ignore_ascii_case(args[0]));
        found.map(|&(_, m)| m).ok_or_else(|| format!("`{}' is not a way to forward: GATE, IPIP or MASQ", args[0]))
    }
}

impl Print for Method {
    fn print(&self, out: &mut Out) {
        out.raw(Self::ALL.iter().find(|(_, m)| m == self).map_or("", |(name, _)| name));
    }
}

impl Ipvs {
    fn print(&self, dashes: &str, family: Family, out: &mut Out) {
        let Self { property, proto, addr, port, dir, method, control } = *self;
        let name = |not: bool, name: &str, out: &mut Out| {
            out.flag(not, dashes);
            out.raw(name);
        };
        if let Some(yes) = property {
            name(!yes, "ipvs", out);
        }
        if let Some(v) = proto {
            name(v.not, "vproto", out);
            out.value(v.is);
        }
        if let Some(v) = addr {
            name(v.not, "vaddr", out);
            out.gap();
            v.is.print(family, true, out);
        }
        if let Some(v) = port {
            name(v.not, "vport", out);
            out.value(v.is);
        }
        if let Some(reply) = dir {
            name(false, "vdir", out);
            out.word(if reply { "REPLY" } else { "ORIGINAL" });
        }
        if let Some(v) = method {
            name(v.not, "vmethod", out);
            out.value(v.is);
        }
        if let Some(v) = control {
            name(v.not, "vportctl", out);
            out.value(v.is);
        }
    }
}

impl Ext for Ipvs {
    const NAME: &'static str = "ipvs";
    const ABOUT: &'static str = "Asks about the connection of the IPVS load balancer that the packet belongs to.";

    fn check(&mut self, seen: u32, _: &Reading<'_>) -> Result<(), String> {
        match seen {
            0 => {
                return Err(
                    "say what is asked: --ipvs, --vproto, --vaddr, --vport, --vdir, --vmethod or --vportctl".into()
                );
            }
            Self::IPVS => return Ok(()),
            _ => {}
        }
        if self.property == Some(false) {
            return Err("`! --ipvs' stands alone: what does not belong to IPVS has no virtual service".into());
        }
        // The other options say it.
        self.property = None;
        Ok(())
    }

    fn save(&self, out: &mut Out, family: Family) {
        self.print("--", family, out);
    }

    fn list(&self, out: &mut Out, show: &Show<'_>) {
        self.print("", show.family, out);
    }
}

impl Matching for Ipvs {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { property: _, proto: _, addr: _, port: _, dir: _, method: _, control: _ } = self;
        Native::unknown("IPVS", "the connections of the IPVS load balancer").into()
    }
}

/// In the order of the bits `XT_IPVS_…`.
const PROPERTY: u8 = 1 << 0;

impl Xt<0> for Ipvs {
    type Info = XtIpvsMtinfo;

    fn encode(&self, cx: &Carry<'_>) -> Option<XtIpvsMtinfo> {
        let Self { property, proto, addr, port, dir, method, control } = *self;
        let not = |v: Option<bool>| v;
        let asked = [
            property.map(|yes| !yes),
            proto.map(|v| v.not),
            addr.map(|v| v.not),
            port.map(|v| v.not),
            not(dir),
            method.map(|v| v.not),
            control.map(|v| v.not),
        ];
        // Each other question asks this one too.
        let bitmask = PROPERTY | bits(asked.map(|not| not.is_some()));
        let AddrMask { addr, mask } = addr.unwrap_or_default().is;
        Some(XtIpvsMtinfo {
            vaddr: inet(addr, cx.family),
            vmask: inet(mask, cx.family),
            vport: port.map_or(0, |v| v.is).into(),
            l4proto: proto.map_or(0, |v| v.is),
            fwd_method: method.map_or(0, |v| v.is.number()),
            vportctl: control.map_or(0, |v| v.is).into(),
            invert: bits(asked.map(|not| not == Some(true))),
            bitmask,
        })
    }

    fn decode(info: &XtIpvsMtinfo, cx: &Carry<'_>) -> Option<Self> {
        let XtIpvsMtinfo { vaddr, vmask, vport, l4proto, fwd_method, vportctl, invert, bitmask } = info;
        let not: [bool; 7] = unbits(*invert);
        let [property, proto, virt, port, dir, method, control]: [_; 7] =
            std::array::from_fn(|i| (bitmask & 1 << i != 0).then_some(not[i]));
        let alone = *bitmask == PROPERTY;
        let method = match method {
            Some(not) => Some(Inv { is: Method::numbered(*fwd_method)?, not }),
            None => None,
        };
        let is = AddrMask { addr: addr(vaddr, cx.family), mask: addr(vmask, cx.family) };
        Some(Self {
            property: property.filter(|_| alone).map(|not| !not),
            proto: proto.map(|not| Inv { is: *l4proto, not }),
            addr: virt.map(|not| Inv { is, not }),
            port: port.map(|not| Inv { is: vport.get(), not }),
            dir,
            method,
            control: control.map(|not| Inv { is: vportctl.get(), not }),
        })
    }

    fn settle(info: &mut XtIpvsMtinfo, cx: &Carry<'_>) {
        settle_mask(&mut info.vmask, cx.family);
    }
}

impl Method {
    /// `IP_VS_CONN_F_…` (ABI: uapi/linux/ip_vs.h).
    const fn number(self) -> u8 {
        match self {
            Method::Masq => 0,
            Method::Ipip => 2,
            Method::Gate => 3,
        }
    }

    fn numbered(number: u8) -> Option<Self> {
        Self::ALL.iter().map(|(_, m)| *m).find(|m| m.number() == number)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use crate::model::TableName::Filter;
    use ox_packet::Family::{V4, V6};

    #[test]
    fn reads_and_prints() {
        let line = |words: &str| format!("-m ipvs {words}");
        let four = |typed: &str, printed: &str, listed: &str| check(V4, Filter, &line(typed), &line(printed), listed);
        four("! --ipvs", "! --ipvs", "! ipvs");
        four(
            "--ipvs --vportctl 21 ! --vmethod gate --vdir original ! --vport 80 --vaddr 1.2.3.4/24 ! --vproto tcp",
            "! --vproto 6 --vaddr 1.2.3.4/24 ! --vport 80 --vdir ORIGINAL ! --vmethod GATE --vportctl 21",
            "! vproto 6 vaddr 1.2.3.4/24 ! vport 80 vdir ORIGINAL ! vmethod GATE vportctl 21",
        );
        check(V6, Filter, "-m ipvs --vaddr ::1", "-m ipvs --vaddr ::1", "vaddr ::1");
        for rest in ["", "! --ipvs --vport 80", "! --vdir REPLY", "--vdir ORIG", "--vmethod x", "--vport 1:2"] {
            refused(V4, Filter, &line(rest));
        }
    }
}
