#![allow(clippy::unwrap_used)]

use super::*;
use crate::formats::promql::{Selector, parse};

fn of(text: &str) -> LabelSet {
    output_labels(&parse(text).unwrap())
}

#[test]
fn says_which_labels_survive() {
    let cases = [
        ("x", LabelSet::any()),
        ("sum(x)", LabelSet::none()),
        ("sum by (a, b) (x) > 1", LabelSet::only(["a", "b"])),
        ("sum without (a) (x)", LabelSet::any().without("a")),
        ("sum by (a, b) (sum by (b, c) (x))", LabelSet::only(["b"])),
        ("topk(3, x) by (a)", LabelSet::any()),
        ("histogram_quantile(0.9, sum by (le, a) (rate(x_bucket[5m])))", LabelSet::only(["a"])),
        ("absent(up{job=\"a\", b=~\"c\"})", LabelSet::only(["job"])),
        ("absent(up{job=\"a\", job!=\"c\"})", LabelSet::none()),
        ("sum by (a) (x) / on (a) group_left (c) sum by (a, c) (y)", LabelSet::only(["a", "c"])),
        // What the other side lacks is removed.
        ("sum by (a, c) (x) / on (a) group_left (c) sum by (a) (y)", LabelSet::only(["a"])),
        ("x / on (a) y", LabelSet::only(["a"])),
        ("x and on (a) y", LabelSet::any()),
        ("sum by (a) (x) or sum by (b) (x)", LabelSet::only(["a", "b"])),
        ("label_replace(sum(x), \"n\", \"$1\", \"o\", \"(.*)\")", LabelSet::only(["n"])),
        ("count_values(\"v\", x)", LabelSet::only(["v"])),
        ("vector(1)", LabelSet::none()),
        ("time() - x > 3", LabelSet::any()),
        ("max_over_time(sum by (a) (x)[5m:1m])", LabelSet::only(["a"])),
        ("x{a=\"\"}", LabelSet::any().without("a")),
    ];
    for (text, expected) in cases {
        assert_eq!(of(text), expected, "{text}");
    }
}

/// `x` has exactly the labels a and b, `y` has a and perhaps c, of everything else nothing is known.
fn known(selector: &Selector) -> ResultLabels {
    match selector.name.as_deref() {
        Some("x") => ResultLabels::exactly(["a", "b"]),
        Some("y") => ResultLabels::exactly(["a"]).with_possible("c"),
        _ => ResultLabels::unknown(),
    }
}

#[test]
fn says_which_labels_are_certain() {
    // The certain ones, then those that may be there besides; `*` for any.
    let cases = [
        ("x", "a b", ""),
        ("y", "a", "c"),
        ("y{c=\"1\"}", "a c", ""),
        ("y{c!=\"\"}", "a c", ""),
        ("y{c=\"\"}", "a", ""),
        ("y{z=\"1\"}", "a", "c"),
        ("z{c=\"1\"}", "c", "*"),
        ("sum by (a, c) (y)", "a", "c"),
        ("sum by (a, z) (x)", "a", ""),
        ("sum without (a) (x)", "b", ""),
        ("sum(x)", "", ""),
        ("x or y", "a", "b c"),
        ("x and y", "a b", ""),
        ("x / on (a) y", "a", ""),
        ("z / on (a) y", "a", ""),
        ("x / ignoring (b, c) y", "a", ""),
        ("x * on (a) group_left (c) y", "a b", "c"),
        ("x * on (a) group_left (q) y", "a b", ""),
        ("x * on (a) group_left (b) y", "a", ""),
        ("y * on (a) group_right () x", "a b", ""),
        ("label_replace(x, \"a\", \"$1\", \"b\", \"(.*)\")", "b", "a"),
        ("count_values(\"v\", x)", "v", ""),
        ("absent(z{a=\"1\"})", "a", ""),
        ("info(x)", "a b", "*"),
        ("vector(1)", "", ""),
        ("x + on (a) fill(0) y", "", "a"),
        ("-(x > 3)", "a b", ""),
    ];
    for (text, certain, besides) in cases {
        let found = result_labels(&parse(text).unwrap(), &known);
        let always: Vec<_> = found.always().iter().cloned().collect();
        assert_eq!(always.join(" "), certain, "{text}");
        let more = match &found.possible {
            LabelSet::Only(all) => all.difference(found.always()).cloned().collect::<Vec<_>>().join(" "),
            LabelSet::AllBut(_) => "*".to_owned(),
        };
        assert_eq!(more, besides, "{text}");
    }
}
