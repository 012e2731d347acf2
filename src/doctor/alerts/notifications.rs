//! Notifications that a receiver does not get, with the reason.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::Facts;
use crate::doctor::units;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "notifications",
    topic: Topic::Alerts,
    what: "receivers accept the notifications",
    run: Run::Once(run),
};

/// Words of Alertmanager's log, cause, fix.
const CAUSES: [(&[&str], &str, &str); 16] = [
    (
        &["no such host", "server misbehaving"],
        "the receiver's host name does not resolve",
        "correct the URL in .env, then `confidexmon up`",
    ),
    (
        &["unknown authority", "self-signed"],
        "the receiver's certificate is of an authority that Alertmanager does not know (a company's proxy?)",
        "let the host through the proxy without inspection, or use an image with the company's authority",
    ),
    (
        &["certificate has expired", "not yet valid"],
        "the receiver's certificate has expired, or this machine's clock is wrong",
        "tell who runs the receiver; date -u",
    ),
    (
        &["certificate is valid for", "doesn't contain any ip sans", "not valid for any names"],
        "the receiver's certificate is for another name than the URL's",
        "write the host's name as its certificate has it into .env, then `confidexmon up`",
    ),
    (
        &["x509:", "tls:"],
        "the TLS handshake with the receiver fails",
        "openssl s_client -connect HOST:443 </dev/null",
    ),
    (
        &["missing port in address", "unsupported protocol scheme", "first path segment in url"],
        "the receiver's URL is none: a placeholder, or the name of a variable",
        "write the real URL into .env, then `confidexmon up`",
    ),
    (
        &["127.0.0.1", "localhost", "[::1]"],
        "`localhost` is Alertmanager's own container",
        "write `host.docker.internal` instead into .env, then `confidexmon up`",
    ),
    (
        &["invalid_auth", "invalid key", "invalid routing key", "invalid integration key"],
        "the receiver refuses the key",
        "correct PAGERDUTY_SERVICE_KEY in .env, then `confidexmon up`",
    ),
    (
        &[
            "no_service",
            "no_team",
            "channel_is_archived",
            "channel_not_found",
            "status code 404",
            "status 404",
            "status code 410",
            "code 404",
            "code 410",
        ],
        "the webhook is gone: it was revoked, or its channel was removed",
        "make a new webhook, write it into .env, then `confidexmon up`",
    ),
    (
        &["action_prohibited", "status code 403", "code 403", "invalid_token"],
        "the receiver forbids it: a revoked webhook, or a policy of the workspace",
        "make a new webhook, write it into .env, then `confidexmon up`",
    ),
    (
        &["status code 401", "code 401"],
        "the receiver refuses the credentials",
        "correct them in .env, then `confidexmon up`",
    ),
    (
        &["status code 400", "code 400"],
        "the receiver refuses the message or the key",
        "confidexmon drill --live (shows the message); check the key in .env",
    ),
    (
        &["status code 429", "code 429", "rate limit", "too many requests"],
        "the receiver limits how much it takes: too many notifications",
        "raise `receivers.group_interval` and `receivers.repeat_interval` in config/confidexmon.yml, then `confidexmon up`",
    ),
    (
        &["connection refused"],
        "nothing listens at the receiver's address",
        "correct the URL in .env, or start the receiver",
    ),
    (
        &["deadline exceeded", "timeout", "no route to host", "unreachable"],
        "the receiver cannot be reached from the container: a firewall, or a proxy that it would need",
        "curl -v the receiver's URL from the engine's machine",
    ),
    (
        &["code 5", "status 5"],
        "the receiver itself fails",
        "wait, Alertmanager tries again; see the receiver's status page",
    ),
];

fn run(facts: &Facts) -> Outcome {
    facts.alertmanager.then(|alertmanager| {
        let mut troubles: Vec<Trouble> = Vec::new();
        for one in &alertmanager.notifications {
            let name = format!("{}/{}", one.receiver, one.integration);
            let Some(line) = last_line(&alertmanager.log, &one.receiver, &one.integration) else { continue };
            troubles
                .push(explain(line, one.failed, one.failed_requests).about(format!("the receiver {name}")));
        }
        if troubles.is_empty()
            && let Some(line) = alertmanager.log.last()
        {
            troubles.push(explain(line, 0.0, 1.0));
        }
        let failed: f64 = alertmanager.notifications.iter().map(|one| one.failed).sum();
        let sent: f64 = alertmanager.notifications.iter().map(|one| one.sent).sum();
        let well = format!(
            "{} since the start, {failed:.0} of them failed, none lately",
            units::count(amount(sent), "notification")
        );
        Outcome::of(troubles, well)
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a counter: whole and not negative"
)]
fn amount(number: f64) -> usize {
    number.max(0.0) as usize
}

/// The last line of the log that speaks of this integration.
fn last_line<'a>(log: &'a [String], receiver: &str, integration: &str) -> Option<&'a String> {
    let receivers = [format!("receiver={receiver} "), format!("receiver=\"{receiver}\" ")];
    log.iter().rev().find(|line| {
        // The log numbers the integrations of a receiver, the metrics do not.
        let of_receiver = receivers.iter().any(|mark| line.contains(mark));
        line.contains(&format!("{receiver}/{integration}"))
            || (of_receiver && line.contains(&format!("integration={integration}")))
    })
}

/// What Alertmanager's log says last of an integration that fails, and the likely cause of that.
pub fn failure(log: &[String], receiver: &str, integration: &str) -> Option<(String, &'static str)> {
    let words = reason(last_line(log, receiver, integration)?);
    let (cause, _) = cause_of(&words);
    Some((words, cause))
}

/// Cause and fix.
fn cause_of(words: &str) -> (&'static str, &'static str) {
    let lower = words.to_lowercase();
    let known = CAUSES.iter().find(|(marks, ..)| marks.iter().any(|mark| lower.contains(mark)));
    known.map_or(
        ("the receiver does not take what Alertmanager sends", "confidexmon logs alertmanager --since 30m"),
        |(_, cause, fix)| (*cause, *fix),
    )
}

fn explain(line: &str, failed: f64, requests: f64) -> Trouble {
    let words = reason(line);
    let (cause, fix) = cause_of(&words);
    let evidence = format!(
        "{failed:.0} notifications given up, {requests:.0} attempts failed; Alertmanager's log: {words}"
    );
    Trouble::problem(evidence, cause, fix)
}

/// The `err="…"` of a line of logfmt, without the URL's secret part, which Alertmanager redacts itself.
fn reason(line: &str) -> String {
    let Some((_, rest)) = line.split_once("err=") else { return line.trim().to_owned() };
    let text = rest
        .strip_prefix('"')
        .map_or(rest, |quoted| quoted.rsplit_once('"').map_or(quoted, |(text, _)| text));
    text.replace("\\\"", "\"").replace("\\n", " ").trim().to_owned()
}
