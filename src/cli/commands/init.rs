//! `init`: an editable copy of the embedded defaults.

use std::path::{Path, PathBuf};

use crate::cli::args::InitOptions;
use crate::cli::context::Context;
use crate::error::{Error, ExitCode};
use crate::render::ProjectFiles;
use crate::report::words;
use crate::store::{atomic, text};

const DOTENV_EXAMPLE: &str = include_str!("../../../.env.example");
/// What a project must keep out of version control.
const GITIGNORE: &str = ".env\n";

pub fn run(context: &Context, options: &InitOptions) -> Result<(), Error> {
    let files = files(&options.directory);
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

/// Adds `.env` to the folder's .gitignore unless it is there; an existing file keeps its lines.
fn protect_dotenv(directory: &Path) -> Result<(), Error> {
    let path = directory.join(".gitignore");
    let existing = text::read_optional(&path)?.unwrap_or_default();
    if existing.lines().any(|line| matches!(line.trim(), ".env" | "/.env")) {
        return Ok(());
    }
    Ok(atomic::write(&path, format!("{existing}{GITIGNORE}").as_bytes(), 0o644)?)
}
