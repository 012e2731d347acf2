//! Updates on a real engine: what works is taken, what does not leaves everything as it was.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::images::variation;
use crate::lab::{Lab, SERVICES, docker, eventually, get, get_json, image, runtime};
use crate::proxy::{Harm, Proxy};

/// A name whose registry refuses the connection: only what is on the engine counts.
fn local_name(lab: &Lab, service: &str, version: &str) -> String {
    format!("127.0.0.1:1/{}/{service}:{version}", lab.stack)
}

/// A lab whose service runs version 1.0.0 of an image of its own. Its tags go with it.
struct Bed {
    lab: Lab,
    service: &'static str,
    tags: Vec<String>,
}

impl Bed {
    fn open(service: &'static str) -> Option<Self> {
        let mut lab = Lab::open()?;
        let tag = local_name(&lab, service, "1.0.0");
        variation(&image(service), &tag, "first");
        lab.set(&format!("CONFIDEXMON_IMAGE_{}", service.to_uppercase()), &tag);
        lab.write(
            "config/confidexmon.yml",
            "prometheus:\n  scrape_interval: 1s\n  scrape_timeout: 1s\n  evaluation_interval: 1s\n",
        );
        lab.run(&["up"]).expect(0);
        Some(Self { lab, service, tags: vec![tag] })
    }

    /// Makes a version whose start is `script` (the image's own start when it is empty), with files
    /// copied over it.
    fn version(&mut self, version: &str, script: &str, files: &[(&str, &str)]) -> String {
        let tag = local_name(&self.lab, self.service, version);
        let made = docker(&["create", &image(self.service)]);
        let container = String::from_utf8_lossy(&made.stdout).trim().to_owned();
        for (path, text) in files {
            let file = self.lab.folder.path().join("state-file");
            std::fs::write(&file, text).unwrap();
            std::process::Command::new("chmod").arg("755").arg(&file).status().unwrap();
            let output = docker(&["cp", &file.display().to_string(), &format!("{container}:{path}")]);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        let start = format!("ENTRYPOINT {}", json!(["/bin/sh", "-c", script]));
        let label = format!("LABEL version={version}");
        let mut arguments = vec!["commit", "--change", &label];
        if !script.is_empty() {
            arguments.extend(["--change", &start]);
        }
        arguments.extend([container.as_str(), &tag]);
        let output = docker(&arguments);
        docker(&["rm", "-f", "-v", &container]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        self.tags.push(tag.clone());
        tag
    }

    fn update_to(&self, version: &str, timeout: &str) -> crate::lab::Run {
        self.lab.run(&["update", self.service, "--to", version, "--timeout", timeout, "--watch", "1s"])
    }

    fn lock(&self) -> String {
        std::fs::read_to_string(self.lab.folder.path().join("images.lock")).unwrap()
    }

    /// The old container runs under its name, nothing of the new one is left, and the stack is as it was.
    fn is_as_before(&self, before: &Value) {
        assert_eq!(self.lab.inspect(self.service)["Id"], before["Id"]);
        let now = self.lab.inspect(self.service);
        assert_eq!(now["State"]["Running"], true);
        assert_eq!(now["HostConfig"]["RestartPolicy"]["Name"], "always");
        assert_eq!(self.lab.containers().len(), 3, "{:?}", self.lab.containers());
        assert!(self.lab.run(&["plan"]).expect(0).stdout.contains("nothing to do"));
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        let ids: Vec<String> = self.lab.containers().into_values().collect();
        for id in &ids {
            docker(&["rm", "-f", "-v", id]);
        }
        for tag in &self.tags {
            docker(&["rmi", "-f", tag]);
        }
    }
}

fn silence(lab: &Lab) -> String {
    confidexmon::net::http::install_crypto();
    let body = json!({"matchers": [{"name": "a", "value": "b", "isRegex": false}], "createdBy": "test",
        "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2036-01-01T00:00:00Z", "comment": "kept"});
    let answer: Value = runtime().block_on(async {
        let request = reqwest::Client::new().post(lab.url("alertmanager", "/api/v2/silences")).json(&body);
        request.send().await.unwrap().json().await.unwrap()
    });
    answer["silenceID"].as_str().unwrap().to_owned()
}

fn has_silence(lab: &Lab, id: &str) -> bool {
    get(&lab.url("alertmanager", &format!("/api/v2/silence/{id}"))).0 == 200
}

#[test]
fn an_update_that_works_is_taken_locked_and_can_be_gone_back_from() {
    let Some(mut bed) = Bed::open("alertmanager") else { return };
    let silence = silence(&bed.lab);
    let before = bed.lab.inspect("alertmanager");
    let newer = bed.version("1.1.0", "", &[]);
    let done = bed.update_to("1.1.0", "30s").expect(0);
    assert!(done.stdout.contains("1.0.0 → 1.1.0"), "{}", done.stdout);
    let after = bed.lab.inspect("alertmanager");
    assert_eq!(after["Config"]["Image"], newer.as_str());
    assert_ne!(after["Id"], before["Id"]);
    assert!(has_silence(&bed.lab, &silence));
    assert!(bed.lock().contains(after["Image"].as_str().unwrap()), "{}", bed.lock());
    assert_eq!(bed.lab.containers().len(), 3);
    assert!(bed.lab.run(&["plan"]).expect(0).stdout.contains("nothing to do"));

    bed.lab.run(&["rollback", "alertmanager", "--watch", "1s"]).expect(0);
    assert_eq!(bed.lab.inspect("alertmanager")["Image"], before["Image"]);
    assert!(has_silence(&bed.lab, &silence));
    assert!(bed.lab.run(&["plan"]).expect(0).stdout.contains("nothing to do"));
}

#[test]
fn an_image_that_does_not_work_leaves_everything_as_it_was() {
    let Some(mut bed) = Bed::open("alertmanager") else { return };
    let silence = silence(&bed.lab);
    let before = bed.lab.inspect("alertmanager");
    let lock = bed.lock();
    bed.version("1.1.0", "echo its last words; exit 3", &[]);
    bed.version("1.2.0", "sleep 1000", &[]);
    let forgetful = "exec /bin/alertmanager --config.file=/etc/alertmanager/alertmanager.yml --storage.path=/tmp/empty --cluster.listen-address=";
    bed.version("1.3.0", forgetful, &[]);
    let refusing = "#!/bin/sh\necho 'unknown field: receivers' >&2\nexit 1\n";
    bed.version("1.4.0", "", &[("/bin/amtool", refusing)]);
    for (version, timeout, code, said) in [
        ("1.1.0", "30s", 4, "its last words"),
        ("1.2.0", "3s", 4, "it did not answer within"),
        ("1.3.0", "3s", 4, &format!("it answers but does not work: the silence `{silence}` is not there")),
        ("1.4.0", "30s", 1, "unknown field: receivers"),
    ] {
        let refused = bed.update_to(version, timeout).expect(code);
        assert!(refused.stderr.contains(said), "{version}: {}", refused.stderr);
        if code == 4 {
            assert!(
                refused.stderr.contains("the old alertmanager is back and answers"),
                "{}",
                refused.stderr
            );
        }
        bed.is_as_before(&before);
        assert!(has_silence(&bed.lab, &silence), "{version}");
        assert_eq!(bed.lock(), lock, "{version}");
    }
    let unknown = bed.lab.run(&["update", "alertmanager"]).expect(1);
    assert!(unknown.stderr.contains("it is not known whether there is a newer image"), "{}", unknown.stderr);
    bed.is_as_before(&before);
}

#[test]
fn prometheus_keeps_its_samples_rules_and_targets() {
    let Some(mut bed) = Bed::open("prometheus") else { return };
    let up = |bed: &Bed| {
        let answer = get_json(&bed.lab.url("prometheus", "/api/v1/targets?state=active"));
        answer["data"]["activeTargets"].as_array().unwrap().iter().any(|target| target["health"] == "up")
    };
    eventually("something is scraped", Duration::from_secs(20), || up(&bed));
    let rules = bed.lab.loaded_rules();
    bed.version("1.0.1", "", &[]);
    bed.update_to("1.0.1", "60s").expect(0);
    assert!(up(&bed));
    assert_eq!(bed.lab.loaded_rules(), rules);

    let before = bed.lab.inspect("prometheus");
    let empty =
        "exec /bin/prometheus --config.file=/etc/prometheus/prometheus.yml --storage.tsdb.path=/tmp/empty";
    bed.version("1.0.2", empty, &[]);
    let refused = bed.update_to("1.0.2", "5s").expect(4);
    assert!(
        refused.stderr.contains("the samples from before the update are not there"),
        "{}",
        refused.stderr
    );
    bed.is_as_before(&before);
}

#[test]
fn grafanas_database_is_as_before_when_a_migration_fails() {
    let Some(mut bed) = Bed::open("grafana") else { return };
    let before = bed.lab.inspect("grafana");
    let database = |bed: &Bed| {
        let output = docker(&[
            "exec",
            &bed.lab.container("grafana"),
            "/bin/sh",
            "-c",
            "head -c 15 /var/lib/grafana/grafana.db",
        ]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let head = database(&bed);
    // It fails on a copy, too: the running one is not touched.
    bed.version("1.0.5", "echo migration failed on a copy; exit 1", &[]);
    let refused = bed.update_to("1.0.5", "30s").expect(4);
    assert!(refused.stderr.contains("migration failed on a copy"), "{}", refused.stderr);
    assert!(refused.stderr.contains("nothing was touched"), "{}", refused.stderr);
    bed.is_as_before(&before);
    assert!(bed.lab.run(&["backups"]).expect(0).stdout.contains(&bed.lab.stack), "a backup was made before");

    // It works on the copy and fails on the volume: the database goes back with the container.
    let migration = "grep -q ' /var/lib/grafana ' /proc/mounts || exec /run.sh; echo ruined > /var/lib/grafana/grafana.db; echo left > /var/lib/grafana/grafana.db-wal; echo migration failed; exit 1";
    bed.version("1.1.0", migration, &[]);
    let refused = bed.update_to("1.1.0", "30s").expect(4);
    assert!(refused.stderr.contains("migration failed"), "{}", refused.stderr);
    bed.is_as_before(&before);
    assert_eq!(database(&bed), head);
    assert_eq!(get(&bed.lab.url("grafana", "/api/dashboards/uid/confidex-overview")).0, 200);
    // Nothing of the copy stays behind.
    let state = std::fs::read_dir(bed.lab.folder.path().join("state")).unwrap();
    let names: Vec<String> = state.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.iter().all(|name| !name.contains("before-update")), "{names:?}");

    bed.version("1.2.0", "", &[]);
    bed.update_to("1.2.0", "30s").expect(0);
    assert_eq!(get(&bed.lab.url("grafana", "/api/dashboards/uid/confidex-overview")).0, 200);

    let downgrade = bed.update_to("0.9.0", "5s").expect(1);
    assert!(downgrade.stderr.contains("cannot read the database"), "{}", downgrade.stderr);
}

#[test]
fn an_update_needs_a_stack_that_is_as_its_settings_say() {
    let Some(bed) = Bed::open("alertmanager") else { return };
    bed.lab.write("config/confidexmon.yml", "log_level: debug\n");
    let refused = bed.lab.run(&["update", "alertmanager"]).expect(1);
    assert!(refused.stderr.contains("run `confidexmon up` first"), "{}", refused.stderr);
    let usage = bed.lab.run(&["update", "--to", "1.2.3"]).expect(2);
    assert!(usage.stderr.contains("one service"), "{}", usage.stderr);
}

/// What goes wrong at a call and all those after it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Cut {
    /// The tool is killed while the engine carries out the call.
    ToolKilled,
    /// The engine refuses this call and every later one.
    EngineGone,
}

/// Runs a command whose `at`th engine call goes wrong. False when it never came to that call.
fn cut_off(bed: &Bed, arguments: &[&str], at: usize, cut: Cut) -> bool {
    let child_id = Arc::new(AtomicU32::new(0));
    let victim = child_id.clone();
    let reached = Arc::new(AtomicU32::new(0));
    let seen = reached.clone();
    let proxy = Proxy::with_fault(Box::new(move |number, _| {
        if number < at {
            return Harm::None;
        }
        seen.store(1, Ordering::SeqCst);
        if cut == Cut::EngineGone {
            return Harm::Answer(500, "the engine is shutting down");
        }
        if number == at {
            let id = victim.load(Ordering::SeqCst).to_string();
            std::process::Command::new("kill").args(["-9", &id]).status().unwrap();
        }
        Harm::LoseAnswer
    }));
    let host = proxy.host();
    let patience = ["--watch", "1ms", "--timeout", "15s"];
    let mut command = bed.lab.command(&[&["--host", &host], arguments, patience.as_slice()].concat());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    child_id.store(child.id(), Ordering::SeqCst);
    child.wait().unwrap();
    proxy.settle();
    reached.load(Ordering::SeqCst) == 1
}

/// Whatever was cut off, `up` leaves the stack's containers and nothing to do.
fn up_makes_it_whole(bed: &Bed, what: &str) {
    let up = bed.lab.run(&["up"]);
    assert_eq!(up.code, 0, "{what}: {}", up.stderr);
    // A validator that was left behind is swept once it cannot belong to a run any more.
    let mut names: Vec<String> = bed.lab.containers().into_keys().collect();
    names.retain(|name| SERVICES.iter().any(|service| name.ends_with(&format!("-{service}"))));
    let wanted = ["alertmanager", "grafana", "prometheus"].map(|service| bed.lab.container(service));
    assert_eq!(names, wanted, "{what}");
    let plan = bed.lab.run(&["plan"]).expect(0);
    assert!(plan.stdout.contains("nothing to do"), "{what}: {}", plan.stdout);
}

/// Cuts updates off at every engine call; after each, `up` makes the stack whole. The number of cuts.
fn cut_at_every_call(bed: &Bed, versions: [&str; 2], cut: Cut, is_whole: impl Fn()) -> usize {
    let runs = |version: &str| {
        let tag = local_name(&bed.lab, bed.service, version);
        bed.lab.inspect(bed.service)["Config"]["Image"] == tag.as_str()
    };
    for at in 1.. {
        let target = if runs(versions[1]) { versions[0] } else { versions[1] };
        let was_cut = cut_off(bed, &["update", bed.service, "--to", target], at, cut);
        up_makes_it_whole(bed, &format!("{cut:?} at call {at}"));
        is_whole();
        if !was_cut {
            return at - 1;
        }
    }
    0
}

#[test]
fn cut_off_at_any_engine_call_the_next_command_finishes_or_undoes_an_update() {
    let Some(mut bed) = Bed::open("alertmanager") else { return };
    let silence = silence(&bed.lab);
    bed.version("1.1.0", "", &[]);
    let is_whole = || assert!(has_silence(&bed.lab, &silence));
    let mut cuts = 0;
    for cut in [Cut::ToolKilled, Cut::EngineGone] {
        let done = cut_at_every_call(&bed, ["1.0.0", "1.1.0"], cut, is_whole);
        assert!(done > 20, "{cut:?}: only {done} calls");
        cuts += done;
    }
    eprintln!("an update was cut off at {cuts} places");
}

/// People's logins, in the order of the alphabet.
fn logins(bed: &Bed) -> Vec<String> {
    let users = get_json(&bed.lab.url("grafana", "/api/users"));
    users.as_array().unwrap().iter().map(|user| user["login"].as_str().unwrap().to_owned()).collect()
}

fn add_login(bed: &Bed, login: &str) {
    confidexmon::net::http::install_crypto();
    let body =
        json!({"login": login, "email": format!("{login}@x"), "name": login, "password": "a-long-one"});
    let status = runtime().block_on(async {
        let url = bed.lab.url("grafana", "/api/admin/users");
        let request = reqwest::Client::new().post(url).json(&body);
        request.basic_auth("admin", Some("grafana-secret")).send().await.unwrap().status().as_u16()
    });
    assert_eq!(status, 200);
}

fn runs(bed: &Bed, version: &str) -> bool {
    bed.lab.inspect("grafana")["Config"]["Image"] == local_name(&bed.lab, "grafana", version).as_str()
}

/// An older Grafana cannot read what a newer one has migrated: it goes back together with its data.
#[test]
fn grafana_goes_back_to_its_earlier_version_with_the_data_from_before_the_update() {
    let Some(mut bed) = Bed::open("grafana") else { return };
    add_login(&bed, "before");
    bed.version("1.1.0", "", &[]);
    bed.update_to("1.1.0", "30s").expect(0);
    add_login(&bed, "after");
    let done = bed.lab.run(&["rollback", "grafana", "--watch", "1s"]).expect(0);
    assert!(done.stderr.contains("goes back to its data in"), "{}", done.stderr);
    assert!(runs(&bed, "1.0.0"));
    assert_eq!(logins(&bed), ["admin", "before"]);
    assert_eq!(bed.lab.containers().len(), 3);
    // What was changed since the update is in a backup.
    let listed = bed.lab.run(&["backups", "--format", "json"]).expect(0).json();
    let newest = listed["backups"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&newest["counts"]["users"], &newest["grafana_version"]), (&json!(3), &json!("1.1.0")));

    // Without a backup that the earlier version wrote there is no way back, and nothing is touched.
    bed.update_to("1.1.0", "30s").expect(0);
    let before = bed.lab.inspect("grafana");
    std::fs::remove_dir_all(bed.lab.folder.path().join("backups")).unwrap();
    let refused = bed.lab.run(&["rollback", "grafana"]).expect(1);
    assert!(refused.stderr.contains("no backup that the earlier version wrote"), "{}", refused.stderr);
    bed.is_as_before(&before);
}

/// An earlier version that does not work any more leaves the newer one with the newer data.
#[test]
fn a_way_back_that_fails_leaves_the_newer_grafana_with_its_data() {
    let Some(mut bed) = Bed::open("grafana") else { return };
    // It starts on a copy, and not on the volume once a newer version was there.
    let picky = "[ -e /var/lib/grafana/png/newer ] && { echo told to fail; exit 1; }; exec /run.sh";
    let first = bed.version("1.0.5", picky, &[]);
    bed.update_to("1.0.5", "30s").expect(0);
    bed.version("1.1.0", "", &[]);
    bed.update_to("1.1.0", "30s").expect(0);
    let mark = "mkdir -p /var/lib/grafana/png && touch /var/lib/grafana/png/newer";
    assert!(docker(&["exec", &bed.lab.container("grafana"), "sh", "-c", mark]).status.success());
    add_login(&bed, "after");
    let before = bed.lab.inspect("grafana");
    let refused = bed.lab.run(&["rollback", "grafana", "--watch", "1s", "--timeout", "20s"]).expect(4);
    assert!(refused.stderr.contains("told to fail"), "{first}: {}", refused.stderr);
    bed.is_as_before(&before);
    assert_eq!(logins(&bed), ["admin", "after"]);
}

/// Every how many calls a Grafana is cut off: each takes a backup, a trial and a start. All of them with
/// `CONFIDEXMON_CUT_EVERY=1`.
fn cut_every() -> usize {
    std::env::var("CONFIDEXMON_CUT_EVERY").map_or(9, |every| every.parse().unwrap())
}

#[test]
fn an_update_of_grafana_that_is_cut_off_is_finished_or_undone() {
    let Some(mut bed) = Bed::open("grafana") else { return };
    add_login(&bed, "ada");
    let (mut number, mut cuts) = (1, 0);
    for (cut, first) in [(Cut::ToolKilled, 1), (Cut::EngineGone, 5)] {
        let mut version = format!("1.{number}.0");
        bed.version(&version, "", &[]);
        for at in (first..).step_by(cut_every()) {
            let was_cut = cut_off(&bed, &["update", "grafana", "--to", &version], at, cut);
            up_makes_it_whole(&bed, &format!("{cut:?} at call {at}"));
            assert_eq!(logins(&bed), ["ada", "admin"], "{cut:?} at call {at}");
            assert_eq!(bed.lab.inspect("grafana")["State"]["Status"], "running");
            if runs(&bed, &version) {
                number += 1;
                version = format!("1.{number}.0");
                bed.version(&version, "", &[]);
            }
            if !was_cut {
                break;
            }
            cuts += 1;
        }
    }
    eprintln!("an update of Grafana was cut off at {cuts} places");
    assert!(cuts > 4);
}

#[test]
fn a_rollback_of_grafana_that_is_cut_off_is_finished_or_undone() {
    let Some(mut bed) = Bed::open("grafana") else { return };
    add_login(&bed, "ada");
    bed.version("1.1.0", "", &[]);
    let mut cuts = 0;
    for (cut, first) in [(Cut::ToolKilled, 3), (Cut::EngineGone, 7)] {
        for at in (first..).step_by(cut_every()) {
            if runs(&bed, "1.0.0") {
                bed.update_to("1.1.0", "30s").expect(0);
                add_login(&bed, "late");
            }
            let was_cut = cut_off(&bed, &["rollback", "grafana"], at, cut);
            up_makes_it_whole(&bed, &format!("{cut:?} at call {at}"));
            // The older one with the data from before, or the newer one with all of it.
            let wanted: &[&str] =
                if runs(&bed, "1.0.0") { &["ada", "admin"] } else { &["ada", "admin", "late"] };
            assert_eq!(logins(&bed), wanted, "{cut:?} at call {at}");
            if !was_cut {
                break;
            }
            cuts += 1;
        }
    }
    eprintln!("a rollback of Grafana was cut off at {cuts} places");
    assert!(cuts > 4);
}
