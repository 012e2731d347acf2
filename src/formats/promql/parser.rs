//! `PromQL` → tree, by recursive descent. The grammar is that of Prometheus 3.14 (its
//! `promql/parser/generated_parser.y`), with all of its experimental parts.

use std::time::Duration;

use super::ast::{Binary, Expr, Grouping, Kind, Op, Selector, Shift};
use super::functions::{self, Type};
use super::modifiers::Modifiers;
use super::scanner::{Scanner, Unread, at_byte};
use super::{durations, types};

/// Levels of the tree. Beyond this the recursive lints would need more stack than a thread has.
const DEEPEST: usize = 500;
/// Brackets, calls, signs and powers in each other: the same for the parser itself.
const NESTED: usize = 100;

/// An expression with what is known of it while its surroundings are read.
pub(super) struct Typed {
    pub(super) expr: Expr,
    pub(super) kind: Type,
    /// Nodes from here down to the deepest leaf.
    depth: usize,
    /// In brackets of its own: modifiers do not reach what is inside.
    closed: bool,
}

pub(super) type Parsed<T> = Result<T, Unread>;

pub(super) fn parse(text: &str) -> Parsed<Expr> {
    let mut parser = Parser { scanner: Scanner { text, at: 0 }, nesting: 0 };
    let parsed = parser.binary(0)?;
    match parser.scanner.peek() {
        None => Ok(parsed.expr),
        Some(_) => Err(parser.scanner.unexpected("an operator or the end was expected")),
    }
}

pub(super) struct Parser<'a> {
    pub(super) scanner: Scanner<'a>,
    nesting: usize,
}

/// How tightly operators bind, from the loosest.
const UNARY: usize = 5;
const POWER: usize = 6;

const SYMBOLS: [(&str, Op, usize); 14] = [
    ("==", Op::Equal, 3),
    ("!=", Op::NotEqual, 3),
    ("<=", Op::LessOrEqual, 3),
    (">=", Op::GreaterOrEqual, 3),
    ("</", Op::Trim, 3),
    (">/", Op::Trim, 3),
    ("<", Op::Less, 3),
    (">", Op::Greater, 3),
    ("+", Op::Add, 4),
    ("-", Op::Sub, 4),
    ("*", Op::Mul, 5),
    ("/", Op::Div, 5),
    ("%", Op::Mod, 5),
    ("^", Op::Pow, POWER),
];

const WORDS: [(&str, Op, usize); 4] =
    [("or", Op::Or, 1), ("and", Op::And, 2), ("unless", Op::Unless, 2), ("atan2", Op::Atan2, 5)];

/// Each with whether it takes a parameter.
const AGGREGATORS: [(&str, bool); 14] = [
    ("sum", false),
    ("avg", false),
    ("count", false),
    ("min", false),
    ("max", false),
    ("group", false),
    ("stddev", false),
    ("stdvar", false),
    ("topk", true),
    ("bottomk", true),
    ("count_values", true),
    ("quantile", true),
    ("limitk", true),
    ("limit_ratio", true),
];

/// Words that are never the name of a metric.
const RESERVED: [&str; 6] = ["on", "ignoring", "group_left", "group_right", "bool", "atan2"];

impl Parser<'_> {
    /// Operators that bind at least as tightly as `loosest`, and what stands between them.
    fn binary(&mut self, loosest: usize) -> Parsed<Typed> {
        let mut left = self.unary()?;
        while let Some((symbol, op, strength)) = self.operator().filter(|(.., strength)| *strength >= loosest)
        {
            self.scanner.peek();
            let at = self.scanner.at;
            self.scanner.at += symbol.len();
            let modifiers = self.modifiers()?;
            // Only powers are grouped from the right.
            let right = match op {
                Op::Pow => self.nested(|parser| parser.binary(POWER))?,
                _ => self.binary(strength + 1)?,
            };
            left = combine(left, at, (op, symbol), modifiers, right)?;
        }
        Ok(left)
    }

    fn operator(&mut self) -> Option<(&'static str, Op, usize)> {
        let first = self.scanner.peek()?;
        if first.is_ascii_alphabetic() {
            let word = self.scanner.word(true)?;
            return WORDS.into_iter().find(|(name, ..)| word.eq_ignore_ascii_case(name));
        }
        let rest = &self.scanner.text[self.scanner.at..];
        SYMBOLS.into_iter().find(|(symbol, ..)| rest.starts_with(symbol))
    }

    fn unary(&mut self) -> Parsed<Typed> {
        let sign = match self.scanner.peek() {
            Some(b'-') => -1.0,
            Some(b'+') => 1.0,
            _ => return self.operand(),
        };
        let at = self.scanner.at;
        self.scanner.at += 1;
        let inner = self.nested(|parser| parser.binary(UNARY + 1))?;
        if !matches!(inner.kind, Type::Scalar | Type::Vector) {
            return Err(at_byte(at, &format!("a sign before a {}", inner.kind.name())));
        }
        if sign > 0.0 {
            return Ok(Typed { closed: true, ..inner });
        }
        let depth = deeper(inner.depth, at)?;
        let at = inner.expr.at;
        let kind = match inner.expr.kind {
            Kind::Number(number) => Kind::Number(-number),
            _ => Kind::Negate(Box::new(inner.expr)),
        };
        Ok(Typed { expr: Expr { kind, at }, kind: inner.kind, depth, closed: true })
    }

    /// Guards the parser's own stack.
    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.nesting == NESTED {
            return Err(too_deep(self.scanner.at, NESTED));
        }
        self.nesting += 1;
        let result = read(self);
        self.nesting -= 1;
        result
    }

    /// What stands between operators, with the modifiers behind it.
    fn operand(&mut self) -> Parsed<Typed> {
        let mut operand = self.primary()?;
        loop {
            let Some(next) = self.scanner.peek() else { return Ok(operand) };
            match next {
                b'[' => operand = self.ranged(operand)?,
                b'@' => {
                    let at = self.scanner.at;
                    self.scanner.at += 1;
                    let moment = self.timestamp()?.map_or(Shift::Other, Shift::Fixed);
                    shift(&mut operand, at, moment)?;
                }
                _ if next.is_ascii_alphabetic() => {
                    let at = self.scanner.at;
                    if self.scanner.take_keyword("offset") {
                        let ago = durations::offset(&mut self.scanner)?;
                        shift(&mut operand, at, ago.map_or(Shift::Other, Shift::Ago))?;
                    } else if self.scanner.take_keyword("anchored") || self.scanner.take_keyword("smoothed") {
                        match &mut operand.expr.kind {
                            Kind::Selector(selector) if !operand.closed => selector.extended = true,
                            _ => return Err(at_byte(at, "this modifier belongs behind a selector")),
                        }
                    } else {
                        return Ok(operand);
                    }
                }
                _ => return Ok(operand),
            }
        }
    }

    /// `@ 1609746000`; `None` for `@ start()`.
    fn timestamp(&mut self) -> Parsed<Option<f64>> {
        if self.scanner.take_keyword("start") || self.scanner.take_keyword("end") {
            self.scanner.expect("(", "behind `start` or `end`")?;
            return self.scanner.expect(")", "behind `(`").map(|()| None);
        }
        let negative = self.scanner.take("-");
        let _ = negative || self.scanner.take("+");
        match self.number()? {
            Some(moment) => Ok(Some(if negative { -moment } else { moment })),
            None => Err(self.scanner.unexpected("a timestamp was expected behind `@`")),
        }
    }

    fn ranged(&mut self, operand: Typed) -> Parsed<Typed> {
        let at = self.scanner.at;
        self.scanner.at += 1;
        let range = durations::positive(&mut self.scanner)?;
        let has_step = self.scanner.take(":");
        let step = if has_step && self.scanner.peek() != Some(b']') {
            Some(durations::positive(&mut self.scanner)?)
        } else {
            None
        };
        self.scanner.expect("]", "behind the range")?;
        if has_step {
            return subquery(operand, at, range, step);
        }
        match operand.expr.kind {
            Kind::Selector(selector)
                if !operand.closed && selector.range.is_none() && !selector.is_shifted() =>
            {
                let kind = Kind::Selector(Selector { range: Some(range), ..selector });
                Ok(Typed { expr: Expr { kind, at: operand.expr.at }, kind: Type::Matrix, ..operand })
            }
            _ => Err(at_byte(
                at,
                "a range belongs right behind a selector; anything else needs a subquery `[range:step]`",
            )),
        }
    }

    fn primary(&mut self) -> Parsed<Typed> {
        let leaf = |kind, at, of| Typed { expr: Expr { kind, at }, kind: of, depth: 1, closed: false };
        let Some(next) = self.scanner.peek() else {
            return Err(self.scanner.unexpected("an expression was expected"));
        };
        let at = self.scanner.at;
        if next == b'(' {
            self.scanner.at += 1;
            let inner = self.nested(|parser| parser.binary(0))?;
            self.scanner.expect(")", "to close the bracket")?;
            return Ok(Typed { closed: true, ..inner });
        }
        if next == b'{' {
            return Ok(leaf(Kind::Selector(self.selector(None)?), at, Type::Vector));
        }
        if let Some(text) = self.scanner.string()? {
            return Ok(leaf(Kind::Text(text), at, Type::Text));
        }
        if let Some(number) = self.number()? {
            return Ok(leaf(Kind::Number(number), at, Type::Scalar));
        }
        let Some(word) = self.scanner.word(true) else {
            return Err(self.scanner.unexpected("an expression was expected"));
        };
        self.scanner.at += word.len();
        let bracket = self.scanner.peek() == Some(b'(');
        if let Some((op, takes)) = AGGREGATORS.into_iter().find(|(name, _)| word.eq_ignore_ascii_case(name)) {
            let follows = self.scanner.word(true);
            let by = |word: &str| word.eq_ignore_ascii_case("by") || word.eq_ignore_ascii_case("without");
            if bracket || follows.is_some_and(by) {
                return self.aggregation(op, takes, at);
            }
        }
        if bracket && !word.contains(':') {
            return self.call(word, at);
        }
        if RESERVED.iter().any(|reserved| word.eq_ignore_ascii_case(reserved)) {
            return Err(at_byte(at, &format!("unexpected `{word}`: an expression was expected")));
        }
        Ok(leaf(Kind::Selector(self.selector(Some(word))?), at, Type::Vector))
    }

    /// A number, a duration, `Inf` or `NaN`.
    pub(super) fn number(&mut self) -> Parsed<Option<f64>> {
        if let Some(word) = self.scanner.word(true) {
            let value = match word {
                _ if word.eq_ignore_ascii_case("inf") => f64::INFINITY,
                _ if word.eq_ignore_ascii_case("nan") => f64::NAN,
                _ => return Ok(None),
            };
            self.scanner.at += word.len();
            return Ok(Some(value));
        }
        self.scanner.number()
    }

    fn call(&mut self, name: &str, at: usize) -> Parsed<Typed> {
        let function =
            functions::function(name).ok_or_else(|| at_byte(at, &format!("unknown function `{name}`")))?;
        let args = self.nested(Self::arguments)?;
        types::check_call(function, &args).map_err(|reason| Unread { at, reason })?;
        let depth = deeper(args.iter().map(|arg| arg.depth).max().unwrap_or(0), at)?;
        // Collected in place they would keep the room that was made for more of them.
        let mut exprs = Vec::with_capacity(args.len());
        exprs.extend(args.into_iter().map(|arg| arg.expr));
        let kind = Kind::Call { function: function.name, args: exprs };
        Ok(Typed { expr: Expr { kind, at }, kind: function.returns, depth, closed: false })
    }

    fn arguments(&mut self) -> Parsed<Vec<Typed>> {
        self.scanner.expect("(", "here")?;
        let mut args = Vec::new();
        if self.scanner.take(")") {
            return Ok(args);
        }
        loop {
            args.push(self.binary(0)?);
            if !self.scanner.take(",") {
                self.scanner.expect(")", "behind the arguments")?;
                return Ok(args);
            }
        }
    }

    fn aggregation(&mut self, op: &'static str, takes: bool, at: usize) -> Parsed<Typed> {
        let mut grouping = self.grouping()?;
        let mut args = self.nested(Self::arguments)?;
        if grouping.is_none() {
            grouping = self.grouping()?;
        }
        let expected = if takes { 2 } else { 1 };
        let (Some(inner), true) = (args.pop(), args.len() + 1 == expected) else {
            return Err(at_byte(at, &format!("`{op}` takes {expected} argument(s)")));
        };
        let param = args.pop();
        types::check_aggregation(op, param.as_ref().map(|param| param.kind), inner.kind)
            .map_err(|reason| Unread { at, reason })?;
        let depth = deeper(inner.depth.max(param.as_ref().map_or(0, |param| param.depth)), at)?;
        let kind = Kind::Aggregate {
            op,
            param: param.map(|param| Box::new(param.expr)),
            inner: Box::new(inner.expr),
            grouping: grouping.unwrap_or(Grouping::By(Vec::new())),
        };
        Ok(Typed { expr: Expr { kind, at }, kind: Type::Vector, depth, closed: false })
    }
}

fn combine(
    left: Typed,
    at: usize,
    (op, symbol): (Op, &str),
    modifiers: Modifiers,
    right: Typed,
) -> Parsed<Typed> {
    let kind = types::of_binary(op, symbol, &modifiers, left.kind, right.kind)
        .map_err(|reason| Unread { at, reason })?;
    let depth = deeper(left.depth.max(right.depth), at)?;
    let Modifiers { returns_bool, matching, cardinality, fills } = modifiers;
    let binary = Binary { op, lhs: left.expr, rhs: right.expr, returns_bool, matching, cardinality, fills };
    Ok(Typed { expr: Expr { kind: Kind::Binary(Box::new(binary)), at }, kind, depth, closed: false })
}

fn subquery(operand: Typed, at: usize, range: Duration, step: Option<Duration>) -> Parsed<Typed> {
    if operand.kind != Type::Vector {
        return Err(at_byte(at, &format!("a subquery of a {}", operand.kind.name())));
    }
    let depth = deeper(operand.depth, at)?;
    let place = operand.expr.at;
    let kind = Kind::Subquery { inner: Box::new(operand.expr), range, step };
    Ok(Typed { expr: Expr { kind, at: place }, kind: Type::Matrix, depth, closed: false })
}

/// Applies `offset` or `@`.
fn shift(operand: &mut Typed, at: usize, by: Shift) -> Parsed<()> {
    match &mut operand.expr.kind {
        Kind::Selector(selector) if !operand.closed => {
            selector.shift = Some(if selector.is_shifted() { Shift::Other } else { by });
            Ok(())
        }
        Kind::Subquery { .. } if !operand.closed => Ok(()),
        _ => Err(at_byte(at, "`offset` and `@` belong behind a selector or a subquery")),
    }
}

fn deeper(depth: usize, at: usize) -> Parsed<usize> {
    if depth < DEEPEST { Ok(depth + 1) } else { Err(too_deep(at, DEEPEST)) }
}

fn too_deep(at: usize, most: usize) -> Unread {
    at_byte(at, &format!("more than {most} levels deep"))
}
