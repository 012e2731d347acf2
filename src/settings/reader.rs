//! The settings file as checked values by field path, with every problem on the way.

use std::collections::BTreeMap;

use crate::model::closest_name;
use crate::model::{Diagnostic, Place};
use crate::settings::fields::{BASIC_AUTH_FIELDS, FIELDS, Field, Kind, TARGET_FIELDS};
use crate::settings::problem;
use crate::settings::scalar;
use crate::settings::tree::{Node, Value};

/// Checked values of one mapping, by field path.
#[derive(Clone, Debug, Default)]
pub(super) struct Values {
    scalars: BTreeMap<&'static str, (String, Place)>,
    labels: BTreeMap<&'static str, BTreeMap<String, String>>,
    basic_auth: Option<Box<Values>>,
    /// The list `targets`; `None` when the file has none.
    pub targets: Option<Vec<Target>>,
}

/// One entry of `targets`.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub values: Values,
    pub place: Place,
}

impl Values {
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.scalars.get(path).map(|(text, _)| text.as_str())
    }

    pub(super) fn place(&self, path: &str) -> Option<&Place> {
        self.scalars.get(path).map(|(_, place)| place)
    }

    pub(super) fn labels(&self, path: &str) -> BTreeMap<String, String> {
        self.labels.get(path).cloned().unwrap_or_default()
    }

    pub(super) fn basic_auth(&self) -> Option<&Self> {
        self.basic_auth.as_deref()
    }

    /// Sets a scalar that was checked elsewhere (an environment variable).
    pub(super) fn set(&mut self, path: &'static str, text: String, place: Place) {
        self.scalars.insert(path, (text, place));
    }
}

/// Reads one file's document.
pub(super) fn read(file: &str, document: &Node, problems: &mut Vec<Diagnostic>) -> Values {
    let mut reader = Reader { file, fields: FIELDS, values: Values::default(), problems };
    reader.mapping("", document);
    reader.values
}

struct Reader<'a> {
    file: &'a str,
    fields: &'static [Field],
    values: Values,
    problems: &'a mut Vec<Diagnostic>,
}

impl Reader<'_> {
    /// Walks the keys below `prefix` (empty, or ending with a dot).
    fn mapping(&mut self, prefix: &str, node: &Node) {
        let entries = match &node.value {
            Value::Null => return,
            Value::Map(entries) => entries,
            other => {
                let what = if prefix.is_empty() { "the file" } else { prefix.trim_end_matches('.') };
                self.error(node, format!("`{what}` must be a mapping, found {}", other.kind()));
                return;
            }
        };
        for (key, value) in entries {
            let Value::Text(name) = &key.value else {
                self.error(key, format!("a key must be a text, found {}", key.value.kind()));
                continue;
            };
            self.entry(prefix, name, key, value);
        }
    }

    fn entry(&mut self, prefix: &str, name: &str, key: &Node, value: &Node) {
        let path = format!("{prefix}{name}");
        if let Some(field) = self.fields.iter().find(|field| field.path == path) {
            self.field(field, value);
        } else if self.fields.iter().any(|field| field.path.starts_with(&format!("{path}."))) {
            self.mapping(&format!("{path}."), value);
        } else {
            self.unknown(prefix, name, key);
        }
    }

    fn unknown(&mut self, prefix: &str, name: &str, key: &Node) {
        let secret_words = ["password", "token", "secret", "webhook", "api_key", "service_key"];
        let lower = name.to_lowercase();
        let problem = problem::error(format!("unknown key `{prefix}{name}`"), Some(self.place(key)));
        let siblings: Vec<&str> = self
            .fields
            .iter()
            .filter_map(|field| field.path.strip_prefix(prefix)?.split('.').next())
            .collect();
        let problem = if let Some(meant) = closest_name(name, siblings.iter().copied()) {
            problem.fix(format!("did you mean `{meant}`?"))
        } else if secret_words.iter().any(|word| lower.contains(word)) {
            problem.fix(
                "secrets stand in .env or the environment, never in YAML; .env.example lists their names",
            )
        } else {
            let mut known = siblings;
            known.dedup();
            problem.fix(format!("known here: {}", known.join(", ")))
        };
        self.problems.push(problem);
    }

    fn field(&mut self, field: &'static Field, node: &Node) {
        // A key without a value means "the default", as a commented-out field does.
        if node.value == Value::Null {
            return;
        }
        match field.kind {
            Kind::Labels => self.labels(field, node),
            Kind::Targets => self.targets(node),
            Kind::BasicAuth => {
                let mut reader = Reader {
                    file: self.file,
                    fields: BASIC_AUTH_FIELDS,
                    values: Values::default(),
                    problems: self.problems,
                };
                reader.mapping("", node);
                let values = reader.values;
                for missing in BASIC_AUTH_FIELDS.iter().filter(|field| values.text(field.path).is_none()) {
                    self.error(node, format!("`basic_auth` needs `{}`", missing.path));
                }
                self.values.basic_auth = Some(Box::new(values));
            }
            kind => match scalar::checked(kind, &node.value) {
                Ok(text) => {
                    let place = self.place(node);
                    self.values.set(field.path, text, place);
                }
                Err((message, hint)) => {
                    let mut problem =
                        problem::error(format!("`{}`: {message}", field.path), Some(self.place(node)));
                    problem.fix = hint;
                    self.problems.push(problem);
                }
            },
        }
    }

    fn labels(&mut self, field: &'static Field, node: &Node) {
        let Value::Map(entries) = &node.value else {
            self.error(
                node,
                format!(
                    "`{}` must be a mapping of label names to values, found {}",
                    field.path,
                    node.value.kind()
                ),
            );
            return;
        };
        let mut labels = BTreeMap::new();
        for (key, value) in entries {
            let name = plain(key).unwrap_or_default();
            if !scalar::is_label_name(&name) {
                self.error(key, format!("`{name}` is not a label name"));
            } else if let Some(text) = plain(value).filter(|text| !text.chars().any(char::is_control)) {
                labels.insert(name, text);
            } else {
                self.error(
                    value,
                    format!("the value of the label `{name}` must be a text, found {}", value.value.kind()),
                );
            }
        }
        self.values.labels.insert(field.path, labels);
    }

    fn targets(&mut self, node: &Node) {
        let Value::List(items) = &node.value else {
            self.error(node, format!("`targets` must be a list, found {}", node.value.kind()));
            return;
        };
        if items.is_empty() {
            self.error(node, "`targets` is empty: there would be nothing to monitor".to_owned());
        }
        let mut targets = Vec::new();
        for item in items {
            let mut reader = Reader {
                file: self.file,
                fields: TARGET_FIELDS,
                values: Values::default(),
                problems: self.problems,
            };
            reader.mapping("", item);
            let values = reader.values;
            for required in ["job", "url"] {
                let present = matches!(&item.value, Value::Map(entries) if entries.iter().any(|(key, _)| plain(key).as_deref() == Some(required)));
                if !present {
                    self.error(item, format!("a target needs `{required}`"));
                }
            }
            targets.push(Target { values, place: self.place(item) });
        }
        self.values.targets = Some(targets);
    }

    fn error(&mut self, node: &Node, message: String) {
        let place = self.place(node);
        self.problems.push(problem::error(message, Some(place)));
    }

    fn place(&self, node: &Node) -> Place {
        Place { file: self.file.to_owned(), line: node.line, column: node.column, length: node.length }
    }
}

/// A scalar as text: label values may look like numbers or booleans.
fn plain(node: &Node) -> Option<String> {
    match &node.value {
        Value::Text(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    }
}
