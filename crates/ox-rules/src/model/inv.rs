//! `Inv<T>`: a value, or anything but that value.

/// A value that an option gives, with or without `!`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Inv<T> {
    /// The value.
    pub is: T,
    /// Whether `!` stood before it.
    pub not: bool,
}

impl<T> Inv<T> {
    /// Without `!`.
    pub const fn plain(is: T) -> Self {
        Self { is, not: false }
    }
}

impl<T: Default + PartialEq> Inv<T> {
    /// Whether nothing was said.
    pub fn is_default(&self) -> bool {
        !self.not && self.is == T::default()
    }
}
