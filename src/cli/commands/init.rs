//! `init`: an editable copy of the embedded defaults.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::apply::gather;
use crate::cli::args::InitOptions;
use crate::cli::context::Context;
use crate::engine::{Containers, Engine};
use crate::error::{Error, ExitCode};
use crate::formats::exposition;
use crate::model::{ServiceKind, StackName, labels};
use crate::net::backend::{self, Auth, Tls};
use crate::render::ProjectFiles;
use crate::report::{Format, words};
use crate::starter::{self, Backend};
use crate::store::{atomic, ports, text};

const DOTENV_EXAMPLE: &str = include_str!("../../../.env.example");
/// `cp .env.example .env` keeps it: secrets are for their owner only.
const DOTENV_MODE: u32 = 0o600;
/// What a project must keep out of version control.
const GITIGNORE: &str = ".env\n";

/// Writes a project folder.
///
/// # Errors
/// When a file is there already, or the backend that was named does not answer with metrics.
pub async fn run(context: &Context, options: &InitOptions) -> Result<(), Error> {
    let (mut files, made) = match &options.backend {
        Some(url) => starter_files(&options.directory, url, options.name.as_deref()).await?,
        None => (files(&options.directory), None),
    };
    let apart = Apart::find(context, options).await;
    for (_, text, _) in files.iter_mut().filter(|(path, ..)| path.ends_with("config/confidexmon.yml")) {
        *text = apart.applied(text);
    }
    if !options.force {
        let existing: Vec<String> =
            files.iter().filter(|(path, _, _)| path.exists()).map(|(path, _, _)| words::path(path)).collect();
        if let Some(first) = existing.first() {
            let what = match existing.len() - 1 {
                0 => format!("`{first}` exists"),
                others => format!("`{first}` and {} exist", words::count(others, "other file")),
            };
            return Err(Error::new(ExitCode::Failed, format!("{what}; nothing was written"))
                .hint("choose another folder, or replace them with `--force`"));
        }
    }
    for (path, text, mode) in &files {
        atomic::write(path, text.as_bytes(), *mode)?;
    }
    protect_dotenv(&options.directory)?;
    apart.report(context);
    if context.output.format == Format::Json {
        let written: Vec<String> = files.iter().map(|(path, ..)| words::path(path)).collect();
        context.output.json(&serde_json::json!({"directory": options.directory, "files": written, "stack": apart.stack.as_ref().map(StackName::as_str)}));
        return Ok(());
    }
    context.output.info(&format!(
        "wrote {} to {}; copy .env.example to .env and set the receivers there",
        words::count(files.len(), "file"),
        options.directory.display()
    ));
    if let Some(made) = made {
        context.output.info(&made);
    }
    Ok(())
}

/// Name and ports by which a new stack lives beside those that are there.
#[derive(Default)]
struct Apart {
    stack: Option<StackName>,
    ports: Vec<(ServiceKind, u16)>,
    /// The name that is taken.
    taken: Option<StackName>,
}

/// An engine that is not there, or hangs, keeps nobody from writing files.
const LOOK: Duration = Duration::from_secs(2);

impl Apart {
    async fn find(context: &Context, options: &InitOptions) -> Self {
        let given = Self { stack: options.stack.clone(), ..Self::default() };
        // A backend's stack has a name of its own.
        let default = match &options.backend {
            Some(_) => backend_name(&options.directory, options.name.as_deref()).ok(),
            None => Some("confidex".to_owned()),
        };
        let default = default.and_then(|name| StackName::new(&name));
        let Some(wanted) = given.stack.clone().or(default) else { return given };
        let looked = async {
            let engine = context.engine(&[]).await.ok()?;
            let local = engine.info().ports_are_local;
            Some((engine.list().await.ok()?, local))
        };
        let Ok(Some((observed, local))) = tokio::time::timeout(LOOK, looked).await else { return given };
        if observed.containers.iter().all(|one| one.label(labels::STACK).is_none()) {
            return given;
        }
        let is_taken = |name: &StackName| gather::services(&observed, name).next().is_some();
        let ports = if local { free_ports() } else { Vec::new() };
        if !is_taken(&wanted) {
            return Self { ports, ..given };
        }
        if options.stack.is_some() || options.backend.is_some() {
            return Self { taken: Some(wanted), ports, ..given };
        }
        let own = backend_name(&options.directory, None).ok().and_then(|name| StackName::new(&name));
        Self { stack: own.filter(|name| !is_taken(name)), ports, taken: Some(wanted) }
    }

    /// The settings with the name and the ports in the place of the defaults.
    fn applied(&self, text: &str) -> String {
        let line = |line: &str| {
            if let Some(stack) = self.stack.as_ref().filter(|_| line.starts_with("stack: ")) {
                return format!("stack: {stack}\n");
            }
            let port = self.ports.iter().find(|(service, port)| {
                let default = service.defaults().port;
                default != *port && line == format!("  {}: {default}", service.key())
            });
            port.map_or_else(
                || format!("{line}\n"),
                |(service, port)| format!("  {}: {port}\n", service.key()),
            )
        };
        text.lines().map(line).collect()
    }

    fn report(&self, context: &Context) {
        let moved = self.ports.iter().filter(|(service, port)| *port != service.defaults().port);
        let moved: Vec<String> = moved.map(|(service, port)| format!("{service} {port}")).collect();
        if !moved.is_empty() {
            let ports = moved.join(", ");
            context.output.info(&format!("ports, because the usual ones are in use: {ports}"));
        }
        let Some(taken) = &self.taken else { return };
        match &self.stack {
            Some(stack) if stack != taken => context.output.info(&format!(
                "this engine has a stack `{taken}` already, so this one is `{stack}` (`confidexmon ls` lists them)"
            )),
            _ => context.output.warning(&format!(
                "this engine has a stack `{taken}` already: set another `stack:` in config/confidexmon.yml before `confidexmon up`"
            )),
        }
    }
}

/// The default ports, or the next free ones above them.
fn free_ports() -> Vec<(ServiceKind, u16)> {
    let loopback = IpAddr::from([127, 0, 0, 1]);
    let mut chosen: Vec<(ServiceKind, u16)> = Vec::new();
    for service in ServiceKind::ALL {
        let port = service.defaults().port;
        let taken: Vec<u16> = chosen.iter().map(|(_, port)| *port).collect();
        let free = if ports::is_free(loopback, port) && !taken.contains(&port) {
            Some(port)
        } else {
            ports::next_free(loopback, port, &taken)
        };
        chosen.extend(free.map(|free| (service, free)));
    }
    chosen
}

fn files(directory: &Path) -> Files {
    let embedded = ProjectFiles::embedded();
    let folders =
        [("config", embedded.config), ("rules", embedded.rules), ("dashboards", embedded.dashboards)];
    let mut files = vec![(directory.join(".env.example"), DOTENV_EXAMPLE.to_owned(), DOTENV_MODE)];
    for (folder, content) in folders {
        files.extend(
            content.into_iter().map(|(path, file)| (directory.join(folder).join(path), file.text, 0o644)),
        );
    }
    files
}

/// Path, text and mode of each file.
type Files = Vec<(PathBuf, String, u32)>;

/// The files of a project for the backend at `url`, which is asked once, and what was made for it in a sentence.
async fn starter_files(
    directory: &Path,
    url: &str,
    name: Option<&str>,
) -> Result<(Files, Option<String>), Error> {
    let Some(target) = starter::target_url(url) else {
        return Err(Error::new(ExitCode::Usage, format!("`{url}` is not an http or https URL"))
            .hint("for example `--for http://localhost:8080/metrics`"));
    };
    let name = backend_name(directory, name)?;
    let exposition = backend::metrics(url, &Auth::None, &Tls::default()).await.map_err(|error| {
        Error::from(error)
            .hint("start the backend, or correct the URL: it is asked once, for what it exports")
    })?;
    let read = exposition::parse(&exposition);
    if read.samples.is_empty() {
        return Err(Error::new(ExitCode::Failed, format!("what {url} answers holds no metrics"))
            .hint("name the address that Prometheus would scrape, usually one that ends in /metrics"));
    }
    let backend = Backend { job: name.clone(), name, url: target };
    let made = starter::project(&backend, &exposition);
    let files = made.files.into_iter().map(|file| (directory.join(file.path), file.text, 0o644));
    let files = std::iter::once((directory.join(".env.example"), DOTENV_EXAMPLE.to_owned(), DOTENV_MODE))
        .chain(files)
        .collect();
    Ok((files, Some(made.summary)))
}

/// The name that was given, else the folder's, in the letters that a stack's name may have.
fn backend_name(directory: &Path, given: Option<&str>) -> Result<String, Error> {
    let folder = std::path::absolute(directory).ok();
    let folder =
        folder.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().to_lowercase());
    let cleaned = |text: &str| text.replace(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit(), "-");
    let name = match given {
        Some(name) => name.to_owned(),
        None => cleaned(&folder.unwrap_or_default()).trim_matches('-').chars().take(40).collect(),
    };
    if StackName::new(&name).is_some() && name.starts_with(|first: char| first.is_ascii_lowercase()) {
        return Ok(name);
    }
    Err(Error::new(ExitCode::Usage, format!("`{name}` cannot be the name of a backend")).hint(
        "give one with `--name`: lower-case letters, digits and `-`, beginning with a letter, at most 40",
    ))
}

/// Adds `.env` to the folder's .gitignore unless it is there; an existing file keeps its lines.
fn protect_dotenv(directory: &Path) -> Result<(), Error> {
    let path = directory.join(".gitignore");
    let existing = text::read_optional(&path)?.unwrap_or_default();
    if existing.lines().any(|line| matches!(line.trim(), ".env" | "/.env")) {
        return Ok(());
    }
    Ok(atomic::write(&path, format!("{existing}{GITIGNORE}").as_bytes(), 0o644)?)
}
