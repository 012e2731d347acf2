#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use super::*;
use crate::analysis::contract::Contract;
use crate::analysis::facts::Facts;
use crate::analysis::view::{View, view};
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

/// The contract of the examples below: two services with two codes each, a queue, an info metric.
const CONTRACT: &str = "# TYPE hits_total counter\nhits_total{service=\"a\",code=\"200\"} 1\nhits_total{service=\"a\",code=\"500\"} 1\n\
    hits_total{service=\"b\",code=\"200\"} 1\n# TYPE depth gauge\ndepth{queue=\"q1\"} 1\ndepth{queue=\"q2\"} 1\n\
    # TYPE owner_info gauge\nowner_info{service=\"a\",team=\"x\",empty=\"\"} 1\nowner_info{service=\"b\"} 1\n";

fn with_contract<T>(run: impl FnOnce(&View<'_>) -> T) -> T {
    let facts = Facts {
        contract: Some(Contract::parse(CONTRACT)),
        backend_jobs: ["shop".to_owned()].into(),
        target_labels: Some(["instance", "job"].map(ToOwned::to_owned).into()),
        ..Facts::default()
    };
    run(&view(&facts))
}

#[test]
fn the_contract_says_what_is_certain() {
    with_contract(|view| {
        let of = |text: &str| view.result_labels(&parse(text).unwrap());
        assert_eq!(of("hits_total"), ResultLabels::exactly(["code", "instance", "job", "service"]));
        let info = of("owner_info");
        assert_eq!(info.presence("service"), Presence::Always);
        assert_eq!(info.presence("team"), Presence::Maybe);
        // It has no value anywhere, and is a name that the backend knows.
        assert_ne!(info.presence("empty"), Presence::Always);
        assert_eq!(info.presence("code"), Presence::Never);
        // Of other jobs nothing is known, whatever the metric is called.
        assert_eq!(of("hits_total{job=\"other\"}").presence("code"), Presence::Maybe);
        assert_eq!(of("up").presence("instance"), Presence::Always);
    });
}

#[test]
fn elements_are_those_of_the_contract() {
    // Without job and instance; `None` where something is not in the contract.
    let cases = [
        ("depth", "queue=q1 | queue=q2"),
        ("hits_total{code=\"500\"}", "code=500,service=a"),
        ("hits_total{code=~\"5..\"}", "code=500,service=a"),
        ("rate(hits_total[5m])", "code=200,service=a | code=200,service=b | code=500,service=a"),
        ("sum by (service) (hits_total)", "service=a | service=b"),
        ("sum without (code) (hits_total)", "service=a | service=b"),
        ("sum(hits_total)", ""),
        (
            "depth + on (job) group_left (code) sum by (job, code) (hits_total{code=\"500\"})",
            "code=500,queue=q1 | code=500,queue=q2",
        ),
        (
            "hits_total * on (service) group_left (team) owner_info",
            "code=200,service=a,team=x | code=200,service=b | code=500,service=a,team=x",
        ),
        ("label_replace(depth, \"n\", \"$1-x\", \"queue\", \"q(.)\")", "n=1-x,queue=q1 | n=2-x,queue=q2"),
        ("label_replace(depth, \"queue\", \"$1\", \"none\", \"(.*)\")", ""),
        ("depth > 5 or hits_total{code=\"500\"}", "queue=q1 | queue=q2 | code=500,service=a"),
        (
            "sum by (service) (hits_total) / on (service) sum by (service, team) (owner_info)",
            "service=a | service=b",
        ),
        ("elsewhere", "None"),
        ("depth / elsewhere", "None"),
        ("absent(depth)", "None"),
    ];
    with_contract(|view| {
        for (text, expected) in cases {
            let found = elements::elements(view, &parse(text).unwrap());
            let shown = found.map(|found| {
                let own = |labels: &elements::Element| {
                    let own =
                        labels.iter().filter(|(label, _)| !matches!(label.as_str(), "job" | "instance"));
                    own.map(|(label, value)| format!("{label}={value}")).collect::<Vec<_>>().join(",")
                };
                found.sets.iter().map(own).collect::<BTreeSet<_>>()
            });
            let wanted = (expected != "None").then(|| expected.split(" | ").map(ToOwned::to_owned).collect());
            assert_eq!(shown, wanted, "{text}");
        }
    });
}
