//! What the settings say, without their secrets.

use crate::apply::doctor::{Inspector, rule_metrics};
use crate::doctor::facts::{Wanted, WantedTarget};
use crate::doctor::secrets;
use crate::engine::Engine;
use crate::settings::{Settings, TargetAuth};

pub(super) fn of<E: Engine>(inspector: &Inspector<'_, E>) -> Wanted {
    let settings = inspector.settings;
    Wanted {
        stack: settings.stack.to_string(),
        services: settings.services().iter().map(|service| service.name().to_owned()).collect(),
        bind_is_loopback: settings.bind.is_loopback(),
        web_auth: settings.security.web_auth.is_some(),
        grafana_password_is_default: settings.grafana.password_is_default,
        targets: settings.targets.iter().map(target).collect(),
        receivers: settings.receivers.kinds().into_iter().map(str::to_owned).collect(),
        placeholders: placeholders(settings),
        scrape_timeout: settings.prometheus.scrape_timeout.length().as_secs_f64(),
        retention_size: settings.prometheus.retention_size.as_deref().and_then(bytes),
        retention_time: settings.prometheus.retention_time.length().as_secs_f64(),
        rule_metrics: rule_metrics::of(inspector.desired),
        memory: memory(settings),
    }
}

fn target(target: &crate::settings::TargetSettings) -> WantedTarget {
    let auth = match target.auth {
        TargetAuth::None => "",
        TargetAuth::Bearer(_) => "bearer_token_env",
        TargetAuth::Basic { .. } => "basic_auth",
    };
    WantedTarget {
        job: target.job.clone(),
        url: format!("{}://{}{}", target.scheme, target.address, target.path),
        auth: auth.to_owned(),
    }
}

fn placeholders(settings: &Settings) -> Vec<(String, String)> {
    let marked = settings
        .receivers
        .set()
        // A password may well look like one.
        .filter(|(_, name, _)| !name.ends_with("_PASSWORD"))
        .filter_map(|(_, name, value)| Some((name.to_owned(), secrets::placeholder(value)?.to_owned())));
    marked.collect()
}

#[expect(clippy::cast_precision_loss, reason = "bytes of memory; a float holds them exactly enough")]
fn memory(settings: &Settings) -> std::collections::BTreeMap<String, f64> {
    let services = settings.services();
    let limits = settings.resources.iter().filter(|(service, _)| services.contains(service));
    limits.filter_map(|(service, limits)| Some((service.name().to_owned(), limits.memory? as f64))).collect()
}

/// Prometheus's notation: `5GB`, in powers of 1024.
fn bytes(text: &str) -> Option<f64> {
    const UNITS: [(&str, i32); 7] =
        [("EB", 6), ("PB", 5), ("TB", 4), ("GB", 3), ("MB", 2), ("KB", 1), ("B", 0)];
    let (unit, power) = UNITS.iter().find(|(unit, _)| text.ends_with(unit))?;
    Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * 1024_f64.powi(*power))
}
