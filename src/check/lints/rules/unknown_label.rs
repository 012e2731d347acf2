//! A matcher or grouping on a label that the metric does not have.

use crate::analysis::contract::Series;
use crate::analysis::labels::LabelSet;
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};
use crate::formats::promql::{Grouping, Kind, MatchOp, Matcher, Matching};
use crate::model::closest_name;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "unknown-label",
    severity: Severity::Bug,
    doc: "A rule selects or groups by a label that the metric does not have.",
    run: Run::Rule(check),
};

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    // Without the labels that targets add, a label that the contract lacks may still exist.
    let Some(target_labels) = &rule.facts().target_labels else { return };
    rule.tree.walk(&mut |node| match &node.kind {
        Kind::Selector(selector) => {
            let Some(series) = rule.view.known(selector).filter(|series| series.family.samples > 0) else {
                return;
            };
            for matcher in &selector.matchers {
                let label = matcher.label.as_str();
                if label != "__name__"
                    && !target_labels.contains(label)
                    && !series.label_names().any(|name| name == label)
                {
                    out.push(selection(rule, matcher, &series));
                }
            }
        }
        Kind::Aggregate { op, inner, grouping: Grouping::By(labels), .. } => {
            let LabelSet::Only(known) = rule.view.labels_of(inner) else { return };
            for label in labels.iter().filter(|label| !known.contains(*label) && label.as_str() != "le") {
                let message = format!(
                    "`{op}` groups by `{label}`, which none of its series have: it groups by nothing"
                );
                let finding = rule.in_expr(&LINT, node.at, message).severity(Severity::Warning);
                out.push(with_suggestion(finding, label, known.iter().map(String::as_str)));
            }
        }
        Kind::Aggregate { op, inner, grouping: Grouping::Without(labels), .. } => {
            let LabelSet::Only(known) = rule.view.labels_of(inner) else { return };
            for label in labels.iter().filter(|label| !known.contains(*label) && label.as_str() != "le") {
                let message =
                    format!("`{op}` drops `{label}`, which none of its series have: that changes nothing");
                let finding = rule.in_expr(&LINT, node.at, message).severity(Severity::Warning);
                out.push(with_suggestion(finding, label, known.iter().map(String::as_str)));
            }
        }
        Kind::Binary(binary) => {
            let Matching::On(labels) = &binary.matching else { return };
            let sides = (rule.view.labels_of(&binary.lhs), rule.view.labels_of(&binary.rhs));
            let (LabelSet::Only(left), LabelSet::Only(right)) = sides else { return };
            for label in labels.iter().filter(|label| !left.contains(*label) && !right.contains(*label)) {
                let message = format!("the sides are compared by `{label}`, which neither of them has");
                let finding = rule.in_expr(&LINT, node.at, message).severity(Severity::Warning);
                out.push(with_suggestion(finding, label, left.union(&right).map(String::as_str)));
            }
        }
        _ => {}
    });
}

fn selection(rule: &RuleView<'_>, matcher: &Matcher, series: &Series<'_>) -> Finding {
    let (label, name) = (&matcher.label, series.family_name);
    let known: Vec<_> = series.label_names().collect();
    let has = if known.is_empty() {
        "no labels of its own".to_owned()
    } else {
        format!("only {}", known.join(", "))
    };
    let selects_missing = match matcher.op {
        MatchOp::Equal => matcher.value.is_empty(),
        MatchOp::NotEqual | MatchOp::MatchesNot => true,
        MatchOp::Matches => matcher.value.is_empty() || matcher.value == ".*",
    };
    let (severity, effect) = if selects_missing {
        (Severity::Warning, "this matcher changes nothing")
    } else {
        (Severity::Bug, "this selects nothing, ever")
    };
    let message = format!("`{name}` has no label `{label}` ({has}): {effect}");
    with_suggestion(rule.in_expr(&LINT, matcher.at, message).severity(severity), label, known)
}

fn with_suggestion<'a>(finding: Finding, label: &str, known: impl IntoIterator<Item = &'a str>) -> Finding {
    match closest_name(label, known) {
        Some(near) => finding.fix(format!("did you mean `{near}`?")),
        None => finding,
    }
}
