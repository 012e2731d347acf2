//! Carries a drill out: promtool's answers, a scratch Prometheus and Alertmanager for each alert,
//! a sink for their messages, and everything taken away at the end. See [`crate::drill`] for the way.

mod alert_run;
mod batch;
pub mod live;
mod observe;
mod process;
mod sandbox;
mod sink;
mod validator;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;

use crate::apply::StackSession;
use crate::drill::intake::{ContractChecks, Target, alert_rules};
use crate::drill::level::{self, Step};
use crate::drill::message::Links;
use crate::drill::report::{AlertReport, Delivery};
use crate::drill::scenario::{Case, Input, TestFile};
use crate::drill::verdict::{self, Verdicts};
use crate::engine::Engine;
use crate::error::{Error, ExitCode};
use crate::formats::rule_file::RuleFile;
use crate::model::{FileSet, ServiceKind};
use crate::report::events::Event;
use crate::services::Desired;

pub use sandbox::sweep;

/// What is drilled, and with what.
pub struct Drill<'a> {
    /// The stack as rendered for the drill: placeholder secrets.
    pub desired: &'a Desired,
    /// (path below `rules/`, file)
    pub rule_files: Vec<(String, RuleFile)>,
    pub test_files: Vec<TestFile>,
    /// (path below `rules/`, text) of everything that promtool reads.
    pub rule_texts: Vec<(String, String)>,
    pub contracts: ContractChecks,
    /// One for each alert rule of the files, in their order.
    pub targets: Vec<Target>,
    /// Names of the alerts to drill.
    pub alerts: BTreeSet<String>,
    pub links: Links,
    /// How long one alert may take from its rules being in force.
    pub timeout: Duration,
}

/// What a drill found, beside the alerts' own reports.
#[derive(Debug, Default)]
pub struct Outcome {
    pub alerts: Vec<AlertReport>,
    pub notes: Vec<String>,
}

/// One alert with the scenario that is tried.
#[derive(Clone, Debug)]
struct Attempt {
    target: Target,
    file: String,
    case: Case,
    input: Input,
    /// What fires at that moment, as promtool says; `None` when it was not understood.
    forecast: Option<BTreeSet<String>>,
}

/// The most processes of each kind that run at once: some 400 MB of each.
const WAVE: usize = 25;

/// Drills every alert asked for. What was started is removed, whatever happens.
pub async fn run<E: Engine>(session: &StackSession<E>, drill: &Drill<'_>) -> Result<Outcome, Error> {
    let info = session.engine.info();
    if !info.is_local() {
        return Err(Error::new(ExitCode::Failed, format!("a drill does not work on {}", info.endpoint))
            .hint("its containers post to this machine: use the engine that runs here, with `--host unix:///var/run/docker.sock`"));
    }
    let sandbox = sandbox::Sandbox::open(session, drill.desired).await?;
    let result = run_in(&sandbox, drill).await;
    sandbox.close().await;
    result
}

async fn run_in<E: Engine>(sandbox: &sandbox::Sandbox<'_, E>, drill: &Drill<'_>) -> Result<Outcome, Error> {
    let validator = validator::Validator::start(sandbox, drill).await?;
    sandbox.fact("asking promtool what fires in the scenarios");
    let refused = validator.check_rules().await?;
    let valid: Vec<String> = drill
        .rule_files
        .iter()
        .map(|(path, _)| path.clone())
        .filter(|path| !refused.contains_key(path))
        .collect();
    let attempts = validator.attempts(&valid, &[]).await?;
    let round = Round { sandbox, drill, valid: &valid };
    let (tests, deliveries) = tokio::join!(validator.unit_tests(), waves(&round, &attempts));
    let verdicts = Verdicts { refused, tests: tests? };
    let (mut deliveries, notes) = deliveries?;
    sandbox.go_on()?;
    try_again(&round, &validator, attempts, &mut deliveries).await?;
    sandbox.go_on()?;
    let mut outcome = Outcome { alerts: Vec::new(), notes };
    for ((path, file, group, rule), target) in alert_rules(&drill.rule_files).zip(&drill.targets) {
        if !drill.alerts.contains(&target.alert) {
            continue;
        }
        let severity = rule.labels.get("severity").or_else(|| group.labels.get("severity"));
        let mut alert = AlertReport {
            alert: target.alert.clone(),
            severity: severity.map(|severity| severity.value.clone()),
            file: file.source.path.clone(),
            line: rule.name.place(&file.source).line,
            delivery: deliveries.remove(&target.key),
            ..AlertReport::default()
        };
        alert.steps = steps(drill, &verdicts, path, &alert);
        alert.level = level::reached(&alert.steps);
        outcome.alerts.push(alert);
    }
    Ok(outcome)
}

/// Where attempts run, and with which rule files.
struct Round<'a, E: Engine> {
    sandbox: &'a sandbox::Sandbox<'a, E>,
    drill: &'a Drill<'a>,
    /// Paths of the files that promtool accepts.
    valid: &'a [String],
}

/// An alert that is inhibited in one scenario may get through in another one: a warning whose test
/// also raises the critical alert beside it.
async fn try_again<E: Engine>(
    round: &Round<'_, E>,
    validator: &validator::Validator<'_, E>,
    mut attempts: Vec<Attempt>,
    deliveries: &mut BTreeMap<String, Delivery>,
) -> Result<(), Error> {
    let inhibited = |delivery: &Delivery| !delivery.inhibited_by.is_empty();
    attempts.retain(|attempt| deliveries.get(&attempt.target.key).is_some_and(inhibited));
    if attempts.is_empty() {
        return Ok(());
    }
    let others = validator.attempts(round.valid, &attempts).await?;
    let (again, _) = waves(round, &others).await?;
    for (key, mut delivery) in again {
        let Some(old) = deliveries.get(&key) else { continue };
        if delivery.fired && !inhibited(&delivery) {
            let sources = old.inhibited_by.join(", ");
            delivery.inhibited_elsewhere = Some(format!("in the scenario `{}` by {sources}", old.scenario));
            deliveries.insert(key, delivery);
        }
    }
    Ok(())
}

fn steps(drill: &Drill<'_>, verdicts: &Verdicts, rule_file: &str, alert: &AlertReport) -> Vec<Step> {
    let parsed = verdict::parsed(verdicts, rule_file);
    if parsed.ok != Some(true) {
        return std::iter::once(parsed)
            .chain((1..=level::SINK).map(|level| Step::not_tried(level, "its file cannot be loaded")))
            .collect();
    }
    let contract = match drill.contracts.broken.get(&alert.alert) {
        Some(why) => Step::failed(1, why.clone()),
        None if drill.contracts.is_known => Step::passed(1, ""),
        None => Step::passed(
            1,
            "not known: nobody has kept what the backend exports (`confidexmon check --save-contract` does)",
        ),
    };
    let delivered = alert.delivery.as_ref().map_or_else(
        || {
            Step::not_tried(
                level::SINK,
                "it has no unit test that fires, so no input is known: add one to rules/tests",
            )
        },
        Delivery::step,
    );
    vec![parsed, contract, verdict::tested(verdicts, &drill.test_files, &alert.alert), delivered]
}

/// As many alerts at once as the machine is asked to bear, wave after wave.
async fn waves<E: Engine>(
    round: &Round<'_, E>,
    attempts: &[Attempt],
) -> Result<(BTreeMap<String, Delivery>, Vec<String>), Error> {
    let Round { sandbox, drill, valid } = *round;
    let mut deliveries = BTreeMap::new();
    let mut notes = Vec::new();
    let mut used = Vec::new();
    let total = attempts.len();
    sandbox.expect(total);
    // Waves of equal size: 49 alerts are 25 and 24.
    let size = total.div_ceil(total.div_ceil(WAVE).max(1)).max(1);
    for (number, attempts) in attempts.chunks(size).enumerate() {
        sandbox.fact(&format!(
            "drilling alerts {} to {} of {total}",
            number * size + 1,
            number * size + attempts.len()
        ));
        let wave = batch::Batch { sandbox, drill, number: sandbox.next_wave(), valid, attempts };
        // The containers of the wave before go while this one starts; the last ones go at the end.
        let (done, ()) = tokio::join!(wave.run(), remove(sandbox, std::mem::take(&mut used)));
        let done = done?;
        deliveries.extend(done.deliveries);
        notes.extend(done.notes);
        used.extend(done.containers);
    }
    notes.sort_unstable();
    notes.dedup();
    Ok((deliveries, notes))
}

async fn remove<E: Engine>(sandbox: &sandbox::Sandbox<'_, E>, containers: Vec<sandbox::Scratch>) {
    join_all(containers.iter().map(|container| sandbox.remove(container))).await;
}

/// A rendered YAML file of a service as a value.
fn rendered(desired: &Desired, service: ServiceKind, path: &str) -> Result<Value, Error> {
    let files = files(desired, service)?;
    let text = files.files.get(path).map(|file| String::from_utf8_lossy(file.bytes()).into_owned());
    serde_yaml::from_str(&text.unwrap_or_default())
        .map_err(|error| Error::new(ExitCode::Usage, format!("the rendered {path} cannot be read: {error}")))
}

fn files(desired: &Desired, service: ServiceKind) -> Result<&FileSet, Error> {
    let wanted = desired.services.get(&service);
    wanted.map(|wanted| &wanted.files).ok_or_else(|| {
        Error::new(ExitCode::Usage, format!("a drill needs {service}, which this stack leaves out"))
    })
}

impl<E: Engine> sandbox::Sandbox<'_, E> {
    fn fact(&self, text: &str) {
        self.session.reporter.event(&Event::Fact { text: text.to_owned() });
    }
}
