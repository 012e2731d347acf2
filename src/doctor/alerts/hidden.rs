//! Silences, inhibitions and mute times that hide a firing alert now.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::{ActiveAlert, Facts};
use crate::doctor::units;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "hidden",
    topic: Topic::Alerts,
    what: "nothing holds back an alert that fires",
    run: Run::Once(run),
};

/// What holds an alert back, and what tells it.
type Kind = (&'static str, fn(&ActiveAlert) -> bool);

fn run(facts: &Facts) -> Outcome {
    facts.alertmanager.then(|alertmanager| {
        let firing = alertmanager.alerts.len();
        // What always fires is meant to be held back from people.
        let real =
            alertmanager.alerts.iter().filter(|alert| !matches!(alert.severity.as_str(), "none" | "info"));
        let kinds: [Kind; 2] = [
            ("silence", |alert| !alert.silenced_by.is_empty()),
            ("mute time", |alert| !alert.muted_by.is_empty()),
        ];
        let mut troubles = Vec::new();
        for (kind, is_hidden) in kinds {
            let hidden: Vec<&ActiveAlert> = real.clone().filter(|alert| is_hidden(alert)).collect();
            if hidden.is_empty() {
                continue;
            }
            let names: Vec<String> = hidden.iter().map(|alert| alert.name.clone()).collect();
            let ids: Vec<String> = hidden
                .iter()
                .flat_map(|alert| alert.silenced_by.iter().chain(&alert.muted_by))
                .cloned()
                .collect();
            let critical = hidden.iter().any(|alert| alert.severity == "critical");
            let evidence = format!("{} ({})", units::list(&names, 4), units::list(&ids, 2));
            let fix = if kind == "silence" {
                "confidexmon open alertmanager (Silences)"
            } else {
                "look at `mute_time_intervals` in config/templates/alertmanager.yml"
            };
            let word = if critical { "a critical alert fires, and " } else { "" };
            troubles.push(Trouble::warning(evidence, format!("{word}a {kind} keeps it from everybody"), fix));
        }
        let inhibited = real.filter(|alert| !alert.inhibited_by.is_empty()).count();
        let more = if inhibited > 0 {
            format!("; {inhibited} are a consequence of another and held back")
        } else {
            String::new()
        };
        Outcome::of(troubles, format!("{}{more}", units::count(firing, "alert")))
    })
}
