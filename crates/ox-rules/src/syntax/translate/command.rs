//! Commands of `iptables` as commands of nft.
//!
//! Facts: which commands iptables-translate 1.8.9 knows, by running it.

use super::nft::Where;
use super::{Aside, NoForm, chain_name, translate_rule};
use crate::model::Rule;
use crate::syntax::Out;
use crate::syntax::command::{Command, Verb};
use ox_packet::Family;

/// A command of nft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Translated {
    /// What `nft` is to be told.
    pub text: String,
    /// Whether a shell needs quotes around it.
    pub rule: bool,
}

/// The commands of nft that do the same. `aside` gets what is to be said beside them.
///
/// # Errors
/// What has no nft form, and the rule it is a part of.
pub fn translate_command(
    command: &mut Command,
    family: Family,
    aside: &mut Aside,
) -> Result<Vec<Translated>, (NoForm, Box<Rule>)> {
    let rule = std::mem::take(&mut command.rule);
    let head = rule.rule.clone();
    commands(command, rule.into_rules(), family, aside).map_err(|e| (e, Box::new(head)))
}

fn commands(command: &Command, rules: Vec<Rule>, family: Family, aside: &mut Aside) -> Result<Vec<Translated>, NoForm> {
    let table = command.table.name();
    let ip = if family == Family::V4 { "ip" } else { "ip6" };
    let chain = command.chain.as_deref();
    if let Some(chain) = chain {
        chain_name(chain)?;
    }
    let plain = |text: String| Ok(vec![Translated { text, rule: false }]);
    match (command.verb, chain) {
        (Verb::Append | Verb::Insert, Some(chain)) => {
            let mut out = Vec::with_capacity(rules.len());
            for rule in rules {
                let mut text = Out::default();
                text.word(if command.verb == Verb::Append { "add" } else { "insert" });
                text.fmt(format_args!(" rule {ip} {table} {chain}"));
                // nft counts from 0.
                if let Some(at) = command.number.filter(|&n| n > 1) {
                    text.fmt(format_args!(" index {}", at - 1));
                }
                text.word(&translate_rule(&rule, Where { family, table: command.table, chain }, aside)?);
                out.extend(aside.before.drain(..).map(|text| Translated { text, rule: true }));
                out.push(Translated { text: text.text, rule: true });
            }
            Ok(out)
        }
        (Verb::New, Some(chain)) => plain(format!("add chain {ip} {table} {chain}")),
        (Verb::Remove, Some(chain)) => plain(format!("delete chain {ip} {table} {chain}")),
        (Verb::Flush, Some(chain)) => plain(format!("flush chain {ip} {table} {chain}")),
        (Verb::Flush, None) => plain(format!("flush table {ip} {table}")),
        (Verb::List, _) => plain(format!("list table {ip} {table}")),
        (Verb::Remove, None) => Err(NoForm::other("nft has no command that deletes every chain that can be deleted")),
        (Verb::Replace | Verb::Delete, _) => {
            Err(NoForm::other("nft finds the rule to replace or delete by its handle, which only the kernel knows"))
        }
        (Verb::Check, _) => Err(NoForm::other("nft has no command that looks for a rule")),
        (verb, _) => Err(NoForm::other(format!("-{} is not translated", verb.letter()))),
    }
}
