//! `backups`: what there is, and with `--verify` whether it is still sound.

use std::path::Path;

use serde::Serialize;

use crate::apply::backup::blocking;
use crate::backup::names;
use crate::cli::args::{BackupsOptions, PlanOptions};
use crate::cli::commands::backup_grafana::folder;
use crate::cli::context::Context;
use crate::error::{Error, ExitCode};
use crate::report::backups::{BackupJson, table};
use crate::report::{Format, words};
use crate::store::archive::{self, ArchiveError};
use crate::store::backups::{self, Listed};
use crate::store::space;

#[derive(Debug, Serialize)]
struct BackupsReport {
    folder: String,
    backups: Vec<BackupJson>,
}

/// Lists the backups, newest first; with `--verify` reads each of them again.
///
/// # Errors
/// When one that was read again is not whole.
pub async fn run(context: &Context, options: &BackupsOptions) -> Result<(), Error> {
    let stack = context.stack_name(&PlanOptions::default())?;
    let folder = folder(context, &options.folder);
    let (verify, identity) = (options.verify, options.identity.clone());
    let read = move |path: &Path| match &identity {
        Some(identity) if archive::is_encrypted(path) => archive::verify_encrypted(path, identity),
        _ if verify => archive::verify(path),
        _ => archive::manifest(path),
    };
    let (shown, name) = (folder.display().to_string(), stack.to_string());
    let listed = blocking(move || backups::list(&folder, &name, read)).await??;
    let rows: Vec<BackupJson> =
        listed.iter().map(|backup| row(backup, stack.as_str(), options.verify)).collect();
    let broken = rows.iter().filter(|row| row.problem.is_some()).count();
    if context.output.format == Format::Json {
        context.output.json(&BackupsReport { folder: shown, backups: rows });
    } else if rows.is_empty() {
        context
            .output
            .info(&format!("no backups of `{stack}` in {shown}; `confidexmon backup-grafana` makes one"));
    } else {
        context.output.data(&table(&rows, jiff::Timestamp::now().as_second(), context.output.data_width()));
    }
    if broken > 0 {
        let count = words::count(broken, "backup");
        return Err(Error::new(ExitCode::Failed, format!("{count} cannot be used"))
            .hint("make a new one with `confidexmon backup-grafana`, then remove what is broken"));
    }
    Ok(())
}

/// Verified is what was read to its end just now.
fn row(backup: &Listed, stack: &str, verified: bool) -> BackupJson {
    let path = backup.path.display().to_string();
    match &backup.opened {
        Ok(opened) => BackupJson {
            verified,
            proven_at: backup.proven_at.clone(),
            encrypted: backup.name.ends_with(names::ENCRYPTED),
            ..BackupJson::sound(path, &opened.manifest, opened.archive_size)
        },
        Err(ArchiveError::Encrypted { .. }) => {
            let created_at = names::moment(stack, &backup.name).and_then(names::time);
            let size = space::size(&backup.path);
            BackupJson {
                proven_at: backup.proven_at.clone(),
                ..BackupJson::encrypted(path, created_at, size)
            }
        }
        Err(error) => BackupJson::broken(path, error.to_string()),
    }
}
