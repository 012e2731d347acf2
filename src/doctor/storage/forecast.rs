//! When the disk or the retention's size is full.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::Facts;
use crate::doctor::units;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "forecast",
    topic: Topic::Storage,
    what: "there is room for the samples of the time to keep",
    run: Run::Once(run),
};

const DAY: f64 = 86_400.0;

fn run(facts: &Facts) -> Outcome {
    facts.prometheus.then(|prometheus| {
        let Some(used) = prometheus.values.get("storage_bytes").copied() else {
            return Outcome::Unknown("Prometheus has not measured its storage yet".to_owned());
        };
        let seen = units::bytes(used);
        // A slope over minutes tells nothing: the first blocks are yet to be written.
        let slope =
            prometheus.values.get("storage_slope").copied().filter(|_| prometheus.uptime > 6.0 * 3600.0);
        let Some(slope) = slope.filter(|slope| *slope > 0.0) else {
            return Outcome::Well(format!("{seen}, and it does not grow measurably yet"));
        };
        let growth = format!("{seen}, growing by {} a day", units::bytes(slope * DAY));
        if let Some(free) =
            facts.machine.answer().and_then(|machine| machine.disk.as_ref()).map(|disk| disk.free)
        {
            // Retention by size stops the growth before the disk does.
            let rest = facts.wanted.retention_size.map_or(free, |size| free.min((size - used).max(0.0)));
            let stops_before = facts.wanted.retention_size.is_some_and(|size| size - used < free);
            let days = free / slope / DAY;
            if !stops_before && days < 14.0 {
                let evidence = format!("{growth}; {} are free", units::bytes(free));
                let cause = format!("the disk is full in {}", units::time(days * DAY));
                return Trouble::warning(
                    evidence,
                    cause,
                    "set `prometheus.retention_size` in config/confidexmon.yml, then `confidexmon up`",
                )
                .into();
            }
            let days = rest / slope / DAY;
            return Outcome::Well(format!("{growth}: full in {}", units::time(days * DAY)));
        }
        let kept = facts.wanted.retention_size.map(|size| size / slope / DAY);
        match kept.filter(|days| days * DAY < facts.wanted.retention_time) {
            Some(days) => Trouble::warning(
                growth,
                format!(
                    "`retention_size` is reached after {}, before `retention_time`",
                    units::time(days * DAY)
                ),
                "raise `prometheus.retention_size` in config/confidexmon.yml, then `confidexmon up`",
            )
            .into(),
            None => Outcome::Well(growth),
        }
    })
}
