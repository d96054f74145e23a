//! `Node`: a piece of JSON as it stands, for pieces as small as one rule.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// A JSON value. Its order is kept, and nothing in it is there twice.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node<'a> {
    Null,
    Bool(bool),
    Count(u64),
    Negative(i64),
    Fraction(f64),
    Text(Cow<'a, str>),
    List(Vec<Node<'a>>),
    Map(Vec<(Cow<'a, str>, Node<'a>)>),
}

/// Lists and objects in one another: a rule needs six.
const DEEPEST: u8 = 12;

/// Fields of one object: an extension has thirty options at most.
const MOST_FIELDS: usize = 256;

impl<'a> Node<'a> {
    /// A number's text.
    pub(super) fn number(&self) -> Option<String> {
        match self {
            Node::Count(n) => Some(n.to_string()),
            Node::Negative(n) => Some(n.to_string()),
            // Beyond this a fraction has lost digits that somebody wrote.
            Node::Fraction(n) if n.abs() < 1e15 => Some(n.to_string()),
            _ => None,
        }
    }

    /// A string's text.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A field of an object.
    pub(super) fn get(&self, name: &str) -> Option<&Node<'a>> {
        match self {
            Node::Map(fields) => fields.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }
}

/// As JSON, on one line and not for ever.
impl fmt::Display for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const KEPT: usize = 60;
        match self {
            Node::Null => f.write_str("null"),
            Node::Bool(b) => write!(f, "{b}"),
            Node::Count(n) => write!(f, "{n}"),
            Node::Negative(n) => write!(f, "{n}"),
            Node::Fraction(n) => write!(f, "{n:e}"),
            Node::Text(text) if text.chars().count() > KEPT => {
                write!(f, "{:?}...", text.chars().take(KEPT).collect::<String>())
            }
            Node::Text(text) => write!(f, "{text:?}"),
            Node::List(list) if list.is_empty() => f.write_str("[]"),
            Node::List(_) => f.write_str("a list"),
            Node::Map(_) => f.write_str("an object"),
        }
    }
}

/// Where a fault was found, innermost step first: it is written while the fault finds its way out.
pub(super) type Trail = Vec<String>;

/// Reads a node.
pub(super) struct Piece<'t> {
    pub(super) trail: &'t mut Trail,
    depth: u8,
}

impl<'t> Piece<'t> {
    pub(super) fn new(trail: &'t mut Trail) -> Self {
        Self { trail, depth: 0 }
    }

    fn inner(&mut self) -> Piece<'_> {
        Piece { trail: self.trail, depth: self.depth + 1 }
    }

    fn deeper<E: Error>(&self) -> Result<(), E> {
        if self.depth < DEEPEST { Ok(()) } else { Err(E::custom("lists and objects are too deep in one another")) }
    }
}

impl<'de> DeserializeSeed<'de> for Piece<'_> {
    type Value = Node<'de>;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Node<'de>, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Piece<'_> {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_unit<E>(self) -> Result<Node<'de>, E> {
        Ok(Node::Null)
    }
    fn visit_bool<E>(self, b: bool) -> Result<Node<'de>, E> {
        Ok(Node::Bool(b))
    }
    fn visit_u64<E>(self, n: u64) -> Result<Node<'de>, E> {
        Ok(Node::Count(n))
    }
    fn visit_i64<E>(self, n: i64) -> Result<Node<'de>, E> {
        Ok(Node::Negative(n))
    }
    fn visit_f64<E>(self, n: f64) -> Result<Node<'de>, E> {
        Ok(Node::Fraction(n))
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Borrowed(text)))
    }
    fn visit_str<E>(self, text: &str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<Node<'de>, A::Error> {
        self.deeper()?;
        let mut list = Vec::new();
        loop {
            match seq.next_element_seed(self.inner()) {
                Ok(Some(node)) => list.push(node),
                Ok(None) => return Ok(Node::List(list)),
                Err(error) => {
                    self.trail.push(format!("[{}]", list.len()));
                    return Err(error);
                }
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Node<'de>, A::Error> {
        self.deeper()?;
        let mut fields: Vec<(Cow<'de, str>, Node<'de>)> = Vec::new();
        while let Some(key) = map.next_key_seed(Key)? {
            if fields.iter().any(|(k, _)| *k == key) {
                self.trail.push(step(&key));
                return Err(A::Error::custom("this field is there twice"));
            }
            if fields.len() == MOST_FIELDS {
                return Err(A::Error::custom(format_args!("an object with more than {MOST_FIELDS} fields")));
            }
            match map.next_value_seed(self.inner()) {
                Ok(node) => fields.push((key, node)),
                Err(error) => {
                    self.trail.push(step(&key));
                    return Err(error);
                }
            }
        }
        Ok(Node::Map(fields))
    }
}

/// Reads a field's name.
pub(super) struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Cow<'de, str>, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(text))
    }
    fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

/// A field as a step of a path, as jq writes it.
pub(super) fn step(key: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    if !key.is_empty() && key.len() <= 60 && key.bytes().all(plain) {
        format!(".{key}")
    } else {
        format!("[{}]", Node::Text(Cow::Borrowed(key)))
    }
}
