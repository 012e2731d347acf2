//! What every command starts from: flags, environment, project, settings, the engine.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Mutex;

use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::apply::{PROBE_DEADLINE, StackSession, gather};
use crate::check;
use crate::cli::args::{Global, PlanOptions};
use crate::cli::early::{Ahead, Early};
use crate::cli::signals;
use crate::engine::docker::{DockerEngine, EndpointChoice};
use crate::engine::{Engine, docker};
use crate::error::{Error, ExitCode};
use crate::formats::dashboard::validity::Refusal;
use crate::model::{self, Diagnostic, ImageRef, Observed, Place, Secret, ServiceKind, Severity, StackName};
use crate::net::HttpClient;
use crate::render::{ProjectFiles, dashboards};
use crate::report::output::ColorChoice;
use crate::report::{Format, Output, diagnostic, progress};
use crate::services::{self, Desired};
use crate::settings::{self, FlagOverrides, Settings, Sources};
use crate::store::StoreError;
use crate::store::identity;
use crate::store::images_lock::LockFile;
use crate::store::lock::{self, LockError, RunLock, Scope};
use crate::store::project::{self, Project};
use crate::store::state::StackState;
use crate::update::LockedImage;

/// The command's surroundings.
pub struct Context {
    pub global: Global,
    pub output: Output,
    pub environment: BTreeMap<String, String>,
    /// Placeholders stand for secrets that are not set: for commands that only look at the files.
    pub placeholders: bool,
    /// The engine, asked before the project was read.
    pub early: Early,
    /// True for a command that goes on until Ctrl-C, which is no interruption of it.
    pub goes_on_until_stopped: bool,
}

/// Between two tries to take a lock that another run holds.
const LOCK_PAUSE: std::time::Duration = std::time::Duration::from_millis(200);

/// Settings with the project that they came from.
pub struct Loaded {
    pub settings: Settings,
    pub project: Project,
    /// The lock of its images, by which `settings` were changed already.
    pub images_lock: LockFile,
    /// What the settings themselves name.
    pub named_images: BTreeMap<ServiceKind, ImageRef>,
    /// Whose stack it is.
    pub identity: model::Project,
    /// What is worth saying before something is changed.
    warnings: Vec<Diagnostic>,
}

/// A project whose settings cannot be used, and why.
pub type Refused = (Project, Vec<Diagnostic>);

impl Loaded {
    /// What is worth saying of the user's own files, each with its place.
    pub fn placed_warnings(&self) -> impl Iterator<Item = &Diagnostic> {
        self.warnings.iter().filter(|problem| problem.place.is_known())
    }

    /// The lines of the lock that hold for the settings as they are.
    pub fn locked_images(&self) -> BTreeMap<ServiceKind, LockedImage> {
        let lock = &self.images_lock.lock;
        let lines = self
            .named_images
            .iter()
            .filter_map(|(service, named)| Some((*service, lock.line(*service, named)?.clone())));
        lines.collect()
    }

    /// The images that worked last, where the settings name others by now.
    fn other_images(&self) -> BTreeMap<ServiceKind, ImageRef> {
        let last = self.images_lock.lock.images.iter();
        let last = last.filter_map(|(service, line)| Some((*service, line.reference()?)));
        last.filter(|(service, image)| self.settings.images.get(service) != Some(image)).collect()
    }

    /// Host ports of the stack's services.
    pub fn ports(&self) -> Vec<u16> {
        self.settings
            .services()
            .into_iter()
            .map(|service| self.settings.port(service))
            .filter(|port| *port != 0)
            .collect()
    }
}

impl Context {
    /// Flags, streams and the environment of this process.
    pub fn new(global: Global, output: Output) -> Self {
        // Names or values that are not UTF-8 cannot be settings of ours.
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self {
            global,
            output,
            environment,
            placeholders: false,
            early: Early::default(),
            goes_on_until_stopped: false,
        }
    }

    /// For a command that needs no secret.
    #[must_use]
    pub fn with_placeholders(self) -> Self {
        Self { placeholders: true, ..self }
    }

    /// For `--watch` and `--follow`.
    #[must_use]
    pub fn until_stopped(self, goes_on: bool) -> Self {
        Self { goes_on_until_stopped: goes_on, ..self }
    }

    /// Project and settings, or every problem of theirs printed at once.
    pub fn load(&self, options: &PlanOptions) -> Result<Loaded, Error> {
        self.load_or_problems(options)?.map_err(|(project, problems)| {
            let (errors, warnings): (Vec<_>, Vec<_>) =
                problems.into_iter().partition(|problem| problem.severity == Severity::Bug);
            self.report(&warnings, &project);
            self.report(&errors, &project);
            configuration_error(errors.len())
        })
    }

    /// Project and settings, or the project and every problem of its settings.
    pub fn load_or_problems(&self, options: &PlanOptions) -> Result<Result<Loaded, Refused>, Error> {
        let folder = &self.global.project_dir;
        if folder.is_file() {
            let text = format!("the project folder `{}` is a file", folder.display());
            return Err(Error::new(ExitCode::Usage, text)
                .hint("name the folder that holds config/, rules/ and dashboards/"));
        }
        if !folder.is_dir() {
            return Err(Error::new(
                ExitCode::Usage,
                format!("the project folder `{}` does not exist", folder.display()),
            )
            .hint("`confidexmon init DIR` makes one; without `--project-dir` the current folder is used"));
        }
        let mut project = project::load(folder).map_err(unreadable)?;
        let settings_file = project.files.config.get("confidexmon.yml");
        let flags = FlagOverrides {
            with: options.with.clone(),
            without: options.without.clone(),
            placeholders: self.placeholders,
        };
        let sources = Sources {
            settings_file: settings_file.map(|file| (file.shown_as.as_str(), file.text.as_str())),
            dotenv: project.dotenv.as_ref().map(|(name, text)| (name.as_str(), text.as_str())),
            environment: &self.environment,
            flags: &flags,
        };
        let (mut settings, mut problems) = settings::resolve(&sources);
        problems.extend(open_dotenv(&project));
        for file in
            settings.iter_mut().flat_map(|settings| &mut settings.targets).flat_map(|one| one.tls.files_mut())
        {
            let text = project::read_pem(folder, &file.path).map_err(|error| {
                unreadable(error).hint(format!(
                    "`{}` under `targets:` names it, as seen from the project folder",
                    file.setting
                ))
            })?;
            file.text = Secret::new(text);
        }
        Ok(match settings {
            Some(settings) => {
                services::leave_out_unused(&settings, &mut project.files);
                Ok(self.locked(settings, project, problems)?)
            }
            None => Err((project, problems)),
        })
    }

    /// The settings with the images that the lock names.
    fn locked(
        &self,
        mut settings: Settings,
        project: Project,
        warnings: Vec<Diagnostic>,
    ) -> Result<Loaded, Error> {
        let folder = &self.global.project_dir;
        let images_lock =
            LockFile::load(folder, &self.state_directory(), &settings.stack).map_err(|error| {
                unreadable(error)
                    .hint("restore it from version control, or remove it: `confidexmon up` makes a new one")
            })?;
        let named_images = settings.images.clone();
        for (service, image) in &mut settings.images {
            *image = images_lock.lock.image(*service, image);
        }
        let identity = identity::load(folder).map_err(unreadable)?;
        Ok(Loaded { settings, project, images_lock, named_images, identity, warnings })
    }

    /// Says what the settings' problems are that do not stop a command. For commands that change something.
    pub fn print_warnings(&self, loaded: &Loaded) {
        if !self.output.quiet {
            self.report(&loaded.warnings, &loaded.project);
            let refused = dashboards::refusals(&loaded.project.files);
            let refused: Vec<Diagnostic> = refused.into_iter().map(not_shown).collect();
            self.report(&refused, &loaded.project);
            self.print_not_loaded(loaded);
        }
    }

    /// Says which files of rules are not in force wherever they lie now.
    pub fn print_not_loaded(&self, loaded: &Loaded) {
        let found = check::unread_rule_files(&loaded.project.files).into_iter();
        // No reason not to put the rest into force.
        let warnings: Vec<_> = found.map(|one| one.severity(Severity::Warning)).collect();
        self.report(&warnings, &loaded.project);
    }

    /// True when a redis of this stack runs that the settings do not name (`up --with redis` was used once): it
    /// stays until `--without redis`.
    pub fn has_unnamed_redis(loaded: &Loaded, options: &PlanOptions, observed: &Observed) -> bool {
        let settings = &loaded.settings;
        let runs =
            gather::services(observed, &settings.stack).any(|c| c.service() == Some(ServiceKind::Redis));
        let wanted = settings.redis.enabled || options.without.contains(&ServiceKind::Redis);
        runs && !wanted && settings.redis.password.is_some()
    }

    /// The same settings with such a redis.
    pub fn with_running_redis(
        &self,
        loaded: Loaded,
        options: &PlanOptions,
        observed: &Observed,
    ) -> Result<Loaded, Error> {
        if !Self::has_unnamed_redis(&loaded, options, observed) {
            return Ok(loaded);
        }
        self.load(&PlanOptions { with: vec![ServiceKind::Redis], ..options.clone() })
    }

    /// A stack that was rendered while the engine was asked, with such a redis where one turned out to run.
    pub fn settled(
        &self,
        (loaded, desired): (Loaded, Desired),
        options: &PlanOptions,
        observed: &Observed,
    ) -> Result<(Loaded, Desired), Error> {
        if !Self::has_unnamed_redis(&loaded, options, observed) {
            return Ok((loaded, desired));
        }
        let loaded = self.with_running_redis(loaded, options, observed)?;
        let desired = self.desired(&loaded)?;
        Ok((loaded, desired))
    }

    /// Gives the project its id, before anything of it is made.
    pub fn identify(&self, loaded: &mut Loaded) -> Result<(), Error> {
        loaded.identity = identity::ensure(&self.global.project_dir).map_err(unreadable)?;
        Ok(())
    }

    /// The stack's name alone, for commands that need nothing else of the settings.
    pub fn stack_name(&self, options: &PlanOptions) -> Result<StackName, Error> {
        Ok(self.load(options)?.settings.stack)
    }

    /// The stack as the settings and templates describe it.
    pub fn desired(&self, loaded: &Loaded) -> Result<Desired, Error> {
        match services::render_stack(&loaded.settings, &loaded.project.files) {
            Ok(files) => {
                let mut desired = services::desired(&loaded.settings, files);
                desired.locked = loaded.locked_images();
                desired.worked_before = loaded.other_images();
                desired.belongs_to(loaded.identity.clone());
                Ok(desired)
            }
            Err(problems) => {
                self.report(&problems, &loaded.project);
                Err(configuration_error(problems.len()))
            }
        }
    }

    /// Problems at their places, on stderr.
    pub fn report(&self, problems: &[Diagnostic], project: &Project) {
        for problem in problems {
            if self.output.format == Format::Json {
                self.output.say(&problem_event(problem).to_string());
                continue;
            }
            let file = problem.place.file.as_str();
            let ProjectFiles { config, rules, dashboards } = &project.files;
            let mut files = config.values().chain(rules.values()).chain(dashboards.values());
            let text = files.find(|known| known.shown_as == file).map(|known| known.text.as_str());
            self.output.say(diagnostic::render(problem, text, self.output.color_stderr).trim_end());
        }
    }

    /// Connects to the engine: one call. `forward_ports` are the published ports that an ssh tunnel
    /// has to bring here.
    pub async fn engine(&self, forward_ports: &[u16]) -> Result<DockerEngine, Error> {
        match self.early.engine().await {
            Some(engine) => Ok(engine?),
            None => Ok(docker::connect(self.endpoint(forward_ports)).await?),
        }
    }

    /// Asks the engine while the project is read.
    pub fn connect_ahead(&self, ahead: Ahead) {
        self.early.begin(self.endpoint(&[]), ahead);
    }

    fn endpoint(&self, forward_ports: &[u16]) -> EndpointChoice {
        EndpointChoice {
            host_flag: self.global.host.clone(),
            context_flag: self.global.context.clone(),
            env: self.environment.clone(),
            forward_ports: forward_ports.to_vec(),
            memory: Some(self.state_directory()),
        }
    }

    /// Everything that applying needs.
    pub fn session<E: Engine>(&self, engine: E, stack: &StackName) -> Result<StackSession<E>, Error> {
        let silent = self.goes_on_until_stopped;
        let cancel = if silent { signals::watch_silently() } else { signals::watch(self.output) };
        let state = StackState::load(&self.state_directory(), &engine.info().endpoint, stack);
        Ok(StackSession {
            engine,
            reporter: progress::reporter(self.output),
            state: Mutex::new(state),
            http: HttpClient::new(PROBE_DEADLINE)?,
            cancel,
        })
    }

    /// Holds off other runs on the same stack until dropped.
    pub fn lock<E: Engine>(&self, engine: &E, stack: &StackName, command: &str) -> Result<RunLock, Error> {
        self.lock_scope(engine, (stack, Scope::Stack), command)
    }

    /// The same for what works beside the stack.
    #[expect(clippy::disallowed_methods, reason = "nothing else runs yet, and Ctrl-C ends the program still")]
    pub fn lock_scope<E: Engine>(
        &self,
        engine: &E,
        scope: (&StackName, Scope),
        command: &str,
    ) -> Result<RunLock, Error> {
        let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
        let description = format!("pid {} (`confidexmon {command}`) since {now}\n", std::process::id());
        let directory = self.state_directory();
        let acquire = || lock::acquire(&directory, &engine.info().endpoint, scope, &description);
        let deadline = self.global.wait_lock.map(|limit| std::time::Instant::now() + limit);
        let mut said = false;
        loop {
            match acquire() {
                Err(LockError::Held { holder, .. })
                    if deadline.is_some_and(|deadline| std::time::Instant::now() < deadline) =>
                {
                    if !std::mem::replace(&mut said, true) {
                        self.output.info(&format!("waiting for {holder}"));
                    }
                    std::thread::sleep(LOCK_PAUSE);
                }
                other => return Ok(other?),
            }
        }
    }

    /// Where this machine's memory of stacks lies: XDG's place for state.
    pub fn state_directory(&self) -> PathBuf {
        let from =
            |name: &str| self.environment.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        from("CONFIDEXMON_STATE_DIR")
            .or_else(|| from("XDG_STATE_HOME").map(|home| home.join("confidexmon")))
            .or_else(|| from("HOME").map(|home| home.join(".local/state/confidexmon")))
            .unwrap_or_else(|| std::env::temp_dir().join("confidexmon-state"))
    }
}

/// A problem of the configuration, for programs.
fn problem_event(problem: &Diagnostic) -> serde_json::Value {
    let place = Some(&problem.place).filter(|place| place.is_known());
    serde_json::json!({
        "event": if problem.severity == Severity::Bug { "problem" } else { "warning" },
        "text": problem.message,
        "file": place.map(|place| &place.file),
        "line": place.map(|place| place.line),
        "column": place.map(|place| place.column),
        "hint": problem.fix,
    })
}

/// A dashboard that Grafana leaves out is no reason not to run the rest.
pub(super) fn not_shown((file, refusal): (String, Refusal)) -> Diagnostic {
    let Refusal { place: at, reason, fix } = refusal;
    let place = Place { file, line: at.line, column: at.column, length: 1 };
    let message = format!("Grafana does not take this dashboard: {reason}");
    Diagnostic { fix, ..Diagnostic::new("unreadable-dashboard", Severity::Warning, place, message) }
}

/// Secrets that every user of this machine can read.
fn open_dotenv(project: &Project) -> Option<Diagnostic> {
    let (name, text) = project.dotenv.as_ref().filter(|_| project.dotenv_is_open)?;
    let holds_secrets = text.lines().any(|line| {
        let (name, value) = line.trim().split_once('=').unwrap_or_default();
        let is_set = !value.trim_matches(|c| matches!(c, '"' | '\'' | ' ')).is_empty();
        is_set && settings::env_vars::find(name.trim()).is_none_or(|variable| variable.secret)
    });
    let place = Place { file: name.clone(), line: 0, column: 0, length: 0 };
    let text = "every user of this machine can read the secrets in it";
    holds_secrets.then(|| {
        Diagnostic::new("settings", Severity::Warning, place, text).fix(format!("`chmod 600 {name}`"))
    })
}

/// A file that cannot be read as what it should be: a wrong configuration, not a failed operation.
pub fn unreadable(error: StoreError) -> Error {
    Error { code: ExitCode::Usage, ..error.into() }
}

fn configuration_error(problems: usize) -> Error {
    let count = crate::report::words::count(problems, "problem");
    Error::new(ExitCode::Usage, format!("the configuration has {count}; nothing was touched"))
}

/// Streams and colour, as flags, `NO_COLOR` and terminals say.
pub fn output(global: &Global) -> Output {
    let color = |is_terminal: bool| match global.color {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    };
    let terminal = std::io::stderr().is_terminal();
    Output {
        format: global.format,
        quiet: global.quiet,
        color_stdout: color(std::io::stdout().is_terminal()),
        color_stderr: color(terminal),
        terminal,
    }
}

/// Diagnostics of the program itself go to stderr; `-v` and `-vv` show more of them.
pub fn init_logging(global: &Global, output: Output) {
    let level = match global.verbose {
        0 => tracing::Level::WARN,
        1 => tracing::Level::INFO,
        _ => tracing::Level::DEBUG,
    };
    // How connections are pooled is nobody's question here.
    let own = filter_fn(|of| of.target().starts_with("confidexmon") || *of.level() <= tracing::Level::WARN);
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(output.color_stderr)
        .without_time()
        .with_target(false);
    let _ = match output.format {
        Format::Json => subscriber.json().finish().with(own).try_init(),
        Format::Human => subscriber.finish().with(own).try_init(),
    };
}
