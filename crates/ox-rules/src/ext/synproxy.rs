//! `-j SYNPROXY`: answer SYNs with cookies, and let only clients through that answer them.
//!
//! Kernel: net/netfilter/nf_synproxy_core.c, net/ipv4/netfilter/ipt_SYNPROXY.c; ABI: uapi/linux/netfilter/xt_SYNPROXY.h.
use super::prelude::*;
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
    /// Kernel: `synproxy_tg4`: a SYN is answered and swallowed, an ACK is swallowed or dropped by what its cookie says,
    /// anything else goes on.
    fn act(&self, _: &Lowering<'_>) -> Act {
        let Self { sack: _, timestamp: _, wscale: _, mss: _, ecn: _ } = *self;
        Act::Native(NativeAct::new("SYN proxy", Effect::Mutates, |at| {
            if at.packet.transport().len() < 20 {
                return Ok(Verdict::Drop);
            }
            // FIN 1, SYN 2, RST 4, ACK 16.
            match at.packet.key.tcp_flags & 0x17 {
                0x02 => Ok(Verdict::Stolen),
                0x10 => Err(Stop::Unknown("whether the ACK answers a SYN cookie")),
                _ => Ok(Verdict::Continue),
            }
        }))
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
