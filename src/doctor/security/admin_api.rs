//! The API that deletes data.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::Facts;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "admin-api",
    topic: Topic::Security,
    what: "Prometheus's admin API is off",
    run: Run::Once(run),
};

fn run(facts: &Facts) -> Outcome {
    facts.prometheus.then(|prometheus| {
        prometheus.admin_api.then(|is_on| {
            if *is_on {
                return Trouble::problem(
                    "--web.enable-admin-api is on",
                    "whoever reaches the port can delete series: a page in a browser on this machine can",
                    "confidexmon up",
                )
                .into();
            }
            Outcome::Well("it is".to_owned())
        })
    })
}
