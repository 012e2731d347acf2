//! What `up` would do, and what is left over.

use crate::apply::doctor::{ENGINE, Inspector, asked, within};
use crate::apply::{StackSession, gather as engine_gather, network};
use crate::doctor::facts::{Asked, Blocker, Leftover, PlanFacts};
use crate::engine::Engine;
use crate::model::{Hint, Observed};
use crate::plan::{self, Cause, Plan, Policy, Step, reconcile};
use crate::store::state::Interruption;
use crate::update::recovery::is_kept;

pub(super) async fn gather<E: Engine>(inspector: &Inspector<'_, E>) -> Asked<PlanFacts> {
    match (&inspector.session, &inspector.observed) {
        (Ok(session), Ok(observed)) => {
            within("the engine", ENGINE, compare(inspector, session, observed)).await
        }
        (Err(reason), _) | (Ok(_), Err(reason)) => Asked::NoAnswer(reason.clone()),
    }
}

async fn compare<E: Engine>(
    inspector: &Inspector<'_, E>,
    session: &StackSession<E>,
    observed: &Observed,
) -> Asked<PlanFacts> {
    let facts = engine_gather::facts(session, inspector.desired, observed.clone());
    let (facts, abandoned) = tokio::join!(facts, of_no_drill(inspector, session, observed));
    asked(facts).map(|facts| {
        let plan = reconcile(inspector.desired, &facts, &Policy::default());
        let leftovers = leftovers(inspector, observed, (&plan, &abandoned));
        describe(&plan, leftovers, session.interruption().ok().flatten().as_ref())
    })
}

/// Ids of a drill's containers while no drill runs. A drill from another machine cannot be seen here, so an
/// engine that others share over the network tells nothing.
async fn of_no_drill<E: Engine>(
    inspector: &Inspector<'_, E>,
    session: &StackSession<E>,
    observed: &Observed,
) -> Vec<String> {
    let stack = &inspector.settings.stack;
    let of_drills = |observed: &Observed| -> Vec<String> {
        let ours = engine_gather::ours(observed, stack).filter(|one| one.is_of_drill());
        ours.map(|one| one.id.clone()).collect()
    };
    let found = of_drills(observed);
    if found.is_empty() || !session.engine.info().is_local() || session.is_drilled(stack) {
        return Vec::new();
    }
    // A drill that has ended since the listing took its containers with it.
    let still = session.engine.list().await.map(|now| of_drills(&now)).unwrap_or_default();
    found.into_iter().filter(|id| still.contains(id)).collect()
}

/// Containers of ours that no settings name. `abandoned`: those of drills that no longer run.
fn leftovers<E: Engine>(
    inspector: &Inspector<'_, E>,
    observed: &Observed,
    (plan, abandoned): (&Plan, &[String]),
) -> Vec<Leftover> {
    let removed: Vec<&str> = plan
        .services
        .iter()
        .filter(|one| one.steps.iter().any(is_left_behind))
        .map(|one| one.container.as_str())
        .collect();
    let containers = engine_gather::ours(observed, &inspector.settings.stack);
    let left = containers.filter_map(|container| {
        let service = container.service()?;
        let is_abandoned = abandoned.contains(&container.id);
        let temporary = is_abandoned || removed.contains(&container.name.as_str());
        let is_wanted = inspector.desired.services.values().any(|wanted| wanted.spec.name == container.name);
        let is_stray = !is_wanted && !container.is_temporary() && !is_kept(container);
        (temporary || is_stray).then(|| Leftover {
            container: container.name.clone(),
            service: service.name().to_owned(),
            evidence: format!(
                "{} ({}), and {}",
                container.state,
                container.status.to_lowercase(),
                if is_abandoned { "no drill runs" } else { "the settings name no such container" }
            ),
            temporary,
            runs: container.is_running(),
        })
    });
    left.collect()
}

fn is_left_behind(step: &Step) -> bool {
    matches!(step, Step::Remove { cause: Cause::LeftBehind, .. })
}

fn describe(plan: &Plan, leftovers: Vec<Leftover>, interruption: Option<&Interruption>) -> PlanFacts {
    let lines = plan.services.iter().flat_map(|service| {
        service.steps.iter().filter(|step| !is_left_behind(step)).map(|step| {
            let (_, what, cause) = step.action_and_cause(&service.container);
            format!("{what}: {cause}")
        })
    });
    PlanFacts {
        steps: lines.collect(),
        blockers: plan.blockers.iter().map(blocker).collect(),
        leftovers,
        interruption: interruption.map(|what| match what {
            Interruption::Paused { .. } => "a backup was interrupted while Grafana was paused".to_owned(),
            Interruption::Restoring { .. } => "a restore of Grafana's data was interrupted".to_owned(),
            Interruption::Beside { .. } => "a restore as a stack of its own was interrupted".to_owned(),
        }),
    }
}

fn blocker(blocker: &plan::Blocker) -> Blocker {
    let kind = match blocker {
        plan::Blocker::PortTaken { .. } => "port",
        plan::Blocker::ForeignContainer { .. } | plan::Blocker::OtherProject { .. } => "foreign",
        plan::Blocker::ImageMoved { .. } => "image",
        plan::Blocker::LosesEveryRule => "rules",
    };
    Blocker { kind: kind.to_owned(), text: blocker.to_string(), hint: blocker.hint().unwrap_or_default() }
}

/// How many networks have the stack's name.
pub(super) async fn networks<E: Engine>(inspector: &Inspector<'_, E>) -> Asked<usize> {
    let (Ok(session), Ok(_)) = (&inspector.session, &inspector.observed) else { return Asked::Absent };
    let name = &inspector.desired.network.name;
    let count = async {
        asked(session.engine.find_networks(name).await)
            .map(|found| found.iter().filter(|one| network::is_ours(one, &inspector.settings.stack)).count())
    };
    within("the engine", ENGINE, count).await
}
