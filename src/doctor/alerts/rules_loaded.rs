//! Rules on disk that are not those in force.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::{Asked, Facts};
use crate::doctor::remedy::Remedy;
use crate::doctor::units;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "rules-loaded",
    topic: Topic::Alerts,
    what: "Prometheus holds the rules that are on disk",
    run: Run::Once(run),
};

fn run(facts: &Facts) -> Outcome {
    facts.prometheus.then(|prometheus| {
        if prometheus.reload_succeeded == Asked::Answer(false) {
            return Trouble::problem(
                "the last reload failed",
                "a file is refused: Prometheus goes on with the old configuration, and will not start with this one",
                "confidexmon check && confidexmon reload-rules",
            )
            .into();
        }
        prometheus.rules_differ.then(|lines| {
            if lines.is_empty() {
                let number = prometheus.rules.answer().map_or(0, Vec::len);
                return Outcome::Well(format!("{number} rules"));
            }
            Trouble::problem(
                units::list(lines, 4),
                "rules were edited and not reloaded, or a reload did not take",
                "confidexmon reload-rules",
            )
            .mended_by(Remedy::ReloadRules)
            .into()
        })
    })
}
