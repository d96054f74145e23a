//! `-j TPROXY`: hand the packet to a local transparent proxy without changing it.
//!
//! Kernel: net/netfilter/xt_TPROXY.c, net/ipv4/netfilter/nf_tproxy_ipv4.c; ABI: uapi/linux/netfilter/xt_TPROXY.h.
use super::ports::Port;
use super::prelude::*;
use ox_wire::xtables::nat::{XtTproxyTargetInfo, XtTproxyTargetInfoV1};

/// The target.
#[derive(Clone, Debug, PartialEq)]
pub struct Tproxy {
    port: u16,
    addr: u128,
    mark: Masked,
}

impl Default for Tproxy {
    fn default() -> Self {
        Self { port: 0, addr: 0, mark: Masked { value: 0, mask: 0 } }
    }
}

options! { Tproxy;
    /// Port of the proxy; 0 for the packet's own destination port.
    PORT ["on-port"] Port, .needed() => |t, v| t.port = v.0;
    /// Address of the proxy. If not given, the first of the interface the packet came in by.
    ADDR ["on-ip"] Host => |t, v| t.addr = v.0;
    /// Set the packet's mark, through the mask if one is given.
    MARK ["tproxy-mark"] Masked => |t, v| t.mark = v;
}

struct Host(u128);

impl Value for Host {
    const HINT: &'static str = "ADDRESS";
    fn read(args: &[&str], _: bool, cx: &Reading<'_>) -> Result<Self, String> {
        super::host(args[0], cx).map(Host)
    }
}

impl Ext for Tproxy {
    const NAME: &'static str = "TPROXY";
    const ABOUT: &'static str = "Hands the packet to a local transparent proxy, unchanged.";
    const TABLES: &'static [TableName] = &[TableName::Mangle];
    const HOOKS: HookSet = HookSet::of(&[Hook::Prerouting]);
    const DEFRAG: bool = true;

    fn admit(&self, at: &Place<'_>) -> Result<(), Refused> {
        match at.head.proto {
            Inv { is: Proto::TCP | Proto::UDP, not: false } => Ok(()),
            _ => Err(Refused::invalid("TPROXY is only valid behind `-p tcp' or `-p udp'")),
        }
    }

    fn save(&self, out: &mut Out, family: Family) {
        let Self { port, addr, mark } = *self;
        out.opt(false, "--on-port", port);
        out.word("--on-ip ");
        out.addr(family, addr);
        out.opt(false, "--tproxy-mark", format_args!("{:#x}/{:#x}", mark.value, mark.mask));
    }

    fn list(&self, out: &mut Out, show: &Show<'_>) {
        let Self { port, addr, mark } = *self;
        out.word("TPROXY redirect ");
        out.addr(show.family, addr);
        out.fmt(format_args!(":{port} mark {:#x}/{:#x}", mark.value, mark.mask));
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { port, addr, mark } = *self;
        let proto = nft.head.proto;
        if proto != Inv::plain(Proto::TCP) && proto != Inv::plain(Proto::UDP) {
            return nft.no("TPROXY is only valid behind `-p tcp' or `-p udp'");
        }
        if port == 0 && addr == 0 {
            return nft.no("nft sends packets to an address or to a port, and wants one of them");
        }
        nft.note("where nobody listens, TPROXY drops the packet and nft goes on with the next rule");
        nft.word("tproxy to");
        nft.raw(" ");
        let open = nft.family == Family::V6 && port != 0;
        if addr != 0 {
            nft.raw(if open { "[" } else { "" });
            nft.raw_addr(addr);
            nft.raw(if open { "]" } else { "" });
        }
        if port != 0 {
            nft.raw(":");
            nft.raw_value(port);
        }
        if mark.mask != 0 || mark.value != 0 {
            nft.say(format_args!("meta mark set {}", super::mark::changed("mark", mark.value, mark.mask)));
        }
        nft.word("accept");
        Some(())
    }
}

impl Acting for Tproxy {
    fn act(&self, _: &Lowering<'_>) -> Act {
        let Self { port, addr, mark } = *self;
        Act::Native(NativeAct::new("transparent proxy", Effect::Stable, move |at| {
            let packet = &*at.packet;
            if packet.layout.l4 == 0 || packet.transport().len() < 8 {
                return Ok(Verdict::Drop);
            }
            let key = packet.key;
            let to = if addr != 0 { addr } else { at.env.iface_addr(packet.layout.family, key.iif).unwrap_or(key.dst) };
            let port = if port == 0 { key.dport } else { port };
            // A socket that owns the very connection comes first in the kernel; both end in the same verdict.
            let proxied = at.env.listener(packet, to, port)?
                || at.env.socket(packet)?.is_some_and(|s| s.transparent && !s.wildcard);
            if !proxied {
                return Ok(Verdict::Drop);
            }
            at.packet.key.mark = key.mark & !mark.mask ^ mark.value;
            at.packet.meta.tproxy = Some((to, port));
            Ok(Verdict::Accept)
        }))
    }
}

impl Xt<1> for Tproxy {
    type Info = XtTproxyTargetInfoV1;

    fn encode(&self, cx: &Carry<'_>) -> Option<XtTproxyTargetInfoV1> {
        let Self { port, addr, mark } = *self;
        Some(XtTproxyTargetInfoV1 {
            mark_mask: mark.mask,
            mark_value: mark.value,
            laddr: inet(addr, cx.family),
            lport: port.into(),
            ..Default::default()
        })
    }

    fn decode(info: &XtTproxyTargetInfoV1, cx: &Carry<'_>) -> Option<Self> {
        let XtTproxyTargetInfoV1 { mark_mask, mark_value, laddr, lport, _pad } = info;
        let mark = Masked { value: *mark_value, mask: *mark_mask };
        Some(Self { port: lport.get(), addr: addr(laddr, cx.family), mark })
    }
}

/// IPv4 alone.
impl Xt<0> for Tproxy {
    type Info = XtTproxyTargetInfo;

    fn encode(&self, cx: &Carry<'_>) -> Option<XtTproxyTargetInfo> {
        let XtTproxyTargetInfoV1 { mark_mask, mark_value, laddr: [a, b, c, d, ..], lport, _pad } =
            <Self as Xt<1>>::encode(self, cx)?;
        let info = XtTproxyTargetInfo { mark_mask, mark_value, laddr: [a, b, c, d], lport, ..Default::default() };
        (cx.family == Family::V4).then_some(info)
    }

    fn decode(info: &XtTproxyTargetInfo, _: &Carry<'_>) -> Option<Self> {
        let XtTproxyTargetInfo { mark_mask, mark_value, laddr, lport, _pad } = *info;
        let mark = Masked { value: mark_value, mask: mark_mask };
        Some(Self { port: lport.get(), addr: u32::from_be_bytes(laddr).into(), mark })
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
            "-p tcp -j TPROXY --on-port 80",
            "-p tcp -j TPROXY --on-port 80 --on-ip 0.0.0.0 --tproxy-mark 0x0/0x0",
            "TPROXY redirect 0.0.0.0:80 mark 0x0/0x0",
        );
        check(
            V4,
            Mangle,
            "-p udp -j TPROXY --tproxy-mark 0x10/0xf --on-ip 1.2.3.4 --on-port 0",
            "-p udp -j TPROXY --on-port 0 --on-ip 1.2.3.4 --tproxy-mark 0x10/0xf",
            "TPROXY redirect 1.2.3.4:0 mark 0x10/0xf",
        );
        check(
            V6,
            Mangle,
            "-p udp -j TPROXY --on-port 5 --tproxy-mark 1",
            "-p udp -j TPROXY --on-port 5 --on-ip :: --tproxy-mark 0x1/0xffffffff",
            "TPROXY redirect :::5 mark 0x1/0xffffffff",
        );
        refused(V4, Mangle, "-p udp -j TPROXY");
        refused(V4, Mangle, "-p udp -j TPROXY --on-port 65536");
        refused(V4, Mangle, "-p udp -j TPROXY --on-port 1 --tproxy-mark 1/");
    }
}
