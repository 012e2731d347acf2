//! Planted facts and what is said of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use super::check::Run;
use super::facts::{
    ActiveAlert, Alertmanager, Asked, Container, Disk, Engine, EnvFile, Facts, GitView, Grafana, Hardening,
    Head, Leftover, Machine, Notifications, Panels, PlanFacts, Prometheus, RedisMemory, Rule, System, Target,
    Wanted, WantedTarget,
};
use super::{ALL, Topic, Verdict, examine};

#[test]
fn ids_are_unique_and_every_topic_has_some() {
    let ids: BTreeSet<&str> = ALL.iter().map(|diagnosis| diagnosis.id).collect();
    assert_eq!(ids.len(), ALL.len());
    for topic in Topic::ALL {
        assert!(ALL.iter().any(|diagnosis| diagnosis.topic == topic), "{topic}");
    }
    assert!(ALL.iter().any(|diagnosis| matches!(diagnosis.run, Run::Target(_))));
}

fn with_target(target: Target) -> Facts {
    let prometheus =
        Prometheus { targets: Asked::Answer(vec![target]), uptime: 600.0, ..Prometheus::default() };
    Facts { prometheus: Asked::Answer(prometheus), ..Facts::default() }
}

#[test]
fn a_target_that_nothing_explains_is_still_a_problem() {
    let target = Target { health: "down".to_owned(), last_error: "odd".to_owned(), ..Target::default() };
    let checks = examine(&with_target(target), &[Topic::Targets]);
    assert_eq!((checks[0].id, checks[0].verdict), ("unexplained", Verdict::Problem));
}

/// A stack that is well.
#[expect(clippy::too_many_lines, reason = "a value")]
fn healthy() -> Facts {
    let services = ["prometheus", "grafana", "alertmanager"];
    let container = |service: &&str| Container {
        service: (*service).to_owned(),
        name: format!("t-{service}"),
        state: "running".to_owned(),
        status: "Up 2 hours".to_owned(),
        restart_policy: "always".to_owned(),
        published: vec![("127.0.0.1".to_owned(), 9090)],
        probe: Asked::Answer(String::new()),
        hardening: Hardening {
            user: "65534:65534".to_owned(),
            cap_drop: vec!["ALL".to_owned()],
            security_opt: vec!["no-new-privileges".to_owned()],
            read_only_root: true,
            memory: GIB,
            pids: 256.0,
            ..Hardening::default()
        },
        image_created: Some(NOW - 86_400.0),
        ..Container::default()
    };
    let rule = |name: &str| Rule {
        name: name.to_owned(),
        is_alert: true,
        health: "ok".to_owned(),
        state: "firing".to_owned(),
        ..Rule::default()
    };
    let target = |job: &str| Target {
        job: job.to_owned(),
        url: "http://host.docker.internal:3001/metrics".to_owned(),
        health: "up".to_owned(),
        ..Target::default()
    };
    let head = Head {
        series: 5000.0,
        top_metrics: vec![("up".to_owned(), 4.0)],
        top_labels: vec![("__name__".to_owned(), 700.0)],
    };
    Facts {
        now: NOW,
        wanted: Wanted {
            stack: "t".to_owned(),
            services: services.map(str::to_owned).to_vec(),
            bind_is_loopback: true,
            receivers: vec!["webhook".to_owned()],
            targets: vec![WantedTarget { job: "confidex-backend".to_owned(), ..WantedTarget::default() }],
            retention_time: 15.0 * 86_400.0,
            rule_metrics: vec!["crank_up".to_owned()],
            memory: [("prometheus".to_owned(), 2.0 * GIB)].into(),
            ..Wanted::default()
        },
        env_file: Asked::Answer(EnvFile {
            path: ".env".to_owned(),
            mode: 0o600,
            git: Some(GitView::Ignored),
        }),
        engine: Asked::Answer(Engine {
            version: "28.1.0".to_owned(),
            api_version: "1.48".to_owned(),
            endpoint: "unix:///var/run/docker.sock".to_owned(),
            is_local: true,
            system: Asked::Answer(System {
                memory_limit: true,
                pids_limit: true,
                clock: Some((NOW, NOW)),
                total_memory: 16.0 * GIB,
                ..System::default()
            }),
            ..Engine::default()
        }),
        machine: Asked::Answer(Machine {
            disk: Some(Disk {
                path: "/var/lib/docker".to_owned(),
                total: 100.0 * GIB,
                free: 50.0 * GIB,
                inodes: 1e6,
                inodes_free: 9e5,
            }),
            memory_total: 16.0 * GIB,
            memory_available: 8.0 * GIB,
            ..Machine::default()
        }),
        containers: Asked::Answer(services.iter().map(container).collect()),
        networks: Asked::Answer(1),
        plan: Asked::Answer(PlanFacts::default()),
        prometheus: Asked::Answer(Prometheus {
            clock: Some((NOW, NOW)),
            targets: Asked::Answer(vec![target("confidex-backend"), target("prometheus")]),
            rules: Asked::Answer(vec![rule("Watchdog")]),
            rules_differ: Asked::Answer(Vec::new()),
            reload_succeeded: Asked::Answer(true),
            alertmanagers: Asked::Answer(1),
            admin_api: Asked::Answer(false),
            head: Asked::Answer(head),
            values: [("storage_bytes".to_owned(), GIB)].into(),
            memory: [("prometheus".to_owned(), 0.2 * GIB)].into(),
            metric_names: Asked::Answer(vec!["crank_up".to_owned(), "up".to_owned()]),
            uptime: 7200.0,
            ..Prometheus::default()
        }),
        grafana: Asked::Answer(Grafana {
            version: "13.2.0".to_owned(),
            database: "ok".to_owned(),
            signs_in: Asked::Answer(true),
            datasource: Asked::Answer(String::new()),
            missing_dashboards: Asked::Answer(Vec::new()),
            panels: Asked::Answer(Panels { asked: 10, ..Panels::default() }),
            ..Grafana::default()
        }),
        alertmanager: Asked::Answer(Alertmanager {
            receivers: vec!["webhook".to_owned()],
            alerts: vec![ActiveAlert {
                name: "Watchdog".to_owned(),
                severity: "none".to_owned(),
                age: 20.0,
                ..ActiveAlert::default()
            }],
            ..Alertmanager::default()
        }),
        redis: Asked::Absent,
    }
}

const NOW: f64 = 1_800_000_000.0;
const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

#[test]
fn a_healthy_stack_is_silent() {
    let wrong: Vec<_> =
        examine(&healthy(), &[]).into_iter().filter(|check| check.verdict != Verdict::Ok).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn answer<T>(asked: &mut Asked<T>) -> &mut T {
    match asked {
        Asked::Answer(answer) => answer,
        _ => panic!("it is planted"),
    }
}

fn engine(facts: &mut Facts) -> &mut System {
    answer(&mut answer(&mut facts.engine).system)
}

fn prometheus(facts: &mut Facts) -> &mut Prometheus {
    answer(&mut facts.prometheus)
}

fn container<'a>(facts: &'a mut Facts, service: &str) -> &'a mut Container {
    answer(&mut facts.containers).iter_mut().find(|one| one.service == service).unwrap()
}

fn value(facts: &mut Facts, name: &str, number: f64) {
    prometheus(facts).values.insert(name.to_owned(), number);
}

fn failing(facts: &mut Facts, line: &str) {
    let alertmanager = answer(&mut facts.alertmanager);
    alertmanager.notifications.push(Notifications {
        receiver: "default".to_owned(),
        integration: "slack[0]".to_owned(),
        failed: 1.0,
        ..Notifications::default()
    });
    alertmanager.log.push(format!(
        "level=WARN msg=\"Notify attempt failed\" receiver=default integration=slack[0] err=\"{line}\""
    ));
}

/// Diagnosis, words of its cause or evidence, and the fault.
type Case = (&'static str, &'static str, fn(&mut Facts));

/// What a test cannot do to a real engine, clock, disk or month.
const CASES: &[Case] = &[
    ("engine-answers", "may not talk", |facts| {
        facts.engine = Asked::NoAnswer("connect: permission denied (os error 13)".to_owned());
    }),
    ("engine-answers", "does not run", |facts| {
        facts.engine = Asked::NoAnswer("connect: No such file or directory".to_owned());
    }),
    ("engine-answers", "no version of the API", |facts| {
        facts.engine = Asked::NoAnswer("the engine speaks API 1.24 at most".to_owned());
    }),
    ("engine-disk", "nearly full", |facts| {
        answer(&mut facts.machine).disk.as_mut().unwrap().free = 0.2 * GIB;
    }),
    ("engine-disk", "cannot hold more files", |facts| {
        answer(&mut facts.machine).disk.as_mut().unwrap().inodes_free = 10.0;
    }),
    ("engine-memory", "short of memory", |facts| {
        answer(&mut facts.machine).memory_available = 0.1 * GIB;
    }),
    ("engine-clock", "the engine is 10", |facts| engine(facts).clock = Some((NOW - 600.0, NOW))),
    ("engine-clock", "Prometheus is 2", |facts| prometheus(facts).clock = Some((NOW + 7200.0, NOW))),
    ("engine-clock", "jumped back", |facts| value(facts, "newest_sample_age", 4000.0)),
    ("engine-limits", "processes", |facts| engine(facts).pids_limit = false),
    ("engine-version", "same network segment", |facts| {
        answer(&mut facts.engine).version = "20.10.24+dfsg1".to_owned();
    }),
    ("stopped", "never started", |facts| container(facts, "grafana").state = "created".to_owned()),
    ("stopped", "could not start it", |facts| {
        let one = container(facts, "grafana");
        (one.state, one.error) = ("created".to_owned(), "driver failed".to_owned());
    }),
    ("out-of-memory", "more memory than it may use", |facts| {
        let one = container(facts, "prometheus");
        (one.oom_killed, one.restarts) = (true, 3);
    }),
    ("crash-loop", "belongs to another user", |facts| {
        let one = container(facts, "grafana");
        (one.state, one.restarts, one.exit_code) = ("restarting".to_owned(), 5, 1);
        one.last_lines = vec!["mkdir: cannot create directory: permission denied".to_owned()];
    }),
    ("crash-loop", "the disk is full", |facts| {
        let one = container(facts, "prometheus");
        (one.state, one.restarts, one.exit_code) = ("restarting".to_owned(), 5, 1);
        one.last_lines = vec!["write /prometheus/wal: no space left on device".to_owned()];
    }),
    ("crash-loop", "locked or damaged", |facts| {
        let one = container(facts, "grafana");
        (one.state, one.restarts, one.exit_code) = ("restarting".to_owned(), 5, 1);
        one.last_lines = vec!["database disk image is malformed".to_owned()];
    }),
    ("networks", "network is gone", |facts| facts.networks = Asked::Answer(0)),
    ("plan", "killed half-way", |facts| {
        answer(&mut facts.plan).interruption = Some("a restore of Grafana's data was interrupted".to_owned());
    }),
    ("leftovers", "killed before", |facts| {
        answer(&mut facts.plan).leftovers = vec![Leftover {
            container: "t-validator-1".to_owned(),
            temporary: true,
            runs: true,
            ..Leftover::default()
        }];
    }),
    ("memory-use", "the kernel kills it", |facts| {
        prometheus(facts).memory.insert("prometheus".to_owned(), 1.95 * GIB);
    }),
    ("contract", "other metrics than the rules read", |facts| {
        facts.wanted.rule_metrics = vec!["a".to_owned(), "b".to_owned(), "c".to_owned()];
    }),
    ("name-not-found", "resolves no names", |facts| {
        container(facts, "grafana").hardening.networks = vec!["t-monitoring".to_owned()];
        answer(&mut prometheus(facts).targets).push(Target {
            job: "grafana".to_owned(),
            url: "http://t-grafana:3000/metrics".to_owned(),
            host: "t-grafana".to_owned(),
            health: "down".to_owned(),
            last_error: "dial tcp: lookup t-grafana on 127.0.0.53:53: no such host".to_owned(),
            ..Target::default()
        });
    }),
    ("grafana-database", "database is locked", |facts| answer(&mut facts.grafana).locked_lines = 40),
    ("grafana-datasource", "plugin did not start", |facts| {
        answer(&mut facts.grafana).datasource = Asked::Answer("plugin not registered".to_owned());
    }),
    ("grafana-datasource", "password is not the one", |facts| {
        answer(&mut facts.grafana).datasource = Asked::Answer("401 Unauthorized".to_owned());
    }),
    ("evaluation", "takes longer than its interval", |facts| value(facts, "missed_evaluations", 4.0)),
    ("delivery", "every alert is lost", |facts| prometheus(facts).alertmanagers = Asked::Answer(0)),
    ("delivery", "does not take what Prometheus sends", |facts| {
        value(facts, "dropped_alerts", 7.0);
        value(facts, "alert_errors_now", 7.0);
    }),
    ("delivery", "more slowly", |facts| value(facts, "alert_queue", 0.8)),
    ("watchdog", "do not get from Prometheus to Alertmanager", |facts| {
        answer(&mut facts.alertmanager).alerts.clear();
    }),
    ("notifications", "is none: a placeholder", |facts| {
        failing(facts, "Post \\\"<redacted>\\\": unsupported protocol scheme \\\"\\\"");
    }),
    ("notifications", "own container", |facts| {
        failing(facts, "Post \\\"<redacted>\\\": dial tcp 127.0.0.1:25: connect: connection refused");
    }),
    ("notifications", "cannot be reached from the container", |facts| {
        failing(facts, "Post \\\"<redacted>\\\": context deadline exceeded");
    }),
    ("notifications", "refuses the key", |facts| {
        failing(facts, "unexpected status code 400: {\\\"errors\\\":[\\\"invalid routing key\\\"]}");
    }),
    ("hidden", "a mute time keeps it", |facts| {
        answer(&mut facts.alertmanager).alerts.push(ActiveAlert {
            name: "CrankServiceDown".to_owned(),
            severity: "critical".to_owned(),
            muted_by: vec!["nights".to_owned()],
            ..ActiveAlert::default()
        });
    }),
    ("receivers", "show in Prometheus only", |facts| {
        facts.wanted.services.retain(|service| service != "alertmanager");
        answer(&mut facts.containers).retain(|one| one.service != "alertmanager");
        facts.alertmanager = Asked::Absent;
    }),
    ("wal", "killed while Prometheus wrote", |facts| value(facts, "wal_corruptions", 1.0)),
    ("wal", "shutdown that was not clean", |facts| {
        prometheus(facts).uptime = 600.0;
        value(facts, "clean_start", 0.0);
    }),
    ("evaluation", "reads too many series", |facts| value(facts, "evaluation_share", 0.7)),
    ("secret-files", "past confidexmon", |facts| {
        container(facts, "grafana").open_secrets = vec!["secrets/admin_password (0444)".to_owned()];
    }),
    ("samples-refused", "exports one series twice", |facts| value(facts, "duplicate_samples", 30.0)),
    ("samples-refused", "timestamps of its own", |facts| value(facts, "out_of_order_samples", 30.0)),
    ("samples-refused", "stood still or jumped", |facts| value(facts, "out_of_bounds_samples", 30.0)),
    ("forecast", "the disk is full in", |facts| {
        prometheus(facts).uptime = 86_400.0;
        value(facts, "storage_slope", 10.0 * GIB / 86_400.0);
    }),
    ("series", "replaced within an hour", |facts| value(facts, "new_series_per_hour", 9000.0)),
    ("cardinality", "do not belong into labels", |facts| {
        answer(&mut prometheus(facts).head).top_labels = vec![("user_id".to_owned(), 90_000.0)];
    }),
    ("redis-memory", "writes fail", |facts| {
        facts.redis = Asked::Answer(RedisMemory { used: 0.95 * GIB, limit: GIB });
    }),
    ("published", "without a password", |facts| {
        container(facts, "prometheus").published = vec![("0.0.0.0".to_owned(), 9090)];
    }),
    ("secret-files", "GRAFANA_ADMIN_PASSWORD", |facts| {
        container(facts, "grafana").exposed_secrets = vec!["GRAFANA_ADMIN_PASSWORD".to_owned()];
    }),
    ("admin-api", "delete series", |facts| prometheus(facts).admin_api = Asked::Answer(true)),
    ("hardening", "5.5 is not privileged", |facts| container(facts, "grafana").hardening.privileged = true),
    ("hardening", "no-new-privileges", |facts| container(facts, "grafana").hardening.security_opt.clear()),
    ("hardening", "5.4 every capability", |facts| {
        container(facts, "grafana").hardening.cap_drop = vec!["CAP_CHOWN".to_owned()];
    }),
    ("hardening", "5.30 is not on", |facts| {
        let hardening = &mut container(facts, "grafana").hardening;
        hardening.network_mode = "bridge".to_owned();
    }),
    ("hardening", "engine's socket", |facts| {
        container(facts, "grafana").hardening.binds = vec!["/var/run/docker.sock".to_owned()];
    }),
    ("image-age", "known faults", |facts| {
        container(facts, "grafana").image_created = Some(NOW - 400.0 * 86_400.0);
    }),
];

#[test]
fn alerts_that_were_lost_at_a_start_and_sent_again_are_no_fault() {
    let mut facts = healthy();
    value(&mut facts, "dropped_alerts", 7.0);
    assert!(examine(&facts, &[]).iter().all(|check| check.verdict == Verdict::Ok));
}

/// What happened, and how its age is planted.
type Change = (&'static str, fn(&mut Facts, f64));
/// A diagnosis, and what it finds wrong.
type Loss = (&'static str, fn(&mut Facts));

/// Alertmanager forgets its alerts when it starts, and Prometheus looks for it anew after each load.
#[test]
fn what_has_just_started_or_been_loaded_is_not_called_broken() {
    let changes: [Change; 3] = [
        ("Prometheus started", |facts, age| prometheus(facts).uptime = age),
        ("Prometheus loaded its configuration", |facts, age| prometheus(facts).config_age = Some(age)),
        ("Alertmanager started", |facts, age| answer(&mut facts.alertmanager).uptime = Some(age)),
    ];
    let losses: [Loss; 2] = [
        ("watchdog", |facts| answer(&mut facts.alertmanager).alerts.clear()),
        ("delivery", |facts| {
            answer(&mut facts.alertmanager).alerts.clear();
            value(facts, "alert_errors", 3.0);
            value(facts, "alert_errors_now", 3.0);
        }),
    ];
    let verdict = |facts: &Facts, id: &str| {
        let checks = examine(facts, &[Topic::Alerts]);
        checks.into_iter().find(|check| check.id == id).map(|check| (check.verdict, check.evidence)).unwrap()
    };
    for (what, change) in changes {
        for (id, lose) in losses {
            let mut facts = healthy();
            lose(&mut facts);
            answer(&mut prometheus(&mut facts).rules)[0].interval = 15.0;
            change(&mut facts, 18.0);
            let (early, evidence) = verdict(&facts, id);
            assert_eq!(early, Verdict::CouldNotLook, "{id}: {evidence}");
            assert!(evidence.contains(&format!("{what} 18 s ago")), "{evidence}");
            // The resend delay, two evaluations, and the sending.
            change(&mut facts, 104.0);
            assert_eq!(verdict(&facts, id).0, Verdict::CouldNotLook, "{id}: {what}");
            change(&mut facts, 106.0);
            assert_eq!(verdict(&facts, id).0, Verdict::Problem, "{id}: {what}");
        }
    }
    let mut facts = healthy();
    prometheus(&mut facts).alertmanagers = Asked::Answer(0);
    prometheus(&mut facts).config_age = Some(4.0);
    assert_eq!(verdict(&facts, "delivery").0, Verdict::CouldNotLook);
    prometheus(&mut facts).config_age = Some(31.0);
    assert_eq!(verdict(&facts, "delivery").0, Verdict::Problem);
}

/// Requests fail while Alertmanager is away; what arrived after it came back counts more.
#[test]
fn errors_from_before_a_restart_are_over_once_an_alert_has_arrived() {
    let mut facts = healthy();
    value(&mut facts, "alert_errors", 3.0);
    value(&mut facts, "alert_errors_now", 3.0);
    answer(&mut facts.alertmanager).uptime = Some(90.0);
    answer(&mut facts.alertmanager).alerts[0].age = 20.0;
    assert!(examine(&facts, &[Topic::Alerts]).iter().all(|check| check.verdict == Verdict::Ok));
    // None has come since.
    answer(&mut facts.alertmanager).alerts[0].age = 400.0;
    answer(&mut facts.alertmanager).uptime = Some(150.0);
    assert_eq!(examine(&facts, &[Topic::Alerts])[0].id, "delivery");
}

/// Podman lists each capability that `ALL` has dropped, and calls every network's mode `bridge`.
#[test]
fn what_podman_tells_of_a_hardened_container_is_no_fault() {
    let mut facts = healthy();
    let hardening = &mut container(&mut facts, "grafana").hardening;
    let dropped = "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID SYS_CHROOT";
    hardening.cap_drop = dropped.split(' ').map(str::to_owned).collect();
    (hardening.network_mode, hardening.networks) = ("bridge".to_owned(), vec!["t-monitoring".to_owned()]);
    assert!(examine(&facts, &[]).iter().all(|check| check.verdict == Verdict::Ok));
}

#[test]
fn the_cause_of_each_constructed_fault_is_named_first() {
    for (id, words, plant) in CASES {
        let mut facts = healthy();
        plant(&mut facts);
        let checks = examine(&facts, &[]);
        let first = &checks[0];
        let said = format!("{} {} {}", first.what, first.evidence, first.cause);
        assert!(first.id == *id && said.contains(words), "{id} ({words}): {first:#?}");
        assert!(first.verdict >= Verdict::Warning && !first.fix.is_empty(), "{first:#?}");
        let json = serde_json::to_value(first).unwrap();
        let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["id", "verdict", "what", "evidence", "cause", "fix"]);
    }
}
