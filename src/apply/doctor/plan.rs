//! What `up` would do, and what is left over.

use crate::apply::doctor::{ENGINE, Inspector, asked, within};
use crate::apply::{StackSession, gather as engine_gather, network};
use crate::doctor::facts::{Asked, Blocker, PlanFacts};
use crate::engine::Engine;
use crate::model::{Hint, Observed};
use crate::plan::{self, Plan, Policy, reconcile};
use crate::store::state::Interruption;

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
    let facts = asked(engine_gather::facts(session, inspector.desired, observed.clone()).await);
    facts.map(|facts| {
        let plan = reconcile(inspector.desired, &facts, &Policy::default());
        describe(&plan, session.interruption().ok().flatten().as_ref())
    })
}

fn describe(plan: &Plan, interruption: Option<&Interruption>) -> PlanFacts {
    let lines = plan.services.iter().flat_map(|service| {
        service.steps.iter().map(|step| {
            let (_, what, cause) = step.action_and_cause(&service.container);
            format!("{what}: {cause}")
        })
    });
    let (leftovers, steps): (Vec<String>, Vec<String>) =
        lines.partition(|line| line.ends_with(": left behind by an interrupted run"));
    let stray = plan.notes.iter().filter(|note| note.contains("not enabled in the settings"));
    PlanFacts {
        steps,
        blockers: plan.blockers.iter().map(blocker).collect(),
        leftovers: leftovers.into_iter().chain(stray.cloned()).collect(),
        interruption: interruption.map(|what| match what {
            Interruption::Paused { .. } => "a backup was interrupted while Grafana was paused".to_owned(),
            Interruption::Restoring { .. } => "a restore of Grafana's data was interrupted".to_owned(),
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
