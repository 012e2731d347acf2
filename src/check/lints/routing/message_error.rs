//! A text of a message that fails when it is sent: the message is not sent at all, and only Alertmanager's
//! log tells.

use crate::analysis::messages::{Messages, Where};
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "message-error",
    severity: Severity::Bug,
    doc: "A text of a notification fails when it is sent: a mistake of the template, or a field that is not there.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    let Some(messages) = Messages::of(view) else { return };
    for broken in messages.broken() {
        let message = format!("this is no template: {}", broken.what.reason);
        out.push(at(&LINT, &messages, broken.at, broken.what.at, &message));
    }
    for fault in messages.followed().faults {
        let message = format!("{}: the message is not sent", fault.what.reason);
        let finding = at(&LINT, &messages, fault.at, fault.what.at, &message);
        out.push(match fault.what.fix {
            Some(fix) => finding.fix(fix),
            None => finding,
        });
    }
}

/// A finding at byte `offset` of a receiver's text or of a file of templates.
pub(in crate::check::lints) fn at(
    lint: &Lint,
    messages: &Messages<'_>,
    at: Where<'_>,
    offset: usize,
    message: &str,
) -> Finding {
    match at {
        Where::File(source) => lint.at(source, source.place(offset), message.to_owned()),
        Where::Text(text) => {
            let source = &messages.file.source;
            let offset = source.offset(text.scalar.place_of(source, offset));
            messages.file.finding(lint, offset, format!("`{}` of `{}`: {message}", text.field, text.receiver))
        }
    }
}
