//! A stack belongs to the project that started it, and `ls` tells whose is whose.

use serde_json::Value;

use crate::lab::{Lab, Run, docker, free_port, get};

fn in_project(lab: &Lab, folder: &str, arguments: &[&str]) -> Run {
    lab.run(&[&["--project-dir", folder], arguments].concat())
}

fn label(lab: &Lab, service: &str, key: &str) -> String {
    lab.inspect(service)["Config"]["Labels"][format!("io.confidexmon.{key}")].as_str().unwrap().to_owned()
}

const UP: [&str; 3] = ["up", "--without", "grafana"];

#[test]
fn another_project_touches_nothing_unless_it_adopts_and_a_moved_one_stays_itself() {
    let Some(lab) = Lab::open() else { return };
    for name in ["one", "two"] {
        lab.write(&format!("{name}/config/confidexmon.yml"), "log_level: info\n");
    }
    in_project(&lab, "one", &UP).expect(0);
    let before = lab.containers();
    let path = |name: &str| lab.folder.path().join(name).canonicalize().unwrap().display().to_string();
    assert_eq!(label(&lab, "prometheus", "project-path"), path("one"));
    for arguments in [
        &UP[..],
        &["plan"],
        &["down", "--volumes"],
        &["restart"],
        &["reload"],
        &["reload-rules"],
        &["update"],
    ] {
        let run = in_project(&lab, "two", arguments).expect(1);
        assert!(run.stderr.contains(&path("one")) && run.stderr.contains(&path("two")), "{}", run.stderr);
        assert!(run.stderr.contains("--adopt"), "{}", run.stderr);
        assert_eq!(lab.containers(), before, "{arguments:?}");
    }
    assert_eq!(get(&lab.url("prometheus", "/-/ready")).0, 200);

    // The network and the volumes say whose they are, too.
    let network = docker(&["network", "inspect", &lab.networks()[0]]);
    let volume = docker(&["volume", "inspect", &format!("{}-prometheus-data", lab.stack)]);
    for output in [network, volume] {
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(found[0]["Labels"]["io.confidexmon.project-path"], path("one"));
    }

    std::fs::rename(lab.folder.path().join("one"), lab.folder.path().join("moved")).unwrap();
    in_project(&lab, "moved", &UP).expect(0);
    assert_eq!(lab.containers(), before);

    in_project(&lab, "moved", &["down"]).expect(0);
    let run = in_project(&lab, "two", &UP).expect(1);
    assert!(run.stderr.contains("belongs to the project in"), "its data is theirs: {}", run.stderr);

    in_project(&lab, "moved", &UP).expect(0);
    in_project(&lab, "two", &[&UP[..], &["--adopt"]].concat()).expect(0);
    assert_eq!(label(&lab, "prometheus", "project-path"), path("two"));
    in_project(&lab, "two", &UP).expect(0);
    in_project(&lab, "moved", &["down"]).expect(1);

    // Taken over once is taken over: also when only the volumes are left, which keep their label.
    in_project(&lab, "two", &["down"]).expect(0);
    in_project(&lab, "moved", &UP).expect(1);
    in_project(&lab, "two", &UP).expect(0);
}

#[test]
fn rollback_and_restore_leave_another_projects_stack_alone_unless_they_adopt_it() {
    let Some(lab) = Lab::open() else { return };
    for name in ["one", "two"] {
        lab.write(&format!("{name}/config/confidexmon.yml"), "log_level: info\n");
    }
    in_project(&lab, "one", &["up"]).expect(0);
    let backup = in_project(&lab, "one", &["backup-grafana", "--format", "json"]).expect(0).json();
    let archive = backup["path"].as_str().unwrap();

    // The lock of a clone: the image from before has another tag.
    let image = crate::lab::image("alertmanager");
    let earlier = format!("{}:0.0.1", lab.stack);
    docker(&["tag", &image, &earlier]);
    let lock = std::fs::read_to_string(lab.folder.path().join("one/images.lock")).unwrap();
    let of_alertmanager = lock.split("  alertmanager:\n").nth(1).unwrap();
    let lines: String = of_alertmanager
        .lines()
        .take_while(|line| line.starts_with("    "))
        .map(|line| format!("{line}\n"))
        .collect();
    let previous = lines.replacen(&image, &earlier, 1);
    lab.write("two/images.lock", &format!("{lock}previous:\n  alertmanager:\n{previous}"));

    let path = |name: &str| lab.folder.path().join(name).canonicalize().unwrap().display().to_string();
    let before = lab.containers();
    let restore = ["restore-grafana", archive];
    for arguments in [&["rollback"][..], &restore, &["update"]] {
        let run = in_project(&lab, "two", arguments).expect(1);
        for word in [path("one"), path("two"), "--adopt".to_owned()] {
            assert!(run.stderr.contains(&word), "{arguments:?}: {}", run.stderr);
        }
        assert_eq!(lab.containers(), before, "{arguments:?}");
    }
    in_project(&lab, "two", &["rollback", "--adopt", "--watch", "0s"]).expect(0);
    assert_eq!(lab.inspect("alertmanager")["Config"]["Image"], earlier.as_str());

    docker(&["exec", &lab.container("grafana"), "/usr/bin/python3", "-c", FORGET]);
    let count = "import sqlite3; print(sqlite3.connect('/var/lib/grafana/grafana.db').execute('SELECT count(*) FROM data_source').fetchone()[0])";
    let sources = || {
        String::from_utf8_lossy(
            &docker(&["exec", &lab.container("grafana"), "/usr/bin/python3", "-c", count]).stdout,
        )
        .trim()
        .to_owned()
    };
    assert_eq!(sources(), "0");
    in_project(&lab, "two", &[&restore[..], &["--adopt"]].concat()).expect(0);
    assert_ne!(sources(), "0");
    docker(&["rmi", &earlier]);
}

/// What only a restore brings back before Grafana's next start.
const FORGET: &str = "import sqlite3; c = sqlite3.connect('/var/lib/grafana/grafana.db', timeout=30); c.execute('DELETE FROM data_source'); c.commit()";

#[test]
fn every_stack_is_listed_and_a_second_project_gets_a_name_and_ports_of_its_own() {
    let Some(mut lab) = Lab::open() else { return };
    lab.run(&UP).expect(0);
    docker(&["stop", &lab.container("alertmanager")]);
    let listed = lab.run(&["ls", "--format", "json"]).expect(0).json();
    let all = listed["stacks"].as_array().unwrap();
    let ours = all.iter().find(|stack| stack["stack"] == lab.stack.as_str()).unwrap();
    assert_eq!(ours["project"]["is_this_one"], true);
    assert_eq!(ours["health"], "unhealthy");
    let service =
        |name: &str| ours["services"].as_array().unwrap().iter().find(|one| one["name"] == name).unwrap();
    assert_eq!(
        (&service("prometheus")["answers"], &service("alertmanager")["answers"]),
        (&true.into(), &false.into())
    );
    assert_eq!(service("prometheus")["port"], lab.ports["prometheus"]);
    assert!(lab.run(&["ls"]).expect(0).stdout.contains("(this one)"));

    // The name that is given is there already, so it is said; a folder's name is not.
    let run = lab.run(&["init", "second", "--stack", &lab.stack]).expect(0);
    assert!(run.stderr.contains("already"), "{}", run.stderr);
    let stack = lab.stack.clone();
    lab.set("CONFIDEXMON_STACK", "");
    lab.run(&["init", "third", "--stack", &format!("{stack}-3")]).expect(0);
    let text = std::fs::read_to_string(lab.folder.path().join("third/config/confidexmon.yml")).unwrap();
    assert!(text.contains(&format!("stack: {stack}-3\n")), "{text}");
    lab.run(&["init", "fourth", "--stack", "No Such"]).expect(2);

    // In a folder of somebody else's, `status` claims nothing about receivers and settings.
    let there = lab.folder.path().join("third");
    let settings = there.join("config/confidexmon.yml");
    let text = std::fs::read_to_string(&settings)
        .unwrap()
        .replace(&format!("stack: {stack}-3"), &format!("stack: {stack}"));
    std::fs::write(&settings, text).unwrap();
    let there = there.to_str().unwrap();
    let status = lab.run(&["--project-dir", there, "status"]);
    assert!(status.stdout.contains("project   another one"), "{}", status.stdout);
    for claim in ["notified", "settings  ", "nobody"] {
        assert!(!status.stdout.contains(claim), "{claim}: {}", status.stdout);
    }
    let status = lab.run(&["--project-dir", there, "status", "--format", "json"]).json();
    assert!(
        status["other_project"].as_str().unwrap().contains(lab.folder.path().to_str().unwrap()),
        "{status}"
    );
    assert!(status["drift"].is_null());
    // Nor does it take over who is told of what.
    for command in [
        vec!["silence", "Watchdog", "--for", "1h", "--why", "x"],
        vec!["silences", "--end", "all"],
        vec!["drill", "ConfidexBackendDown", "--live", "--yes"],
        vec!["backup-grafana"],
    ] {
        let refused = lab.run(&[&["--project-dir", there], command.as_slice()].concat()).expect(1);
        assert!(refused.stderr.contains("belongs to"), "{command:?}: {}", refused.stderr);
    }
    lab.run(&["--project-dir", there, "silences"]);

    // A project for another backend does not get a port that is in use either.
    let held = std::net::TcpListener::bind(("127.0.0.1", 9121));
    let port = free_port();
    let _backend = crate::faulty::Faulty::start(port, crate::faulty::Answer::Metrics);
    lab.run(&["init", "fifth", "--for", &format!("http://127.0.0.1:{port}/metrics")]).expect(0);
    let text = std::fs::read_to_string(lab.folder.path().join("fifth/config/confidexmon.yml")).unwrap();
    assert!(text.contains("stack: fifth\n") && !text.contains(": 9121\n"), "{text}");
    drop(held);
}
