//! `drill`: fire alerts end to end, and say how far their path to a person is proven.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use crate::apply::drill::{self, Drill};
use crate::check::nearest::nearest;
use crate::check::rule_file::RuleFile;
use crate::check::{self, Severity};
use crate::cli::args::{DrillOptions, PlanOptions};
use crate::cli::context::{Context, Loaded};
use crate::drill::message::Links;
use crate::drill::report::Report;
use crate::drill::scenario::TestFile;
use crate::drill::{level, page};
use crate::error::{Error, ExitCode};
use crate::model::{Secret, ServiceKind, StackName};
use crate::render::context::links;
use crate::report::{Format, drill as shown};
use crate::services::Desired;
use crate::settings::Settings;
use crate::store::atomic;

pub async fn run(context: &Context, options: &DrillOptions) -> Result<(), Error> {
    let began = Instant::now();
    let mut loaded = context.load(&PlanOptions::default())?;
    let rule_files = rule_files(&loaded);
    let alerts = chosen(&rule_files, &options.alerts)?;
    let notifies_somebody = loaded.settings.receivers.notifies_somebody();
    let project_settings = loaded.settings.clone();
    with_placeholders(&mut loaded.settings);
    let desired = context.desired(&loaded)?;
    let engine = context.engine(&[]).await?;
    let _lock = context.lock(&engine, &lock_name(&loaded.settings.stack), "drill")?;
    let applier = context.applier(engine, &loaded.settings.stack)?;
    let drill = gather(&loaded, &desired, rule_files, alerts, options.timeout);
    let mut report = Report {
        stack: loaded.settings.stack.to_string(),
        generated_at: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        wanted_level: level::SINK,
        notes: notes(notifies_somebody),
        ..Report::default()
    };
    let outcome = drill::run(&applier, &drill).await?;
    report.notes.extend(outcome.notes);
    report.alerts = outcome.alerts;
    let _ = project_settings;
    report.took_ms = began.elapsed().as_millis();
    show(context, options, &report)
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
