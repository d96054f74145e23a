//! Words in, words out.
//!
//! * [`Names`] is asked for services, protocols, hosts and users: nothing here reads a file.
//! * [`Opt`] and [`Options`] are an extension's option table; [`Value`] is how one kind of argument is read.
//! * [`read_rule`] reads a rule, [`save_rule`] prints one; both are driven by the option tables.

mod error;
mod names;
mod number;
mod option;
mod out;
mod rule;
mod save;
mod value;
mod words;

pub use error::{Fault, FaultKind};
pub use names::{Names, NoNames};
pub use number::{number, number_u64};
pub use option::{Opt, Options, Outcome, Reading};
pub use out::{Out, Print, Show};
pub use rule::{ArgKind, Extra, ExtraOpt, NoExtra, ReadRule, RuleCx, Strangers, read_line, read_rule, suggest};
pub use save::{print_head, save_rule, save_target};
pub use value::{Addr, Flag, Masked, Ports, Text, Value, read_addr, read_net, read_port};
pub use words::{Word, split_words};

pub(crate) use names::read_protocol;
pub(crate) use option::options;
