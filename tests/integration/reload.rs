//! Changed rules reload; a broken one leaves the old in force and on disk.

use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::lab::{Lab, docker, eventually, get, get_json, repository};
use crate::proxy::{Harm, Proxy};

fn rule_on_disk(lab: &Lab) -> String {
    let output = docker(&["exec", &lab.container("prometheus"), "cat", "/etc/prometheus/rules/confidex.yml"]);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn edit(lab: &Lab, from: &str, to: &str) {
    let path = lab.folder.path().join("rules/confidex.yml");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from));
    std::fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn a_changed_rule_is_reloaded_without_a_recreation() {
    let Some(lab) = Lab::open() else { return };
    lab.copy("rules");
    lab.run(&["up"]).expect(0);
    let before = lab.containers();
    edit(&lab, "alert: ZKProofSlow", "alert: ZKProofVerySlow");
    let plan = lab.run(&["plan"]).expect(0).stdout;
    assert_eq!(
        plan.trim(),
        format!("~ change files and reload {}: rules/confidex.yml changed", lab.container("prometheus"))
    );
    lab.run(&["up"]).expect(0);
    assert!(lab.loaded_rules().iter().any(|rule| rule == "ZKProofVerySlow"));
    assert_eq!(lab.containers(), before);
    assert_eq!(
        rule_on_disk(&lab),
        std::fs::read_to_string(lab.folder.path().join("rules/confidex.yml")).unwrap()
    );
}

#[test]
fn a_broken_rule_leaves_the_old_rules_in_force_and_on_disk() {
    let Some(lab) = Lab::open() else { return };
    lab.copy("rules");
    lab.run(&["up", "--without", "grafana"]).expect(0);
    let (rules, disk) = (lab.loaded_rules(), rule_on_disk(&lab));
    edit(&lab, "confidex_crank_status == 0", "confidex_crank_status == == 0");
    let run = lab.run(&["up", "--without", "grafana"]).expect(6);
    assert!(
        run.stderr.contains("rules/confidex.yml") && run.stderr.contains("parse error"),
        "{}",
        run.stderr
    );
    assert_eq!(lab.loaded_rules(), rules);
    assert_eq!(rule_on_disk(&lab), disk);
    // The time bomb that a broken file on disk would be: the next start must succeed.
    docker(&["restart", &lab.container("prometheus")]);
    lab.run(&["up", "--without", "grafana"]).expect(6);
    edit(&lab, "confidex_crank_status == == 0", "confidex_crank_status == 0");
    lab.run(&["up", "--without", "grafana"]).expect(0);
    assert_eq!(lab.loaded_rules(), rules);
}

#[test]
fn a_removed_rule_file_and_a_new_dashboard_take_effect() {
    let Some(lab) = Lab::open() else { return };
    lab.copy("rules");
    lab.copy("dashboards");
    lab.write(
        "rules/extra.yml",
        "groups:\n  - name: extra\n    rules:\n      - alert: Extra\n        expr: vector(1) == 2\n",
    );
    lab.run(&["up"]).expect(0);
    assert!(lab.loaded_rules().iter().any(|rule| rule == "Extra"));
    std::fs::remove_file(lab.folder.path().join("rules/extra.yml")).unwrap();
    lab.write(
        "dashboards/mine.json",
        r#"{"uid": "mine", "title": "Mine", "schemaVersion": 39, "panels": []}"#,
    );
    let up = lab.run(&["up"]).expect(0);
    assert!(!lab.loaded_rules().iter().any(|rule| rule == "Extra"));
    // What does not fire is not missed, so it is said.
    assert!(
        up.stderr.contains("1 rule less is in force") && up.stderr.contains("Extra went"),
        "{}",
        up.stderr
    );
    // Nor is what was never loaded.
    lab.write(
        "rules/more/extra.yml",
        "groups:\n  - name: extra\n    rules:\n      - alert: Extra\n        expr: vector(1) == 2\n",
    );
    let reloaded = lab.run(&["reload-rules"]).expect(0);
    assert!(
        reloaded.stderr.contains("rules/more/extra.yml") && reloaded.stderr.contains("not loaded"),
        "{}",
        reloaded.stderr
    );
    let check = lab.run(&["check", "--format", "json"]).json();
    let found = check["findings"].as_array().unwrap().iter().any(|one| one["id"] == "unread-rule-file");
    assert!(found, "{check}");
    std::fs::remove_dir_all(lab.folder.path().join("rules/more")).unwrap();
    std::fs::remove_file(lab.folder.path().join("rules/confidex.yml")).unwrap();
    let reloaded = lab.run(&["reload-rules"]).expect(0);
    assert!(reloaded.stderr.contains("rules less are in force than before"), "{}", reloaded.stderr);
    let ls = docker(&["exec", &lab.container("prometheus"), "ls", "/etc/prometheus/rules"]);
    assert!(!String::from_utf8_lossy(&ls.stdout).contains("extra.yml"));
    assert_eq!(crate::lab::get(&lab.url("grafana", "/api/dashboards/uid/mine")).0, 200);
    assert!(lab.run(&["plan"]).expect(0).stdout.contains("nothing to do"));
}

/// A stack without Grafana whose project has the shipped rules.
fn with_rules() -> Option<Lab> {
    let lab = Lab::open()?;
    lab.copy("rules");
    lab.run(&["up", "--without", "grafana"]).expect(0);
    Some(lab)
}

fn holds(lab: &Lab, name: &str) -> bool {
    lab.loaded_rules().iter().any(|rule| rule == name)
}

/// Old or new, but the same in force and on disk.
fn is_one_of_both(lab: &Lab, when: &str) {
    let (old, new) = (holds(lab, "ZKProofSlow"), holds(lab, "ZKProofVerySlow"));
    assert!(old != new, "{when}: old {old}, new {new}");
    let disk = rule_on_disk(lab);
    assert_eq!(disk.contains("alert: ZKProofVerySlow"), new, "{when}: what is on disk is not in force");
    assert_eq!(disk.contains("alert: ZKProofSlow"), old, "{when}: what is on disk is not in force");
}

#[test]
fn reload_rules_says_what_changed_and_keeps_pending_alerts() {
    let Some(lab) = Lab::open() else { return };
    let rules = |extra: &str| {
        format!(
            "groups:\n  - name: g\n    interval: 1s\n    rules:\n      - alert: Waits\n        expr: vector(1) > 0\n        for: 1h\n{extra}"
        )
    };
    lab.write("rules/a.yml", &rules("      - alert: Goes\n        expr: vector(1) > 2\n"));
    lab.run(&["up", "--without", "grafana"]).expect(0);
    let active_since = || {
        let alerts = get_json(&lab.url("prometheus", "/api/v1/alerts"));
        let alerts = alerts["data"]["alerts"].as_array().unwrap().clone();
        let waits = alerts.iter().find(|alert| alert["labels"]["alertname"] == "Waits")?;
        Some((waits["state"].as_str()?.to_owned(), waits["activeAt"].as_str()?.to_owned()))
    };
    eventually("the alert is pending", Duration::from_secs(20), || active_since().is_some());
    let before = active_since();
    lab.write("rules/a.yml", &rules("      - alert: Comes\n        expr: vector(1) > 2\n"));
    let run = lab.run(&["reload-rules"]).expect(0);
    assert!(run.stdout.contains("2 → 2 rules in force"), "{}", run.stdout);
    assert!(run.stdout.contains("+ Comes") && run.stdout.contains("- Goes"), "{}", run.stdout);
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(active_since(), before);
    lab.write("rules/a.yml", &rules("").replace("1h", "2h"));
    let json = lab.run(&["reload", "rules", "--format", "json"]).expect(0).json();
    let rules = &json["services"][0]["rules"];
    assert_eq!((&rules["before"], &rules["after"]), (&2.into(), &1.into()));
    assert_eq!(rules["changed"][0]["what"][0], "for 1h → 2h");
    assert_eq!(rules["removed"][0], "Comes");
}

#[test]
fn nothing_changed_means_two_engine_calls_and_nothing_written() {
    let Some(lab) = with_rules() else { return };
    let proxy = Proxy::start();
    // The first run at this endpoint reads what lies in the volume; the second one remembers it.
    lab.run(&["--host", &proxy.host(), "reload-rules"]).expect(0);
    proxy.take_calls();
    let run = lab.run(&["--host", &proxy.host(), "reload-rules"]).expect(0);
    assert!(run.stdout.contains("nothing changed, 53 rules in force"), "{}", run.stdout);
    let calls = proxy.take_calls();
    assert!(calls.len() <= 2 && calls.iter().all(|call| call.starts_with("GET ")), "{calls:?}");
}

/// A refusal is said once, at the user's own file and line, by every command that meets it: `check`'s words.
#[test]
fn what_a_tool_refuses_is_placed_once_by_plan_reload_and_up() {
    let Some(lab) = Lab::open() else { return };
    let rule =
        |expr: &str| format!("groups:\n  - name: g\n    rules:\n      - {{alert: A, expr: '{expr}'}}\n");
    lab.write("rules/a.yml", &rule("up == 0"));
    lab.write("rules/gone.yml", &rule("up == 1").replace("name: g", "name: h"));
    lab.copy("config");
    lab.run(&["up", "--without", "grafana"]).expect(0);
    let up = ["up", "--without", "grafana"];
    let plan = ["plan", "--without", "grafana"];
    let loaded = lab.loaded_rules();

    lab.write("rules/a.yml", &rule("sum(up == 0"));
    for arguments in [&plan[..], &["reload", "rules"], &up] {
        let run = lab.run(arguments).expect(6);
        let text = format!("{}{}", run.stdout, run.stderr);
        assert_eq!(text.matches("rules/a.yml:4:").count(), 1, "{text}");
        assert_eq!(text.matches("unclosed left parenthesis").count(), 1, "{text}");
        assert!(!text.contains("FAILED"), "{text}");
        assert_eq!(lab.loaded_rules(), loaded, "{arguments:?}");
    }
    let json = lab.run(&[&plan[..], &["--format", "json"]].concat()).expect(6).json();
    assert!(json["blockers"][0].as_str().unwrap().starts_with("rules/a.yml:4:"), "{json}");

    // A file that is gone is a change like any other.
    lab.write("rules/a.yml", &rule("up == 0"));
    std::fs::remove_file(lab.folder.path().join("rules/gone.yml")).unwrap();
    let planned = lab.run(&plan).expect(0).stdout;
    assert!(planned.contains("rules/gone.yml removed"), "{planned}");
    let reloaded = lab.run(&["reload", "rules"]).expect(0).stdout;
    assert!(reloaded.contains("2 → 1 rule in force"), "{reloaded}");

    // amtool says why on its other stream.
    let template = std::fs::read_to_string(repository().join("config/templates/alertmanager.yml")).unwrap();
    let line = template.lines().position(|line| line.trim_start().starts_with("group_wait:")).unwrap() + 1;
    let broken = template.replacen("group_wait:", "group_wait: banana #", 1);
    lab.write("config/templates/alertmanager.yml", &broken);
    let run = lab.run(&["reload", "alertmanager"]).expect(6);
    let place = format!("config/templates/alertmanager.yml:{line}:");
    assert_eq!(run.stderr.matches(&place).count(), 1, "{}", run.stderr);
    assert_eq!(run.stderr.matches("not a valid duration string").count(), 1, "{}", run.stderr);
}

/// A dashboard that is taken away is no "0 changed files".
#[test]
fn a_removed_file_counts_as_a_change() {
    let Some(lab) = Lab::open() else { return };
    lab.copy("dashboards");
    // No other page links to it, so no other changes with it.
    lab.write("dashboards/extra.json", r#"{"uid": "extra", "title": "Extra", "panels": []}"#);
    lab.run(&["up", "--without", "prometheus", "--without", "alertmanager"]).expect(0);
    std::fs::remove_file(lab.folder.path().join("dashboards/extra.json")).unwrap();
    let reloaded = lab.run(&["reload", "dashboards"]).expect(0).stdout;
    assert!(reloaded.contains("1 changed file in force"), "{reloaded}");
    eventually("it is gone", Duration::from_secs(20), || {
        get(&lab.url("grafana", "/api/dashboards/uid/extra")).0 == 404
    });
}

#[test]
fn an_empty_rule_set_is_refused_unless_it_is_meant() {
    let Some(lab) = with_rules() else { return };
    std::fs::remove_dir_all(lab.folder.path().join("rules")).unwrap();
    lab.write("rules/none.yml", "groups: []\n");
    // What `up` refuses, its plan says too.
    for command in [&["reload-rules"][..], &["up"], &["plan"], &["up", "--dry-run"]] {
        let run = lab.run(command).expect(2);
        assert!(run.stderr.contains("--allow-empty"), "{command:?}: {}", run.stderr);
    }
    assert!(lab.run(&["plan"]).expect(2).stdout.contains("switch every alert off"));
    assert!(holds(&lab, "ZKProofSlow"));
    // Whichever way the files would get there: by a start too, and by a new container.
    docker(&["stop", &lab.container("prometheus")]);
    let stopped = lab.run(&["up"]).expect(2);
    assert!(stopped.stderr.contains("--allow-empty"), "{}", stopped.stderr);
    docker(&["start", &lab.container("prometheus")]);
    lab.write("config/confidexmon.yml", "prometheus:\n  retention_time: 9d\n");
    let replaced = lab.run(&["up"]).expect(2);
    assert!(replaced.stderr.contains("--allow-empty"), "{}", replaced.stderr);
    std::fs::remove_file(lab.folder.path().join("config/confidexmon.yml")).unwrap();
    let ready = lab.url("prometheus", "/-/ready");
    eventually("prometheus is back", Duration::from_secs(20), || get(&ready).0 == 200);
    assert!(holds(&lab, "ZKProofSlow"));
    lab.run(&["reload-rules", "--allow-empty"]).expect(0);
    assert_eq!(lab.loaded_rules(), Vec::<String>::new());
}

/// What only a start reads is undone when the service does not come back with it.
#[test]
fn a_configuration_that_kills_its_service_is_taken_back() {
    let Some(lab) = Lab::open() else { return };
    let shipped =
        std::fs::read_to_string(crate::lab::repository().join("config/templates/redis.conf")).unwrap();
    lab.write("config/templates/redis.conf", &shipped);
    let only = ["--with", "redis", "--without", "grafana"];
    lab.run(&[&["up"], &only[..]].concat()).expect(0);
    let ask = |words: &[&str]| {
        let redis = ["exec", &lab.container("redis"), "redis-cli", "-a", "redis secret", "--no-auth-warning"];
        String::from_utf8_lossy(&docker(&[&redis[..], words].concat()).stdout).trim().to_owned()
    };
    assert_eq!(ask(&["SET", "kept", "yes"]), "OK");
    lab.write("config/templates/redis.conf", &format!("{shipped}\nno-such-directive yes\n"));
    let run = lab.run(&[&["up"], &only[..]].concat());
    assert_ne!(run.code, 0);
    assert!(
        run.stderr.contains("the old files are back") && run.stderr.contains("no-such-directive"),
        "{}",
        run.stderr
    );
    assert_eq!(ask(&["GET", "kept"]), "yes");
    // What lies there is known again: only the bad line is still wanted.
    let plan = lab.run(&[&["plan"], &only[..]].concat()).expect(0);
    assert!(
        plan.stdout.contains("redis.conf changed") && !plan.stdout.contains("interrupted"),
        "{}",
        plan.stdout
    );
    lab.write("config/templates/redis.conf", &shipped);
    assert!(lab.run(&[&["plan"], &only[..]].concat()).expect(0).stdout.contains("nothing to do"));
}

/// One that crashes again and again cannot be asked anything; its new files are validated all the same.
#[test]
fn a_service_that_does_not_answer_gets_only_files_that_are_valid() {
    let Some(lab) = with_rules() else { return };
    let broken = lab.folder.path().join("broken.yml");
    std::fs::write(&broken, "global: [\n").unwrap();
    let target = format!("{}:/etc/prometheus/prometheus.yml", lab.container("prometheus"));
    assert!(docker(&["cp", broken.to_str().unwrap(), &target]).status.success());
    docker(&["restart", &lab.container("prometheus")]);
    eventually("prometheus crashes", Duration::from_secs(30), || {
        lab.inspect("prometheus")["RestartCount"].as_i64().unwrap() > 0
    });
    edit(&lab, "confidex_crank_status == 0", "confidex_crank_status == == 0");
    let run = lab.run(&["up", "--without", "grafana"]).expect(6);
    assert!(
        run.stderr.contains("rules/confidex.yml") && run.stderr.contains("parse error"),
        "{}",
        run.stderr
    );
    // A good change brings it back, with the file that somebody broke by hand.
    edit(&lab, "confidex_crank_status == == 0", "confidex_crank_status < 1");
    lab.run(&["up", "--without", "grafana"]).expect(0);
    assert!(holds(&lab, "ZKProofSlow"));
    assert!(lab.run(&["plan", "--without", "grafana"]).expect(0).stdout.contains("nothing to do"));
}

#[test]
fn a_broken_rule_is_named_by_file_and_line_and_a_stopped_service_by_name() {
    let Some(lab) = with_rules() else { return };
    let (rules, disk) = (lab.loaded_rules(), rule_on_disk(&lab));
    edit(&lab, "confidex_crank_status == 0", "confidex_crank_status == == 0");
    let run = lab.run(&["reload-rules"]).expect(6);
    let line = std::fs::read_to_string(lab.folder.path().join("rules/confidex.yml")).unwrap();
    let line = 1 + line.lines().position(|line| line.contains("== ==")).unwrap();
    assert!(run.stderr.contains("rules/confidex.yml"), "{}", run.stderr);
    assert!(run.stderr.contains(&format!("{line}:")), "line {line} is not in:\n{}", run.stderr);
    assert_eq!((lab.loaded_rules(), rule_on_disk(&lab)), (rules, disk));
    docker(&["stop", &lab.container("prometheus")]);
    edit(&lab, "confidex_crank_status == == 0", "confidex_crank_status == 0");
    let run = lab.run(&["reload-rules"]).expect(1);
    assert!(run.stderr.contains("prometheus does not run"), "{}", run.stderr);
}

#[test]
fn an_engine_that_dies_between_any_two_steps_leaves_old_or_new_rules_never_a_mixture() {
    let Some(lab) = with_rules() else { return };
    let (mut from, mut to) = ("alert: ZKProofSlow", "alert: ZKProofVerySlow");
    for done_first in [false, true] {
        let mut at = 1;
        loop {
            edit(&lab, from, to);
            let proxy = Proxy::with_fault(Box::new(move |number, _| match number {
                number if number < at => Harm::None,
                number if number == at && done_first => Harm::DoneButGone,
                _ => Harm::Answer(502, "the engine is gone"),
            }));
            let run = lab.run(&["--host", &proxy.host(), "reload-rules"]);
            let whole = proxy.take_calls().len() < at;
            is_one_of_both(&lab, &format!("engine gone at call {at} ({done_first}): {}", run.stderr));
            drop(proxy);
            lab.run(&["reload-rules"]).expect(0);
            assert!(rule_on_disk(&lab).contains(to), "call {at}");
            assert!(holds(&lab, to.trim_start_matches("alert: ")), "call {at}");
            (from, to) = (to, from);
            if whole {
                assert!(at > 6, "only {at} calls were tried");
                break;
            }
            at += 1;
        }
    }
}

/// Runs a command whose process is killed at its engine call number `at`; false when it made fewer.
/// The engine still carries out the call, or never hears of it.
fn killed_at(lab: &Lab, at: usize, carried_out: bool, arguments: &[&str]) -> bool {
    let child_id = Arc::new(AtomicU32::new(0));
    let victim = child_id.clone();
    let proxy = Proxy::with_fault(Box::new(move |number, _| {
        if number < at {
            return Harm::None;
        }
        if number == at {
            let id = victim.load(Ordering::SeqCst).to_string();
            std::process::Command::new("kill").args(["-9", &id]).status().unwrap();
        }
        if number == at && carried_out { Harm::LoseAnswer } else { Harm::Hang }
    }));
    let host = proxy.host();
    let mut command = lab.command(&[&["--host", &host], arguments].concat());
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    child_id.store(child.id(), Ordering::SeqCst);
    let output = child.wait_with_output().unwrap();
    let killed = output.status.signal() == Some(9);
    assert!(killed || output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // The engine works on what it was given.
    std::thread::sleep(Duration::from_millis(300));
    killed
}

#[test]
fn a_reload_killed_at_any_engine_call_ends_with_old_or_new_rules_and_the_next_command_finishes_it() {
    let Some(lab) = with_rules() else { return };
    let interrupted = "a change of its files is under way or was interrupted";
    let (mut from, mut to) = ("alert: ZKProofSlow", "alert: ZKProofVerySlow");
    let mut told = 0;
    for carried_out in [true, false] {
        for at in 1.. {
            let when = format!("killed at call {at}, carried out: {carried_out}");
            edit(&lab, from, to);
            let killed = killed_at(&lab, at, carried_out, &["reload-rules"]);
            // Nobody repaired anything yet: what is left of the run does it.
            eventually(&when, Duration::from_secs(6), || {
                holds(&lab, to.trim_start_matches("alert: ")) == rule_on_disk(&lab).contains(to)
            });
            is_one_of_both(&lab, &when);
            let in_force = rule_on_disk(&lab).contains(to);
            let told_now = || {
                // The killed run knew the engine by the proxy's address; look with no memory of another.
                let elsewhere = tempfile::tempdir().unwrap();
                let mut command = lab.command(&["status"]);
                command.env("CONFIDEXMON_STATE_DIR", elsewhere.path());
                String::from_utf8_lossy(&command.output().unwrap().stderr).contains(interrupted)
            };
            let is_told = told_now();
            assert!(killed || !is_told, "{when}: told after a whole run");
            assert!(!is_told || in_force, "{when}: told without a change");
            told += usize::from(is_told);
            let repair: &[&str] =
                if at % 2 == 0 { &["reload-rules"] } else { &["up", "--without", "grafana"] };
            lab.run(repair).expect(0);
            assert!(rule_on_disk(&lab).contains(to), "{when}");
            assert!(holds(&lab, to.trim_start_matches("alert: ")), "{when}");
            assert!(!told_now(), "{when}: still told after the repair");
            (from, to) = (to, from);
            if !killed {
                assert!(at > 8, "only {at} calls were tried");
                break;
            }
        }
    }
    assert!(told >= 2, "an interrupted change was told {told} times");
}

#[test]
fn a_prometheus_that_restarts_in_the_middle_ends_with_old_or_new_rules() {
    let Some(lab) = with_rules() else { return };
    for (from, to) in [("ZKProofSlow", "ZKProofVerySlow"), ("ZKProofVerySlow", "ZKProofSlow")] {
        edit(&lab, &format!("alert: {from}"), &format!("alert: {to}"));
        let mut command = lab.command(&["reload-rules"]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(120));
        docker(&["restart", "-t", "2", &lab.container("prometheus")]);
        let text = String::from_utf8_lossy(&child.wait_with_output().unwrap().stderr).into_owned();
        eventually("Prometheus is back", Duration::from_secs(30), || {
            crate::lab::get(&lab.url("prometheus", "/-/ready")).0 == 200
        });
        is_one_of_both(&lab, &text);
        lab.run(&["reload-rules"]).expect(0);
        assert!(holds(&lab, to));
    }
}

#[test]
fn two_reloads_at_once_are_one_after_the_other_or_one_is_turned_away() {
    let Some(lab) = with_rules() else { return };
    edit(&lab, "alert: ZKProofSlow", "alert: ZKProofVerySlow");
    let spawn =
        || lab.command(&["reload-rules"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let runs = [spawn(), spawn()].map(|child| child.wait_with_output().unwrap());
    let mut codes: Vec<i32> = runs.iter().map(|run| run.status.code().unwrap()).collect();
    codes.sort_unstable();
    assert!(codes == [0, 0] || codes == [0, 5], "{codes:?}");
    is_one_of_both(&lab, "two at once");
    assert!(holds(&lab, "ZKProofVerySlow"));
}

#[test]
fn a_file_that_is_being_written_is_waited_for() {
    let Some(lab) = with_rules() else { return };
    let path = lab.folder.path().join("rules/confidex.yml");
    let whole =
        std::fs::read_to_string(&path).unwrap().replace("alert: ZKProofSlow", "alert: ZKProofVerySlow");
    let half = &whole[..whole.len() / 2];
    let began = Instant::now();
    std::fs::write(&path, half).unwrap();
    let mut command = lab.command(&["reload-rules"]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    // An editor that writes in pieces, faster than anybody would take for a pause.
    for end in (whole.len() / 2..whole.len()).step_by(whole.len() / 60) {
        std::fs::write(&path, &whole[..end]).unwrap();
        std::thread::sleep(Duration::from_millis(5));
    }
    std::fs::write(&path, &whole).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{:?} {}", began.elapsed(), String::from_utf8_lossy(&output.stderr));
    assert!(holds(&lab, "ZKProofVerySlow"));
}

#[test]
fn reload_dashboards_needs_no_restart_and_a_refused_route_changes_nothing() {
    let Some(lab) = Lab::open() else { return };
    lab.copy("dashboards");
    lab.copy("config");
    lab.run(&["up"]).expect(0);
    let before = lab.inspect("grafana")["State"]["StartedAt"].clone();
    lab.write(
        "dashboards/mine.json",
        r#"{"uid": "mine", "title": "Mine", "schemaVersion": 39, "panels": []}"#,
    );
    lab.run(&["reload", "dashboards"]).expect(0);
    assert_eq!(crate::lab::get(&lab.url("grafana", "/api/dashboards/uid/mine")).0, 200);
    assert_eq!(lab.inspect("grafana")["State"]["StartedAt"], before);
    lab.write("dashboards/mine.json", "{\"uid\": \"mine\", ");
    let run = lab.run(&["reload", "dashboards"]).expect(6);
    assert!(run.stderr.contains("dashboards/mine.json:1:"), "{}", run.stderr);
    assert_eq!(crate::lab::get(&lab.url("grafana", "/api/dashboards/uid/mine")).0, 200);
    let template = lab.folder.path().join("config/templates/alertmanager.yml");
    let text = std::fs::read_to_string(&template).unwrap();
    std::fs::write(&template, text.replacen("\nroute:\n", "\nroute:\n  nobody-knows-this: true\n", 1))
        .unwrap();
    let receivers = || get_json(&lab.url("alertmanager", "/api/v2/receivers"));
    let in_force = receivers();
    let run = lab.run(&["reload", "alertmanager"]).expect(6);
    assert!(run.stderr.contains("nobody-knows-this"), "{}", run.stderr);
    assert_eq!(receivers(), in_force);
}

#[test]
fn odd_names_and_odd_contents_of_rule_files_reload_like_any_other() {
    let Some(lab) = with_rules() else { return };
    let rule = "groups:\n  - name: g\n    rules:\n      - alert: Odd\n        expr: vector(1) > 2\n";
    for name in
        ["ü name's $x.yml", "*.yml", "[a].yml", "what?.yml", "back\\slash.yml", "-n.yml", "new\nline.yml"]
    {
        lab.write(&format!("rules/{name}"), rule);
        let run = lab.run(&["reload-rules"]).expect(0);
        let count = lab.loaded_rules().iter().filter(|rule| *rule == "Odd").count();
        assert_eq!(count, 1, "{name}: {}", run.stdout);
        std::fs::remove_file(lab.folder.path().join("rules").join(name)).unwrap();
    }
    lab.run(&["reload-rules"]).expect(0);
    let crlf = rule.replace('\n', "\r\n");
    let bom = format!("\u{feff}{rule}");
    let with_empty = format!("{rule}  - name: empty\n    rules: []\n  - name: emptier\n");
    let two_documents = format!("---\n{rule}---\n{}", rule.replace("Odd", "Second"));
    for text in [&crlf, &bom, &with_empty, &two_documents] {
        lab.write("rules/odd.yml", text);
        lab.run(&["reload-rules"]).expect(0);
        assert!(holds(&lab, "Odd") && !holds(&lab, "Second"), "{text:?}");
        lab.write("rules/odd.yml", "# nothing\n");
        lab.run(&["reload-rules"]).expect(0);
        assert!(!holds(&lab, "Odd"), "{text:?}");
    }
}

#[test]
fn a_refused_change_leaves_no_secret_behind() {
    let Some(mut lab) = Lab::open() else { return };
    lab.copy("config");
    lab.set("SLACK_WEBHOOK_URL", "https://hooks.example.com/old");
    lab.run(&["up", "--without", "grafana"]).expect(0);
    let secrets = || {
        let script = "cd /etc/alertmanager/secrets && for f in *; do echo $f; cat $f; echo; done";
        let output = docker(&["exec", &lab.container("alertmanager"), "sh", "-c", script]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let before = secrets();
    assert!(before.contains("hooks.example.com/old"), "{before}");
    let template = lab.folder.path().join("config/templates/alertmanager.yml");
    let text = std::fs::read_to_string(&template).unwrap();
    std::fs::write(&template, text.replacen("\nroute:\n", "\nroute:\n  nobody-knows-this: true\n", 1))
        .unwrap();
    let mut command = lab.command(&["reload", "alertmanager"]);
    command.env("SLACK_WEBHOOK_URL", "https://hooks.example.com/new").env("PAGERDUTY_SERVICE_KEY", "k");
    assert_eq!(command.output().unwrap().status.code(), Some(6));
    assert_eq!(secrets(), before);
    std::fs::write(&template, text).unwrap();
    assert!(lab.run(&["reload", "alertmanager"]).expect(0).stdout.contains("nothing changed"));
}

#[test]
fn two_reloads_from_two_machines_end_with_the_rules_of_one_never_of_both() {
    let Some(lab) = with_rules() else { return };
    let names = ["one", "two"];
    for name in names {
        for file in ["a", "b"] {
            let rule = format!(
                "groups:\n  - name: g\n    rules:\n      - alert: {file}-{name}\n        expr: vector(1) > 2\n"
            );
            lab.write(&format!("{name}/rules/{file}.yml"), &rule);
        }
    }
    for round in 0..4 {
        let runs = names.map(|name| {
            let mut command = lab.command(&["--project-dir", name, "reload-rules", "--adopt"]);
            command.env("CONFIDEXMON_STATE_DIR", lab.folder.path().join(format!("state-{name}")));
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
        });
        let runs = runs.map(|child| child.wait_with_output().unwrap());
        let told: Vec<_> =
            runs.iter().map(|run| (run.status.code(), String::from_utf8_lossy(&run.stderr))).collect();
        let done = runs.iter().filter(|run| run.status.success()).count();
        assert!(done >= 1, "round {round}: {told:?}");
        let rules = lab.loaded_rules();
        let winner = names.into_iter().find(|name| rules == [format!("a-{name}"), format!("b-{name}")]);
        assert!(winner.is_some(), "round {round}: {rules:?} {told:?}");
        let won = winner == Some("two");
        assert!(
            runs[usize::from(won)].status.success(),
            "round {round}: the loser was told it won: {told:?}"
        );
        let run = lab.run(&["reload-rules"]).expect(0);
        assert!(holds(&lab, "ZKProofSlow"), "{}", run.stdout);
    }
}
