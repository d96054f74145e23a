//! `Pred`: what a match asks of a packet.

use super::native::Native;
use ox_packet::Field;

/// A question about a packet. Evaluation is left to right and stops as soon as the answer is known, which is what
/// lets a `Native` that changes state run exactly when the kernel's match would.
#[derive(Clone, Debug)]
pub enum Pred {
    /// Always or never.
    Is(bool),
    /// One field within a range.
    Test(Test),
    /// The transport header can be read: see [`Header`].
    Header(Header),
    /// The opposite. Hotdrop and unknown pass through unchanged.
    Not(Box<Pred>),
    /// Every one.
    All(Vec<Pred>),
    /// At least one.
    Any(Vec<Pred>),
    /// A function.
    Native(Native),
}

/// `lo <= field & mask <= hi`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Test {
    /// What is looked at.
    pub field: Field,
    /// Bits that count.
    pub mask: u128,
    /// Smallest masked value that passes.
    pub lo: u128,
    /// Largest masked value that passes.
    pub hi: u128,
}

/// A transport header a match is about to read.
///
/// A second or further fragment has none: the answer is *no*. A header that is cut short makes the kernel's xt matches
/// drop the packet there and then ("hotdrop", Kernel: net/netfilter/xt_tcpudp.c), while nf_tables' own payload
/// expressions just do not match (Kernel: net/netfilter/nft_payload.c `NFT_BREAK`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Bytes that must be there from the start of the transport header.
    pub bytes: u8,
    /// Whether a short header drops the packet (xt) or only fails to match (nf_tables).
    pub hotdrop: bool,
}

impl Test {
    /// Whether a value passes.
    #[inline]
    pub fn holds(&self, value: u128) -> bool {
        let v = value & self.mask;
        self.lo <= v && v <= self.hi
    }
}

impl Pred {
    /// `field == value`.
    pub fn eq(field: Field, value: impl Into<u128>) -> Self {
        let value = value.into();
        Self::range(field, value, value)
    }

    /// `lo <= field <= hi`. An empty range (`lo > hi`) never holds.
    pub fn range(field: Field, lo: impl Into<u128>, hi: impl Into<u128>) -> Self {
        Pred::Test(Test { field, mask: u128::MAX, lo: lo.into(), hi: hi.into() })
    }

    /// `field & mask == value`.
    pub fn masked(field: Field, mask: impl Into<u128>, value: impl Into<u128>) -> Self {
        let (mask, value) = (mask.into(), value.into());
        Pred::Test(Test { field, mask, lo: value, hi: value })
    }

    /// `field & mask != 0`.
    pub fn some_of(field: Field, mask: impl Into<u128>) -> Self {
        let mask = mask.into();
        Pred::Test(Test { field, mask, lo: 1, hi: u128::MAX })
    }

    /// All of them, in order.
    pub fn all(of: impl IntoIterator<Item = Pred>) -> Self {
        Pred::All(of.into_iter().collect())
    }

    /// Any of them, in order.
    pub fn any(of: impl IntoIterator<Item = Pred>) -> Self {
        Pred::Any(of.into_iter().collect())
    }

    /// The opposite if `not`.
    #[must_use]
    pub fn not_if(self, not: bool) -> Self {
        if not { Pred::Not(Box::new(self)) } else { self }
    }
}

impl From<Native> for Pred {
    fn from(n: Native) -> Self {
        Pred::Native(n)
    }
}
