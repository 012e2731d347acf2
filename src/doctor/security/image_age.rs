//! Old images.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::Facts;
use crate::doctor::units;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "image-age",
    topic: Topic::Security,
    what: "the images are not months behind",
    run: Run::Once(run),
};

/// Seconds.
const OLD: f64 = 270.0 * 86_400.0;

fn run(facts: &Facts) -> Outcome {
    crate::doctor::stack::each(facts, "all were made within nine months", |container| {
        let age = facts.now - container.image_created?;
        // A build that can be repeated has a date of 1970 or 1980.
        (age > OLD && age < 20.0 * 365.0 * 86_400.0).then(|| {
            Trouble::warning(
                format!("{} was made {} ago", container.image, units::time(age)),
                "later versions have mended known faults",
                format!("confidexmon update {} --check", container.service),
            )
        })
    })
}
