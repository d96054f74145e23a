//! An address with a mask whose host bits are kept, as `policy`, `srh` and `ipvs` take it.
use super::prelude::*;

/// The address as typed, and the mask through which it is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct AddrMask {
    pub addr: u128,
    pub mask: u128,
}

impl Value for AddrMask {
    const HINT: &'static str = "ADDRESS[/MASK]";
    fn read(args: &[&str], _: bool, cx: &Reading<'_>) -> Result<Self, String> {
        let typed = args[0];
        let net = read_net(typed, cx.family, cx.names)?.into_iter().next();
        let net = net.ok_or_else(|| format!("`{typed}' has no address in this family"))?;
        let host = typed.split_once('/').map_or(typed, |(host, _)| host);
        let addr = read_addr(host, cx.family).unwrap_or(net.addr());
        Ok(AddrMask { addr, mask: net.mask() })
    }
}

impl AddrMask {
    /// Whether an address is the same where the mask has bits.
    pub(super) fn has(self, addr: u128) -> bool {
        (self.addr ^ addr) & self.mask == 0
    }

    /// `ADDRESS/LENGTH`, or `ADDRESS/MASK` where the mask is no prefix; without the length of a single address if `brief`.
    pub(super) fn print(self, family: Family, brief: bool, out: &mut Out) {
        let Self { addr, mask } = self;
        out.addr(family, addr);
        let width = if family == Family::V4 { 32 } else { 128 };
        match Net::new(addr, mask).prefix_len(family) {
            Some(len) if len == width && brief => {}
            Some(len) => out.fmt(format_args!("/{len}")),
            None => {
                out.raw("/");
                out.addr(family, mask);
            }
        }
    }
}
