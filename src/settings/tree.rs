//! A YAML document as a tree in which every node knows its place.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::Spanned;

use crate::model::{Diagnostic, Place};
use crate::settings::problem;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub value: Value,
    pub line: usize,
    pub column: usize,
    /// Characters, at least 1.
    pub length: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    /// In the order of the file; a key is a node of kind `Text`.
    Map(Vec<(Node, Node)>),
}

impl Value {
    /// What it is, for messages.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a boolean",
            Self::Integer(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

/// The document, or the one problem that keeps it from being read.
pub(super) fn parse(file: &str, text: &str) -> Result<Node, Diagnostic> {
    let options = serde_yaml::options! { strict_booleans: true, leading_zero_numbers_as_strings: true };
    match serde_yaml::from_str_with_options::<Option<Tree>>(text, options) {
        Ok(tree) => {
            Ok(tree.map_or(Node { value: Value::Null, line: 1, column: 1, length: 1 }, |tree| tree.0))
        }
        Err(error) => {
            let place = error.location().map(|at| Place {
                file: file.to_owned(),
                line: usize::try_from(at.line()).unwrap_or(0),
                column: usize::try_from(at.column()).unwrap_or(0),
                length: 1,
            });
            let whole = error.to_string();
            let message = whole.lines().next().unwrap_or("not YAML").trim_start_matches("error: ").to_owned();
            Err(problem::error(format!("the file is not valid YAML: {message}"), place))
        }
    }
}

struct Tree(Node);

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<RawValue>::deserialize(deserializer)?;
        let at = spanned.referenced;
        let length = at.span().len();
        let number = |value: u64| usize::try_from(value).unwrap_or(0);
        Ok(Self(Node {
            value: spanned.value.0,
            line: number(at.line()),
            column: number(at.column()),
            length: number(length).max(1),
        }))
    }
}

struct RawValue(Value);

impl<'de> Deserialize<'de> for RawValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor).map(Self)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(Self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or(Value::Text(value.to_string()), Value::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Tree(node)) = sequence.next_element()? {
            items.push(node);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(Tree(key)) = map.next_key()? {
            let Tree(value) = map.next_value()?;
            entries.push((key, value));
        }
        Ok(Value::Map(entries))
    }
}
