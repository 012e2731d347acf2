//! Any other failure of a TLS handshake.

use crate::doctor::check::{Diagnosis, Run, Topic, Trouble};
use crate::doctor::facts::{Facts, Target};

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "tls-other",
    topic: Topic::Targets,
    what: "Prometheus and the target agree on TLS",
    run: Run::Target(run),
};

fn run(target: &Target, _: &Facts) -> Option<Trouble> {
    if !super::says(
        target,
        &["tls:", "x509:", "handshake failure", "bad certificate", "certificate required"],
    ) {
        return None;
    }
    let client = super::says(target, &["certificate required", "bad certificate"]);
    let cause = if client { "the server asks for a client's certificate" } else { "the TLS handshake fails" };
    let fix = format!("openssl s_client -connect {}:{} </dev/null", target.host, target.port);
    Some(Trouble::problem("", cause, fix))
}
