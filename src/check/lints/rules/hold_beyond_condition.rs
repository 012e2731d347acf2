//! `for` asks for longer than what one event makes true: an alert that needs a run of them, or never fires.

use std::time::Duration;

use crate::analysis::conditions::{self, Condition};
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};
use crate::formats::promql::{Expr, Kind, Op, Selector};
use crate::model::PromDuration;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "hold-beyond-condition",
    severity: Severity::Warning,
    doc: "`for` is longer than one event keeps the condition true, so a single one never fires the alert.",
    run: Run::Rule(check),
};

/// `increase(x[5m]) > 0` with `for: 15m` says that something keeps happening; from so many times the range on
/// nobody means that.
const FAR: u32 = 4;

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    let Some(hold) = rule.rule.hold.as_ref() else { return };
    let Some(asked) = PromDuration::parse(&hold.value).map(|hold| hold.length()) else { return };
    // Another side of `or` may hold, and what `unless` excludes need not.
    let is_open = |node: &Expr| node.as_binary().is_some_and(|b| matches!(b.op, Op::Or | Op::Unless));
    if rule.tree.any(&is_open) {
        return;
    }
    for condition in conditions::conditions(rule.tree) {
        let found = events(&condition, asked).or_else(|| age(&condition, asked));
        if let Some((message, fix)) = found {
            out.push(rule.in_scalar(&LINT, hold, 0, message).fix(fix));
            return;
        }
    }
}

/// What is wrong, and what to write.
type Found = (String, String);

/// `increase(x[1m]) > 0`: one event is seen for one minute.
fn events(condition: &Condition<'_>, asked: Duration) -> Option<Found> {
    let (function, selector) = growth(condition.value)?;
    let any = condition.op == Op::Greater && condition.threshold == 0.0
        || condition.op == Op::GreaterOrEqual && condition.threshold > 0.0 && condition.threshold <= 1.0;
    // Beside another condition it only makes sure that there is something to divide by.
    if !any || condition.guarded {
        return None;
    }
    let range = selector.range.filter(|range| asked >= *range * FAR)?;
    let times = asked.as_secs_f64() / range.as_secs_f64();
    let (range_text, asked_text) = (text(range), text(asked));
    let message = format!(
        "one event keeps `{function}` over {range_text} above 0 for {range_text}, and `for` asks for {asked_text}: it takes at least {} events, one in each {range_text}",
        times.ceil()
    );
    Some((message, format!("a range of more than {asked_text}, or a shorter `for`, notices a single event")))
}

/// The function that counts events (whoever writes `rate` thinks of how many there are) behind what merges or scales series.
fn growth(expr: &Expr) -> Option<(&str, &Selector)> {
    match &conditions::core(expr).0.kind {
        Kind::Call { function: function @ ("increase" | "changes" | "resets"), args } => args
            .first()?
            .as_selector()
            .filter(|selector| !selector.extended)
            .map(|selector| (*function, selector)),
        Kind::Aggregate { op: "sum" | "max" | "avg", inner, .. } => growth(inner),
        _ => None,
    }
}

/// `time() - process_start_time_seconds < 60`: true for a minute after each start.
fn age(condition: &Condition<'_>, asked: Duration) -> Option<Found> {
    if !matches!(condition.op, Op::Less | Op::LessOrEqual) || condition.threshold <= 0.0 {
        return None;
    }
    let binary = conditions::core(condition.value).0.as_binary().filter(|binary| binary.op == Op::Sub)?;
    let ("time", _) = binary.lhs.as_call()? else { return None };
    let name = binary.rhs.as_selector()?.name.as_deref().filter(|name| is_start(name))?;
    let lasts = Duration::try_from_secs_f64(condition.threshold).ok().filter(|lasts| asked >= *lasts)?;
    let message = format!(
        "`time() - {name}` is below {} for {} after each start, and `for` asks for {}: this fires only while one restart follows the other",
        condition.threshold,
        text(lasts),
        text(asked)
    );
    Some((message, format!("a `for` below {}, or `changes({name}[…]) > 0` without one", text(lasts))))
}

/// A moment that does not move while the process runs.
fn is_start(name: &str) -> bool {
    name.ends_with("start_time_seconds") || name.ends_with("boot_time_seconds") || name.ends_with("_created")
}

fn text(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds % 86_400, seconds % 3600, seconds % 60) {
        _ if duration.subsec_nanos() > 0 => format!("{}s", duration.as_secs_f64()),
        (0, ..) => format!("{}d", seconds / 86_400),
        (_, 0, _) => format!("{}h", seconds / 3600),
        (_, _, 0) => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    }
}
