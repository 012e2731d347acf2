#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::time::Duration;

use promql_parser::parser as theirs;
use proptest::prelude::*;

use super::*;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn every_node_knows_its_place() {
    let text = "(histogram_quantile(0.95, sum by (le) (rate(x_bucket{a=\"b\", c!=\"d\"}[5m]))) > -1.5) and on (job)\n  up == 1";
    let expr = parse(text).unwrap();
    expr.walk(&mut |node| {
        let here = &text[node.at..];
        match &node.kind {
            Kind::Call { function, .. } => assert!(here.starts_with(function), "{function}: {here}"),
            Kind::Aggregate { op, .. } => assert!(here.starts_with(op)),
            Kind::Selector(selector) => {
                assert!(here.starts_with(selector.name.as_deref().unwrap()));
                assert!(selector.matchers.iter().all(|m| text[m.at..].starts_with(&m.label)));
            }
            Kind::Binary(binary) => {
                let symbol = match binary.op {
                    Op::And => "and",
                    Op::Greater => ">",
                    _ => "==",
                };
                assert!(here.starts_with(symbol), "{symbol}: {here}");
            }
            Kind::Number(number) => assert!(here.starts_with(&number.abs().to_string())),
            _ => {}
        }
    });
}

#[test]
fn what_cannot_be_read_says_where_and_why() {
    let cases = [
        ("", 0, "ends too early"),
        ("sum(", 4, "ends too early"),
        ("up == 1 x", 8, "unexpected `x`"),
        ("rate(x)", 0, "takes a range vector here, not a instant vector"),
        ("rate(x[5m], 2)", 0, "takes 1 argument(s), not 2"),
        ("nope(x)", 0, "unknown function `nope`"),
        ("x[5m", 4, "ends too early"),
        ("x{a}", 3, "was expected"),
        ("x{a=\"b}", 4, "never closed"),
        ("{}", 0, "without a name"),
        ("{a!=\"b\", c=~\".*\"}", 0, "without a name"),
        ("1 > 2", 2, "needs `bool`"),
        ("x and 1", 2, "on both sides"),
        ("sum(x)[5m]", 6, "subquery"),
        ("(x)[5m]", 3, "subquery"),
        ("x offset 5m [5m]", 12, "subquery"),
        ("1 offset 5m", 2, "belong behind a selector"),
        ("topk(x)", 0, "takes 2 argument(s)"),
        ("x + on (a) group_left (a) y", 2, "stands in `on` and in the group"),
        ("rate(x[step()])", 7, "depends on the query"),
        ("rate(x[0s])", 7, "longer than nothing"),
        ("on", 0, "unexpected `on`"),
        ("x + ü", 4, "unexpected `ü`"),
    ];
    for (text, at, reason) in cases {
        let unread = parse(text).unwrap_err();
        assert_eq!(unread.at, at, "{text}: {unread}");
        assert!(unread.reason.contains(reason), "{text}: {unread}");
    }
}

#[test]
fn no_depth_exhausts_the_stack() {
    for text in [
        format!("{}1{}", "(".repeat(50_000), ")".repeat(50_000)),
        format!("{}1", "-".repeat(50_000)),
        format!("x{}", " + x".repeat(50_000)),
        format!("x{}", " ^ x".repeat(50_000)),
        format!("{}x{}", "abs(".repeat(50_000), ")".repeat(50_000)),
        format!("x[{}5m{}]", "(".repeat(50_000), ")".repeat(50_000)),
        format!("x[{}5m]", "-".repeat(50_000)),
        format!("x[5m{}]", "^5".repeat(50_000)),
        format!("max_over_time(x{})", "[5m:]".repeat(50_000)),
    ] {
        assert!(parse(&text).is_err(), "{}", &text[..20]);
    }
}

#[test]
fn names_may_be_matchers_or_quoted_or_keywords() {
    for text in [r#"{__name__="x.y", a="b"}"#, r#"{"x.y", a="b"}"#, r#"{'x.y',"a"='b',}"#] {
        let expr = parse(text).unwrap();
        let selector = expr.as_selector().unwrap();
        assert_eq!(selector.name.as_deref(), Some("x.y"), "{text}");
        assert_eq!(selector.pinned("a"), Some("b"));
    }
    for name in
        ["sum", "by", "offset", "and", "fill", "start", "step", "job:x:rate5m", ":x", "group", "unless"]
    {
        let text = format!("{name} + {name}{{a=\"b\"}}");
        let tree = parse(&text).unwrap_or_else(|unread| panic!("{text}: {unread}"));
        assert!(tree.selectors().iter().all(|(_, selector)| selector.name.as_deref() == Some(name)));
        assert_eq!(tree.selectors().len(), 2);
    }
}

#[test]
fn patterns_are_kept_as_text() {
    let tree = parse(r#"sum(x{a=~"5..",b!~'a\'b|\\d+', c = "=~", "d.e"=~`q"`}) by (a) + {f=~"(", g!~ "z"}"#)
        .unwrap();
    let matchers = |op: MatchOp| {
        let found = tree.selectors().into_iter().flat_map(|(_, selector)| &selector.matchers);
        found.filter(|m| m.op == op).map(|m| (m.label.clone(), m.value.clone())).collect::<Vec<_>>()
    };
    let pair = |label: &str, value: &str| (label.to_owned(), value.to_owned());
    assert_eq!(matchers(MatchOp::Matches), [pair("a", "5.."), pair("d.e", "q\""), pair("f", "(")]);
    assert_eq!(matchers(MatchOp::MatchesNot), [pair("b", "a'b|\\d+"), pair("g", "z")]);
    assert_eq!(matchers(MatchOp::Equal), [pair("c", "=~")]);
}

#[test]
fn constants_fold() {
    let cases = [
        ("1.5 * 1024 ^ 2", Some(1_572_864.0)),
        ("-(2 - 5)", Some(3.0)),
        ("-2 ^ 2", Some(-4.0)),
        ("2 ^ 3 ^ 2", Some(512.0)),
        ("2 ^ -1 * 4", Some(2.0)),
        ("10 - 2 - 3", Some(5.0)),
        ("1h / 30m", Some(2.0)),
        ("x", None),
    ];
    for (text, expected) in cases {
        assert_eq!(parse(text).unwrap().constant(), expected, "{text}");
    }
}

#[test]
fn ranges_and_what_changes_them() {
    let selector = |text: &str| parse(text).unwrap().selectors().first().map(|(_, s)| (*s).clone()).unwrap();
    let cases = [
        ("rate(x[5m])", 300),
        ("rate(x[300])", 300),
        ("rate(x[5m * 2])", 600),
        ("rate(x[(1h - 30m) / 2])", 900),
        ("rate(x[max_of(5m, 1m)])", 300),
        ("rate(x[1h30m] offset -(2 * 5m))", 5400),
        ("rate(x[ 5m ] offset step())", 300),
        ("rate(x[5m] @ start() offset 1m)", 300),
    ];
    for (text, expected) in cases {
        assert_eq!(selector(text).range, Some(seconds(expected)), "{text}");
    }
    assert!(selector("rate(x[5m] offset 1m)").is_shifted() && selector("x @ 12.5").is_shifted());
    assert!(selector("rate(x[5m] smoothed)").extended && !selector("rate(x[5m])").extended);
    let subquery = parse("max_over_time(rate(x[5m])[1h:1m] offset 5m)").unwrap();
    let (_, args) = subquery.as_call().unwrap();
    let Kind::Subquery { range, step, .. } = &args[0].kind else { panic!("no subquery") };
    assert_eq!((*range, *step), (seconds(3600), Some(seconds(60))));
    // Offset takes one term: what follows is arithmetic on the series.
    assert!(parse("x offset 5m * 2").unwrap().as_binary().is_some());
}

#[test]
fn modifiers_reach_the_operator() {
    let tree = parse("a / on (x, \"y.z\") group_left (k) fill(0) b").unwrap();
    let binary = tree.as_binary().unwrap();
    assert_eq!(binary.matching, Matching::On(vec!["x".to_owned(), "y.z".to_owned()]));
    assert_eq!(binary.cardinality, Cardinality::GroupLeft(vec!["k".to_owned()]));
    let tree = parse("a > BOOL ignoring(x) group_right b").unwrap();
    let binary = tree.as_binary().unwrap();
    assert!(binary.returns_bool);
    assert_eq!(binary.cardinality, Cardinality::GroupRight(Vec::new()));
    for newer in ["h </ 5", "h >/ -1", "a + fill + fill", "info(x, {a=~\".+\"})", "sum(x) WITHOUT (a, by,)"] {
        parse(newer).unwrap_or_else(|unread| panic!("{newer}: {unread}"));
    }
}

/// A tree as text without ambiguity: every operation in brackets of its own.
fn shown(expr: &Expr) -> String {
    let list = |labels: &[String]| labels.join(",");
    match &expr.kind {
        Kind::Number(number) => format!("{number:?}"),
        Kind::Text(text) => format!("{text:?}"),
        Kind::Selector(s) => {
            let matchers = s.matchers.iter().map(|m| format!("{}{:?}{:?}", m.label, m.op, m.value));
            let matchers: Vec<_> = matchers.collect();
            format!("{:?}{{{}}}{:?}{}", s.name, matchers.join(","), s.range, s.is_shifted())
        }
        Kind::Call { function, args } => {
            format!("{function}({})", args.iter().map(shown).collect::<Vec<_>>().join("; "))
        }
        Kind::Aggregate { op, param, inner, grouping } => {
            format!("{op} {grouping:?} ({:?}; {})", param.as_ref().map(|p| shown(p)), shown(inner))
        }
        Kind::Binary(b) => {
            let matching = match &b.matching {
                Matching::All => "all".to_owned(),
                Matching::On(labels) => format!("on {}", list(labels)),
                Matching::Ignoring(labels) => format!("ignoring {}", list(labels)),
            };
            let (lhs, rhs) = (shown(&b.lhs), shown(&b.rhs));
            format!("({lhs} {:?} {} {matching} {:?} {rhs})", b.op, b.returns_bool, b.cardinality)
        }
        Kind::Subquery { inner, range, step } => format!("{}[{range:?}:{step:?}]", shown(inner)),
        Kind::Negate(inner) => format!("-({})", shown(inner)),
    }
}

/// The same of the other parser's tree.
fn shown_theirs(expr: &theirs::Expr) -> String {
    use theirs::{Expr as E, LabelModifier, VectorMatchCardinality as Card};
    let text = |expr: &theirs::Expr| shown_theirs(expr);
    match expr {
        E::Paren(paren) => text(&paren.expr),
        E::NumberLiteral(number) => format!("{:?}", number.val),
        E::StringLiteral(string) => format!("{:?}", string.val),
        E::VectorSelector(selector) => their_selector(selector, None),
        E::MatrixSelector(matrix) => their_selector(&matrix.vs, Some(matrix.range)),
        E::Call(call) => {
            let args = call.args.args.iter().map(|arg| text(arg)).collect::<Vec<_>>();
            format!("{}({})", call.func.name, args.join("; "))
        }
        E::Aggregate(aggregate) => {
            let grouping = match &aggregate.modifier {
                None => Grouping::By(Vec::new()),
                Some(LabelModifier::Include(labels)) => Grouping::By(labels.labels.clone()),
                Some(LabelModifier::Exclude(labels)) => Grouping::Without(labels.labels.clone()),
            };
            let param = aggregate.param.as_ref().map(|param| text(param));
            format!("{} {grouping:?} ({param:?}; {})", aggregate.op, text(&aggregate.expr))
        }
        E::Binary(binary) => {
            let modifier = binary.modifier.as_ref();
            let matching = match modifier.and_then(|modifier| modifier.matching.as_ref()) {
                None => "all".to_owned(),
                Some(LabelModifier::Include(labels)) => format!("on {}", labels.labels.join(",")),
                Some(LabelModifier::Exclude(labels)) => format!("ignoring {}", labels.labels.join(",")),
            };
            let card = match modifier.map(|modifier| &modifier.card) {
                Some(Card::ManyToOne(labels)) => Cardinality::GroupLeft(labels.labels.clone()),
                Some(Card::OneToMany(labels)) => Cardinality::GroupRight(labels.labels.clone()),
                _ => Cardinality::OneToOne,
            };
            let op = match binary.op.to_string().as_str() {
                "+" => Op::Add,
                "-" => Op::Sub,
                "*" => Op::Mul,
                "/" => Op::Div,
                "%" => Op::Mod,
                "^" => Op::Pow,
                "atan2" => Op::Atan2,
                "==" => Op::Equal,
                "!=" => Op::NotEqual,
                "<" => Op::Less,
                "<=" => Op::LessOrEqual,
                ">" => Op::Greater,
                ">=" => Op::GreaterOrEqual,
                "and" => Op::And,
                "or" => Op::Or,
                _ => Op::Unless,
            };
            let (lhs, rhs) = (text(&binary.lhs), text(&binary.rhs));
            format!("({lhs} {op:?} {} {matching} {card:?} {rhs})", binary.return_bool())
        }
        E::Subquery(subquery) => {
            format!("{}[{:?}:{:?}]", text(&subquery.expr), subquery.range, subquery.step)
        }
        E::Unary(unary) => {
            let mut inner = unary.expr.as_ref();
            while let E::Paren(paren) = inner {
                inner = &paren.expr;
            }
            // Behind brackets they keep the sign of a number as an operation.
            match inner {
                E::NumberLiteral(number) => format!("{:?}", -number.val),
                E::Unary(_) => folded(&text(inner)),
                _ => format!("-({})", text(inner)),
            }
        }
        E::Extension(_) => String::new(),
    }
}

/// The sign before what may have become a number.
fn folded(inner: &str) -> String {
    inner.parse::<f64>().map_or_else(|_| format!("-({inner})"), |number| format!("{:?}", -number))
}

fn their_selector(selector: &theirs::VectorSelector, range: Option<Duration>) -> String {
    use promql_parser::label::MatchOp as Theirs;
    let matchers = selector.matchers.matchers.iter().map(|m| {
        let op = match m.op {
            Theirs::Equal => MatchOp::Equal,
            Theirs::NotEqual => MatchOp::NotEqual,
            Theirs::Re(_) => MatchOp::Matches,
            Theirs::NotRe(_) => MatchOp::MatchesNot,
        };
        format!("{}{op:?}{:?}", m.name, m.value)
    });
    let matchers: Vec<_> = matchers.collect();
    let shifted = selector.offset.is_some() || selector.at.is_some();
    format!("{:?}{{{}}}{range:?}{shifted}", selector.name, matchers.join(","))
}

/// Expressions as people write them, and some that nobody would.
fn expression() -> impl Strategy<Value = String> {
    let selector = prop_oneof![
        Just("up".to_owned()),
        Just("job:x:rate5m".to_owned()),
        Just(r#"x_total{a="b", c=~"d|e"}"#.to_owned()),
        Just(r#"{a!="b",c!~'d.*',e=~".+"}"#.to_owned()),
        Just("sum offset 5m".to_owned()),
        Just("x @ 12".to_owned()),
    ];
    let range = prop_oneof![Just("x_total[5m]".to_owned()), Just(r#"y{a="b"}[1h30m] offset -1m"#.to_owned())];
    let number = prop_oneof![
        Just("1".to_owned()),
        Just("0.5".to_owned()),
        Just("1e3".to_owned()),
        Just("Inf".to_owned())
    ];
    let rated = (prop_oneof![Just("rate"), Just("increase"), Just("max_over_time")], range)
        .prop_map(|(function, range)| format!("{function}({range})"));
    let leaf = prop_oneof![4 => selector, 3 => rated, 2 => number];
    leaf.prop_recursive(5, 40, 3, |inner| {
        let op = prop::sample::select(vec![
            "+", "-", "*", "/", "%", "^", "atan2", "and", "or", "unless", "==", "!= ", ">", "< bool", ">=",
            "<= bool",
        ]);
        let modifier = prop::sample::select(vec![
            "",
            "",
            "",
            "on (a)",
            "ignoring(a, b)",
            "on () group_left",
            "ignoring (a) group_right (b)",
        ]);
        prop_oneof![
            4 => (inner.clone(), op, modifier, inner.clone())
                .prop_map(|(a, op, modifier, b)| format!("{a} {op} {modifier} {b}")),
            2 => inner.clone().prop_map(|a| format!("({a})")),
            1 => inner.clone().prop_map(|a| format!("-{a}")),
            2 => (prop::sample::select(vec!["sum", "MAX", "count", "avg"]),
                prop::sample::select(vec!["", " by (a, b)", " without (c)"]), inner.clone())
                .prop_map(|(op, by, a)| format!("{op}{by} ({a})")),
            1 => inner.clone().prop_map(|a| format!("topk(3, {a}) by (a)")),
            1 => inner.clone().prop_map(|a| format!("histogram_quantile(0.9, {a})")),
            1 => inner.clone().prop_map(|a| format!("label_replace({a}, \"x\", '$1', \"y\", `(.*)`)")),
            1 => inner.prop_map(|a| format!("({a})[1h:5m]")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// What both read, both read alike; and we read all that they do.
    #[test]
    fn reads_as_the_other_parser_does(text in expression()) {
        match (parse(&text), theirs::parse(&text)) {
            (Ok(ours), Ok(theirs)) => prop_assert_eq!(shown(&ours), shown_theirs(&theirs), "{}", text),
            (Err(ours), Ok(_)) => prop_assert!(false, "{}: only we refuse it: {}", text, ours),
            (_, Err(_)) => {}
        }
    }

    #[test]
    fn never_panics(text in "(sum|by|rate|x|[(){}\\[\\],:@#=!~<>+*/^%\"'`\\\\-]|5m|0x|1e| |\n|ü|offset|on|group_left|bool){0,24}") {
        let _ = parse(&text);
    }
}
