//! A share of 0 to 1 shown with a `%` sign says 0.50% for one half.

use crate::analysis::conditions::{self, Condition, Share};
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};
use crate::formats::go_template::{Action, TokenKind};
use crate::formats::promql::{Expr, Op};

pub(in crate::check::lints) const LINT: Lint = Lint {
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
    for condition in conditions::conditions(rule.tree) {
        let Some(share) = share(rule, condition.value).filter(|share| share.factor > 0.0) else { continue };
        if let Some((severity, message, fix)) = beyond(&condition, share) {
            out.push(rule.in_expr(&LINT, condition.threshold_at, message).severity(severity).fix(fix));
        }
    }
}

/// A threshold in the other unit.
fn beyond(condition: &Condition<'_>, share: Share) -> Option<(Severity, String, String)> {
    let (most, threshold) = (share.factor, condition.threshold);
    // What names alone say may be a little off.
    let sure = share.certain || share.named && threshold >= 2.0 * most;
    let passes = threshold > most * (1.0 + 1e-9);
    let fix = || {
        let fraction = threshold / 100.0;
        if fraction < 1.0 {
            format!("compare with {}", fraction * most)
        } else {
            format!("compare with a number below {most}")
        }
    };
    match condition.op {
        Op::Greater | Op::GreaterOrEqual | Op::Equal if sure && passes => {
            let message = format!(
                "this share lies between 0 and {most}, so it never passes {threshold}: the alert cannot fire"
            );
            Some((Severity::Bug, message, fix()))
        }
        Op::Less | Op::LessOrEqual if sure && passes && !condition.guarded => {
            let message = format!(
                "this share lies between 0 and {most}, so it is always below {threshold}: the alert always fires"
            );
            Some((Severity::Bug, message, fix()))
        }
        Op::Greater | Op::GreaterOrEqual if is_percent(share) && threshold > 0.0 && threshold < 1.0 => {
            let message = format!(
                "this share lies between 0 and 100, and {threshold} of that is {threshold} %: perhaps {} % are meant",
                threshold * 100.0
            );
            Some((Severity::Info, message, format!("if so, compare with {}", threshold * 100.0)))
        }
        _ => None,
    }
}

/// The share that a value is, also when a rule recorded it.
fn share(rule: &RuleView<'_>, value: &Expr) -> Option<Share> {
    let (inner, factor) = conditions::core(value);
    let recorded = inner.as_selector().and_then(|selector| selector.name.as_deref());
    let Some([(_, recording)]) = recorded.and_then(|name| rule.view.recordings.get(name)).map(Vec::as_slice)
    else {
        return conditions::share(value);
    };
    let share = conditions::share(recording.tree.as_ref().ok()?)?;
    Some(Share { factor: share.factor * factor, at: inner.at, ..share })
}

fn texts(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    let Some(share) = alert_share(rule) else { return };
    for (_, text, actions) in rule.rule.annotations.templates() {
        let Ok(actions) = actions else { continue };
        for action in actions.iter().filter(|action| action.uses_value() && action.keyword().is_none()) {
            if let Some((message, fix)) = mistake(&text.value, action, share) {
                out.push(rule.in_scalar(&LINT, text, action.at, message).fix(fix));
            }
        }
    }
}

/// The share that `$value` is, if the condition agrees that it is one.
fn alert_share(rule: &RuleView<'_>) -> Option<Share> {
    let value = conditions::value(rule.tree);
    let share = share(rule, value)?;
    let conditions = conditions::conditions(rule.tree);
    let own = conditions.iter().find(|condition| std::ptr::eq(conditions::value(condition.value), value))?;
    (share.certain || own.threshold.abs() <= share.factor.abs()).then_some(share)
}

fn is_percent(share: Share) -> bool {
    (share.factor - 100.0).abs() < 1e-9
}

fn mistake(text: &str, action: &Action, share: Share) -> Option<(String, String)> {
    let as_percentage = action.calls("humanizePercentage");
    let is_unit = (share.factor - 1.0).abs() < 1e-9;
    if as_percentage && is_percent(share) {
        return Some((
            "`humanizePercentage` multiplies by 100, and the expression has done that already: one half is shown as 5000%".to_owned(),
            "write `{{ $value | printf \"%.2f\" }}%`".to_owned(),
        ));
    }
    // It writes the sign itself.
    if as_percentage && behind(text, action).starts_with('%') {
        return Some((
            "`humanizePercentage` writes the percent sign itself: one half is shown as 50%%".to_owned(),
            "leave the percent sign out".to_owned(),
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
    let after = behind(text, action);
    let formatted = action
        .tokens
        .iter()
        .any(|token| matches!(&token.kind, TokenKind::Text(format) if format.contains("%%")));
    formatted || after.starts_with('%') || after.to_ascii_lowercase().starts_with("percent")
}

/// The text behind an action, without the space that may stand before a unit.
fn behind<'t>(text: &'t str, action: &Action) -> &'t str {
    text.get(action.end..).unwrap_or_default().trim_start_matches([' ', '\u{a0}'])
}
