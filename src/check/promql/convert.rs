//! The parser's tree and the marks of its tokens, joined.

use promql_parser::label::{MatchOp as TheirMatchOp, Matchers};
use promql_parser::parser::{
    AggregateExpr, BinaryExpr, Expr as Theirs, LabelModifier, VectorMatchCardinality, VectorSelector,
};

use super::ast::{Binary, Cardinality, Expr, Grouping, Kind, MatchOp, Matcher, Matching, Op, Selector};
use super::marks::{Marks, SelectorMark};
use super::patterns;

/// Hands out marks in the order of the text; offset 0 once there are none left.
pub(super) struct Converter {
    selectors: std::vec::IntoIter<SelectorMark>,
    calls: std::vec::IntoIter<usize>,
    aggregates: std::vec::IntoIter<usize>,
    operators: std::vec::IntoIter<usize>,
    numbers: std::vec::IntoIter<usize>,
}

impl Converter {
    pub(super) fn new(marks: Marks) -> Self {
        Self {
            selectors: marks.selectors.into_iter(),
            calls: marks.calls.into_iter(),
            aggregates: marks.aggregates.into_iter(),
            operators: marks.operators.into_iter(),
            numbers: marks.numbers.into_iter(),
        }
    }

    /// `None` for what the lints do not know.
    pub(super) fn convert(&mut self, theirs: &Theirs) -> Option<Expr> {
        match theirs {
            Theirs::Paren(paren) => self.convert(&paren.expr),
            Theirs::Unary(unary) => {
                let inner = self.convert(&unary.expr)?;
                Some(Expr { at: inner.at, kind: Kind::Negate(Box::new(inner)) })
            }
            Theirs::NumberLiteral(number) => {
                Some(Expr { kind: Kind::Number(number.val), at: self.numbers.next().unwrap_or_default() })
            }
            Theirs::StringLiteral(text) => Some(Expr { kind: Kind::Text(text.val.clone()), at: 0 }),
            Theirs::VectorSelector(selector) => Some(self.selector(selector, None)),
            Theirs::MatrixSelector(matrix) => Some(self.selector(&matrix.vs, Some(matrix.range))),
            Theirs::Subquery(subquery) => {
                let inner = self.convert(&subquery.expr)?;
                let at = inner.at;
                let kind =
                    Kind::Subquery { inner: Box::new(inner), range: subquery.range, step: subquery.step };
                Some(Expr { kind, at })
            }
            Theirs::Call(call) => {
                let at = self.calls.next().unwrap_or_default();
                let args = call.args.args.iter().map(|arg| self.convert(arg)).collect::<Option<Vec<_>>>()?;
                Some(Expr { kind: Kind::Call { function: call.func.name.to_owned(), args }, at })
            }
            Theirs::Aggregate(aggregate) => self.aggregate(aggregate),
            Theirs::Binary(binary) => self.binary(binary),
            Theirs::Extension(_) => None,
        }
    }

    fn aggregate(&mut self, theirs: &AggregateExpr) -> Option<Expr> {
        let at = self.aggregates.next().unwrap_or_default();
        let param = match &theirs.param {
            Some(param) => Some(Box::new(self.convert(param)?)),
            None => None,
        };
        let inner = Box::new(self.convert(&theirs.expr)?);
        let grouping = match &theirs.modifier {
            None => Grouping::By(Vec::new()),
            Some(LabelModifier::Include(labels)) => Grouping::By(labels.labels.clone()),
            Some(LabelModifier::Exclude(labels)) => Grouping::Without(labels.labels.clone()),
        };
        Some(Expr { kind: Kind::Aggregate { op: theirs.op.to_string(), param, inner, grouping }, at })
    }

    fn binary(&mut self, theirs: &BinaryExpr) -> Option<Expr> {
        let lhs = self.convert(&theirs.lhs)?;
        let at = self.operators.next().unwrap_or_default();
        let rhs = self.convert(&theirs.rhs)?;
        let modifier = theirs.modifier.as_ref();
        let matching = match modifier.and_then(|modifier| modifier.matching.as_ref()) {
            None => Matching::All,
            Some(LabelModifier::Include(labels)) => Matching::On(labels.labels.clone()),
            Some(LabelModifier::Exclude(labels)) => Matching::Ignoring(labels.labels.clone()),
        };
        let cardinality = match modifier.map(|modifier| &modifier.card) {
            Some(VectorMatchCardinality::ManyToOne(labels)) => Cardinality::GroupLeft(labels.labels.clone()),
            Some(VectorMatchCardinality::OneToMany(labels)) => Cardinality::GroupRight(labels.labels.clone()),
            _ => Cardinality::OneToOne,
        };
        let op = Op::parse(&theirs.op.to_string());
        let returns_bool = theirs.return_bool();
        Some(Expr {
            kind: Kind::Binary(Box::new(Binary { op, lhs, rhs, returns_bool, matching, cardinality })),
            at,
        })
    }

    fn selector(&mut self, theirs: &VectorSelector, range: Option<std::time::Duration>) -> Expr {
        let mark = self.selectors.next().unwrap_or_default();
        let mut matchers = matchers(&theirs.matchers, &mark);
        let mut name = theirs.name.clone();
        if name.is_none()
            && let Some(index) = matchers.iter().position(|m| m.label == "__name__" && m.op == MatchOp::Equal)
        {
            name = Some(matchers.remove(index).value);
        }
        let alternatives = !theirs.matchers.or_matchers.is_empty();
        let shifted = theirs.offset.is_some() || theirs.at.is_some();
        Expr { kind: Kind::Selector(Selector { name, matchers, alternatives, range, shifted }), at: mark.at }
    }
}

fn matchers(theirs: &Matchers, mark: &SelectorMark) -> Vec<Matcher> {
    let placed = mark.matchers.len() == theirs.matchers.len();
    let one = |(index, matcher): (usize, &promql_parser::label::Matcher)| {
        let (op, value) = match matcher.op {
            TheirMatchOp::Equal => {
                patterns::shown(&matcher.value).unwrap_or((MatchOp::Equal, &matcher.value))
            }
            TheirMatchOp::NotEqual => (MatchOp::NotEqual, matcher.value.as_str()),
            TheirMatchOp::Re(_) => (MatchOp::Matches, matcher.value.as_str()),
            TheirMatchOp::NotRe(_) => (MatchOp::MatchesNot, matcher.value.as_str()),
        };
        let at = if placed { mark.matchers.get(index).copied().unwrap_or(mark.at) } else { mark.at };
        Matcher { label: matcher.name.clone(), op, value: value.to_owned(), at }
    };
    theirs.matchers.iter().enumerate().map(one).collect()
}
