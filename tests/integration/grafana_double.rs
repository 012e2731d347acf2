//! The double itself: it refuses what Grafana refuses, in Grafana's words, and it opens what a real Grafana
//! 9.3.2 wrote. Where the bed has official images there is no double, and nothing to test.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::lab::{docker, eventually, free_port, get, image, repository};

const PROVIDER: &str =
    "apiVersion: 1\nproviders:\n  - {name: test, folder: Test, folderUid: test, options: {path: /boards}}\n";

/// A double of its own, removed at the end.
struct Double {
    name: String,
    port: u16,
    folder: tempfile::TempDir,
}

impl Double {
    /// `None` where there is no engine, or the image is no double.
    fn create() -> Option<Self> {
        let here =
            std::env::var("CONFIDEXMON_IMAGE_GRAFANA").is_ok_and(|name| name.contains("grafana-double"));
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        for part in ["data", "boards", "provisioning/datasources", "provisioning/dashboards"] {
            std::fs::create_dir_all(folder.path().join(part)).unwrap();
        }
        let double = Self { name: format!("double-{}-{port}", std::process::id()), port, folder };
        double.write("provisioning/dashboards/test.yml", PROVIDER);
        here.then_some(double)
    }

    fn write(&self, path: &str, text: &str) {
        std::fs::write(self.folder.path().join(path), text).unwrap();
    }

    /// Puts a database of `tests/data/grafana` in place.
    fn with_database(&self, which: &str) {
        let from = repository().join("tests/data/grafana").join(which);
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), self.folder.path().join("data").join(entry.file_name())).unwrap();
        }
    }

    fn start(&self, env: &[&str]) {
        docker(&["rm", "-f", "-v", &self.name]);
        let mut command = Command::new("docker");
        command.args([
            "run",
            "-d",
            "--name",
            &self.name,
            "--user",
            "0",
            "--add-host",
            "prometheus:127.0.0.1",
        ]);
        command.args(["-p", &format!("127.0.0.1:{}:3000", self.port)]);
        command.args([
            "-e",
            "GF_PATHS_PROVISIONING=/provisioning",
            "-e",
            "GF_SECURITY_ADMIN_PASSWORD=grafana-secret",
        ]);
        for part in [("data", "/var/lib/grafana"), ("boards", "/boards"), ("provisioning", "/provisioning")] {
            command.args(["-v", &format!("{}:{}", self.folder.path().join(part.0).display(), part.1)]);
        }
        for setting in env {
            command.args(["-e", setting]);
        }
        let output = command.arg(image("grafana")).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn wait_for_health(&self) {
        eventually("the double answers", Duration::from_secs(20), || get(&self.url("/api/health")).0 == 200);
    }

    fn log(&self) -> String {
        let output = docker(&["logs", &self.name]);
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    }

    fn wait_for_log(&self, words: &str) {
        eventually(words, Duration::from_secs(20), || self.log().contains(words));
    }

    fn curl(&self, user: &str, path: &str, more: &[&str]) -> Value {
        let url = self.url(path);
        let output =
            Command::new("curl").args(["-s", "-u", user, &url]).args(more).stdin(Stdio::null()).output();
        serde_json::from_slice(&output.unwrap().stdout).unwrap_or_default()
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
        docker(&["rm", "-f", "-v", &self.name]);
    }
}

fn board(uid: &str, title: &str) -> String {
    json!({"uid": uid, "title": title}).to_string()
}

#[test]
fn the_double_refuses_what_grafana_refuses_after_it_answers() {
    let Some(double) = Double::create() else { return };
    let over = "x".repeat(41);
    double.write("boards/a.json", &board("fine", "Fine"));
    double.write("boards/b-no-title.json", r#"{"uid": "untitled"}"#);
    double.write("boards/c-list.json", "[1, 2]");
    double.write("boards/d-null.json", "null");
    double.write("boards/e-broken.json", r#"{"title": "#);
    double.write("boards/f-long.json", &board(&over, "Long"));
    double.write("boards/g-characters.json", &board("a b", "Characters"));
    double.write("boards/h-same-uid.json", &board("fine", "Other"));
    double.write("boards/i-same-title.json", &board("other", "Fine"));
    double.start(&[]);
    double.wait_for_health();
    assert_eq!(get(&double.url("/api/dashboards/uid/fine")).0, 404, "dashboards come after the health");
    double.wait_for_log("finished to provision dashboards");
    assert_eq!(get(&double.url("/api/dashboards/uid/fine")).0, 200);
    let (log, shown) = (double.log(), get(&double.url("/api/search?type=dash-db")).1);
    assert_eq!(serde_json::from_str::<Vec<Value>>(&shown).unwrap().len(), 1, "{shown}");
    for (file, words) in [
        ("b-no-title", "Dashboard title cannot be empty"),
        ("c-list", "Dashboard title cannot be empty"),
        ("d-null", "Dashboard title cannot be empty"),
        ("e-broken", "failed to load dashboard from "),
        ("f-long", "uid too long, max 40 characters"),
        ("g-characters", "uid contains illegal characters"),
        ("h-same-uid", "Not saving new dashboard due to restricted database access"),
        ("i-same-title", "Not saving new dashboard due to restricted database access"),
    ] {
        let line = log.lines().find(|line| line.contains(&format!("/boards/{file}.json")));
        assert!(line.is_some_and(|line| line.contains(words)), "{file}: {line:?}");
    }
    assert!(log.contains("the same UID is used more than once"), "{log}");
    assert!(log.contains("dashboard title is not unique in folder"), "{log}");
}

#[test]
fn a_wrong_datasource_ends_the_doubles_start() {
    let Some(double) = Double::create() else { return };
    let source = |uid: &str, name: &str| {
        format!("  - {{name: {name}, uid: {uid}, type: prometheus, url: 'http://p'}}\n")
    };
    let uid = "d".repeat(41);
    for (sources, words) in [
        (source(&uid, "a"), "uid too long, max 40 characters"),
        (source("'a.b'", "a"), "uid contains illegal characters"),
        (source("a", "a") + &source("a", "b"), "same uid or name"),
    ] {
        double.write("provisioning/datasources/a.yml", &format!("apiVersion: 1\ndatasources:\n{sources}"));
        double.start(&[]);
        double.wait_for_log("Datasource provisioning error");
        let log = double.log();
        assert!(log.contains(words), "{log}");
    }
}

/// The same database, opened by an old Grafana, then by one that migrates it.
#[test]
fn the_double_opens_what_a_real_grafana_wrote() {
    let Some(double) = Double::create() else { return };
    let expected: Value = serde_json::from_slice(&read(Path::new("tests/data/grafana/expect.json"))).unwrap();
    for which in ["rest", "wal", "hot-journal"] {
        for entry in std::fs::read_dir(double.folder.path().join("data")).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
        double.with_database(which);
        for layout in ["old", "new"] {
            // What is counted is what the database brought, so nothing is provisioned meanwhile.
            double.start(&[
                "GF_SECURITY_SECRET_KEY=sample-secret-key",
                "GRAFANA_DOUBLE_PROVISION_AFTER_MS=600000",
                &format!("GRAFANA_DOUBLE_LAYOUT={layout}"),
            ]);
            double.wait_for_health();
            let count =
                |path: &str| double.curl("admin:sample-admin", path, &[]).as_array().map_or(0, Vec::len);
            let found = json!({
                "dashboards": count("/api/search?type=dash-db&limit=5000"), "folders": count("/api/folders"),
                "users": count("/api/users"), "datasources": count("/api/datasources"),
            });
            for (what, number) in found.as_object().unwrap() {
                assert_eq!(number, &expected[which][what], "{which} {layout} {what}");
            }
        }
    }
    // Its password was sealed by the real one: with another key it cannot be read.
    let health = |double: &Double| double.curl("admin:sample-admin", "/api/datasources/uid/prom/health", &[]);
    assert_eq!(health(&double)["status"], "ERROR", "the address answers nothing, but the password was read");
    double.start(&["GF_SECURITY_SECRET_KEY=another"]);
    double.wait_for_health();
    assert!(health(&double)["message"].as_str().unwrap().contains("decrypt"));
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(repository().join(path)).unwrap()
}

#[test]
fn a_damaged_database_and_a_failing_migration_end_the_doubles_start() {
    let Some(double) = Double::create() else { return };
    double.with_database("torn");
    double.start(&[]);
    double.wait_for_log("database disk image is malformed");
    std::fs::remove_file(double.folder.path().join("data/grafana.db")).unwrap();
    double.with_database("rest");
    double.start(&["GRAFANA_DOUBLE_MODE=migration"]);
    double.wait_for_log("migration failed");
}

#[test]
fn what_is_made_through_the_doubles_api_is_there_after_a_restart() {
    let Some(double) = Double::create() else { return };
    double.start(&["GF_DATABASE_WAL=true"]);
    double.wait_for_health();
    let post = |path: &str, body: &Value| {
        double.curl("admin:grafana-secret", path, &["-X", "POST", "-d", &body.to_string()])
    };
    post("/api/folders", &json!({"uid": "mine", "title": "Mine"}));
    post(
        "/api/dashboards/db",
        &json!({"dashboard": {"uid": "hand", "title": "By hand"}, "folderUid": "mine"}),
    );
    post("/api/admin/users", &json!({"login": "bob", "password": "bob-secret"}));
    post("/api/annotations", &json!({"text": "deployed"}));
    let source = json!({"name": "S", "uid": "s", "type": "prometheus", "access": "proxy", "url": "http://prometheus:1",
        "basicAuth": true, "basicAuthUser": "u", "secureJsonData": {"basicAuthPassword": "canary-in-clear"}});
    post("/api/datasources", &source);
    let refused = post("/api/dashboards/db", &json!({"dashboard": {"uid": "x".repeat(41), "title": "Long"}}));
    assert_eq!(refused["message"], "uid too long, max 40 characters");
    let password = json!({"oldPassword": "grafana-secret", "newPassword": "changed-secret"}).to_string();
    let changed = double.curl("admin:grafana-secret", "/api/user/password", &["-X", "PUT", "-d", &password]);
    assert_eq!(changed["message"], "User password changed");
    double.start(&["GF_DATABASE_WAL=true"]);
    double.wait_for_health();
    let admin = "admin:changed-secret";
    assert_eq!(double.curl(admin, "/api/dashboards/uid/hand", &[])["meta"]["folderUid"], "mine");
    assert_eq!(double.curl("bob:bob-secret", "/api/user", &[])["login"], "bob");
    assert_eq!(double.curl(admin, "/api/annotations", &[])[0]["text"], "deployed");
    assert_eq!(
        double.curl(admin, "/api/datasources/uid/s", &[])["secureJsonFields"]["basicAuthPassword"],
        true
    );
    let stored = std::fs::read(double.folder.path().join("data/grafana.db")).unwrap();
    assert!(!stored.windows(15).any(|window| window == b"canary-in-clear"));
    assert!(double.folder.path().join("data/grafana.db-wal").exists());
}
