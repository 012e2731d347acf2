//! Grafana: shows dashboards; everything it shows is provisioned from files.

use crate::model::{FileSet, ServiceKind};
use crate::render::context::{links, secret_path};
use crate::services::{DesiredService, FileEffect, Probe, base_spec};
use crate::settings::{LogLevel, Settings};

const PORT: u16 = 3000;

pub(super) fn define(settings: &Settings, files: FileSet) -> DesiredService {
    let mut spec = base_spec(settings, ServiceKind::Grafana, PORT, "/var/lib/grafana", &files);
    let level = match settings.log_level {
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warn => "warn",
        LogLevel::Error => "error",
    };
    let root_url = format!("{}/", links(settings).grafana);
    let env = [
        ("GF_SECURITY_ADMIN_USER", settings.grafana.admin_user.as_str()),
        // Read on the first start only; the value itself never stands in the environment.
        ("GF_SECURITY_ADMIN_PASSWORD__FILE", secret_path::GRAFANA_ADMIN),
        ("GF_PATHS_PROVISIONING", "/etc/confidexmon/provisioning"),
        ("GF_PATHS_PLUGINS", "/var/lib/grafana/plugins"),
        ("GF_SERVER_ROOT_URL", &root_url),
        ("GF_LOG_MODE", "console"),
        ("GF_LOG_LEVEL", level),
        ("GF_AUTH_ANONYMOUS_ENABLED", "false"),
        ("GF_USERS_ALLOW_SIGN_UP", "false"),
        ("GF_SECURITY_COOKIE_SAMESITE", "strict"),
        ("GF_SECURITY_ALLOW_EMBEDDING", "false"),
        ("GF_SECURITY_DISABLE_GRAVATAR", "true"),
        ("GF_SNAPSHOTS_EXTERNAL_ENABLED", "false"),
        ("GF_ANALYTICS_REPORTING_ENABLED", "false"),
        ("GF_ANALYTICS_CHECK_FOR_UPDATES", "false"),
        ("GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES", "false"),
        // Alertmanager owns the alerts; two owners would page twice or not at all.
        ("GF_UNIFIED_ALERTING_ENABLED", "false"),
        ("GF_PLUGINS_PREINSTALL_DISABLED", "true"),
        // Fewer locks, and far faster online copies of the database.
        ("GF_DATABASE_WAL", "true"),
    ];
    spec.env = env.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let probe = Probe::Http { container_port: PORT, path: "/api/health", basic_auth: None };
    DesiredService { spec, files, probe }
}

/// The admin password is read on the first start only; changing the file changes nothing later.
pub(super) fn file_effect(path: &str) -> FileEffect {
    if path.contains("/secrets/") { FileEffect::Nothing } else { FileEffect::Reload }
}
