//! Which steps between versions each service refuses.
#![allow(clippy::panic)]

use crate::model::ServiceKind;
use crate::services::incompatibility;

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
        let found = incompatibility(service, from, to).unwrap_or_else(|| panic!("{service} {from} → {to}"));
        assert!(found.reason.contains(said), "{}", found.reason);
    }
}

#[test]
fn steps_that_can_be_undone_are_not() {
    use ServiceKind::{Alertmanager, Grafana, Prometheus, Redis, RedisExporter};
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
        (RedisExporter, "v1.93.0", "v1.80.0-alpine"),
    ] {
        assert_eq!(incompatibility(service, from, to), None, "{service} {from} → {to}");
    }
}
