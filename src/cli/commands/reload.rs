//! `reload` and `reload-rules`: changed files of running services, as transactions.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::apply::grafana::password::Password;
use crate::apply::grafana::provisioned::Datasources;
use crate::apply::grafana::{self, Ready};
use crate::apply::probe::Address;
use crate::apply::reload::diff::RulesDiff;
use crate::apply::reload::request::{self, Reloaded};
use crate::apply::{StackSession, explain, gather, ownership};
use crate::cli::args::{PlanOptions, ReloadOptions, ReloadWhat};
use crate::cli::context::{Context, Loaded};
use crate::cli::opened::Opened;
use crate::engine::Engine;
use crate::error::{Error, ExitCode};
use crate::model::{Manifest, Observed, ObservedContainer, ServiceKind};
use crate::plan::{Blocker, doors, rule_intent, secrets};
use crate::report::output::{BAD, GOOD, WARN};
use crate::report::{Format, Output, words};
use crate::services::{Desired, DesiredService};
use crate::store::settle;

/// How long an editor may take over a save.
const SAVING: Duration = Duration::from_secs(3);

/// Puts changed files into force, each service as one transaction.
///
/// # Errors
/// When a change was refused or taken back; the old files are in force then.
pub async fn run(context: &Context, options: &ReloadOptions) -> Result<(), Error> {
    let began = Instant::now();
    wait_for_editors(context)?;
    let none = PlanOptions::default();
    let mut loaded = context.load(&none)?;
    let mut desired = wanted(context, &loaded, options)?;
    let Opened { session, observed, lock: _lock } = context.take(&loaded, "reload").await?;
    if Context::has_unnamed_redis(&loaded, &none, &observed) {
        loaded = context.with_running_redis(loaded, &none, &observed)?;
        desired = wanted(context, &loaded, options)?;
    }
    if !context.output.quiet {
        context.print_not_loaded(&loaded);
    }
    let owner = (&loaded.settings.stack, &loaded.identity);
    ownership::check(&session, owner, &observed, options.rules.owner.adopt.into()).await?;
    if desired.services.keys().all(|service| running(&observed, &desired, *service).is_err()) {
        let names: Vec<&str> = desired.services.keys().map(|service| service.name()).collect();
        return Err(nothing_to_reload(&words::list(&names)));
    }
    let password_is_chosen = !loaded.settings.grafana.password_is_default;
    let stack = &desired.stack;
    let datasources = Datasources::of(|kind| {
        gather::services(&observed, stack).any(|one| one.service() == Some(kind) && one.is_running())
    });
    let reloads = desired.services.iter().map(|(service, wanted)| {
        let container = running(&observed, &desired, *service);
        let session = &session;
        async move {
            let container = container?;
            let address = address(session, wanted, container).filter(|_| *service == ServiceKind::Grafana);
            let Some(address) = address else {
                let done = request::run(session, *service, wanted, container, began).await?;
                return Ok((done, None));
            };
            let old_password = grafana::old_password(session, wanted, container).await;
            let container_id = container.id.as_str();
            let ready = Ready { wanted, container_id, address, password_is_chosen, old_password };
            let done = grafana_too(session, &ready, container, began).await?;
            Ok((done, Some(ready)))
        }
    });
    let in_a_row = touches_a_door(&session, &desired, &observed).await;
    let results = if in_a_row {
        let place = doors::place(&desired);
        let mut row: Vec<_> = desired.services.keys().map(|service| place(*service)).zip(reloads).collect();
        row.sort_by_key(|(place, _)| *place);
        let mut results = Vec::new();
        for (_, reload) in row {
            results.push(reload.await);
        }
        results
    } else {
        join_all(reloads).await
    };
    let (done, failed): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    let (done, ready): (Vec<Reloaded>, Vec<_>) = done.into_iter().filter_map(Result::ok).unzip();
    // Grafana learns a changed password of Prometheus before Prometheus itself does.
    for ready in ready.into_iter().flatten() {
        grafana::prove(&session, &ready, datasources).await;
    }
    show(context.output, loaded.settings.stack.as_str(), &done);
    for lost in done.iter().filter_map(|reloaded| reloaded.rules.as_ref()?.lost()) {
        session.warn(lost);
    }
    let failure = Error::all(failed.into_iter().filter_map(Result::err).collect());
    failure.map_or(Ok(()), |error| Err(context.place_refusals(&loaded, &desired, error)))
}

/// What the settings want of the services that are asked for.
fn wanted(context: &Context, loaded: &Loaded, options: &ReloadOptions) -> Result<Desired, Error> {
    let mut desired = context.desired(loaded)?;
    desired.services.retain(|service, _| services(options.what).contains(service));
    refuse_an_empty_rule_set(&desired, options.rules.allow_empty)?;
    Ok(desired)
}

/// True when the files of a service change who may come in.
async fn touches_a_door<E: Engine>(
    session: &StackSession<E>,
    desired: &Desired,
    observed: &Observed,
) -> bool {
    for (service, wanted) in &desired.services {
        let Ok(container) = running(observed, desired, *service) else { continue };
        let known = gather::known_files(session, &container.id, &wanted.files.root).await;
        let known = known.ok().flatten().unwrap_or_default();
        if doors::touches_a_door(&known.changes_to(&Manifest::of(&wanted.files))) {
            return true;
        }
    }
    false
}

/// A reload needs Grafana's administrator: a password that was changed in .env is applied first.
async fn grafana_too<E: Engine>(
    session: &StackSession<E>,
    ready: &Ready<'_>,
    container: &ObservedContainer,
    began: Instant,
) -> Result<Reloaded, Error> {
    // A Grafana that does not answer just now is told by the reload itself, or started again by it.
    match grafana::settle_password(session, ready).await {
        Ok(Password::InForce | Password::Applied) => {}
        Ok(Password::FormerStays | Password::NotApplied(_)) => {
            let message = "Grafana does not take the administrator's password, so nothing was reloaded";
            return Err(Error::new(ExitCode::Failed, message)
                .hint(format!("the one that was set before is still in force: {}", grafana::SET_AGAIN)));
        }
        Err(error) => tracing::debug!("whose password is in force is not known: {error}"),
    }
    request::run(session, ServiceKind::Grafana, ready.wanted, container, began).await
}

/// The address of a container's published port.
fn address<E: Engine>(
    session: &StackSession<E>,
    wanted: &DesiredService,
    container: &ObservedContainer,
) -> Option<Address> {
    let inside = wanted.probe.container_port();
    let bound = container.ports.iter().find(|(_, _, port)| *port == inside)?;
    Some(session.address(wanted, bound.1))
}

const fn services(what: ReloadWhat) -> &'static [ServiceKind] {
    match what {
        ReloadWhat::Rules => &[ServiceKind::Prometheus],
        ReloadWhat::Alertmanager => &[ServiceKind::Alertmanager],
        ReloadWhat::Dashboards => &[ServiceKind::Grafana],
        ReloadWhat::All => &ServiceKind::ALL,
    }
}

fn wait_for_editors(context: &Context) -> Result<(), Error> {
    let folders = ["rules", "dashboards", "config"].map(|name| context.global.project_dir.join(name));
    settle::wait_until_unchanged(&folders, SAVING).map_err(|path| {
        let message = format!("`{}` is still being written; nothing was touched", path.display());
        Error::new(ExitCode::Failed, message).hint("run the command again when the file is complete")
    })
}

fn refuse_an_empty_rule_set(desired: &Desired, allowed: bool) -> Result<(), Error> {
    let Some(wanted) = desired.services.get(&ServiceKind::Prometheus) else { return Ok(()) };
    if allowed || rule_intent::rule_count(&rule_intent::of_files(&wanted.files)) > 0 {
        return Ok(());
    }
    explain::blockers(&[Blocker::LosesEveryRule]).map_or(Ok(()), Err)
}

fn running<'a>(
    observed: &'a Observed,
    desired: &'a Desired,
    service: ServiceKind,
) -> Result<&'a crate::model::ObservedContainer, Error> {
    let name = desired.stack.container(service);
    let container = gather::ours(observed, &desired.stack).find(|container| container.name == name);
    container.filter(|container| container.is_running()).ok_or_else(|| nothing_to_reload(service.name()))
}

fn nothing_to_reload(who: &str) -> Error {
    let verb = if who.contains(' ') { "do not run" } else { "does not run" };
    Error::new(ExitCode::Failed, format!("{who} {verb}, so there is nothing to reload"))
        .hint("`confidexmon up` starts what is missing with the files as they are")
}

fn show(output: Output, stack: &str, done: &[Reloaded]) {
    if output.format == Format::Json {
        let services: Vec<Value> = done.iter().map(shape).collect();
        return output.json(&json!({"stack": stack, "services": services}));
    }
    for reloaded in done {
        output.data(&format!("{} {}\n", output.styled_data("✓", GOOD), sentence(reloaded)));
        if let Some(rules) = &reloaded.rules {
            show_rules(output, rules);
        }
    }
}

fn sentence(reloaded: &Reloaded) -> String {
    let what = match (&reloaded.rules, reloaded.acted) {
        (Some(rules), false) => format!("nothing changed, {} in force", words::count(rules.after, "rule")),
        (None, false) => "nothing changed".to_owned(),
        (Some(rules), true) => format!("{} → {} in force", rules.before, words::count(rules.after, "rule")),
        (None, true) => {
            format!("{} in force", words::count(reloaded.files.touched().count(), "changed file"))
        }
    };
    let secrets = match secrets::changed(&reloaded.files).len() {
        0 => String::new(),
        number => format!(", {} changed", words::count(number, "secret")),
    };
    format!("{:<14} {what}{secrets} ({})", reloaded.service.name(), words::elapsed(reloaded.elapsed))
}

fn show_rules(output: Output, rules: &RulesDiff) {
    for name in &rules.added {
        output.data(&format!("    {} {name}\n", output.styled_data("+", GOOD)));
    }
    for rule in &rules.changed {
        output.data(&format!(
            "    {} {}: {}\n",
            output.styled_data("~", WARN),
            rule.name,
            rule.what.join(", ")
        ));
    }
    for name in &rules.removed {
        output.data(&format!("    {} {name}\n", output.styled_data("-", BAD)));
    }
}

fn shape(reloaded: &Reloaded) -> Value {
    json!({
        "name": reloaded.service.name(),
        "changed": reloaded.acted,
        "files": {
            "added": reloaded.files.added,
            "changed": reloaded.files.changed,
            "removed": reloaded.files.removed,
        },
        "rules": reloaded.rules,
        "elapsed_ms": u64::try_from(reloaded.elapsed.as_millis()).unwrap_or(u64::MAX),
    })
}
