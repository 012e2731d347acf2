//! Go's `text/template`, of which the annotations of rules and Alertmanager's messages are written: a text as a
//! tree, or as the flat list of what stands between its braces.

mod actions;
mod lexer;
mod parser;

pub use actions::{Action, Token, TokenKind, actions};

/// A parsed text, with the templates that it defines.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Template {
    pub nodes: Vec<Node>,
    pub defines: Vec<Define>,
}

/// `{{ define "name" }}…{{ end }}`, or what `block` defines.
#[derive(Clone, Debug, PartialEq)]
pub struct Define {
    pub name: String,
    /// Byte offset of the name.
    pub at: usize,
    pub body: Vec<Node>,
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Text(String),
    Action(Pipeline),
    If(Branch),
    With(Branch),
    Range(Branch),
    /// `{{ template "name" pipeline }}`
    Call {
        name: String,
        at: usize,
        argument: Option<Pipeline>,
    },
    /// `break` or `continue`.
    Jump,
}

/// An `if`, `with` or `range` with what it encloses.
#[derive(Clone, Debug, PartialEq)]
pub struct Branch {
    pub pipeline: Pipeline,
    pub body: Vec<Node>,
    pub otherwise: Vec<Node>,
}

/// Commands, each of which hands its value on to the next one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pipeline {
    pub at: usize,
    /// `$x :=`; two of them in a `range`.
    pub variables: Vec<String>,
    /// `=` in place of `:=`.
    pub assigns: bool,
    pub commands: Vec<Command>,
}

impl Pipeline {
    /// What the variables of a `range` are at one of its items: the item alone, or index and item.
    pub fn at_item<T: Clone>(&self, index: T, item: &T) -> Vec<(String, T)> {
        match self.variables.as_slice() {
            [only] => vec![(only.clone(), item.clone())],
            [first, second] => vec![(first.clone(), index), (second.clone(), item.clone())],
            _ => Vec::new(),
        }
    }
}

/// A value, or a function (or method) with its arguments.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Command {
    pub at: usize,
    pub words: Vec<Operand>,
}

/// One word of a command.
#[derive(Clone, Debug, PartialEq)]
pub struct Operand {
    pub at: usize,
    pub kind: OperandKind,
    /// `.A.B` behind it, each with its offset.
    pub fields: Vec<(String, usize)>,
}

/// What a word is.
#[derive(Clone, Debug, PartialEq)]
pub enum OperandKind {
    Dot,
    Nil,
    Text(String),
    Number(String),
    Bool(bool),
    /// With its `$`.
    Variable(String),
    Function(String),
    Parens(Box<Pipeline>),
}

/// Why a text is no template, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    pub at: usize,
    pub reason: String,
}

/// Reads a text.
///
/// # Errors
/// Where Go would not parse it.
pub fn parse(text: &str) -> Result<Template, Broken> {
    parser::parse(text)
}

#[cfg(test)]
mod tests;
