//! Lines of restore text that name a chain: `:INPUT ACCEPT [0:0]`.
//!
//! Facts: what each variant takes and refuses there, from iptables-restore 1.8.9.

use super::line::read_counters;
use super::{Loader, Staged, TextFault, TextKind, TextTrouble};
use crate::ir::Dialect;
use crate::model::{Base, Chain, ChainName, Counters};
use crate::syntax::command::{declared_name, policy};

impl Loader<'_, '_> {
    /// `NAME POLICY [packets:bytes]`
    pub(super) fn chain(&mut self, number: u32, body: &str) -> Result<(), Box<TextFault>> {
        let fail = |what: TextTrouble| Box::new(TextFault::new(number, what));
        let prefix = || format!("{}-restore", self.cx.program.name());
        let file = self.is_file();
        let mut parts = body.split_ascii_whitespace();
        let Some(name) = parts.next() else {
            return Err(fail(TextTrouble::Form(format!("{}: line {number} chain name invalid", prefix()))));
        };
        let Some(word) = parts.next() else {
            return Err(fail(TextTrouble::Form(format!("{}: line {number} policy invalid", prefix()))));
        };
        let mut counters = None;
        // nft looks at the counters of built-in chains only, legacy at those of policies.
        let built_in = |s: &Staged| s.table.chain(name).is_some_and(|c| c.base.is_some());
        let looked_at = file
            || match self.cx.program.dialect {
                Dialect::Nft => self.staged.as_ref().is_some_and(built_in),
                Dialect::Legacy => word != "-",
            };
        if self.counted() && looked_at {
            match parts.next().map(|text| (text, read_counters(text))) {
                None => {}
                Some((_, Some(c))) => counters = Some(c),
                // Somebody's file with a comment behind the policy is still a file.
                Some((text, None)) if file && !text.starts_with('[') => {}
                Some(_) => {
                    return Err(fail(TextTrouble::Form(format!("invalid policy counters for chain '{name}'"))));
                }
            }
        }
        self.declare(number, name, word, counters)
    }

    /// Whether counters of the text count.
    pub(in crate::syntax) fn counted(&self) -> bool {
        matches!(self.cx.kind, TextKind::File | TextKind::Restore { counters: true, .. })
    }

    /// A chain of the table at hand: its policy, `-` for the one it has or for none.
    pub(in crate::syntax) fn declare(
        &mut self,
        number: u32,
        name: &str,
        word: &str,
        counters: Option<Counters>,
    ) -> Result<(), Box<TextFault>> {
        let fail = |what: TextTrouble| Box::new(TextFault::new(number, what));
        let (file, dialect) = (self.is_file(), self.cx.program.dialect);
        let noflush = matches!(self.cx.kind, TextKind::Restore { noflush: true, .. });
        let Some(staged) = &mut self.staged else { return Ok(()) };
        staged.made = true;
        let no_policy = |word: &str| {
            let why = format!("Can't set policy `{word}' on `{name}' line {number}: Bad built-in chain name");
            TextTrouble::Policy(why)
        };
        let at = staged.table.position(name);
        let base = at.and_then(|i| staged.table.chains[i].base);
        match (at, base) {
            (Some(at), Some(base)) => {
                let policy = match (word, policy(word)) {
                    ("-", _) => base.policy,
                    (_, Ok(policy)) => policy,
                    (_, Err(trouble)) if dialect == Dialect::Nft => {
                        let fault = fail(TextTrouble::Command(trouble));
                        if file {
                            return Err(fault);
                        }
                        staged.held.get_or_insert(fault);
                        return Ok(());
                    }
                    (word, Err(_)) => {
                        let why = format!("Can't set policy `{word}' on `{name}' line {number}: Bad policy name");
                        return Err(fail(TextTrouble::Policy(why)));
                    }
                };
                let chain = &mut staged.table.chains[at];
                chain.base = Some(Base { policy, ..base });
                if let Some(c) = counters.filter(|_| word != "-" || dialect == Dialect::Nft || file) {
                    chain.counters = c;
                } else if !file && (word != "-" || dialect == Dialect::Nft) {
                    chain.counters = Counters::default();
                }
            }
            (Some(at), None) if dialect == Dialect::Nft || file || (noflush && word == "-") => {
                let chain = &mut staged.table.chains[at];
                if noflush || !file {
                    chain.rules.clear();
                    staged.refs = None;
                    staged.section.plain = false;
                }
                staged.section.plain &= !file;
            }
            (Some(_), None) if word != "-" && noflush => return Err(fail(no_policy(word))),
            (Some(_), None) => {
                return Err(fail(TextTrouble::Form(format!("error creating chain '{name}':File exists"))));
            }
            (None, _) => {
                // A file may come from either variant.
                declared_name(name, if file { Dialect::Legacy } else { dialect })
                    .map_err(|trouble| fail(TextTrouble::Command(trouble)))?;
                if word != "-" && dialect == Dialect::Legacy && !file {
                    return Err(fail(no_policy(word)));
                }
                // A user chain has no policy and so nothing to count: the numbers in its brackets mean nothing.
                staged.table.push(Chain::user(ChainName::from(name)));
            }
        }
        let at = at.or_else(|| staged.table.chains.len().checked_sub(1));
        if let Some(at) = at.filter(|_| file) {
            let chain = &staged.table.chains[at];
            let policy = chain.base.map(|b| b.policy);
            staged.section.chains.push((number, chain.name.clone(), policy, chain.counters));
        }
        Ok(())
    }
}
