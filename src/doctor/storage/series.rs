//! Series, samples, churn.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::Facts;
use crate::doctor::units;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "series",
    topic: Topic::Storage,
    what: "how many series there are, and how fast new ones come",
    run: Run::Once(run),
};

fn run(facts: &Facts) -> Outcome {
    facts.prometheus.then(|prometheus| {
        prometheus.head.then(|head| {
            let value = |name: &str| prometheus.values.get(name).copied();
            let mut seen = vec![format!("{:.0} series", head.series)];
            seen.extend(value("samples_per_second").map(|rate| format!("{rate:.0} samples a second")));
            seen.extend(value("new_series_per_hour").map(|rate| format!("{rate:.0} new series an hour")));
            seen.extend(
                value("bytes_per_sample")
                    .filter(|bytes| bytes.is_finite())
                    .map(|bytes| format!("{bytes:.1} bytes a sample")),
            );
            let evidence = seen.join(", ");
            let churn =
                value("new_series_per_hour").filter(|_| prometheus.uptime > 3600.0).unwrap_or_default();
            if head.series > 1000.0 && churn > head.series {
                return Trouble::warning(
                    evidence,
                    "all series are replaced within an hour: a label holds ids, times or versions",
                    format!(
                        "drop the label: {}",
                        units::list(
                            &head.top_labels.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>(),
                            3
                        )
                    ),
                )
                .into();
            }
            Outcome::Well(evidence)
        })
    })
}
