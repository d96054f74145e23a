//! Going through JSON level by level: tables, chains, rules.

use super::NAME;
use super::node::{Key, Piece, step};
use super::read::{ChainHead, State, TableHead};
use super::rule::{Bad, unknown};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// What is being read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Doc,
    Tables,
    Table,
    Chains,
    Chain,
    Rules,
}

impl Level {
    /// Its fields.
    pub(super) const fn fields(self) -> &'static [&'static str] {
        match self {
            Level::Doc => &["oxtables", "family", "tables"],
            Level::Table => &[NAME, "chains"],
            Level::Chain => &[NAME, "policy", "counters", "references", "rules"],
            Level::Tables | Level::Chains | Level::Rules => &[],
        }
    }

    /// What its field, or its elements, hold that is read level by level.
    fn inner(self, field: &str) -> Option<Self> {
        match (self, field) {
            (Level::Doc, "tables") => Some(Level::Tables),
            (Level::Tables, _) => Some(Level::Table),
            (Level::Table, "chains") => Some(Level::Chains),
            (Level::Chains, _) => Some(Level::Chain),
            (Level::Chain, "rules") => Some(Level::Rules),
            _ => None,
        }
    }
}

/// Reads one level.
pub(super) struct Walk<'w, 's, 'a, 'o> {
    pub(super) state: &'w mut State<'s, 'a, 'o>,
    pub(super) level: Level,
}

impl<'de> DeserializeSeed<'de> for Walk<'_, '_, '_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        match self.level {
            Level::Doc | Level::Table | Level::Chain => from.deserialize_map(self),
            Level::Tables | Level::Chains | Level::Rules => from.deserialize_seq(self),
        }
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.level {
            Level::Doc => "an object with `oxtables', `family' and `tables'",
            Level::Tables => "a list of tables",
            Level::Table => "a table, which is an object",
            Level::Chains => "a list of chains",
            Level::Chain => "a chain, which is an object",
            Level::Rules => "a list of rules",
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { state, level } = self;
        if !state.outline && level == Level::Table && state.wanted() {
            state.begin()?;
        }
        let mut seen = 0u32;
        while let Some(key) = map.next_key_seed(Key)? {
            let Some(which) = level.fields().iter().position(|f| *f == key) else {
                return Err(state.bad(unknown(&key, "", level.fields().iter().copied())));
            };
            if seen & (1 << which) != 0 {
                let bad = Bad::new(step(&key), "this field is there twice");
                return Err(state.bad(bad));
            }
            seen |= 1 << which;
            let skip = if state.outline {
                level == Level::Chain && key == "rules"
            } else {
                level == Level::Table && !state.wanted()
            };
            let result = match level.inner(&key) {
                _ if skip => map.next_value::<IgnoredAny>().map(|_| ()),
                Some(level) => map.next_value_seed(Walk { state: &mut *state, level }),
                None if !state.outline => map.next_value::<IgnoredAny>().map(|_| ()),
                None => match map.next_value_seed(Piece::new(&mut state.trail)) {
                    Ok(node) => match state.field(level, &key, &node) {
                        Ok(()) => Ok(()),
                        Err(bad) => Err(state.bad(bad)),
                    },
                    Err(error) => Err(error),
                },
            };
            if let Err(error) = result {
                state.trail.push(step(&key));
                return Err(error);
            }
        }
        if state.outline {
            return state.close(level, seen).map_err(|bad| state.bad(bad));
        }
        if level == Level::Table && state.wanted() {
            state.commit()?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Self { state, level } = self;
        let depth = match level {
            Level::Tables => 0,
            Level::Chains => 1,
            _ => 2,
        };
        if level == Level::Chains {
            state.names.clear();
        }
        for i in 0.. {
            state.at[depth] = i;
            let result = match level.inner("") {
                Some(inner) => {
                    if state.outline && level == Level::Tables {
                        state.tables.push(TableHead { name: None, chains: Vec::new() });
                    } else if state.outline {
                        let table = state.at[0];
                        state.tables[table].chains.push(ChainHead::default());
                    } else if level == Level::Chains {
                        state.first.push(state.number.saturating_add(1));
                    }
                    seq.next_element_seed(Walk { state: &mut *state, level: inner }).map(|some| some.is_some())
                }
                None => match seq.next_element_seed(Piece::new(&mut state.trail)) {
                    Ok(None) => Ok(false),
                    Ok(Some(node)) => match state.rule(&node) {
                        Ok(()) => Ok(true),
                        Err((path, what)) => Err(state.fail(path, what)),
                    },
                    Err(error) => Err(error),
                },
            };
            match result {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    state.trail.push(format!("[{i}]"));
                    return Err(error);
                }
            }
        }
        if state.outline {
            // The one that was begun and did not come.
            match level {
                Level::Tables => {
                    state.tables.pop();
                }
                Level::Chains => {
                    let table = state.at[0];
                    state.tables[table].chains.pop();
                }
                _ => {}
            }
        }
        Ok(())
    }
}
