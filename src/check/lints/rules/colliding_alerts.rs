//! Two rules whose alerts can have the same labels: Alertmanager takes them for one, and each resolves the
//! other's.

use std::collections::BTreeMap;

use crate::analysis::labels::ResultLabels;
use crate::analysis::value_analysis;
use crate::analysis::view::namesakes;
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run, View};
use crate::formats::promql::{Binary, Cardinality, Expr, Kind, Matching, Op};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "colliding-alerts",
    severity: Severity::Warning,
    doc: "Two alerts of one name whose labels can be identical: they end and overwrite each other.",
    run: Run::All(check),
};

/// More rules of one name are not compared with each other.
const MOST: usize = 20;

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    let alerts = view.rules().filter(|rule| rule.rule.is_alert());
    let named = alerts.map(|rule| (rule.rule.name.value.as_str(), rule));
    for rules in namesakes(named).iter().filter(|rules| rules.len() <= MOST) {
        for (index, rule) in rules.iter().enumerate().skip(1) {
            if let Some(first) = rules.iter().take(index).find(|first| collide(first, rule)) {
                out.push(finding(rule, first));
            }
        }
    }
}

/// The same labels come out of both, and nothing keeps them from doing so at once. Twice the same expression
/// is another mistake.
fn collide(first: &RuleView<'_>, second: &RuleView<'_>) -> bool {
    let (own, other) = (fixed(first), fixed(second));
    if own != other || own.values().any(|value| value.contains("{{")) || same_text(first, second) {
        return false;
    }
    let labels = |rule: &RuleView<'_>| {
        let result: ResultLabels = rule.view.result_labels(rule.tree);
        result.is_exact().then(|| own.keys().fold(result, |result, label| result.with(label)))
    };
    let (Some(left), Some(right)) = (labels(first), labels(second)) else { return false };
    left.always() == right.always() && can_both(first, second)
}

fn can_both(first: &RuleView<'_>, second: &RuleView<'_>) -> bool {
    let both = Expr {
        at: 0,
        kind: Kind::Binary(Box::new(Binary {
            op: Op::And,
            lhs: first.tree.clone(),
            rhs: second.tree.clone(),
            returns_bool: false,
            matching: Matching::All,
            cardinality: Cardinality::OneToOne,
            fills: false,
        })),
    };
    value_analysis::never(first.view, &both).is_none()
}

fn same_text(first: &RuleView<'_>, second: &RuleView<'_>) -> bool {
    let words = |rule: &RuleView<'_>| rule.rule.expr.value.split_whitespace().collect::<String>();
    words(first) == words(second)
}

/// The labels that the rules and their groups give.
fn fixed<'a>(rule: &RuleView<'a>) -> BTreeMap<&'a str, &'a str> {
    let all = rule.group.labels.iter().chain(rule.rule.labels.iter());
    all.map(|(label, value)| (label, value.value.as_str())).collect()
}

fn finding(rule: &RuleView<'_>, first: &RuleView<'_>) -> Finding {
    let name = &rule.rule.name.value;
    let place = format!("{}:{}", first.file.source.path, first.rule.name.place(&first.file.source).line);
    let message = format!(
        "`{name}` stands at {place} too, and the alerts of both can have the same labels: Alertmanager takes them for one, so the end of one resolves the other"
    );
    rule.on_rule(&LINT, message).fix("give them other names, or a label that differs")
}
