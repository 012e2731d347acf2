//! Rules that fail or are skipped.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::Facts;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "evaluation",
    topic: Topic::Alerts,
    what: "every rule is evaluated, without errors and in time",
    run: Run::Once(run),
};

fn run(facts: &Facts) -> Outcome {
    facts.prometheus.then(|prometheus| {
        prometheus.rules.then(|rules| {
            let failing = rules.iter().filter(|rule| rule.health == "err");
            let mut troubles: Vec<Trouble> = failing
                .map(|rule| {
                    let cause = if rule.last_error.contains("many-to-many") || rule.last_error.contains("duplicate series") {
                        "two series match where one is expected: a label more than the rule counts on"
                    } else {
                        "its query fails, so the alert is blind"
                    };
                    Trouble::problem(rule.last_error.clone(), cause, "confidexmon check --live").about(format!("the rule {}", rule.name))
                })
                .collect();
            let missed = prometheus.values.get("missed_evaluations").copied().unwrap_or_default();
            if missed >= 1.0 {
                troubles.push(Trouble::warning(
                    format!("{missed:.0} evaluations were skipped in 15 minutes"),
                    "a group takes longer than its interval",
                    "set a longer `prometheus.evaluation_interval` in config/confidexmon.yml, then `confidexmon up`",
                ));
            }
            let share = prometheus.values.get("evaluation_share").copied().unwrap_or_default();
            if missed < 1.0 && share > 0.5 {
                troubles.push(Trouble::warning(
                    format!("a group takes {:.0} % of its interval", share * 100.0),
                    "it reads too many series: soon evaluations are skipped",
                    "confidexmon doctor storage -v; simplify the group, or set a longer `prometheus.evaluation_interval`",
                ));
            }
            Outcome::of(troubles, format!("{} rules, none fails", rules.len()))
        })
    })
}
