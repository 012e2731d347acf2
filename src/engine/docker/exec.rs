//! A command in a running container. Three requests: create it, run it, ask for its exit code.

use std::io;
use std::pin::Pin;
use std::time::Duration;

use bollard::container::LogOutput;
use bollard::errors::Error as Bollard;
use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use futures_util::{Stream, StreamExt};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::engine::{EngineError, ErrorKind, ExecOutput};

use super::ops::{LOOK, short};
use super::wire::Wire;

/// Long enough for promtool on thousands of rules.
const COMMAND: Duration = Duration::from_mins(2);

pub(super) async fn run(
    wire: &Wire,
    id: &str,
    command: &[String],
    stdin: Option<&[u8]>,
) -> Result<ExecOutput, EngineError> {
    let program = command.first().map_or("", String::as_str);
    let action = format!("run `{program}` in container `{}`", short(id));
    let options = CreateExecOptions::<String> {
        cmd: Some(command.to_vec()),
        attach_stdin: Some(stdin.is_some()),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        ..Default::default()
    };
    let created = wire.call(&action, LOOK, wire.docker.create_exec(id, options)).await?;
    let started = wire.call(&action, LOOK, wire.docker.start_exec(&created.id, None)).await?;
    let mut output = ExecOutput::default();
    if let StartExecResults::Attached { output: frames, input } = started {
        let talk = talk(frames, input, stdin, &mut output);
        match tokio::time::timeout(COMMAND, talk).await {
            Ok(result) => result.map_err(|error| wire.explain(&action, &error))?,
            Err(_) => return Err(unfinished(&action)),
        }
    }
    let ended = wire.call(&action, LOOK, wire.docker.inspect_exec(&created.id)).await?;
    output.exit_code = ended.exit_code.ok_or_else(|| unfinished(&action))?;
    Ok(output)
}

/// Two requests: the engine answers the second one as soon as the command runs.
pub(super) async fn spawn(wire: &Wire, id: &str, command: &[String]) -> Result<(), EngineError> {
    let program = command.first().map_or("", String::as_str);
    let action = format!("start `{program}` in container `{}`", short(id));
    let options = CreateExecOptions::<String> { cmd: Some(command.to_vec()), ..Default::default() };
    let created = wire.call(&action, LOOK, wire.docker.create_exec(id, options)).await?;
    let detached = StartExecOptions { detach: true, ..Default::default() };
    wire.call(&action, LOOK, wire.docker.start_exec(&created.id, Some(detached))).await.map(drop)
}

/// Writes the input and reads the output at once: a command that answers before it has read
/// everything would otherwise fill the pipe and stop both sides.
async fn talk(
    frames: Pin<Box<dyn Stream<Item = Result<LogOutput, Bollard>> + Send>>,
    input: Pin<Box<dyn AsyncWrite + Send>>,
    stdin: Option<&[u8]>,
    output: &mut ExecOutput,
) -> Result<(), Bollard> {
    // The write half is kept until the output ends: closing it early would close the connection
    // of a command that has no input.
    let (_input, read) = tokio::join!(write(input, stdin), collect(frames, output));
    read
}

async fn write(
    mut input: Pin<Box<dyn AsyncWrite + Send>>,
    stdin: Option<&[u8]>,
) -> Pin<Box<dyn AsyncWrite + Send>> {
    if let Some(bytes) = stdin {
        // A command may end without reading its input; its exit code tells what matters.
        if input.write_all(bytes).await.is_ok() {
            let _ = input.shutdown().await;
        }
    }
    input
}

async fn collect(
    mut frames: Pin<Box<dyn Stream<Item = Result<LogOutput, Bollard>> + Send>>,
    output: &mut ExecOutput,
) -> Result<(), Bollard> {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    while let Some(frame) = frames.next().await {
        match frame {
            // A TLS proxy may close without its farewell; the exit code tells whether the command ended.
            Err(Bollard::IOError { err }) if err.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(error),
            Ok(LogOutput::StdErr { message }) => err.extend_from_slice(&message),
            Ok(
                LogOutput::StdOut { message } | LogOutput::StdIn { message } | LogOutput::Console { message },
            ) => {
                out.extend_from_slice(&message);
            }
        }
    }
    output.stdout = String::from_utf8_lossy(&out).into_owned();
    output.stderr = String::from_utf8_lossy(&err).into_owned();
    Ok(())
}

fn unfinished(action: &str) -> EngineError {
    EngineError::new(action, ErrorKind::Other, format!("it did not end within {} s", COMMAND.as_secs()))
}
