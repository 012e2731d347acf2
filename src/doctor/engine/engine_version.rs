//! Versions of the engine with a known fault that concerns this stack.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::Facts;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "engine-version",
    topic: Topic::Engine,
    what: "the engine's version has no known fault that concerns this stack",
    run: Run::Once(run),
};

/// The first Docker whose ports on 127.0.0.1 cannot be reached from the network segment.
const LOOPBACK_IS_CLOSED: u32 = 28;

fn run(facts: &Facts) -> Outcome {
    facts.engine.then(|engine| {
        let major: Option<u32> = engine.version.split('.').next().and_then(|number| number.parse().ok());
        match major {
            Some(major) if !engine.podman && major < LOOPBACK_IS_CLOSED && major > 0 => Trouble::warning(
                format!("Docker {}", engine.version),
                "ports published on 127.0.0.1 can be reached from other machines of the same network segment (fixed in Docker 28)",
                "upgrade Docker, or set `security.web_auth: true` in config/confidexmon.yml",
            )
            .into(),
            _ => Outcome::Well(engine.version.clone()),
        }
    })
}
