//! Containers that run once, on a real engine.

use std::time::Duration;

use confidexmon::apply::oneshot::{self, OneShot};
use confidexmon::engine::docker::{EndpointChoice, connect};
use confidexmon::model::{ImageRef, RenderedFile, Secret, ServiceKind, StackName};
use tokio_util::sync::CancellationToken;

use crate::lab::{Lab, docker, image, runtime};

fn choice() -> EndpointChoice {
    EndpointChoice {
        host_flag: None,
        context_flag: None,
        env: std::env::vars().collect(),
        ..EndpointChoice::default()
    }
}

fn job(lab: &Lab, command: &[&str], files: Vec<RenderedFile>) -> OneShot {
    OneShot {
        stack: StackName::new(&lab.stack).unwrap(),
        service: ServiceKind::Prometheus,
        image: ImageRef::new(&image("prometheus")).unwrap(),
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        files,
        collect: None,
        deadline: Duration::from_secs(20),
    }
}

#[test]
fn promtool_validates_uploaded_files_and_the_container_is_gone() {
    let Some(lab) = Lab::open() else { return };
    let bad = "groups: [{name: g, rules: [{alert: A, expr: 'sum('}]}]\n";
    let files = vec![
        RenderedFile::plain("/etc/prometheus/rules/bad.yml", bad),
        RenderedFile::secret("/etc/prometheus/secrets/s", Secret::new("x")),
    ];
    let job = job(&lab, &["promtool", "check", "rules", "/etc/prometheus/rules/bad.yml"], files);
    let output = runtime().block_on(async {
        let engine = connect(choice()).await.unwrap();
        oneshot::run(&engine, &CancellationToken::new(), &job).await.unwrap()
    });
    assert_eq!(output.exit_code, 1, "{output:?}");
    assert!(output.stderr.contains("could not parse expression"), "{output:?}");
    assert!(lab.containers().is_empty());
}

#[test]
fn a_leftover_disturbs_nothing_and_down_sweeps_it() {
    let Some(lab) = Lab::open() else { return };
    let name = format!("{}-validator-0", lab.stack);
    let labels = [("stack", lab.stack.as_str()), ("service", "prometheus"), ("role", "validator")]
        .map(|(key, value)| format!("io.confidexmon.{key}={value}"));
    let [stack, service, role] = &labels;
    let run = ["run", "-d", "--network", "none", "--name", &name, "--label", stack, "--label", service];
    let rest = ["--label", role, &image("redis"), "redis-server"];
    assert!(docker(&[run.as_slice(), rest.as_slice()].concat()).status.success());
    let status = lab.run(&["status", "--format", "json"]).expect(4).json();
    assert!(status["services"].as_array().unwrap().iter().all(|row| row["state"] == "absent"), "{status}");
    let plan = lab.run(&["plan"]).expect(0);
    assert!(!plan.stdout.contains("validator") && plan.stdout.contains("create"), "{}", plan.stdout);
    lab.run(&["down"]).expect(0);
    assert!(lab.containers().is_empty());
}
