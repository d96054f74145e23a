//! `Matches`: the matches of a rule, in order.

use super::Match;

/// The matches of a rule, in order. One stands in the rule itself, since most rules have no more.
#[derive(Clone, Debug, Default)]
pub struct Matches(Held);

#[derive(Clone, Debug, Default)]
enum Held {
    #[default]
    None,
    One(Match),
    More(Box<[Match]>),
}

// A dump has hundreds of thousands of rules: each byte of these counts.
const _: () = assert!(size_of::<Match>() <= 24 && size_of::<Matches>() <= 24 && size_of::<super::Target>() <= 24);
const _: () = assert!(size_of::<super::Rule>() <= 176);

impl Matches {
    /// Takes all of a list, which keeps its room for the next.
    pub fn take(list: &mut Vec<Match>) -> Self {
        Self(match list.len() {
            0 => Held::None,
            1 => list.pop().map_or(Held::None, Held::One),
            _ => Held::More(list.drain(..).collect()),
        })
    }
}

impl std::ops::Deref for Matches {
    type Target = [Match];

    fn deref(&self) -> &[Match] {
        match &self.0 {
            Held::None => &[],
            Held::One(one) => std::slice::from_ref(one),
            Held::More(more) => more,
        }
    }
}

impl std::ops::DerefMut for Matches {
    fn deref_mut(&mut self) -> &mut [Match] {
        match &mut self.0 {
            Held::None => &mut [],
            Held::One(one) => std::slice::from_mut(one),
            Held::More(more) => more,
        }
    }
}

impl PartialEq for Matches {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl From<Vec<Match>> for Matches {
    fn from(mut list: Vec<Match>) -> Self {
        Self::take(&mut list)
    }
}

impl FromIterator<Match> for Matches {
    fn from_iter<I: IntoIterator<Item = Match>>(all: I) -> Self {
        Vec::from_iter(all).into()
    }
}

impl<'a> IntoIterator for &'a Matches {
    type Item = &'a Match;
    type IntoIter = std::slice::Iter<'a, Match>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a> IntoIterator for &'a mut Matches {
    type Item = &'a mut Match;
    type IntoIter = std::slice::IterMut<'a, Match>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}
