//! Grafana: shows dashboards; everything it shows is provisioned from files.

use std::time::Duration;

use crate::model::grafana_key::SECRET_KEY_FILE;
use crate::model::{FileSet, ServiceKind};
use crate::render::HOME_DASHBOARD;
use crate::render::context::{links, secret_path};
use crate::services::{DesiredService, FileEffect, Probe, Profile, Protocol, base_spec};
use crate::settings::{LogLevel, Settings};

pub(super) const PROFILE: Profile = Profile {
    port: 3000,
    protocol: Protocol::Http { ready: "/api/health" },
    stop_grace: Duration::from_secs(30),
    validator: None,
    reloads_on_signal: false,
    file_effect,
};
/// Grafana's data folder in its container: the database and the plugins.
pub const DATA: &str = "/var/lib/grafana";

/// Plugins that Grafana 13 bundles or preinstalls, without prometheus: each runs as a process of its own,
/// and nothing here uses them. (The list is that of its `setting_plugins.go`.)
const UNUSED_PLUGINS: [&str; 18] = [
    "cloudwatch",
    "elasticsearch",
    "grafana-advisor-app",
    "grafana-exploretraces-app",
    "grafana-lokiexplore-app",
    "grafana-metricsdrilldown-app",
    "grafana-postgresql-datasource",
    "grafana-pyroscope-app",
    "grafana-pyroscope-datasource",
    "influxdb",
    "jaeger",
    "loki",
    "mssql",
    "mysql",
    "opentsdb",
    "stackdriver",
    "tempo",
    "zipkin",
];

pub(super) fn define(settings: &Settings, files: FileSet) -> DesiredService {
    let mut spec = base_spec(settings, ServiceKind::Grafana, DATA, &files);
    let level = match settings.log_level {
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warn => "warn",
        LogLevel::Error => "error",
    };
    let password = format!("$__file{{{}}}", secret_path::GRAFANA_ADMIN);
    let secret_key = format!("$__file{{{DATA}/{SECRET_KEY_FILE}}}");
    let root_url = format!("{}/", links(settings).grafana);
    let disabled = UNUSED_PLUGINS.join(",");
    let env = [
        ("GF_SECURITY_ADMIN_USER", settings.grafana.admin_user.as_str()),
        // Grafana itself expands it, so it works where the image has no run.sh for `__FILE` (distroless).
        // Read on the first start only; the value itself never stands in the environment.
        ("GF_SECURITY_ADMIN_PASSWORD", &password),
        // Random in a new volume; see `model::grafana_key`.
        ("GF_SECURITY_SECRET_KEY", &secret_key),
        ("GF_PATHS_PROVISIONING", "/etc/confidexmon/provisioning"),
        ("GF_PATHS_PLUGINS", "/var/lib/grafana/plugins"),
        ("GF_SERVER_ROOT_URL", &root_url),
        ("GF_LOG_MODE", "console"),
        ("GF_LOG_LEVEL", level),
        ("GF_AUTH_ANONYMOUS_ENABLED", "false"),
        ("GF_USERS_ALLOW_SIGN_UP", "false"),
        ("GF_SECURITY_COOKIE_SAMESITE", "lax"),
        ("GF_SERVER_ENABLE_GZIP", "false"),
        ("GF_NEWS_NEWS_FEED_ENABLED", "false"),
        ("GF_SECURITY_ALLOW_EMBEDDING", "false"),
        ("GF_SECURITY_DISABLE_GRAVATAR", "true"),
        ("GF_SNAPSHOTS_EXTERNAL_ENABLED", "false"),
        ("GF_ANALYTICS_REPORTING_ENABLED", "false"),
        ("GF_ANALYTICS_CHECK_FOR_UPDATES", "false"),
        ("GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES", "false"),
        // Alertmanager owns the alerts; two owners would page twice or not at all. The pages show its
        // groups and silences and Prometheus's rules; Grafana's own rules do not run.
        ("GF_UNIFIED_ALERTING_ENABLED", "true"),
        ("GF_UNIFIED_ALERTING_EXECUTE_ALERTS", "false"),
        // Without it Grafana installs plugins below its root, which is read-only.
        ("GF_PLUGINS_PREINSTALL_DISABLED", "true"),
        ("GF_PLUGINS_DISABLE_PLUGINS", &disabled),
        // Fewer locks, and far faster online copies of the database.
        ("GF_DATABASE_WAL", "true"),
    ];
    spec.env = env.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    if files.files.contains_key(HOME_DASHBOARD) {
        spec.env.insert("GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH".to_owned(), HOME_DASHBOARD.to_owned());
    }
    let probe = Probe::Http { container_port: PROFILE.port, path: "/api/health", basic_auth: None };
    DesiredService { spec, files, probe }
}

/// The admin password is read on the first start only; changing the file changes nothing later.
fn file_effect(path: &str) -> FileEffect {
    if path.contains("/secrets/") { FileEffect::Nothing } else { FileEffect::Reload }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::settings::{FlagOverrides, Sources, resolve};

    fn defaults() -> Settings {
        let environment = std::collections::BTreeMap::new();
        let flags = FlagOverrides::default();
        resolve(&Sources { settings_file: None, dotenv: None, environment: &environment, flags: &flags })
            .0
            .unwrap()
    }

    #[test]
    fn what_a_real_grafana_needs_is_set() {
        let mut files = FileSet::new("/etc/confidexmon", 472, 0);
        let env = |files: &FileSet| define(&defaults(), files.clone()).spec.env;
        // A read-only root and plugins that want to be installed end in a Grafana without datasources.
        assert_eq!(env(&files)["GF_PLUGINS_PREINSTALL_DISABLED"], "true");
        assert!(!env(&files)["GF_PLUGINS_DISABLE_PLUGINS"].split(',').any(|name| name == "prometheus"));
        assert_eq!(
            env(&files)["GF_SECURITY_ADMIN_PASSWORD"],
            "$__file{/etc/confidexmon/secrets/admin_password}"
        );
        assert_eq!(env(&files)["GF_SECURITY_COOKIE_SAMESITE"], "lax");
        assert_eq!(env(&files)["GF_UNIFIED_ALERTING_EXECUTE_ALERTS"], "false");
        assert!(!env(&files).contains_key("GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"));
        files.insert(crate::model::RenderedFile::plain(HOME_DASHBOARD, "{}"));
        assert_eq!(env(&files)["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"], HOME_DASHBOARD);
    }
}
