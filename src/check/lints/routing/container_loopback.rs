//! Inside a service's container `localhost` is the container: whatever is sent there reaches nobody.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::formats::yaml::scalar::Scalar;
use crate::model::ServiceKind;
use crate::model::loopback::{ENGINE_HOST, at_engine_host, host_of};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "container-loopback",
    severity: Severity::Bug,
    doc: "An address in a service's configuration means its own container, where nothing listens.",
    run: Run::All(check),
};

/// Keys whose value is `host:port` without a scheme.
const HOST_PORTS: [&str; 4] = ["smarthost", "smtp_smarthost", "host", "targets"];

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    if let Some(file) = view.alertmanager {
        file.tree.walk(&mut |path, scalar| {
            if let Some((message, fix)) = assess(("Alertmanager", OWN_PORTS[2]), path, scalar) {
                out.push(file.finding(&LINT, scalar.start(), message).fix(fix));
            }
        });
    }
    for file in &view.facts.service_files {
        let service = match file.service {
            ServiceKind::Grafana => ("Grafana", OWN_PORTS[1]),
            _ => ("Prometheus", OWN_PORTS[0]),
        };
        file.tree.walk(&mut |path, scalar| {
            if let Some((message, fix)) = assess(service, path, scalar) {
                out.push(file.finding(&LINT, scalar.start(), message).fix(fix));
            }
        });
    }
}

/// What people write for the machine that runs the engine, and nobody resolves.
const NO_NAMES: [&str; 4] = ["host.internal", "docker.internal", "docker.host.internal", "host.docker"];

/// What Prometheus, Grafana and Alertmanager listen on inside of their containers: each may ask itself.
const OWN_PORTS: [&str; 3] = [":9090", ":3000", ":9093"];

fn assess((service, own_port): (&str, &str), path: &[&Scalar], scalar: &Scalar) -> Option<(String, String)> {
    if is_address(path, scalar) && NO_NAMES.contains(&host_of(&scalar.value)) {
        let host = host_of(&scalar.value);
        let message = format!("nothing resolves `{host}` in {service}'s container");
        return Some((message, format!("write `{ENGINE_HOST}` for the machine that runs the engine")));
    }
    let instead = at_engine_host(&scalar.value).filter(|_| is_address(path, scalar))?;
    // What else the address holds may be a secret.
    let host = host_of(&scalar.value);
    let behind = scalar.value.split_once(host).map_or("", |(_, rest)| rest);
    if behind == own_port || behind.starts_with(&format!("{own_port}/")) {
        return None;
    }
    let message =
        format!("inside {service}'s container `{host}` is the container itself, where nothing listens");
    let at = host_of(&instead).to_owned();
    let fix = format!(
        "write `{at}` for the machine that runs the engine, or the name of a container on the stack's network"
    );
    Some((message, fix))
}

fn is_address(path: &[&Scalar], scalar: &Scalar) -> bool {
    let key = path.last().map_or("", |key| key.value.as_str());
    let has_scheme = scalar.value.starts_with("http://") || scalar.value.starts_with("https://");
    has_scheme && !scalar.value.contains(char::is_whitespace) || HOST_PORTS.contains(&key)
}
