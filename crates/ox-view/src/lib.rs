//! What happened to a packet, told to people: a trace becomes a story, a story becomes text or JSON.
//!
//! Nothing here decides anything and nothing here does I/O: [`story`] reads the events that a walk reported and the rules
//! they name, [`text`] lays a story out for a terminal, and serde writes the same story as JSON.
#![forbid(unsafe_code)]

mod answer;
mod deed;
mod fraction;
mod near;
mod owner;
mod phrase;
mod sentence;
mod story;
mod teller;
mod text;
mod words;
mod wrap;

pub use answer::{Answer, Asked, Back, Supposed, Way};
pub use fraction::fraction;
pub use near::{Near, Watch};
pub use owner::{Owner, owner};
pub use phrase::{Ending, detail, flow, verdict};
pub use story::{Line, NearMiss, RuleRef, Source, Step, Story, What};
pub use teller::story;
pub use text::{Style, text};
pub use words::{field_value, part_text, rule_text};
