//! `backup-grafana`: copy, check, pack; then a copy elsewhere, and the oldest go.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::Serialize;

use crate::apply::backup::{Written, blocking, proof};
use crate::apply::trial::Tried;
use crate::apply::{StackSession, backup, interrupted, ownership};
use crate::backup::names;
use crate::backup::retention::{self, Kept, Policy};
use crate::cli::args::{BackupFolder, BackupOptions, PlanOptions};
use crate::cli::context::Context;
use crate::engine::{Containers, Engine};
use crate::error::{Error, ExitCode};
use crate::model::{ImageRef, ObservedContainer, ServiceKind, StackName};
use crate::plan::ownership::Adoption;
use crate::report::backups::{BackupJson, described};
use crate::report::output::GOOD;
use crate::report::{Format, words};
use crate::store::age::Recipient;
use crate::store::archive::ArchiveError;
use crate::store::meter::Meter;
use crate::store::{archive, backups, incoming, project, space};

/// What `--format json` prints.
#[derive(Debug, Serialize)]
struct BackupReport {
    #[serde(flatten)]
    backup: BackupJson,
    notes: Vec<String>,
    /// The archives that were removed for this one.
    removed: Vec<String>,
}

/// Begins a note about what fell by more than half.
const LOSS: &str = "since the last backup: ";

/// Makes a backup of Grafana's data, proves it where asked, and removes those that are over the limits.
///
/// # Errors
/// When the data cannot be read whole or the archive cannot be kept; then no backup is listed that was not there.
pub async fn run(context: &Context, options: &BackupOptions) -> Result<(), Error> {
    let loaded = context.load(&PlanOptions::default())?;
    let stack = loaded.settings.stack.clone();
    let folder = folder(context, &options.folder);
    let engine = context.engine(&[]).await?;
    let _lock = context.lock(&engine, &stack, "backup-grafana")?;
    let session = context.session(engine, &stack)?;
    interrupted::finish(&session).await?;
    let observed = session.engine.list().await?;
    // A folder that holds no project, such as that of a nightly job, has no stack of its own that could be meant.
    if project::is_project(&context.global.project_dir) {
        let owner = (&stack, &loaded.identity);
        ownership::check(&session, owner, &observed, Adoption::Refused).await?;
    }
    let container = backup::container(&observed, &stack)?;
    let earlier = backups::newest(&folder, stack.as_str())?;
    context.output.info("copying Grafana's data and checking the database");
    let request = backup::Request { stack: &stack, container, folder: &folder };
    let mut written = backup::create(&session, &request).await?;
    let losses = earlier.map(|earlier| written.manifest.counts.losses_since(&earlier.manifest.counts));
    for loss in losses.into_iter().flatten() {
        context.output.warning(&format!("{LOSS}{loss}"));
        written.notes.push(format!("{LOSS}{loss}"));
    }
    let tried =
        if options.prove { Some(prove(context, &session, container, &written.path).await?) } else { None };
    if !options.recipient.is_empty() {
        encrypt(&mut written, &options.recipient).await?;
    }
    if let Some(command) = &options.to {
        send(command, &written.path).await?;
    }
    // What is fuller than the new one may be needed soon.
    let lost = written.notes.iter().any(|note| note.starts_with(LOSS));
    let policy = if lost {
        Policy::default()
    } else {
        Policy {
            keep: options.keep.and_then(|keep| usize::try_from(keep).ok()),
            keep_days: options.keep_days,
        }
    };
    if lost {
        context.output.info("note: older backups hold more, so none was removed");
    }
    let removed = retire(&folder, &written.path, &stack, policy)?;
    let removed = removed.iter().map(|name| words::path(&folder.join(name))).collect();
    let path = written.path.display().to_string();
    let proven_at = tried.map(|_| jiff::Timestamp::now().to_string());
    let encrypted = !options.recipient.is_empty();
    let backup =
        BackupJson { proven_at, encrypted, ..BackupJson::sound(path, &written.manifest, written.size) };
    if context.output.format == Format::Json {
        context.output.json(&BackupReport { backup, notes: written.notes, removed });
        return Ok(());
    }
    let output = context.output;
    output.data(&format!("{}\n", written.path.display()));
    output.info(&format!("{} {}", output.styled("✓", GOOD), described(&backup)));
    if let Some(tried) = tried {
        output.info(&format!("{} {}", output.styled("✓", GOOD), proof::sentence(tried)));
    }
    for note in &written.notes {
        output.info(&format!("note: {note}"));
    }
    output.info(if options.recipient.is_empty() {
        "note: the archive holds secrets (password hashes, datasource credentials); only you can read it. `--recipient age1…` encrypts it"
    } else {
        "note: the archive is encrypted: `restore-grafana --identity FILE` or `age -d -i FILE` reads it"
    });
    if !removed.is_empty() {
        output.info(&format!(
            "removed {}: {}",
            words::count(removed.len(), "older backup"),
            removed.join(", ")
        ));
    }
    Ok(())
}

/// Reads the archive again, all of it, and tries it with the image of the running Grafana.
async fn prove<E: Engine>(
    context: &Context,
    session: &StackSession<E>,
    container: &ObservedContainer,
    path: &Path,
) -> Result<Tried, Error> {
    let loaded = context.load(&PlanOptions::default())?;
    let desired = context.desired(&loaded)?;
    let Some(wanted) = desired.services.get(&ServiceKind::Grafana) else {
        return Err(Error::new(
            ExitCode::Usage,
            "--prove needs Grafana's settings, and it is left out of them",
        ));
    };
    let archive = path.to_owned();
    let incoming = blocking(move || incoming::read(&archive, &Meter::default())).await??;
    let image = ImageRef::new(&container.image).unwrap_or_else(|| wanted.spec.image.clone());
    proof::of_archive(session, wanted, (&image, proof::LIMIT), (path, &incoming)).await
}

/// Replaces the archive by an encrypted one.
async fn encrypt(written: &mut Written, recipients: &[Recipient]) -> Result<(), Error> {
    let (plain, recipients) = (written.path.clone(), recipients.to_vec());
    let encrypted = blocking(move || archive::encrypt(&plain, &recipients)).await??;
    backups::move_notes(&written.path, &encrypted)?;
    written.size = space::size(&encrypted);
    written.path = encrypted;
    Ok(())
}

/// The folder that was named, else `backups/` in the project.
pub fn folder(context: &Context, options: &BackupFolder) -> PathBuf {
    let folder = options.output.clone().unwrap_or_else(|| context.global.project_dir.join("backups"));
    words::seen_from_here(&folder).to_path_buf()
}

/// Removes what the policy leaves no room for; the names of what is gone.
fn retire(folder: &Path, written: &Path, stack: &StackName, policy: Policy) -> Result<Vec<String>, Error> {
    if policy == Policy::default() {
        return Ok(Vec::new());
    }
    let listed = backups::list(folder, stack.as_str(), archive::manifest)?;
    let kept: Vec<Kept> = listed
        .iter()
        .map(|backup| Kept {
            name: backup.name.clone(),
            created: names::moment(stack.as_str(), &backup.name)
                .and_then(names::time)
                .map_or(0, |time| seconds(&time)),
            sound: matches!(backup.opened, Ok(_) | Err(ArchiveError::Encrypted { .. })),
        })
        .collect();
    let just_written =
        written.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let surplus = retention::surplus(&kept, &just_written, policy, jiff::Timestamp::now().as_second());
    for backup in listed.iter().filter(|backup| surplus.contains(&backup.name)) {
        backups::remove(&backup.path)?;
    }
    Ok(surplus)
}

fn seconds(time: &str) -> i64 {
    time.parse::<jiff::Timestamp>().map_or(0, jiff::Timestamp::as_second)
}

/// Pipes the archive into a shell command; its exit code decides.
async fn send(command: &str, archive: &Path) -> Result<(), Error> {
    let failed = |why: String| {
        Error::new(
            ExitCode::Failed,
            format!("the backup is at `{}`, but `--to` failed: {why}", archive.display()),
        )
        .hint("try the command by hand: it gets the archive on its standard input")
    };
    let mut child = tokio::process::Command::new("sh");
    child.arg("-c").arg(command).stdout(Stdio::null());
    let input = archive::open_for_reading(archive)?;
    child.stdin(Stdio::from(input));
    let status = child.status().await.map_err(|error| failed(error.to_string()))?;
    if status.success() {
        return Ok(());
    }
    Err(failed(match status.code() {
        Some(code) => format!("the command ended with exit code {code}"),
        None => "the command was killed by a signal".to_owned(),
    }))
}
