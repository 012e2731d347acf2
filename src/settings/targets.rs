//! Scrape targets: URLs taken apart, credentials looked up by the variables that the file names.

use crate::model::loopback::{self, at_engine_host};
use crate::model::{Diagnostic, Place};
use crate::model::{PromDuration, Secret};
use crate::settings::dotenv::Variables;
use crate::settings::reader::{Target, Values};
use crate::settings::{PemFile, TargetAuth, TargetSettings, TargetTls, problem, scalar};

/// The backend as its own documentation has it.
const DEFAULT_JOB: &str = "confidex-backend";
const DEFAULT_ADDRESS: &str = "host.docker.internal:3001";

/// Variables that targets take their credentials from.
pub(super) fn variable_names(values: &Values) -> Vec<String> {
    let targets = values.targets.iter().flatten();
    let names = targets.flat_map(|target| {
        [
            target.values.text("bearer_token_env"),
            target.values.basic_auth().and_then(|auth| auth.text("password_env")),
        ]
    });
    names.flatten().map(str::to_owned).collect()
}

pub(super) fn resolve(
    values: &Values,
    variables: &Variables,
    problems: &mut Vec<Diagnostic>,
) -> Vec<TargetSettings> {
    let Some(targets) = &values.targets else { return vec![default_target()] };
    targets.iter().filter_map(|target| one(target, variables, problems)).collect()
}

fn default_target() -> TargetSettings {
    TargetSettings {
        job: DEFAULT_JOB.to_owned(),
        scheme: "http".to_owned(),
        address: DEFAULT_ADDRESS.to_owned(),
        path: "/metrics".to_owned(),
        interval: None,
        labels: std::collections::BTreeMap::new(),
        auth: TargetAuth::None,
        tls: TargetTls::default(),
        insecure_skip_verify: false,
    }
}

/// `None` when a problem with the required fields was reported already.
fn one(target: &Target, variables: &Variables, problems: &mut Vec<Diagnostic>) -> Option<TargetSettings> {
    let values = &target.values;
    let job = values.text("job")?.to_owned();
    let (scheme, address, path) = taken_apart(values.text("url")?)?;
    let address = reachable(values, (&scheme, address, &path), problems);
    let auth = auth(target, variables, problems);
    if auth != TargetAuth::None && scheme == "http" {
        let text = format!("the credentials of `{job}` travel unencrypted over http");
        problems.push(problem::warning(text, values.place("url").cloned()).fix("use an https URL"));
    }
    Some(TargetSettings {
        job,
        scheme,
        address,
        path: if path.is_empty() || path == "/" { "/metrics".to_owned() } else { path },
        interval: values.text("interval").and_then(PromDuration::parse),
        labels: values.labels("labels"),
        auth,
        tls: tls(target, problems),
        insecure_skip_verify: values.text("insecure_skip_verify") == Some("true"),
    })
}

/// The address as Prometheus's container can reach it: `localhost` there is the container itself.
fn reachable(
    values: &Values,
    (scheme, address, path): (&str, String, &str),
    problems: &mut Vec<Diagnostic>,
) -> String {
    let Some(reachable) = at_engine_host(&address) else { return address };
    let host = loopback::host_of(&address);
    let text = format!(
        "inside Prometheus's container `{host}` is the container itself; `{reachable}` is scraped instead, on the machine that runs the engine"
    );
    let hint = format!("write `url: {scheme}://{reachable}{path}`");
    problems.push(problem::warning(text, values.place("url").cloned()).fix(hint));
    reachable
}

/// Scheme, address with its port, and path.
pub(super) fn taken_apart(url: &str) -> Option<(String, String, String)> {
    let (scheme, authority, path) = scalar::url(url)?;
    let default_port = if scheme == "https" { 443 } else { 80 };
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']'));
    let address = if has_port { authority } else { format!("{authority}:{default_port}") };
    Some((scheme, address, path))
}

fn tls(target: &Target, problems: &mut Vec<Diagnostic>) -> TargetTls {
    let values = &target.values;
    let file = |setting: &'static str| {
        let path = values.text(setting)?.to_owned();
        Some(PemFile { setting, path, text: Secret::new(String::new()) })
    };
    let tls = TargetTls { authority: file("ca_file"), certificate: file("cert_file"), key: file("key_file") };
    if tls.certificate.is_some() != tls.key.is_some() {
        let place = values.place("cert_file").or_else(|| values.place("key_file")).cloned();
        problems.push(
            problem::error("`cert_file` and `key_file` belong together, and one of them is missing", place)
                .fix("name the client's certificate and its key"),
        );
    }
    tls
}

fn auth(target: &Target, variables: &Variables, problems: &mut Vec<Diagnostic>) -> TargetAuth {
    let values = &target.values;
    let bearer = values.text("bearer_token_env");
    let basic = values.basic_auth();
    if bearer.is_some() && basic.is_some() {
        problems.push(problem::error(
            "a target takes `bearer_token_env` or `basic_auth`, not both",
            values.place("bearer_token_env").cloned(),
        ));
    }
    let mut secret = |name: &str, place: Option<&Place>| {
        if let Some(located) = variables.get(name) {
            Some(Secret::new(located.value.clone()))
        } else {
            problems.push(
                problem::error(format!("the variable `{name}` is not set"), place.cloned())
                    .fix(format!("set {name} in .env or the environment")),
            );
            None
        }
    };
    if let Some(name) = bearer {
        return secret(name, values.place("bearer_token_env")).map_or(TargetAuth::None, TargetAuth::Bearer);
    }
    let Some((username, name)) = basic.and_then(|auth| auth.text("username").zip(auth.text("password_env")))
    else {
        return TargetAuth::None;
    };
    let place = basic.and_then(|auth| auth.place("password_env"));
    match secret(name, place) {
        Some(password) => TargetAuth::Basic { username: username.to_owned(), password },
        None => TargetAuth::None,
    }
}
