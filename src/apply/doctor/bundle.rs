//! The support archive: what doctor found, what `up` would do, versions, rendered files, logs and what the engine
//! says of each container. Nothing leaves here that was not looked through for secrets.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::apply::doctor::{ENGINE, Inspector, asked, logs, within};
use crate::apply::gather as engine_gather;
use crate::doctor::Facts;
use crate::doctor::redact::{REDACTED, Redactor};
use crate::engine::{Engine, Thing};
use crate::model::{ObservedContainer, Secret};
use crate::plan::{Policy, reconcile};

/// Lines of each service's log.
const LINES: u64 = 3000;

/// Name and text of each file of the archive, without secrets. `more` are values that no settings name.
pub async fn gather<E: Engine>(
    inspector: &Inspector<'_, E>,
    facts: &Facts,
    more: &[Secret],
) -> Vec<(String, String)> {
    let redactor = Redactor::of(inspector.settings, more);
    let mut files = vec![
        ("facts.json".to_owned(), pretty(&serde_json::to_value(facts).unwrap_or_default())),
        ("plan.txt".to_owned(), plan(inspector).await),
        ("versions.json".to_owned(), pretty(&versions(inspector, facts).await)),
    ];
    files.extend(rendered(inspector));
    files.extend(containers(inspector).await);
    files.into_iter().map(|(name, text)| (name, redactor.text(&text))).collect()
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

async fn plan<E: Engine>(inspector: &Inspector<'_, E>) -> String {
    let (session, observed) = match (&inspector.session, &inspector.observed) {
        (Ok(session), Ok(observed)) => (session, observed),
        (Err(reason), _) | (_, Err(reason)) => return format!("not known: {reason}\n"),
    };
    let facts = async { asked(engine_gather::facts(session, inspector.desired, (*observed).clone()).await) };
    match within("the engine", ENGINE, facts).await.into_result() {
        Ok(facts) => reconcile(inspector.desired, &facts, &Policy::default()).in_words(),
        Err(reason) => format!("not known: {reason}\n"),
    }
}

async fn versions<E: Engine>(inspector: &Inspector<'_, E>, facts: &Facts) -> Value {
    let engine = match &inspector.session {
        Ok(session) => {
            let describe = async { asked(session.engine.describe(Thing::Engine).await) };
            within("the engine", ENGINE, describe).await.into_result()
        }
        Err(reason) => Err(reason.clone()),
    };
    let images: serde_json::Map<String, Value> = facts
        .containers
        .answer()
        .into_iter()
        .flatten()
        .map(|one| {
            (one.service.clone(), json!({"image": one.image, "id": one.image_id, "made": one.image_created}))
        })
        .collect();
    json!({
        "confidexmon": env!("CARGO_PKG_VERSION"),
        "system": std::env::consts::OS,
        "architecture": std::env::consts::ARCH,
        "engine": engine.unwrap_or_else(|reason| json!({"not known": reason})),
        "images": images,
    })
}

/// The files as the containers get them; those that hold a secret are only named.
fn rendered<E: Engine>(inspector: &Inspector<'_, E>) -> Vec<(String, String)> {
    let services = inspector.desired.services.iter();
    let files = services.flat_map(|(service, wanted)| {
        wanted.files.files.values().map(move |file| {
            let text = if file.is_secret() {
                format!("{REDACTED}\n")
            } else {
                String::from_utf8_lossy(file.bytes()).into_owned()
            };
            (format!("rendered/{}{}", service.name(), file.path), text)
        })
    });
    files.collect()
}

async fn containers<E: Engine>(inspector: &Inspector<'_, E>) -> Vec<(String, String)> {
    let Ok(observed) = &inspector.observed else { return Vec::new() };
    let ours = engine_gather::ours(observed, &inspector.settings.stack);
    join_all(ours.map(|container| container_files(inspector, container)))
        .await
        .into_iter()
        .flatten()
        .collect()
}

async fn container_files<E: Engine>(
    inspector: &Inspector<'_, E>,
    container: &ObservedContainer,
) -> Vec<(String, String)> {
    let Ok(session) = &inspector.session else { return Vec::new() };
    let describe = async { asked(session.engine.describe(Thing::Container(&container.id)).await) };
    let (detail, lines) = tokio::join!(
        within("the engine", ENGINE, describe),
        logs::tail(&session.engine, &container.id, LINES, None)
    );
    let detail = match detail.into_result() {
        Ok(detail) => pretty(&detail),
        Err(reason) => format!("not known: {reason}\n"),
    };
    let mut log = lines.join("\n");
    log.push('\n');
    vec![(format!("inspect/{}.json", container.name), detail), (format!("logs/{}.log", container.name), log)]
}
