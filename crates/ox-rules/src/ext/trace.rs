//! `-j TRACE`: marks the packet, and the kernel reports every rule that it meets.
//!
//! Kernel: net/netfilter/xt_TRACE.c; iptables-nft writes nf_tables' own mark (Kernel: net/netfilter/nft_meta.c
//! `NFT_META_NFTRACE`), which unlike the xt target is taken in every table.
use super::prelude::*;

/// The target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace;

impl crate::syntax::Options for Trace {
    const OPTIONS: &'static [crate::syntax::Opt] = &[];
    fn set(&mut self, _: usize, _: &[&str], _: bool, _: &Reading<'_>) -> Result<(), String> {
        Ok(())
    }
}

impl Ext for Trace {
    const NAME: &'static str = "TRACE";
    const ABOUT: &'static str = "Marks the packet so that the kernel reports every rule it meets, and goes on.";

    fn admit(&self, at: &Place<'_>) -> Result<(), Refused> {
        if at.dialect == Dialect::Legacy && at.table != TableName::Raw {
            return Err(Refused::invalid("TRACE is only valid in the raw table"));
        }
        Ok(())
    }

    fn save(&self, _: &mut Out, _: Family) {}

    fn list(&self, _: &mut Out, _: &Show<'_>) {}

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self = self;
        nft.word("nftrace set 1");
        Some(())
    }
}

impl Acting for Trace {
    fn act(&self, _: &Lowering<'_>) -> Act {
        let prefix = String::new();
        Act::Log(LogSpec { kind: LogKind::Trace, prefix, level: 0, flags: 0, group: 0 })
    }
}

impl Xt<0> for Trace {
    type Info = [u8; 0];

    fn encode(&self, _: &Carry<'_>) -> Option<[u8; 0]> {
        let Self = self;
        Some([])
    }

    fn decode(_: &[u8; 0], _: &Carry<'_>) -> Option<Self> {
        Some(Self)
    }
}
