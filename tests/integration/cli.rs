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
        format!("{{ for run in $(seq 400); do {binary} completions bash || exit; done; }} | head -n 1");
    let output = std::process::Command::new("bash").args(["-o", "pipefail", "-c", &script]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What the shell's script asks at a press of the key.
fn completed(folder: &std::path::Path, words: &[&str]) -> String {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_confidexmon"))
        .current_dir(folder)
        .env("COMPLETE", "bash")
        .env("_CLAP_IFS", "\n")
        .env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string())
        .env("_CLAP_COMPLETE_COMP_TYPE", "9")
        .env("_CLAP_COMPLETE_SPACE", "true")
        .env("DOCKER_CONFIG", folder.join("docker"))
        .arg("--")
        .args(words)
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn names_of_the_project_and_of_this_machine_are_completed() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("rules/a.yml", "groups: [{name: g, rules: [{alert: OrdersStuck, expr: up == 0}]}]");
    write("backups/grafana-1.tar.zst", "");
    write("docker/contexts/meta/x/meta.json", r#"{"Name": "far-away"}"#);
    let of = |words: &[&str]| completed(folder.path(), words);
    assert_eq!(of(&["confidexmon", "drill", "Ord"]), "OrdersStuck");
    assert_eq!(of(&["confidexmon", "silence", ""]).lines().next(), Some("OrdersStuck"));
    assert_eq!(of(&["confidexmon", "demo-backend", "--scenario", "crank-st"]), "crank-stopped");
    assert_eq!(of(&["confidexmon", "--context", "far"]), "far-away");
    assert_eq!(of(&["confidexmon", "restore-grafana", "backups/"]), "backups/grafana-1.tar.zst");
    assert_eq!(of(&["confidexmon", "logs", "prom"]), "prometheus");
    for shell in ["bash", "zsh", "fish"] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_confidexmon"));
        let output = command.args(["completions", shell]).output().unwrap();
        assert!(String::from_utf8_lossy(&output.stdout).contains("confidexmon"), "{shell}");
    }
}

/// A backend that listens on loopback alone is not there for containers.
#[test]
fn the_demo_backend_listens_where_containers_come_to_this_machine() {
    use std::io::{BufRead, BufReader};
    let Some(_lab) = crate::lab::Lab::open() else { return };
    let bridge = crate::lab::docker(&[
        "network",
        "inspect",
        "bridge",
        "--format",
        "{{range .IPAM.Config}}{{.Gateway}}{{end}}",
    ]);
    let gateway = String::from_utf8(bridge.stdout).unwrap().trim().to_owned();
    assert!(!gateway.is_empty());
    let mut backend = std::process::Command::new(env!("CARGO_BIN_EXE_confidexmon"))
        .arg("demo-backend")
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // Its addresses are said before it listens: another one may have the port.
    let said = BufReader::new(backend.stderr.take().unwrap()).lines().map_while(Result::ok).take(2);
    let said: Vec<String> = said.collect();
    let _ = backend.kill();
    backend.wait().unwrap();
    assert!(said[0].contains("http://127.0.0.1:3001/metrics"), "{said:?}");
    assert!(said[1].contains(&format!("http://{gateway}:3001/metrics")), "{said:?}");
}
