//! Changed rules reload; a broken one leaves the old in force and on disk.

use crate::lab::{Lab, docker};

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
    lab.run(&["up"]).expect(0);
    assert!(!lab.loaded_rules().iter().any(|rule| rule == "Extra"));
    let ls = docker(&["exec", &lab.container("prometheus"), "ls", "/etc/prometheus/rules"]);
    assert!(!String::from_utf8_lossy(&ls.stdout).contains("extra.yml"));
    assert_eq!(crate::lab::get(&lab.url("grafana", "/api/dashboards/uid/mine")).0, 200);
    assert!(lab.run(&["plan"]).expect(0).stdout.contains("nothing to do"));
}
