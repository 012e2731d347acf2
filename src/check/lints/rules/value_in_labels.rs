//! Labels are an alert's identity: with its value in them, every evaluation makes a new alert.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "value-in-labels",
    severity: Severity::Bug,
    doc: "`$value` in a label: every new value is a new alert, so `for` never passes and notifications repeat.",
    run: Run::Rule(check),
};

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    if !rule.rule.is_alert() {
        return;
    }
    for (label, text, actions) in rule.rule.labels.templates() {
        let Ok(actions) = actions else { continue };
        // `{{ if gt $value 90.0 }}critical{{ end }}` has few values, and each of them is meant.
        let Some(action) = actions.iter().find(|action| action.uses_value() && action.keyword().is_none())
        else {
            continue;
        };
        let message = format!(
            "the label `{label}` holds the value, so every change of it ends this alert and begins a new one: `for` starts again each time"
        );
        out.push(rule.in_scalar(&LINT, text, action.at, message).fix("put the value into an annotation"));
    }
}
