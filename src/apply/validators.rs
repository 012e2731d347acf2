//! Runs the official validators: promtool and amtool in one-shot containers of the pinned images.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::apply::oneshot::{self, OneShot, Outcome};
use crate::apply::pull;
use crate::engine::{Engine, ErrorKind};
use crate::error::Error;
use crate::model::{FileSet, ImageRef, RenderedFile, ServiceKind, StackName};
use crate::report::events::Reporter;
use crate::services::profile;
use crate::settings::Settings;

/// promtool needs seconds for ten thousand rules; minutes mean that something hangs.
const DEADLINE: Duration = Duration::from_mins(3);

/// What happens when the engine lacks an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImagePull {
    Missing,
    /// The engine's refusal stands: nothing is fetched that was not asked for.
    Never,
}

/// Who runs them.
pub struct Validators<'a, E> {
    pub engine: &'a E,
    pub reporter: &'a dyn Reporter,
    pub cancel: &'a CancellationToken,
    pub pull: ImagePull,
}

impl<E: Engine> Validators<'_, E> {
    /// Runs one; an image that is not there is pulled first, where that was asked for.
    pub async fn run(&self, job: &OneShot) -> Result<Outcome, Error> {
        match oneshot::run(self.engine, self.cancel, job).await {
            Err(error) if error.engine_kind == Some(ErrorKind::ImageMissing) => {
                if self.pull == ImagePull::Never {
                    let text = format!("the engine has no image {}; `--pull` fetches it", job.image);
                    return Err(Error { message: text, causes: Vec::new(), ..error });
                }
                pull::run(self.engine, self.reporter, self.cancel, job.service, &job.image).await?;
                oneshot::run(self.engine, self.cancel, job).await
            }
            other => other,
        }
    }
}

/// A job in the pinned image of a service.
pub fn job(
    settings: &Settings,
    service: ServiceKind,
    command: &[&str],
    files: Vec<RenderedFile>,
) -> Option<OneShot> {
    let image = settings.images.get(&service)?;
    Some(job_in(image, (&settings.stack, service), command, files))
}

/// The same in any image.
pub fn job_in(
    image: &ImageRef,
    (stack, service): (&StackName, ServiceKind),
    command: &[&str],
    files: Vec<RenderedFile>,
) -> OneShot {
    OneShot {
        stack: stack.clone(),
        service,
        image: image.clone(),
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        files,
        collect: None,
        deadline: DEADLINE,
    }
}

/// The command that validates all files of a service at their real paths; `None` for a service whose image has
/// no tool for it.
pub const fn whole_tree(service: ServiceKind) -> Option<&'static [&'static str]> {
    profile(service).validator
}

/// Files for a validator. It only looks whether a secret's file is there, so no secret leaves.
pub fn without_secrets(files: &FileSet) -> Vec<RenderedFile> {
    let harmless = |file: &RenderedFile| {
        if file.is_secret() { RenderedFile::plain(file.path.as_str(), "redacted\n") } else { file.clone() }
    };
    files.files.values().map(harmless).collect()
}
