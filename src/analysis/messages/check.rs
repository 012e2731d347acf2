//! Follows the dot through a template, as Alertmanager would: what fails in a message, before it is sent.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::types::{FUNCTIONS, Field, MapOf, Signature, Type, function};
use crate::formats::go_template::{Branch, Command, Node, Operand, OperandKind, Pipeline};
use crate::model::closest_name;

/// A label or an annotation that a text names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    pub at: usize,
    pub of: MapOf,
    pub name: String,
    /// Something else is said where it is missing.
    pub guarded: bool,
}

/// What fails, and where in its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub at: usize,
    pub reason: String,
    pub fix: Option<String>,
}

impl Fault {
    fn new(at: usize, reason: impl Into<String>) -> Self {
        Self { at, reason: reason.into(), fix: None }
    }

    fn near(self, near: Option<String>) -> Self {
        Self { fix: near.map(|near| format!("did you mean `{near}`?")), ..self }
    }
}

/// What calling a template by its name with a value of some type means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Called {
    /// Nobody here defines it.
    Unknown,
    Right,
    Fails(String),
}

/// Knows templates by their names.
pub trait Templates {
    /// What comes of a call.
    fn call(&self, name: &str, argument: &Type) -> Called;
}

/// What was found in a list of nodes.
#[derive(Debug, Default)]
pub struct Checked {
    pub faults: Vec<Fault>,
    pub named: BTreeSet<Named>,
    /// Names of called templates with the types of their argument.
    pub calls: BTreeSet<(String, Type)>,
}

/// Follows a list of nodes whose dot is of type `dot`.
pub fn check(nodes: &[Node], dot: &Type, templates: &dyn Templates) -> Checked {
    let mut walk = Walk {
        templates,
        found: Checked::default(),
        variables: vec![("$".to_owned(), dot.clone())],
        guards: 0,
    };
    walk.nodes(nodes, dot);
    walk.found
}

struct Walk<'a> {
    templates: &'a dyn Templates,
    found: Checked,
    variables: Vec<(String, Type)>,
    /// How many conditions and alternatives surround what is looked at.
    guards: usize,
}

impl Walk<'_> {
    fn fault(&mut self, fault: Fault) -> Type {
        if !self.found.faults.contains(&fault) {
            self.found.faults.push(fault);
        }
        Type::Any
    }

    fn nodes(&mut self, nodes: &[Node], dot: &Type) {
        for node in nodes {
            match node {
                Node::Text(_) | Node::Jump => {}
                Node::Action(pipeline) => {
                    let shown = self.pipeline(pipeline, dot);
                    if shown == Type::Nil && pipeline.variables.is_empty() {
                        self.fault(Fault::new(
                            pipeline.at,
                            "there is nothing to show here: it prints `<no value>`",
                        ));
                    }
                }
                Node::If(branch) => {
                    self.guarded(|walk| walk.pipeline(&branch.pipeline, dot));
                    self.branches(branch, dot, dot);
                }
                Node::With(branch) => {
                    let value = self.guarded(|walk| walk.pipeline(&branch.pipeline, dot));
                    self.branches(branch, &value, dot);
                }
                Node::Range(branch) => self.range(branch, dot),
                Node::Call { name, at, argument } => self.call(name, *at, argument.as_ref(), dot),
            }
        }
    }

    fn guarded<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        self.guards += 1;
        let done = work(self);
        self.guards -= 1;
        done
    }

    fn branches(&mut self, branch: &Branch, inside: &Type, dot: &Type) {
        let known = self.variables.len();
        self.guarded(|walk| {
            walk.nodes(&branch.body, inside);
            walk.nodes(&branch.otherwise, dot);
        });
        self.variables.truncate(known);
    }

    fn range(&mut self, branch: &Branch, dot: &Type) {
        let known = self.variables.len();
        let value = self.commands(&branch.pipeline, dot);
        let (index, item) = value.items().unwrap_or_else(|| {
            self.fault(Fault::new(branch.pipeline.at, format!("`range` cannot go through {}", value.name())));
            (Type::Any, Type::Any)
        });
        self.variables.extend(branch.pipeline.at_item(index, &item));
        self.nodes(&branch.body, &item);
        self.variables.truncate(known);
        self.nodes(&branch.otherwise, dot);
        self.variables.truncate(known);
    }

    fn call(&mut self, name: &str, at: usize, argument: Option<&Pipeline>, dot: &Type) {
        let value = argument.map_or(Type::Nil, |argument| self.pipeline(argument, dot));
        if let Called::Fails(reason) = self.templates.call(name, &value) {
            let given = match (argument, &value) {
                (None, _) => "without a dot, so it gets nothing".to_owned(),
                (Some(_), value) => format!("with {}", value.name()),
            };
            let fault = Fault::new(at, format!("\"{name}\" is called {given}, and fails: {reason}"));
            let fix = argument.is_none().then(|| format!("write `{{{{ template \"{name}\" . }}}}`"));
            self.fault(Fault { fix, ..fault });
        }
        self.found.calls.insert((name.to_owned(), value));
    }

    fn pipeline(&mut self, pipeline: &Pipeline, dot: &Type) -> Type {
        let value = self.commands(pipeline, dot);
        if let [name] = pipeline.variables.as_slice() {
            let known = self.variables.iter_mut().rev().find(|(known, _)| known == name);
            match known.filter(|_| pipeline.assigns) {
                // Which of its values it has depends on the way.
                Some((_, known)) => *known = known.clone().or(&value),
                None => self.variables.push((name.clone(), value.clone())),
            }
        }
        value
    }

    fn commands(&mut self, pipeline: &Pipeline, dot: &Type) -> Type {
        let mut value = None;
        for command in &pipeline.commands {
            value = Some(self.command(command, value, dot));
        }
        value.unwrap_or(Type::Any)
    }

    /// `piped` is what stands before the `|`: the last argument.
    fn command(&mut self, command: &Command, piped: Option<Type>, dot: &Type) -> Type {
        let [first, rest @ ..] = command.words.as_slice() else { return Type::Any };
        let alternatives =
            matches!(&first.kind, OperandKind::Function(name) if name == "or" || name == "and");
        self.guards += usize::from(alternatives);
        let mut arguments: Vec<(usize, Type)> =
            rest.iter().map(|word| (word.at, self.operand(word, dot))).collect();
        self.guards -= usize::from(alternatives);
        arguments.extend(piped.map(|piped| (command.at, piped)));
        match &first.kind {
            OperandKind::Function(name) => {
                let given = self.function(name, first.at, rest, &arguments);
                self.chain(given, &first.fields, 0)
            }
            _ => self.value(first, arguments.len(), dot),
        }
    }

    /// A value that may be a method with arguments.
    fn value(&mut self, operand: &Operand, arguments: usize, dot: &Type) -> Type {
        let base = self.base(operand, dot);
        if operand.fields.is_empty() && arguments > 0 && base != Type::Any {
            let reason = format!("{} takes no argument", base.name());
            return self.fault(Fault::new(operand.at, reason));
        }
        self.chain(base, &operand.fields, arguments)
    }

    fn operand(&mut self, operand: &Operand, dot: &Type) -> Type {
        self.value(operand, 0, dot)
    }

    fn base(&mut self, operand: &Operand, dot: &Type) -> Type {
        match &operand.kind {
            OperandKind::Dot => dot.clone(),
            OperandKind::Nil => Type::Nil,
            OperandKind::Text(_) => Type::Text,
            OperandKind::Number(_) => Type::Number,
            OperandKind::Bool(_) => Type::Bool,
            OperandKind::Parens(inner) => self.pipeline(inner, dot),
            OperandKind::Function(name) => self.function(name, operand.at, &[], &[]),
            OperandKind::Variable(name) => {
                let known = self
                    .variables
                    .iter()
                    .rev()
                    .find(|(known, _)| known == name)
                    .map(|(_, value)| value.clone());
                known.unwrap_or_else(|| {
                    self.fault(Fault::new(operand.at, format!("the variable `{name}` is not defined here")))
                })
            }
        }
    }

    /// The fields behind a value; the last one takes the arguments.
    fn chain(&mut self, base: Type, fields: &[(String, usize)], arguments: usize) -> Type {
        let mut value = base;
        for (number, (name, at)) in fields.iter().enumerate() {
            let given = if number + 1 == fields.len() { arguments } else { 0 };
            value = match value.field(name) {
                Field::Is(_) | Field::Named(_) if given > 0 && value != Type::Any => {
                    self.fault(Fault::new(*at, format!("`.{name}` is no method and takes no argument")))
                }
                Field::Is(next) => next,
                Field::Named(of) => {
                    self.named(*at, of, name);
                    Type::Text
                }
                Field::Method(wanted, next) => match wanted.filter(|wanted| *wanted != given) {
                    Some(wanted) => self.fault(Fault::new(
                        *at,
                        format!("`.{name}` takes {wanted} argument(s), and gets {given}"),
                    )),
                    None => next,
                },
                Field::Missing(known) => {
                    let fault = Fault::new(*at, format!("{} has no `.{name}`", value.name()));
                    self.fault(fault.near(closest_name(name, known)))
                }
            };
        }
        value
    }

    fn named(&mut self, at: usize, of: MapOf, name: &str) {
        if of != MapOf::Others {
            self.found.named.insert(Named { at, of, name: name.to_owned(), guarded: self.guards > 0 });
        }
    }

    fn function(&mut self, name: &str, at: usize, words: &[Operand], arguments: &[(usize, Type)]) -> Type {
        let Some(signature) = function(name) else {
            let fault = Fault::new(at, format!("there is no function `{name}`"));
            return self.fault(fault.near(closest_name(name, FUNCTIONS)));
        };
        if let Some(fault) = misfit(name, at, &signature, arguments) {
            return self.fault(fault);
        }
        match (name, arguments) {
            ("index", [(_, Type::Map(of)), (_, key)]) => {
                if let Some(Operand { kind: OperandKind::Text(label), at, .. }) =
                    words.get(1).filter(|_| *key == Type::Text)
                {
                    self.named(*at, *of, label);
                }
                Type::Text
            }
            ("index", [(_, list), _]) => list.items().map_or(Type::Any, |(_, item)| item),
            ("slice" | "and" | "or", [(_, first), rest @ ..]) => {
                rest.iter().fold(first.clone(), |all, (_, next)| all.or(next))
            }
            _ => signature.gives,
        }
    }
}

/// The first argument that a function does not take, or their wrong number.
fn misfit(name: &str, at: usize, signature: &Signature, arguments: &[(usize, Type)]) -> Option<Fault> {
    let (least, most) = (signature.takes.len(), arguments.len());
    let enough = if signature.any_number { most + 1 >= least } else { most == least };
    if !enough {
        return Some(Fault::new(at, format!("`{name}` takes {least} argument(s), and gets {most}")));
    }
    for (number, (at, argument)) in arguments.iter().enumerate() {
        let wanted = signature.takes.get(number).or_else(|| signature.takes.last())?;
        if !argument.fits(wanted) {
            return Some(Fault::new(
                *at,
                format!("`{name}` takes {}, and gets {}", wanted.name(), argument.name()),
            ));
        }
    }
    let types: Vec<&Type> = arguments.iter().map(|(_, argument)| argument).collect();
    match (name, types.as_slice()) {
        ("len", [one @ (Type::Number | Type::Bool | Type::Nil | Type::Data | Type::Alert | Type::Time)]) => {
            Some(Fault::new(at, format!("{} has no length", one.name())))
        }
        ("eq" | "ne" | "lt" | "le" | "gt" | "ge", [first, rest @ ..]) => {
            let basic = |one: &Type| matches!(one, Type::Text | Type::Number | Type::Bool);
            let other = rest.iter().find(|other| basic(first) && basic(other) && first != *other)?;
            Some(Fault::new(at, format!("`{name}` cannot compare {} with {}", first.name(), other.name())))
        }
        _ => None,
    }
}

/// The templates of a set of files by their names, each with what its body fails for.
pub type Bodies<'a> = BTreeMap<&'a str, &'a [Node]>;

/// Templates whose bodies are followed when they are called.
pub struct Library<'a> {
    bodies: Bodies<'a>,
    /// Why a template fails for a type, as far as it was asked. What is being followed counts as right, so a
    /// template that calls itself comes to an end.
    known: RefCell<BTreeMap<(String, Type), Called>>,
}

impl<'a> Library<'a> {
    /// The templates of these bodies, none of them looked at yet.
    pub fn new(bodies: Bodies<'a>) -> Self {
        Self { bodies, known: RefCell::default() }
    }
}

impl Templates for Library<'_> {
    fn call(&self, name: &str, argument: &Type) -> Called {
        let Some(body) = self.bodies.get(name) else { return built_in(name, argument) };
        if *argument == Type::Any {
            return Called::Right;
        }
        let key = (name.to_owned(), argument.clone());
        if let Some(known) = self.known.borrow().get(&key) {
            return known.clone();
        }
        self.known.borrow_mut().insert(key.clone(), Called::Right);
        // What fails in it whatever it gets is told where it stands.
        let always = check(body, &Type::Any, &Quiet).faults;
        let found = check(body, argument, self).faults;
        let first = found.into_iter().find(|fault| !always.contains(fault));
        let called = first.map_or(Called::Right, |fault| Called::Fails(fault.reason));
        self.known.borrow_mut().insert(key, called.clone());
        called
    }
}

/// Calls that nobody looks into.
pub struct Quiet;

impl Templates for Quiet {
    fn call(&self, _: &str, _: &Type) -> Called {
        Called::Unknown
    }
}

/// Alertmanager's own templates: nearly all want the whole notification.
fn built_in(name: &str, argument: &Type) -> Called {
    let of_data =
        name.contains(".default.") || matches!(name, "__subject" | "__description" | "__alertmanagerURL");
    let lists = name.starts_with("__text_alert_list");
    if !of_data && !lists {
        return Called::Unknown;
    }
    let right = match argument {
        Type::Any => true,
        Type::Data => of_data,
        Type::Alerts | Type::List(_) => lists,
        _ => false,
    };
    if right {
        return Called::Right;
    }
    let wanted = if of_data { Type::Data.name() } else { Type::Alerts.name() };
    Called::Fails(format!("Alertmanager's own template wants {wanted}"))
}
