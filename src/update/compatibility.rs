//! Whether a service's data and this program can live with another version or variant of its image.

use crate::model::ServiceKind;
use crate::update::version::{ChangeKind, TagVersion, change_kind};

/// Why an image must not replace the present one, and what to do instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incompatibility {
    pub reason: String,
    pub hint: String,
}

/// Decides the step from one tag to another. Everything that cannot be undone is refused beforehand.
pub fn incompatibility(service: ServiceKind, from: &str, to: &str) -> Option<Incompatibility> {
    variant(service, to).or_else(|| match service {
        ServiceKind::Prometheus => prometheus(from, to),
        ServiceKind::Grafana => grafana(from, to),
        ServiceKind::Redis => redis(from, to),
        // Its silences and its log are protocol buffers, which both directions read.
        ServiceKind::Alertmanager => None,
    })
}

fn refused(reason: String, hint: &str) -> Incompatibility {
    Incompatibility { reason, hint: hint.to_owned() }
}

fn variant(service: ServiceKind, to: &str) -> Option<Incompatibility> {
    let wanted = TagVersion::parse(to)?.variant?;
    let has = |word: &str| wanted.split('-').any(|part| part == word);
    if has("slim") && service == ServiceKind::Grafana {
        return Some(refused(
            format!("the variant `{to}` brings no datasource plugins, so no dashboard would show anything"),
            "choose the same version without `-slim`",
        ));
    }
    if has("distroless") {
        return Some(refused(
            format!(
                "the variant `{to}` runs as another user and has no shell: it could neither read the present data nor its secrets"
            ),
            "choose the same version without `-distroless`",
        ));
    }
    None
}

/// The time series database: Prometheus 3 writes what only 2.55 and newer can read (its migration
/// guide). An update over that step could not be undone either, so it has to stop at 2.55 first.
fn prometheus(from: &str, to: &str) -> Option<Incompatibility> {
    let (before, after) = (TagVersion::parse(from)?, TagVersion::parse(to)?);
    let reads_3 = |version: &TagVersion| version.numbers >= vec![2, 55];
    if before.major() >= 3 && !reads_3(&after) {
        return Some(refused(
            format!("Prometheus {to} cannot read the database that {from} has written"),
            "the oldest version that can is 2.55",
        ));
    }
    if after.major() >= 3 && !reads_3(&before) {
        return Some(refused(
            format!(
                "after an update to {to} there would be no way back: Prometheus {from} cannot read what it writes"
            ),
            "go to 2.55 first: `confidexmon update prometheus --to 2.55.1`",
        ));
    }
    None
}

/// Grafana migrates its database forward only.
fn grafana(from: &str, to: &str) -> Option<Incompatibility> {
    (change_kind(from, to) == ChangeKind::Downgrade).then(|| Incompatibility {
        reason: format!("Grafana {to} cannot read the database that {from} has migrated"),
        hint: "restore a backup from before the update: `confidexmon backups`, then `confidexmon restore-grafana ARCHIVE`"
            .to_owned(),
    })
}

/// Redis refuses files that a newer version has written.
fn redis(from: &str, to: &str) -> Option<Incompatibility> {
    let (before, after) = (TagVersion::parse(from)?, TagVersion::parse(to)?);
    let older = (after.major(), after.minor()) < (before.major(), before.minor());
    older.then(|| Incompatibility {
        reason: format!("Redis {to} does not read the files that {from} writes"),
        hint: "choose a version that is not older, or begin with an empty volume".to_owned(),
    })
}

/// Where the changes between versions are told.
pub const fn changelog(service: ServiceKind) -> &'static str {
    match service {
        ServiceKind::Prometheus => "https://github.com/prometheus/prometheus/releases",
        ServiceKind::Grafana => "https://github.com/grafana/grafana/releases",
        ServiceKind::Alertmanager => "https://github.com/prometheus/alertmanager/releases",
        ServiceKind::Redis => "https://github.com/redis/redis/releases",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]
    use super::*;

    #[test]
    fn steps_that_cannot_be_undone_are_refused() {
        use ServiceKind::{Alertmanager, Grafana, Prometheus, Redis};
        for (service, from, to, said) in [
            (Prometheus, "v3.13.3", "v2.54.0", "cannot read the database"),
            (Prometheus, "v2.54.1", "v3.0.0", "no way back"),
            (Prometheus, "v3.13.3", "v3.14.0-distroless", "another user"),
            (Alertmanager, "v0.34.0", "v0.35.0-distroless", "another user"),
            (Grafana, "13.2.0", "13.1.0", "has migrated"),
            (Grafana, "13.2.0", "13.3.0-slim", "no datasource plugins"),
            (Grafana, "13.2.0", "13.3.0-distroless", "another user"),
            (Redis, "8.10.2", "7.4.0", "does not read"),
        ] {
            let found =
                incompatibility(service, from, to).unwrap_or_else(|| panic!("{service} {from} → {to}"));
            assert!(found.reason.contains(said), "{}", found.reason);
        }
    }

    #[test]
    fn steps_that_can_be_undone_are_not() {
        use ServiceKind::{Alertmanager, Grafana, Prometheus, Redis};
        for (service, from, to) in [
            (Prometheus, "v3.13.3", "v2.55.1"),
            (Prometheus, "v2.55.1", "v3.0.0"),
            (Prometheus, "v3.13.3", "v4.0.0"),
            (Prometheus, "latest", "main"),
            (Alertmanager, "v0.34.0", "v0.28.0"),
            (Grafana, "13.2.0", "14.0.0"),
            (Grafana, "13.2.0", "13.2.0"),
            (Grafana, "13.2.0", "13.2.1-ubuntu"),
            (Redis, "8.10.2", "8.10.1"),
            (Redis, "8.10.2", "8.12.0-alpine"),
        ] {
            assert_eq!(incompatibility(service, from, to), None, "{service} {from} → {to}");
        }
    }
}
