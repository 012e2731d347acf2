//! A text that says nothing for some of the notifications that come: Slack shows an empty line, PagerDuty
//! refuses the event.

use crate::analysis::messages::evaluate::{Patterns, shown};
use crate::analysis::messages::samples::Notification;
use crate::analysis::messages::texts::MessageText;
use crate::analysis::messages::{Messages, Where};
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "blank-message",
    severity: Severity::Warning,
    doc: "A text of a notification is blank, or holds `<no value>`, for some of the alerts that come.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    let Some(messages) = Messages::of(view).filter(|messages| !messages.is_partial) else { return };
    if messages.texts.is_empty() {
        return;
    }
    let (notifications, bodies) = (messages.notifications(view), messages.bodies());
    let patterns = Patterns::default();
    for (text, parsed) in messages.texts.iter().filter(|(text, _)| text.is_read()) {
        let Ok(parsed) = parsed else { continue };
        let all = notifications.get(text.receiver).map_or(&[][..], Vec::as_slice);
        let sent: Vec<&Notification> = all.iter().filter(|one| is_sent(text, one)).collect();
        let texts: Vec<Option<String>> =
            sent.iter().map(|one| shown(&parsed.nodes, one, &bodies, &patterns)).collect();
        let of = |test: fn(&str) -> bool| -> Vec<&str> {
            let pairs = sent.iter().zip(&texts);
            pairs.filter(|(_, text)| text.as_deref().is_some_and(test)).map(|(one, _)| one.when).collect()
        };
        let blank = of(|text| text.trim().is_empty());
        let told = finding(&messages, text, "is blank", &blank, sent.len());
        let holes = of(|text| text.contains("<no value>"));
        out.extend(told.into_iter().chain(finding(
            &messages,
            text,
            "holds `<no value>`",
            &holes,
            sent.len(),
        )));
    }
}

/// Whether a text has something to say of a notification, and is asked to.
fn is_sent(text: &MessageText<'_>, notification: &Notification) -> bool {
    !notification.is_bare && (text.sends_resolved || !notification.is_resolved)
}

fn finding(
    messages: &Messages<'_>,
    text: &MessageText<'_>,
    what: &str,
    when: &[&str],
    all: usize,
) -> Option<Finding> {
    if when.is_empty() {
        return None;
    }
    let (message, severity) = if when.len() == all {
        (format!("it {what} whatever alert comes"), Severity::Bug)
    } else {
        (format!("it {what} when {}", listed(when)), Severity::Warning)
    };
    let finding = messages.finding(&LINT, Where::Text(text), 0, &message).severity(severity);
    Some(finding.fix(
        "say something in each case, such as `{{ or .CommonAnnotations.summary .CommonLabels.alertname }}`",
    ))
}

fn listed(when: &[&str]) -> String {
    match when {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [all @ .., last] => format!("{}, or {last}", all.join(", or ")),
    }
}
