//! A password in `.env` that is not the one in force.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::Facts;
use crate::doctor::remedy::Remedy;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "grafana-password",
    topic: Topic::Grafana,
    what: "Grafana takes the password of .env",
    run: Run::Once(run),
};

fn run(facts: &Facts) -> Outcome {
    facts.grafana.then(|grafana| {
        grafana.signs_in.then(|signs_in| {
            if *signs_in {
                return Outcome::Well("signing in works".to_owned());
            }
            let is_default = facts.wanted.grafana_password_is_default;
            let evidence = format!(
                "Grafana answers 401 to the {}",
                if is_default { "default password" } else { "password of .env" }
            );
            let cause = if is_default {
                "the password that was set before, in .env or in Grafana's pages, is still in force, and .env has none"
            } else {
                "GRAFANA_ADMIN_PASSWORD was changed and not applied: Grafana reads it on its first start only"
            };
            let trouble = Trouble::problem(evidence, cause, "confidexmon up");
            if is_default {
                // Nobody chose the default, and somebody chose the other one.
                let fix = "set it again as GRAFANA_ADMIN_PASSWORD in .env, or a new one, then `confidexmon up`";
                return Trouble { fix: fix.to_owned(), ..trouble }.into();
            }
            trouble.mended_by(Remedy::SetGrafanaPassword).into()
        })
    })
}
