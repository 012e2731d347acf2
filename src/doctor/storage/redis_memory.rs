//! A Redis that is close to its limit.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::Facts;
use crate::doctor::units;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "redis-memory",
    topic: Topic::Storage,
    what: "Redis has room for more data",
    run: Run::Once(run),
};

fn run(facts: &Facts) -> Outcome {
    facts.redis.then(|memory| {
        if memory.limit <= 0.0 {
            return Outcome::Well(format!("{} used, without a limit of its own", units::bytes(memory.used)));
        }
        let seen = format!("{} of {} used", units::bytes(memory.used), units::bytes(memory.limit));
        if memory.used / memory.limit > 0.9 {
            return Trouble::warning(
                seen,
                "keys that nobody removes, or a limit that is too low: when it is reached, writes fail",
                "raise `redis.max_memory` (and `resources.redis.memory`) in config/confidexmon.yml, then `confidexmon up`",
            )
            .into();
        }
        Outcome::Well(seen)
    })
}
