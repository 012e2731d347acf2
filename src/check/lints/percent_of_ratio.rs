//! A share of 0 to 1 shown with a `%` sign says 0.50% for one half.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};
use crate::check::promql::Op;
use crate::check::shape::{self, Share};
use crate::check::template::{self, Action, TokenKind};

pub(super) const LINT: Lint = Lint {
    id: "percent-of-ratio",
    severity: Severity::Bug,
    doc: "A share of 0 to 1 is shown or compared as if it were 0 to 100, or the other way round.",
    run: Run::Rule(check),
};

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    if rule.rule.is_alert() {
        thresholds(rule, out);
        texts(rule, out);
    }
}

fn thresholds(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    for condition in shape::conditions(rule.tree) {
        let Some(share) = shape::share(condition.value) else { continue };
        let most = share.factor;
        let impossible = match condition.op {
            Op::Greater => condition.threshold > most + 1e-9,
            Op::GreaterOrEqual | Op::Equal => condition.threshold > most * (1.0 + 1e-9),
            _ => false,
        };
        if share.certain && impossible && most > 0.0 {
            let message = format!(
                "this share lies between 0 and {most}, so it never passes {}: the alert cannot fire",
                condition.threshold
            );
            let fix = format!("compare with {}", condition.threshold / 100.0 * most);
            out.push(rule.in_expr(&LINT, condition.threshold_at, message).fix(fix));
        }
    }
}

fn texts(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    let Some(share) = alert_share(rule) else { return };
    for text in rule.rule.annotations.values() {
        let Ok(actions) = template::actions(&text.value) else { continue };
        for action in actions.iter().filter(|action| action.uses_value() && action.keyword().is_none()) {
            if let Some((message, fix)) = mistake(&text.value, action, share) {
                out.push(rule.in_scalar(&LINT, text, action.at, message).fix(fix));
            }
        }
    }
}

/// The share that `$value` is, if the conditions agree that it is one.
fn alert_share(rule: &RuleView<'_>) -> Option<Share> {
    let share = shape::share(shape::value(rule.tree))?;
    let scale = share.factor.abs();
    let plausible = |condition: &shape::Condition<'_>| condition.threshold.abs() <= scale;
    let own = shape::conditions(rule.tree)
        .into_iter()
        .find(|c| shape::share(c.value).is_some_and(|s| s.at == share.at))?;
    (share.certain || plausible(&own)).then_some(share)
}

fn mistake(text: &str, action: &Action, share: Share) -> Option<(String, String)> {
    let as_percentage = action.calls("humanizePercentage");
    let is_unit = (share.factor - 1.0).abs() < 1e-9;
    let is_percent = (share.factor - 100.0).abs() < 1e-9;
    if as_percentage && is_percent {
        return Some((
            "`humanizePercentage` multiplies by 100, and the expression has done that already: one half is shown as 5000%".to_owned(),
            "write `{{ $value | printf \"%.2f\" }}%`".to_owned(),
        ));
    }
    if !is_unit || as_percentage || scales(action) || !followed_by_percent(text, action) {
        return None;
    }
    Some((
        "the value is a share of 0 to 1 and is shown with a percent sign: one half is shown as 0.5%"
            .to_owned(),
        "write `{{ $value | humanizePercentage }}` without a percent sign of its own".to_owned(),
    ))
}

/// Functions that may multiply, in a template of this or of a later version.
fn scales(action: &Action) -> bool {
    action.functions().any(|(name, _)| matches!(name, "mul" | "mulf" | "multiply" | "query"))
}

fn followed_by_percent(text: &str, action: &Action) -> bool {
    let after = text.get(action.end..).unwrap_or_default().trim_start_matches([' ', '\u{a0}']);
    let formatted = action
        .tokens
        .iter()
        .any(|token| matches!(&token.kind, TokenKind::Text(format) if format.contains("%%")));
    formatted || after.starts_with('%') || after.to_ascii_lowercase().starts_with("percent")
}
