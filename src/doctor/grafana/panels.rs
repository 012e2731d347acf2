//! Panels that show nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::{Facts, Panel, Panels};
use crate::doctor::units;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "grafana-panels",
    topic: Topic::Grafana,
    what: "every panel's query finds data in its time range",
    run: Run::Once(run),
};

fn run(facts: &Facts) -> Outcome {
    facts.grafana.then(|grafana| {
        grafana.panels.then(|panels| {
            if panels.bad.is_empty() {
                return Outcome::Well(asked(panels));
            }
            if panels.warming_up {
                let reason = format!(
                    "{} show nothing yet: a target was scraped too few times",
                    units::count(panels.bad.len(), "panel")
                );
                return Outcome::Unknown(reason);
            }
            let mut by_dashboard: BTreeMap<&str, Vec<&Panel>> = BTreeMap::new();
            for panel in &panels.bad {
                by_dashboard.entry(&panel.dashboard).or_default().push(panel);
            }
            let troubles = by_dashboard.into_iter().map(|(dashboard, bad)| one(facts, dashboard, &bad));
            Outcome::Wrong(troubles.collect())
        })
    })
}

fn asked(panels: &Panels) -> String {
    let mut seen = format!("{} of {} queries were asked", panels.asked, panels.of);
    if panels.nan > 0 {
        seen.push_str(&format!(
            "; {} show NaN, because nothing happened in their time range",
            units::count(panels.nan, "panel")
        ));
    }
    seen
}

fn one(facts: &Facts, dashboard: &str, bad: &[&Panel]) -> Trouble {
    let missing: BTreeSet<&String> = bad.iter().flat_map(|panel| &panel.missing_metrics).collect();
    let missing: Vec<String> = missing.into_iter().cloned().collect();
    let first = bad.first().map(|panel| panel.message.clone()).unwrap_or_default();
    let gone: BTreeMap<&String, f64> =
        bad.iter().flat_map(|panel| panel.last_seen.iter().map(|(name, at)| (name, *at))).collect();
    let since: Vec<String> = gone
        .iter()
        .map(|(name, at)| format!("{name} was there last {} ago", units::time(facts.now - at)))
        .collect();
    let since = if since.is_empty() { String::new() } else { format!("; {}", units::list(&since, 3)) };
    let seen = format!("{} show nothing; {first}{since}", units::count(bad.len(), "panel"));
    let targets = facts.prometheus.answer().and_then(|prometheus| prometheus.targets.answer());
    let is_down = targets.into_iter().flatten().any(|target| target.health == "down");
    let trouble = if let Some(panel) = bad.iter().find(|panel| panel.is_error) {
        Trouble::problem(
            format!("{}: {}", units::count(bad.len(), "panel"), panel.message),
            "the query fails",
            "confidexmon check --live",
        )
    } else if is_down && !missing.is_empty() {
        let evidence = format!("{seen}; there is no {}", units::list(&missing, 3));
        Trouble::warning(
            evidence,
            "a target is down, and with it the metrics that the panels show",
            "confidexmon doctor targets",
        )
    } else if !missing.is_empty() {
        let evidence = format!("{seen}; there is no {}", units::list(&missing, 3));
        Trouble::warning(evidence, "no target exports these metrics", "confidexmon check --live")
    } else if !gone.is_empty() {
        Trouble::warning(
            seen,
            "the target no longer exports these metrics, or is no longer scraped",
            "confidexmon doctor targets; confidexmon check --live",
        )
    } else {
        Trouble::warning(
            seen,
            "the metrics are there, but not with these labels or in this time range",
            "confidexmon check --live",
        )
    };
    trouble.about(format!("the panels of {dashboard}"))
}
