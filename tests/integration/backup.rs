//! Backups of Grafana and their way back, on the real engine with the double of Grafana, and with databases
//! that a real Grafana wrote.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use confidexmon::store::meter::Meter;
use confidexmon::store::{archive, sqlite};
use serde_json::Value;

use crate::lab::{Lab, docker, eventually, get, repository};
use crate::proxy::{Harm, Proxy};

/// Python that inserts a row as Grafana would: what a table wants and nobody gave gets an empty value.
const INSERT: &str = r#"
import sqlite3, sys, time
connection = sqlite3.connect("/var/lib/grafana/grafana.db", timeout=30, isolation_level=None)
wanted = {}
def insert(table, **values):
    if table not in wanted:
        wanted[table] = [(row[1], row[2].upper()) for row in connection.execute(f"PRAGMA table_info({table})") if row[3] and row[4] is None and not row[5]]
    for name, kind in wanted[table]:
        values.setdefault(name, 0 if "INT" in kind else "2026-01-01 00:00:00" if "DATE" in kind else "")
    names = ", ".join(f'"{name}"' for name in values)
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(values))})", tuple(values.values()))
def user(login):
    insert("user", login=login, email=f"{login}@x", org_id=1)
"#;

/// Adds people, datasources and dashboards, always one of each in one transaction, and moves the log into
/// the database again and again: a copy that is not of one moment counts them differently.
const WRITER: &str = r#"
end = time.time() + float(sys.argv[1])
number = 0
while time.time() < end:
    number += 1
    name = f"w{number}"
    connection.execute("BEGIN IMMEDIATE")
    user(name)
    insert("data_source", org_id=1, type="prometheus", name=name, uid=name)
    insert("resource", guid=name, group="dashboard.grafana.app", resource="dashboards", namespace="default", name=name, value="{}" + " " * 3000)
    connection.execute("COMMIT")
    # Hundreds of transactions a second move the files during every copy; more would only make them large.
    time.sleep(0.003)
    if number % 7 == 0:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
"#;

fn up() -> Option<Lab> {
    let lab = Lab::open()?;
    lab.run(&["up", "--quiet"]).expect(0);
    // Grafana provisions about a second after it answers.
    let pages = ["confidexmon-stack", "runbook-zkproofslow"];
    let page = |uid: &str| lab.url("grafana", &format!("/api/dashboards/uid/{uid}"));
    eventually("the dashboards are there", Duration::from_secs(20), || {
        pages.iter().all(|uid| get(&page(uid)).0 == 200)
    });
    Some(lab)
}

/// Runs a line of Python in Grafana's container against its database.
fn python(lab: &Lab, code: &str) -> String {
    let output = docker(&["exec", &lab.container("grafana"), "/usr/bin/python3", "-c", code]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn execute(lab: &Lab, sql: &str) -> String {
    python(
        lab,
        &format!(
            "import sqlite3\nc = sqlite3.connect('/var/lib/grafana/grafana.db', timeout=30)\nprint(c.execute('''{sql}''').fetchall())\nc.commit()"
        ),
    )
}

fn add_user(lab: &Lab, name: &str) {
    python(lab, &format!("{INSERT}\nuser('{name}')"));
}

fn logins(lab: &Lab) -> String {
    execute(lab, "SELECT login FROM user ORDER BY id")
}

fn state(lab: &Lab) -> String {
    lab.inspect("grafana")["State"]["Status"].as_str().unwrap_or("absent").to_owned()
}

fn backup(lab: &Lab) -> Value {
    lab.run(&["backup-grafana", "--format", "json"]).expect(0).json()
}

fn path(backup: &Value) -> PathBuf {
    PathBuf::from(backup["path"].as_str().unwrap())
}

/// The archives of the project, and whatever else lies there.
fn folder(lab: &Lab) -> Vec<String> {
    let entries = std::fs::read_dir(lab.folder.path().join("backups")).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Unpacks an archive as a person would and lets SQLite count what is in it.
fn inside(lab: &Lab, archive: &Path) -> (tempfile::TempDir, sqlite::DatabaseReport) {
    let unpacked = tempfile::tempdir().unwrap();
    archive::unpack(&lab.folder.path().join(archive), unpacked.path(), &Meter::default()).unwrap();
    let report = sqlite::inspect(&unpacked.path().join("data/grafana.db")).unwrap();
    (unpacked, report)
}

#[test]
fn every_backup_under_heavy_writes_is_one_moment() {
    let Some(lab) = up() else { return };
    let rounds: u32 = std::env::var("CONFIDEXMON_BACKUP_ROUNDS").map_or(6, |rounds| rounds.parse().unwrap());
    let before = sqlite_counts(&backup(&lab));
    let script = lab.folder.path().join("writer.py");
    std::fs::write(&script, format!("{INSERT}{WRITER}")).unwrap();
    // Longer than the rounds can take; it ends with the container.
    let seconds = (rounds * 20).to_string();
    let mut writer = lab.shell(&format!(
        "exec docker exec -i {} /usr/bin/python3 - {seconds} < {}",
        lab.container("grafana"),
        script.display()
    ));
    let mut writer: Child = writer.stdout(Stdio::null()).spawn().unwrap();
    eventually("the writer writes", Duration::from_secs(20), || logins(&lab).contains("w5"));
    let mut still = Vec::new();
    let mut last = 0;
    for _ in 0..rounds {
        let backup = backup(&lab);
        still.push(backup["stood_still_ms"].as_u64().unwrap());
        let (_unpacked, report) = inside(&lab, &path(&backup));
        let (users, datasources, dashboards) = sqlite_counts(&backup);
        assert_eq!(users, report.counts.users);
        let written = users - before.0;
        assert_eq!((datasources - before.1, dashboards - before.2), (written, written), "{backup:#}");
        assert!(written > last, "nothing was written meanwhile: {written}");
        last = written;
    }
    let _ = writer.kill();
    let _ = writer.wait();
    still.sort_unstable();
    eprintln!("stood still: median {} ms, most {} ms", still[still.len() / 2], still[still.len() - 1]);
    assert_eq!(state(&lab), "running");
    // The last of them restores: what Grafana held then, not what it holds now.
    let archives: Vec<String> = folder(&lab).into_iter().filter(|name| name.ends_with(".tar.zst")).collect();
    let newest = format!("backups/{}", archives.last().unwrap());
    lab.run(&["restore-grafana", &newest]).expect(0);
    assert_eq!(execute(&lab, "SELECT count(*) FROM user"), format!("[({},)]", before.0 + last));
}

fn sqlite_counts(backup: &Value) -> (u64, u64, u64) {
    let count = |name: &str| backup["counts"][name].as_u64().unwrap();
    (count("users"), count("datasources"), count("dashboards"))
}

#[test]
fn a_backup_is_whole_lean_private_and_listed() {
    let Some(lab) = up() else { return };
    add_user(&lab, "ada");
    let container = lab.container("grafana");
    let write = "mkdir -p /var/lib/grafana/plugins/mine /var/lib/grafana/png && echo x > /var/lib/grafana/plugins/mine/module.js && echo x > /var/lib/grafana/png/a.png";
    assert!(docker(&["exec", &container, "sh", "-c", write]).status.success());
    let first = backup(&lab);
    assert_eq!(first["counts"]["users"], 2);
    let file = lab.folder.path().join(path(&first));
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let (unpacked, _) = inside(&lab, &path(&first));
    let has = |path: &str| unpacked.path().join(path).exists();
    assert!(has("data/plugins/mine/module.js") && has("provisioning/provisioning/datasources"));
    assert!(has("provisioning/dashboards/confidex-overview.json"));
    assert!(!has("data/png") && !has("provisioning/secrets") && !has("data/grafana.db-wal"));
    assert_eq!(std::fs::read_to_string(lab.folder.path().join("backups/.gitignore")).unwrap(), "*\n");

    // A stopped Grafana is backed up the same way.
    docker(&["stop", &container]);
    let second = backup(&lab);
    assert_eq!((&second["counts"], &second["stood_still_ms"]), (&first["counts"], &Value::from(0)));
    assert_eq!(state(&lab), "exited");

    // What is no archive of ours is neither listed nor removed, and the oldest goes.
    lab.write("backups/notes.tar.zst", "mine");
    lab.write(&format!("backups/.grafana-{}-1.unfinished", lab.stack), "left behind");
    let third = lab.run(&["backup-grafana", "--keep", "2", "--to", "cat > copy.tar.zst", "--format", "json"]);
    let third = third.expect(0).json();
    assert_eq!(third["removed"].as_array().unwrap().len(), 1, "{third:#}");
    assert!(!file.exists());
    let left = folder(&lab);
    assert!(left.contains(&"notes.tar.zst".to_owned()) && left.len() == 4, "{left:?}");
    let copied = std::fs::read(lab.folder.path().join("copy.tar.zst")).unwrap();
    assert_eq!(copied, std::fs::read(lab.folder.path().join(path(&third))).unwrap());
    let failing = lab.run(&["backup-grafana", "--to", "exit 7"]).expect(1);
    assert!(
        failing.stderr.contains("exit code 7") && failing.stderr.contains("the backup is at"),
        "{}",
        failing.stderr
    );

    let listed = lab.run(&["backups", "--verify", "--format", "json"]).expect(0).json();
    let all = listed["backups"].as_array().unwrap();
    assert!(
        all.len() == 3 && all.iter().all(|one| one["verified"] == true && one["problem"].is_null()),
        "{listed:#}"
    );
    let newest = lab.folder.path().join(all[2]["path"].as_str().unwrap());
    let mut bytes = std::fs::read(&newest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&newest, bytes).unwrap();
    let broken = lab.run(&["backups", "--verify"]).expect(1);
    assert!(
        broken.stdout.contains("broken") && broken.stderr.contains("1 backup cannot be used"),
        "{}",
        broken.stderr
    );
    docker(&["start", &container]);
}

/// Where this machine does not see the volume, or sees something else at its place, the engine is asked.
#[test]
fn a_volume_that_cannot_be_read_here_is_copied_through_the_engine() {
    let Some(lab) = up() else { return };
    add_user(&lab, "ada");
    let mounts = lab.inspect("grafana")["Mounts"].clone();
    let data = mounts.as_array().unwrap().iter().find(|mount| mount["Destination"] == "/var/lib/grafana");
    let place = data.unwrap()["Source"].as_str().unwrap().to_owned();
    let decoy = repository().join("tests/data/grafana/rest/grafana.db");
    let binary = env!("CARGO_BIN_EXE_confidexmon");
    for put in ["true".to_owned(), format!("mkdir -p {place} && cp {} {place}/", decoy.display())] {
        let hidden = std::path::Path::new(&place).ancestors().nth(2).unwrap().display().to_string();
        let line = format!(
            "exec unshare --mount --map-root-user sh -euc 'mount -t tmpfs none {hidden}; {put}; exec {binary} backup-grafana --format json'"
        );
        let output = lab.shell(&line).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let backup: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(backup["counts"]["users"], 2, "{backup:#}");
        let (unpacked, report) = inside(&lab, &path(&backup));
        assert_eq!(report.counts.users, 2);
        assert!(unpacked.path().join("data/.confidexmon-secret-key").exists());
    }
    assert_eq!(state(&lab), "running");
}

#[test]
fn a_database_that_is_damaged_gives_no_backup() {
    let Some(lab) = up() else { return };
    let container = lab.container("grafana");
    // A log that holds every page would heal what it is played into.
    execute(&lab, "PRAGMA wal_checkpoint(TRUNCATE)");
    docker(&["stop", &container]);
    let torn = repository().join("tests/data/grafana/torn/grafana.db");
    let target = format!("{container}:/var/lib/grafana/grafana.db");
    assert!(docker(&["cp", &torn.display().to_string(), &target]).status.success());
    let run = lab.run(&["backup-grafana"]).expect(1);
    assert!(run.stderr.contains("the database is damaged"), "{}", run.stderr);
    assert_eq!(folder(&lab), [".gitignore"]);
}

#[test]
fn a_restore_brings_back_what_was_there_and_keeps_what_is_there() {
    let Some(lab) = up() else { return };
    add_user(&lab, "ada");
    let plugins = "/var/lib/grafana/plugins";
    python(
        &lab,
        &format!(
            "import os; os.makedirs('{plugins}/old'); open('{plugins}/old/module.js', 'w').write('old')"
        ),
    );
    let backup = backup(&lab);
    execute(&lab, "DELETE FROM user WHERE login = \"ada\"");
    add_user(&lab, "eve");
    python(&lab, &format!("import os, shutil; shutil.rmtree('{plugins}/old'); os.makedirs('{plugins}/new')"));
    python(&lab, &format!("open('{plugins}/new/module.js', 'w').write('new')"));
    let installed = || python(&lab, &format!("import os; print(sorted(os.listdir('{plugins}')))"));
    let archive = backup["path"].as_str().unwrap().to_owned();
    let restored = lab.run(&["restore-grafana", &archive, "--format", "json"]).expect(0).json();
    assert_eq!(restored["counts"]["users"], 2);
    assert_eq!(logins(&lab), "[('admin',), ('ada',)]");
    assert_eq!(installed(), "['old']", "what only the other data had is gone");
    assert_eq!(get(&lab.url("grafana", "/api/health")).0, 200);
    // And back again, from the backup that the restore made.
    let previous = restored["previous"].as_str().unwrap().to_owned();
    lab.run(&["restore-grafana", &previous]).expect(0);
    // The newest by name, which is what was kept of the data before that.
    let latest = lab.run(&["restore-grafana", "latest", "--prove-only"]).expect(0);
    assert!(latest.stderr.contains("the newest backup is backups/grafana-"), "{}", latest.stderr);
    assert_eq!((logins(&lab), installed()), ("[('admin',), ('eve',)]".to_owned(), "['new']".to_owned()));

    // Another stack's, a damaged one, and none at all change nothing.
    let id = lab.containers()[&lab.container("grafana")].clone();
    let started = lab.inspect("grafana")["State"]["StartedAt"].clone();
    let mut bytes = std::fs::read(lab.folder.path().join(&archive)).unwrap();
    let last = bytes.len() - 60;
    bytes[last] ^= 0x10;
    lab.write("damaged.tar.zst", "");
    std::fs::write(lab.folder.path().join("damaged.tar.zst"), bytes).unwrap();
    assert!(lab.run(&["restore-grafana", "damaged.tar.zst"]).expect(1).stderr.contains("no sound backup"));
    assert!(lab.run(&["restore-grafana", "nowhere.tar.zst"]).expect(1).stderr.contains("cannot read"));
    let torn = repository().join("tests/data/grafana/torn");
    let refused = lab.run(&["restore-grafana", &torn.display().to_string()]).expect(1);
    assert!(
        refused.stderr.contains("the database is damaged") && refused.stderr.contains(".clone"),
        "{}",
        refused.stderr
    );
    assert_eq!(lab.containers()[&lab.container("grafana")], id);
    assert_eq!(lab.inspect("grafana")["State"]["StartedAt"], started);
    assert_eq!(logins(&lab), "[('admin',), ('eve',)]");
}

/// Users' old way was `docker cp` of the data folder.
#[test]
fn a_folder_that_a_real_grafana_wrote_is_restored_with_its_log_folded_in() {
    let Some(lab) = up() else { return };
    for (name, dashboards) in [("wal", 13), ("hot-journal", 92)] {
        let folder = repository().join("tests/data/grafana").join(name);
        let run = lab.run(&["restore-grafana", &folder.display().to_string(), "--format", "json"]).expect(0);
        assert!(run.stderr.contains("not a backup"), "{}", run.stderr);
        let report = run.json();
        assert_eq!(
            (&report["verified"], &report["counts"]["dashboards"]),
            (&Value::Bool(false), &Value::from(dashboards))
        );
        let own = execute(
            &lab,
            "SELECT count(*) FROM dashboard WHERE is_folder = 0 AND id NOT IN (SELECT dashboard_id FROM dashboard_provisioning)",
        );
        assert_eq!(own, format!("[({dashboards},)]"), "{name}");
    }
}

/// A database that SQLite finds whole and Grafana cannot work with.
#[test]
fn a_grafana_that_does_not_start_with_the_data_gets_its_own_back() {
    let Some(lab) = up() else { return };
    add_user(&lab, "ada");
    let odd = lab.folder.path().join("odd");
    std::fs::create_dir(&odd).unwrap();
    let tables = "CREATE TABLE user (id INTEGER); CREATE TABLE data_source (id INTEGER); CREATE TABLE migration_log (id INTEGER, migration_id TEXT);";
    rusqlite::Connection::open(odd.join("grafana.db")).unwrap().execute_batch(tables).unwrap();
    let run = lab.run(&["restore-grafana", "odd", "--timeout", "20s"]);
    assert!(run.code == 1 || run.code == 4, "{}: {}", run.code, run.stderr);
    assert!(run.stderr.contains("Grafana has the data that it had before, and runs"), "{}", run.stderr);
    eventually("Grafana answers", Duration::from_secs(20), || {
        get(&lab.url("grafana", "/api/health")).0 == 200
    });
    assert_eq!(logins(&lab), "[('admin',), ('ada',)]");
}

/// A proxy before the engine that kills the tool at one of its calls: the engine carries the call out, and
/// nobody hears of it.
struct Killer {
    proxy: Proxy,
    /// Calls until the kill; below zero for none.
    left: Arc<AtomicI64>,
    victim: Arc<AtomicU32>,
}

impl Killer {
    fn new() -> Self {
        let (left, victim) = (Arc::new(AtomicI64::new(i64::MIN)), Arc::new(AtomicU32::new(0)));
        let (counter, child_id) = (left.clone(), victim.clone());
        let fault = move |_: usize, _: &str| match counter.fetch_sub(1, Ordering::SeqCst) {
            // Not armed; far from wrapping around.
            ..-1_000_000 | 2.. => Harm::None,
            1 => {
                let id = child_id.load(Ordering::SeqCst).to_string();
                std::process::Command::new("kill").args(["-9", &id]).status().unwrap();
                Harm::LoseAnswer
            }
            _ => Harm::LoseAnswer,
        };
        Self { proxy: Proxy::with_fault(Box::new(fault)), left, victim }
    }

    /// Runs the tool and kills it at call number `at`; false when it made no such call.
    fn kills(&self, lab: &Lab, at: i64, arguments: &[&str]) -> bool {
        let host = self.proxy.host();
        let mut command = lab.command(&[&["--host", &host], arguments].concat());
        self.left.store(at, Ordering::SeqCst);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        self.victim.store(child.id(), Ordering::SeqCst);
        let survived = child.wait().unwrap().success();
        self.proxy.settle();
        self.left.store(i64::MIN / 2, Ordering::SeqCst);
        !survived
    }

    fn run(&self, lab: &Lab, arguments: &[&str]) -> crate::lab::Run {
        let host = self.proxy.host();
        lab.run(&[&["--host", &host], arguments].concat())
    }
}

#[test]
fn killed_at_any_engine_call_of_a_restore_the_next_command_undoes_it() {
    let Some(lab) = up() else { return };
    let killer = Killer::new();
    add_user(&lab, "ada");
    let archive = killer.run(&lab, &["backup-grafana", "--format", "json"]).expect(0).json();
    let archive = archive["path"].as_str().unwrap().to_owned();
    execute(&lab, "DELETE FROM user WHERE login = \"ada\"");
    add_user(&lab, "eve");
    let (mut at, mut undone) = (1, 0);
    while killer.kills(&lab, at, &["restore-grafana", &archive]) {
        let next = killer.run(&lab, &["up"]).expect(0);
        undone += usize::from(next.stderr.contains("a restore was interrupted"));
        assert_eq!(state(&lab), "running", "after a kill at call {at}");
        assert_eq!(get(&lab.url("grafana", "/api/health")).0, 200);
        let found = logins(&lab);
        // Killed behind the proof, it is restored: nothing was left to be undone.
        assert!(
            found == "[('admin',), ('eve',)]" || found == "[('admin',), ('ada',)]",
            "after a kill at call {at}: {found}"
        );
        at += 1;
        assert!(at < 80, "a restore needs no {at} calls");
    }
    eprintln!("killed at {} calls, undone {undone} times", at - 1);
    assert!(at > 12 && undone >= 4, "killed at {} calls, undone {undone} times", at - 1);
    assert_eq!(logins(&lab), "[('admin',), ('ada',)]");
    // A new backup removes what the killed runs left.
    killer.run(&lab, &["backup-grafana"]).expect(0);
    assert!(!folder(&lab).iter().any(|name| name.contains("unfinished")), "{:?}", folder(&lab));
    assert_eq!(killer.run(&lab, &["backups", "--verify"]).code, 0);
}

/// The copy is taken with a pause when the database moves during each attempt.
#[test]
fn killed_while_grafana_is_paused_the_next_command_lifts_the_pause() {
    let Some(lab) = up() else { return };
    let killer = Killer::new();
    let (mut at, mut lifted) = (1, 0);
    let write = "import sqlite3, time\nc = sqlite3.connect('/var/lib/grafana/grafana.db', timeout=30)\nend = time.time() + 60\nwhile time.time() < end:\n    c.execute('UPDATE user SET version = version + 1'); c.commit()";
    let container = lab.container("grafana");
    assert!(docker(&["exec", "-d", &container, "/usr/bin/python3", "-c", write]).status.success());
    while killer.kills(&lab, at, &["backup-grafana"]) {
        let was_paused = state(&lab) == "paused";
        let next = killer.run(&lab, &["restart", "redis"]);
        let told = next.stderr.contains("Grafana was paused for it and runs on now");
        assert!(told || !was_paused, "after a kill at call {at}: {}", next.stderr);
        assert_eq!(state(&lab), "running", "after a kill at call {at}");
        lifted += usize::from(was_paused);
        at += 1;
        assert!(at < 80, "a backup needs no {at} calls");
    }
    eprintln!("killed at {} calls, paused {lifted} times", at - 1);
    assert!(lifted >= 1, "killed at {} calls, never while it was paused", at - 1);
    assert_eq!(state(&lab), "running");
}

/// An archive whose entry of this kind claims a gigabyte for the description of another one.
fn with_a_huge_description(kind: tar::EntryType) -> Vec<u8> {
    use std::io::Write;
    const CLAIM: u64 = 1 << 30;
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(CLAIM);
    header.set_cksum();
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.write_all(header.as_bytes()).unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..CLAIM >> 20 {
        encoder.write_all(&zeros).unwrap();
    }
    encoder.finish().unwrap()
}

/// A tar reader that believes such a size fills the memory before anybody can refuse it.
#[test]
fn an_archive_that_claims_much_is_refused_with_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let kinds = [tar::EntryType::GNULongName, tar::EntryType::GNULongLink, tar::EntryType::XHeader];
    for (number, kind) in kinds.into_iter().enumerate() {
        let name = format!("grafana-confidex-20261127T08450012{number}Z.tar.zst");
        std::fs::write(folder.path().join(name), with_a_huge_description(kind)).unwrap();
    }
    // Address space, in KiB: far more than the program needs, far less than what is claimed.
    let script = format!(
        "ulimit -v 700000; exec {} backups --verify --format json --output .",
        env!("CARGO_BIN_EXE_confidexmon")
    );
    let mut command = std::process::Command::new("bash");
    let output = command.args(["-c", &script]).current_dir(folder.path()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    let listed: Value = serde_json::from_str(&text).unwrap();
    let backups = listed["backups"].as_array().unwrap();
    assert_eq!(backups.len(), 3, "{listed:#}");
    // For what it is: without memory, the reason would be another.
    for one in backups {
        assert!(one["problem"].as_str().unwrap().contains("does not begin with a manifest"), "{listed:#}");
    }
}

/// A backup that was restored once, beside the running Grafana, is known to restore.
#[test]
fn a_backup_is_proven_in_a_throw_away_grafana_that_leaves_nothing() {
    let Some(mut lab) = up() else { return };
    add_user(&lab, "ada");
    let before = (lab.containers(), lab.volumes(), lab.inspect("grafana")["State"]["StartedAt"].clone());
    let run = lab.run(&["backup-grafana", "--prove", "--format", "json"]).expect(0);
    let backup = run.json();
    assert!(backup["proven_at"].is_string(), "{backup:#}");
    let listed = lab.run(&["backups", "--format", "json"]).expect(0).json();
    assert!(listed["backups"][0]["proven_at"].is_string(), "{listed:#}");
    let after = (lab.containers(), lab.volumes(), lab.inspect("grafana")["State"]["StartedAt"].clone());
    assert_eq!(after, before, "the running one was not touched, and nothing is left");

    let archive = backup["path"].as_str().unwrap();
    let proof = lab.run(&["restore-grafana", archive, "--prove-only", "--format", "json"]).expect(0).json();
    assert_eq!((&proof["signed_in"], &proof["counts"]["users"]), (&Value::Bool(true), &Value::from(2)));
    // Another password than the one in the archive is said, and is no failure.
    lab.set("GRAFANA_ADMIN_PASSWORD", "another-secret");
    let other = lab.run(&["restore-grafana", archive, "--prove-only"]).expect(0);
    assert!(other.stderr.contains("another password"), "{}", other.stderr);
    // An image that is no Grafana proves nothing.
    let wrong =
        ["restore-grafana", archive, "--prove-only", "--timeout=4s", "--image", &crate::lab::image("redis")];
    let refused = lab.run(&wrong).expect(4);
    assert!(refused.stderr.contains("is not proven with"), "{}", refused.stderr);
    assert_eq!((lab.containers(), lab.volumes()), (before.0, before.1));
}

/// A stack that was restored beside the lab's own; it goes when this is dropped.
struct Beside<'a> {
    lab: &'a Lab,
    stack: String,
}

impl Beside<'_> {
    fn names(&self, kind: &[&str]) -> String {
        let filter = format!("label=io.confidexmon.stack={}", self.stack);
        let output = docker(&[kind, &["-q", "--filter", &filter]].concat());
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn is_gone(&self) -> bool {
        let lists: [&[&str]; 3] = [&["ps", "-a"], &["volume", "ls"], &["network", "ls"]];
        lists.iter().all(|kind| self.names(kind).is_empty())
    }
}

impl Drop for Beside<'_> {
    fn drop(&mut self) {
        let mut command = self.lab.command(&["down", "--volumes", "--quiet"]);
        let _ = command.env("CONFIDEXMON_STACK", &self.stack).status();
    }
}

#[test]
fn a_backup_is_restored_beside_as_a_stack_of_its_own() {
    let Some(lab) = up() else { return };
    add_user(&lab, "ada");
    let archive = backup(&lab)["path"].as_str().unwrap().to_owned();
    execute(&lab, "DELETE FROM user WHERE login = \"ada\"");
    let before = (lab.containers(), lab.inspect("grafana")["State"]["StartedAt"].clone());
    let beside = Beside { lab: &lab, stack: format!("{}-copy", lab.stack) };
    let arguments = ["restore-grafana", archive.as_str(), "--as", beside.stack.as_str()];
    let run = lab.run(&[arguments.as_slice(), &["--format", "json"]].concat()).expect(0).json();
    let url = run["url"].as_str().unwrap();
    assert_ne!(url, lab.url("grafana", "").replace("127.0.0.1", "localhost"));
    let users = crate::lab::get_json(&format!("{}/api/users", url.replace("localhost", "127.0.0.1")));
    assert!(users.as_array().unwrap().iter().any(|user| user["login"] == "ada"), "{users:#}");
    let page = format!("{}/api/dashboards/uid/confidexmon-stack", url.replace("localhost", "127.0.0.1"));
    eventually("what is provisioned is there, too", Duration::from_secs(20), || get(&page).0 == 200);
    assert_eq!(logins(&lab), "[('admin',)]", "the running one was not touched");
    assert_eq!((lab.containers(), lab.inspect("grafana")["State"]["StartedAt"].clone()), before);

    // What is there is never written over.
    let again = lab.run(&arguments).expect(1);
    assert!(again.stderr.contains("already, and it was not touched"), "{}", again.stderr);
    assert!(
        lab.run(&["restore-grafana", &archive, "--as", &lab.stack]).expect(2).stderr.contains("own stack")
    );
    let down = lab.command(&["down", "--volumes"]).env("CONFIDEXMON_STACK", &beside.stack).status().unwrap();
    assert!(down.success() && beside.is_gone());
    assert_eq!(lab.volumes().len(), 6);

    // A Grafana that does not work with it leaves nothing.
    let odd = lab.folder.path().join("odd");
    std::fs::create_dir(&odd).unwrap();
    let tables = "CREATE TABLE user (id INTEGER); CREATE TABLE data_source (id INTEGER); CREATE TABLE migration_log (id INTEGER, migration_id TEXT);";
    rusqlite::Connection::open(odd.join("grafana.db")).unwrap().execute_batch(tables).unwrap();
    let run = lab.run(&["restore-grafana", "odd", "--timeout", "20s", "--as", &beside.stack]);
    assert!(run.code != 0 && run.stderr.contains("is left"), "{}: {}", run.code, run.stderr);
    assert!(beside.is_gone());
}

#[test]
fn killed_at_any_engine_call_of_a_restore_beside_the_next_one_begins_anew() {
    let Some(lab) = up() else { return };
    let killer = Killer::new();
    let archive = killer.run(&lab, &["backup-grafana", "--format", "json"]).expect(0).json();
    let archive = archive["path"].as_str().unwrap().to_owned();
    let beside = Beside { lab: &lab, stack: format!("{}-copy", lab.stack) };
    let arguments = ["restore-grafana", archive.as_str(), "--as", beside.stack.as_str()];
    let down = || {
        let host = killer.proxy.host();
        let mut command = lab.command(&["--host", &host, "down", "--volumes", "--quiet"]);
        assert!(command.env("CONFIDEXMON_STACK", &beside.stack).status().unwrap().success());
        assert!(beside.is_gone());
    };
    let mut at = 1;
    while killer.kills(&lab, at, &arguments) {
        // Killed behind the proof it is complete; before that, it is removed and made again.
        let again = killer.run(&lab, &arguments);
        assert!(
            again.code == 0 || again.stderr.contains("already, and it was not touched"),
            "after a kill at call {at}: {}",
            again.stderr
        );
        assert!(!beside.is_gone());
        down();
        at += 1;
        assert!(at < 60, "a restore beside needs no {at} calls");
    }
    eprintln!("killed at {} calls", at - 1);
    assert!(at > 10, "killed at {} calls", at - 1);
    down();
}

/// Makes a datasource with a password, which Grafana seals with its secret key.
fn add_sealed_datasource(lab: &Lab) {
    confidexmon::net::http::install_crypto();
    let body = serde_json::json!({"name": "sealed", "uid": "sealed", "type": "alertmanager", "access": "proxy",
        "url": "http://127.0.0.1:1", "basicAuth": true, "basicAuthUser": "u",
        "secureJsonData": {"basicAuthPassword": "hush"}});
    let status = crate::lab::runtime().block_on(async {
        let request = reqwest::Client::new().post(lab.url("grafana", "/api/datasources")).json(&body);
        request.basic_auth("admin", Some("grafana-secret")).send().await.unwrap().status().as_u16()
    });
    assert_eq!(status, 200);
}

/// Its health says 500 when its password cannot be read, and 404 (there is no check for its kind) otherwise.
fn password_is_readable(url: &str) -> bool {
    match get(&format!("{url}/api/datasources/uid/sealed/health")) {
        (404, _) => true,
        (500, text) if text.contains("secret") => false,
        other => panic!("{other:?}"),
    }
}

const SECRET_KEY: &str = "/var/lib/grafana/.confidexmon-secret-key";

fn secret_key(container: &str) -> String {
    let output = docker(&["exec", container, "cat", SECRET_KEY]);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_new_grafana_has_a_key_of_its_own_that_goes_where_its_database_goes() {
    let Some(mut lab) = up() else { return };
    let container = lab.container("grafana");
    let key = secret_key(&container);
    assert!(key.len() >= 32 && !key.contains("SW2YcwTIb9zpOOhoPsMm"), "{key}");
    let mode =
        python(&lab, &format!("import os; s = os.stat('{SECRET_KEY}'); print(oct(s.st_mode), s.st_uid)"));
    assert_eq!(mode, "0o100400 472");
    let inspected = docker(&["inspect", &container]);
    assert!(!String::from_utf8_lossy(&inspected.stdout).contains(&key), "the key shows in inspect");
    let state =
        std::process::Command::new("grep").args(["-r", &key]).arg(lab.folder.path()).output().unwrap();
    assert!(state.stdout.is_empty(), "{}", String::from_utf8_lossy(&state.stdout));
    add_sealed_datasource(&lab);
    assert!(password_is_readable(&lab.url("grafana", "")));

    // Down and up again, the volume stays, and so does the key.
    lab.run(&["down"]).expect(0);
    lab.run(&["up"]).expect(0);
    assert_eq!(secret_key(&container), key);
    assert!(password_is_readable(&lab.url("grafana", "")));

    // Into another stack, the backup brings it along.
    let archive = backup(&lab)["path"].as_str().unwrap().to_owned();
    let beside = Beside { lab: &lab, stack: format!("{}-copy", lab.stack) };
    let run = lab.run(&["restore-grafana", &archive, "--as", &beside.stack, "--format", "json"]).expect(0);
    let url = run.json()["url"].as_str().unwrap().replace("localhost", "127.0.0.1");
    let copy = format!("{}-grafana", beside.stack);
    assert_eq!(secret_key(&copy), key);
    assert!(password_is_readable(&url));
    // With another key, this is what would be seen.
    let other = "rm -f KEY && printf another-key > KEY".replace("KEY", SECRET_KEY);
    assert!(docker(&["exec", &copy, "sh", "-c", &other]).status.success());
    docker(&["restart", &copy]);
    eventually("it answers", Duration::from_secs(20), || get(&format!("{url}/api/health")).0 == 200);
    assert!(!password_is_readable(&url));
    drop(beside);

    // A database from before there was a key of its own goes on with the one that it was written with.
    lab.run(&["down", "--volumes"]).expect(0);
    let folder = repository().join("tests/data/grafana/rest");
    lab.set("GRAFANA_ADMIN_PASSWORD", "grafana-secret");
    lab.run(&["up"]).expect(0);
    lab.run(&["restore-grafana", &folder.display().to_string()]).expect(0);
    assert_eq!(secret_key(&container), "SW2YcwTIb9zpOOhoPsMm");
}

#[test]
fn a_volume_from_before_keys_were_made_keeps_the_public_one() {
    let Some(lab) = up() else { return };
    add_user(&lab, "ada");
    let container = lab.container("grafana");
    assert!(docker(&["exec", &container, "rm", "-f", SECRET_KEY]).status.success());
    lab.run(&["down"]).expect(0);
    lab.run(&["up"]).expect(0);
    assert_eq!(secret_key(&container), "SW2YcwTIb9zpOOhoPsMm");
    assert_eq!(logins(&lab), "[('admin',), ('ada',)]");
}

/// It writes at each start, and may do so while it is copied.
#[test]
fn a_grafana_that_crashes_again_and_again_is_backed_up() {
    let Some(lab) = up() else { return };
    add_user(&lab, "ada");
    let container = lab.container("grafana");
    let broken = lab.folder.path().join("broken.yml");
    std::fs::write(&broken, "apiVersion: 1\ndatasources:\n  - name: x\n").unwrap();
    let target = format!("{container}:/etc/confidexmon/provisioning/datasources/zz.yml");
    assert!(docker(&["cp", &broken.display().to_string(), &target]).status.success());
    docker(&["restart", &container]);
    eventually("it crashes again and again", Duration::from_secs(30), || {
        lab.inspect("grafana")["RestartCount"].as_i64().unwrap() >= 2
    });
    let backup = backup(&lab);
    assert_eq!(backup["counts"]["users"], 2, "{backup:#}");
    let (_unpacked, report) = inside(&lab, &path(&backup));
    assert_eq!(report.counts.users, 2);
    assert_ne!(state(&lab), "paused");
}

#[test]
fn what_fell_by_more_than_half_is_a_warning_and_removes_no_older_backup() {
    let Some(lab) = up() else { return };
    for name in ["ada", "eve", "joe", "kim"] {
        add_user(&lab, name);
    }
    let first = path(&backup(&lab));
    execute(&lab, "DELETE FROM user WHERE login <> \"admin\"");
    let run = lab.run(&["backup-grafana", "--keep", "1"]).expect(0);
    assert!(run.stderr.contains("since the last backup: 5 → 1 users"), "{}", run.stderr);
    assert!(lab.folder.path().join(first).exists());
}

/// Commands that change nothing say what a killed run left, and by what it is ended.
#[test]
fn commands_that_only_look_tell_of_an_interruption_in_a_line() {
    let Some(lab) = up() else { return };
    let killer = Killer::new();
    let write = "import sqlite3, time\nc = sqlite3.connect('/var/lib/grafana/grafana.db', timeout=30)\nend = time.time() + 60\nwhile time.time() < end:\n    c.execute('UPDATE user SET version = version + 1'); c.commit()";
    let container = lab.container("grafana");
    assert!(docker(&["exec", "-d", &container, "/usr/bin/python3", "-c", write]).status.success());
    let mut at = 1;
    while killer.kills(&lab, at, &["backup-grafana"]) && state(&lab) != "paused" {
        at += 1;
    }
    assert_eq!(state(&lab), "paused");
    for command in [["plan"], ["status"]] {
        let run = killer.run(&lab, &command);
        let told = run.stderr.lines().filter(|line| line.contains("a backup was interrupted")).count();
        assert_eq!(told, 1, "{command:?}: {}", run.stderr);
        assert_eq!(state(&lab), "paused", "{command:?} changes nothing");
    }
    killer.run(&lab, &["up"]).expect(0);
    assert_eq!(state(&lab), "running");
}

/// A pair that `age-keygen` made for this test.
const RECIPIENT: &str = "age1fah5nph5gx3suznzqp78c36cspzguht5rpu5jrpgx9e4sads7u8qm6dtxe";
const IDENTITY: &str = "AGE-SECRET-KEY-1WPM6AXYUPMW7Q4RPU78R3532CRJYRNQJV5C2J9EZ30TP4TFJZQLQJGLSTU";

#[test]
fn an_encrypted_backup_is_read_with_its_identity_alone() {
    let Some(lab) = up() else { return };
    add_user(&lab, "ada");
    lab.write("key.txt", &format!("# created: today\n{IDENTITY}\n"));
    lab.write("empty.txt", "# nothing\n");
    let backup = lab.run(&["backup-grafana", "--recipient", RECIPIENT, "--format", "json"]).expect(0).json();
    let archive = backup["path"].as_str().unwrap().to_owned();
    assert!(archive.ends_with(".tar.zst.age") && backup["encrypted"] == true, "{backup:#}");
    assert_eq!(folder(&lab).len(), 2, "no plain archive is left: {:?}", folder(&lab));
    let file = lab.folder.path().join(&archive);
    assert!(std::fs::read(&file).unwrap().starts_with(b"age-encryption.org/v1\n"));
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let listed = lab.run(&["backups", "--format", "json"]).expect(0).json();
    let one = &listed["backups"][0];
    assert!(one["encrypted"] == true && one["problem"].is_null() && one["created_at"].is_string(), "{one:#}");

    // With the identity it is read to its end; with another one it counts as broken.
    let verify = |identity: &str, code: i32| {
        let words = ["backups", "--verify", "--identity", identity, "--format", "json"];
        lab.run(&words).expect(code).json()["backups"][0].clone()
    };
    let one = verify("key.txt", 0);
    assert!(one["verified"] == true && one["encrypted"] == true, "{one:#}");
    assert_eq!((&one["counts"]["users"], &one["size"]), (&Value::from(2), &backup["size"]));
    assert!(verify("empty.txt", 1)["problem"].is_string());
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() - 1]).unwrap();
    assert!(verify("key.txt", 1)["problem"].is_string());
    std::fs::write(&file, whole).unwrap();

    execute(&lab, "DELETE FROM user WHERE login = \"ada\"");
    let refused = lab.run(&["restore-grafana", &archive]).expect(1);
    assert!(
        refused.stderr.contains("is encrypted") && refused.stderr.contains("--identity"),
        "{}",
        refused.stderr
    );
    let refused = lab.run(&["restore-grafana", &archive, "--identity", "empty.txt"]).expect(1);
    assert!(refused.stderr.contains("AGE-SECRET-KEY"), "{}", refused.stderr);
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(lab.folder.path().join("changed.age"), bytes).unwrap();
    let refused = lab.run(&["restore-grafana", "changed.age", "--identity", "key.txt"]).expect(1);
    assert!(refused.stderr.contains("cannot be decrypted"), "{}", refused.stderr);
    assert_eq!(logins(&lab), "[('admin',)]");
    lab.run(&["restore-grafana", &archive, "--identity", "key.txt"]).expect(0);
    assert_eq!(logins(&lab), "[('admin',), ('ada',)]");

    // The tool of that name reads it, too.
    let plain = lab.folder.path().join("plain.tar.zst");
    let line = "command -v age >/dev/null || exit 77; age -d -i key.txt -o plain.tar.zst";
    let status = lab.shell(&format!("{line} {archive}")).status().unwrap();
    if status.code() != Some(77) {
        assert!(status.success());
        archive::verify(&plain).unwrap();
    }
    let wrong = lab.run(&["backup-grafana", "--recipient", "age1nonsense"]).expect(2);
    assert!(wrong.stderr.contains("is no recipient of age"), "{}", wrong.stderr);
}
