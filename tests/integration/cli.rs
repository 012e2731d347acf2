//! Transcripts: each file under `tests/cli/` is a command line with what it prints.

#[test]
fn transcripts() {
    trycmd::TestCases::new()
        .env("CONFIDEXMON_STATE_DIR", "/nonexistent/state")
        // What a machine's engine runs must not show in them.
        .env("DOCKER_HOST", "unix:///nonexistent/docker.sock")
        .case("tests/cli/*.trycmd")
        .run();
}

/// The README's promise: a closed pipe is not an error.
#[test]
fn a_closed_pipe_is_no_error() {
    // More than a pipe holds, so that the writer really meets the closed end.
    let binary = env!("CARGO_BIN_EXE_confidexmon");
    let script =
        format!("{{ for run in $(seq 40); do {binary} completions bash || exit; done; }} | head -n 1");
    let output = std::process::Command::new("bash").args(["-o", "pipefail", "-c", &script]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
