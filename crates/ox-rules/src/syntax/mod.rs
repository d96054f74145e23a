//! Words in, words out.
//!
//! * [`Names`] is asked for services, protocols, hosts and users: nothing here reads a file.
//! * [`Opt`] and [`Options`] are an extension's option table; [`Value`] is how one kind of argument is read.
//! * [`read_rule`] reads a rule, [`save_rule`] prints one; both are driven by the option tables.

mod admit;
mod book;
mod command;
mod dump;
mod error;
mod help;
mod json;
mod list;
mod names;
mod number;
mod option;
mod out;
mod program;
mod rule;
mod run;
mod save;
mod shared;
mod text;
mod translate;
mod value;
mod why;
mod words;

pub use admit::admit;
pub use book::{Book, Section, dump_order, header_family, text_family};
pub use command::{Command, Setting, Verb, format_names, is_json, read_command};
pub use dump::{dump, dump_in_parts};
pub use error::{Fault, FaultKind};
pub use help::{help, restore_help, restore_translate_help, save_help, translate_help};
pub use json::{JsonFault, JsonOf, json};
pub use list::{Listing, list_rules};
pub use names::{Names, NoNames};
pub use number::{decimal, decimal_u64, fraction, number, number_u64};
pub use option::{Opt, Options, Outcome, Reading};
pub use out::{Out, Print, Show};
pub use program::{Program, Refusal, Trouble, VERSION, point, quote_line, shorten};
pub use rule::{
    ArgKind, Extra, ExtraOpt, Given, NoExtra, ReadRule, RuleCx, Strangers, meant, read_line, read_rule, suggest,
};
pub use run::{RunCx, act, run};
pub use save::{print_head, save_rule, save_target};
pub use text::{Only, TextCx, TextFault, TextKind, TextTrouble};
pub use translate::{
    Aside, Culprit, Nft, NoForm, Translated, TranslatedText, Untranslated, Where, culprit_word, translate_command,
    translate_rule, translate_text,
};
pub use value::{Addr, Flag, Form, Masked, Ports, Text, Texts, Value, read_addr, read_net, read_port, read_service};
pub use words::{Word, split_words};

pub(crate) use names::{protocol_name, read_protocol};
pub(crate) use option::options;
pub(crate) use value::short_v4;
pub(crate) use words::{cut, parts};
