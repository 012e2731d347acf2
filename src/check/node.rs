//! A YAML or JSON file as a tree in which every key and value knows where it was written.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::Spanned;

use super::scalar::Scalar;
use super::source::{Place, Source};

/// One value. Scalars keep the text that was written: `5m`, `true` and `"x"` are all text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    Null,
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<(Scalar, Node)>),
}

/// Reads a file, or says where it breaks.
pub fn parse(source: &Source) -> Result<Node, (Place, String)> {
    match serde_yaml::from_str::<Option<Read>>(&source.text) {
        Ok(read) => Ok(read.map_or(Node::Null, |read| read.0.finish(source))),
        Err(error) => {
            let place = error.location().map_or(Place::default(), |at| Place {
                line: usize::try_from(at.line()).unwrap_or(0),
                column: usize::try_from(at.column()).unwrap_or(0),
            });
            Err((place, error.without_snippet().to_string()))
        }
    }
}

impl Node {
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|(name, _)| name.value == key).map(|(_, value)| value)
    }

    /// The key itself, to point at.
    pub fn key(&self, key: &str) -> Option<&Scalar> {
        self.entries().iter().find(|(name, _)| name.value == key).map(|(name, _)| name)
    }

    pub fn entries(&self) -> &[(Scalar, Self)] {
        if let Self::Map(entries) = self { entries } else { &[] }
    }

    pub fn items(&self) -> &[Self] {
        if let Self::List(items) = self { items } else { &[] }
    }

    pub fn scalar(&self) -> Option<&Scalar> {
        if let Self::Scalar(scalar) = self { Some(scalar) } else { None }
    }

    pub fn text(&self) -> Option<&str> {
        self.scalar().map(|scalar| scalar.value.as_str())
    }

    /// The scalar below a key.
    pub fn scalar_at(&self, key: &str) -> Option<&Scalar> {
        self.get(key)?.scalar()
    }

    pub fn text_at(&self, key: &str) -> Option<&str> {
        self.get(key)?.text()
    }

    /// The items of the list below a key.
    pub fn list_at(&self, key: &str) -> &[Self] {
        self.get(key).map_or(&[], Self::items)
    }

    /// The first thing in it that has a place: its first key, or itself.
    pub fn first(&self) -> Option<&Scalar> {
        match self {
            Self::Null => None,
            Self::Scalar(scalar) => Some(scalar),
            Self::List(items) => items.iter().find_map(Self::first),
            Self::Map(entries) => entries.first().map(|(key, _)| key),
        }
    }

    /// Every scalar with the keys that lead to it, list items without a name of their own.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&[&'a Scalar], &'a Scalar)) {
        self.descend(&mut Vec::new(), visit);
    }

    fn descend<'a>(&'a self, path: &mut Vec<&'a Scalar>, visit: &mut dyn FnMut(&[&'a Scalar], &'a Scalar)) {
        match self {
            Self::Null => {}
            Self::Scalar(scalar) => visit(path, scalar),
            Self::List(items) => items.iter().for_each(|item| item.descend(path, visit)),
            Self::Map(entries) => {
                for (key, value) in entries {
                    path.push(key);
                    value.descend(path, visit);
                    path.pop();
                }
            }
        }
    }
}

/// What the parser hands over: numbers and the like lose their text there, their range keeps it.
enum Raw {
    Null,
    Text(String),
    Other,
    List(Vec<Read>),
    Map(Vec<(Scalar, Read)>),
}

struct Read(Placed);

struct Placed {
    raw: Raw,
    start: usize,
    end: usize,
}

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value: raw, defined, .. } = Spanned::<Raw>::deserialize(deserializer)?;
        let start = usize::try_from(defined.span().byte_offset().unwrap_or(0)).unwrap_or(0);
        let length = usize::try_from(defined.span().byte_len().unwrap_or(0)).unwrap_or(0);
        Ok(Self(Placed { raw, start, end: start + length }))
    }
}

impl Placed {
    fn finish(self, source: &Source) -> Node {
        match self.raw {
            Raw::Null => Node::Null,
            Raw::Text(value) => Node::Scalar(Scalar::new(value, self.start, self.end)),
            Raw::Other => {
                let text = source.text.get(self.start..self.end).unwrap_or_default().trim_end();
                Node::Scalar(Scalar::new(text.to_owned(), self.start, self.end))
            }
            Raw::List(items) => Node::List(items.into_iter().map(|item| item.0.finish(source)).collect()),
            Raw::Map(entries) => {
                Node::Map(entries.into_iter().map(|(key, value)| (key, value.0.finish(source))).collect())
            }
        }
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Raw, E> {
        Ok(Raw::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Raw, E> {
        Ok(Raw::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Raw, E> {
        Ok(Raw::Other)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Raw, E> {
        Ok(Raw::Other)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Raw, E> {
        Ok(Raw::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Raw, E> {
        Ok(Raw::Other)
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        Raw::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Raw::Map(map))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn keeps_what_was_written_and_where() {
        let text = "a: 5m\nb: [1.50, yes, null, \"q\"]\nc:\n  d: 0x10\n  e:\n";
        let source = Source::new("f", text);
        let node = parse(&source).unwrap();
        assert_eq!(node.text_at("a"), Some("5m"));
        assert_eq!(
            node.list_at("b").iter().map(Node::text).collect::<Vec<_>>(),
            [Some("1.50"), Some("yes"), None, Some("q")]
        );
        let deep = node.get("c").unwrap().scalar_at("d").unwrap();
        assert_eq!((deep.value.as_str(), deep.place(&source)), ("0x10", Place { line: 4, column: 6 }));
        assert_eq!(node.key("b").unwrap().place(&source), Place { line: 2, column: 1 });
        assert_eq!(node.get("c").unwrap().get("e"), Some(&Node::Null));
    }

    #[test]
    fn reads_json_as_well() {
        let text = "{\"a\": {\"b\": [1, -2.5e3, true]},\n \"e\": \"\\u00e4 \\/ \\ud83d\\ude00\"}\n";
        let source = Source::new("f", text);
        let node = parse(&source).unwrap();
        assert_eq!(node.text_at("e"), Some("ä / 😀"));
        assert_eq!(node.key("e").unwrap().place(&source), Place { line: 2, column: 2 });
    }

    #[test]
    fn shares_and_merges() {
        let source = Source::new("f", "x: &x {a: 1}\ny: *x\nz: {<<: *x, b: 2}\n");
        let node = parse(&source).unwrap();
        assert_eq!(node.get("y").unwrap().text_at("a"), Some("1"));
        assert_eq!(node.get("z").unwrap().text_at("a"), Some("1"));
    }

    #[test]
    fn says_where_a_file_breaks() {
        let (place, _) = parse(&Source::new("f", "a: 1\nb: [\n")).unwrap_err();
        assert!(place.line >= 2);
        assert_eq!(parse(&Source::new("f", "# nothing\n")).unwrap(), Node::Null);
    }
}
