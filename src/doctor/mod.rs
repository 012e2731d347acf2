//! What is commonly wrong with a running stack: facts in, a verdict with its evidence, cause and fix out.
//!
//! Pure: the facts are gathered by `apply::doctor`. One file per diagnosis, in a folder by topic.

mod alerts;
pub mod check;
mod engine;
pub mod facts;
mod grafana;
pub mod redact;
mod remedy;
pub mod secrets;
mod security;
mod stack;
mod storage;
mod targets;
mod units;

pub use alerts::notifications::failure as notification_failure;
pub use check::{Check, Diagnosis, Topic, Verdict};
pub use facts::Facts;
pub use remedy::Remedy;

use check::Run;

/// Every diagnosis: what others depend on first, and of several causes of one symptom the one that is told
/// by more evidence first.
pub const ALL: &[&Diagnosis] = &[
    &engine::engine_answers::DIAGNOSIS,
    &engine::engine_disk::DIAGNOSIS,
    &engine::engine_memory::DIAGNOSIS,
    &engine::engine_clock::DIAGNOSIS,
    &engine::engine_limits::DIAGNOSIS,
    &engine::engine_version::DIAGNOSIS,
    &engine::engine_kind::DIAGNOSIS,
    &stack::out_of_memory::DIAGNOSIS,
    &stack::crash_loop::DIAGNOSIS,
    &stack::paused::DIAGNOSIS,
    &stack::port_taken::DIAGNOSIS,
    &stack::stopped::DIAGNOSIS,
    &stack::not_answering::DIAGNOSIS,
    &stack::networks::DIAGNOSIS,
    &stack::restart_policy::DIAGNOSIS,
    &stack::image_lock::DIAGNOSIS,
    &stack::plan::DIAGNOSIS,
    &stack::leftovers::DIAGNOSIS,
    &stack::memory_use::DIAGNOSIS,
    &targets::targets_up::DIAGNOSIS,
    &targets::service_down::DIAGNOSIS,
    &targets::name_not_found::DIAGNOSIS,
    &targets::localhost::DIAGNOSIS,
    &targets::tls_expired::DIAGNOSIS,
    &targets::tls_authority::DIAGNOSIS,
    &targets::tls_name::DIAGNOSIS,
    &targets::https_on_http::DIAGNOSIS,
    &targets::http_on_https::DIAGNOSIS,
    &targets::tls_other::DIAGNOSIS,
    &targets::credentials::DIAGNOSIS,
    &targets::login_redirect::DIAGNOSIS,
    &targets::wrong_path::DIAGNOSIS,
    &targets::server_error::DIAGNOSIS,
    &targets::limit::DIAGNOSIS,
    &targets::content_type::DIAGNOSIS,
    &targets::parse_error::DIAGNOSIS,
    &targets::loopback_only::DIAGNOSIS,
    &targets::firewall::DIAGNOSIS,
    &targets::too_slow::DIAGNOSIS,
    &targets::nothing_listens::DIAGNOSIS,
    &targets::unreachable::DIAGNOSIS,
    &targets::connection_dropped::DIAGNOSIS,
    &targets::unexplained::DIAGNOSIS,
    &targets::contract::DIAGNOSIS,
    &grafana::database::DIAGNOSIS,
    &grafana::password::DIAGNOSIS,
    &grafana::datasource::DIAGNOSIS,
    &grafana::dashboards::DIAGNOSIS,
    &grafana::panels::DIAGNOSIS,
    &alerts::rules_loaded::DIAGNOSIS,
    &alerts::evaluation::DIAGNOSIS,
    &alerts::delivery::DIAGNOSIS,
    &alerts::watchdog::DIAGNOSIS,
    &alerts::notifications::DIAGNOSIS,
    &alerts::hidden::DIAGNOSIS,
    &alerts::receivers::DIAGNOSIS,
    &alerts::heartbeat::DIAGNOSIS,
    &storage::wal::DIAGNOSIS,
    &storage::samples_refused::DIAGNOSIS,
    &storage::forecast::DIAGNOSIS,
    &storage::series::DIAGNOSIS,
    &storage::cardinality::DIAGNOSIS,
    &storage::redis_memory::DIAGNOSIS,
    &security::published::DIAGNOSIS,
    &security::passwords::DIAGNOSIS,
    &security::env_file::DIAGNOSIS,
    &security::secret_files::DIAGNOSIS,
    &security::admin_api::DIAGNOSIS,
    &security::hardening::DIAGNOSIS,
    &security::image_age::DIAGNOSIS,
];

/// Everything that these topics have to say (all topics when none is named), the worst first.
pub fn examine(facts: &Facts, topics: &[Topic]) -> Vec<Check> {
    let is_wanted = |topic: Topic| topics.is_empty() || topics.contains(&topic);
    let mut checks = Vec::new();
    for diagnosis in ALL.iter().filter(|diagnosis| is_wanted(diagnosis.topic)) {
        if let Run::Once(run) = diagnosis.run {
            checks.extend(diagnosis.checks(run(facts)));
        }
    }
    if is_wanted(Topic::Targets) {
        checks.extend(targets::explain(facts));
    }
    // Stable: within a verdict and a topic the order of `ALL` stays.
    checks.sort_by_key(|check| (std::cmp::Reverse(check.verdict), check.topic));
    checks
}

#[cfg(test)]
mod tests;
