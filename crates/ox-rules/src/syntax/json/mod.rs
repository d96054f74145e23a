//! Rules as JSON: the same words as text, each under a name, for programs that would rather not split lines.
//!
//! Nothing here knows an extension. Writing takes apart what [`crate::ext::Ext::save`] prints, by the option table that
//! reads it; reading puts the words together again and gives them to the reader of restore text. The form is documented
//! in `docs/rules-json.md`.

mod extension;
mod fault;
mod fields;
mod node;
mod read;
mod rule;
mod value;
mod walk;
mod write;

pub use fault::JsonFault;
pub use write::{JsonOf, json};

pub(super) use read::load;

/// The version of the form: the field `oxtables`.
const VERSION: u64 = 1;

/// Fields of an extension that are no options.
const NAME: &str = "name";
const WORDS: &str = "words";

/// What stands for the opposite of a value: `{"not": 22}`.
const NOT: &str = "not";
