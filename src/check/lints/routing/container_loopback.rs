//! Inside Alertmanager's container `localhost` is the container: whatever is sent there reaches nobody.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::formats::yaml::scalar::Scalar;
use crate::model::loopback::{at_engine_host, host_of};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "container-loopback",
    severity: Severity::Bug,
    doc: "An address of the Alertmanager configuration means its own container, where nothing listens.",
    run: Run::All(check),
};

/// Keys whose value is `host:port` without a scheme.
const HOST_PORTS: [&str; 3] = ["smarthost", "smtp_smarthost", "host"];

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    let Some(file) = view.alertmanager else { return };
    file.tree.walk(&mut |path, scalar| {
        let Some(instead) = at_engine_host(&scalar.value).filter(|_| is_address(path, scalar)) else { return };
        // What else the address holds may be a secret.
        let host = host_of(&scalar.value);
        let message =
            format!("inside Alertmanager's container `{host}` is the container itself, where nothing listens");
        let at = host_of(&instead).to_owned();
        out.push(file.finding(&LINT, scalar.start(), message).fix(format!(
            "write `{at}` for the machine that runs the engine, or the name of a container on the stack's network"
        )));
    });
}

fn is_address(path: &[&Scalar], scalar: &Scalar) -> bool {
    let key = path.last().map_or("", |key| key.value.as_str());
    let has_scheme = scalar.value.starts_with("http://") || scalar.value.starts_with("https://");
    has_scheme && !scalar.value.contains(char::is_whitespace) || HOST_PORTS.contains(&key)
}
