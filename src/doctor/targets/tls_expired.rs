//! A certificate that has expired, or is not valid yet.

use crate::doctor::check::{Diagnosis, Run, Topic, Trouble};
use crate::doctor::facts::{Facts, Target};

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "tls-expired",
    topic: Topic::Targets,
    what: "the target's certificate is valid today",
    run: Run::Target(run),
};

fn run(target: &Target, facts: &Facts) -> Option<Trouble> {
    if !super::says(target, &["certificate has expired or is not yet valid", "certificate has expired"]) {
        return None;
    }
    let clock = facts.prometheus.answer().and_then(|prometheus| prometheus.clock);
    if let Some((theirs, ours)) = clock.filter(|(theirs, ours)| (theirs - ours).abs() > 3600.0) {
        let evidence = format!("Prometheus's clock is {:.0} s off", theirs - ours);
        return Some(Trouble::problem(
            evidence,
            "the engine's clock is wrong, not the certificate",
            "sudo timedatectl set-ntp true",
        ));
    }
    let early = super::says(target, &["is before"]);
    let cause = if early { "the certificate is not valid yet" } else { "the certificate has expired" };
    Some(Trouble::problem("", cause, format!("renew the certificate of {}:{}", target.host, target.port)))
}
