//! Plans applied to the memory engine: whatever was there before, a second plan is empty.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use proptest::prelude::*;
use tokio_util::sync::CancellationToken;

use super::{PROBE_DEADLINE, StackSession, gather, network, pull, services};
use crate::engine::memory::MemoryEngine;
use crate::engine::{Containers, Engine, ErrorKind, Networks};
use crate::error::Error;
use crate::model::{ServiceKind, StackName};
use crate::net::HttpClient;
use crate::plan::removal::{Data, removal};
use crate::plan::{Plan, Policy, PullPolicy, reconcile};
use crate::render::ProjectFiles;
use crate::report::events::Silent;
use crate::services::Desired;
use crate::services::render_stack;
use crate::settings::{self, FlagOverrides, Sources};
use crate::store::state::StackState;

/// What became of one container between two runs.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Kept,
    Removed,
    Stopped,
    State(&'static str),
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        Just(Fate::Kept),
        Just(Fate::Removed),
        Just(Fate::Stopped),
        Just(Fate::State("paused")),
        Just(Fate::State("dead")),
        Just(Fate::State("created")),
    ]
}

/// The shipped stack with Redis; no fixed ports, so that nothing on this machine matters.
pub(super) fn desired(log_level: &str) -> Desired {
    let mut environment: BTreeMap<String, String> =
        ["PROMETHEUS", "GRAFANA", "ALERTMANAGER", "REDIS", "REDIS_EXPORTER"]
            .map(|name| (format!("CONFIDEXMON_PORT_{name}"), "0".to_owned()))
            .into();
    environment.insert("REDIS_PASSWORD".to_owned(), "hush".to_owned());
    environment.insert("CONFIDEXMON_LOG_LEVEL".to_owned(), log_level.to_owned());
    let flags = FlagOverrides { with: vec![ServiceKind::Redis], ..FlagOverrides::default() };
    let sources = Sources { settings_file: None, dotenv: None, environment: &environment, flags: &flags };
    let settings = settings::resolve(&sources).0.unwrap();
    let files = render_stack(&settings, &ProjectFiles::embedded()).unwrap();
    crate::services::desired(&settings, files)
}

async fn down(session: &StackSession<MemoryEngine>, stack: &StackName, data: Data) {
    let observed = session.engine.list().await.unwrap();
    let found = super::down::gather(session, stack, observed, super::down::Volumes::Listed).await.unwrap();
    super::down::run(session, &removal(&found, stack, data)).await.unwrap();
}

pub(super) fn session(engine: MemoryEngine, folder: &Path) -> StackSession<MemoryEngine> {
    crate::net::http::install_crypto();
    let stack = StackName::new("confidex").unwrap();
    StackSession {
        state: Mutex::new(StackState::load(folder, &engine.info().endpoint, &stack)),
        engine,
        reporter: Box::new(Silent),
        http: HttpClient::new(PROBE_DEADLINE).unwrap(),
        cancel: CancellationToken::new(),
    }
}

async fn plan(session: &StackSession<MemoryEngine>, desired: &Desired) -> Result<Plan, Error> {
    let observed = session.engine.list().await?;
    let facts = gather::facts(session, desired, observed).await?;
    Ok(reconcile(desired, &facts, &Policy::default()))
}

pub(super) async fn up(session: &StackSession<MemoryEngine>, desired: &Desired) -> Result<(), Error> {
    let plan = plan(session, desired).await?;
    services::run(session, desired, &plan, PullPolicy::Missing)
        .await
        .map_err(|errors| Error::all(errors).unwrap())
}

pub(super) fn with_images(desired: &Desired) -> MemoryEngine {
    let engine = MemoryEngine::new();
    for wanted in desired.services.values() {
        engine.add_image(&wanted.spec.image);
    }
    engine
}

pub(super) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

async fn meet(engine: &MemoryEngine, fates: &BTreeMap<ServiceKind, Fate>) {
    for (service, fate) in fates {
        let name = StackName::new("confidex").unwrap().container(*service);
        match fate {
            Fate::Kept => {}
            Fate::Removed => engine.remove_container(&name, true).await.unwrap(),
            Fate::Stopped => engine.stop(&name, Duration::ZERO).await.unwrap(),
            Fate::State(state) => engine.set_state(&name, state),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// A stack of older settings, in any state, and a run that loses the engine at any call: the next
    /// run ends with what the settings say, and then there is nothing to do.
    #[test]
    fn after_any_past_and_any_interruption_one_run_converges(
        fates in prop::collection::vec(fate(), ServiceKind::ALL.len()),
        older in any::<bool>(),
        dies_after in prop::option::of(0_usize..30),
    ) {
        let wanted = desired("info");
        let before = desired(if older { "debug" } else { "info" });
        let fates = ServiceKind::ALL.into_iter().zip(fates).collect();
        let folder = tempfile::tempdir().unwrap();
        runtime().block_on(async {
            let session = session(with_images(&wanted), folder.path());
            up(&session, &before).await.unwrap();
            meet(&session.engine, &fates).await;
            if let Some(calls) = dies_after {
                session.engine.go_down_after(calls);
                let _ = up(&session, &wanted).await;
                session.engine.come_back();
            }
            up(&session, &wanted).await.unwrap();
            let left = plan(&session, &wanted).await.unwrap();
            prop_assert!(left.is_empty() && left.blockers.is_empty(), "{left}");
            let observed = session.engine.list().await.unwrap();
            prop_assert_eq!(observed.containers.iter().filter(|one| one.is_running()).count(), ServiceKind::ALL.len());
            Ok(())
        })?;
    }
}

#[test]
fn pull_always_replaces_a_container_whose_image_moved_and_only_that() {
    let wanted = desired("info");
    let folder = tempfile::tempdir().unwrap();
    runtime().block_on(async {
        let engine = with_images(&wanted);
        let session = session(engine.clone(), folder.path());
        up(&session, &wanted).await.unwrap();
        for service in wanted.services.values() {
            engine.publish(&service.spec.image);
        }
        let moved = &wanted.services[&ServiceKind::Grafana].spec.image;
        engine.remove_image(moved);
        engine.add_image(moved);
        let mut facts = gather::facts(&session, &wanted, session.engine.list().await.unwrap()).await.unwrap();
        facts.images = pull::all(&session, &wanted).await.unwrap();
        let policy = Policy { pull: PullPolicy::Always, ..Policy::default() };
        let plan = reconcile(&wanted, &facts, &policy);
        let changed: Vec<_> =
            plan.services.iter().filter(|service| !service.steps.is_empty()).map(|s| s.service).collect();
        assert_eq!(changed, [ServiceKind::Grafana], "{plan}");
        assert!(
            plan.to_string().contains("docker.io/grafana/grafana:13.2.0 means another image now"),
            "{plan}"
        );
    });
}

#[test]
fn an_image_that_is_nowhere_is_named_and_nothing_else_is_lost() {
    let wanted = desired("info");
    let folder = tempfile::tempdir().unwrap();
    runtime().block_on(async {
        let engine = with_images(&wanted);
        engine.remove_image(&wanted.services[&ServiceKind::Redis].spec.image);
        let session = session(engine.clone(), folder.path());
        let error = up(&session, &wanted).await.unwrap_err();
        assert!(error.to_string().contains("docker.io/library/redis"), "{error}");
        assert_eq!(engine.list().await.unwrap().containers.len(), 4);
        engine.add_image(&wanted.services[&ServiceKind::Redis].spec.image);
        up(&session, &wanted).await.unwrap();
        assert!(plan(&session, &wanted).await.unwrap().is_empty());
    });
}

#[test]
fn what_is_replaced_is_pulled_first_and_the_plan_says_so() {
    let before = desired("info");
    let folder = tempfile::tempdir().unwrap();
    runtime().block_on(async {
        let engine = with_images(&before);
        let session = session(engine.clone(), folder.path());
        up(&session, &before).await.unwrap();
        let mut wanted = before.clone();
        let image = crate::model::ImageRef::new("docker.io/grafana/grafana:99.0.0").unwrap();
        wanted.services.get_mut(&ServiceKind::Grafana).unwrap().spec.image = image;
        let planned = plan(&session, &wanted).await.unwrap();
        assert!(
            planned.to_string().contains("pull docker.io/grafana/grafana:99.0.0 and replace"),
            "{planned}"
        );
        up(&session, &wanted).await.unwrap_err();
        let containers = engine.list().await.unwrap().containers;
        assert_eq!(containers.iter().filter(|one| one.is_running()).count(), 5, "nothing was removed");
    });
}

#[test]
fn of_two_networks_of_one_name_the_one_in_use_stays() {
    let wanted = desired("info");
    let folder = tempfile::tempdir().unwrap();
    runtime().block_on(async {
        let session = session(with_images(&wanted), folder.path());
        up(&session, &wanted).await.unwrap();
        let spec = wanted.network.clone();
        match session.engine.create_network(&spec).await {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind, ErrorKind::Conflict),
        }
        network::remove_duplicates(&session, &spec).await.unwrap();
        assert_eq!(session.engine.find_networks(&spec.name).await.unwrap().len(), 1);
        assert!(plan(&session, &wanted).await.unwrap().is_empty());
    });
}

#[test]
fn a_stack_without_an_owner_is_taken_over_as_it_is_and_another_projects_is_refused() {
    use crate::model::Project;
    use crate::plan::Blocker;
    use crate::plan::ownership::Adoption;
    let project = |path: &str| Project { path: path.to_owned(), ..Project::default() };
    let of = |path: &str| {
        let mut wanted = desired("info");
        wanted.belongs_to(project(path));
        wanted
    };
    let (old, ours, others) = (desired("info"), of("/ours"), of("/others"));
    let folder = tempfile::tempdir().unwrap();
    runtime().block_on(async {
        let session = session(with_images(&old), folder.path());
        up(&session, &old).await.unwrap();
        assert!(plan(&session, &ours).await.unwrap().is_empty(), "an older version's is not made again");

        down(&session, &old.stack, Data::Removed).await;
        up(&session, &ours).await.unwrap();
        assert!(plan(&session, &ours).await.unwrap().is_empty());
        let refused = plan(&session, &others).await.unwrap();
        assert!(matches!(&refused.blockers[..], [Blocker::OtherProject { owner, .. }] if owner == "/ours"));
        down(&session, &ours.stack, Data::Kept).await;
        let refused = plan(&session, &others).await.unwrap();
        assert!(matches!(&refused.blockers[..], [Blocker::OtherProject { .. }]), "the data is theirs");

        up(&session, &ours).await.unwrap();
        let observed = session.engine.list().await.unwrap();
        let facts = gather::facts(&session, &others, observed).await.unwrap();
        let adopting = Policy { adoption: Adoption::Allowed, ..Policy::default() };
        let adopted = reconcile(&others, &facts, &adopting);
        assert!(
            adopted.blockers.is_empty()
                && adopted.to_string().contains("taken over from the project in /ours")
        );
        services::run(&session, &others, &adopted, PullPolicy::Missing).await.unwrap();
        assert!(plan(&session, &others).await.unwrap().is_empty());
    });
}
