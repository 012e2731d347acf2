//! Planted facts and what is said of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use super::check::Run;
use super::facts::{Asked, Facts, Prometheus, Target};
use super::{ALL, Topic, Verdict, examine};

#[test]
fn ids_are_unique_and_every_topic_has_some() {
    let ids: BTreeSet<&str> = ALL.iter().map(|diagnosis| diagnosis.id).collect();
    assert_eq!(ids.len(), ALL.len());
    for topic in Topic::ALL {
        assert!(ALL.iter().any(|diagnosis| diagnosis.topic == topic), "{topic}");
    }
    assert!(ALL.iter().any(|diagnosis| matches!(diagnosis.run, Run::Target(_))));
}

fn with_target(target: Target) -> Facts {
    let prometheus =
        Prometheus { targets: Asked::Answer(vec![target]), uptime: 600.0, ..Prometheus::default() };
    Facts { prometheus: Asked::Answer(prometheus), ..Facts::default() }
}

#[test]
fn a_target_that_nothing_explains_is_still_a_problem() {
    let target = Target { health: "down".to_owned(), last_error: "odd".to_owned(), ..Target::default() };
    let checks = examine(&with_target(target), &[Topic::Targets]);
    assert_eq!((checks[0].id, checks[0].verdict), ("unexplained", Verdict::Problem));
}
