//! What ip_tables, ip6_tables and nf_tables' compat expressions carry: entries, and the payload of every match and target.
//!
//! ABI: uapi/linux/netfilter/x_tables.h and one header for each extension, of a 64-bit kernel. A structure is declared by
//! `abi!` together with the names that its header gives it, so that a test can ask the C compiler whether both agree.

/// Declares structures of a header and where they lie in it.
///
/// `"header.h" "struct c_name" Name { field: Type, … }`, no header if that is gone; a field whose path in C is another one says it behind `as`, and one
/// that stands for several neighbours names the first and the last (`first..last`). Fields that begin with `_` are padding
/// which the header leaves to the compiler, and are not compared.
macro_rules! abi {
    ($($(#[$doc:meta])* $header:literal $c:literal $name:ident {
        $($(#[$fdoc:meta])* $field:ident $(as $path:literal)? : $ty:ty),* $(,)?
    })*) => {
        $(
            $(#[$doc])*
            #[repr(C)]
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            #[derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable, zerocopy::KnownLayout)]
            #[expect(missing_docs, reason = "the fields are the header's")]
            pub struct $name { $($(#[$fdoc])* pub $field: $ty),* }

            impl Default for $name {
                fn default() -> Self {
                    zerocopy::FromZeros::new_zeroed()
                }
            }
        )*

        /// The structures of this file, for the comparison with the headers.
        pub(super) const LAYOUTS: &[$crate::xtables::Layout] = &[$($crate::xtables::Layout {
            header: $header,
            c: $c,
            size: size_of::<$name>(),
            fields: &[$($crate::xtables::Place {
                path: abi!(@path $field $($path)?),
                offset: std::mem::offset_of!($name, $field),
                size: size_of::<$ty>(),
            }),*],
        }),*];
    };
    (@path $field:ident) => { stringify!($field) };
    (@path $field:ident $path:literal) => { $path };
}

pub mod conn;
pub mod entry;
pub mod host;
pub mod ipsec;
pub mod ipv6;
pub mod mark;
pub mod nat;
pub mod port;
pub mod rate;
pub mod report;
pub mod security;
pub mod set;
pub mod whole;

/// How a structure lies in memory.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Header that declares it, as behind `#include`; empty if none does any more.
    pub header: &'static str,
    /// Its name in C.
    pub c: &'static str,
    /// Bytes.
    pub size: usize,
    /// Its fields, in order.
    pub fields: &'static [Place],
}

/// Where a field lies.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// How C names it, from the structure on; `first..last` if it stands for several.
    pub path: &'static str,
    /// Bytes before it.
    pub offset: usize,
    /// Bytes.
    pub size: usize,
}

/// Every structure declared here.
pub fn layouts() -> Vec<Layout> {
    [
        conn::LAYOUTS,
        entry::LAYOUTS,
        host::LAYOUTS,
        ipsec::LAYOUTS,
        ipv6::LAYOUTS,
        mark::LAYOUTS,
        nat::LAYOUTS,
        port::LAYOUTS,
        rate::LAYOUTS,
        report::LAYOUTS,
        security::LAYOUTS,
        set::LAYOUTS,
        whole::LAYOUTS,
    ]
    .concat()
}

/// What every match and target is rounded up to (`XT_ALIGN`: that of `struct _xt_align`, eight bytes on 64 bits).
pub const ALIGN: usize = 8;

/// A size rounded up to [`ALIGN`].
pub const fn align(size: usize) -> usize {
    size.next_multiple_of(ALIGN)
}

/// An address of either family (`union nf_inet_addr`): IPv4 in the first four bytes, the others zero.
pub type InetAddr = [u8; 16];

/// A pointer that the kernel keeps for itself; user space writes zero.
pub type Pointer = u64;
