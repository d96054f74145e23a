//! `-m cpu`: which processor handles the packet.
//!
//! Kernel: net/netfilter/xt_cpu.c; ABI: uapi/linux/netfilter/xt_cpu.h.
use super::prelude::*;
use ox_wire::xtables::host::XtCpuInfo;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cpu {
    cpu: Inv<u32>,
}

options! { Cpu;
    /// Number of the processor.
    CPU ["cpu"] Inv<u32>, .needed() => |c, v| c.cpu = v;
}

impl Ext for Cpu {
    const NAME: &'static str = "cpu";
    const ABOUT: &'static str = "Asks which processor handles the packet.";

    fn save(&self, out: &mut Out, _: Family) {
        let Self { cpu } = *self;
        out.opt(cpu.not, "--cpu", cpu.is);
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { cpu } = *self;
        out.word("cpu");
        out.raw(if cpu.not { " !" } else { "" });
        out.value(cpu.is);
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { cpu } = *self;
        nft.test("cpu", cpu.not, cpu.is);
        Some(())
    }
}

impl Matching for Cpu {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { cpu: _ } = *self;
        Native::unknown("processor", "which processor handles the packet").into()
    }
}

impl Xt<0> for Cpu {
    type Info = XtCpuInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<XtCpuInfo> {
        let Self { cpu } = *self;
        Some(XtCpuInfo { cpu: cpu.is, invert: cpu.not.into() })
    }

    fn decode(info: &XtCpuInfo, _: &Carry<'_>) -> Option<Self> {
        let XtCpuInfo { cpu, invert } = *info;
        Some(Self { cpu: Inv { is: cpu, not: invert != 0 } })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use crate::model::TableName::Filter;
    use ox_packet::Family::V4;

    #[test]
    fn reads_and_prints() {
        check(V4, Filter, "-m cpu ! --cpu 0x3", "-m cpu ! --cpu 3", "cpu ! 3");
        refused(V4, Filter, "-m cpu");
        refused(V4, Filter, "-m cpu --cpu 4294967296");
    }
}
