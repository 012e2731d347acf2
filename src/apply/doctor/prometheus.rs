//! What Prometheus says about itself.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;

use crate::apply::doctor::{Inspector, asked, logs, now, since, targets};
use crate::doctor::facts::{Asked, Head, Prometheus as Facts, Rule};
use crate::engine::Engine;
use crate::error::in_full;
use crate::model::{PromDuration, ServiceKind};
use crate::net::NetError;
use crate::net::prometheus::{LoadedGroup, Prometheus};
use crate::plan::rule_intent::{self, Intent};

/// Questions about itself, by the name of their answer.
const QUESTIONS: [(&str, &str); 19] = [
    ("newest_sample_age", "time() - max(timestamp(up))"),
    ("missed_evaluations", "sum(increase(prometheus_rule_group_iterations_missed_total[15m]))"),
    ("dropped_alerts", "sum(increase(prometheus_notifications_dropped_total[15m]))"),
    ("alert_errors", "sum(increase(prometheus_notifications_errors_total[15m]))"),
    ("alert_errors_now", "sum(increase(prometheus_notifications_errors_total[3m]))"),
    ("alert_queue", "max(prometheus_notifications_queue_length / prometheus_notifications_queue_capacity)"),
    ("wal_corruptions", "sum(increase(prometheus_tsdb_wal_corruptions_total[1d]))"),
    ("compactions_failed", "sum(increase(prometheus_tsdb_compactions_failed_total[1d]))"),
    ("duplicate_samples", "sum(increase(prometheus_target_scrapes_sample_duplicate_timestamp_total[15m]))"),
    ("out_of_order_samples", "sum(increase(prometheus_target_scrapes_sample_out_of_order_total[15m]))"),
    ("out_of_bounds_samples", "sum(increase(prometheus_target_scrapes_sample_out_of_bounds_total[15m]))"),
    (
        "storage_bytes",
        "sum(prometheus_tsdb_storage_blocks_bytes + prometheus_tsdb_wal_storage_size_bytes + prometheus_tsdb_head_chunks_storage_size_bytes)",
    ),
    (
        "storage_slope",
        "sum(deriv(prometheus_tsdb_storage_blocks_bytes[6h]) + deriv(prometheus_tsdb_wal_storage_size_bytes[6h]) + deriv(prometheus_tsdb_head_chunks_storage_size_bytes[6h]))",
    ),
    ("samples_per_second", "sum(rate(prometheus_tsdb_head_samples_appended_total[5m]))"),
    ("new_series_per_hour", "sum(rate(prometheus_tsdb_head_series_created_total[1h])) * 3600"),
    (
        "bytes_per_sample",
        "sum(rate(prometheus_tsdb_compaction_chunk_size_bytes_sum[6h])) / sum(rate(prometheus_tsdb_compaction_chunk_samples_sum[6h]))",
    ),
    ("clean_start", "min(prometheus_tsdb_clean_start)"),
    (
        "evaluation_share",
        "max(prometheus_rule_group_last_duration_seconds / prometheus_rule_group_interval_seconds)",
    ),
    ("reload_failed", "count(prometheus_config_last_reload_successful == 0)"),
];

pub(super) async fn gather<E: Engine>(inspector: &Inspector<'_, E>) -> Asked<Facts> {
    let base_url = match inspector.base_url(ServiceKind::Prometheus) {
        Ok(url) => url,
        Err(_) if !inspector.desired.services.contains_key(&ServiceKind::Prometheus) => return Asked::Absent,
        Err(reason) => return Asked::NoAnswer(reason),
    };
    let auth = inspector.credentials(ServiceKind::Prometheus);
    let prometheus = Prometheus { http: inspector.http.clone(), base_url, auth };
    // The first question tells whether there is anybody to ask.
    let runtime = match prometheus.runtime_info().await {
        Ok(runtime) => runtime,
        Err(error) => return Asked::NoAnswer(format!("Prometheus does not answer: {}", in_full(&error))),
    };
    let age = |at: &str| at.parse::<jiff::Timestamp>().ok().map(since);
    let (clock, targets, rules, alertmanagers, flags, head, values, memory, names, log) = tokio::join!(
        clock(&prometheus),
        targets::gather(inspector, &prometheus),
        prometheus.rules(),
        prometheus.alertmanagers(),
        prometheus.data_at("/api/v1/status/flags"),
        prometheus.data_at("/api/v1/status/tsdb?limit=10"),
        values(&prometheus),
        prometheus.instant("process_resident_memory_bytes"),
        prometheus.data_at("/api/v1/label/__name__/values"),
        log(inspector),
    );
    Asked::Answer(Facts {
        clock,
        targets,
        rules_differ: asked(rules.as_ref().map(|groups| differences(inspector, groups)).map_err(Shown::of)),
        rules: asked(rules).map(|groups| groups.into_iter().flat_map(rules_of).collect()),
        reload_succeeded: Asked::Answer(runtime.reload_config_success),
        alertmanagers: asked(alertmanagers),
        resend_delay: flags.as_ref().ok().and_then(resend_delay),
        admin_api: asked(flags).map(|flags| flags["web.enable-admin-api"] == "true"),
        head: asked(head).map(|status| self::head(&status)),
        values,
        memory: memory.map(by_job).unwrap_or_default(),
        metric_names: asked(names).map(|names| serde_json::from_value(names).unwrap_or_default()),
        log,
        uptime: age(&runtime.start_time).unwrap_or_default(),
        config_age: age(&runtime.last_config_time),
    })
}

/// An error that is shown twice.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Shown(String);

impl Shown {
    fn of(error: &NetError) -> Self {
        Self(in_full(error))
    }
}

async fn clock(prometheus: &Prometheus) -> Option<(f64, f64)> {
    let before = now();
    let theirs = prometheus.instant("time()").await.ok()?.first()?.1;
    Some((theirs, f64::midpoint(before, now())))
}

async fn values(prometheus: &Prometheus) -> BTreeMap<String, f64> {
    let asked = QUESTIONS.iter().map(|(name, query)| async move {
        let answer = prometheus.instant(query).await.ok()?;
        Some(((*name).to_owned(), answer.first()?.1))
    });
    join_all(asked).await.into_iter().flatten().filter(|(_, value)| value.is_finite()).collect()
}

fn by_job(series: Vec<(BTreeMap<String, String>, f64)>) -> BTreeMap<String, f64> {
    let own = |job: &String| ServiceKind::from_name(job).is_some();
    let named = series.into_iter().filter_map(|(mut labels, value)| Some((labels.remove("job")?, value)));
    named.filter(|(job, _)| own(job)).collect()
}

fn resend_delay(flags: &Value) -> Option<f64> {
    let delay = PromDuration::parse(flags["rules.alert.resend-delay"].as_str()?)?;
    Some(delay.length().as_secs_f64())
}

fn rules_of(group: LoadedGroup) -> impl Iterator<Item = Rule> {
    group.rules.into_iter().map(move |rule| Rule {
        name: rule.name,
        is_alert: rule.kind == "alerting",
        health: rule.health,
        last_error: rule.last_error.unwrap_or_default(),
        state: rule.state.unwrap_or_default(),
        interval: group.interval,
    })
}

fn differences<E: Engine>(inspector: &Inspector<'_, E>, groups: &[LoadedGroup]) -> Vec<String> {
    let Some(wanted) = inspector.desired.services.get(&ServiceKind::Prometheus) else { return Vec::new() };
    let loaded = Intent::of_loaded(groups.iter().map(LoadedGroup::names));
    rule_intent::difference(&rule_intent::of_files(&wanted.files), &loaded).into_iter().collect()
}

fn head(status: &Value) -> Head {
    let top = |name: &str| -> Vec<(String, f64)> {
        let list = status[name].as_array().into_iter().flatten();
        list.filter_map(|one| Some((one["name"].as_str()?.to_owned(), one["value"].as_f64()?))).collect()
    };
    Head {
        series: status["headStats"]["numSeries"].as_f64().unwrap_or_default(),
        top_metrics: top("seriesCountByMetricName"),
        top_labels: top("labelValueCountByLabelName"),
    }
}

/// Lines that complain, of the last hour.
async fn log<E: Engine>(inspector: &Inspector<'_, E>) -> Vec<String> {
    let (Ok(session), Some(container)) = (&inspector.session, inspector.container(ServiceKind::Prometheus))
    else {
        return Vec::new();
    };
    let lines = logs::tail(&session.engine, &container.id, 500, Some(Duration::from_hours(1))).await;
    let complains = |line: &String| {
        let lower = line.to_lowercase();
        lower.contains("level=error") || lower.contains("level=warn")
    };
    lines.into_iter().filter(complains).collect()
}
