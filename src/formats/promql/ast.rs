//! `PromQL` as the lints read it: parentheses gone, every node with the byte offset of its token.

use std::time::Duration;

use super::functions;

/// A node and where its token (name, function, operator or number) stands in the expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    pub kind: Kind,
    pub at: usize,
}

/// What an expression is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Number(f64),
    Text(String),
    Selector(Selector),
    Call { function: &'static str, args: Vec<Expr> },
    Aggregate { op: &'static str, param: Option<Box<Expr>>, inner: Box<Expr>, grouping: Grouping },
    Binary(Box<Binary>),
    Subquery { inner: Box<Expr>, range: Duration, step: Option<Duration> },
    Negate(Box<Expr>),
}

/// An instant selector, or a range selector when `range` is given.
#[derive(Clone, Debug, PartialEq)]
pub struct Selector {
    /// Also taken from `{__name__="…"}`; `None` when the name is a pattern or missing.
    pub name: Option<String>,
    /// Without the matcher that gave the name.
    pub matchers: Vec<Matcher>,
    pub range: Option<Duration>,
    /// By `offset` or `@`.
    pub shift: Option<Shift>,
    /// `anchored` or `smoothed`: samples beyond the range count as well.
    pub extended: bool,
}

/// The moment that a selector reads, where it is not the one of the evaluation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shift {
    /// So many seconds before; those of the future are negative.
    Ago(f64),
    /// By more than the text alone decides: `@ start()`, or `@` and `offset` together.
    Other,
    /// `@ 1700000000`, in seconds since the epoch.
    Fixed(f64),
}

/// `label="value"` and its like.
#[derive(Clone, Debug, PartialEq)]
pub struct Matcher {
    pub label: String,
    pub op: MatchOp,
    pub value: String,
    pub at: usize,
}

/// `=`, `!=`, `=~`, `!~`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchOp {
    Equal,
    NotEqual,
    Matches,
    MatchesNot,
}

/// What an aggregation keeps; no clause is `By` nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grouping {
    By(Vec<String>),
    Without(Vec<String>),
}

/// Two expressions with an operator between them.
#[derive(Clone, Debug, PartialEq)]
pub struct Binary {
    pub op: Op,
    pub lhs: Expr,
    pub rhs: Expr,
    pub returns_bool: bool,
    pub matching: Matching,
    pub cardinality: Cardinality,
    /// `fill(0)` and its like: what has no partner is there all the same.
    pub fills: bool,
}

/// By which labels the two sides are matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matching {
    All,
    On(Vec<String>),
    Ignoring(Vec<String>),
}

/// Which side is "many", with the labels copied from the other one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cardinality {
    OneToOne,
    GroupLeft(Vec<String>),
    GroupRight(Vec<String>),
}

/// A binary operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Atan2,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
    Unless,
    /// `</` or `>/`, which cut histograms; lints leave them alone.
    Trim,
}

impl Op {
    /// True for `==` and its like.
    pub const fn is_comparison(self) -> bool {
        matches!(
            self,
            Self::Equal
                | Self::NotEqual
                | Self::Less
                | Self::LessOrEqual
                | Self::Greater
                | Self::GreaterOrEqual
        )
    }

    /// True for `and`, `or`, `unless`.
    pub const fn is_set(self) -> bool {
        matches!(self, Self::And | Self::Or | Self::Unless)
    }

    /// True where the result is computed from both values.
    pub const fn is_arithmetic(self) -> bool {
        !self.is_comparison() && !self.is_set() && !matches!(self, Self::Trim)
    }

    /// The same comparison with its sides exchanged.
    #[must_use]
    pub const fn mirrored(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            other => other,
        }
    }
}

impl Binary {
    /// Whether elements of both sides must agree on a label to meet.
    pub fn matches_by(&self, label: &str) -> bool {
        match &self.matching {
            _ if label == "__name__" => false,
            Matching::All => true,
            Matching::On(labels) => labels.iter().any(|on| on == label),
            Matching::Ignoring(labels) => labels.iter().all(|ignored| ignored != label),
        }
    }
}

impl Matcher {
    /// The same condition, wherever it is written.
    pub fn same(&self, other: &Self) -> bool {
        self.label == other.label && self.op == other.op && self.value == other.value
    }
}

impl Selector {
    /// Reads another moment than that of the evaluation.
    pub fn is_shifted(&self) -> bool {
        self.shift.is_some()
    }

    /// The value that an equality matcher pins the label to.
    pub fn pinned(&self, label: &str) -> Option<&str> {
        let found = self.matchers.iter().find(|m| m.label == label && m.op == MatchOp::Equal)?;
        Some(&found.value)
    }
}

impl Expr {
    /// Every node, parents first, in the order of the text.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Self)) {
        visit(self);
        self.children(&mut |child| child.walk(visit));
    }

    /// Calls `visit` for each direct part.
    pub fn children<'a>(&'a self, visit: &mut dyn FnMut(&'a Self)) {
        match &self.kind {
            Kind::Number(_) | Kind::Text(_) | Kind::Selector(_) => {}
            Kind::Call { args, .. } => args.iter().for_each(visit),
            Kind::Aggregate { param, inner, .. } => {
                if let Some(param) = param {
                    visit(param);
                }
                visit(inner);
            }
            Kind::Binary(binary) => {
                visit(&binary.lhs);
                visit(&binary.rhs);
            }
            Kind::Subquery { inner, .. } | Kind::Negate(inner) => visit(inner),
        }
    }

    /// Calls `change` for each selector.
    pub fn change_selectors(&mut self, change: &mut dyn FnMut(&mut Selector)) {
        match &mut self.kind {
            Kind::Number(_) | Kind::Text(_) => {}
            Kind::Selector(selector) => change(selector),
            Kind::Call { args, .. } => args.iter_mut().for_each(|arg| arg.change_selectors(change)),
            Kind::Aggregate { param, inner, .. } => {
                if let Some(param) = param {
                    param.change_selectors(change);
                }
                inner.change_selectors(change);
            }
            Kind::Binary(binary) => {
                binary.lhs.change_selectors(change);
                binary.rhs.change_selectors(change);
            }
            Kind::Subquery { inner, .. } | Kind::Negate(inner) => inner.change_selectors(change),
        }
    }

    /// Every selector with its node, in the order of the text.
    pub fn selectors(&self) -> Vec<(&Self, &Selector)> {
        let mut found = Vec::new();
        self.walk(&mut |expr| {
            if let Kind::Selector(selector) = &expr.kind {
                found.push((expr, selector));
            }
        });
        found
    }

    /// True when `test` holds for it or any part of it.
    pub fn any(&self, test: &dyn Fn(&Self) -> bool) -> bool {
        let mut found = false;
        self.walk(&mut |expr| found |= test(expr));
        found
    }

    /// Name and arguments, when it is a call of a function.
    pub fn as_call(&self) -> Option<(&str, &[Self])> {
        match &self.kind {
            Kind::Call { function, args } => Some((function, args)),
            _ => None,
        }
    }

    /// The selector, when it is one.
    pub fn as_selector(&self) -> Option<&Selector> {
        match &self.kind {
            Kind::Selector(selector) => Some(selector),
            _ => None,
        }
    }

    /// The binary expression, when it is one.
    pub fn as_binary(&self) -> Option<&Binary> {
        match &self.kind {
            Kind::Binary(binary) => Some(binary),
            _ => None,
        }
    }

    /// The value of an expression of numbers only, such as `1.5 * 1024 ^ 3`.
    pub fn constant(&self) -> Option<f64> {
        match &self.kind {
            Kind::Number(number) => Some(*number),
            Kind::Negate(inner) => inner.constant().map(|number| -number),
            Kind::Binary(binary) => {
                let (left, right) = (binary.lhs.constant()?, binary.rhs.constant()?);
                match binary.op {
                    Op::Add => Some(left + right),
                    Op::Sub => Some(left - right),
                    Op::Mul => Some(left * right),
                    Op::Div => Some(left / right),
                    Op::Pow => Some(left.powf(right)),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// True for what is one number rather than a set of series.
    pub fn is_scalar(&self) -> bool {
        match &self.kind {
            Kind::Number(_) | Kind::Text(_) => true,
            Kind::Call { function, .. } => functions::returns_scalar(function),
            Kind::Binary(binary) => binary.lhs.is_scalar() && binary.rhs.is_scalar(),
            Kind::Negate(inner) => inner.is_scalar(),
            _ => false,
        }
    }
}
