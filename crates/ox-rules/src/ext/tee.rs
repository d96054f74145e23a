//! `-j TEE`: send a copy of the packet to another host, and go on.
//!
//! Kernel: net/netfilter/xt_TEE.c; ABI: uapi/linux/netfilter/xt_TEE.h.
use super::prelude::*;
use crate::bytes::cut;
use ox_packet::{iface_number, rewrite};
use ox_wire::xtables::whole::XtTeeTginfo;
use std::mem::offset_of;

/// The target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tee {
    gateway: u128,
    oif: String,
}

options! { Tee;
    /// The host that gets the copy; it must be a neighbour.
    GATEWAY ["gateway"] Host, .needed() => |t, v| t.gateway = v.0;
    /// Interface by which it is reached.
    OIF ["oif"] Text => |t, v| t.oif = cut(&v.0, 15).to_owned();
}

struct Host(u128);

impl Value for Host {
    const HINT: &'static str = "ADDRESS";
    fn read(args: &[&str], _: bool, cx: &Reading<'_>) -> Result<Self, String> {
        super::host(args[0], cx).map(Host)
    }
}

impl Ext for Tee {
    const NAME: &'static str = "TEE";
    const ABOUT: &'static str = "Sends a copy of the packet to another host, and goes on.";

    fn admit(&self, _: &Place<'_>) -> Result<(), Refused> {
        let Self { gateway, oif: _ } = self;
        if *gateway == 0 { Err(Refused::invalid("TEE needs a gateway other than the zero address")) } else { Ok(()) }
    }

    fn save(&self, out: &mut Out, family: Family) {
        let Self { gateway, oif } = self;
        out.word("--gateway ");
        out.addr(family, *gateway);
        if !oif.is_empty() {
            out.word("--oif");
            out.guarded(oif);
        }
    }

    fn list(&self, out: &mut Out, show: &Show<'_>) {
        let Self { gateway, oif } = self;
        out.word("TEE gw:");
        match show.names.host_name(*gateway, show.family).filter(|_| !show.numeric) {
            Some(name) => out.raw(&name),
            None => out.addr(show.family, *gateway),
        }
        if !oif.is_empty() {
            out.fmt(format_args!(" oif={oif}"));
        }
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { gateway, oif } = self;
        nft.word("dup to");
        nft.addr(*gateway);
        if !oif.is_empty() {
            nft.word("device");
            nft.device(oif)?;
        }
        Some(())
    }
}

impl Acting for Tee {
    /// The copy leaves by a walk of its own, and is not copied there; nothing happens to the packet at hand.
    ///
    /// Kernel: net/ipv4/netfilter/nf_dup_ipv4.c `nf_dup_ipv4`, and its IPv6 fellow.
    fn act(&self, _: &Lowering<'_>) -> Act {
        let Self { gateway, oif } = self;
        let (gateway, oif) = (*gateway, iface_number(oif));
        Act::Native(NativeAct::new("copy to a gateway", Effect::Mutates, move |at| {
            if at.packet.meta.copied {
                return Ok(Verdict::Continue);
            }
            let mut copy = at.packet.clone();
            rewrite::set_df(&mut copy.bytes, &copy.layout);
            // Where the stack would have counted the packet's hop later.
            if matches!(at.hook, Hook::Prerouting | Hook::Input) {
                copy.key.ttl = copy.key.ttl.wrapping_sub(1);
                rewrite::set_ttl(&mut copy.bytes, &copy.layout, copy.key.ttl);
            }
            at.env.copy(copy, gateway, oif);
            Ok(Verdict::Continue)
        }))
    }
}

impl Xt<1> for Tee {
    type Info = XtTeeTginfo;
    const COMPARE: usize = offset_of!(XtTeeTginfo, r#priv);

    fn encode(&self, cx: &Carry<'_>) -> Option<XtTeeTginfo> {
        let Self { gateway, oif } = self;
        Some(XtTeeTginfo { gw: inet(*gateway, cx.family), oif: chars(oif)?, ..Default::default() })
    }

    fn decode(info: &XtTeeTginfo, cx: &Carry<'_>) -> Option<Self> {
        let XtTeeTginfo { gw, oif, r#priv: _ } = info;
        Some(Self { gateway: addr(gw, cx.family), oif: text(oif)?.into_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use crate::model::TableName::Mangle;
    use ox_packet::Family::{V4, V6};

    #[test]
    fn reads_and_prints() {
        check(
            V4,
            Mangle,
            "-j TEE --oif eth0 --gateway 1.2.3.4",
            "-j TEE --gateway 1.2.3.4 --oif eth0",
            "TEE gw:1.2.3.4 oif=eth0",
        );
        check(V6, Mangle, "-j TEE --gateway fe80::1", "-j TEE --gateway fe80::1", "TEE gw:fe80::1");
        refused(V4, Mangle, "-j TEE");
        refused(V4, Mangle, "-j TEE --gateway fe80::1");
    }
}
