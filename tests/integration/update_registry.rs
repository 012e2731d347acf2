//! Updates from a real registry: what is newer, tags that move, platforms, passwords, trouble.

use serde_json::{Value, json};

use crate::lab::{Lab, docker, image};
use crate::readme::shell_lines;
use crate::registry_bed::{Front, Registry, Trouble, USER};

const REPOSITORY: &str = "bed/alertmanager";

type Harm = fn() -> Trouble;

/// Every service of the stack but Alertmanager comes from nowhere, so only Alertmanager is asked about.
fn check(lab: &Lab) -> (i32, Value) {
    let run = lab.run(&["update", "alertmanager", "--check", "--format", "json"]);
    let row = run.json()["services"][0].clone();
    (run.code, row)
}

#[test]
fn what_is_newer_is_told_by_kind_and_silence_is_unknown() {
    let Some(registry) = Registry::start() else { return };
    let Some(mut lab) = Lab::open() else { return };
    for tag in ["0.33.1", "0.33.2", "0.34.0", "1.0.0", "0.35.0-rc.0", "0.99.0-distroless", "latest"] {
        registry.push_tiny(REPOSITORY, tag, tag);
    }
    let name = |port: u16| format!("127.0.0.1:{port}/{REPOSITORY}:0.33.1");
    let mut ask = |port: u16| {
        lab.set("CONFIDEXMON_IMAGE_ALERTMANAGER", &name(port));
        check(&lab)
    };
    let (code, row) = ask(registry.port);
    assert_eq!((code, row["status"].as_str()), (0, Some("newer")), "{row}");
    let newer = json!([{"kind": "patch", "tag": "0.33.2"}, {"kind": "minor", "tag": "0.34.0"}, {"kind": "major", "tag": "1.0.0"}]);
    assert_eq!(row["newer"], newer);
    assert!(row["changelog"].as_str().unwrap().starts_with("https://"), "{row}");

    let troubles: [(Harm, &str); 4] = [
        (|| Trouble::Refuse(503), "answered 503"),
        (|| Trouble::Limit(Some(600)), "again in 600 s"),
        (|| Trouble::Cut, "does not answer"),
        (|| Trouble::Stall, "does not answer"),
    ];
    for (trouble, reason) in troubles {
        let front = Front::before(&registry, Box::new(move |_| trouble()));
        let (code, row) = ask(front.port);
        assert_eq!((code, row["status"].as_str()), (1, Some("unknown")), "{row}");
        assert!(row["reason"].as_str().unwrap().contains(reason), "{row}");
        assert_eq!(row["newer"], json!([]));
    }
}

#[test]
fn a_password_is_taken_from_dockers_configuration_and_never_shown() {
    let Some(registry) = Registry::with_password() else { return };
    let Some(mut lab) = Lab::open() else { return };
    registry.push_tiny(REPOSITORY, "0.33.1", "a");
    registry.push_tiny(REPOSITORY, "0.33.2", "b");
    lab.set("CONFIDEXMON_IMAGE_ALERTMANAGER", &format!("{}/{REPOSITORY}:0.33.1", registry.host()));
    lab.set("DOCKER_CONFIG", &lab.folder.path().join("docker").display().to_string());
    let (code, row) = check(&lab);
    assert_eq!((code, row["status"].as_str()), (1, Some("unknown")), "{row}");
    assert!(row["reason"].as_str().unwrap().contains("does not let this user read"), "{row}");

    // base64 of operator:registry-secret
    assert_eq!(USER, ("operator", "registry-secret"));
    let login = json!({"auths": {registry.host(): {"auth": "b3BlcmF0b3I6cmVnaXN0cnktc2VjcmV0"}}});
    lab.write("docker/config.json", &login.to_string());
    let run = lab.run(&["-vv", "update", "alertmanager", "--check"]).expect(0);
    assert!(run.stdout.contains("0.33.2 (patch)"), "{}", run.stdout);
    assert!(!format!("{}{}", run.stdout, run.stderr).contains(USER.1));
}

#[test]
fn a_tag_that_moves_in_the_registry_is_followed_by_update_alone() {
    let Some(registry) = Registry::start() else { return };
    let Some(mut lab) = Lab::open() else { return };
    let name = |tag: &str| format!("{}/{REPOSITORY}:{tag}", registry.host());
    push(&image("alertmanager"), &name("1.0.0"));
    let mark =
        |text: &'static str| move |config: &mut Value| config["config"]["Labels"] = json!({"mark": text});
    lab.set("CONFIDEXMON_IMAGE_ALERTMANAGER", &name("1.0.0"));
    lab.write("config/confidexmon.yml", "prometheus:\n  scrape_interval: 1s\n  scrape_timeout: 1s\n");
    lab.run(&["up"]).expect(0);
    let lock = || std::fs::read_to_string(lab.folder.path().join("images.lock")).unwrap();
    let first = lab.inspect("alertmanager");
    assert!(lock().contains("digest: sha256:") || lock().contains("digest: \"sha256:"), "{}", lock());

    let moved = registry.derive(REPOSITORY, "1.0.0", "1.0.0", mark("moved"));
    let (code, row) = check(&lab);
    assert_eq!(code, 0);
    assert_eq!(row["newer"], json!([{"kind": "same_tag", "tag": "1.0.0"}]), "{row}");
    let refused = lab.run(&["up", "--pull", "always"]);
    assert_eq!(refused.code, 1, "{}", refused.stderr);
    assert!(lab.run(&["plan"]).expect(0).stdout.contains("nothing to do"), "the tag is as before");
    assert_eq!(lab.inspect("alertmanager")["Id"], first["Id"]);

    lab.run(&["update", "alertmanager", "--watch", "1s"]).expect(0);
    let second = lab.inspect("alertmanager");
    assert_eq!(second["Config"]["Labels"]["mark"], "moved");
    assert!(lock().contains(&moved), "{}", lock());
    assert!(lab.run(&["update", "alertmanager"]).expect(0).stderr.contains("nothing to do"));

    // Another platform is refused; nothing that runs is touched.
    registry.derive(REPOSITORY, "1.0.0", "1.1.0", |config| config["architecture"] = json!("arm64"));
    let foreign = lab.run(&["update", "alertmanager", "--to", "1.1.0"]).expect(1);
    assert!(
        foreign.stderr.contains("is made for linux/arm64, and this engine runs linux/amd64"),
        "{}",
        foreign.stderr
    );
    registry.push_index(REPOSITORY, "1.2.0", &[("linux", "arm64"), ("linux", "s390x")]);
    let foreign = lab.run(&["update", "alertmanager", "--to", "1.2.0"]).expect(1);
    assert!(foreign.stderr.contains("is made for linux/arm64, linux/s390x"), "{}", foreign.stderr);
    assert_eq!(lab.inspect("alertmanager")["Id"], second["Id"]);
    let unknown = lab.run(&["update", "alertmanager", "--to", "7.7.7"]).expect(1);
    assert!(unknown.stderr.contains("has no tag `7.7.7`"), "{}", unknown.stderr);

    // A machine that has only the lock runs exactly what it names, wherever the tag points by now.
    lab.run(&["down"]).expect(0);
    for tag in ["1.0.0", "1.1.0"] {
        docker(&["rmi", "-f", &name(tag)]);
    }
    registry.derive(REPOSITORY, "1.0.0", "1.0.0", mark("moved again"));
    lab.run(&["up"]).expect(0);
    assert_eq!(lab.inspect("alertmanager")["Config"]["Labels"]["mark"], "moved");
    lab.run(&["down"]).expect(0);
    forget(&format!("{}/{REPOSITORY}", registry.host()));
}

#[test]
fn the_readmes_lines_update_a_stack_and_go_back() {
    let Some(registry) = Registry::start() else { return };
    let Some(mut lab) = Lab::open() else { return };
    let services = ["alertmanager", "grafana", "prometheus"];
    for service in services {
        let name = format!("{}/bed/{service}:1.0.0", registry.host());
        push(&image(service), &name);
        lab.set(&format!("CONFIDEXMON_IMAGE_{}", service.to_uppercase()), &name);
    }
    registry
        .derive(REPOSITORY, "1.0.0", "1.0.1", |config| config["config"]["Labels"] = json!({"mark": "newer"}));
    lab.run(&["up"]).expect(0);
    // A backup names the image as its repository knows it.
    let backup = lab.run(&["backup-grafana", "--format", "json"]).expect(0).json();
    let known = docker(&[
        "inspect",
        "--format",
        "{{join .RepoDigests \" \"}}",
        lab.inspect("grafana")["Image"].as_str().unwrap(),
    ]);
    let known = String::from_utf8_lossy(&known.stdout).into_owned();
    let wanted = format!("{}/bed/grafana@{}", registry.host(), backup["image_digest"].as_str().unwrap());
    assert!(known.split_whitespace().any(|digest| digest == wanted), "{known} {wanted}");
    let listed = lab.run(&["backups", "--format", "json"]).expect(0).json();
    assert_eq!(listed["backups"][0]["image_digest"], backup["image_digest"]);

    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_confidexmon"));
    let path = format!("{}:{}", binary.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mark = || lab.inspect("alertmanager")["Config"]["Labels"]["mark"].clone();
    let mut ran = 0;
    for line in shell_lines() {
        if !["confidexmon update", "confidexmon rollback"].iter().any(|word| line.starts_with(word)) {
            continue;
        }
        let output = lab.shell(&line).env("PATH", &path).output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        ran += 1;
        match line.as_str() {
            "confidexmon update" => assert_eq!(mark(), "newer"),
            "confidexmon rollback" => assert_eq!(mark(), Value::Null),
            _ => {}
        }
    }
    assert!(ran >= 4, "{ran}");
    lab.run(&["down"]).expect(0);
    for service in services {
        forget(&format!("{}/bed/{service}", registry.host()));
    }
}

/// Brings an image of the engine into a registry under another name.
fn push(image: &str, name: &str) {
    docker(&["tag", image, name]);
    let pushed = docker(&["push", name]);
    assert!(pushed.status.success(), "{}", String::from_utf8_lossy(&pushed.stderr));
    docker(&["rmi", name]);
}

/// Removes every image of a repository from the engine.
fn forget(repository: &str) {
    let images = docker(&["images", "--format", "{{.Repository}}:{{.Tag}}@{{.Digest}}", repository]);
    for line in String::from_utf8_lossy(&images.stdout).lines() {
        let (tag, digest) = line.split_once('@').unwrap_or((line, ""));
        docker(&["rmi", "-f", tag]);
        docker(&["rmi", "-f", &format!("{repository}@{digest}")]);
    }
}
