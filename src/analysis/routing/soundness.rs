//! What is said of partly known labels holds for every alert that they stand for.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::label_domain::{LabelDomain, Labels, Tristate};
use super::{inhibition, walk};
use crate::analysis::facts::Facts;
use crate::formats::alertmanager::AlertmanagerFile;

const LABELS: [&str; 3] = ["severity", "team", "job"];
/// The empty one stands for a missing label.
const VALUES: [&str; 4] = ["", "x", "y", "z"];

fn matcher() -> impl Strategy<Value = String> {
    let op = prop::sample::select(vec![
        "=\"x\"",
        "=\"\"",
        "!=\"x\"",
        "!=\"\"",
        "=~\"x|y\"",
        "=~\"x.*\"",
        "!~\"y|z\"",
        "!~\".+\"",
        "=~\".+\"",
        "=~\".*\"",
    ]);
    (prop::sample::select(LABELS.to_vec()), op).prop_map(|(label, op)| format!("{label}{op}"))
}

fn matchers(most: usize) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(matcher(), 0..=most)
}

fn tree() -> impl Strategy<Value = Value> {
    let leaf = (matchers(2), any::<bool>()).prop_map(|(m, c)| json!({"matchers": m, "continue": c}));
    leaf.prop_recursive(3, 24, 4, |inner| {
        (matchers(2), any::<bool>(), prop::collection::vec(inner, 0..4))
            .prop_map(|(m, c, routes)| json!({"matchers": m, "continue": c, "routes": routes}))
    })
}

/// A value and something true that may be known of it.
fn known() -> impl Strategy<Value = (String, LabelDomain)> {
    let others = prop::collection::btree_set(prop::sample::select(VALUES.to_vec()), 0..4);
    (prop::sample::select(VALUES.to_vec()), others, any::<bool>()).prop_map(|(value, mut others, listed)| {
        let set = |values: BTreeSet<&str>| values.into_iter().map(ToOwned::to_owned).collect();
        let known = if listed {
            others.insert(value);
            LabelDomain::OneOf(set(others))
        } else {
            others.remove(value);
            LabelDomain::NoneOf(set(others))
        };
        (value.to_owned(), known)
    })
}

/// The labels of one alert, and what is known of them.
fn labels() -> impl Strategy<Value = (Labels, Labels)> {
    prop::collection::vec(known(), LABELS.len()).prop_map(|pairs| {
        let named = || LABELS.into_iter().zip(&pairs);
        let exact = Labels::exact(named().map(|(label, (value, _))| (label, value.as_str())));
        let mut partly = Labels::new(LabelDomain::absent());
        named().for_each(|(label, (_, known))| partly.set(label, known.clone()));
        (exact, partly)
    })
}

/// Every alert that these labels and values can make.
fn every_alert() -> Vec<Labels> {
    let mut all = vec![Vec::new()];
    for label in LABELS {
        all = all
            .into_iter()
            .flat_map(|set: Vec<_>| VALUES.map(|value| [set.clone(), vec![(label, value)]].concat()))
            .collect();
    }
    all.into_iter().map(Labels::exact).collect()
}

proptest! {
    #[test]
    fn routes_that_are_taken_are_possible_and_certain_ones_are_taken(routes in prop::collection::vec(tree(), 0..4), (exact, partly) in labels()) {
        let text = json!({"route": {"receiver": "a", "routes": routes}}).to_string();
        let file = AlertmanagerFile::read("f", text);
        prop_assert!(file.problems.is_empty(), "{:?}", file.problems);
        let root = file.root.as_ref().unwrap();
        let taken: BTreeSet<_> = walk(root, &exact).iter().map(|hit| hit.route.at).collect();
        let said = walk(root, &partly);
        let possible: BTreeSet<_> = said.iter().map(|hit| hit.route.at).collect();
        let certain: BTreeSet<_> =
            said.iter().filter(|hit| hit.certainty == Tristate::Always).map(|hit| hit.route.at).collect();
        prop_assert!(walk(root, &exact).iter().all(|hit| hit.certainty == Tristate::Always));
        prop_assert!(taken.is_subset(&possible), "taken {taken:?}, possible {possible:?}");
        prop_assert!(certain.is_subset(&taken), "certain {certain:?}, taken {taken:?}");
    }

    #[test]
    fn a_route_that_is_called_unreachable_is(routes in prop::collection::vec(tree(), 1..5)) {
        let text = json!({"route": {"receiver": "a", "routes": routes}, "receivers": [{"name": "a"}]}).to_string();
        let facts = Facts { alertmanagers: vec![AlertmanagerFile::read("f", text)], ..Facts::default() };
        let file = &facts.alertmanagers[0];
        let root = file.root.as_ref().unwrap();
        let findings = crate::check::run(&facts);
        let dead: BTreeSet<_> =
            findings.iter().filter(|f| f.id == "shadowed-route").map(|f| (f.place.line, f.place.column)).collect();
        for labels in every_alert() {
            for hit in walk(root, &labels) {
                for route in root.path_to(hit.route) {
                    let place = file.source.place(route.at);
                    prop_assert!(!dead.contains(&(place.line, place.column)), "{labels:?} reach {place:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_said_of_an_inhibition_is_what_happens(
        source in matchers(2), target in matchers(2), equal in prop::sample::subsequence(LABELS.to_vec(), 0..3),
        (exact_source, partly_source) in labels(), (exact_target, partly_target) in labels(),
    ) {
        let rule = json!({"source_matchers": source, "target_matchers": target, "equal": equal});
        let text = json!({"route": {"receiver": "a"}, "inhibit_rules": [rule]}).to_string();
        let file = AlertmanagerFile::read("f", text);
        let rule = &file.inhibit_rules[0];
        let verdict = |source: &Labels, target: &Labels| {
            inhibition::inhibits(&inhibition::project(rule, source), &inhibition::project(rule, target))
        };
        let happens = verdict(&exact_source, &exact_target);
        prop_assert_ne!(happens, Tristate::Maybe);
        let said = verdict(&partly_source, &partly_target);
        prop_assert!(said == Tristate::Maybe || said == happens, "said {said:?}, happens {happens:?}");
    }

    #[test]
    fn known_sets_combine_as_they_should((value, a) in known(), (other, b) in known()) {
        let holds = |known: &LabelDomain, value: &str| match known {
            LabelDomain::OneOf(values) => values.contains(value),
            LabelDomain::NoneOf(values) => !values.contains(value),
        };
        prop_assert!(holds(&a.clone().or(b.clone()), &value));
        prop_assert!(holds(&a.clone().or(b.clone()), &other));
        if value == other {
            prop_assert!(holds(&a.and(b), &value));
        }
    }
}
