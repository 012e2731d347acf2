//! What Grafana shows.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use tokio::time::Instant;

use crate::apply::doctor::{Inspector, REQUEST, asked, logs, rule_metrics};
use crate::check::panels::{self, PanelQuery, warmup};
use crate::doctor::Topic;
use crate::doctor::facts::{Asked, Facts, Grafana as GrafanaFacts, Panel, Panels};
use crate::engine::Engine;
use crate::error::in_full;
use crate::health::provisioned::{pages, refusals};
use crate::model::ServiceKind;
use crate::net::grafana::Grafana;
use crate::net::prometheus::Prometheus;
use crate::render::context::PROMETHEUS_DATASOURCE;

const AT_ONCE: usize = 6;
/// How long panels are asked; what was not asked by then is not spoken of.
const PANELS: Duration = Duration::from_millis(3500);

pub(super) async fn gather<E: Engine>(inspector: &Inspector<'_, E>) -> Asked<GrafanaFacts> {
    let is_wanted = inspector.wants(Topic::Grafana);
    // A default password is a danger only while it is the one in force.
    let asks_password =
        is_wanted || (inspector.wants(Topic::Security) && inspector.settings.grafana.password_is_default);
    if !inspector.desired.services.contains_key(&ServiceKind::Grafana) || !asks_password {
        return Asked::Absent;
    }
    let base_url = match inspector.base_url(ServiceKind::Grafana) {
        Ok(url) => url,
        Err(reason) => return Asked::NoAnswer(reason),
    };
    let settings = &inspector.settings.grafana;
    let auth = Some((settings.admin_user.clone(), settings.admin_password.clone()));
    let grafana = Grafana { http: inspector.http.clone(), base_url, auth };
    let health = match grafana.health().await {
        Ok(health) => health,
        Err(error) => return Asked::NoAnswer(format!("Grafana does not answer: {}", in_full(&error))),
    };
    let log = log(inspector).await;
    let text = |name: &str| health[name].as_str().unwrap_or_default().to_owned();
    let mut facts = GrafanaFacts {
        version: text("version"),
        database: text("database"),
        locked_lines: log.iter().filter(|line| line.contains("database is locked")).count(),
        ..GrafanaFacts::default()
    };
    facts.signs_in =
        if inspector.may_sign_in { asked(grafana.signs_in().await) } else { Asked::Answer(false) };
    if facts.signs_in == Asked::Answer(true) && is_wanted {
        let (datasource, dashboards) = tokio::join!(
            grafana.datasource_health(PROMETHEUS_DATASOURCE),
            missing(inspector, &grafana, &log)
        );
        // Afterwards: many queries at once would make the others late.
        let panels = ask_panels(inspector, &grafana).await;
        facts.datasource = Asked::Answer(datasource.err().map(|error| in_full(&error)).unwrap_or_default());
        facts.missing_dashboards = dashboards;
        facts.panels = panels;
    } else {
        let reason = "Grafana does not let us in".to_owned();
        facts.datasource = Asked::NoAnswer(reason.clone());
        facts.missing_dashboards = Asked::NoAnswer(reason.clone());
        facts.panels = Asked::NoAnswer(reason);
    }
    Asked::Answer(facts)
}

async fn log<E: Engine>(inspector: &Inspector<'_, E>) -> Vec<String> {
    let (Ok(session), Some(container)) = (&inspector.session, inspector.container(ServiceKind::Grafana))
    else {
        return Vec::new();
    };
    // A file that is refused is logged again at each scan, every ten seconds.
    logs::tail(&session.engine, &container.id, 500, Some(Duration::from_mins(1))).await
}

async fn missing<E: Engine>(
    inspector: &Inspector<'_, E>,
    grafana: &Grafana,
    log: &[String],
) -> Asked<Vec<(String, String)>> {
    let Some(wanted) = inspector.desired.services.get(&ServiceKind::Grafana) else { return Asked::Absent };
    let listed = match grafana.dashboard_uids().await {
        Ok(listed) => listed,
        Err(error) => return Asked::NoAnswer(in_full(&error)),
    };
    let refused = refusals(log.iter().map(String::as_str));
    let mut lacking = Vec::new();
    for page in pages(&wanted.files) {
        let words = refused.get(&page.path);
        // The list may be behind, so what it lacks is asked for by its name.
        let is_there = match &page.uid {
            Some(uid) if listed.contains(uid) => true,
            Some(uid) => matches!(grafana.dashboard(uid).await, Ok(Some(_))),
            None => words.is_none(),
        };
        if !is_there || words.is_some() {
            lacking.push((page.shown_as, words.cloned().unwrap_or_default()));
        }
    }
    Asked::Answer(lacking)
}

async fn ask_panels<E: Engine>(inspector: &Inspector<'_, E>, grafana: &Grafana) -> Asked<Panels> {
    let interval = inspector.settings.prometheus.scrape_interval.length();
    let files = inspector.dashboards.iter();
    let mut queries: Vec<(usize, PanelQuery)> = files
        .flat_map(|(file, text)| panels::queries(file, text, interval).into_iter().enumerate())
        .collect();
    // The first panels of every dashboard come first: time may not be enough for all.
    queries.sort_by_key(|(place, _)| *place);
    let queries: Vec<PanelQuery> = queries.into_iter().map(|(_, query)| query).collect();
    let Some(question) = queries.first().map(|query| warmup::question(query, interval)) else {
        return Asked::Absent;
    };
    let deadline = Instant::now() + PANELS;
    let answers = stream::iter(&queries).map(|query| async move {
        if Instant::now() + REQUEST / 4 > deadline {
            return None;
        }
        let answer = tokio::time::timeout_at(deadline, grafana.query(&query.body)).await.ok()?.ok()?;
        Some((query, panels::assess(query, &answer)))
    });
    let answers: Vec<_> = answers.buffered(AT_ONCE).collect().await;
    let answered: Vec<_> = answers.into_iter().flatten().collect();
    let asked = answered.len();
    if asked == 0 {
        return Asked::NoAnswer("Grafana did not answer the query of any panel in time".to_owned());
    }
    // 0 divided by 0 is no fault: nothing happened in that time.
    let is_nan = |finding: &crate::check::Finding| finding.id == panels::NAN;
    let nan = answered.iter().filter(|(_, finding)| finding.as_ref().is_some_and(is_nan)).count();
    let is_bad =
        |finding: &crate::check::Finding| finding.severity > crate::check::Severity::Info && !is_nan(finding);
    let bad: Vec<Panel> = answered
        .into_iter()
        .filter_map(|(query, finding)| {
            let finding = finding.filter(is_bad)?;
            Some(Panel {
                dashboard: query.file.clone(),
                is_error: finding.id == panels::ERROR,
                message: finding.message,
                missing_metrics: rule_metrics::in_expression(&query.expr),
                ..Panel::default()
            })
        })
        .collect();
    let warming_up =
        !bad.is_empty() && grafana.query(&question).await.is_ok_and(|answer| warmup::is_warming_up(&answer));
    Asked::Answer(Panels { asked, of: queries.len(), nan, warming_up, bad })
}

/// Of the metrics that the bad panels read, those that do not exist.
pub(super) fn name_missing_metrics(facts: &mut Facts) {
    let names = facts.prometheus.answer().and_then(|prometheus| prometheus.metric_names.answer());
    let known: Option<BTreeSet<String>> = names.map(|names| names.iter().cloned().collect());
    let Asked::Answer(grafana) = &mut facts.grafana else { return };
    let Asked::Answer(panels) = &mut grafana.panels else { return };
    for panel in &mut panels.bad {
        // Without a time the ones to ask about stand here until they are asked.
        panel.last_seen = panel.missing_metrics.iter().map(|name| (name.clone(), f64::NAN)).collect();
        panel.missing_metrics.retain(|name| known.as_ref().is_some_and(|known| !known.contains(name)));
    }
}

/// How many metrics are asked for the time at which they were there last.
const MOST_ASKED: usize = 8;

/// For what the bad panels read and Prometheus has no sample of now: when there was one within a day.
pub(super) async fn tell_since_when<E: Engine>(inspector: &Inspector<'_, E>, facts: &mut Facts) {
    let Asked::Answer(grafana) = &mut facts.grafana else { return };
    let Asked::Answer(panels) = &mut grafana.panels else { return };
    let names: BTreeSet<String> =
        panels.bad.iter().flat_map(|panel| panel.last_seen.keys().cloned()).collect();
    let base_url = inspector.base_url(ServiceKind::Prometheus);
    let auth = inspector.credentials(ServiceKind::Prometheus);
    let prometheus =
        base_url.ok().map(|base_url| Prometheus { http: inspector.http.clone(), base_url, auth });
    let prometheus = prometheus.as_ref();
    let asked = names.iter().take(MOST_ASKED).map(|name| async move {
        let prometheus = prometheus?;
        let query = format!("max(max_over_time(timestamp({name})[1d:1m])) unless count({name})");
        let last = prometheus.instant(&query).await.ok()?.first()?.1;
        Some((name.clone(), last))
    });
    let seen: std::collections::BTreeMap<String, f64> =
        futures_util::future::join_all(asked).await.into_iter().flatten().collect();
    for panel in &mut panels.bad {
        let own = panel.last_seen.keys().filter_map(|name| Some((name.clone(), *seen.get(name)?)));
        panel.last_seen = own.collect();
    }
}
