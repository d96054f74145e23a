//! How the kernel stores an extension: one [`Xt`] for each revision, and who is asked in which order.
//!
//! A payload is believed only if writing what was read from it gives the same bytes again: what our value cannot say is never
//! lost, nor taken for something wider, but stays as it came (`Foreign`).

use crate::bytes::{bytes_of, text_of};
use crate::model::{Foreign, Iface, Raw, prefix_mask};
use ox_packet::Family;
use std::borrow::Cow;
use zerocopy::{FromBytes, FromZeros as _, Immutable, IntoBytes, KnownLayout};

/// One revision of the kernel's `xt_match` or `xt_target`.
pub trait Xt<const REV: u8>: Sized + Default {
    /// Its payload.
    type Info: FromBytes + IntoBytes + Immutable + KnownLayout;
    /// The kernel's name for it, where that is not the one after `-m` or `-j`.
    const KERNEL: Option<&'static str> = None;
    /// Bytes that are user space's (`usersize` of the kernel, `userspacesize` of iptables); the kernel's own stand behind them.
    const COMPARE: usize = size_of::<Self::Info>();

    /// Bytes of it where the families have structures of their own and [`Xt::Info`] is the larger one's bytes.
    fn size(_: Family) -> usize {
        size_of::<Self::Info>()
    }

    /// The payload; `None`: this revision cannot say it.
    fn encode(&self, cx: &Carry<'_>) -> Option<Self::Info>;

    /// What a payload says; `None`: nothing that we know. What does not encode back to the same bytes counts as `None` too.
    fn decode(info: &Self::Info, cx: &Carry<'_>) -> Option<Self>;

    /// Takes out of both payloads what neither the kernel nor a reader looks at, before they are compared: stock leaves junk
    /// in some.
    fn settle(info: &mut Self::Info, cx: &Carry<'_>) {
        let _ = (info, cx);
    }
}

/// What a payload depends on beside the extension itself.
#[derive(Clone, Copy)]
pub struct Carry<'a> {
    /// Whose rules.
    pub family: Family,
    /// Numbers of ipsets.
    pub sets: &'a dyn SetIds,
}

/// The kernel's numbers for ipsets, which it tells over a socket option (Kernel: net/netfilter/ipset/ip_set_core.c
/// `ip_set_sockfn_get`).
pub trait SetIds {
    /// The number of a set.
    fn number(&self, name: &str) -> Option<u16>;
    /// The set of a number.
    fn name(&self, number: u16) -> Option<String>;
}

/// There are no sets.
#[derive(Clone, Copy, Debug)]
pub struct NoSets;

impl SetIds for NoSets {
    fn number(&self, _: &str) -> Option<u16> {
        None
    }
    fn name(&self, _: u16) -> Option<String> {
        None
    }
}

/// A payload with its name and revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// The kernel's name.
    pub name: String,
    /// Revision.
    pub revision: u8,
    /// Bytes, not yet rounded up.
    pub info: Vec<u8>,
    /// How many of them are user space's.
    pub compare: usize,
}

/// The payload of one revision.
pub(super) fn encode<E: Xt<REV>, const REV: u8>(ext: &E, name: &str, cx: &Carry<'_>) -> Option<Carried> {
    let info = ext.encode(cx)?;
    let name = E::KERNEL.unwrap_or(name).to_owned();
    let size = E::size(cx.family);
    Some(Carried { name, revision: REV, info: info.as_bytes()[..size].to_vec(), compare: E::COMPARE.min(size) })
}

/// The extension that a payload of this name and revision says; `None`: another one's, or nothing that we can say.
pub(super) fn decode<E: Xt<REV>, const REV: u8>(ours: &str, from: &Raw, name: &str, cx: &Carry<'_>) -> Option<E> {
    let Raw { revision, info } = from;
    let size = E::size(cx.family);
    if *revision != REV || name != E::KERNEL.unwrap_or(ours) || ![size, size.next_multiple_of(8)].contains(&info.len())
    {
        return None;
    }
    let mut whole = E::Info::new_zeroed();
    whole.as_mut_bytes()[..size].copy_from_slice(&info[..size]);
    let mut info = whole;
    let ext = E::decode(&info, cx)?;
    let mut again = ext.encode(cx)?;
    E::settle(&mut info, cx);
    E::settle(&mut again, cx);
    (info.as_bytes()[..E::COMPARE] == again.as_bytes()[..E::COMPARE]).then_some(ext)
}

/// One that we cannot read: shown as such, and carried back as it came.
pub(super) fn foreign(name: &str, raw: Raw) -> Foreign {
    Foreign { name: name.to_owned(), words: vec!["[unsupported revision]".to_owned()], raw: Some(raw) }
}

/// A payload as it came.
pub(super) fn carried(foreign: &Foreign) -> Option<Carried> {
    let Raw { revision, info } = foreign.raw.clone()?;
    Some(Carried { name: foreign.name.clone(), revision, compare: info.len(), info })
}

/// An address as `union nf_inet_addr` holds it.
pub(super) fn inet(addr: u128, family: Family) -> [u8; 16] {
    match family {
        // Out of a family of 32 bits.
        Family::V4 => {
            let mut all = [0; 16];
            all[..4].copy_from_slice(&(addr as u32).to_be_bytes());
            all
        }
        Family::V6 => addr.to_be_bytes(),
    }
}

/// The address in a `union nf_inet_addr`.
pub(super) fn addr(inet: &[u8; 16], family: Family) -> u128 {
    match family {
        Family::V4 => u128::from_be_bytes(*inet) >> 96,
        Family::V6 => u128::from_be_bytes(*inet),
    }
}

/// The mask of a prefix length. Stock fills all of it when the mask is whole, and compares all of it for `-C` and `-D`.
pub(super) fn inet_mask(len: u8, family: Family) -> [u8; 16] {
    if family == Family::V4 && len >= 32 { [0xff; 16] } else { inet(prefix_mask(family, len), family) }
}

/// Takes out what stands behind an IPv4 mask, for [`Xt::settle`].
pub(super) fn settle_mask(mask: &mut [u8; 16], family: Family) {
    if family == Family::V4 {
        mask[4..].fill(0);
    }
}

/// Text as C holds it: zero bytes behind, one at least. `None`: too long, or with a zero inside.
pub(super) fn chars<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut all = [0; N];
    let bytes = bytes_of(text);
    if bytes.len() >= N || bytes.contains(&0) {
        return None;
    }
    all[..bytes.len()].copy_from_slice(&bytes);
    Some(all)
}

/// The text up to the zero byte; `None`: there is none.
pub(super) fn text(chars: &[u8]) -> Option<Cow<'_, str>> {
    let end = chars.iter().position(|&b| b == 0)?;
    Some(text_of(&chars[..end]))
}

/// Bit `i` is set where `bits[i]` is.
pub(super) fn bits<const N: usize>(bits: [bool; N]) -> u8 {
    bits.iter().enumerate().fold(0, |all, (i, &bit)| all | u8::from(bit) << i)
}

/// The lowest bits one by one. Bits above them are for the comparison in [`decode`] to find.
pub(super) fn unbits<const N: usize>(all: u8) -> [bool; N] {
    std::array::from_fn(|i| all & 1 << i != 0)
}

/// The name of an interface and the bytes of it that count, `+` for the rest of them.
pub(super) fn iface(iface: Iface) -> [[u8; 16]; 2] {
    let (mut name, mut mask) = ([0; 16], [0; 16]);
    let stem = iface.bytes();
    name[..stem.len()].copy_from_slice(stem);
    if iface.is_wild() {
        name[stem.len()] = b'+';
        mask[..stem.len()].fill(0xff);
    } else if !stem.is_empty() {
        mask[..=stem.len()].fill(0xff);
    }
    [name, mask]
}

/// The interface that a name says; what its mask adds is for the comparison in [`decode`] to find.
pub(super) fn from_iface(name: &[u8; 16]) -> Option<Iface> {
    Iface::new(&text(name)?)
}
