//! What a text becomes for one notification. A time, or what a function of the future gives, is something
//! that is shown; where a text fails there is no answer.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use regex::Regex;

use super::check::Bodies;
use super::samples::{Notification, SampleAlert};
use crate::formats::go_template::{Branch, Command, Node, Operand, OperandKind, Pipeline};

#[derive(Clone, Debug, PartialEq)]
enum Value {
    Nil,
    /// Something that is shown.
    Unknown,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Value>),
    /// Labels or annotations.
    Map(BTreeMap<String, Value>),
    /// With fields of its own.
    Object(BTreeMap<&'static str, Value>),
}

/// Longer than any message.
const LONGEST: usize = 200_000;
const DEEPEST: usize = 50;

/// Regular expressions that were made before: messages ask for the same ones again and again.
#[derive(Debug, Default)]
pub struct Patterns(RefCell<HashMap<String, Option<Regex>>>);

impl Patterns {
    fn get(&self, pattern: &str) -> Option<Regex> {
        if let Some(known) = self.0.borrow().get(pattern) {
            return known.clone();
        }
        let made = Regex::new(pattern).ok();
        self.0.borrow_mut().insert(pattern.to_owned(), made.clone());
        made
    }
}

/// The text for a notification, or `None` where it fails or nobody can tell.
pub fn shown(
    nodes: &[Node],
    notification: &Notification,
    bodies: &Bodies<'_>,
    patterns: &Patterns,
) -> Option<String> {
    let data = data(notification);
    let mut run = Run {
        bodies,
        patterns,
        out: String::new(),
        variables: vec![("$".to_owned(), data.clone())],
        depth: 0,
    };
    run.nodes(nodes, &data)?;
    Some(run.out)
}

fn map(values: &BTreeMap<String, String>) -> Value {
    Value::Map(values.iter().map(|(name, value)| (name.clone(), Value::Text(value.clone()))).collect())
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn data(notification: &Notification) -> Value {
    let alert = |alert: &SampleAlert| {
        Value::Object(BTreeMap::from([
            ("Status", text(if alert.is_firing { "firing" } else { "resolved" })),
            ("Labels", map(&alert.labels)),
            ("Annotations", map(&alert.annotations)),
            ("StartsAt", Value::Unknown),
            ("EndsAt", Value::Unknown),
            ("GeneratorURL", text("http://localhost:9090/graph")),
            ("Fingerprint", text("0123456789abcdef")),
        ]))
    };
    Value::Object(BTreeMap::from([
        ("Receiver", text(&notification.receiver)),
        ("Status", text(notification.status())),
        ("Alerts", Value::List(notification.alerts.iter().map(alert).collect())),
        ("GroupLabels", map(&notification.group_labels())),
        ("CommonLabels", map(&notification.common(|alert| &alert.labels))),
        ("CommonAnnotations", map(&notification.common(|alert| &alert.annotations))),
        ("ExternalURL", text("http://localhost:9093")),
        ("NotificationReason", Value::Unknown),
    ]))
}

struct Run<'a> {
    bodies: &'a Bodies<'a>,
    patterns: &'a Patterns,
    out: String,
    variables: Vec<(String, Value)>,
    depth: usize,
}

impl Run<'_> {
    fn nodes(&mut self, nodes: &[Node], dot: &Value) -> Option<()> {
        for node in nodes {
            if self.out.len() > LONGEST {
                return None;
            }
            match node {
                Node::Text(text) => self.out.push_str(text),
                // Where it jumps to is seldom told apart by whether anything was said.
                Node::Jump => {}
                Node::Action(pipeline) => {
                    let value = self.pipeline(pipeline, dot)?;
                    if pipeline.variables.is_empty() {
                        self.out.push_str(&printed(&value));
                    }
                }
                Node::If(branch) => {
                    let value = self.pipeline(&branch.pipeline, dot)?;
                    self.branch(branch, is_true(&value), dot, dot)?;
                }
                Node::With(branch) => {
                    let value = self.pipeline(&branch.pipeline, dot)?;
                    self.branch(branch, is_true(&value), &value, dot)?;
                }
                Node::Range(branch) => self.range(branch, dot)?,
                Node::Call { name, argument, .. } => self.call(name, argument.as_ref(), dot)?,
            }
        }
        Some(())
    }

    fn branch(&mut self, branch: &Branch, taken: bool, inside: &Value, dot: &Value) -> Option<()> {
        let known = self.variables.len();
        if taken {
            self.nodes(&branch.body, inside)?;
        } else {
            self.nodes(&branch.otherwise, dot)?;
        }
        self.variables.truncate(known);
        Some(())
    }

    fn range(&mut self, branch: &Branch, dot: &Value) -> Option<()> {
        let known = self.variables.len();
        let items: Vec<(Value, Value)> = match self.commands(&branch.pipeline, dot)? {
            Value::List(items) => {
                items.into_iter().enumerate().map(|(at, item)| (number(at), item)).collect()
            }
            Value::Map(values) => {
                values.into_iter().map(|(name, value)| (Value::Text(name), value)).collect()
            }
            Value::Nil => Vec::new(),
            Value::Unknown => {
                self.out.push('?');
                return Some(());
            }
            _ => return None,
        };
        if items.is_empty() {
            self.nodes(&branch.otherwise, dot)?;
        }
        for (index, item) in items {
            self.variables.extend(branch.pipeline.at_item(index, &item));
            self.nodes(&branch.body, &item)?;
            self.variables.truncate(known);
        }
        Some(())
    }

    fn call(&mut self, name: &str, argument: Option<&Pipeline>, dot: &Value) -> Option<()> {
        let value = match argument {
            Some(argument) => self.pipeline(argument, dot)?,
            None => Value::Nil,
        };
        let Some(body) = self.bodies.get(name).copied() else {
            // One of Alertmanager's own, which always say something.
            self.out.push('?');
            return Some(());
        };
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let outer = std::mem::replace(&mut self.variables, vec![("$".to_owned(), value.clone())]);
        self.nodes(body, &value)?;
        self.variables = outer;
        self.depth -= 1;
        Some(())
    }

    fn pipeline(&mut self, pipeline: &Pipeline, dot: &Value) -> Option<Value> {
        let value = self.commands(pipeline, dot)?;
        if let [name] = pipeline.variables.as_slice() {
            let known = self.variables.iter_mut().rev().find(|(known, _)| known == name);
            match known.filter(|_| pipeline.assigns) {
                Some((_, known)) => *known = value.clone(),
                None => self.variables.push((name.clone(), value.clone())),
            }
        }
        Some(value)
    }

    fn commands(&mut self, pipeline: &Pipeline, dot: &Value) -> Option<Value> {
        let mut value = None;
        for command in &pipeline.commands {
            value = Some(self.command(command, value, dot)?);
        }
        value
    }

    fn command(&mut self, command: &Command, piped: Option<Value>, dot: &Value) -> Option<Value> {
        let (first, rest) = command.words.split_first()?;
        let mut arguments = Vec::new();
        for word in rest {
            arguments.push(self.value(word, &[], dot)?);
        }
        arguments.extend(piped);
        match &first.kind {
            OperandKind::Function(name) => {
                chain(function(name, &arguments, self.patterns)?, &first.fields, &[])
            }
            _ => self.value(first, &arguments, dot),
        }
    }

    fn value(&mut self, operand: &Operand, arguments: &[Value], dot: &Value) -> Option<Value> {
        let base = match &operand.kind {
            OperandKind::Dot => dot.clone(),
            OperandKind::Nil => Value::Nil,
            OperandKind::Text(text) => Value::Text(text.clone()),
            OperandKind::Number(text) => text.parse().map_or(Value::Unknown, Value::Number),
            OperandKind::Bool(flag) => Value::Bool(*flag),
            OperandKind::Parens(inner) => self.pipeline(inner, dot)?,
            OperandKind::Function(name) => function(name, &[], self.patterns)?,
            OperandKind::Variable(name) => self
                .variables
                .iter()
                .rev()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.clone())?,
        };
        chain(base, &operand.fields, arguments)
    }
}

fn number(at: usize) -> Value {
    Value::Number(u32::try_from(at).map_or(f64::MAX, f64::from))
}

fn chain(base: Value, fields: &[(String, usize)], arguments: &[Value]) -> Option<Value> {
    let mut value = base;
    for (number, (name, _)) in fields.iter().enumerate() {
        value = field(value, name, if number + 1 == fields.len() { arguments } else { &[] })?;
    }
    Some(value)
}

fn field(value: Value, name: &str, arguments: &[Value]) -> Option<Value> {
    let of = |status: &str, items: Vec<Value>| {
        let has = |item: &Value| matches!(item, Value::Object(fields) if fields.get("Status") == Some(&text(status)));
        Value::List(items.into_iter().filter(has).collect())
    };
    match (value, name) {
        (Value::Unknown, _) => Some(Value::Unknown),
        (Value::Object(mut fields), name) => fields.remove(name),
        (Value::List(items), "Firing") => Some(of("firing", items)),
        (Value::List(items), "Resolved") => Some(of("resolved", items)),
        (Value::List(pairs), "Names" | "Values") => {
            let key = if name == "Names" { "Name" } else { "Value" };
            pairs.into_iter().map(|pair| field(pair, key, &[])).collect::<Option<_>>().map(Value::List)
        }
        (Value::Map(values), "SortedPairs") => Some(Value::List(
            values
                .into_iter()
                .map(|(name, value)| {
                    Value::Object(BTreeMap::from([("Name", Value::Text(name)), ("Value", value)]))
                })
                .collect(),
        )),
        (Value::Map(values), "Names") => Some(Value::List(values.into_keys().map(Value::Text).collect())),
        (Value::Map(values), "Values") => Some(Value::List(values.into_values().collect())),
        (Value::Map(mut values), "Remove") => {
            let Some(Value::List(names)) = arguments.first() else { return None };
            values.retain(|name, _| !names.contains(&Value::Text(name.clone())));
            Some(Value::Map(values))
        }
        (Value::Map(values), name) => Some(values.get(name).cloned().unwrap_or_else(|| text(""))),
        _ => None,
    }
}

fn is_true(value: &Value) -> bool {
    match value {
        Value::Nil => false,
        Value::Unknown | Value::Object(_) => true,
        Value::Bool(flag) => *flag,
        Value::Number(number) => *number != 0.0,
        Value::Text(text) => !text.is_empty(),
        Value::List(items) => !items.is_empty(),
        Value::Map(values) => !values.is_empty(),
    }
}

fn printed(value: &Value) -> String {
    match value {
        Value::Nil => "<no value>".to_owned(),
        Value::Unknown | Value::Object(_) => "?".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::List(items) => format!("[{}]", items.iter().map(printed).collect::<Vec<_>>().join(" ")),
        Value::Map(values) => values
            .iter()
            .map(|(name, value)| format!("{name}={}", printed(value)))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

fn function(name: &str, arguments: &[Value], patterns: &Patterns) -> Option<Value> {
    let first = arguments.first();
    if name != "or" && name != "and" && arguments.contains(&Value::Unknown) {
        return Some(Value::Unknown);
    }
    let texts: Vec<&str> = arguments
        .iter()
        .filter_map(|one| if let Value::Text(text) = one { Some(text.as_str()) } else { None })
        .collect();
    Some(match name {
        "or" => arguments.iter().find(|one| is_true(one)).or_else(|| arguments.last())?.clone(),
        "and" => arguments.iter().find(|one| !is_true(one)).or_else(|| arguments.last())?.clone(),
        "not" => Value::Bool(!is_true(first?)),
        "len" => number(match first? {
            Value::Text(text) => text.len(),
            Value::List(items) => items.len(),
            Value::Map(values) => values.len(),
            _ => return None,
        }),
        "eq" => Value::Bool(arguments.iter().skip(1).any(|other| Some(other) == first)),
        "ne" => Value::Bool(first? != arguments.get(1)?),
        "lt" | "le" | "gt" | "ge" => compared(name, first?, arguments.get(1)?)?,
        "index" => match (first?, arguments.get(1)?) {
            (Value::List(items), Value::Number(at)) => {
                items.iter().enumerate().find(|(index, _)| number(*index) == Value::Number(*at))?.1.clone()
            }
            (Value::Map(values), Value::Text(name)) => values.get(name).cloned().unwrap_or_else(|| text("")),
            _ => return None,
        },
        "toUpper" => Value::Text(texts.first()?.to_uppercase()),
        "toLower" => Value::Text(texts.first()?.to_lowercase()),
        "title" | "safeHtml" | "safeUrl" | "urlUnescape" | "urlquery" | "html" | "js" => {
            Value::Text((*texts.first()?).to_owned())
        }
        "trimSpace" => Value::Text(texts.first()?.trim().to_owned()),
        "stringSlice" => Value::List(arguments.to_vec()),
        "join" => match arguments.get(1)? {
            Value::List(items) => {
                Value::Text(items.iter().map(printed).collect::<Vec<_>>().join(texts.first()?))
            }
            _ => return None,
        },
        "match" => Value::Bool(patterns.get(texts.first()?)?.is_match(texts.get(1)?)),
        "reReplaceAll" => {
            let pattern = patterns.get(texts.first()?)?;
            Value::Text(pattern.replace_all(texts.get(2)?, *texts.get(1)?).into_owned())
        }
        "print" | "println" => Value::Text(arguments.iter().map(printed).collect()),
        // What is left always shows something, or depends on the clock.
        _ => Value::Unknown,
    })
}

fn compared(name: &str, a: &Value, b: &Value) -> Option<Value> {
    let order = match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.partial_cmp(b)?,
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        _ => return None,
    };
    Some(Value::Bool(match name {
        "lt" => order.is_lt(),
        "le" => order.is_le(),
        "gt" => order.is_gt(),
        _ => order.is_ge(),
    }))
}
