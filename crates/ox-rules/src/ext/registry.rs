//! The registry: which extensions there are. One row each; everything else of an extension is in its own file.

use super::abi::{self, Carried, Carry};
use super::{Acting, Desc, Ext, Matching, Place, Refused, Shared, admit_desc, save_foreign};
use crate::ir::{Act, Lowering, Native, Pred};
use crate::model::{ChainName, Foreign, Raw, Standard};
use crate::syntax::{Nft, Opt, Options, Out, Reading, Show};
use ox_packet::Family;

macro_rules! registry {
    (
        matches { $($m:ident = $mty:ty $(, $mbox:ident)? $([$($mrev:literal)*])?;)* }
        targets { $($t:ident = $tty:ty $(, $tbox:ident)? $([$($trev:literal)*])?;)* }
    ) => {
        /// A match of a rule.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Match {
            $(#[doc = concat!("`", stringify!($mty), "`")] $m(registry!(@held $mty $(, $mbox)?)),)*
            /// One that we do not know.
            Foreign(Box<Foreign>),
        }

        /// What a rule does.
        #[derive(Clone, Debug, Default, PartialEq)]
        pub enum Target {
            /// Nothing: the rule only counts.
            #[default]
            None,
            /// `-j CHAIN`
            Jump(ChainName),
            /// `-g CHAIN`
            Goto(ChainName),
            /// A verdict.
            Standard(Standard),
            $(#[doc = concat!("`", stringify!($tty), "`")] $t(registry!(@held $tty $(, $tbox)?)),)*
            /// One that we do not know.
            Foreign(Box<Foreign>),
        }

        pub(super) const MATCHES: &[Desc] = &[$(Desc::of::<$mty>()),*];
        pub(super) const TARGETS: &[Desc] = &[$(Desc::of::<$tty>()),*];

        #[expect(dead_code, reason = "rows are counted by name")]
        mod row {
            #[repr(usize)]
            pub(super) enum Match { $($m,)* End }
            #[repr(usize)]
            pub(super) enum Target { $($t,)* End }
        }

        pub(super) fn make_match(i: usize) -> Match {
            $(if i == row::Match::$m as usize {
                return Match::$m(<$mty>::default().into());
            })*
            unreachable!("i is a position in MATCHES")
        }

        pub(super) fn make_target(i: usize) -> Target {
            $(if i == row::Target::$t as usize {
                return Target::$t(<$tty>::default().into());
            })*
            unreachable!("i is a position in TARGETS")
        }

        impl Match {
            /// Its description; `None` for one that we do not know.
            pub fn desc(&self) -> Option<&'static Desc> {
                match self {
                    $(Match::$m(_) => Some(&MATCHES[row::Match::$m as usize]),)*
                    Match::Foreign(_) => None,
                }
            }

            /// Its name after `-m`.
            pub fn name(&self) -> &str {
                match self {
                    $(Match::$m(_) => <$mty as Ext>::NAME,)*
                    Match::Foreign(f) => &f.name,
                }
            }

            pub(crate) fn set(&mut self, i: usize, args: &[&str], not: bool, cx: &Reading<'_>) -> Result<(), String> {
                match self {
                    $(Match::$m(e) => e.set(i, args, not, cx),)*
                    Match::Foreign(_) => Ok(()),
                }
            }

            pub(crate) fn check(&mut self, seen: u32, cx: &Reading<'_>) -> Result<(), String> {
                match self {
                    $(Match::$m(e) => e.check(seen, cx),)*
                    Match::Foreign(_) => Ok(()),
                }
            }

            /// Whether it makes the kernel track connections.
            pub fn tracks(&self) -> bool {
                match self {
                    $(Match::$m(e) => e.tracks(),)*
                    Match::Foreign(_) => false,
                }
            }

            /// Whether it makes the kernel put fragments together, though it need not track connections.
            pub fn defrags(&self) -> bool {
                match self {
                    $(Match::$m(_) => <$mty as Ext>::DEFRAG,)*
                    Match::Foreign(_) => false,
                }
            }

            /// Whether it makes the kernel count what connections carry.
            pub fn accounts(&self) -> bool {
                match self {
                    $(Match::$m(_) => <$mty as Ext>::ACCOUNTING,)*
                    Match::Foreign(_) => false,
                }
            }

            /// Whether the kernel would take it where it stands.
            ///
            /// # Errors
            /// Its refusal.
            pub fn admit(&self, at: &Place<'_>) -> Result<(), Refused> {
                match self {
                    $(Match::$m(e) => {
                        admit_desc(&MATCHES[row::Match::$m as usize], at)?;
                        e.admit(at)
                    })*
                    Match::Foreign(_) => Ok(()),
                }
            }

            /// What it shares by name with other rules.
            pub fn shared(&self) -> Option<Shared<'_>> {
                match self {
                    $(Match::$m(e) => e.shared(),)*
                    Match::Foreign(_) => None,
                }
            }

            pub(crate) fn save(&self, out: &mut Out, family: Family) {
                match self {
                    $(Match::$m(e) => e.save(out, family),)*
                    Match::Foreign(f) => save_foreign(f, out),
                }
            }

            /// Prints as `-L` does.
            pub fn list(&self, out: &mut Out, show: &Show<'_>) {
                match self {
                    $(Match::$m(e) => e.list(out, show),)*
                    Match::Foreign(f) => {
                        out.word(&f.name);
                        save_foreign(f, out);
                    }
                }
            }

            /// What the kernel gets, of the first revision in the registry's order that it confirms and that can say it;
            /// `None`: there is none.
            pub fn encode(&self, cx: &Carry<'_>, confirmed: &dyn Fn(&str, u8) -> bool) -> Option<Carried> {
                let fits = |c: &Carried| confirmed(&c.name, c.revision);
                match self {
                    $(Match::$m(e) => {
                        let _ = e;
                        $($(if let Some(c) = abi::encode::<$mty, $mrev>(e, <$mty as Ext>::NAME, cx).filter(fits) {
                            return Some(c);
                        })*)?
                        None
                    })*
                    Match::Foreign(f) => abi::carried(f),
                }
            }

            /// What the kernel's payload says; [`Match::Foreign`] where we cannot tell.
            pub fn decode(name: &str, raw: Raw, cx: &Carry<'_>) -> Self {
                $($($(if <$mty as Ext>::FAMILIES.has(cx.family)
                    && let Some(e) = abi::decode::<$mty, $mrev>(<$mty as Ext>::NAME, &raw, name, cx)
                {
                    return Match::$m(e.into());
                })*)?)*
                Match::Foreign(Box::new(abi::foreign(name, raw)))
            }

            pub(crate) fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
                match self {
                    $(Match::$m(e) => e.translate(nft),)*
                    Match::Foreign(_) => nft.no("nobody here knows what it means"),
                }
            }

            pub(super) fn pred(&self, cx: &Lowering<'_>) -> Pred {
                match self {
                    $(Match::$m(e) => e.pred(cx),)*
                    Match::Foreign(_) => Native::unknown("foreign match", "oxtables does not know this match").into(),
                }
            }
        }

        impl Target {
            /// Its description; `None` for jumps, verdicts and those that we do not know.
            pub fn desc(&self) -> Option<&'static Desc> {
                match self {
                    $(Target::$t(_) => Some(&TARGETS[row::Target::$t as usize]),)*
                    _ => None,
                }
            }

            /// Its name after `-j` (or `-g`); empty for none.
            pub fn name(&self) -> &str {
                match self {
                    Target::None => "",
                    Target::Jump(c) | Target::Goto(c) => c.as_str(),
                    Target::Standard(s) => s.name(),
                    $(Target::$t(_) => <$tty as Ext>::NAME,)*
                    Target::Foreign(f) => &f.name,
                }
            }

            pub(crate) fn set(&mut self, i: usize, args: &[&str], not: bool, cx: &Reading<'_>) -> Result<(), String> {
                match self {
                    $(Target::$t(e) => e.set(i, args, not, cx),)*
                    _ => Ok(()),
                }
            }

            pub(crate) fn check(&mut self, seen: u32, cx: &Reading<'_>) -> Result<(), String> {
                match self {
                    $(Target::$t(e) => e.check(seen, cx),)*
                    _ => Ok(()),
                }
            }

            /// Whether it makes the kernel track connections.
            pub fn tracks(&self) -> bool {
                match self {
                    $(Target::$t(e) => e.tracks(),)*
                    _ => false,
                }
            }

            /// Whether it makes the kernel put fragments together, though it need not track connections.
            pub fn defrags(&self) -> bool {
                match self {
                    $(Target::$t(_) => <$tty as Ext>::DEFRAG,)*
                    _ => false,
                }
            }

            /// Whether the kernel would take it where it stands.
            ///
            /// # Errors
            /// Its refusal.
            pub fn admit(&self, at: &Place<'_>) -> Result<(), Refused> {
                match self {
                    $(Target::$t(e) => {
                        admit_desc(&TARGETS[row::Target::$t as usize], at)?;
                        e.admit(at)
                    })*
                    _ => Ok(()),
                }
            }

            /// What it shares by name with other rules.
            pub fn shared(&self) -> Option<Shared<'_>> {
                match self {
                    $(Target::$t(e) => e.shared(),)*
                    _ => None,
                }
            }

            pub(crate) fn save(&self, out: &mut Out, family: Family) {
                match self {
                    $(Target::$t(e) => e.save(out, family),)*
                    Target::Foreign(f) => save_foreign(f, out),
                    _ => {}
                }
            }

            /// Prints an extension target's options as `-L` does; nothing for jumps and verdicts.
            pub fn list(&self, out: &mut Out, show: &Show<'_>) {
                match self {
                    $(Target::$t(e) => e.list(out, show),)*
                    Target::Foreign(f) => save_foreign(f, out),
                    _ => {}
                }
            }

            /// What the kernel gets of an extension target, as [`Match::encode`]; `None` for jumps and verdicts too.
            pub fn encode(&self, cx: &Carry<'_>, confirmed: &dyn Fn(&str, u8) -> bool) -> Option<Carried> {
                let fits = |c: &Carried| confirmed(&c.name, c.revision);
                match self {
                    $(Target::$t(e) => {
                        let _ = e;
                        $($(if let Some(c) = abi::encode::<$tty, $trev>(e, <$tty as Ext>::NAME, cx).filter(fits) {
                            return Some(c);
                        })*)?
                        None
                    })*
                    Target::Foreign(f) => abi::carried(f),
                    _ => None,
                }
            }

            /// What the kernel's payload of an extension target says; [`Target::Foreign`] where we cannot tell.
            pub fn decode(name: &str, raw: Raw, cx: &Carry<'_>) -> Self {
                $($($(if <$tty as Ext>::FAMILIES.has(cx.family)
                    && let Some(e) = abi::decode::<$tty, $trev>(<$tty as Ext>::NAME, &raw, name, cx)
                {
                    return Target::$t(e.into());
                })*)?)*
                Target::Foreign(Box::new(abi::foreign(name, raw)))
            }

            pub(crate) fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
                match self {
                    $(Target::$t(e) => e.translate(nft),)*
                    _ => nft.no("nobody here knows what it means"),
                }
            }

            pub(super) fn act(&self, cx: &Lowering<'_>) -> Act {
                match self {
                    $(Target::$t(e) => e.act(cx),)*
                    _ => Act::Unknown("oxtables does not know this target"),
                }
            }
        }
    };
    (@held $ty:ty) => { $ty };
    (@held $ty:ty, boxed) => { Box<$ty> };
}

impl Match {
    /// Its option table.
    pub fn options(&self) -> &'static [Opt] {
        self.desc().map_or(&[], |d| d.options)
    }

    /// The row of its option table that has exactly this name.
    pub fn row(&self, name: &str) -> Option<usize> {
        (self.desc()?.row)(name)
    }
}

impl Target {
    /// Its option table.
    pub fn options(&self) -> &'static [Opt] {
        self.desc().map_or(&[], |d| d.options)
    }

    /// The row of its option table that has exactly this name.
    pub fn row(&self, name: &str) -> Option<usize> {
        (self.desc()?.row)(name)
    }
}

registry! {
    matches {
        AddrType = super::addrtype::AddrType [1 0];
        Ah = super::ah::Ah [0];
        Ah6 = super::ah::Ah6 [0];
        Bpf = super::bpf::Bpf, boxed [1 0];
        Cgroup = super::cgroup::Cgroup, boxed [2 1 0];
        Cluster = super::cluster::Cluster [0];
        Comment = super::comment::Comment [0];
        Connbytes = super::connbytes::Connbytes, boxed [0];
        Connlabel = super::connlabel::Connlabel [0];
        ConnLimit = super::connlimit::ConnLimit [1];
        ConnMark = super::connmark::ConnMark [1];
        Conntrack = super::conntrack::Conntrack [3 2 1];
        Cpu = super::cpu::Cpu [0];
        Dccp = super::dccp::Dccp [0];
        Devgroup = super::devgroup::Devgroup, boxed [0];
        Dscp = super::dscp::Dscp [0];
        DstOpts = super::opts::Dst, boxed [0];
        Ecn = super::ecn::Ecn [0];
        Esp = super::esp::Esp [0];
        Eui64 = super::eui64::Eui64 [0];
        Find = super::string::Find, boxed [1 0];
        Frag = super::frag::Frag, boxed [0];
        HashLimit = super::hashlimit::HashLimit, boxed [3 2 1];
        Hbh = super::opts::Hbh, boxed [0];
        Helper = super::helper::Helper, boxed [0];
        Hl = super::hl::Hl [0];
        Icmp = super::icmp::Icmp [0];
        Icmp6 = super::icmp6::Icmp6 [0];
        Ipcomp = super::ipcomp::Ipcomp [0];
        IpRange = super::iprange::IpRange, boxed [1];
        Ipv6header = super::ipv6header::Ipv6header [0];
        Ipvs = super::ipvs::Ipvs, boxed [0];
        Length = super::length::Length [0];
        Limit = super::limit::Limit [0];
        Mac = super::mac::Mac [0];
        Mark = super::mark::Mark [1];
        Mh = super::mh::Mh [0];
        Multiport = super::multiport::Multiport, boxed [1 0];
        Nfacct = super::nfacct::Nfacct, boxed [1 0];
        Osf = super::osf::Osf, boxed [0];
        Owner = super::owner::Owner, boxed [1];
        PhysDev = super::physdev::PhysDev, boxed [0];
        PktType = super::pkttype::PktType [0];
        Policy = super::policy::Policy, boxed [0];
        Quota = super::quota::Quota [0];
        Rateest = super::rateest::Rateest, boxed [0];
        Realm = super::realm::Realm [0];
        Recent = super::recent::Recent, boxed [1 0];
        RpFilter = super::rpfilter::RpFilter [0];
        Rt = super::rt::Rt, boxed [0];
        Sctp = super::sctp::Sctp, boxed [0];
        Set = super::set::Set, boxed [4 3 2 1 0];
        Socket = super::socket::Socket [3 2 1 0];
        Srh = super::srh::Srh, boxed [1 0];
        State = super::state::State [3 0];
        Statistic = super::statistic::Statistic, boxed [0];
        Tcp = super::tcp::Tcp [0];
        Tcpmss = super::tcpmss::Tcpmss [0];
        Time = super::time::Time, boxed [0];
        Tos = super::tos::IsTos [1];
        Ttl = super::ttl::Ttl [0];
        U32 = super::u32::U32, boxed [0];
        Udp = super::udp::Udp [0];
    }
    targets {
        Audit = super::audit::Audit [0];
        Checksum = super::checksum::Checksum [0];
        Classify = super::classify::Classify [0];
        ClusterIp = super::clusterip::ClusterIp, boxed [0];
        ConnMarkSet = super::connmark::SetConnMark [2 1];
        Connsecmark = super::secmark::Connsecmark [0];
        Ct = super::ct::Ct, boxed [2 1 0];
        Dnat = super::dnat::Dnat, boxed [2 1 0];
        Dnpt = super::npt::Dnpt, boxed [0];
        DscpSet = super::dscp::SetDscp [0];
        HlSet = super::hl::SetHl [0];
        Hmark = super::hmark::Hmark, boxed [0];
        Idletimer = super::idletimer::Idletimer, boxed [1 0];
        Led = super::led::Led, boxed [0];
        Log = super::log::Log, boxed [0];
        MarkSet = super::mark::SetMark [2];
        Masquerade = super::masquerade::Masquerade, boxed [0];
        MssSet = super::tcpmss::SetMss [0];
        Netmap = super::netmap::Netmap, boxed [0];
        Nflog = super::nflog::Nflog, boxed [0];
        Nfqueue = super::nfqueue::Nfqueue [3 2 1 0];
        Notrack = super::ct::Notrack [2 0];
        Redirect = super::redirect::Redirect, boxed [0];
        Reject = super::reject::Reject [0];
        Secmark = super::secmark::Secmark, boxed [1 0];
        SetChange = super::set::ChangeSet, boxed [3 2 1 0];
        SetEcn = super::ecn::SetEcn [0];
        SetRateest = super::rateest::SetRateest, boxed [0];
        Snat = super::snat::Snat, boxed [2 1 0];
        Snpt = super::npt::Snpt, boxed [0];
        Synproxy = super::synproxy::Synproxy [0];
        Tcpoptstrip = super::tcpoptstrip::Tcpoptstrip, boxed [0];
        Tee = super::tee::Tee, boxed [1];
        TosSet = super::tos::SetTos [1];
        Tproxy = super::tproxy::Tproxy, boxed [1 0];
        Trace = super::trace::Trace [0];
        TtlSet = super::ttl::SetTtl [0];
        Ulog = super::ulog::Ulog, boxed [0];
    }
}
