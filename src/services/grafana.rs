//! Grafana: shows dashboards; everything it shows is provisioned from files.

use std::time::Duration;

use crate::model::grafana_key::SECRET_KEY_FILE;
use crate::model::{FileSet, RenderedFile, Secret, ServiceKind};
use crate::render::context::{links, secret_path};
use crate::render::files::GRAFANA_USER;
use crate::render::{HOME_DASHBOARD, Renderer, dashboards, overview, runbook};
use crate::services::{Api, DesiredService, FileEffect, Probe, Profile, Protocol, base_spec};
use crate::settings::{LogLevel, Settings};
use crate::update::compatibility::{Incompatibility, is_variant};
use crate::update::version::{ChangeKind, change_kind};

pub(super) const PROFILE: Profile = Profile {
    port: 3000,
    protocol: Protocol::Http { ready: "/api/health" },
    api: Api::Grafana,
    beside: None,
    data: Some(DATA),
    loopback_only: false,
    // Before Prometheus and Alertmanager, which it asks.
    learns_passwords: 1,
    stop_grace: Duration::from_secs(30),
    validator: None,
    reloads_on_signal: false,
    file_effect,
    define,
    files,
    incompatible,
    public_url: |links| links.grafana.as_deref(),
    rules: &[],
};
/// Grafana's data folder in its container: the database and the plugins.
pub const DATA: &str = "/var/lib/grafana";
/// It logs an error at each start for every one of these folders that is not there.
const EMPTY_FOLDERS: [&str; 3] = ["plugins", "alerting", "notifiers"];

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

fn define(settings: &Settings, files: FileSet) -> DesiredService {
    let mut spec = base_spec(settings, ServiceKind::Grafana, &files);
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

fn files(settings: &Settings, renderer: &mut Renderer<'_>) -> FileSet {
    let mut files = FileSet::new("/etc/confidexmon", GRAFANA_USER, 0);
    let datasources = renderer.template("grafana-datasources.yml");
    let sources = dashboards::sources(&datasources);
    let path = "/etc/confidexmon/provisioning/datasources/confidexmon.yml";
    files.insert(if settings.security.web_auth.is_some() {
        RenderedFile::secret(path, Secret::new(datasources))
    } else {
        RenderedFile::plain(path, datasources)
    });
    files.insert(RenderedFile::plain(
        "/etc/confidexmon/provisioning/dashboards/confidexmon.yml",
        renderer.template("grafana-dashboards.yml"),
    ));
    for name in EMPTY_FOLDERS {
        let path = format!("/etc/confidexmon/provisioning/{name}/README");
        files.insert(RenderedFile::plain(path, "Empty on purpose: Grafana wants the folder to be there.\n"));
    }
    if let Some((name, file)) = overview::dashboard(renderer.project, &renderer.overview) {
        files.insert(RenderedFile::plain(HOME_DASHBOARD, dashboards::text(name, file, &sources)));
    }
    if renderer.project.runbooks().next().is_some() {
        files.insert(RenderedFile::plain(
            "/etc/confidexmon/provisioning/dashboards/runbooks.yml",
            runbook::PROVIDER,
        ));
    }
    for (name, file) in renderer.project.dashboard_files() {
        let text = dashboards::text(name, file, &sources);
        files.insert(RenderedFile::plain(format!("/etc/confidexmon/dashboards/{name}"), text));
    }
    for (alert_name, page) in renderer.project.runbooks() {
        let path = format!("/etc/confidexmon/runbooks/{}.json", runbook::uid(alert_name));
        files.insert(RenderedFile::plain(
            path,
            runbook::dashboard(alert_name, &page.text, &renderer.overview),
        ));
    }
    files.insert(RenderedFile::secret(secret_path::GRAFANA_ADMIN, settings.grafana.admin_password.clone()));
    files
}

/// It migrates its database forward only, and shows nothing without the plugins of the full image.
fn incompatible(from: &str, to: &str) -> Option<Incompatibility> {
    if is_variant(to, "slim") {
        return Some(Incompatibility::new(
            format!("the variant `{to}` brings no datasource plugins, so no dashboard would show anything"),
            "choose the same version without `-slim`",
        ));
    }
    (change_kind(from, to) == ChangeKind::Downgrade).then(|| {
        Incompatibility::new(
            format!("Grafana {to} cannot read the database that {from} has migrated"),
            "restore a backup from before the update: `confidexmon backups`, then `confidexmon restore-grafana ARCHIVE`",
        )
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::formats::dashboard::{Dashboard, community};
    use crate::render::ProjectFiles;
    use crate::settings::{FlagOverrides, Sources, resolve};

    fn defaults() -> Settings {
        let environment = std::collections::BTreeMap::new();
        let flags = FlagOverrides::default();
        resolve(&Sources { settings_file: None, dotenv: None, environment: &environment, flags: &flags })
            .0
            .unwrap()
    }

    /// They are not read when the stack is rendered.
    #[test]
    fn what_is_built_in_leaves_nothing_to_fill_in() {
        let mut settings = defaults();
        settings.security.web_auth =
            Some(crate::settings::WebAuth { username: "u".to_owned(), password: Secret::new("p") });
        let project = ProjectFiles::embedded();
        for settings in [defaults(), settings] {
            let rendered = crate::services::render_stack(&settings, &project).unwrap();
            let datasources = "/etc/confidexmon/provisioning/datasources/confidexmon.yml";
            let provisioning = &rendered[&ServiceKind::Grafana].files[datasources];
            let sources = dashboards::sources(std::str::from_utf8(provisioning.bytes()).unwrap());
            assert!(sources.len() > 1);
            for (name, file) in project.dashboard_files() {
                assert_eq!(community::resolve(name, &file.text, &sources), None, "{name}");
                assert_eq!(Dashboard::read(name, file.text.as_str()).refusals, []);
            }
        }
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
