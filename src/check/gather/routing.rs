//! What happens to alerts behind Prometheus: routing, messages and dashboards.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::analysis::facts::{Datasource, Facts, ServiceFile};
use crate::formats::alertmanager::AlertmanagerFile;
use crate::formats::dashboard::Dashboard;
use crate::formats::yaml::source::Source;
use crate::model::{FileSet, ServiceKind};
use crate::render::{ProjectFiles, RenderedStack};

const CONFIG: &str = "/etc/alertmanager/alertmanager.yml";
const LINKS: &str = "/etc/alertmanager/templates/links.tmpl";
const DATASOURCES: &str = "/etc/confidexmon/provisioning/datasources/";

/// Adds them to the facts; a service that is left out leaves its facts unknown.
pub(super) fn fill(facts: &mut Facts, files: &ProjectFiles, rendered: &RenderedStack) {
    if let Some(alertmanager) = rendered.get(&ServiceKind::Alertmanager) {
        facts.alertmanagers = config(files, alertmanager).into_iter().collect();
        facts.alertmanager_paths = Some(alertmanager.files.keys().cloned().collect());
        facts.notification_templates = Some(messages(files, alertmanager));
    }
    facts.service_files = service_files(files, rendered);
    if let Some(grafana) = rendered.get(&ServiceKind::Grafana) {
        facts.datasources = datasources(grafana);
    }
    let dashboards = files.dashboard_files();
    facts.dashboards =
        Some(dashboards.map(|(_, file)| Dashboard::read(file.shown_as.clone(), file.text.clone())).collect());
}

/// What else names addresses: the rendered file of each service beside its template.
fn service_files(files: &ProjectFiles, rendered: &RenderedStack) -> Vec<ServiceFile> {
    const FILES: [(ServiceKind, &str, &str); 2] = [
        (ServiceKind::Prometheus, "/etc/prometheus/prometheus.yml", "templates/prometheus.yml"),
        (
            ServiceKind::Grafana,
            "/etc/confidexmon/provisioning/datasources/confidexmon.yml",
            "templates/grafana-datasources.yml",
        ),
    ];
    let read = |(service, path, template): (ServiceKind, &str, &str)| {
        let text = text(rendered.get(&service)?, path)?;
        let template = files.config.get(template)?;
        let template = Source::new(template.shown_as.clone(), template.text.clone());
        Some(ServiceFile::new(service, Source::new(template.path.clone(), text), Some(template)))
    };
    FILES.into_iter().filter_map(read).collect()
}

fn config(files: &ProjectFiles, rendered: &FileSet) -> Option<AlertmanagerFile> {
    let template = files.config.get("templates/alertmanager.yml")?;
    let template = Source::new(template.shown_as.clone(), template.text.clone());
    Some(AlertmanagerFile::rendered(text(rendered, CONFIG)?, template))
}

/// As Alertmanager gets them: only `links.tmpl` is rendered.
fn messages(files: &ProjectFiles, rendered: &FileSet) -> Vec<Source> {
    let own = files.notification_templates();
    let own = own.map(|(_, file)| Source::new(file.shown_as.clone(), file.text.clone()));
    let links = text(rendered, LINKS).and_then(|text| {
        let template = files.config.get("templates/links.tmpl")?;
        Some(Source::new(template.shown_as.clone(), text))
    });
    own.chain(links).collect()
}

fn text<'a>(files: &'a FileSet, path: &str) -> Option<&'a str> {
    std::str::from_utf8(files.files.get(path)?.bytes()).ok()
}

/// `None` when some datasource gets its uid from Grafana.
fn datasources(files: &FileSet) -> Option<BTreeMap<String, Datasource>> {
    let mut found = BTreeMap::new();
    for path in files.files.keys().filter(|path| path.starts_with(DATASOURCES)) {
        let config: Value = serde_yaml::from_str(text(files, path)?).ok()?;
        for datasource in config["datasources"].as_array().into_iter().flatten() {
            let named = |key: &str| datasource[key].as_str().unwrap_or_default().to_owned();
            let entry = Datasource { name: named("name"), kind: named("type") };
            found.insert(datasource["uid"].as_str()?.to_owned(), entry);
        }
    }
    Some(found)
}
