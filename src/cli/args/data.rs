//! Options of the commands that look after data and images: backup, restore, update, images.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use clap_complete::engine::ArgValueCandidates;

use super::{OwnerOptions, parse_duration, parse_stack_name};
use crate::cli::complete;
use crate::model::{ServiceKind, StackName};
use crate::store::age::Recipient;

#[derive(Clone, Debug, Args)]
pub struct UpdateOptions {
    /// Services; all when none is named
    #[arg(value_enum, value_name = "SERVICE")]
    pub services: Vec<ServiceKind>,
    /// Only say what is newer, by kind, and change nothing
    #[arg(long, conflicts_with_all = ["to", "all", "dry_run"])]
    pub check: bool,
    /// Take this version (of one service)
    #[arg(long, value_name = "VERSION")]
    pub to: Option<String>,
    /// Take new major versions too
    #[arg(long, conflicts_with = "to")]
    pub all: bool,
    /// Say what would be done, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub patience: PatienceOptions,
    #[command(flatten)]
    pub owner: OwnerOptions,
}

#[derive(Clone, Debug, Args)]
pub struct RollbackOptions {
    /// Services; all that were updated when none is named
    #[arg(value_enum, value_name = "SERVICE")]
    pub services: Vec<ServiceKind>,
    #[command(flatten)]
    pub patience: PatienceOptions,
    #[command(flatten)]
    pub owner: OwnerOptions,
}

#[derive(Clone, Debug, Args)]
pub struct PatienceOptions {
    /// How long a new container may take to answer and to work
    #[arg(long, value_name = "DURATION", default_value = "120s", value_parser = parse_duration)]
    pub timeout: Duration,
    /// How long it is watched after that
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = parse_duration)]
    pub watch: Duration,
}

#[derive(Clone, Debug, Subcommand)]
pub enum ImagesCommand {
    /// Write all images of the stack into one archive
    Save(ImagesOptions),
    /// Read such an archive into the engine; `up --pull never` works then
    Load(ImagesOptions),
}

#[derive(Clone, Debug, Args)]
pub struct ImagesOptions {
    /// The archive
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

#[derive(Clone, Debug, Args)]
pub struct BackupFolder {
    /// Folder of the archives (default: backups/ in the project)
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub struct BackupOptions {
    #[command(flatten)]
    pub folder: BackupFolder,
    /// Keep only so many backups of this stack; the newest sound one always stays
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub keep: Option<u32>,
    /// Remove backups of this stack that are older; the newest sound one always stays
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..))]
    pub keep_days: Option<u32>,
    /// Restore it into a throw-away Grafana of the same image, without a network, and compare what that holds
    #[arg(long)]
    pub prove: bool,
    /// Encrypt the archive to a recipient of age (`age1…`); may be repeated. `age -d` reads it, too
    #[arg(
        long,
        value_name = "RECIPIENT",
        env = "CONFIDEXMON_BACKUP_RECIPIENTS",
        value_delimiter = ',',
        value_parser = Recipient::parse
    )]
    pub recipient: Vec<Recipient>,
    /// Command that gets the finished archive on its standard input, for a copy elsewhere: `--to 'aws s3 cp - s3://…'`
    #[arg(long, value_name = "COMMAND")]
    pub to: Option<String>,
}

#[derive(Clone, Debug, Args)]
pub struct BackupsOptions {
    #[command(flatten)]
    pub folder: BackupFolder,
    /// Read every archive to its end and check each byte
    #[arg(long)]
    pub verify: bool,
    /// File of `age-keygen` with the identity that can read encrypted archives, for --verify
    #[arg(long, value_name = "FILE", requires = "verify")]
    pub identity: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub struct RestoreOptions {
    /// Archive of `backup-grafana`, `latest` for this stack's newest one, or a folder that was copied out of Grafana's
    /// container
    #[arg(value_name = "ARCHIVE", add = ArgValueCandidates::new(complete::archives))]
    pub archive: PathBuf,
    #[command(flatten)]
    pub folder: BackupFolder,
    /// File of `age-keygen` with the identity that can read an encrypted archive
    #[arg(long, value_name = "FILE")]
    pub identity: Option<PathBuf>,
    /// Take an archive of another stack
    #[arg(long)]
    pub foreign: bool,
    /// Restore it beside what runs, as a stack of this name that has only Grafana
    #[arg(long = "as", value_name = "STACK", value_parser = parse_stack_name, conflicts_with = "prove_only")]
    pub beside: Option<StackName>,
    /// Restore it into a throw-away Grafana only, and compare what that holds; the running one is not touched
    #[arg(long)]
    pub prove_only: bool,
    /// Image for --prove-only, to see whether another version takes the archive
    #[arg(long, value_name = "IMAGE", requires = "prove_only")]
    pub image: Option<String>,
    /// How long Grafana may take to answer with the restored data
    #[arg(long, value_name = "DURATION", default_value = "120s", value_parser = parse_duration)]
    pub timeout: Duration,
    #[command(flatten)]
    pub owner: OwnerOptions,
}
