//! What each service has before anything is configured: one row per service. (What it does stands in its file in
//! `services`, which knows the settings; the settings know only this.)

use crate::model::ServiceKind;

/// One service's defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceDefaults {
    /// The official image, pinned.
    pub image: &'static str,
    /// The port on the host.
    pub port: u16,
    /// The memory limit.
    pub memory: &'static str,
    /// Processes and threads.
    pub pids: i64,
    /// Where the changes between versions are told.
    pub changelog: &'static str,
}

impl ServiceKind {
    /// The service's defaults.
    pub const fn defaults(self) -> ServiceDefaults {
        match self {
            Self::Prometheus => ServiceDefaults {
                image: "docker.io/prom/prometheus:v3.13.3",
                port: 9090,
                memory: "2GiB",
                pids: 256,
                changelog: "https://github.com/prometheus/prometheus/releases",
            },
            Self::Grafana => ServiceDefaults {
                image: "docker.io/grafana/grafana:13.2.0",
                port: 3002,
                // Version 13 was seen to be killed at 512 MiB.
                memory: "1GiB",
                // Its plugins are Go processes with threads for each core.
                pids: 1024,
                changelog: "https://github.com/grafana/grafana/releases",
            },
            Self::Alertmanager => ServiceDefaults {
                image: "docker.io/prom/alertmanager:v0.34.0",
                port: 9093,
                memory: "256MiB",
                pids: 256,
                changelog: "https://github.com/prometheus/alertmanager/releases",
            },
            Self::Redis => ServiceDefaults {
                image: "docker.io/library/redis:8.10.2",
                port: 6379,
                memory: "512MiB",
                pids: 256,
                changelog: "https://github.com/redis/redis/releases",
            },
            Self::RedisExporter => ServiceDefaults {
                image: "docker.io/oliver006/redis_exporter:v1.93.0",
                port: 9121,
                memory: "128MiB",
                pids: 128,
                changelog: "https://github.com/oliver006/redis_exporter/releases",
            },
        }
    }
}
