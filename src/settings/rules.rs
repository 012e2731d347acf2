//! Rules that several fields must keep together.

use std::collections::BTreeMap;

use crate::model::{Diagnostic, Place, ServiceKind, loopback};
use crate::settings::reader::Values;
use crate::settings::{Settings, problem, targets};

pub(super) fn check(settings: &Settings, values: &Values, problems: &mut Vec<Diagnostic>) {
    duplicate_ports(settings, values, problems);
    links(settings, values, problems);
    jobs(settings, values, problems);
    let prometheus = &settings.prometheus;
    if prometheus.scrape_timeout.length() > prometheus.scrape_interval.length() {
        let place = values.place("prometheus.scrape_timeout").or(values.place("prometheus.scrape_interval"));
        problems.push(
            problem::error(
                format!(
                    "the scrape timeout {} is longer than the scrape interval {}",
                    prometheus.scrape_timeout, prometheus.scrape_interval
                ),
                place.cloned(),
            )
            .fix("Prometheus refuses this; lower prometheus.scrape_timeout"),
        );
    }
}

fn duplicate_ports(settings: &Settings, values: &Values, problems: &mut Vec<Diagnostic>) {
    let mut seen: BTreeMap<u16, ServiceKind> = BTreeMap::new();
    // Redis's port counts even while it is disabled: `up --with redis` must not fail later.
    for service in ServiceKind::ALL {
        let port = settings.port(service);
        if port == 0 {
            continue;
        }
        if let Some(other) = seen.insert(port, service) {
            let place: Option<&Place> = values
                .place(&format!("ports.{}", service.key()))
                .or_else(|| values.place(&format!("ports.{}", other.key())));
            problems.push(
                problem::error(
                    format!("`ports.{}` and `ports.{}` are both {port}", service.key(), other.key()),
                    place.cloned(),
                )
                .fix("give each service a port of its own"),
            );
        }
    }
}

/// A message is read elsewhere than on this machine, often on a phone.
fn links(settings: &Settings, values: &Values, problems: &mut Vec<Diagnostic>) {
    if !settings.receivers.notifies_somebody() {
        return;
    }
    let links = &settings.links;
    let all = [
        ("grafana", &links.grafana),
        ("prometheus", &links.prometheus),
        ("alertmanager", &links.alertmanager),
    ];
    let is_published_here = settings.bind.is_loopback() || settings.bind.is_unspecified();
    let leads_nowhere = |link: &Option<String>| {
        link.as_ref().map_or(is_published_here, |url| loopback::is_loopback(loopback::host_of(url)))
    };
    let own: Vec<&str> =
        all.into_iter().filter(|(_, link)| leads_nowhere(link)).map(|(name, _)| name).collect();
    if own.is_empty() {
        return;
    }
    let fields: Vec<String> = own.iter().map(|name| format!("links.{name}")).collect();
    let place = fields.iter().find_map(|field| values.place(field)).cloned();
    problems.push(
        problem::warning(
            "links in messages lead to localhost, which is another machine for whoever reads them",
            place,
        )
        .fix(format!("set `{}` to addresses that people's browsers reach", fields.join("`, `"))),
    );
}

/// Several targets may share a job, as several backends do; `job` and `instance` together may not come
/// twice. Checked on what the file lists: a target with another problem is not among the settings.
fn jobs(settings: &Settings, values: &Values, problems: &mut Vec<Diagnostic>) {
    let mut seen: Vec<(&str, String)> = Vec::new();
    for target in values.targets.iter().flatten() {
        let Some(job) = target.values.text("job") else { continue };
        let place = target.values.place("job").unwrap_or(&target.place);
        if settings.own_jobs().any(|own| own == job) {
            let text = format!("the job `{job}` is one of the stack's own");
            problems.push(
                problem::error(text, Some(place.clone()))
                    .fix("the services of the stack are scraped anyway; choose another name"),
            );
        }
        let Some((_, address, _)) = target.values.text("url").and_then(targets::taken_apart) else {
            continue;
        };
        let series = (job, address);
        if seen.contains(&series) {
            let text = format!("the job `{job}` has the target `{}` twice", series.1);
            let place = target.values.place("url").unwrap_or(place).clone();
            problems.push(
                problem::error(text, Some(place))
                    .fix("both would write the same series; give one of them a job of its own"),
            );
        }
        seen.push(series);
    }
}
