//! `-m eui64`: the source address was made from the sender's MAC address.
//!
//! Kernel: net/ipv6/netfilter/ip6t_eui64.c.
use super::prelude::*;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Eui64;

impl crate::syntax::Options for Eui64 {
    const OPTIONS: &'static [crate::syntax::Opt] = &[];
    fn set(&mut self, _: usize, _: &[&str], _: bool, _: &Reading<'_>) -> Result<(), String> {
        Ok(())
    }
}

impl Ext for Eui64 {
    const NAME: &'static str = "eui64";
    const FAMILIES: Families = Families::V6;
    const ABOUT: &'static str = "Asks whether the source address was made from the sender's MAC address.";
    const HOOKS: HookSet = HookSet::of(&[Hook::Prerouting, Hook::Input, Hook::Forward]);

    fn save(&self, _: &mut Out, _: Family) {}

    /// Nothing, as the nft variant lists it.
    fn list(&self, _: &mut Out, _: &Show<'_>) {}
}

impl Matching for Eui64 {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self = self;
        Native::new("EUI-64 of the sender", Effect::Stable, |at| {
            let Some(link) = at.packet.meta.link else { return Ok(false) };
            let [a, b, c, d, e, f] = link.src;
            Ok(at.packet.key.src as u64 == u64::from_be_bytes([a ^ 2, b, c, 0xff, 0xfe, d, e, f]))
        })
        .into()
    }
}

/// Nothing is in it; the kernel wants the size of an `int`.
impl Xt<0> for Eui64 {
    type Info = [u8; 4];

    fn encode(&self, _: &Carry<'_>) -> Option<[u8; 4]> {
        let Self = self;
        Some([0; 4])
    }

    fn decode(_: &[u8; 4], _: &Carry<'_>) -> Option<Self> {
        Some(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use crate::model::TableName::Filter;
    use ox_packet::Family::{V4, V6};

    #[test]
    fn reads_and_prints() {
        check(V6, Filter, "-m eui64", "-m eui64", "");
        refused(V4, Filter, "-m eui64");
    }
}
