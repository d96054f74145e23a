//! `-m physdev`: the ports of a bridge that a bridged packet crosses.
//!
//! Kernel: net/netfilter/xt_physdev.c; ABI: uapi/linux/netfilter/xt_physdev.h.
use super::prelude::*;
use crate::model::Iface;
use ox_wire::xtables::host::XtPhysdevInfo;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PhysDev {
    inn: Option<Inv<Port>>,
    out: Option<Inv<Port>>,
    // Asked, and whether behind a `!`.
    is_in: Option<bool>,
    is_out: Option<bool>,
    bridged: Option<bool>,
}

/// A name, `+` for the rest of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Port(Iface);

options! { PhysDev;
    /// Name of the port it came in by.
    IN ["physdev-in"] Inv<Port> => |p, v| p.inn = Some(v);
    /// Name of the port it leaves by.
    OUT ["physdev-out"] Inv<Port> => |p, v| p.out = Some(v);
    /// It came in by a port of a bridge.
    IS_IN ["physdev-is-in"] Inv<Flag> => |p, v| p.is_in = Some(v.not);
    /// It leaves by a port of a bridge.
    IS_OUT ["physdev-is-out"] Inv<Flag> => |p, v| p.is_out = Some(v.not);
    /// It is bridged, not routed.
    BRIDGED ["physdev-is-bridged"] Inv<Flag> => |p, v| p.bridged = Some(v.not);
}

impl Value for Port {
    const HINT: &'static str = "NAME[+]";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        Iface::new(args[0])
            .map(Port)
            .ok_or_else(|| format!("interface name `{}' must be shorter than 16 characters", args[0]))
    }
}

impl Port {
    /// Whether the kernel's masked comparison holds.
    fn is(self, name: u128) -> bool {
        name & self.0.mask() == self.0.number()
    }
}

/// As the words of a rule; stock forgets the quotes.
impl Print for Port {
    fn print(&self, out: &mut Out) {
        let mut name = Out::default();
        self.0.print(&mut name);
        out.guarded(&name.text);
    }
}

impl PhysDev {
    fn print(&self, out: &mut Out, quoted: bool) {
        let Self { inn, out: outward, is_in, is_out, bridged } = *self;
        let port = |out: &mut Out, asked: Option<Inv<Port>>, name| {
            if let Some(p) = asked {
                out.flag(p.not, name);
                if quoted { out.value(p.is) } else { out.value(p.is.0) }
            }
        };
        let flag = |out: &mut Out, asked: Option<bool>, name| {
            if let Some(not) = asked {
                out.flag(not, name);
            }
        };
        flag(out, is_in, "--physdev-is-in");
        port(out, inn, "--physdev-in");
        flag(out, is_out, "--physdev-is-out");
        port(out, outward, "--physdev-out");
        flag(out, bridged, "--physdev-is-bridged");
    }

    /// Kernel: `physdev_mt`; `inward` and `outward` name ports, 0 is none.
    fn holds(&self, inward: u128, outward: u128) -> bool {
        let Self { inn, out, is_in, is_out, bridged } = *self;
        if inward == 0 && outward == 0 {
            // Not bridged: holds if everything asked stands behind a `!`.
            let nots = [bridged, is_in, is_out, inn.map(|p| p.not), out.map(|p| p.not)];
            return nots.into_iter().flatten().all(|not| not);
        }
        let has = |asked: Option<bool>, there: bool| asked.is_none_or(|not| there != not);
        has(bridged, outward != 0)
            && has(is_in, inward != 0)
            && has(is_out, outward != 0)
            // Without a port it came in by, its name is not asked; without one it leaves by, the answer is no.
            && inn.is_none_or(|p| inward == 0 || p.is.is(inward) != p.not)
            && out.is_none_or(|p| outward != 0 && p.is.is(outward) != p.not)
    }
}

impl Ext for PhysDev {
    const NAME: &'static str = "physdev";
    const ABOUT: &'static str = "Asks which ports of a bridge the packet crosses.";

    fn check(&mut self, seen: u32, _: &Reading<'_>) -> Result<(), String> {
        if seen == 0 { Err("say at least one of its options".into()) } else { Ok(()) }
    }

    fn admit(&self, at: &Place<'_>) -> Result<(), Refused> {
        let Self { out, is_out, bridged, .. } = *self;
        let leaving = (out.is_some() || is_out.is_some()) && bridged != Some(false);
        if leaving && at.checked_hooks().has(Hook::Output) {
            return Err(Refused::invalid(
                "--physdev-out and --physdev-is-out can be asked in OUTPUT only along with --physdev-is-bridged",
            ));
        }
        Ok(())
    }

    fn save(&self, out: &mut Out, _: Family) {
        self.print(out, true);
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        out.word("PHYSDEV match");
        self.print(out, false);
    }
}

impl Matching for PhysDev {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let this = self.clone();
        Native::new("bridge ports", Effect::Stable, move |at| {
            let meta = &at.packet.meta;
            Ok(this.holds(meta.phys_in, meta.phys_out))
        })
        .into()
    }
}

impl Xt<0> for PhysDev {
    type Info = XtPhysdevInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<XtPhysdevInfo> {
        let Self { inn, out, is_in, is_out, bridged } = *self;
        let [physindev, in_mask] = iface(inn.unwrap_or_default().is.0);
        let [physoutdev, out_mask] = iface(out.unwrap_or_default().is.0);
        // In the order of `XT_PHYSDEV_OP_…`.
        let asked = [inn.map(|p| p.not), out.map(|p| p.not), bridged, is_in, is_out];
        let invert = bits(asked.map(|not| not == Some(true)));
        let bitmask = bits(asked.map(|not| not.is_some()));
        Some(XtPhysdevInfo { physindev, in_mask, physoutdev, out_mask, invert, bitmask })
    }

    fn decode(info: &XtPhysdevInfo, _: &Carry<'_>) -> Option<Self> {
        let XtPhysdevInfo { physindev, in_mask: _, physoutdev, out_mask: _, invert, bitmask } = info;
        let not: [bool; 5] = unbits(*invert);
        let [inn, out, bridged, is_in, is_out] = std::array::from_fn(|i| (bitmask & 1 << i != 0).then_some(not[i]));
        let port = |name: &[u8; 16], not: Option<bool>| {
            let is = Port(from_iface(name)?);
            Some(not.map(|not| Inv { is, not }))
        };
        Some(Self { inn: port(physindev, inn)?, out: port(physoutdev, out)?, is_in, is_out, bridged })
    }
}
