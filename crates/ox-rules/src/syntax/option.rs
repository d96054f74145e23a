//! `Opt`: one row of an extension's option table; `options!` writes the table.

use super::{Form, Names};
use crate::ir::Dialect;
use crate::model::{Head, TableName};
use ox_packet::Family;

/// A condition on the rule as read so far.
pub type After = fn(&Reading<'_>) -> Result<(), String>;

/// One option of an extension.
#[derive(Clone, Copy, Debug)]
pub struct Opt {
    /// Its names without dashes, the one to print first.
    pub names: &'static [&'static str],
    /// Words it takes.
    pub args: u8,
    /// What those words are, the last form standing for the rest of them.
    pub forms: &'static [Form],
    /// Whether its argument may be left out: a word that begins with `-`, or `!`, is none.
    pub optional: bool,
    /// Whether `!` may stand before it.
    pub invert: bool,
    /// What its argument is called in help; empty for a flag.
    pub hint: &'static str,
    /// One sentence for help and man pages.
    pub help: &'static str,
    /// Whether it may be given more than once.
    pub multi: bool,
    /// Whether it begins a new group of options.
    pub separates: bool,
    /// Whether the extension is refused without it.
    pub needed: bool,
    /// Bits of the options it cannot stand beside.
    pub excl: u32,
    /// Bits of the options it needs beside it (any one of them).
    pub also: u32,
    /// A condition on the rule as read so far (upstream asks while reading, so order matters).
    pub after: Option<After>,
}

impl Opt {
    /// A row with no conditions.
    pub const fn new(
        names: &'static [&'static str],
        args: u8,
        forms: &'static [Form],
        invert: bool,
        hint: &'static str,
        help: &'static str,
    ) -> Self {
        Self {
            names,
            args,
            forms,
            optional: false,
            invert,
            hint,
            help,
            multi: false,
            separates: false,
            needed: false,
            excl: 0,
            also: 0,
            after: None,
        }
    }

    /// Its argument may be left out, or not.
    #[must_use]
    pub const fn optional(mut self, optional: bool) -> Self {
        self.optional = optional;
        self
    }

    /// Whether its argument is left out, as the word that follows it tells.
    pub fn left_out(&self, next: Option<&str>) -> bool {
        self.optional && next.is_none_or(|w| w.starts_with('-') || w == "!")
    }

    /// May be given more than once.
    #[must_use]
    pub const fn multi(mut self) -> Self {
        self.multi = true;
        self
    }

    /// Begins a new group of options, each time that it is given.
    #[must_use]
    pub const fn separates(mut self) -> Self {
        (self.multi, self.separates) = (true, true);
        self
    }

    /// The extension is refused without it.
    #[must_use]
    pub const fn needed(mut self) -> Self {
        self.needed = true;
        self
    }

    /// Cannot stand beside any of these (bits of options).
    #[must_use]
    pub const fn excl(mut self, bits: u32) -> Self {
        self.excl = bits;
        self
    }

    /// What its word `i` is.
    pub fn form(&self, i: usize) -> Form {
        self.forms.get(i).or(self.forms.last()).copied().unwrap_or_default()
    }

    /// Needs one of these beside it.
    #[must_use]
    pub const fn also(mut self, bits: u32) -> Self {
        self.also = bits;
        self
    }

    /// A condition on the rule as read so far.
    #[must_use]
    pub const fn after(mut self, f: fn(&Reading<'_>) -> Result<(), String>) -> Self {
        self.after = Some(f);
        self
    }
}

/// What an option's reader may look at.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// Family of the ruleset.
    pub family: Family,
    /// Whose details to follow.
    pub dialect: Dialect,
    /// Table the rule is for.
    pub table: TableName,
    /// The rule's head as read so far.
    pub head: &'a Head,
    /// Who knows names.
    pub names: &'a dyn Names,
}

/// An option table and what each row does. Written by [`options!`].
pub trait Options: Sized {
    /// The rows; bit `1 << i` stands for row `i`.
    const OPTIONS: &'static [Opt];
    /// The row of exactly this name. [`options!`] writes one that compares names without a table.
    fn row(name: &str) -> Option<usize> {
        Self::OPTIONS.iter().position(|o| o.names.contains(&name))
    }
    /// Takes row `which` with its arguments.
    ///
    /// # Errors
    /// What is wrong with the argument, in words that can follow "`--name`: ".
    fn set(&mut self, which: usize, args: &[&str], not: bool, cx: &Reading<'_>) -> Result<(), String>;
}

/// What an option's closure may return: nothing, or a refusal.
pub trait Outcome {
    /// As a result.
    ///
    /// # Errors
    /// The refusal.
    fn done(self) -> Result<(), String>;
}

impl Outcome for () {
    fn done(self) -> Result<(), String> {
        Ok(())
    }
}

impl Outcome for Result<(), String> {
    fn done(self) -> Result<(), String> {
        self
    }
}

/// Writes [`Options`] for a type from rows of the form
///
/// ```text
/// /// Help sentence.
/// SPORT ["source-port", "sport"] Inv<Ports> .excl(Self::X | Self::Y) => |t, v| t.sport = v;
/// ```
///
/// The value's type says how many words it takes and, as `Inv<_>`, whether `!` may stand before the option; `Flag` takes
/// none, and what an `Option<_>` takes may be left out. The closure gets the extension and the value, and returns `()` or `Result<(), String>`. Each row's bit is an
/// associated constant (`Self::SPORT`).
macro_rules! options {
    ($ty:ty; $(
        $(#[doc = $help:literal])+
        $id:ident [$($name:literal),+] $val:ty $(, . $attr:ident ( $($arg:expr)? ))* => |$t:ident, $v:ident| $body:expr;
    )*) => {
        const _: () = {
            #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "rows are named by their constants")]
            #[repr(u32)]
            enum Row { $($id,)* }
            impl $ty {
                $(#[doc = concat!("Bit of `--", options!(@first $($name),+), "` among the options seen.")]
                pub const $id: u32 = 1 << Row::$id as u32;)*
            }
            impl $crate::syntax::Options for $ty {
                const OPTIONS: &'static [$crate::syntax::Opt] = &[$(
                    $crate::syntax::Opt::new(
                        &[$($name),+],
                        <$val as $crate::syntax::Value>::ARGS,
                        <$val as $crate::syntax::Value>::FORMS,
                        <$val as $crate::syntax::Value>::INVERT,
                        <$val as $crate::syntax::Value>::HINT,
                        concat!($($help),+),
                    )
                    .optional(<$val as $crate::syntax::Value>::OPTIONAL)$(.$attr($($arg)?))*,
                )*];
                fn row(name: &str) -> Option<usize> {
                    match name {
                        $($($name)|+ => Some(Row::$id as usize),)*
                        _ => None,
                    }
                }
                fn set(
                    &mut self,
                    which: usize,
                    args: &[&str],
                    not: bool,
                    cx: &$crate::syntax::Reading<'_>,
                ) -> Result<(), String> {
                    $(if which == Row::$id as usize {
                        let $v = <$val as $crate::syntax::Value>::read(args, not, cx)?;
                        let $t = self;
                        return $crate::syntax::Outcome::done($body);
                    })*
                    let _ = (args, not, cx);
                    Ok(())
                }
            }
        };
    };
    (@first $first:literal $(, $rest:literal)*) => { $first };
}
pub(crate) use options;
