//! `init`: an editable copy of the embedded defaults.

use std::path::{Path, PathBuf};

use crate::cli::args::InitOptions;
use crate::cli::context::Context;
use crate::error::{Error, ExitCode};
use crate::formats::exposition;
use crate::model::StackName;
use crate::net::backend::{self, Auth};
use crate::render::ProjectFiles;
use crate::report::words;
use crate::starter::{self, Backend};
use crate::store::{atomic, text};

const DOTENV_EXAMPLE: &str = include_str!("../../../.env.example");
/// What a project must keep out of version control.
const GITIGNORE: &str = ".env\n";

pub async fn run(context: &Context, options: &InitOptions) -> Result<(), Error> {
    let files = match &options.backend {
        Some(url) => starter_files(&options.directory, url, options.name.as_deref()).await?,
        None => files(&options.directory),
    };
    if !options.force {
        let existing: Vec<String> = files
            .iter()
            .filter(|(path, _, _)| path.exists())
            .map(|(path, _, _)| path.display().to_string())
            .collect();
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
    context.output.info(&format!(
        "wrote {} to {}; copy .env.example to .env and set the receivers there",
        words::count(files.len(), "file"),
        options.directory.display()
    ));
    Ok(())
}

fn files(directory: &Path) -> Vec<(PathBuf, String, u32)> {
    let embedded = ProjectFiles::embedded();
    let folders =
        [("config", embedded.config), ("rules", embedded.rules), ("dashboards", embedded.dashboards)];
    let mut files = vec![(directory.join(".env.example"), DOTENV_EXAMPLE.to_owned(), 0o644)];
    for (folder, content) in folders {
        files.extend(
            content.into_iter().map(|(path, file)| (directory.join(folder).join(path), file.text, 0o644)),
        );
    }
    files
}

/// The files of a project for the backend at `url`, which is asked once.
async fn starter_files(
    directory: &Path,
    url: &str,
    name: Option<&str>,
) -> Result<Vec<(PathBuf, String, u32)>, Error> {
    let Some(target) = starter::target_url(url) else {
        return Err(Error::new(ExitCode::Usage, format!("`{url}` is not an http or https URL"))
            .hint("for example `--for http://localhost:8080/metrics`"));
    };
    let name = backend_name(directory, name)?;
    let exposition = backend::metrics(url, &Auth::None, false).await?;
    let read = exposition::parse(&exposition);
    if read.samples.is_empty() {
        return Err(Error::new(ExitCode::Failed, format!("what {url} answers holds no metrics"))
            .hint("name the address that Prometheus would scrape, usually one that ends in /metrics"));
    }
    let backend = Backend { job: name.clone(), name, url: target };
    let files = starter::project(&backend, &exposition);
    let files = files.into_iter().map(|file| (directory.join(file.path), file.text, 0o644));
    Ok(std::iter::once((directory.join(".env.example"), DOTENV_EXAMPLE.to_owned(), 0o644))
        .chain(files)
        .collect())
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
