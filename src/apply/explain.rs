//! Failures in one sentence, with the evidence and the fix.

use futures_util::StreamExt;

use crate::apply::gather;
use crate::engine::{Engine, EngineError, ErrorKind, LogQuery, Processes};
use crate::error::{Error, ExitCode};
use crate::model::{Hint, ServiceKind};
use crate::plan::Blocker;
use crate::services::DesiredService;

/// Lines of a service's log that a failure shows.
const LOG_LINES: u64 = 20;

/// One error for everything that stands in the way of a plan.
pub fn blockers(blockers: &[Blocker]) -> Option<Error> {
    let first = blockers.first()?;
    let code = if *first == Blocker::LosesEveryRule { ExitCode::Usage } else { ExitCode::Failed };
    let mut error = Error::new(code, first.to_string());
    for other in blockers.iter().skip(1) {
        error.message.push_str(&format!("; {other}"));
    }
    for blocker in blockers {
        if let Some(hint) = blocker.hint() {
            error = error.hint(hint);
        }
    }
    Some(error)
}

/// Why a start failed: for a taken port, who holds it and which one is free.
pub async fn failed_start<E: Engine>(
    engine: &E,
    service: ServiceKind,
    wanted: &DesiredService,
    error: EngineError,
) -> Error {
    if !matches!(error.kind, ErrorKind::PortTaken { .. }) {
        return error.into();
    }
    let Some(port) = wanted.spec.ports.first() else { return error.into() };
    let holder = gather::port_holder(engine, port.host, &wanted.spec.name).await;
    let free_port = engine
        .info()
        .ports_are_local
        .then(|| crate::store::ports::next_free(port.host_ip, port.host, &[]))
        .flatten();
    let blocker = Blocker::PortTaken { service, port: port.host, holder, free_port };
    let mut explained = Error::from(error);
    explained.message = blocker.to_string();
    match blocker.hint() {
        Some(hint) => explained.hint(hint),
        None => explained,
    }
}

/// The last lines of a container's log, indented.
pub async fn last_log_lines<E: Processes>(engine: &E, container_id: &str) -> String {
    let query = LogQuery { follow: false, since: None, tail: Some(LOG_LINES) };
    let lines = engine.logs(container_id, query).take(200).filter_map(|line| async move { line.ok() });
    let collected = tokio::time::timeout(std::time::Duration::from_secs(5), lines.collect::<Vec<_>>()).await;
    let lines = collected.unwrap_or_default();
    if lines.is_empty() {
        return "    (its log is empty)\n".to_owned();
    }
    lines.iter().map(|line| format!("    {}\n", line.text.trim_end())).collect()
}
