//! Damage in Prometheus's data.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::Facts;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "wal",
    topic: Topic::Storage,
    what: "Prometheus's log of writes is whole",
    run: Run::Once(run),
};

/// Seconds after a start in which an unclean shutdown is news.
const LATELY: f64 = 3600.0;

const MARKS: [&str; 6] = [
    "corruption",
    "corrupted",
    "encountered WAL read error",
    "WAL segments",
    "no space left on device",
    "compaction failed",
];

fn run(facts: &Facts) -> Outcome {
    facts.prometheus.then(|prometheus| {
        let value = |name: &str| prometheus.values.get(name).copied().unwrap_or_default();
        let line = prometheus.log.iter().rfind(|line| {
            let bad = line.contains("level=ERROR") || line.contains("level=error") || line.contains("level=WARN") || line.contains("level=warn");
            bad && MARKS.iter().any(|mark| line.contains(mark))
        });
        if value("wal_corruptions") >= 1.0 || value("compactions_failed") >= 1.0 || line.is_some() {
            let evidence = line.cloned().unwrap_or_else(|| {
                format!("{:.0} damaged segments, {:.0} failed compactions in a day", value("wal_corruptions"), value("compactions_failed"))
            });
            let full = evidence.contains("no space left");
            let cause = if full { "the disk is full" } else { "the machine or the container was killed while Prometheus wrote; samples of that time may be lost" };
            let fix = if full { "docker system df; confidexmon doctor engine" } else { "confidexmon restart prometheus (it repairs the log of writes when it starts)" };
            return Trouble::problem(evidence, cause, fix).into();
        }
        // 0: the lock of a process that did not end by itself lay there.
        let was_killed = prometheus.values.get("clean_start").is_some_and(|clean| clean.abs() < 0.5);
        if was_killed && prometheus.uptime < LATELY {
            return Trouble::warning(
                format!("Prometheus started {} ago after a shutdown that was not clean", crate::doctor::units::time(prometheus.uptime)),
                "the machine, the engine or the container was killed; samples of its last seconds may be lost",
                "confidexmon doctor stack (was it its memory?); otherwise there is nothing to do",
            )
            .into();
        }
        Outcome::Well("no damage is reported".to_owned())
    })
}
