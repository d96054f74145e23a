//! Why an edit could not be done, in our words, behind what stock says of it: which name, and what there is instead.

use super::command::Verb;
use super::{Trouble, meant, suggest};
use crate::ext;
use crate::model::{Chain, EditError, Table};
use ox_packet::Family;

/// What was asked for.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) verb: Verb,
    pub(super) chain: &'a str,
    /// New name for `-E`, word for `-P`.
    pub(super) second: &'a str,
    pub(super) family: Family,
}

/// Puts the reason behind a trouble, where there is more to say than stock does.
pub(super) fn explain(trouble: Trouble, asked: &Asked<'_>, table: &Table) -> Trouble {
    let why = match &trouble {
        Trouble::Edit(error) => of_edit(*error, asked, table),
        Trouble::Policy => Some(format!("`{}' is no policy: ACCEPT and DROP are", asked.second)),
        Trouble::Missing(name, ..) => near_target(name, asked.family, table).map(|best| format!("is `{best}' meant?")),
        _ => None,
    };
    match why {
        Some(why) => Trouble::Because(Box::new(trouble), why),
        None => trouble,
    }
}

fn of_edit(error: EditError, asked: &Asked<'_>, table: &Table) -> Option<String> {
    let Asked { verb, chain: name, second, .. } = *asked;
    let chain = table.chain(name);
    let count = |chain: &Chain| match chain.rules.len() {
        1 => format!("{name} has 1 rule"),
        n => format!("{name} has {n} rules"),
    };
    match (error, chain) {
        (EditError::NoChain | EditError::NoRule, None) => Some(no_chain(name, table)),
        (EditError::NoChain, Some(chain)) if chain.base.is_some() && verb == Verb::Rename => {
            Some(format!("{name} is built in, and keeps its name"))
        }
        (EditError::Exists, _) => Some(format!("there is a chain {name} in the table {} already", table.name.name())),
        (EditError::NameTaken, _) if table.chain(second).is_some() => {
            Some(format!("there is a chain {second} in the table {} already", table.name.name()))
        }
        (EditError::Builtin, _) => Some(format!("{name} is built in, and stays")),
        (EditError::InsertIndex, Some(chain)) => {
            Some(format!("{}: a new one can be number 1 to {}", count(chain), chain.rules.len() + 1))
        }
        (EditError::DeleteIndex | EditError::ReplaceIndex | EditError::ZeroIndex, Some(chain)) => Some(count(chain)),
        (EditError::NotBuiltin, _) => {
            let built_in: Vec<&str> =
                table.chains.iter().filter(|c| c.base.is_some()).map(|c| c.name.as_str()).collect();
            let list = built_in.join(", ");
            Some(format!("only built-in chains have a policy, and those of the table {} are {list}", table.name.name()))
        }
        (EditError::HasPolicy, _) => Some(format!("the policy of {name} is not ACCEPT")),
        (EditError::NotEmpty, Some(chain)) => Some(format!("{}; `-F {name}' takes them out", count(chain))),
        (EditError::InUse, _) => Some(format!("rules jump to {name}: `-S' shows which")),
        _ => None,
    }
}

/// That a chain is not there, and what its name may have been meant to be.
fn no_chain(name: &str, table: &Table) -> String {
    let hint = meant(name, "", table.chains.iter().map(|c| c.name.as_str())).unwrap_or_default();
    format!("there is no chain `{name}' in the table {}{hint}", table.name.name())
}

/// The chain, verdict or target that a jump's name is like.
fn near_target(name: &str, family: Family, table: &Table) -> Option<String> {
    let mut names: Vec<&str> = vec!["ACCEPT", "DROP", "RETURN"];
    names.extend(table.chains.iter().filter(|c| c.base.is_none()).map(|c| c.name.as_str()));
    ext::target_names(family).for_each(|name| names.push(name));
    suggest(name, names).map(str::to_owned)
}
