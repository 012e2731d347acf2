//! What was gathered before anything is decided: plain values, none of them a secret.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::ServiceKind;

/// The answer to one question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Asked<T> {
    Answer(T),
    /// Nobody to ask: the settings leave it out.
    Absent,
    /// Why there is no answer.
    NoAnswer(String),
}

impl<T> Default for Asked<T> {
    fn default() -> Self {
        Self::NoAnswer("it was not asked".to_owned())
    }
}

impl<T> Asked<T> {
    /// The answer, when there is one.
    pub const fn answer(&self) -> Option<&T> {
        match self {
            Self::Answer(answer) => Some(answer),
            Self::Absent | Self::NoAnswer(_) => None,
        }
    }

    /// The answer, or why there is none.
    pub fn into_result(self) -> Result<T, String> {
        match self {
            Self::Answer(answer) => Ok(answer),
            Self::Absent => Err("there is nobody to ask".to_owned()),
            Self::NoAnswer(reason) => Err(reason),
        }
    }

    /// The same with its answer changed.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Asked<U> {
        match self {
            Self::Answer(answer) => Asked::Answer(change(answer)),
            Self::Absent => Asked::Absent,
            Self::NoAnswer(reason) => Asked::NoAnswer(reason),
        }
    }
}

impl<T, E: std::fmt::Display> From<Result<T, E>> for Asked<T> {
    fn from(result: Result<T, E>) -> Self {
        match result {
            Ok(answer) => Self::Answer(answer),
            Err(error) => Self::NoAnswer(error.to_string()),
        }
    }
}

/// Everything that the diagnoses look at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Seconds since the epoch by this machine's clock.
    pub now: f64,
    pub wanted: Wanted,
    pub env_file: Asked<EnvFile>,
    pub engine: Asked<Engine>,
    /// The machine that this program runs on, when the engine runs there too.
    pub machine: Asked<Machine>,
    pub containers: Asked<Vec<Container>>,
    pub networks: Asked<usize>,
    pub plan: Asked<PlanFacts>,
    pub prometheus: Asked<Prometheus>,
    pub grafana: Asked<Grafana>,
    pub alertmanager: Asked<Alertmanager>,
    pub redis: Asked<RedisMemory>,
}

impl Facts {
    /// A service's container, when it is listed.
    pub fn container(&self, service: ServiceKind) -> Option<&Container> {
        self.containers.answer()?.iter().find(|container| container.service == service.name())
    }

    /// True when some container of the stack is there.
    pub fn has_containers(&self) -> bool {
        self.containers.answer().is_some_and(|containers| !containers.is_empty())
    }

    /// True when the settings name the service.
    pub fn wants(&self, service: ServiceKind) -> bool {
        self.wanted.services.iter().any(|name| name == service.name())
    }
}

/// What the settings say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Wanted {
    pub stack: String,
    pub services: Vec<String>,
    pub bind_is_loopback: bool,
    pub web_auth: bool,
    pub grafana_password_is_default: bool,
    pub targets: Vec<WantedTarget>,
    /// Names of the receivers that would notify somebody: `slack`, `pagerduty`, `webhook`.
    pub receivers: Vec<String>,
    /// Receivers whose URL or key is an example's: name, and what tells it.
    pub placeholders: Vec<(String, String)>,
    pub scrape_timeout: f64,
    /// Bytes; `None` for no limit.
    pub retention_size: Option<f64>,
    /// Seconds.
    pub retention_time: f64,
    /// Metric names that the alert rules select.
    pub rule_metrics: Vec<String>,
    /// Memory limits in bytes, by service.
    pub memory: BTreeMap<String, f64>,
}

/// A scrape target as the settings name it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WantedTarget {
    pub job: String,
    pub url: String,
    /// `bearer_token_env`, `basic_auth`, or empty.
    pub auth: String,
}

/// The file with the secrets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EnvFile {
    pub path: String,
    /// Permission bits.
    pub mode: u32,
    /// `None` outside a git work tree, or without git.
    pub git: Option<GitView>,
}

/// What git makes of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum GitView {
    Tracked,
    Ignored,
    #[default]
    Untracked,
}

/// The container engine, as it was reached.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Engine {
    pub endpoint: String,
    pub version: String,
    pub api_version: String,
    pub podman: bool,
    pub is_local: bool,
    /// From the engine's own account of itself; absent when it did not answer that.
    pub system: Asked<System>,
}

/// The engine's machine, by the engine's own account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, as the engine lists them")]
pub struct System {
    pub operating_system: String,
    pub kernel: String,
    pub root_dir: String,
    /// Seconds since the epoch by the engine's clock, and by ours at the same moment.
    pub clock: Option<(f64, f64)>,
    pub rootless: bool,
    pub memory_limit: bool,
    pub pids_limit: bool,
    pub cgroup_version: String,
    pub live_restore: bool,
    pub total_memory: f64,
    pub warnings: Vec<String>,
}

/// The machine that this program runs on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    pub disk: Option<Disk>,
    /// Bytes.
    pub memory_total: f64,
    pub memory_available: f64,
    /// Rules that drop or reject what comes from the stack's network, in the firewall's own words.
    pub firewall: Vec<String>,
}

/// The file system that holds the volumes; bytes and inodes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Disk {
    pub path: String,
    pub total: f64,
    pub free: f64,
    pub inodes: f64,
    pub inodes_free: f64,
}

/// A container of the stack, as the engine lists and inspects it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Container {
    pub service: String,
    pub name: String,
    pub state: String,
    pub status: String,
    pub image: String,
    pub image_id: String,
    pub exit_code: i64,
    pub oom_killed: bool,
    pub error: String,
    pub restarts: i64,
    pub restart_policy: String,
    /// Address and host port.
    pub published: Vec<(String, u16)>,
    /// What the probe said; `Answer(empty)` when it is ready.
    pub probe: Asked<String>,
    /// The last lines of the log of one that does not run or does not answer.
    pub last_lines: Vec<String>,
    /// Names of secrets whose value stands in what `docker inspect` shows.
    pub exposed_secrets: Vec<String>,
    /// Files of secrets inside it that others than their owner may read, each with its mode.
    pub open_secrets: Vec<String>,
    pub hardening: Hardening,
    /// Seconds since the epoch at which its image was made.
    pub image_created: Option<f64>,
}

/// What the container may do, as the engine tells.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hardening {
    pub user: String,
    pub privileged: bool,
    pub cap_add: Vec<String>,
    pub cap_drop: Vec<String>,
    pub security_opt: Vec<String>,
    pub read_only_root: bool,
    /// Bytes; 0 for no limit.
    pub memory: f64,
    pub pids: f64,
    pub network_mode: String,
    pub networks: Vec<String>,
    pub pid_mode: String,
    pub ipc_mode: String,
    pub uts_mode: String,
    pub userns_mode: String,
    pub cgroup_parent: String,
    /// How mounts are passed on, each.
    pub propagation: Vec<String>,
    /// Paths of the host that are mounted.
    pub binds: Vec<String>,
    pub devices: Vec<String>,
    pub restart_policy: String,
}

/// What `up` would do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PlanFacts {
    pub steps: Vec<String>,
    pub blockers: Vec<Blocker>,
    pub leftovers: Vec<Leftover>,
    /// Notes that a killed run left.
    pub interruption: Option<String>,
}

/// A container of ours that the stack does not need.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Leftover {
    pub container: String,
    pub service: String,
    pub evidence: String,
    /// A validator's or a drill's, not a service's.
    pub temporary: bool,
    pub runs: bool,
}

/// A reason for which `up` would refuse to begin.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Blocker {
    /// `port`, `image`, `foreign`, `rules`.
    pub kind: String,
    pub text: String,
    pub hint: String,
}

/// What Prometheus says about itself, its targets and its rules.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Prometheus {
    /// Seconds since the epoch by its clock, and by ours at the same moment.
    pub clock: Option<(f64, f64)>,
    pub targets: Asked<Vec<Target>>,
    pub rules: Asked<Vec<Rule>>,
    /// How the loaded rules differ from those on disk, a line each.
    pub rules_differ: Asked<Vec<String>>,
    pub reload_succeeded: Asked<bool>,
    /// How many Alertmanagers it sends to.
    pub alertmanagers: Asked<usize>,
    pub admin_api: Asked<bool>,
    pub head: Asked<Head>,
    /// Results of questions about itself, by name; only those that had one.
    pub values: BTreeMap<String, f64>,
    /// Resident memory in bytes, by job.
    pub memory: BTreeMap<String, f64>,
    /// Metric names that exist now.
    pub metric_names: Asked<Vec<String>>,
    /// Lines of its log that tell of damage or of refused samples.
    pub log: Vec<String>,
    /// Seconds since it started.
    pub uptime: f64,
    /// Seconds since it read its configuration last.
    pub config_age: Option<f64>,
    /// Seconds after which it sends an alert that fires again.
    pub resend_delay: Option<f64>,
}

impl Prometheus {
    /// The interval of the alert rules that are evaluated most often, in seconds.
    pub fn shortest_interval(&self) -> f64 {
        let rules = self.rules.answer().into_iter().flatten();
        let shortest = rules.filter(|rule| rule.is_alert).map(|rule| rule.interval).reduce(f64::min);
        shortest.unwrap_or_default()
    }
}

/// What the newest block holds, and what of it costs most.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Head {
    pub series: f64,
    /// (metric name, series)
    pub top_metrics: Vec<(String, f64)>,
    /// (label, values)
    pub top_labels: Vec<(String, f64)>,
}

/// A loaded rule and how its last evaluation went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    pub name: String,
    pub is_alert: bool,
    /// `ok`, `err`, `unknown`.
    pub health: String,
    pub last_error: String,
    /// `firing`, `pending`, `inactive`.
    pub state: String,
    /// Seconds between two evaluations.
    pub interval: f64,
}

/// One scrape target, and what was found by asking it in other ways.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Target {
    pub job: String,
    pub url: String,
    /// `up`, `down`, `unknown`.
    pub health: String,
    pub last_error: String,
    /// Seconds.
    pub timeout: f64,
    /// Name and port of the URL.
    pub host: String,
    pub port: u16,
    /// A request from Prometheus's own network now: its error, empty when something answered.
    pub inside: Asked<String>,
    /// What that request met, where something answered: all that is seen of what only containers can reach.
    pub inside_view: Option<View>,
    /// The same request from this machine.
    pub from_here: Asked<View>,
    /// A connection from this machine to the address that the container sees as the host: its error, empty
    /// when it was made.
    pub gateway: Asked<String>,
    /// Addresses of this machine on which something listens at that port; absent where it cannot be read.
    pub listeners: Asked<Vec<String>>,
    /// The process that listens there.
    pub holder: String,
}

impl Target {
    /// The answer as it was seen: from this machine, or from Prometheus's network where only that reaches it.
    pub fn seen(&self) -> Option<&View> {
        let here = self.from_here.answer();
        here.filter(|view| view.connect.is_empty()).or(self.inside_view.as_ref()).or(here)
    }

    /// True when the target is scraped over TLS.
    pub fn is_https(&self) -> bool {
        self.url.starts_with("https://")
    }

    /// True when the target is the machine of the engine itself.
    pub fn is_engines_host(&self) -> bool {
        matches!(self.host.as_str(), "host.docker.internal" | "host.containers.internal")
    }
}

/// What a request from this machine met.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// The error of the connection alone; empty when it was made.
    pub connect: String,
    /// The error of the request; empty when it was answered.
    pub error: String,
    pub status: u16,
    pub content_type: Option<String>,
    pub location: Option<String>,
    /// The beginning of the body.
    pub body: String,
    /// Seconds until the whole answer was there, or until it was given up.
    pub seconds: f64,
    /// True when the other scheme (https for http) is answered at this port.
    pub other_scheme_answers: bool,
}

/// What Grafana says about its database, datasource and dashboards.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Grafana {
    pub version: String,
    /// `ok`, or what `/api/health` says.
    pub database: String,
    /// Lines of the log that say that the database is locked.
    pub locked_lines: usize,
    pub signs_in: Asked<bool>,
    /// Empty when the datasource works, else Grafana's words.
    pub datasource: Asked<String>,
    /// Dashboards that are not there: file, and the reason in Grafana's words.
    pub missing_dashboards: Asked<Vec<(String, String)>>,
    pub panels: Asked<Panels>,
}

/// What the queries of all panels came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Panels {
    pub asked: usize,
    /// Of so many; the rest was not asked in time.
    pub of: usize,
    /// Those whose every value is 0 divided by 0.
    pub nan: usize,
    pub warming_up: bool,
    /// Those that show nothing or an error.
    pub bad: Vec<Panel>,
}

/// A panel that shows nothing, or an error.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Panel {
    pub dashboard: String,
    pub message: String,
    pub is_error: bool,
    /// Metrics of its query that do not exist.
    pub missing_metrics: Vec<String>,
    /// Of its query's metrics that were there within a day and no longer are: when they were seen last, in
    /// seconds since the epoch.
    pub last_seen: BTreeMap<String, f64>,
}

/// What Alertmanager holds, and how its notifications went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Alertmanager {
    pub receivers: Vec<String>,
    pub alerts: Vec<ActiveAlert>,
    /// By receiver and integration.
    pub notifications: Vec<Notifications>,
    /// Failures in the words of its log, newest last.
    pub log: Vec<String>,
    /// Seconds since it started.
    pub uptime: Option<f64>,
}

/// Bytes that Redis uses of those that it may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RedisMemory {
    pub used: f64,
    /// 0 for no limit.
    pub limit: f64,
}

/// An alert as Alertmanager has it, with what keeps it from being sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ActiveAlert {
    pub name: String,
    pub severity: String,
    pub silenced_by: Vec<String>,
    pub inhibited_by: Vec<String>,
    pub muted_by: Vec<String>,
    /// Seconds since it was last sent.
    pub age: f64,
}

/// Counts of one integration of one receiver since its start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Notifications {
    pub receiver: String,
    pub integration: String,
    pub sent: f64,
    pub failed: f64,
    /// Attempts that failed, retries included.
    pub failed_requests: f64,
}
