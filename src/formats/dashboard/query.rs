//! A query as a dashboard writes it: `PromQL` with Grafana's variables.

use std::time::Duration;

use crate::formats::promql::{Expr, Matcher, Selector, Unread, parse};
use crate::formats::yaml::scalar::Scalar;
use crate::formats::yaml::source::{Position, Source};

/// What a range is in the tree when the dashboard leaves it to a variable; nobody writes this one.
pub const VARIABLE_RANGE: Duration = Duration::from_secs(1);

/// A query's expression and where it stands.
#[derive(Debug)]
pub struct Query {
    pub text: Scalar,
    /// `{{instance}}`.
    pub legend: Option<Scalar>,
    /// The tree, or why it is not linted.
    pub tree: Result<Expr, Unread>,
    /// Where the expression begins in the text.
    offset: usize,
}

/// The selector without what a variable decides.
pub fn without_variable_matchers(selector: &Selector) -> Selector {
    let mut fixed = selector.clone();
    fixed.matchers.retain(|matcher| !is_of_variable(matcher));
    fixed
}

fn is_of_variable(matcher: &Matcher) -> bool {
    matcher.value.contains('$') || matcher.value.contains("[[")
}

impl Query {
    pub(super) fn new(text: Scalar, legend: Option<Scalar>) -> Self {
        let tree = parse(&without_variables(&text.value));
        Self { text, legend, tree, offset: 0 }
    }

    /// `label_values(metric{…}, label)` and `query_result(…)` hold an expression; other forms do not.
    pub(super) fn of_variable(text: Scalar) -> Option<Self> {
        let value = text.value.clone();
        let (function, rest) = value.split_once('(')?;
        let inner = rest.trim_end().strip_suffix(')')?;
        let inner = match function.trim() {
            "query_result" => inner,
            "label_values" => inner.rsplit_once(',')?.0,
            _ => return None,
        };
        let tree = parse(&without_variables(inner));
        Some(Self { text, legend: None, tree, offset: function.len() + 1 })
    }

    /// The tree without what variables decide: what it never returns, no choice of theirs brings back.
    pub fn tree_for_any_choice(&self) -> Option<Expr> {
        let mut tree = self.tree.as_ref().ok()?.clone();
        tree.change_selectors(&mut |selector| selector.matchers.retain(|matcher| !is_of_variable(matcher)));
        Some(tree)
    }

    /// True where a variable chooses among the series.
    pub fn is_narrowed_by_variables(&self) -> bool {
        let selectors = self.tree.as_ref().map(Expr::selectors).unwrap_or_default();
        selectors.iter().any(|(_, selector)| selector.matchers.iter().any(is_of_variable))
    }

    /// The place of byte `at` of the expression.
    pub fn place(&self, source: &Source, at: usize) -> Position {
        self.text.place_of(source, self.offset + at)
    }

    /// Offset of the text in the file.
    pub fn start(&self) -> usize {
        self.text.start()
    }
}

/// The label whose values a variable has, and where it stands. Nothing before it may be escaped: queries
/// of variables are short, and offsets must be right.
pub(super) fn label_of_variable(text: &Scalar) -> Option<(String, usize)> {
    let inner = text.value.trim().strip_prefix("label_values(")?.strip_suffix(')')?;
    let (_, label) = inner.rsplit_once(',')?;
    let label = label.trim();
    let is_name = label.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (is_name && !label.is_empty()).then(|| (label.to_owned(), text.value.rfind(label).unwrap_or(0)))
}

/// The same text with a duration in place of each variable that stands for one: as long as the
/// variable, so that every offset stays.
fn without_variables(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut in_brackets = false;
    let mut quote = None;
    while let Some(c) = rest.chars().next() {
        let length = if in_brackets && quote.is_none() { variable(rest) } else { None };
        if let Some(length) = length {
            out.push_str(&"0".repeat(length.saturating_sub(2)));
            out.push_str("1s");
            rest = &rest[length..];
            continue;
        }
        match (quote, c) {
            (None, '"' | '\'' | '`') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None, '[') => in_brackets = true,
            (None, ']') => in_brackets = false,
            _ => {}
        }
        out.push(c);
        rest = &rest[c.len_utf8()..];
        // An escaped quote does not end the text.
        if quote.is_some_and(|quote| quote != '`')
            && c == '\\'
            && let Some(next) = rest.chars().next()
        {
            out.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    out
}

/// The length of a variable that begins the text: `$name`, `${name}`, `${name:format}` or `[[name]]`'s inside.
fn variable(text: &str) -> Option<usize> {
    let rest = text.strip_prefix('$')?;
    if let Some(inner) = rest.strip_prefix('{') {
        return Some(inner.find('}')? + 3);
    }
    let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
    (length > 0).then_some(length + 1)
}
