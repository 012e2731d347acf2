//! The command line's shape. Names of commands are fixed; flags may grow.
//!
//! The options of a command have no doc line: clap would show it as help. What a command does stands at its variant
//! of [`Command`].

mod data;

pub use data::*;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use clap_complete::engine::ArgValueCandidates;

use crate::cli::complete;
use crate::demo::Active;
use crate::doctor::Topic;
use crate::model::{ServiceKind, StackName};
use crate::plan::PullPolicy;
use crate::report::Format;
use crate::report::output::ColorChoice;

/// A monitoring stack that proves an alert would reach a person: Prometheus, Grafana, Alertmanager.
#[derive(Debug, Parser)]
#[command(name = "confidexmon", version, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong command line or configuration, 3 engine not reachable \
                        or too old, 4 a service did not become healthy, 5 another run holds the lock, 6 problems found, \
                        130 interrupted."
)]
pub struct Arguments {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Project folder with config/, rules/, dashboards/ and .env; without them the embedded defaults apply
    #[arg(long, global = true, value_name = "DIR", env = "CONFIDEXMON_PROJECT_DIR", default_value = ".")]
    pub project_dir: PathBuf,
    // As an attribute, because a doc comment would have to put the schemes into angle brackets.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        help = "Engine endpoint: unix:///path, tcp://host:port, ssh://user@host (default: DOCKER_HOST, the docker context, the usual sockets)"
    )]
    pub host: Option<String>,
    /// Docker context to use
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        conflicts_with = "host",
        add = ArgValueCandidates::new(complete::contexts)
    )]
    pub context: Option<String>,
    /// Output format of results on stdout; json also turns progress on stderr into JSON events
    #[arg(long, global = true, value_enum, default_value_t)]
    pub format: Format,
    /// When to colour (`NO_COLOR` is respected)
    #[arg(long, global = true, value_enum, default_value_t)]
    pub color: ColorChoice,
    /// When another run works on the stack: wait for it so long (5m when no duration is given) instead of failing
    #[arg(
        long,
        global = true,
        value_name = "DURATION",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "5m",
        value_parser = parse_duration
    )]
    pub wait_lock: Option<Duration>,
    /// No progress, only results and errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// More detail on stderr; twice for debugging
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Bring the stack up: create, start and wait until everything answers; touches only what changed
    Up(UpOptions),
    /// Show what `up` would do, each step with its cause; changes nothing
    Plan(PlanOptions),
    /// Stop and remove containers and network; data volumes stay
    Down(DownOptions),
    /// Services, targets, alerts, who is notified, and what is not in force
    Status(StatusOptions),
    /// Alerts that fire or are pending: since when, and who is told
    Alerts,
    /// Tell nobody of an alert for a while
    Silence(SilenceOptions),
    /// List the silences, or end one with --end
    Silences(SilencesOptions),
    /// Every stack of this engine: whose it is, its services, ports, health and age
    Ls,
    /// Restart services and wait until they answer
    Restart(ServicesOptions),
    /// Logs of all services, merged in time order
    Logs(LogsOptions),
    /// Reload changed alert rules as a transaction: checked, written, reloaded, proved, or put back
    ReloadRules(ReloadRulesOptions),
    /// Reload changed files of running services as a transaction
    Reload(ReloadOptions),
    /// Take newer images: pulled, checked and tried first, and gone back from when they do not work
    Update(UpdateOptions),
    /// Go back to the images from before the last update
    Rollback(RollbackOptions),
    /// Carry the images of the stack to a machine without a registry
    #[command(subcommand)]
    Images(ImagesCommand),
    /// Open a service's page in the browser
    Open(OpenOptions),
    /// Every finding in configuration, rules and their tests; with --live also what the running stack says
    Check(CheckOptions),
    /// Run the unit tests of the rules (rules/tests) with the promtool of the pinned image
    TestRules(TestRulesOptions),
    /// Print a unit test for an alert that has none
    #[command(subcommand)]
    Generate(GenerateCommand),
    /// Fire alerts end to end, to a sink or (--live) to the real receiver, and show how far each is proven
    Drill(DrillOptions),
    /// Each thing that is commonly wrong: evidence, likely cause, fix
    Doctor(DoctorOptions),
    /// Back Grafana up: its database, checked by `SQLite`, its plugins and what is provisioned
    BackupGrafana(BackupOptions),
    /// List the backups, or read each again with --verify
    Backups(BackupsOptions),
    /// Put a backup back: checked before anything is touched, undone when it does not work
    RestoreGrafana(RestoreOptions),
    /// Write the rendered configuration files into a folder, to look at
    Render(RenderOptions),
    /// Write an editable copy of the embedded defaults
    Init(InitOptions),
    /// Print a completion script
    Completions {
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// A backend to try the stack and its alerts with
    #[command(after_help = crate::demo::scenario::help())]
    DemoBackend(DemoOptions),
}

#[derive(Clone, Debug, Default, Args)]
pub struct PlanOptions {
    /// Include an optional service
    #[arg(long, value_enum, value_name = "SERVICE")]
    pub with: Vec<ServiceKind>,
    /// Leave a service out; its container is removed, its volumes stay
    #[arg(long, value_enum, value_name = "SERVICE")]
    pub without: Vec<ServiceKind>,
    /// When to pull images
    #[arg(long, value_enum, default_value_t)]
    pub pull: PullPolicy,
}

#[derive(Clone, Debug, Args)]
pub struct UpOptions {
    #[command(flatten)]
    pub plan: PlanOptions,
    /// How long services may take to answer
    #[arg(long, value_name = "DURATION", default_value = "120s", value_parser = parse_duration)]
    pub timeout: Duration,
    /// Show the plan and stop
    #[arg(long)]
    pub dry_run: bool,
    /// Allow the last rule of a running Prometheus to go, which switches every alert off
    #[arg(long)]
    pub allow_empty: bool,
    /// Do not wait for Prometheus's first scrape of each target, which takes up to one scrape interval
    #[arg(long, env = "CONFIDEXMON_NO_WAIT_TARGETS", value_parser = clap::builder::FalseyValueParser::new())]
    pub no_wait_targets: bool,
    #[command(flatten)]
    pub owner: OwnerOptions,
}

#[derive(Clone, Copy, Debug, Default, Args)]
pub struct OwnerOptions {
    /// Take over a stack that another project started
    #[arg(long)]
    pub adopt: bool,
}

#[derive(Clone, Debug, Args)]
pub struct DownOptions {
    /// Remove the data volumes too: metrics, silences and Grafana's database are lost
    #[arg(long)]
    pub volumes: bool,
    /// Show what would be removed and stop
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub owner: OwnerOptions,
}

#[derive(Clone, Debug, Args)]
pub struct StatusOptions {
    /// Stay and show every change
    #[arg(short, long)]
    pub watch: bool,
    /// Exit with 0 even when something is not healthy (otherwise 4)
    #[arg(long)]
    pub exit_zero: bool,
}

#[derive(Clone, Debug, Args)]
pub struct SilenceOptions {
    /// The alert's name
    #[arg(value_name = "ALERT", add = ArgValueCandidates::new(complete::alerts))]
    pub alert: String,
    /// Only where it has this label, for example instance=api-2:9100; may be repeated
    #[arg(value_name = "LABEL=VALUE", value_parser = parse_label)]
    pub labels: Vec<(String, String)>,
    /// How long
    #[arg(long = "for", value_name = "DURATION", default_value = "1h", value_parser = parse_silence)]
    pub length: Duration,
    /// Why, for whoever wonders where the alert is
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub why: String,
    /// Who silences it
    #[arg(long, value_name = "NAME", env = "USER")]
    pub by: Option<String>,
}

#[derive(Clone, Debug, Args)]
pub struct SilencesOptions {
    /// End one: by its id, the beginning of it, or its alert's name; `all` ends all
    #[arg(long, value_name = "ID", add = ArgValueCandidates::new(complete::alerts))]
    pub end: Option<String>,
}

fn parse_label(text: &str) -> Result<(String, String), String> {
    let (name, value) =
        text.split_once('=').ok_or("a label is LABEL=VALUE, for example instance=api-2:9100")?;
    let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    Ok((name.to_owned(), value.to_owned()))
}

fn parse_silence(text: &str) -> Result<Duration, String> {
    let length = parse_duration(text)?;
    let longest = crate::cli::commands::silence::LONGEST;
    if length.is_zero() || length > longest {
        return Err("a silence lasts some time, and at most 90 days".to_owned());
    }
    Ok(length)
}

#[derive(Clone, Debug, Args)]
pub struct ServicesOptions {
    /// Services; all when none is named
    #[arg(value_enum, value_name = "SERVICE")]
    pub services: Vec<ServiceKind>,
    /// How long services may take to answer
    #[arg(long, value_name = "DURATION", default_value = "120s", value_parser = parse_duration)]
    pub timeout: Duration,
    #[command(flatten)]
    pub owner: OwnerOptions,
}

#[derive(Clone, Debug, Subcommand)]
pub enum GenerateCommand {
    /// Print a unit test for an alert, in which promtool says that it fires
    Test {
        /// The alert's name
        #[arg(value_name = "ALERT", add = ArgValueCandidates::new(complete::alerts))]
        alert: String,
    },
}

#[derive(Clone, Debug, Args)]
pub struct LogsOptions {
    /// Services; all when none is named
    #[arg(value_enum, value_name = "SERVICE")]
    pub services: Vec<ServiceKind>,
    /// Go on with new lines, across restarts and recreations
    #[arg(short, long)]
    pub follow: bool,
    /// Only lines since a duration ago (10m) or a time (RFC 3339)
    #[arg(long, value_name = "WHEN")]
    pub since: Option<String>,
    /// Begin each line with its time
    #[arg(short, long)]
    pub timestamps: bool,
    /// Only the last lines of each service
    #[arg(short = 'n', long, value_name = "LINES")]
    pub tail: Option<u64>,
}

#[derive(Clone, Debug, Args)]
pub struct ReloadRulesOptions {
    /// Allow a rule set without any rule, which switches every alert off
    #[arg(long)]
    pub allow_empty: bool,
    #[command(flatten)]
    pub owner: OwnerOptions,
}

#[derive(Clone, Debug, Args)]
pub struct ReloadOptions {
    /// What to reload
    #[arg(value_enum, value_name = "WHAT", default_value = "all")]
    pub what: ReloadWhat,
    #[command(flatten)]
    pub rules: ReloadRulesOptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ReloadWhat {
    /// Prometheus: alert and recording rules, and its own configuration
    Rules,
    /// Alertmanager: routes, receivers, message templates
    Alertmanager,
    /// Grafana: dashboards, runbook pages and datasources
    Dashboards,
    All,
}

#[derive(Clone, Debug, Args)]
pub struct OpenOptions {
    /// The service whose page to open
    #[arg(value_enum, value_name = "SERVICE", default_value = "grafana")]
    pub service: ServiceKind,
    /// Only print the URL
    #[arg(long)]
    pub print: bool,
}

#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub struct CheckOptions {
    /// Files or folders to check instead of the whole project: rules, their tests, Alertmanager configurations, dashboards, a saved /metrics (.prom)
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Check against what the backend exports now, and ask every dashboard panel's query through the running Grafana
    #[arg(long)]
    pub live: bool,
    /// First fetch what the backend exports now, and keep it as config/backend.prom
    #[arg(long, conflicts_with_all = ["routes", "list"])]
    pub save_contract: bool,
    /// Put placeholders in the place of secrets that are not set, as in a pipeline that has none
    #[arg(long, conflicts_with = "live")]
    pub no_secrets: bool,
    #[command(flatten)]
    pub validators: ValidatorOptions,
    /// Instead of findings: each alert, the receivers it reaches, when, and what can silence it
    #[arg(long, conflicts_with = "report")]
    pub routes: bool,
    /// Instead of findings: every lint with what it finds
    #[arg(long, conflicts_with_all = ["report", "routes", "live", "paths"])]
    pub list: bool,
    /// How findings are written; json is what `--format json` gives
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub report: Option<ReportFormat>,
}

#[derive(Clone, Copy, Debug, Args)]
pub struct ValidatorOptions {
    /// Fail when promtool or amtool could not be asked, instead of only saying so
    #[arg(long)]
    pub require_validators: bool,
    /// Pull the images of promtool and amtool when this engine has none
    #[arg(long)]
    pub pull: bool,
}

#[derive(Clone, Debug, Args)]
pub struct TestRulesOptions {
    /// Also list alerts without a firing or without a quiet test, and tests of alerts that do not exist
    #[arg(long)]
    pub coverage: bool,
    /// Only scenarios whose name matches this regular expression (Go's syntax)
    #[arg(long, value_name = "PATTERN")]
    pub run: Option<String>,
}

/// How `check` writes its findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ReportFormat {
    Text,
    Json,
    /// SARIF 2.1.0, for code review
    Sarif,
    /// Annotations of a GitHub workflow
    Github,
}

#[derive(Clone, Debug, Args)]
pub struct DrillOptions {
    /// Alerts by name; all when none is named
    #[arg(value_name = "ALERT", add = ArgValueCandidates::new(complete::alerts))]
    pub alerts: Vec<String>,
    // As an attribute, because a doc comment takes the brackets for a link.
    #[arg(
        long,
        help = "Send one alert, marked [TEST], through the running Alertmanager to the real receivers"
    )]
    pub live: bool,
    /// With --live: do not ask first
    #[arg(short, long)]
    pub yes: bool,
    /// Write the report as a page that needs nothing else
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// How long one alert may take to arrive
    #[arg(long, value_name = "DURATION", default_value = "120s", value_parser = parse_duration)]
    pub timeout: Duration,
}

#[derive(Clone, Debug, Args)]
pub struct RenderOptions {
    /// Folder to write to; created when missing
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// Write secrets too, readable only by you; otherwise `<redacted>` stands in their place
    #[arg(long)]
    pub with_secrets: bool,
}

#[derive(Clone, Debug, Args)]
pub struct InitOptions {
    /// Folder to write to
    #[arg(value_name = "DIR", default_value = ".")]
    pub directory: PathBuf,
    /// Replace files that exist
    #[arg(long)]
    pub force: bool,
    // As an attribute, because a doc comment would have to put the URL into angle brackets.
    #[arg(
        long = "for",
        value_name = "URL",
        help = "Write a project for another backend: rules, tests, runbooks and a dashboard that fit what its /metrics at http://host:port/metrics shows"
    )]
    pub backend: Option<String>,
    /// With --for: the stack's name, and what alerts and files are named after (default: the folder's name)
    #[arg(long, value_name = "NAME", requires = "backend")]
    pub name: Option<String>,
    /// The stack's name (default: confidex, or the folder's name when this engine has a stack of that name)
    #[arg(long, value_name = "NAME", value_parser = parse_stack_name)]
    pub stack: Option<StackName>,
}

#[derive(Clone, Debug, Args)]
pub struct DemoOptions {
    /// Address to listen on; may be repeated [default: 127.0.0.1:3001, and the one by which containers of a local
    /// engine reach this machine]
    #[arg(long, value_name = "IP:PORT")]
    pub listen: Vec<SocketAddr>,
    /// Failure scenario to begin with, for example `crank-stopped` or `http-5xx=5%`; may be repeated
    #[arg(
        long = "scenario",
        value_name = "NAME[=PERCENT]",
        value_parser = crate::demo::parse_scenario,
        add = ArgValueCandidates::new(complete::scenarios)
    )]
    pub scenarios: Vec<Active>,
    /// The same seed gives the same movements
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Seconds of the backend's life per second
    #[arg(long, default_value_t = 1.0)]
    pub speed: f64,
}

fn parse_stack_name(text: &str) -> Result<StackName, String> {
    StackName::new(text)
        .ok_or_else(|| format!("`{text}` is not a stack's name: a-z, 0-9 and `-`, at most 40 characters"))
}

/// `90s`, `2m`, `500ms`: Prometheus's notation. A number alone means seconds.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<u32>() {
        return Ok(Duration::from_secs(seconds.into()));
    }
    crate::model::PromDuration::parse(text)
        .map(|duration| duration.length())
        .ok_or_else(|| format!("`{text}` is not a duration such as `90s` or `2m`"))
}

#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub struct DoctorOptions {
    /// Topics to look at (default: all): engine, stack, targets, grafana, alerts, storage, security
    #[arg(value_name = "TOPIC", value_parser = parse_topic)]
    pub topics: Vec<Topic>,
    /// List what is looked at, and look at nothing
    #[arg(long)]
    pub list: bool,
    /// Look again until no problem is left
    #[arg(long, conflicts_with = "list")]
    pub wait: bool,
    /// Do what is safe about what was found: says what, and asks before
    #[arg(long, conflicts_with_all = ["list", "wait"])]
    pub fix: bool,
    /// Fix without asking
    #[arg(long, requires = "fix")]
    pub yes: bool,
    /// Write a support archive without secrets (.tar, or .tar.zst for a smaller one)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["list", "wait"])]
    pub bundle: Option<PathBuf>,
}

fn parse_topic(text: &str) -> Result<Topic, String> {
    Topic::from_name(text).ok_or_else(|| {
        let names: Vec<&str> = Topic::ALL.iter().map(|topic| topic.name()).collect();
        format!("there is no such topic; there are {}", names.join(", "))
    })
}
