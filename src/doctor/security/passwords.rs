//! A password that everybody knows.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::{Asked, Facts};
use crate::model::ServiceKind;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "passwords",
    topic: Topic::Security,
    what: "no password is the documented default",
    run: Run::Once(run),
};

fn run(facts: &Facts) -> Outcome {
    if !facts.wants(ServiceKind::Grafana) {
        return Outcome::NotApplicable;
    }
    let refuses = facts.grafana.answer().is_some_and(|grafana| grafana.signs_in == Asked::Answer(false));
    if facts.wanted.grafana_password_is_default && refuses {
        return Outcome::Well(
            "Grafana refuses the default: the one that was set before is in force".to_owned(),
        );
    }
    if facts.wanted.grafana_password_is_default {
        return Trouble::warning(
            "Grafana's admin has the default password",
            "GRAFANA_ADMIN_PASSWORD is not set",
            "echo \"GRAFANA_ADMIN_PASSWORD=$(openssl rand -hex 16)\" >> .env && chmod 600 .env && confidexmon up",
        )
        .into();
    }
    Outcome::Well("Grafana's is your own".to_owned())
}
