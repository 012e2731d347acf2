//! What `doctor` found: the worst first, one line each, and at the end what to do first.

use serde_json::{Value, json};

use crate::doctor::{ALL, Check, Topic, Verdict};
use crate::report::output::{BAD, BOLD, DIM, GOOD, HINT, WARN};
use crate::report::table::folded;
use crate::report::{Output, words};

/// True when no check found a problem.
pub fn succeeded(checks: &[Check]) -> bool {
    checks.iter().all(|check| check.verdict != Verdict::Problem)
}

/// The fixed JSON shape; with `--fix` also what was done.
pub fn json(checks: &[Check], fixed: Option<&[String]>) -> Value {
    let topics = Topic::ALL.into_iter().filter_map(|topic| {
        let own: Vec<&Check> = checks.iter().filter(|check| check.topic == topic).collect();
        (!own.is_empty()).then(|| json!({"name": topic, "checks": own}))
    });
    let mut all = json!({"success": succeeded(checks), "topics": topics.collect::<Vec<_>>()});
    if let Some(fixed) = fixed {
        all["fixed"] = json!(fixed);
    }
    all
}

/// The text for people; with `details` every check is a line, with its evidence and fix below.
pub fn text(checks: &[Check], output: Output, details: bool) -> String {
    let mut text = String::new();
    let is_bad = |check: &&Check| check.verdict >= Verdict::Warning;
    for check in checks.iter().filter(|check| details || is_bad(check)) {
        text.push_str(&line(check, output));
        if details {
            // Why nothing was seen stands in the line itself.
            let none = String::new();
            let seen = if check.verdict == Verdict::CouldNotLook { &none } else { &check.evidence };
            let rows = [("seen", seen), ("cause", &check.cause), ("fix", &check.fix)];
            for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
                let name = output.styled_data(&format!("{name:<6}"), DIM);
                // A list has a line for each of its entries.
                text.push_str(&format!("    {name}{}\n", value.replace('\n', "\n          ")));
            }
        }
    }
    if !details {
        text.push_str(&unanswered(checks, output));
    }
    text.push_str(&summary(checks, output));
    let width = output.data_width();
    text.lines().map(|line| folded(line, width, below(line)) + "\n").collect()
}

/// Where a line goes on: below its sentence, or below what was seen.
fn below(line: &str) -> usize {
    let coloured = line.strip_prefix('\u{1b}').and_then(|rest| rest.split_once('m'));
    match coloured.map_or(line, |(_, text)| text).chars().next() {
        Some(' ') => 10,
        Some(first) if first.is_alphanumeric() => 2,
        _ => SENTENCE,
    }
}

/// Where the sentences of checks begin: after sign, topic and id.
const SENTENCE: usize = 32;

fn line(check: &Check, output: Output) -> String {
    let (sign, style) = match check.verdict {
        Verdict::Ok => ("✓", GOOD),
        Verdict::CouldNotLook => ("?", DIM),
        Verdict::Warning => ("!", WARN),
        Verdict::Problem => ("✗", BAD),
    };
    let is_general = ALL.iter().any(|one| one.id == check.id && one.what == check.what);
    let said = match check.verdict {
        Verdict::Ok => check.what.clone(),
        Verdict::CouldNotLook => format!("could not look: {}", check.evidence),
        _ if is_general => format!("{}: {}", cut(&check.evidence), check.cause),
        _ => format!("{}: {}", check.what, check.cause),
    };
    let place = format!("{:<8} {:<20}", check.topic.name(), check.id);
    format!("{} {place} {said}\n", output.styled_data(sign, style))
}

/// Evidence may be a list; the whole of it is for `-v`.
fn cut(text: &str) -> String {
    const MOST: usize = 120;
    let short: String = text.chars().take(MOST).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}

/// What could not be looked at, a line for each reason: one service that is down has many.
fn unanswered(checks: &[Check], output: Output) -> String {
    let mut by_reason: Vec<(&str, Vec<&str>)> = Vec::new();
    for check in checks.iter().filter(|check| check.verdict == Verdict::CouldNotLook) {
        match by_reason.iter_mut().find(|(reason, _)| *reason == check.evidence) {
            Some((_, ids)) => ids.push(check.id),
            None => by_reason.push((&check.evidence, vec![check.id])),
        }
    }
    let sign = output.styled_data("?", DIM);
    let rows = by_reason
        .iter()
        .map(|(reason, ids)| format!("{sign} could not look at {}: {}\n", ids.join(", "), cut(reason)));
    rows.collect()
}

/// How many of each, and what to do first.
fn summary(checks: &[Check], output: Output) -> String {
    let number = |verdict: Verdict| checks.iter().filter(|check| check.verdict == verdict).count();
    let mut counts = Vec::new();
    for (verdict, noun) in [(Verdict::Problem, "problem"), (Verdict::Warning, "warning")] {
        if number(verdict) > 0 {
            counts.push(words::count(number(verdict), noun));
        }
    }
    if number(Verdict::CouldNotLook) > 0 {
        counts.push(format!("{} could not be looked at", number(Verdict::CouldNotLook)));
    }
    counts.push(format!("{} well", number(Verdict::Ok)));
    let counts = output.styled_data(&counts.join(", "), BOLD);
    let worst = checks.iter().find(|check| check.verdict >= Verdict::Warning && !check.fix.is_empty());
    match worst {
        Some(check) => {
            format!("{counts}\n{} {}\n", output.styled_data("do this first:", HINT), check.fix)
        }
        None => format!("{counts}\n"),
    }
}

/// `--list`: topic, id, what is looked at.
pub fn list() -> String {
    let rows = ALL
        .iter()
        .map(|diagnosis| format!("{:<9} {:<20} {}\n", diagnosis.topic.name(), diagnosis.id, diagnosis.what));
    rows.collect()
}

/// Every diagnosis with its topic and what it looks at.
pub fn list_json() -> Value {
    let rows = ALL
        .iter()
        .map(|diagnosis| json!({"id": diagnosis.id, "topic": diagnosis.topic, "what": diagnosis.what}));
    json!({"diagnoses": rows.collect::<Vec<_>>()})
}
