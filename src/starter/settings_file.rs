//! The settings file: the embedded one, with what is known of the backend filled in.

use crate::render::ProjectFiles;
use crate::starter::Backend;

/// The commented settings with the stack's name, the scrape target, the channels and the links.
pub(super) fn text(backend: &Backend, embedded: &ProjectFiles) -> String {
    let embedded = embedded.config.get("confidexmon.yml").map_or("", |file| file.text.as_str());
    let lines = embedded.lines().map(|line| line_for(backend, line));
    lines.map(|line| line + "\n").collect()
}

/// The JSON schema that editors complete the settings by.
pub(super) fn schema(embedded: &ProjectFiles) -> String {
    embedded.config.get("confidexmon.schema.json").map_or_else(String::new, |file| file.text.clone())
}

fn line_for(backend: &Backend, line: &str) -> String {
    let Backend { name, job, url } = backend;
    match line {
        "stack: confidex" => format!("stack: {name}"),
        "  - job: confidex-backend" => format!("  - job: {job}"),
        "    url: http://host.docker.internal:3001/metrics" => format!("    url: {url}"),
        "  slack_channel: \"#confidex-alerts\"" => format!("  slack_channel: \"#{name}-alerts\""),
        "  slack_channel_critical: \"#confidex-alerts-critical\"" => {
            format!("  slack_channel_critical: \"#{name}-alerts-critical\"")
        }
        "  # dashboard: confidex-overview" => format!("  dashboard: {}", backend.dashboard_uid()),
        "  # backend_down_alert: ConfidexBackendDown" => {
            format!("  backend_down_alert: {}Down", backend.alert_prefix())
        }
        other => other.to_owned(),
    }
}
