//! Ports that are published beyond loopback.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::{Container, Facts};

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "published",
    topic: Topic::Security,
    what: "what is reachable beyond this machine is guarded",
    run: Run::Once(run),
};

fn run(facts: &Facts) -> Outcome {
    crate::doctor::stack::each(
        facts,
        "all ports are on loopback or behind a password",
        |container: &Container| {
            let open = container.published.iter().find(|(address, _)| !is_loopback(address))?;
            let (address, port) = open;
            let guarded = match container.service.as_str() {
                "grafana" => !facts.wanted.grafana_password_is_default,
                "redis" => true,
                _ => facts.wanted.web_auth,
            };
            let what = format!("port {port} of {}", container.service);
            if guarded {
                return None;
            }
            Some(
            Trouble::problem(
                format!("published on {address}:{port}"),
                "everybody who reaches this machine can read and change it without a password",
                "set `bind: 127.0.0.1`, or `security.web_auth: true` and passwords in .env, then `confidexmon up`",
            )
            .about(what),
        )
        },
    )
}

fn is_loopback(address: &str) -> bool {
    address.starts_with("127.") || address == "::1"
}
