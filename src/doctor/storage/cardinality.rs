//! The metrics and labels that cost most.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::Facts;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "cardinality",
    topic: Topic::Storage,
    what: "no metric or label takes most of the memory",
    run: Run::Once(run),
};

fn run(facts: &Facts) -> Outcome {
    facts.prometheus.then(|prometheus| {
        prometheus.head.then(|head| {
            let shown = |top: &[(String, f64)]| top.iter().take(5).map(|(name, number)| format!("{name} {number:.0}")).collect::<Vec<_>>().join(", ");
            let evidence = format!("metrics: {}; labels: {}", shown(&head.top_metrics), shown(&head.top_labels));
            let heavy = head.top_metrics.first().filter(|(_, number)| *number > 20_000.0 && *number > head.series / 2.0);
            let wide = head.top_labels.iter().find(|(name, number)| *number > 20_000.0 && name != "__name__");
            let cause = match (heavy, wide) {
                (_, Some((label, number))) => format!("the label `{label}` has {number:.0} values: ids, addresses or times do not belong into labels"),
                (Some((metric, number)), None) => format!("`{metric}` alone is {number:.0} series"),
                (None, None) => return Outcome::Well(evidence),
            };
            Trouble::warning(evidence, cause, "drop it by `metric_relabel_configs` in config/templates/prometheus.yml, then `confidexmon up`").into()
        })
    })
}
