//! Dashboards that Grafana does not have.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::Facts;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "grafana-dashboards",
    topic: Topic::Grafana,
    what: "Grafana has every dashboard of the files",
    run: Run::Once(run),
};

fn run(facts: &Facts) -> Outcome {
    facts.grafana.then(|grafana| {
        grafana.missing_dashboards.then(|missing| {
            let troubles = missing.iter().map(|(file, words)| {
                let v2 = words.contains("v2")
                    || words.contains("apiVersion")
                    || words.contains("Dashboard title cannot be empty");
                let cause = if v2 {
                    "it is in the v2 format, which provisioning does not take"
                } else if words.is_empty() {
                    "it was not read yet, or its uid is another file's"
                } else {
                    "Grafana refuses the file"
                };
                let fix = if v2 {
                    "export it from Grafana as classic JSON"
                } else {
                    "confidexmon reload dashboards"
                };
                let evidence = if words.is_empty() {
                    "its log does not say why".to_owned()
                } else {
                    format!("its log says: {words}")
                };
                Trouble::problem(evidence, cause, fix).about(format!("the dashboard {file}"))
            });
            Outcome::of(troubles.collect(), "all are there")
        })
    })
}
