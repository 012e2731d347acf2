//! `drill`: fire alerts end to end, and say how far their path to a person is proven.

use std::io::IsTerminal;

use tokio::time::Instant;

use crate::apply::drill::live::Through;
use crate::apply::drill::{self, Drill};
use crate::apply::{StackSession, interrupted, ownership};
use crate::cli::args::{DrillOptions, PlanOptions};
use crate::cli::context::{Context, Loaded};
use crate::doctor::redact::Redactor;
use crate::drill::intake::{self, Target};
use crate::drill::level::{self, Step};
use crate::drill::message::Links;
use crate::drill::report::{AlertReport, Report};
use crate::drill::scenario::TestFile;
use crate::drill::{live, page};
use crate::engine::{Containers, Engine};
use crate::error::{Error, ExitCode};
use crate::plan::ownership::Adoption;
use crate::render::context::links;
use crate::report::{Format, drill as shown};
use crate::services::Desired;
use crate::store::atomic;
use crate::store::lock::Scope;

/// Fires alerts on a scratch copy of the stack, or on the running one, and prints how far each comes.
///
/// # Errors
/// With the exit code of findings when an alert would not reach a person.
pub async fn run(context: &Context, options: &DrillOptions) -> Result<(), Error> {
    let began = Instant::now();
    // Twice: as the project is, and as it is drilled, with placeholders for secrets.
    let project = context.load(&PlanOptions::default())?;
    let mut loaded = context.load(&PlanOptions::default())?;
    let targets = intake::targets(&intake::rule_files(&loaded.project.files));
    if let Some((message, hint)) = intake::unknown(&targets, &options.alerts) {
        return Err(Error::new(ExitCode::Usage, message).hint(hint));
    }
    if options.live && !may_send(context, options, &project)? {
        context.output.info("nothing was sent");
        return Ok(());
    }
    intake::with_placeholders(&mut loaded.settings);
    let desired = context.desired(&loaded)?;
    let engine = context.engine(&project.ports()).await?;
    let _lock = context.lock_scope(&engine, (&loaded.settings.stack, Scope::Drill), "drill")?;
    let session = context.session(engine, &loaded.settings.stack)?;
    interrupted::remind(&session)?;
    let through = if options.live {
        let owner = (&project.settings.stack, &project.identity);
        ownership::check(&session, owner, &session.engine.list().await?, Adoption::Refused).await?;
        let real = context.desired(&project)?;
        Some(drill::live::running(&session, &real).await?)
    } else {
        None
    };
    let drill = gather(&loaded, &desired, targets, options);
    let contract_is_known = drill.contracts.is_known;
    let mut report = Report {
        stack: loaded.settings.stack.to_string(),
        generated_at: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        wanted_level: if options.live { level::LIVE } else { level::SINK },
        notifies: project.settings.receivers.kinds().into_iter().map(str::to_owned).collect(),
        notes: intake::notes(project.settings.receivers.notifies_somebody()),
        ..Report::default()
    };
    if !contract_is_known {
        report.notes.push(
            "What the backend exports is not known, so nobody looked whether the metrics exist: `confidexmon check --save-contract` keeps it."
                .to_owned(),
        );
    }
    let outcome = Box::pin(drill::run(&session, &drill)).await?;
    report.notes.extend(outcome.notes);
    report.alerts = outcome.alerts;
    if let Some(through) = through {
        context.output.info("sending the test alert through the running Alertmanager");
        // The reasons of failures are Alertmanager's own words, and Telegram's token stands in them.
        let redactor = Redactor::of(&project.settings, &[]);
        for alert in &mut report.alerts {
            send((&session, &through), alert, options, &redactor).await?;
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
    (session, through): (&StackSession<E>, &Through),
    alert: &mut AlertReport,
    options: &DrillOptions,
    redactor: &Redactor,
) -> Result<(), Error> {
    let Some(delivery) = alert.delivery.as_ref().filter(|_| alert.level == Some(level::SINK)) else {
        alert.steps.push(Step::not_tried(level::LIVE, "not sent: it has not reached level 3"));
        return Ok(());
    };
    let mut live = drill::live::send(session, through, delivery, options.timeout).await?;
    for reason in live.receivers.iter_mut().filter_map(|one| one.reason.as_mut()) {
        *reason = redactor.text(reason);
    }
    alert.steps.push(live::step(&live));
    alert.level = level::reached(&alert.steps);
    alert.live = Some(live);
    Ok(())
}

/// A live drill wakes somebody: it is one alert, and somebody said yes.
fn may_send(context: &Context, options: &DrillOptions, project: &Loaded) -> Result<bool, Error> {
    let [name] = options.alerts.as_slice() else {
        return Err(Error::new(ExitCode::Usage, "--live sends one alert, by name")
            .hint("for example `confidexmon drill CrankServiceDown --live`"));
    };
    if options.yes {
        return Ok(true);
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
    Ok(read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
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
    let hint = if report.missed().iter().all(|alert| alert.level == Some(level::SINK)) {
        "`confidexmon doctor alerts` says more about receivers that fail"
    } else {
        "`confidexmon check` and `confidexmon test-rules` say more about what is below level 3"
    };
    Err(Error::new(ExitCode::Findings, format!("{count} did not reach level {}", report.wanted_level))
        .hint(hint))
}

fn gather<'a>(
    loaded: &Loaded,
    desired: &'a Desired,
    targets: Vec<Target>,
    options: &DrillOptions,
) -> Drill<'a> {
    let files = &loaded.project.files;
    let links = links(&loaded.settings);
    let rendered =
        desired.services.iter().map(|(service, wanted)| (*service, wanted.files.clone())).collect();
    let asked = |target: &&Target| options.alerts.is_empty() || options.alerts.contains(&target.alert);
    Drill {
        desired,
        rule_files: intake::rule_files(files),
        test_files: files.rule_tests().map(|(path, file)| TestFile::parse(path, &file.text)).collect(),
        rule_texts: files
            .rule_files()
            .chain(files.rule_tests())
            .map(|(path, file)| (path.to_owned(), file.text.clone()))
            .collect(),
        contracts: intake::contract_checks(&loaded.settings, files, &rendered),
        alerts: targets.iter().filter(asked).map(|target| target.alert.clone()).collect(),
        targets,
        links: Links { dashboard_base: format!("{}/d/", links.grafana), runbook_base: links.runbook_base },
        timeout: options.timeout,
    }
}
