//! `-m mac`: the source address of the Ethernet header.
//!
//! Kernel: net/netfilter/xt_mac.c; ABI: uapi/linux/netfilter/xt_mac.h. A packet without such a header does not match,
//! whether there is a `!` or not.
use super::prelude::*;
use ox_wire::xtables::host::XtMacInfo;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mac {
    source: Inv<Address>,
}

/// An Ethernet address.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Address(pub [u8; 6]);

options! { Mac;
    /// Six bytes in hexadecimal, separated by colons.
    SOURCE ["mac-source"] Inv<Address>, .needed() => |m, v| m.source = v;
}

impl Value for Address {
    const HINT: &'static str = "AA:BB:CC:DD:EE:FF";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let byte = |part: &str| match part.len() {
            1 | 2 if part.bytes().all(|b| b.is_ascii_hexdigit()) => u8::from_str_radix(part, 16).ok(),
            _ => None,
        };
        let bytes: Option<Vec<u8>> = args[0].split(':').map(byte).collect();
        match bytes.and_then(|b| b.try_into().ok()) {
            Some(address) => Ok(Address(address)),
            None => Err(format!("`{}' is not an Ethernet address: six bytes like 00:11:22:aa:bb:cc", args[0])),
        }
    }
}

impl Print for Address {
    fn print(&self, out: &mut Out) {
        for (i, byte) in self.0.iter().enumerate() {
            out.fmt(format_args!("{}{byte:02x}", if i > 0 { ":" } else { "" }));
        }
    }
}

impl Ext for Mac {
    const NAME: &'static str = "mac";
    const ABOUT: &'static str = "Compares the source address of the Ethernet header the packet came in with.";
    const HOOKS: HookSet = HookSet::of(&[Hook::Prerouting, Hook::Input, Hook::Forward]);

    fn save(&self, out: &mut Out, _: Family) {
        let Self { source } = *self;
        out.opt(source.not, "--mac-source", source.is);
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { source } = *self;
        out.opt(false, if source.not { "MAC !" } else { "MAC" }, source.is);
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { source } = *self;
        let Address(bytes) = source.is;
        let text: Vec<String> = bytes.iter().map(|b| format!("{b:02x}")).collect();
        nft.test("ether saddr", source.not, &text.join(":")[..]);
        Some(())
    }
}

impl Matching for Mac {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { source: Inv { is: Address(address), not } } = *self;
        Native::new("source MAC", Effect::Stable, move |at| {
            Ok(at.packet.meta.link.is_some_and(|link| (link.src == address) != not))
        })
        .into()
    }
}

impl Xt<0> for Mac {
    type Info = XtMacInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<XtMacInfo> {
        let Self { source } = *self;
        Some(XtMacInfo { srcaddr: source.is.0, invert: source.not.into(), ..Default::default() })
    }

    fn decode(info: &XtMacInfo, _: &Carry<'_>) -> Option<Self> {
        let XtMacInfo { srcaddr, _pad, invert } = *info;
        Some(Self { source: Inv { is: Address(srcaddr), not: invert != 0 } })
    }
}
