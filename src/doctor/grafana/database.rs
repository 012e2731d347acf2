//! Grafana's database.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::Facts;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "grafana-database",
    topic: Topic::Grafana,
    what: "Grafana answers, and its database is healthy",
    run: Run::Once(run),
};

fn run(facts: &Facts) -> Outcome {
    facts.grafana.then(|grafana| {
        if grafana.database != "ok" {
            return Trouble::problem(
                format!("/api/health says that the database is `{}`", grafana.database),
                "the database cannot be read: damaged, or its disk is full",
                "confidexmon logs grafana --tail 30; confidexmon backups",
            )
            .into();
        }
        if grafana.locked_lines > 10 {
            return Trouble::warning(
                format!("its log says {} times that the database is locked", grafana.locked_lines),
                "something else writes to the same database, or the disk is slow",
                "confidexmon restart grafana",
            )
            .into();
        }
        Outcome::Well(format!("Grafana {}, database ok", grafana.version))
    })
}
