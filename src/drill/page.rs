//! The report as one HTML page that a team can keep: no script, nothing loaded from elsewhere.

use crate::drill::level::{self, Step};
use crate::drill::report::{AlertReport, IntegrationReport, Live, Report};
use crate::drill::slack;

const STYLE: &str = include_str!("page.css");

/// The whole page. Every value is escaped: labels and texts come from rule files and templates.
pub fn html(report: &Report) -> String {
    let missed = report.missed().len();
    let total = report.alerts.len();
    let verdict = if let (0, Some(rehearsal)) = (missed, report.rehearsal()) {
        format!(
            "<p class=\"verdict bad\">{total} of {total} alerts reached level {}: {}. This was {rehearsal}.</p>",
            report.wanted_level,
            level_name(report.wanted_level)
        )
    } else if missed == 0 {
        format!(
            "<p class=\"verdict good\">All {total} alerts reached level {}: {}.</p>",
            report.wanted_level,
            level_name(report.wanted_level)
        )
    } else {
        format!(
            "<p class=\"verdict bad\">{missed} of {total} alerts did not reach level {}: {}.</p>",
            report.wanted_level,
            level_name(report.wanted_level)
        )
    };
    let notes: String = report.notes.iter().map(|note| format!("<li>{}</li>", escaped(note))).collect();
    let legend: String = level::NAMES
        .iter()
        .enumerate()
        // In the colours of the table: what is below the wanted level is not reached.
        .map(|(level, name)| format!("<li>{} {name}</li>", badge(Some(level), level >= report.wanted_level)))
        .collect();
    let rows: String = report.alerts.iter().map(|alert| row(alert, report.wanted_level)).collect();
    let details: String = report.alerts.iter().map(|alert| section(alert, report.wanted_level)).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Alert drill of {stack}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>Alert drill of {stack}</h1>\n\
         <p class=\"when\">{when}, took {took:.1} s</p>\n{verdict}\n<ul class=\"legend\">{legend}</ul>\n<ul class=\"notes\">{notes}</ul>\n\
         <table>\n<thead><tr><th>Alert</th><th>Level</th><th>Fired after</th><th>Notified after</th><th>Receivers</th><th>Message</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n\
         {details}\n</body>\n</html>\n",
        stack = escaped(&report.stack),
        when = escaped(&report.generated_at),
        took = seconds(report.took_ms),
    )
}

fn level_name(level: usize) -> &'static str {
    level::NAMES.get(level).copied().unwrap_or("unknown")
}

fn badge(level: Option<usize>, good: bool) -> String {
    let class = if good { "good" } else { "bad" };
    let text = level.map_or_else(|| "–".to_owned(), |level| level.to_string());
    format!("<span class=\"level {class}\">{text}</span>")
}

fn row(alert: &AlertReport, wanted: usize) -> String {
    let good = alert.level >= Some(wanted);
    let why = alert.why(wanted);
    let title =
        first_message(alert).map(|one| one.message.clone().unwrap_or_default().title).unwrap_or_default();
    let message = if why.is_empty() {
        escaped(&title)
    } else {
        format!("<span class=\"why\">{}</span>", escaped(&why))
    };
    format!(
        "<tr id=\"row-{name}-{line}\"><td><a href=\"#{name}-{line}\">{name}</a> <span class=\"severity\">{severity}</span></td><td data-name=\"Level\">{badge}</td><td data-name=\"Fired after\">{fired}</td><td data-name=\"Notified after\">{notified}</td><td data-name=\"Receivers\">{receivers}</td><td>{message}</td></tr>\n",
        name = escaped(&alert.alert),
        line = alert.line,
        severity = escaped(alert.severity.as_deref().unwrap_or("")),
        badge = badge(alert.level, good),
        fired = time(alert.delivery.as_ref().and_then(|delivery| delivery.fired_after_ms)),
        notified = time(alert.notified_after_ms()),
        receivers = alert.routed().iter().map(|receiver| escaped(receiver)).collect::<Vec<_>>().join("<br>"),
    )
}

fn first_message(alert: &AlertReport) -> Option<&IntegrationReport> {
    let receivers = alert.delivery.iter().flat_map(|delivery| &delivery.receivers);
    receivers.flat_map(|receiver| &receiver.integrations).find(|one| one.message.is_some())
}

fn section(alert: &AlertReport, wanted: usize) -> String {
    let steps: String = alert.steps.iter().map(step).collect();
    let delivery = alert.delivery.as_ref().map(|delivery| {
        let inhibited = listed("Inhibited by", &delivery.inhibited_by);
        let elsewhere: Vec<String> = delivery.inhibited_elsewhere.iter().cloned().collect();
        let elsewhere = listed("Inhibited", &elsewhere);
        let others = listed("Fired in the same scenario", &delivery.also_fired);
        let messages: String = delivery
            .receivers
            .iter()
            .flat_map(|receiver| {
                receiver.integrations.iter().map(|one| message(&receiver.name, receiver.empty, one))
            })
            .collect();
        format!(
            "<p>Input: the unit test “{}” of <code>rules/{}</code>.</p>{inhibited}{elsewhere}{others}{messages}",
            escaped(&delivery.scenario),
            escaped(&delivery.scenario_file)
        )
    });
    format!(
        "<details id=\"{name}-{line}\"><summary>{badge} {name}</summary>\n<p><code>{file}:{line}</code></p>\n<ol class=\"steps\" start=\"0\">{steps}</ol>\n{delivery}{live}</details>\n",
        name = escaped(&alert.alert),
        badge = badge(alert.level, alert.level >= Some(wanted)),
        file = escaped(&alert.file),
        line = alert.line,
        delivery = delivery.unwrap_or_default(),
        live = alert.live.as_ref().map(live).unwrap_or_default(),
    )
}

fn step(step: &Step) -> String {
    let (class, word) = match step.ok {
        Some(true) => ("good", "passed"),
        Some(false) => ("bad", "failed"),
        None => ("open", "not tried"),
    };
    let detail =
        if step.detail.is_empty() { String::new() } else { format!(" — {}", escaped(&step.detail)) };
    format!("<li class=\"{class}\">{}: {word}{detail}</li>", step.name)
}

fn listed(what: &str, names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!("<p>{what}: {}.</p>", escaped(&names.join(", "))) }
}

fn message(receiver: &str, empty: bool, one: &IntegrationReport) -> String {
    let nobody = if empty { ", nobody: this receiver has no integration" } else { "" };
    let problems: String =
        one.problems.iter().map(|problem| format!("<li class=\"bad\">{}</li>", escaped(problem))).collect();
    let body = one.message.as_ref().map_or_else(
        || "<p class=\"why\">nothing arrived</p>".to_owned(),
        |message| {
            let shown = |text: &str| if one.kind == "slack" { slack::html(text) } else { escaped(text) };
            format!(
                "<blockquote><strong>{}</strong><pre>{}</pre></blockquote>",
                shown(&message.title),
                shown(&message.text)
            )
        },
    );
    let problems = if problems.is_empty() { problems } else { format!("<ul>{problems}</ul>") };
    format!("<h3>{} ({}{nobody})</h3>{problems}{body}", escaped(receiver), escaped(&one.kind))
}

fn live(live: &Live) -> String {
    let rows: String = live
        .receivers
        .iter()
        .map(|one| {
            format!(
                "<li>{} ({}): {} delivered, {} requests, {} of them failed</li>",
                escaped(&one.name),
                escaped(&one.integration),
                one.delivered,
                one.requests,
                one.failed_requests
            )
        })
        .collect();
    let suppressed = live
        .suppressed
        .as_deref()
        .map(|why| format!("<p class=\"why\">{}</p>", escaped(why)))
        .unwrap_or_default();
    format!("<h3>Live, nonce {}</h3><ul>{rows}</ul>{suppressed}", escaped(&live.nonce))
}

fn time(millis: Option<u128>) -> String {
    millis.map_or_else(|| "–".to_owned(), |millis| format!("{:.1} s", seconds(millis)))
}

#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
fn seconds(millis: u128) -> f64 {
    millis as f64 / 1000.0
}

/// Text that may stand in an element or in a quoted attribute.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drill::message::Message;
    use crate::drill::report::{Delivery, LiveReceiver, ReceiverReport};

    const EVIL: &str = "<script>alert('x')</script>\" onload=\"y & z";

    /// A report in which every text is hostile.
    fn evil() -> Report {
        let text = || EVIL.to_owned();
        let one = IntegrationReport {
            kind: text(),
            delivered: true,
            notified_after_ms: Some(1500),
            message: Some(Message { title: text(), text: text() }),
            problems: vec![text()],
        };
        let delivery = Delivery {
            scenario: text(),
            scenario_file: text(),
            fired: true,
            inhibited_by: vec![text()],
            inhibited_elsewhere: Some(text()),
            also_fired: vec![text()],
            receivers: vec![ReceiverReport { name: text(), empty: true, integrations: vec![one] }],
            ..Delivery::default()
        };
        let live = Live {
            nonce: text(),
            suppressed: Some(text()),
            receivers: vec![LiveReceiver { name: text(), integration: text(), ..LiveReceiver::default() }],
            ..Live::default()
        };
        let alert = AlertReport {
            alert: text(),
            severity: Some(text()),
            file: text(),
            level: Some(2),
            steps: vec![Step::passed(0, EVIL), Step::failed(3, EVIL)],
            delivery: Some(delivery),
            live: Some(live),
            ..AlertReport::default()
        };
        Report {
            stack: text(),
            generated_at: text(),
            wanted_level: 3,
            notes: vec![text()],
            alerts: vec![alert],
            ..Report::default()
        }
    }

    #[test]
    fn no_value_can_leave_its_place() {
        let page = html(&evil());
        assert!(!page.contains("<script"), "{page}");
        assert!(!page.contains("onload=\""), "{page}");
        assert!(!page.contains("y & z"));
        assert!(
            page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot; onload=&quot;y &amp; z")
        );
    }

    #[test]
    fn nothing_is_loaded_from_elsewhere() {
        let page = html(&evil());
        for word in ["<link", "<img", "<script", "@import", "url(", "src="] {
            assert!(!page.contains(word), "{word}");
        }
    }

    /// The cells of a narrow page stand below each other and need their names.
    #[test]
    fn a_cell_knows_its_column() {
        let page = html(&evil());
        for column in ["Level", "Fired after", "Notified after", "Receivers"] {
            assert!(page.contains(&format!("<th>{column}</th>")), "{column}");
            assert!(page.contains(&format!("<td data-name=\"{column}\">")), "{column}");
        }
        assert!(page.contains("max-width: 46rem") && page.contains("prefers-color-scheme: dark"));
        assert!(!page.contains("<ul></ul>"));
    }

    #[test]
    fn the_verdict_counts() {
        let mut report = evil();
        assert!(html(&report).contains("1 of 1 alerts did not reach level 3"));
        report.alerts[0].level = Some(3);
        assert!(html(&report).contains("1 of 1 alerts reached level 3"));
        assert!(html(&report).contains("today nobody would be notified"));
        report.notifies = vec!["Slack".to_owned()];
        assert!(html(&report).contains("All 1 alerts reached level 3"));
    }
}
