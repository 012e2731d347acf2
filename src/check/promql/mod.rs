//! `PromQL`, parsed for judgement. What the parser cannot read is not linted: only Prometheus itself
//! says what is invalid.

mod ast;
mod convert;
mod labels;
mod marks;
mod patterns;

pub use ast::{Binary, Cardinality, Expr, Grouping, Kind, MatchOp, Matcher, Matching, Op, Selector};
pub use labels::{LabelSet, output_labels, output_labels_with};

/// Beyond this nesting the recursive lints would need more stack than a thread has.
const DEEPEST: usize = 200;

/// The tree of an expression, or why it is not linted.
pub fn parse(text: &str) -> Result<Expr, String> {
    let marks = marks::marks(text);
    if marks.depth > DEEPEST {
        return Err(format!("more than {DEEPEST} nested brackets"));
    }
    let theirs = promql_parser::parser::parse(&patterns::hidden(text, &marks.patterns))?;
    convert::Converter::new(marks).convert(&theirs).ok_or_else(|| "unknown kind of expression".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn every_node_knows_its_place() {
        let text = "(histogram_quantile(0.95, sum by (le) (rate(x_bucket{a=\"b\", c!=\"d\"}[5m]))) > -1.5) and on (job)\n  up == 1";
        let expr = parse(text).unwrap();
        expr.walk(&mut |node| {
            let here = &text[node.at..];
            match &node.kind {
                Kind::Call { function, .. } => {
                    assert!(here.starts_with(function.as_str()), "{function}: {here}");
                }
                Kind::Aggregate { op, .. } => assert!(here.starts_with(op.as_str())),
                Kind::Selector(selector) => {
                    assert!(here.starts_with(selector.name.as_deref().unwrap()));
                    assert!(selector.matchers.iter().all(|m| text[m.at..].starts_with(&m.label)));
                }
                Kind::Binary(binary) => assert!(Op::parse(here.split(' ').next().unwrap()) == binary.op),
                Kind::Number(number) => assert!(here.starts_with(&number.abs().to_string())),
                _ => {}
            }
        });
    }

    #[test]
    fn what_is_too_new_or_too_deep_is_not_linted() {
        assert!(parse("rate(x[5m * 2])").is_err());
        assert!(parse(&format!("{}1{}", "(".repeat(5000), ")".repeat(5000))).is_err());
        assert!(parse("sum(").is_err());
    }

    #[test]
    fn names_may_be_matchers_or_quoted() {
        for text in [r#"{__name__="x.y", a="b"}"#, r#"{"x.y", a="b"}"#] {
            let expr = parse(text).unwrap();
            let selector = expr.as_selector().unwrap();
            assert_eq!(selector.name.as_deref(), Some("x.y"), "{text}");
            assert_eq!(selector.pinned("a"), Some("b"));
        }
    }

    #[test]
    fn constants_fold() {
        assert_eq!(parse("1.5 * 1024 ^ 2").unwrap().constant(), Some(1_572_864.0));
        assert_eq!(parse("-(2 - 5)").unwrap().constant(), Some(3.0));
        assert_eq!(parse("x").unwrap().constant(), None);
    }
}
