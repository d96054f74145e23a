//! `-j SYNPROXY`: answer SYNs with cookies, and let only clients through that answer them.
//!
//! Kernel: net/netfilter/nf_synproxy_core.c, net/ipv4/netfilter/ipt_SYNPROXY.c; ABI: uapi/linux/netfilter/xt_SYNPROXY.h.
use super::prelude::*;
use crate::ir::Packet;
use ox_packet::{Build, Key, L4, ip_address, tcp};
use ox_wire::xtables::whole::NfSynproxyInfo;

/// The target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Synproxy {
    sack: bool,
    timestamp: bool,
    wscale: Option<u8>,
    mss: Option<u16>,
    ecn: bool,
}

options! { Synproxy;
    /// Offer selective acknowledgement.
    SACK ["sack-perm"] Flag => |s, _v| s.sack = true;
    /// Offer timestamps; without them a cookie cannot carry the options.
    TIMESTAMP ["timestamp"] Flag => |s, _v| s.timestamp = true;
    /// Window scale of the server.
    WSCALE ["wscale"] u8 => |s, v| s.wscale = Some(v);
    /// Maximum segment size of the server.
    MSS ["mss"] u16 => |s, v| s.mss = Some(v);
    /// Offer explicit congestion notification.
    ECN ["ecn"] Flag => |s, _v| s.ecn = true;
}

impl Synproxy {
    fn print(&self, dashes: &str, out: &mut Out) {
        let Self { sack, timestamp, wscale, mss, ecn } = *self;
        let word = |name: &str, out: &mut Out| {
            out.word(dashes);
            out.raw(name);
        };
        if sack {
            word("sack-perm", out);
        }
        if timestamp {
            word("timestamp", out);
        }
        if let Some(n) = wscale {
            word("wscale", out);
            out.value(n);
        }
        if let Some(n) = mss {
            word("mss", out);
            out.value(n);
        }
        if ecn {
            word("ecn", out);
        }
    }
}

impl Ext for Synproxy {
    const NAME: &'static str = "SYNPROXY";
    const ABOUT: &'static str = "Answers SYNs with cookies, and lets only clients through that answer them.";
    const TRACKING: bool = true;
    const HOOKS: HookSet = HookSet::of(&[Hook::Input, Hook::Forward]);

    fn admit(&self, at: &Place<'_>) -> Result<(), Refused> {
        if at.head.proto != Inv::plain(Proto::TCP) {
            return Err(Refused::invalid("SYNPROXY is only valid behind `-p tcp'"));
        }
        Ok(())
    }

    fn save(&self, out: &mut Out, _: Family) {
        self.print("--", out);
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        out.word("SYNPROXY");
        self.print("", out);
        // Stock leaves a blank behind each word.
        out.raw(" ");
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { sack, timestamp, wscale, mss, ecn } = *self;
        if ecn {
            return nft.no("nft's synproxy does not speak of ECN");
        }
        nft.word("synproxy");
        nft.raw(if sack { " sack-perm" } else { "" });
        nft.raw(if timestamp { " timestamp" } else { "" });
        if let Some(n) = wscale {
            nft.say(format_args!("wscale {n}"));
        }
        if let Some(n) = mss {
            nft.say(format_args!("mss {n}"));
        }
        Some(())
    }
}

impl Acting for Synproxy {
    /// A SYN is answered and swallowed, an ACK is swallowed or dropped by what its cookie says, anything else goes on.
    ///
    /// Kernel: net/ipv4/netfilter/ipt_SYNPROXY.c `synproxy_tg4`.
    fn act(&self, _: &Lowering<'_>) -> Act {
        let proxy = self.clone();
        Act::Native(NativeAct::new("SYN proxy", Effect::Mutates, move |at| {
            let l4 = at.packet.transport();
            let Some(offset) = l4.get(12).map(|b| usize::from(b >> 4) * 4) else { return Ok(Verdict::Drop) };
            let Some(options) = l4.get(20..offset).filter(|_| ox_packet::reject_answers(&at.packet.bytes)) else {
                return Ok(Verdict::Drop);
            };
            match at.packet.key.tcp_flags & (tcp::FIN | tcp::SYN | tcp::RST | tcp::ACK) {
                tcp::SYN => {
                    let asked = Asked::read(options, at.packet.key.tcp_flags);
                    // The kernel's counter of milliseconds, the low bits of which carry the options.
                    let clock = (at.env.now().mono / 1_000_000) as u32;
                    if let Some(answer) = proxy.answer(at.packet, asked, clock) {
                        at.env.answer(answer);
                    }
                    Ok(Verdict::Stolen)
                }
                tcp::ACK => Err(Stop::Unknown("whether the ACK answers a SYN cookie")),
                _ => Ok(Verdict::Continue),
            }
        }))
    }
}

/// What a SYN asks for.
#[derive(Clone, Copy, Default)]
struct Asked {
    mss: bool,
    wscale: Option<u8>,
    sack: bool,
    /// The sender's time.
    time: Option<u32>,
    ecn: bool,
}

impl Asked {
    /// Kernel: net/netfilter/nf_synproxy_core.c `synproxy_parse_options`.
    fn read(mut options: &[u8], flags: u8) -> Self {
        let mut asked = Self { ecn: flags & tcp::ECE != 0 && flags & tcp::CWR != 0, ..Self::default() };
        while let [kind, rest @ ..] = options {
            options = match kind {
                0 => break,
                1 => rest,
                _ => {
                    let len = usize::from(rest.first().copied().unwrap_or(0));
                    let Some((option, behind)) = options.split_at_checked(len.max(2)) else { break };
                    match option {
                        _ if len < 2 => break,
                        [2, 4, ..] => asked.mss = true,
                        [3, 3, n] => asked.wscale = Some((*n).min(14)),
                        [4, 2] => asked.sack = true,
                        [8, 10, a, b, c, d, ..] => asked.time = Some(u32::from_be_bytes([*a, *b, *c, *d])),
                        _ => {}
                    }
                    behind
                }
            };
        }
        asked
    }
}

impl Synproxy {
    /// The SYN/ACK. Its number is the cookie, which only the kernel that made it knows: here it is 0.
    ///
    /// Kernel: net/netfilter/nf_synproxy_core.c `synproxy_send_client_synack`, `synproxy_build_options`,
    /// `synproxy_init_timestamp_cookie`.
    fn answer(&self, to: &Packet, asked: Asked, clock: u32) -> Option<Packet> {
        let Self { sack, timestamp, wscale, mss, ecn } = *self;
        let mut options = Vec::new();
        if let Some(mss) = mss.filter(|_| asked.mss) {
            options.extend([2, 4]);
            options.extend(mss.to_be_bytes());
        }
        let mut flags = tcp::SYN | tcp::ACK;
        if let Some(time) = asked.time.filter(|_| timestamp) {
            let (sack, scale) = (sack && asked.sack, asked.wscale.filter(|_| wscale.is_some()));
            options.extend(if sack { [4, 2, 8, 10] } else { [1, 1, 8, 10] });
            let noted = u32::from(scale.unwrap_or(0xf)) | u32::from(sack) << 4 | u32::from(ecn && asked.ecn) << 5;
            options.extend((clock & !0x3f | noted).to_be_bytes());
            options.extend(time.to_be_bytes());
            if let Some(ours) = wscale.filter(|_| scale.is_some()) {
                options.extend([1, 3, 3, ours]);
            }
            flags |= if ecn && asked.ecn { tcp::ECE } else { 0 };
        }
        let ack = ox_packet::Tcp::new(to.transport())?.seq().wrapping_add(1);
        let Key { src, dst, sport, dport, .. } = to.key;
        let l4 = L4::Tcp { sport: dport, dport: sport, seq: 0, ack, flags, window: 0, options };
        let family = to.layout.family;
        let mut build = Build::new(ip_address(family, dst), ip_address(family, src), l4);
        build.df = true;
        let mut packet = Packet::new(build.bytes()).ok()?;
        packet.meta.partial = true;
        Some(packet)
    }
}

impl Xt<0> for Synproxy {
    type Info = NfSynproxyInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<NfSynproxyInfo> {
        let Self { sack, timestamp, wscale, mss, ecn } = *self;
        Some(NfSynproxyInfo {
            options: bits([mss.is_some(), wscale.is_some(), sack, timestamp, ecn]),
            wscale: wscale.unwrap_or(0),
            mss: mss.unwrap_or(0),
        })
    }

    fn decode(info: &NfSynproxyInfo, _: &Carry<'_>) -> Option<Self> {
        let NfSynproxyInfo { options, wscale, mss } = *info;
        let [has_mss, has_scale, sack, timestamp, ecn] = unbits(options);
        Some(Self { sack, timestamp, wscale: has_scale.then_some(wscale), mss: has_mss.then_some(mss), ecn })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use crate::model::TableName::Filter;
    use ox_packet::Family::V4;

    #[test]
    fn reads_and_prints() {
        check(
            V4,
            Filter,
            "-p tcp -j SYNPROXY --mss 1460 --wscale 7 --timestamp --sack-perm",
            "-p tcp -j SYNPROXY --sack-perm --timestamp --wscale 7 --mss 1460",
            "SYNPROXY sack-perm timestamp wscale 7 mss 1460 ",
        );
        check(V4, Filter, "-p tcp -j SYNPROXY", "-p tcp -j SYNPROXY", "SYNPROXY ");
        refused(V4, Filter, "-p tcp -j SYNPROXY --mss 65536");
    }
}
