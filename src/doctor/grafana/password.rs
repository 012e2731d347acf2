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
            let cause = if facts.wanted.grafana_password_is_default {
                "a password was chosen in Grafana's pages, and .env does not have it"
            } else {
                "GRAFANA_ADMIN_PASSWORD was changed and not applied: Grafana reads it on its first start only"
            };
            let trouble = Trouble::problem("Grafana answers 401 to the password of .env", cause, "confidexmon up");
            if facts.wanted.grafana_password_is_default {
                // Nobody chose the default, and somebody chose the other one.
                let fix = "write the password that is in force as GRAFANA_ADMIN_PASSWORD into .env, then `confidexmon up`";
                return Trouble { fix: fix.to_owned(), ..trouble }.into();
            }
            trouble.mended_by(Remedy::SetGrafanaPassword).into()
        })
    })
}
