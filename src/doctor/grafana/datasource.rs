//! Whether Grafana reaches Prometheus.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::Facts;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "grafana-datasource",
    topic: Topic::Grafana,
    what: "Grafana reaches Prometheus through its datasource",
    run: Run::Once(run),
};

/// Words of the answer, cause, fix.
const CAUSES: [(&[&str], &str, &str); 6] = [
    (
        &["plugin not registered", "plugin.notregistered", "plugin not found"],
        "the datasource's plugin did not start",
        "confidexmon logs grafana --tail 30",
    ),
    (
        &["connection refused"],
        "the datasource's URL leads to a port on which nothing listens (`localhost` is Grafana's own container)",
        "confidexmon up",
    ),
    (
        &["no such host", "server misbehaving", "name resolution", "name or service not known"],
        "the name of Prometheus does not resolve in the stack's network",
        "confidexmon up",
    ),
    (&["401", "unauthorized"], "the datasource's password is not the one of Prometheus", "confidexmon up"),
    (&["404"], "Grafana has no such datasource: it was not provisioned", "confidexmon reload dashboards"),
    (&["deadline", "timeout"], "Prometheus does not answer in time", "confidexmon doctor stack"),
];

fn run(facts: &Facts) -> Outcome {
    facts.grafana.then(|grafana| {
        grafana.datasource.then(|words| {
            if words.is_empty() {
                return Outcome::Well("it works".to_owned());
            }
            let lower = words.to_lowercase();
            let known = CAUSES.iter().find(|(marks, ..)| marks.iter().any(|mark| lower.contains(mark)));
            let (cause, fix) = known.map_or(
                ("Prometheus does not answer Grafana", "confidexmon doctor stack"),
                |(_, cause, fix)| (*cause, *fix),
            );
            Trouble::problem(format!("Grafana says: {words}"), cause, fix).into()
        })
    })
}
