//! When a target disappears its series do too, and with them every alert about them.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run, View};
use crate::formats::anchored_regex;
use crate::formats::promql::{Expr, MatchOp, Selector};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "silent-when-gone",
    severity: Severity::Warning,
    doc: "No alert notices that the backend's series are gone: neither `absent()` nor `up`.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    if !view.facts.is_complete_rule_set || view.facts.backend_jobs.is_empty() {
        return;
    }
    let alerts: Vec<_> = view.rules().filter(|rule| rule.rule.is_alert()).collect();
    let absent = alerts.iter().any(|alert| watches_absence(alert));
    let down = alerts.iter().find_map(|alert| up_of_backend(alert).map(|at| (alert, at)));
    match (absent, down) {
        (true, _) => {}
        (false, Some((alert, at))) => {
            let message = "this fires while the target is down; a target that is gone has no `up` series at all, and no alert uses `absent()`: that would stay silent";
            out.push(alert.in_expr(&LINT, at, message.to_owned()).fix("add `or absent(up{job=\"…\"})`"));
        }
        (false, None) => out.extend(alerts.iter().find_map(unwatched)),
    }
}

/// The first alert on the backend's metrics, when nothing watches the backend itself.
fn unwatched(alert: &RuleView<'_>) -> Option<Finding> {
    let (node, selector) =
        alert.tree.selectors().into_iter().find(|(_, selector)| alert.view.known(selector).is_some())?;
    let name = selector.name.as_deref().unwrap_or_default();
    let message = format!(
        "when the backend is gone, `{name}` has no series and this alert stays silent; no alert of the rule set uses `up` or `absent()` for it"
    );
    Some(
        alert
            .in_expr(&LINT, node.at, message)
            .fix("add an alert on `up{job=\"…\"} == 0 or absent(up{job=\"…\"})`"),
    )
}

fn may_be_backend(alert: &RuleView<'_>, selector: &Selector) -> bool {
    let jobs = &alert.facts().backend_jobs;
    selector.matchers.iter().filter(|matcher| matcher.label == "job").all(|matcher| match matcher.op {
        MatchOp::Equal => jobs.contains(&matcher.value),
        MatchOp::NotEqual => jobs.iter().any(|job| *job != matcher.value),
        MatchOp::Matches | MatchOp::MatchesNot => {
            anchored_regex::anchored(&matcher.value).is_some_and(|pattern| {
                jobs.iter().any(|job| pattern.is_match(job) == (matcher.op == MatchOp::Matches))
            })
        }
    })
}

fn watches_absence(alert: &RuleView<'_>) -> bool {
    let is_absent = |node: &Expr| {
        node.as_call().is_some_and(|(function, args)| {
            function.starts_with("absent") && args.iter().any(|arg| concerns_backend(alert, arg))
        })
    };
    alert.tree.any(&is_absent)
}

fn concerns_backend(alert: &RuleView<'_>, expr: &Expr) -> bool {
    expr.selectors().iter().any(|(_, selector)| {
        (selector.name.as_deref() == Some("up") && may_be_backend(alert, selector))
            || alert.view.known(selector).is_some()
    })
}

fn up_of_backend(alert: &RuleView<'_>) -> Option<usize> {
    let selectors = alert.tree.selectors();
    let found = selectors.iter().find(|(_, s)| s.name.as_deref() == Some("up") && may_be_backend(alert, s));
    found.map(|(node, _)| node.at)
}
