//! `up` and `plan`: converge the stack, or say what that would take.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use crate::apply::grafana::provisioned::Datasources;
use crate::apply::grafana::{self, Proven, Ready};
use crate::apply::overview::{self, Apis, FirstScrapes};
use crate::apply::ownership as ownership_memory;
use crate::apply::reload::diff;
use crate::apply::update::locking::{self, Locking};
use crate::apply::update::recover;
use crate::apply::{StackSession, explain, gather, interrupted, pull, services as apply_services, wait};
use crate::cli::args::{PlanOptions, UpOptions};
use crate::cli::context::{Context, Loaded};
use crate::cli::opened::Opened;
use crate::cli::refusal::Foreseen;
use crate::engine::{Containers, Engine};
use crate::error::{Error, ExitCode};
use crate::health::overview::{Target, TargetHealth};
use crate::model::{Manifest, Observed, Secret, ServiceKind};
use crate::net::prometheus::LoadedGroup;
use crate::plan::ownership::{self, Adoption, Remains};
use crate::plan::{Blocker, EmptyRules, Plan, Policy, PullPolicy, ServicePlan, Step, reconcile};
use crate::render::context::browser_host;
use crate::report::output::{BOLD, WARN};
use crate::report::overview::target_line;
use crate::report::{Format, Output, words};
use crate::services::{Desired, Protocol, profile};
use crate::update::recovery;

/// Makes the stack what the settings say, waits until it works, and says what does not.
///
/// # Errors
/// When something is in the way, or a service does not become healthy in time.
pub async fn run(context: &Context, options: UpOptions) -> Result<(), Error> {
    let wishes = Wishes { empty_rules: options.allow_empty.into(), adoption: options.owner.adopt.into() };
    if options.dry_run {
        return plan(context, options.plan, wishes).await;
    }
    let began = Instant::now();
    let mut loaded = context.load(&options.plan)?;
    context.identify(&mut loaded)?;
    let desired = context.desired(&loaded)?;
    let Opened { session, mut observed, lock: _lock } = context.take(&loaded, "up").await?;
    if !options.owner.adopt {
        let remains = Remains { observed: &observed, volumes: &[] };
        let other = ownership::other_project(&loaded.settings.stack, &loaded.identity, remains);
        explain::blockers(other.as_slice()).map_or(Ok(()), Err)?;
    }
    if recover::run(&session, &observed, &loaded.settings.stack, &loaded.images_lock.lock).await? {
        observed = session.engine.list().await?;
    }
    let had_redis = loaded.settings.redis.enabled;
    let (loaded, desired) = context.settled((loaded, desired), &options.plan, &observed)?;
    context.print_warnings(&loaded);
    say_what_flags_keep(context, &loaded, &options.plan, had_redis)?;
    let mut facts = gather::facts(&session, &desired, observed).await?;
    if options.plan.pull == PullPolicy::Always {
        facts.images = pull::all(&session, &desired).await?;
    }
    let plan = reconcile(&desired, &facts, &policy(&options.plan, wishes));
    for note in &plan.notes {
        session.warn(note.clone());
    }
    let old_password = old_password(&session, &desired, &plan, &facts.observed).await;
    let rules_before = rules_before(&session, &desired, &plan, &facts.observed).await;
    if let Err(errors) = Box::pin(apply_services::run(&session, &desired, &plan, options.plan.pull)).await {
        let error = Error::all(errors).unwrap_or_else(|| Error::new(ExitCode::Failed, "the plan failed"));
        return Err(context.place_refusals(&loaded, &desired, error));
    }
    // Data is put back through a container, and there was none before.
    interrupted::finish(&session).await?;
    let running = match known_running(&desired, &plan, &facts) {
        Some(running) => running,
        None => wait::running(&session, &desired).await?,
    };
    wait::until_ready(&session, &desired, &running, options.timeout).await?;
    if options.owner.adopt {
        ownership_memory::adopted(&session, &desired.stack, &loaded.identity).await?;
    }
    let mut images_lock = loaded.images_lock.clone();
    let locking = Locking { file: &mut images_lock, named: &loaded.named_images, running: BTreeMap::new() };
    locking::add_missing(&session, &desired, locking).await?;
    let of_grafana = async {
        let Some(running) = running.get(&ServiceKind::Grafana) else { return Proven::default() };
        let asked = GrafanaProof { loaded: &loaded, desired: &desired, plan: &plan, running };
        prove_grafana(&session, &asked, old_password).await
    };
    if let Some(before) = rules_before
        && let Some(after) = rules_of(&session, &desired, &running).await
        && let Some(lost) = diff::between(&before, &after).lost()
    {
        session.warn(lost);
    }
    let first = first_scrapes(&loaded, &desired, &plan, options.no_wait_targets);
    if !first.limit.is_zero() {
        context.output.info(&format!(
            "waiting for the first scrapes of the targets, at most {} s",
            first.limit.as_secs()
        ));
    }
    let of_targets = targets(&session, &desired, &running, &first);
    let (proven, targets) = tokio::join!(of_grafana, of_targets);
    if session.cancel.is_cancelled() {
        return Err(Error::new(
            ExitCode::Interrupted,
            "stopped by a signal while the first scrapes were awaited",
        )
        .hint("the services run and answer; `confidexmon status` shows the targets"));
    }
    report(
        context.output,
        &session,
        &Outcome { loaded: &loaded, plan: &plan, running: &running, proven, targets, began },
    );
    Ok(())
}

/// A service that the settings do not name runs until it is switched off again, and that is easily forgotten.
/// `had_redis`: before it was looked at what runs.
fn say_what_flags_keep(
    context: &Context,
    loaded: &Loaded,
    options: &PlanOptions,
    had_redis: bool,
) -> Result<(), Error> {
    if !loaded.settings.redis.enabled {
        return Ok(());
    }
    let by_flag = options.with.contains(&ServiceKind::Redis);
    if had_redis && (!by_flag || context.load(&PlanOptions::default())?.settings.redis.enabled) {
        return Ok(());
    }
    context.output.info(
        "note: redis runs because of `up --with redis`, not by the settings: it stays until `up --without redis`; `redis.enabled: true` in config/confidexmon.yml keeps it for good",
    );
    Ok(())
}

/// The longest wait for first scrapes.
const LONGEST_SCRAPE_WAIT: Duration = Duration::from_secs(25);

/// Prometheus spreads its first scrapes over the interval; after it, each target was scraped or is late. Where
/// nothing was changed there is nothing to wait for.
fn first_scrapes(loaded: &Loaded, desired: &Desired, plan: &Plan, no_wait: bool) -> FirstScrapes {
    if plan.is_empty() {
        return FirstScrapes::default();
    }
    let interval = loaded.settings.prometheus.scrape_interval.length();
    let limit = (overview::DISCOVERY + interval).min(LONGEST_SCRAPE_WAIT);
    FirstScrapes {
        wanted: overview::wanted_targets(desired),
        limit: if no_wait { Duration::ZERO } else { limit },
    }
}

/// What Prometheus says of its targets once each was scraped; `None` when it cannot be asked.
async fn targets<E: Engine>(
    session: &StackSession<E>,
    desired: &Desired,
    running: &wait::Running,
    first: &FirstScrapes,
) -> Option<Vec<Target>> {
    let prometheus = Apis::of(session, desired, running).prometheus?;
    overview::scraped_targets(session, &prometheus, first).await
}

/// The rules in force, before the plan changes something of Prometheus.
async fn rules_before<E: Engine>(
    session: &StackSession<E>,
    desired: &Desired,
    plan: &Plan,
    observed: &Observed,
) -> Option<Vec<LoadedGroup>> {
    let touched = |one: &&ServicePlan| one.service == ServiceKind::Prometheus && !one.steps.is_empty();
    plan.services.iter().find(touched)?;
    rules_of(session, desired, &wait::running_in(observed, desired)).await
}

async fn rules_of<E: Engine>(
    session: &StackSession<E>,
    desired: &Desired,
    running: &wait::Running,
) -> Option<Vec<LoadedGroup>> {
    overview::rules(&Apis::of(session, desired, running).prometheus?).await
}

/// The password that Grafana's file holds, before the plan replaces it.
async fn old_password<E: Engine>(
    session: &StackSession<E>,
    desired: &Desired,
    plan: &Plan,
    observed: &Observed,
) -> Option<Secret> {
    let grafana = ServiceKind::Grafana;
    let wanted = desired.services.get(&grafana)?;
    plan.services.iter().find(|service| service.service == grafana && !service.steps.is_empty())?;
    let container = gather::services(observed, &desired.stack).find(|one| one.service() == Some(grafana))?;
    crate::apply::grafana::old_password(session, wanted, container).await
}

/// A running Grafana, and what it should hold.
struct GrafanaProof<'a> {
    loaded: &'a Loaded,
    desired: &'a Desired,
    plan: &'a Plan,
    /// Container id (or name) and port.
    running: &'a (String, u16),
}

/// Proves what Grafana took from its files. What was proved of this container and these files before, and
/// was not touched now, is not asked again.
async fn prove_grafana<E: Engine>(
    session: &StackSession<E>,
    asked: &GrafanaProof<'_>,
    old_password: Option<Secret>,
) -> Proven {
    let GrafanaProof { loaded, desired, plan, running: (container_id, port) } = *asked;
    let Some(wanted) = desired.services.get(&ServiceKind::Grafana) else { return Proven::default() };
    let password_is_chosen = !loaded.settings.grafana.password_is_default;
    let digest = Manifest::of(&wanted.files).digest();
    let address = session.address(wanted, *port);
    let ready = Ready { wanted, container_id, address, password_is_chosen, old_password };
    if plan.is_empty() && session.is_proved(container_id, &digest) {
        // Somebody may have changed a default password in Grafana's pages since.
        let default_in_force = !password_is_chosen && grafana::password_is_in_force(session, &ready).await;
        return Proven { default_in_force, whole: true, ..Proven::default() };
    }
    let proven =
        grafana::prove(session, &ready, Datasources::of(|kind| desired.services.contains_key(&kind))).await;
    // A new container is known by its name so far.
    if proven.whole
        && let Ok(detail) = session.engine.inspect(container_id).await
    {
        session.remember_proof(&detail.id, &digest);
    }
    proven
}

/// What `up` came to.
struct Outcome<'a> {
    loaded: &'a Loaded,
    plan: &'a Plan,
    running: &'a wait::Running,
    proven: Proven,
    targets: Option<Vec<Target>>,
    began: Instant,
}

/// `plan`, and `up --dry-run`: what `up` would do, or why it would refuse to.
pub async fn plan(context: &Context, options: PlanOptions, wishes: Wishes) -> Result<(), Error> {
    let loaded = context.load(&options)?;
    let desired = context.desired(&loaded)?;
    let Opened { session, observed, .. } = context.look_at(&loaded).await?;
    let had_redis = loaded.settings.redis.enabled;
    let (loaded, desired) = context.settled((loaded, desired), &options, &observed)?;
    context.print_warnings(&loaded);
    say_what_flags_keep(context, &loaded, &options, had_redis)?;
    let facts = gather::facts(&session, &desired, observed).await?;
    let mut plan = reconcile(&desired, &facts, &policy(&options, wishes));
    let cut_off = recovery::decide(&facts.observed, &desired.stack, &loaded.images_lock.lock);
    if !cut_off.is_empty() {
        // What comes after depends on what that leaves.
        plan = Plan { notes: cut_off.iter().map(ToString::to_string).collect(), ..Plan::default() };
    }
    let foreseen = context.foresee(&session, &loaded, &desired, &plan).await;
    match context.output.format {
        Format::Json => context.output.json(&plan_json(&plan, &foreseen)),
        Format::Human => context.output.data(&plan.in_words()),
    }
    match crate::apply::explain::blockers(&plan.blockers) {
        Some(error) => Err(error),
        None => foreseen.result(),
    }
}

/// What the user allows that is refused otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wishes {
    empty_rules: EmptyRules,
    adoption: Adoption,
}

fn policy(options: &PlanOptions, Wishes { empty_rules, adoption }: Wishes) -> Policy {
    Policy { without: options.without.clone(), pull: options.pull, empty_rules, adoption }
}

/// Ids and ports, when the listing already told them: everything ran and nothing was touched.
fn known_running(desired: &Desired, plan: &Plan, facts: &crate::plan::Facts) -> Option<wait::Running> {
    if !plan.is_empty() {
        return fixed_ports(desired);
    }
    Some(wait::running_in(&facts.observed, desired))
}

/// With fixed ports nothing needs to be looked up: the probe knows where to ask. The container's
/// name serves as its id in every engine call.
fn fixed_ports(desired: &Desired) -> Option<wait::Running> {
    desired
        .services
        .iter()
        .map(|(service, wanted)| {
            let port = wanted.spec.ports.first().map(|port| port.host).filter(|port| *port != 0)?;
            Some((*service, (wanted.spec.name.clone(), port)))
        })
        .collect()
}

fn report<E: Engine>(output: Output, session: &StackSession<E>, outcome: &Outcome<'_>) {
    let Outcome { loaded, plan, running, proven, targets, began } = outcome;
    let targets = targets.as_deref().unwrap_or_default();
    for target in targets.iter().filter(|target| target.health == TargetHealth::Down) {
        session.warn(format!("the target `{}` is down: {}: {}", target.job, target.url, target.last_error));
    }
    if !loaded.settings.receivers.notifies_somebody() {
        session.warn(
            "no receiver is configured: alerts fire, but nobody is notified (set SLACK_WEBHOOK_URL or PAGERDUTY_SERVICE_KEY in .env)",
        );
    }
    let host = browser_host(&loaded.settings);
    let urls = running.iter().map(|(service, (_, port))| (*service, url(loaded, *service, (&host, *port))));
    match output.format {
        Format::Json => output.json(&json!({
            "stack": loaded.settings.stack.as_str(),
            "changed": !plan.is_empty(),
            "services": urls.map(|(service, url)| json!({"name": service.name(), "url": url})).collect::<Vec<_>>(),
            "targets": targets,
        })),
        Format::Human => {
            let is_down = targets.iter().any(|target| target.health == TargetHealth::Down);
            let what = match (plan.is_empty(), proven.lacks.is_empty()) {
                (_, false) => "the stack is up, but Grafana does not show everything",
                _ if proven.refused => "the stack is up, but Grafana does not take the password of the settings",
                (false, _) if is_down => "the stack is up, but not every target is",
                (true, _) if is_down => "nothing to do: the stack is as it should be, but not every target is up",
                (true, _) => "nothing to do, everything is healthy",
                (false, _) => "the stack is up and healthy",
            };
            output.info(&format!("{} ({})", output.styled(what, BOLD), words::elapsed(began.elapsed())));
            if output.quiet {
                return;
            }
            for (service, url) in urls {
                output.data(&format!("{:<14} {url}\n", service.name()));
            }
            show_targets(output, targets, !plan.is_empty());
            if proven.default_in_force {
                let text = format!("sign in to Grafana as {} / changeme", loaded.settings.grafana.admin_user);
                output.info(&output.styled(&text, WARN));
            }
        }
    }
}

/// Each target after a change; after none only how many are up.
fn show_targets(output: Output, targets: &[Target], each: bool) {
    let up = targets.iter().filter(|target| target.health == TargetHealth::Up).count();
    if targets.is_empty() {
        return;
    }
    output.info(&format!("targets: {up} of {} up", targets.len()));
    // What is down was said as a warning already.
    for target in targets.iter().filter(|target| each && target.health != TargetHealth::Down) {
        output.info(&format!("  {}", target_line(output, target)));
    }
}

/// The address that a person uses: the one of the settings, else where the service is really published.
pub fn url(loaded: &Loaded, service: ServiceKind, (host, port): (&str, u16)) -> String {
    if profile(service).protocol == Protocol::Redis {
        return format!("redis://{host}:{port}");
    }
    let public = (profile(service).public_url)(&loaded.settings.links);
    public.map_or_else(|| format!("http://{host}:{port}"), |url| url.trim_end_matches('/').to_owned())
}

fn plan_json(plan: &Plan, foreseen: &Foreseen) -> serde_json::Value {
    let refused = foreseen.findings.iter().map(|finding| {
        let place = &finding.place;
        format!("{}:{}:{}: {}", place.file, place.line, place.column, finding.message)
    });
    let network = plan.network.iter().map(|network| {
        json!({"service": null, "action": format!("create network {}", network.name), "cause": network.cause.to_string()})
    });
    let services = plan.services.iter().flat_map(|service| {
        service.steps.iter().map(|step: &Step| {
            let (_, action, cause) = step.action_and_cause(&service.container);
            json!({"service": service.service.name(), "action": action, "cause": cause.to_string()})
        })
    });
    json!({
        "changes": !plan.is_empty(),
        "steps": network.chain(services).collect::<Vec<_>>(),
        "blockers": plan.blockers.iter().map(Blocker::to_string).chain(refused).collect::<Vec<_>>(),
        "notes": plan.notes,
    })
}
