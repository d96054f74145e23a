//! A table that restore text is about: what its lines have made of it so far.

use super::line::is_target_name;
use super::{TextFault, TextTrouble};
use crate::model::{EditError, Foreign, Fresh, References, Rule, Table, Target};
use crate::syntax::book::Section;
use crate::syntax::command::Verb;
use crate::syntax::rule::ReadRule;
use crate::syntax::why::{Asked, explain};
use crate::syntax::{Out, Refusal, Trouble};
use ox_packet::Family;

/// A table under construction, which counts for nothing before its COMMIT.
pub(super) struct Staged {
    pub(super) table: Table,
    pub(super) refs: Option<References>,
    pub(super) section: Section,
    /// Jumps to chains that no line has named yet: chain, rule.
    pub(super) open: Vec<(usize, usize)>,
    /// Where the chain of the last rule stands; rules of a chain come together.
    pub(super) last: usize,
    /// The first line that cannot be done. nft does nothing before COMMIT, so that lines further down which cannot
    /// be understood are complained about first.
    pub(super) held: Option<Box<TextFault>>,
    /// What nft's kernel would refuse of single lines, at COMMIT too.
    pub(super) refused: Vec<Refusal>,
    /// What the commands have said: nft says it at COMMIT.
    pub(super) out: Out,
    pub(super) skip: bool,
    /// Whether it is there: nft makes a table only for something to stand in it.
    pub(super) made: bool,
}

impl Staged {
    /// A rule of a file: its line is kept, and its chain may be named further down.
    pub(super) fn append(&mut self, number: u32, chain: &str, rule: &mut ReadRule) -> Result<(), Trouble> {
        let at = match self.table.chains.get(self.last) {
            Some(c) if c.name.as_str() == chain => self.last,
            _ => match self.table.position(chain) {
                Some(at) => at,
                None => {
                    let asked =
                        Asked { verb: Verb::Append, chain, second: "", family: rule.family.unwrap_or_default() };
                    return Err(explain(EditError::NoChain.into(), &asked, &self.table));
                }
            },
        };
        self.last = at;
        // A name that the reader found in the table is the table's own.
        let open = matches!(&rule.rule.target, Target::Jump(name) | Target::Goto(name) if !name.is_shared());
        if rule.srcs.is_empty() && rule.dsts.is_empty() {
            self.push(at, number, &mut rule.rule, open);
            return Ok(());
        }
        self.section.plain = false;
        for mut rule in std::mem::take(rule).into_rules() {
            self.push(at, number, &mut rule, open);
        }
        Ok(())
    }

    fn push(&mut self, at: usize, number: u32, rule: &mut Rule, open: bool) {
        rule.origin.line = number;
        rule.origin.fresh = Fresh::Kept;
        let rules = &mut self.table.chains[at].rules;
        if open {
            self.open.push((at, rules.len()));
        }
        if rules.capacity() == 0 {
            // Most chains of large dumps have two or three rules.
            rules.reserve_exact(2);
        }
        rules.push(std::mem::take(rule));
    }

    /// Jumps to chains that were named only later, or never.
    pub(super) fn close_jumps(&mut self, family: Family) -> Result<(), Box<TextFault>> {
        for (chain, at) in std::mem::take(&mut self.open) {
            let Some(rule) = self.table.chains.get(chain).and_then(|c| c.rules.get(at)) else { continue };
            let (name, goto) = match &rule.target {
                Target::Jump(name) => (name.clone(), false),
                Target::Goto(name) => (name.clone(), true),
                _ => continue,
            };
            let line = rule.origin.line;
            let target = match self.table.shared_name(name.as_str()) {
                Some(name) if goto => Target::Goto(name),
                Some(name) => Target::Jump(name),
                // A target of stock's that we do not have.
                None if !goto && is_target_name(name.as_str()) => {
                    Target::Foreign(Box::new(Foreign { name: name.as_str().to_owned(), ..Foreign::default() }))
                }
                None => {
                    let chain = self.table.chains[chain].name.as_str();
                    let asked = Asked { verb: Verb::Append, chain, second: "", family };
                    let trouble = Trouble::Missing(name.as_str().to_owned(), goto, None);
                    let trouble = explain(trouble, &asked, &self.table);
                    return Err(Box::new(TextFault::new(line, TextTrouble::Command(trouble))));
                }
            };
            self.table.chains[chain].rules[at].target = target;
        }
        Ok(())
    }
}
