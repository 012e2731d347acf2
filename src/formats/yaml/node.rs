//! A YAML or JSON file as a tree in which every key and value knows where it was written.
//!
//! Built from the parser's events: `serde_yaml`'s own layers above them cost as much again as the
//! parser, and thousands of rules come through here.

use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Parser, ScalarStyle, Span, Tag};

use crate::formats::yaml::plain_yaml;
use crate::formats::yaml::scalar::Scalar;
use crate::formats::yaml::source::{Position, Source};

/// One value. Scalars keep the text that was written: `5m`, `true` and `"x"` are all text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    Null,
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<(Scalar, Node)>),
}

/// Aliases may repeat this many nodes: what stands there a million times is no configuration.
const MOST_REPEATED: usize = 1_000_000;

/// Reads a file, or says where it breaks.
pub fn parse(source: &Source) -> Result<Node, (Position, String)> {
    plain_yaml::read(&source.text).map_or_else(|| parsed(source), Ok)
}

/// The same by the real parser, whatever the file is like.
pub(super) fn parsed(source: &Source) -> Result<Node, (Position, String)> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(&source.text) {
        let (event, span) = event.map_err(|error| {
            let place = Position { line: error.marker().line(), column: error.marker().col() + 1 };
            (place, error.info())
        })?;
        let at = offset(span.start);
        builder.event(event, span).map_err(|message| (source.place(at), message))?;
    }
    Ok(builder.root.unwrap_or(Node::Null))
}

fn offset(marker: granit_parser::Marker) -> usize {
    // Known for whatever is read from text in memory.
    marker.byte_offset().unwrap_or_default()
}

/// Collections that are still open, and what aliases may refer to.
#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    repeated: usize,
    root: Option<Node>,
    documents: usize,
}

struct Open {
    /// The anchor's number; 0 for none.
    anchor: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    /// With the key whose value comes next, and what `<<` brings in.
    Map {
        entries: Vec<(Scalar, Node)>,
        key: Option<Scalar>,
        merged: Vec<Node>,
    },
}

impl Builder {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), String> {
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                Ok(())
            }
            // A last `---` with nothing behind it is no document.
            Event::Scalar(value, ..) if self.documents > 1 && matches!(value.as_ref(), "" | "~") => Ok(()),
            _ if self.documents > 1 && event.is_node() => {
                Err("a second document begins here, which Prometheus and Alertmanager do not read".to_owned())
            }
            Event::Scalar(value, style, anchor, tag) => {
                let null = match tag.as_deref().and_then(Tag::core_suffix) {
                    None => {
                        style == ScalarStyle::Plain
                            && matches!(value.as_ref(), "" | "~" | "null" | "Null" | "NULL")
                    }
                    Some(tag) => tag == "null",
                };
                let scalar = Scalar::new(value.into_owned(), offset(span.start), offset(span.end));
                // As a key even nothing has a name.
                if null && !self.expects_key() {
                    self.add(Node::Null, anchor)
                } else {
                    self.add(Node::Scalar(scalar), anchor)
                }
            }
            Event::Alias(anchor) => {
                let node = self
                    .anchors
                    .get(&anchor)
                    .cloned()
                    .ok_or_else(|| "an alias of what is still open".to_owned())?;
                self.repeated += node.size();
                if self.repeated > MOST_REPEATED {
                    return Err("aliases repeat too much".to_owned());
                }
                self.add(node, 0)
            }
            Event::SequenceStart(_, anchor, _) => self.begin(anchor, Content::List(Vec::new())),
            Event::MappingStart(_, anchor, _) => {
                let content = Content::Map { entries: Vec::new(), key: None, merged: Vec::new() };
                self.begin(anchor, content)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            _ => Ok(()),
        }
    }

    fn expects_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { content: Content::Map { key: None, .. }, .. }))
    }

    fn begin(&mut self, anchor: usize, content: Content) -> Result<(), String> {
        if self.expects_key() {
            return Err("a key must be text".to_owned());
        }
        self.open.push(Open { anchor, content });
        Ok(())
    }

    fn end(&mut self) -> Result<(), String> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let node = match open.content {
            Content::List(items) => Node::List(items),
            Content::Map { mut entries, merged, .. } => {
                merge(&mut entries, merged)?;
                if let Some(twice) = repeated(&entries) {
                    return Err(format!("the key `{twice}` stands twice in one mapping"));
                }
                Node::Map(entries)
            }
        };
        self.add(node, open.anchor)
    }

    fn add(&mut self, node: Node, anchor: usize) -> Result<(), String> {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.root = Some(node),
            Some(Content::List(items)) => items.push(node),
            Some(Content::Map { entries, key, merged }) => match (key.take(), node) {
                (None, Node::Scalar(name)) => *key = Some(name),
                (None, _) => return Err("a key must be text".to_owned()),
                (Some(name), node) if name.value == "<<" => merged.push(node),
                (Some(name), node) => entries.push((name, node)),
            },
        }
        Ok(())
    }
}

/// Adds what `<<` brings in; what the mapping says itself wins.
fn merge(entries: &mut Vec<(Scalar, Node)>, merged: Vec<Node>) -> Result<(), String> {
    for node in merged {
        let maps = match node {
            Node::List(items) => items,
            one => vec![one],
        };
        for map in maps {
            let Node::Map(others) = map else { return Err("`<<` takes a mapping".to_owned()) };
            for (key, value) in others {
                if !entries.iter().any(|(name, _)| name.value == key.value) {
                    entries.push((key, value));
                }
            }
        }
    }
    Ok(())
}

fn repeated(entries: &[(Scalar, Node)]) -> Option<&str> {
    // Nearly all mappings are so small that a set costs more than it saves.
    if entries.len() <= 16 {
        let again = |(index, (key, _)): (usize, &(Scalar, Node))| {
            entries[..index].iter().any(|(other, _)| other.value == key.value).then_some(index)
        };
        let index = entries.iter().enumerate().find_map(again)?;
        return Some(&entries[index].0.value);
    }
    let mut seen = HashSet::new();
    entries.iter().map(|(key, _)| key.value.as_str()).find(|key| !seen.insert(*key))
}

impl Node {
    /// The value of a key; `None` for what is no mapping.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|(name, _)| name.value == key).map(|(_, value)| value)
    }

    /// The key itself, to point at.
    pub fn key(&self, key: &str) -> Option<&Scalar> {
        self.entries().iter().find(|(name, _)| name.value == key).map(|(name, _)| name)
    }

    /// The entries of a mapping; none for anything else.
    pub fn entries(&self) -> &[(Scalar, Self)] {
        if let Self::Map(entries) = self { entries } else { &[] }
    }

    /// The items of a list; none for anything else.
    pub fn items(&self) -> &[Self] {
        if let Self::List(items) = self { items } else { &[] }
    }

    /// The scalar, when it is one.
    pub fn scalar(&self) -> Option<&Scalar> {
        if let Self::Scalar(scalar) = self { Some(scalar) } else { None }
    }

    /// The scalar's text, when it is one.
    pub fn text(&self) -> Option<&str> {
        self.scalar().map(|scalar| scalar.value.as_str())
    }

    /// The scalar below a key.
    pub fn scalar_at(&self, key: &str) -> Option<&Scalar> {
        self.get(key)?.scalar()
    }

    /// The text of a key's scalar.
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

    /// What it is, in a sentence.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Scalar(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }

    /// How many nodes it is, itself included.
    fn size(&self) -> usize {
        1 + match self {
            Self::Null | Self::Scalar(_) => 0,
            Self::List(items) => items.iter().map(Self::size).sum(),
            Self::Map(entries) => entries.iter().map(|(_, value)| value.size()).sum(),
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
        assert_eq!((deep.value.as_str(), deep.place(&source)), ("0x10", Position { line: 4, column: 6 }));
        assert_eq!(node.key("b").unwrap().place(&source), Position { line: 2, column: 1 });
        assert_eq!(node.get("c").unwrap().get("e"), Some(&Node::Null));
    }

    #[test]
    fn reads_json_as_well() {
        let text = "{\"a\": {\"b\": [1, -2.5e3, true]},\n \"e\": \"\\u00e4 \\/ \\ud83d\\ude00\"}\n";
        let source = Source::new("f", text);
        let node = parse(&source).unwrap();
        assert_eq!(node.text_at("e"), Some("ä / 😀"));
        assert_eq!(node.key("e").unwrap().place(&source), Position { line: 2, column: 2 });
    }

    #[test]
    fn shares_and_merges() {
        let source = Source::new("f", "x: &x {a: 1}\ny: *x\nz: {<<: *x, b: 2}\n");
        let node = parse(&source).unwrap();
        assert_eq!(node.get("y").unwrap().text_at("a"), Some("1"));
        assert_eq!(node.get("z").unwrap().text_at("a"), Some("1"));
    }

    #[test]
    fn what_is_no_configuration_is_refused() {
        let refused = [
            ("a: 1\na: 2\n", "stands twice"),
            ("a: 1\n---\nb: 2\n", "second document"),
            ("? [a]\n: b\n", "a key must be text"),
            ("<<: 1\n", "takes a mapping"),
            ("a: &a [*a]\n", ""),
            ("a: 1\n---\n- b\n", "second document"),
        ];
        for (text, expected) in refused {
            let (_, message) = parse(&Source::new("f", text)).unwrap_err();
            assert!(message.contains(expected), "{text}: {message}");
        }
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            bomb += &format!("a{level}: &a{level} [{aliases}]\n");
        }
        assert!(parse(&Source::new("f", bomb)).unwrap_err().1.contains("repeat too much"));
        let deep = format!("a: {}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(parse(&Source::new("f", deep)).is_err());
        let many: String = (0..40).map(|n| format!("k{}: 1\n", n % 39)).collect();
        assert!(parse(&Source::new("f", many)).unwrap_err().1.contains("`k0` stands twice"));
    }

    #[test]
    fn reads_what_ships_as_serde_yaml_does() {
        /// Text wherever there is a scalar.
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Loose {
            Map(std::collections::BTreeMap<String, Loose>),
            List(Vec<Loose>),
            Text(String),
            Flag(bool),
            Number(f64),
            Null,
        }
        fn same(loose: &Loose, node: &Node) -> bool {
            match (loose, node) {
                (Loose::Map(map), Node::Map(entries)) => {
                    map.len() == entries.len()
                        && map.iter().all(|(key, value)| node.get(key).is_some_and(|node| same(value, node)))
                }
                (Loose::List(list), Node::List(items)) => {
                    list.len() == items.len() && list.iter().zip(items).all(|(a, b)| same(a, b))
                }
                (Loose::Text(text), Node::Scalar(scalar)) => *text == scalar.value,
                (Loose::Flag(flag), Node::Scalar(scalar)) => flag.to_string() == scalar.value,
                (Loose::Number(number), Node::Scalar(scalar)) => scalar.value.parse() == Ok(*number),
                (Loose::Null, Node::Null) => true,
                _ => false,
            }
        }
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut count = 0;
        for folder in ["rules", "rules/tests", "config", "dashboards"] {
            for entry in std::fs::read_dir(root.join(folder)).unwrap() {
                let path = entry.unwrap().path();
                if !path.extension().is_some_and(|end| end == "yml" || end == "json") {
                    continue;
                }
                let source = Source::new("f", std::fs::read_to_string(&path).unwrap());
                let loose: Loose = serde_yaml::from_str(&source.text).unwrap();
                let node = parse(&source).unwrap();
                assert!(same(&loose, &node), "{}", path.display());
                count += 1;
            }
        }
        assert!(count >= 6, "{count}");
    }

    #[test]
    fn says_where_a_file_breaks() {
        let (place, _) = parse(&Source::new("f", "a: 1\nb: [\n")).unwrap_err();
        assert!(place.line >= 2);
        assert_eq!(parse(&Source::new("f", "# nothing\n")).unwrap(), Node::Null);
        let same = |text: &str| parse(&Source::new("f", text)).unwrap().text_at("a").map(str::to_owned);
        assert_eq!(same("---\na: 1\n...\n---\n").as_deref(), Some("1"));
    }
}
