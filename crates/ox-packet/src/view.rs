//! How a header is declared: fixed fields at fixed offsets over a slice that was measured once.
//!
//! `header!` makes a reading view and a writing view. Both are only made by `new`, which refuses a slice shorter than
//! the fixed part, so no accessor can run past the end. Writing views change bytes and nothing else: whoever wants
//! checksums kept uses the functions of `rewrite`.

/// Big-endian reads and writes; callers have measured the slice.
pub(crate) mod be {
    pub(crate) fn u8(bytes: &[u8], at: usize) -> u8 {
        bytes[at]
    }
    pub(crate) fn u16(bytes: &[u8], at: usize) -> u16 {
        u16::from_be_bytes([bytes[at], bytes[at + 1]])
    }
    pub(crate) fn u32(bytes: &[u8], at: usize) -> u32 {
        u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
    }
    pub(crate) fn u128(bytes: &[u8], at: usize) -> u128 {
        let mut word = [0u8; 16];
        word.copy_from_slice(&bytes[at..at + 16]);
        u128::from_be_bytes(word)
    }
    pub(crate) mod put {
        pub(crate) fn u8(bytes: &mut [u8], at: usize, value: u8) {
            bytes[at] = value;
        }
        pub(crate) fn u16(bytes: &mut [u8], at: usize, value: u16) {
            bytes[at..at + 2].copy_from_slice(&value.to_be_bytes());
        }
        pub(crate) fn u32(bytes: &mut [u8], at: usize, value: u32) {
            bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
        }
        pub(crate) fn u128(bytes: &mut [u8], at: usize, value: u128) {
            bytes[at..at + 16].copy_from_slice(&value.to_be_bytes());
        }
    }
}

/// Declares `$name<'a>` (reads) and `$mut<'a>` (writes) for a header whose fixed part is `$min` bytes.
macro_rules! header {
    (
        $(#[$doc:meta])*
        $name:ident, $mut:ident, $min:literal;
        $( $(#[$field_doc:meta])* $get:ident, $set:ident: $ty:ident @ $at:literal; )*
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name<'a>(&'a [u8]);

        impl<'a> $name<'a> {
            /// Bytes of the fixed part.
            pub const MIN: usize = $min;

            /// The header at the start of `bytes`; `None` if the fixed part is not all there.
            #[inline]
            pub fn new(bytes: &'a [u8]) -> Option<Self> {
                (bytes.len() >= $min).then_some(Self(bytes))
            }

            /// Everything the view was made over: the header and what follows it.
            #[inline]
            pub fn bytes(self) -> &'a [u8] {
                self.0
            }

            $(
                $(#[$field_doc])*
                #[inline]
                pub fn $get(self) -> $ty {
                    $crate::view::be::$ty(self.0, $at)
                }
            )*
        }

        #[doc = concat!("Writes the fields of a [`", stringify!($name), "`] header; checksums are the caller's.")]
        #[derive(Debug)]
        pub struct $mut<'a>(&'a mut [u8]);

        impl<'a> $mut<'a> {
            /// The header at the start of `bytes`; `None` if the fixed part is not all there.
            #[inline]
            pub fn new(bytes: &'a mut [u8]) -> Option<Self> {
                (bytes.len() >= $min).then_some(Self(bytes))
            }

            /// The header as it reads now.
            #[inline]
            pub fn view(&self) -> $name<'_> {
                $name(self.0)
            }

            $(
                #[doc = concat!("Writes what [`", stringify!($name), "::", stringify!($get), "`] reads.")]
                #[inline]
                pub fn $set(&mut self, value: $ty) {
                    $crate::view::be::put::$ty(self.0, $at, value);
                }
            )*
        }
    };
}
pub(crate) use header;
