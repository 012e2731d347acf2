//! What is claimed, and of what nothing is.

#![allow(clippy::unwrap_used)]

use super::{dead_sides, fills, named, never, range, values};
use crate::analysis::facts::Facts;
use crate::formats::promql::parse;
use crate::formats::rule_file::RuleFile;

/// Why the expression never returns anything.
fn why(text: &str) -> Option<String> {
    let facts = Facts::default();
    never(&crate::analysis::view::view(&facts), &parse(text).unwrap()).map(|never| never.why)
}

const IMPOSSIBLE: &[&str] = &[
    // One value, two conditions.
    "x > 5 and x < 3",
    "x > 5 < 3",
    "3 > x > 5",
    "5 < x < 3",
    "x == 1 and x == 2",
    "x == 0 and x != 0",
    "x != 0 == 0",
    "x >= 1 and x <= 1 and x != 1",
    "x > y and x < y",
    "x > y and y > x",
    "x > x",
    "(x > 5) + (x < 3)",
    "sum by (job) (x) > 5 and on (job) sum by (job) (x) < 3",
    "sum(x) > 5 and ignoring (job) sum(x) < 3",
    "sum(x > 5 < 3)",
    "max_over_time((x > 5)[1h:1m]) < 3",
    "topk(3, x > 5) < 3",
    "abs(x > 5) and x < 3",
    "rate(x[5m]) > 5 and rate(x[5m]) < 3",
    // `unless` leaves nothing.
    "x unless x",
    "x > 5 unless x > 3",
    "x > 5 unless on (job) x > 3",
    "x > 5 unless (y or x)",
    "rate(x[5m]) unless rate(x[5m]) >= 0",
    // Out of reach.
    "count(x) == 0",
    "count(x) < 1",
    "0 == count(x)",
    "1 > count by (job) (up == 1)",
    "up > 1",
    "up < 0",
    "absent(x) == 0",
    "absent(x) < 1",
    "present_over_time(x[5m]) != 1",
    "count_over_time(x[5m]) < 1",
    "group(x) > 1",
    "rate(x[5m]) < 0",
    "sum(rate(x[5m])) < 0",
    "sum(increase(x[5m])) * 100 < 0",
    "sum(rate(x[5m])) / sum(rate(y[5m])) < 0",
    "1 - sum(rate(x[5m])) / sum(rate(y[5m])) > 5",
    "100 - avg(rate(x[5m])) * 100 > 100",
    "changes(x[5m]) < 0",
    "(x >= bool 1) > 1",
    "(up > bool 1) == 1",
    "day_of_week() > 6",
    "hour() > 23",
    "hour() == 24",
    "minute() > 59",
    "month() > 12",
    "month() < 1",
    "clamp_max(x, 5) > 6",
    "clamp_min(x, 5) < 4",
    "clamp(x, 0, 1) > 1",
    "abs(x) < 0",
    "sqrt(x) < 0",
    "exp(x) < 0",
    "sgn(x) > 1",
    "vector(0) > 0",
    "vector(1) == 2",
    "x - x > 0",
    "avg(up) > 1",
    "quantile(0.9, up) > 1",
    "x > NaN",
    "clamp_max(x, 1) > clamp_min(y, 2)",
    "sum(clamp_max(x, -1)) > on () count(y)",
    // Matchers and labels.
    "x{a=\"b\", a=\"c\"}",
    "x{a=\"b\", a!=\"b\"} > 1",
    "x{a=\"b\", a=~\"c|d\"}",
    "x{a=~\"b|c\", a!~\"b|c|d\"}",
    "x{a=~\"b.*\", a!~\"b.*\"}",
    "x{a=\"\", a=~\".+\"}",
    "sum(rate(x{a=\"b\", a=\"c\"}[5m])) > 1",
    "x{job=\"a\"} and y{job=\"b\"}",
    "x{job=\"a\"} and on (job) y{job=~\"b|c\"}",
    "x{job=\"a\"} * y{job!=\"a\"}",
    "x{job=\"a\"} > y{job=\"b\"}",
    "x{job=\"a\"} and sum(y) > 3",
    "x{job=\"a\"} > 1 and hour() > 8",
    "sum by (job) (up) > 1 and hour() > 8",
    "up == 0 and vector(1)",
    "sum by (job) (x{job=\"a\"}) and on (job) y{job=\"b\"}",
];

const POSSIBLE: &[&str] = &[
    "x > 5 or x < 3",
    "x > 5 and x < 30",
    "x > 5 and y < 3",
    "x{a=\"b\"} > 5 and x < 3 or y",
    "x{a=\"b\"} > 5 and on (job) x{a=\"c\"} < 3",
    "x > 5 and x offset 1h < 3",
    "x offset 1h > 5 and x offset 2h < 3",
    "max_over_time(x[5m:1m]) > 5 and max_over_time(x[5m:1m] offset 1d) < 3",
    "rate(x[5m]) > 5 and rate(x[1h]) < 3",
    "rate(x[5m] anchored) > 5 and rate(x[5m] smoothed) < 3",
    "rate(x[5m] smoothed) < 0",
    "rate(x[5m]) > 5 and irate(x[5m]) < 3",
    "max(x) > 5 and min(x) < 3",
    // Another series of the same metric may be the one that is matched.
    "x > 5 and on (job) x < 3",
    "x > 5 and ignoring (instance) x < 3",
    "x > on (job) group_left () y and x < on (instance) group_left () y",
    // Metrics of one name are not one series each.
    "{job=\"a\"} > 5 and {job=\"a\"} < 3",
    "sum by (__name__) ({job=\"a\"}) > 5 and sum by (__name__) ({job=\"a\"}) < 3",
    "x != x",
    "x >= x",
    "x > 5 unless x > 30",
    "x unless x > 5",
    "x unless y",
    // NaN is none of these.
    "x unless (x <= 5 or x > 5)",
    "x unless x{a=\"b\"}",
    "count(x) == 1",
    "count(x) <= 1",
    "(count(x) or vector(0)) == 0",
    "sum(up) == 0",
    "count(x) - count(y) < 0",
    "count(x) < count(y)",
    "absent(x{a=\"b\", a=\"c\"})",
    "absent(x) == 1",
    "up == 0",
    "up != 1",
    "delta(x[5m]) < 0",
    "deriv(x[5m]) < 0",
    "rate((x - y)[5m:1m]) < 0",
    "histogram_quantile(0.95, sum by (le) (rate(x_bucket[5m]))) < 0",
    "rate(x[5m]) - rate(y[5m]) < 0",
    "(x < bool 5) == 0",
    "hour() >= 23",
    "hour() >= 8 and hour() < 18",
    "day_of_week() == 6",
    "clamp(x, scalar(y), 1) > 1",
    "clamp_max(x, 5) == 5",
    "clamp_max(x, scalar(y)) > 5",
    "avg(clamp_max(x, 0.1)) > 0.1",
    "vector(time()) > 0",
    "x / y < 0",
    "rate(x[5m]) / y < 0",
    "x - y > 0",
    "x - on (job) group_left () x > 0",
    "1 / -clamp_min(x, 0) < 0",
    // A gauge may be -0, and passes.
    "1 / (x >= 0) < 0",
    "sgn(x) == 1",
    "round(x, 0.5) > 1",
    "stdvar(x) < 0",
    "quantile(1.5, up) > 1",
    "x{job=\"a\"} > max_of(1, 2)",
    "x{a=\"b\", a!=\"c\"}",
    "x{a=~\"b.*\", a!=\"bc\"}",
    "x{a=~\"b|c\", a=~\"c|d\"}",
    "x{a=\"b\", c=\"d\"}",
    "x{job=\"a\"} and on (instance) y{job=\"b\"}",
    "x{job=\"a\"} and ignoring (job) y{job=\"b\"}",
    "x{job=\"a\"} or y{job=\"b\"}",
    "x{job=\"a\"} unless y{job=\"b\"}",
    "x{job=\"a\"} and y{job=~\"a|b\"}",
    "x{job=\"a\"} and on () hour() > 8",
    "x > 1 and hour() > 8",
    "x{job=~\"a|\"} and sum(y)",
    "sum(x{job=\"a\"}) / sum(y{job=\"b\"})",
    "x{job=\"a\"} and label_replace(y{job=\"b\"}, \"job\", \"a\", \"\", \"\")",
    "x{job=\"a\"} * on (instance) group_left (job) y{job=\"b\"} and x{job=\"b\"}",
    "x{job=\"a\"} > scalar(y{job=\"b\"})",
    "x{job=\"a\"} and absent(y{job=\"b\"})",
    "time() - x > 5",
];

#[test]
fn what_excludes_itself_is_found() {
    let missed: Vec<_> = IMPOSSIBLE.iter().filter(|text| why(text).is_none()).collect();
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn nothing_else_is() {
    let wrong: Vec<_> = POSSIBLE.iter().filter_map(|text| why(text).map(|why| (text, why))).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_reason_names_the_conditions() {
    let cases = [
        ("x > 5 and 3 > x", "`x > 5` and `x < 3` exclude each other: no value is both"),
        (
            "count(x) == 0",
            "`count(x)` is never below 1: a count of nothing is nothing, not 0, so `== 0` is never true",
        ),
        ("up > 1", "`up` is always between 0 and 1, so `> 1` is never true"),
        (
            "x > 5 unless x > 3",
            "`unless` takes away everything that the left side returns: `x > 3` returns it too",
        ),
        (
            "x{job=\"a\"} and hour() > 8",
            "`and` matches series by their labels, and `job` never agrees: the left side has job=\"a\", the right side no `job`",
        ),
        ("x{a=\"b\", a!=\"b\"}", "`a=\"b\"` and `a!=\"b\"` exclude each other: no series of `x` has both"),
        ("x > x", "both sides are `x`, so `x > x` is never true"),
        ("x >= 1 and x <= 1 and x != 1", "the conditions on `x` exclude each other: `>= 1`, `<= 1`, `!= 1`"),
    ];
    for (text, expected) in cases {
        assert_eq!(why(text).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn what_to_write_instead_fits_the_mistake() {
    let facts = Facts::default();
    let view = crate::analysis::view::view(&facts);
    let cases = [
        ("count(x) == 0", "use `absent(…)`, or `(count(…) or vector(0)) == 0`"),
        ("count by (a) (x) == 0", "use `absent(…)` for each one that must be there"),
        (
            "count(x == 1) == 0",
            "add up what `bool` returns, which is 0 where nothing passes: `sum(… == bool …) == 0`",
        ),
        ("sum(x == 0) > 0", "to know how many there are, use `count(…) > 0`"),
        ("rate(x[5m]) < 0", "use `deriv(…)` or `delta(…)` if it is a gauge that may fall"),
        ("x{a=\"b\"} and hour() > 8", "say which labels are to be matched: `and on () …`"),
        ("x{a=\"b\"} + x{a=\"c\"}", "say which labels are to be matched: `+ ignoring (a) …`"),
        (
            "sum by (a, b) (x{b=~\"5..\"}) / sum by (a) (x)",
            "say which labels are to be matched: `/ ignoring (b) group_left () …`",
        ),
        (
            "(x / ignoring (b) y{b=\"c\"} > 1) and y{b=\"c\"} > 0",
            "say which labels are to be matched: `and ignoring (b) …`",
        ),
    ];
    for (text, expected) in cases {
        let found = never(&view, &parse(text).unwrap());
        assert_eq!(found.map(|never| never.fix).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn a_side_of_or_can_be_dead() {
    let facts = Facts::default();
    let dead = |text: &str| dead_sides(&crate::analysis::view::view(&facts), &parse(text).unwrap()).len();
    assert_eq!(dead("count(x) == 0 or absent(x)"), 1);
    assert_eq!(dead("sum(x) or vector(0) > 5"), 1);
    assert_eq!(dead("x > 5 and (y or x < 3 > 4 or hour() > 23)"), 2);
    assert_eq!(dead("x unless (y or x < 3 > 4)"), 0);
    assert_eq!(dead("absent(y or x < 3 > 4)"), 0);
    assert_eq!(dead("x or y"), 0);
}

#[test]
fn recording_rules_are_looked_into() {
    let recorded = [
        ("a", "rate(x[5m])"),
        ("b", "a * 100"),
        ("b", "vector(5)"),
        ("c", "c + 1"),
        ("d", "count(x) * fill(0) count(y)"),
    ];
    let rules = recorded.map(|(name, expr)| format!("  - record: {name}\n    expr: {expr}\n"));
    let rules = format!("groups:\n- name: g\n  rules:\n{}", rules.concat());
    let facts = Facts { rule_files: vec![RuleFile::parse("r.yml", rules)], ..Facts::default() };
    let view = crate::analysis::view::view(&facts);
    let is_never = |text: &str| never(&view, &parse(text).unwrap()).is_some();
    assert!(is_never("a < 0") && is_never("b < 0") && is_never("increase(b[5m]) < 0"));
    assert!(!is_never("b > 5") && !is_never("c < 0") && !is_never("d < 1"));
}

#[test]
fn partners_that_are_made_up_are_noticed() {
    let made_up = |text: &str| fills(&parse(text).unwrap());
    assert!(made_up("1 + (a + fill (0) b)") && made_up("a / on (x) FILL_LEFT(1) b"));
    assert!(!made_up("disk_fill_ratio{fill_left_=\"1\"} + fill"));
}

#[test]
fn ranges_are_told_in_words() {
    let facts = Facts::default();
    let view = crate::analysis::view::view(&facts);
    let told = |text: &str| range(values(&view, &parse(text).unwrap()).span.unwrap());
    assert_eq!(told("up"), "is always between 0 and 1");
    assert_eq!(told("-rate(x[5m])"), "is never above 0");
    assert_eq!(told("x > 5"), "is always above 5");
    assert_eq!(told("x < 5"), "is always below 5");
    assert_eq!(told("absent(x)"), "is always 1");
    assert_eq!(told("x"), "can be any number");
    assert_eq!(named(&parse("sum by (a) (rate(x{b=\"c\"}[5m])) / 2").unwrap()), "sum(rate(x{…})) / 2");
}
