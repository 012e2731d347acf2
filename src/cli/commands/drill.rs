//! `drill`: fire alerts end to end, and say how far their path to a person is proven.

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal;

use tokio::time::Instant;

use crate::apply::Applier;
use crate::apply::drill::{self, Drill};
use crate::check::nearest::nearest;
use crate::check::rule_file::RuleFile;
use crate::check::{self, Severity};
use crate::cli::args::{DrillOptions, PlanOptions};
use crate::cli::context::{Context, Loaded};
use crate::drill::level::{self, Step};
use crate::drill::message::Links;
use crate::drill::report::{AlertReport, Report};
use crate::drill::scenario::TestFile;
use crate::drill::{live, page};
use crate::engine::Engine;
use crate::error::{Error, ExitCode};
use crate::model::{Secret, ServiceKind, StackName};
use crate::net::alertmanager::Alertmanager;
use crate::render::context::links;
use crate::report::{Format, drill as shown};
use crate::services::Desired;
use crate::settings::Settings;
use crate::store::atomic;

pub async fn run(context: &Context, options: &DrillOptions) -> Result<(), Error> {
    let began = Instant::now();
    // Twice: as the project is, and as it is drilled, with placeholders for secrets.
    let project = context.load(&PlanOptions::default())?;
    let mut loaded = context.load(&PlanOptions::default())?;
    let rule_files = rule_files(&loaded);
    let alerts = chosen(&rule_files, &options.alerts)?;
    if options.live {
        may_send(context, options, &project)?;
    }
    with_placeholders(&mut loaded.settings);
    let desired = context.desired(&loaded)?;
    let engine = context.engine(&project.ports()).await?;
    let _lock = context.lock(&engine, &lock_name(&loaded.settings.stack), "drill")?;
    let applier = context.applier(engine, &loaded.settings.stack)?;
    let alertmanager = if options.live {
        Some(drill::live::running(&applier, &context.desired(&project)?).await?)
    } else {
        None
    };
    let drill = gather(&loaded, &desired, rule_files, alerts, options.timeout);
    let mut report = Report {
        stack: loaded.settings.stack.to_string(),
        generated_at: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        wanted_level: if options.live { level::LIVE } else { level::SINK },
        notes: notes(project.settings.receivers.notifies_somebody()),
        ..Report::default()
    };
    let outcome = Box::pin(drill::run(&applier, &drill)).await?;
    report.notes.extend(outcome.notes);
    report.alerts = outcome.alerts;
    if let Some(alertmanager) = alertmanager {
        context.output.info("sending the test alert through the running Alertmanager");
        for alert in &mut report.alerts {
            send(&applier, &alertmanager, alert, options).await?;
        }
        report.notes.push(
            "Where a receiver is told of resolved alerts, one more message follows after the group interval."
                .to_owned(),
        );
    }
    report.took_ms = began.elapsed().as_millis();
    show(context, options, &report)
}

/// Only what is proven up to the sink goes to people.
async fn send<E: Engine>(
    applier: &Applier<E>,
    alertmanager: &Alertmanager,
    alert: &mut AlertReport,
    options: &DrillOptions,
) -> Result<(), Error> {
    let Some(delivery) = alert.delivery.as_ref().filter(|_| alert.level == Some(level::SINK)) else {
        alert.steps.push(Step::not_tried(level::LIVE, "not sent: it has not reached level 3"));
        return Ok(());
    };
    let live = drill::live::send(applier, alertmanager, delivery, options.timeout).await?;
    alert.steps.push(live::step(&live));
    alert.level = level::reached(&alert.steps);
    alert.live = Some(live);
    Ok(())
}

/// A live drill wakes somebody: it is one alert, and somebody said yes.
fn may_send(context: &Context, options: &DrillOptions, project: &Loaded) -> Result<(), Error> {
    let [name] = options.alerts.as_slice() else {
        return Err(Error::new(ExitCode::Usage, "--live sends one alert, by name")
            .hint("for example `confidexmon drill CrankServiceDown --live`"));
    };
    if options.yes {
        return Ok(());
    }
    if !(std::io::stdin().is_terminal() && context.output.terminal) {
        return Err(Error::new(
            ExitCode::Usage,
            "--live asks before it sends, and there is no terminal to ask on",
        )
        .hint("add --yes to send without asking"));
    }
    let stack = &project.settings.stack;
    context.output.say(&format!(
        "This sends {name}, marked [TEST], to the real receivers of the stack `{stack}`.\n\
         Until it is resolved, within {} s, it can inhibit real alerts as the real one would. Go on? [y/N]",
        options.timeout.as_secs()
    ));
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    if read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(Error::new(ExitCode::Failed, "nothing was sent"))
}

fn show(context: &Context, options: &DrillOptions, report: &Report) -> Result<(), Error> {
    if let Some(path) = &options.html {
        atomic::write(path, page::html(report).as_bytes(), 0o644)?;
        context.output.info(&format!("the report is in {}", path.display()));
    }
    match context.output.format {
        Format::Json => context.output.json(report),
        Format::Human => shown::print(context.output, report),
    }
    let missed = report.missed().len();
    if missed == 0 {
        return Ok(());
    }
    let count = crate::report::words::count(missed, "alert");
    Err(Error::new(ExitCode::Findings, format!("{count} did not reach level {}", report.wanted_level))
        .hint("`confidexmon check` and `confidexmon test-rules` say more about what is below level 3"))
}

/// (path below `rules/`, file)
fn rule_files(loaded: &Loaded) -> Vec<(String, RuleFile)> {
    let files = loaded.project.files.rule_files();
    files
        .map(|(path, file)| (path.to_owned(), RuleFile::parse(file.shown_as.clone(), file.text.clone())))
        .collect()
}

/// The alerts asked for, all when none is named.
fn chosen(files: &[(String, RuleFile)], asked: &[String]) -> Result<BTreeSet<String>, Error> {
    let rules = files.iter().flat_map(|(_, file)| file.rules());
    let known: BTreeSet<String> =
        rules.filter(|(_, rule)| rule.is_alert()).map(|(_, rule)| rule.name.value.clone()).collect();
    if asked.is_empty() {
        if known.is_empty() {
            return Err(Error::new(ExitCode::Usage, "the project has no alert")
                .hint("alert rules are the YAML files in rules/"));
        }
        return Ok(known);
    }
    for name in asked {
        if !known.contains(name) {
            let error = Error::new(ExitCode::Usage, format!("there is no alert `{name}`"));
            return Err(match nearest(name, &known) {
                Some(meant) => error.hint(format!("did you mean `{meant}`?")),
                None => error.hint("the alerts are the `alert:` entries of the YAML files in rules/"),
            });
        }
    }
    Ok(asked.iter().cloned().collect())
}

/// No secret is needed to see where an alert goes. With no receiver at all, the usual ones are drilled.
fn with_placeholders(settings: &mut Settings) {
    let placeholder = || Some(Secret::new("drill-placeholder"));
    let receivers = &mut settings.receivers;
    if !receivers.notifies_somebody() {
        receivers.slack_webhook = placeholder();
        receivers.slack_webhook_critical = placeholder();
        receivers.pagerduty_service_key = placeholder();
    }
    for secret in [
        &mut receivers.slack_webhook,
        &mut receivers.slack_webhook_critical,
        &mut receivers.pagerduty_service_key,
        &mut receivers.webhook_url,
    ] {
        if secret.is_some() {
            *secret = placeholder();
        }
    }
    settings.security.web_auth = None;
}

/// The running stack is not touched, so a drill has a lock of its own.
fn lock_name(stack: &StackName) -> StackName {
    StackName::new(&stack.drill_network()).unwrap_or_else(|| stack.clone())
}

fn gather<'a>(
    loaded: &Loaded,
    desired: &'a Desired,
    rule_files: Vec<(String, RuleFile)>,
    alerts: BTreeSet<String>,
    timeout: std::time::Duration,
) -> Drill<'a> {
    let files = &loaded.project.files;
    let links = links(&loaded.settings);
    Drill {
        desired,
        rule_files,
        test_files: files.rule_tests().map(|(path, file)| TestFile::parse(path, &file.text)).collect(),
        rule_texts: files
            .rule_files()
            .chain(files.rule_tests())
            .map(|(path, file)| (path.to_owned(), file.text.clone()))
            .collect(),
        broken_contracts: broken_contracts(loaded, desired),
        alerts,
        links: Links { dashboard_base: format!("{}/d/", links.grafana), runbook_base: links.runbook_base },
        targets: targets(desired),
        timeout,
    }
}

/// Lints that judge a rule against what the backend exports.
const CONTRACT: [&str; 6] = [
    "unknown-metric",
    "never-updated",
    "unknown-label",
    "unknown-label-value",
    "threshold-beyond-buckets",
    "unknown-job",
];

fn broken_contracts(loaded: &Loaded, desired: &Desired) -> BTreeMap<String, String> {
    let rendered =
        desired.services.iter().map(|(service, wanted)| (*service, wanted.files.clone())).collect();
    let facts = check::gather::project(&loaded.settings, &loaded.project.files, &rendered);
    let mut broken = BTreeMap::new();
    for finding in check::run(&facts) {
        if !CONTRACT.contains(&finding.id) || finding.severity < Severity::Warning {
            continue;
        }
        if let Some(alert) = finding.alert {
            broken.entry(alert).or_insert(format!("{} ({})", finding.message, finding.id));
        }
    }
    broken
}

/// Job and address of every target of the rendered configuration.
fn targets(desired: &Desired) -> Vec<(String, String)> {
    let files = desired.services.get(&ServiceKind::Prometheus).map(|wanted| &wanted.files.files);
    let text = files.and_then(|files| files.get("/etc/prometheus/prometheus.yml"));
    let text = text.map(|file| String::from_utf8_lossy(file.bytes()).into_owned()).unwrap_or_default();
    let config: serde_json::Value = serde_yaml::from_str(&text).unwrap_or_default();
    let mut targets = Vec::new();
    for job in config["scrape_configs"].as_array().into_iter().flatten() {
        let addresses = job["static_configs"].as_array().into_iter().flatten();
        for address in addresses.flat_map(|group| group["targets"].as_array().into_iter().flatten()) {
            let pair = job["job_name"].as_str().zip(address.as_str());
            targets.extend(pair.map(|(job, address)| (job.to_owned(), address.to_owned())));
        }
    }
    targets
}

fn notes(notifies_somebody: bool) -> Vec<String> {
    let mut notes = vec![
        "Times are cut short: rules are evaluated every second and fire without their `for`, and Alertmanager waits \
         1 s (3 s where other alerts fire too) before a message. Everything else is the project's own."
            .to_owned(),
        "Each integration posts to a sink on this machine, with placeholders for secrets.".to_owned(),
    ];
    if !notifies_somebody {
        notes.push(
            "No receiver is configured, so today nobody would be notified. This is a rehearsal of the routes as they \
             would be with SLACK_WEBHOOK_URL, SLACK_WEBHOOK_CRITICAL and PAGERDUTY_SERVICE_KEY set."
                .to_owned(),
        );
    }
    notes
}
