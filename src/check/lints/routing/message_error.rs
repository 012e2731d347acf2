//! A text of a message that fails when it is sent: the message is not sent at all, and only Alertmanager's
//! log tells.

use crate::analysis::messages::Messages;
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
        out.push(messages.finding(&LINT, broken.at, broken.what.at, &message));
    }
    for fault in messages.followed().faults {
        let message = format!("{}: the message is not sent", fault.what.reason);
        let finding = messages.finding(&LINT, fault.at, fault.what.at, &message);
        out.push(match fault.what.fix {
            Some(fix) => finding.fix(fix),
            None => finding,
        });
    }
}
