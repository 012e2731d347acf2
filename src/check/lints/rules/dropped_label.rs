//! A template that names a label which the expression does not return prints nothing in its place.

use crate::analysis::labels::LabelSet;
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};
use crate::formats::go_template::Action;
use crate::formats::promql::Kind;
use crate::model::closest_name;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "dropped-label",
    severity: Severity::Bug,
    doc: "A template uses a label that the expression does not return: the text has a hole there.",
    run: Run::Rule(check),
};

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    if !rule.rule.is_alert() {
        return;
    }
    let mut kept: Option<LabelSet> = None;
    for (_, text, actions) in rule.rule.annotations.templates().chain(rule.rule.labels.templates()) {
        let Ok(actions) = actions else { continue };
        let tested = tested(actions);
        for (label, at) in actions.iter().filter(|action| !is_test(action)).flat_map(Action::labels) {
            let kept = kept.get_or_insert_with(|| rule.view.labels_of(rule.tree));
            if !kept.may_have(label) && !tested.contains(&label) {
                out.push(
                    rule.in_scalar(&LINT, text, at, message(rule, label, kept)).fix(fix(rule, label, kept)),
                );
            }
        }
    }
}

/// Labels that an `if` or `with` asks for: their author knows that they may be missing.
fn tested(actions: &[Action]) -> Vec<&str> {
    actions
        .iter()
        .filter(|action| is_test(action))
        .flat_map(|action| action.labels().into_iter().map(|(label, _)| label))
        .collect()
}

fn is_test(action: &Action) -> bool {
    matches!(action.keyword(), Some("if" | "with" | "else" | "range"))
}

fn message(rule: &RuleView<'_>, label: &str, kept: &LabelSet) -> String {
    let why = match kept {
        LabelSet::Only(labels) if labels.is_empty() => "the expression returns no labels at all".to_owned(),
        LabelSet::Only(labels) => {
            let labels: Vec<_> = labels.iter().map(String::as_str).collect();
            format!("the expression returns only {}", labels.join(", "))
        }
        LabelSet::AllBut(_) => "the expression drops it".to_owned(),
    };
    let own = rule.rule.labels.contains_key(label);
    let hint = if own { "; the rule's own labels are not part of `$labels`" } else { "" };
    format!("`$labels.{label}` is always empty: {why}{hint}")
}

fn fix(rule: &RuleView<'_>, label: &str, kept: &LabelSet) -> String {
    if let LabelSet::Only(kept) = kept
        && let Some(near) = closest_name(label, kept.iter())
    {
        return format!("did you mean `{near}`?");
    }
    // Keeping it helps only where an aggregation takes it away.
    if rule.tree.any(&|node| matches!(node.kind, Kind::Aggregate { .. })) {
        format!("keep it in the aggregation (`by ({label}, …)`), or leave it out of the text")
    } else {
        "leave it out of the text".to_owned()
    }
}
