//! Runs a container once and takes it away again: promtool and amtool of the pinned images as validators.
//!
//! It gets no network and no privilege. Whatever happens on the way, the container is removed at the
//! end; one that a killed run leaves behind carries our labels, so `down` finds it.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use tokio_util::sync::CancellationToken;

use crate::engine::{ContainerFiles, Containers, Engine, EngineError, ErrorKind, ExecOutput, LogQuery};
use crate::error::{Error, ExitCode};
use crate::model::Role;
use crate::model::{ContainerSpec, ImageRef, RenderedFile, RestartPolicy, ServiceKind, StackName};
use crate::render::files::NOBODY;
use crate::store::tarball::{self, Archive};

/// A container that is killed with a validator's memory is better than a machine without any.
const MEMORY: i64 = 1024 * 1024 * 1024;

/// What to run.
#[derive(Clone, Debug)]
pub struct OneShot {
    pub stack: StackName,
    /// Whose image it is.
    pub service: ServiceKind,
    pub image: ImageRef,
    /// Program and arguments; the image's entrypoint is not used.
    pub command: Vec<String>,
    /// By absolute path inside the container. They lie in the container's own layer and go with it.
    pub files: Vec<RenderedFile>,
    /// A file to bring back, by absolute path; when the program wrote none, that is no failure.
    pub collect: Option<String>,
    /// How long the program may run.
    pub deadline: Duration,
}

/// What the program printed and wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub exit_code: i64,
    pub stdout: String,
    pub stderr: String,
    pub collected: Option<String>,
}

impl From<ExecOutput> for Outcome {
    /// What a tool said in the service's own container.
    fn from(ExecOutput { exit_code, stdout, stderr }: ExecOutput) -> Self {
        Self { exit_code, stdout, stderr, collected: None }
    }
}

/// No honest report is larger.
const LARGEST_COLLECTED: usize = 64 * 1024 * 1024;

/// Runs it to its end. Never drop this future half-way: stop it through `cancel`, so that the
/// container is removed.
pub async fn run<E: Engine>(engine: &E, cancel: &CancellationToken, job: &OneShot) -> Result<Outcome, Error> {
    let spec = spec(job);
    let result = lifetime(engine, cancel, job, &spec).await;
    let never_made = matches!(&result, Err(Failure::NotMade(_)));
    let result = result.map_err(Error::from);
    if never_made {
        return result;
    }
    let removed = remove(engine, &spec.name, result.is_ok()).await;
    let output = result?;
    removed?;
    Ok(output)
}

enum Failure {
    /// The engine said that it made no container.
    NotMade(EngineError),
    Call(EngineError),
    Stopped,
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        Self::Call(error)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NotMade(error) | Failure::Call(error) => error.into(),
            Failure::Stopped => Self::new(ExitCode::Interrupted, "stopped by a signal"),
        }
    }
}

/// A call in flight is always finished: an engine goes on with a request whose sender has gone.
async fn lifetime<E: Engine>(
    engine: &E,
    cancel: &CancellationToken,
    job: &OneShot,
    spec: &ContainerSpec,
) -> Result<Outcome, Failure> {
    let go_on = || if cancel.is_cancelled() { Err(Failure::Stopped) } else { Ok(()) };
    go_on()?;
    let id = engine.create_container(spec).await.map_err(|error| match error.kind {
        ErrorKind::ImageMissing | ErrorKind::NameTaken { .. } => Failure::NotMade(error),
        _ => Failure::Call(error),
    })?;
    go_on()?;
    if !job.files.is_empty() {
        engine.upload(&id, "/", archive(job, &spec.name)?).await?;
        go_on()?;
    }
    engine.start(&id).await?;
    let exit_code = tokio::select! {
        code = engine.wait(&id, job.deadline) => code?,
        () = cancel.cancelled() => return Err(Failure::Stopped),
    };
    let (mut stdout, mut stderr) = (String::new(), String::new());
    let mut lines = engine.logs(&id, LogQuery::default());
    while let Some(line) = lines.next().await {
        let line = line?;
        let stream = if line.stderr { &mut stderr } else { &mut stdout };
        stream.push_str(&line.text);
        stream.push('\n');
    }
    let collected = match &job.collect {
        Some(path) => collect(engine, &id, path).await?,
        None => None,
    };
    Ok(Outcome { exit_code, stdout, stderr, collected })
}

async fn collect<E: ContainerFiles>(engine: &E, id: &str, path: &str) -> Result<Option<String>, EngineError> {
    let tar = match engine.download(id, path).await {
        Ok(tar) => tar,
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let files = tarball::extract(&tar, LARGEST_COLLECTED).unwrap_or_default();
    Ok(files.into_iter().next().map(|file| String::from_utf8_lossy(&file.bytes).into_owned()))
}

/// By name: a container whose creation was answered too late has no id that we know. A failure to
/// remove does not hide the failure before it.
async fn remove<E: Containers>(engine: &E, name: &str, report: bool) -> Result<(), EngineError> {
    match engine.remove_container(name, true).await {
        Err(error) if report => Err(error),
        Err(error) => {
            tracing::warn!("{error}: {}; `confidexmon down` removes it", error.source);
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

fn archive(job: &OneShot, name: &str) -> Result<Vec<u8>, EngineError> {
    let mut archive = Archive::new(NOBODY, NOBODY);
    let mut pack = || -> std::io::Result<()> {
        for file in &job.files {
            archive.file(file.path.trim_start_matches('/'), file.bytes(), file.mode())?;
        }
        Ok(())
    };
    let packed = pack().and_then(|()| archive.finish());
    packed.map_err(|error| {
        EngineError::new(format!("pack the files of `{name}`"), ErrorKind::Other, error.to_string())
    })
}

fn spec(job: &OneShot) -> ContainerSpec {
    // Two runs at once must not meet; a name that is taken all the same is an error, not a mix-up.
    let random = getrandom::u64().unwrap_or_else(|_| u64::from(std::process::id()));
    ContainerSpec {
        stack: job.stack.clone(),
        service: job.service,
        role: Role::Validator,
        name: format!("{}-validator-{random:016x}", job.stack),
        image: job.image.clone(),
        command: job.command.iter().skip(1).cloned().collect(),
        entrypoint: Some(job.command.iter().take(1).cloned().collect()),
        env: BTreeMap::new(),
        user: format!("{NOBODY}:{NOBODY}"),
        mounts: Vec::new(),
        tmpfs: Vec::new(),
        ports: Vec::new(),
        network: None,
        aliases: Vec::new(),
        extra_hosts: Vec::new(),
        cap_add: Vec::new(),
        // An engine refuses uploads into a read-only root; the layer goes with the container.
        read_only_root: false,
        memory: Some(MEMORY),
        nano_cpus: None,
        pids_limit: 256,
        stop_timeout: 1,
        restart: RestartPolicy::No,
        labels: BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::engine::LogLine;
    use crate::engine::memory::{Call, MemoryEngine};
    use crate::model::ObservedContainer;

    fn job() -> OneShot {
        OneShot {
            stack: StackName::new("t").unwrap(),
            service: ServiceKind::Prometheus,
            image: ImageRef::new("prom:1").unwrap(),
            command: vec!["promtool".to_owned(), "check".to_owned()],
            files: vec![RenderedFile::plain("/etc/prometheus/rules/a.yml", "groups: []\n")],
            collect: None,
            deadline: Duration::from_millis(200),
        }
    }

    fn engine(exit_code: Option<i64>) -> MemoryEngine {
        let engine = MemoryEngine::new();
        engine.add_image(&job().image);
        engine.on_start(move |_| exit_code);
        engine
    }

    async fn names(engine: &MemoryEngine) -> Vec<String> {
        engine.list().await.unwrap().containers.into_iter().map(|container| container.name).collect()
    }

    #[tokio::test]
    async fn runs_once_without_network_and_leaves_nothing() {
        let engine = engine(Some(3));
        let output = run(&engine, &CancellationToken::new(), &job()).await.unwrap();
        assert_eq!(output.exit_code, 3);
        assert_eq!(names(&engine).await, Vec::<String>::new());
        let spec = spec(&job());
        assert_eq!((spec.network, spec.restart, spec.role), (None, RestartPolicy::No, Role::Validator));
        assert_eq!(spec.entrypoint, Some(vec!["promtool".to_owned()]));
        assert_eq!(spec.command, ["check"]);
        assert!(spec.name.starts_with("t-validator-"), "{}", spec.name);
    }

    #[tokio::test]
    async fn is_removed_after_every_failure() {
        for call in [Call::Upload, Call::Start, Call::Wait, Call::Logs] {
            let engine = engine(Some(0));
            engine.fail_next(call, ErrorKind::Other);
            assert!(run(&engine, &CancellationToken::new(), &job()).await.is_err(), "{call:?}");
            assert_eq!(names(&engine).await, Vec::<String>::new(), "{call:?}");
        }
        let engine = engine(Some(0));
        engine.lose_next_answer(Call::CreateContainer, ErrorKind::Hung);
        assert!(run(&engine, &CancellationToken::new(), &job()).await.is_err());
        assert_eq!(names(&engine).await, Vec::<String>::new());
    }

    #[tokio::test]
    async fn is_removed_at_its_deadline_and_when_the_user_stops_it() {
        let engine = engine(None);
        let error = run(&engine, &CancellationToken::new(), &job()).await.unwrap_err();
        assert!(error.to_string().contains("it still runs"), "{error}");
        assert_eq!(names(&engine).await, Vec::<String>::new());

        let (cancel, job) = (CancellationToken::new(), job());
        let stop = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            cancel.cancel();
        };
        let (error, ()) = tokio::join!(run(&engine, &cancel, &job), stop);
        assert_eq!(error.unwrap_err().code, ExitCode::Interrupted);
        assert_eq!(names(&engine).await, Vec::<String>::new());
    }

    #[tokio::test]
    async fn both_streams_are_kept_apart() {
        let engine = engine(None);
        let ends = async {
            let name = loop {
                tokio::time::sleep(Duration::from_millis(5)).await;
                let running =
                    engine.list().await.unwrap().containers.into_iter().find(ObservedContainer::is_running);
                if let Some(container) = running {
                    break container.name;
                }
            };
            for (stderr, text) in [(false, "SUCCESS"), (true, "bad"), (false, "end")] {
                engine.write_log(&name, LogLine { timestamp: String::new(), stderr, text: text.to_owned() });
            }
            engine.crash(&name, 1);
        };
        let cancel = CancellationToken::new();
        let job = OneShot { deadline: Duration::from_secs(5), ..job() };
        let (output, ()) = tokio::join!(run(&engine, &cancel, &job), ends);
        let output = output.unwrap();
        assert_eq!((output.exit_code, output.stdout.as_str()), (1, "SUCCESS\nend\n"));
        assert_eq!(output.stderr, "bad\n");
    }
}
