//! Scrape targets that cannot be scraped, each with its cause.

pub(super) mod connection_dropped;
pub(super) mod content_type;
pub(super) mod contract;
pub(super) mod credentials;
pub(super) mod firewall;
pub(super) mod http_on_https;
pub(super) mod https_on_http;
pub(super) mod limit;
pub(super) mod localhost;
pub(super) mod login_redirect;
pub(super) mod loopback_only;
pub(super) mod name_not_found;
pub(super) mod nothing_listens;
pub(super) mod parse_error;
pub(super) mod server_error;
pub(super) mod service_down;
pub(super) mod targets_up;
pub(super) mod tls_authority;
pub(super) mod tls_expired;
pub(super) mod tls_name;
pub(super) mod tls_other;
pub(super) mod too_slow;
pub(super) mod unexplained;
pub(super) mod unreachable;
pub(super) mod wrong_path;

use crate::doctor::check::{Check, Run};
use crate::doctor::facts::{Facts, Target};

/// For each target that is down, the first diagnosis that explains it.
pub(super) fn explain(facts: &Facts) -> Vec<Check> {
    let targets = facts.prometheus.answer().and_then(|prometheus| prometheus.targets.answer());
    let down = targets.into_iter().flatten().filter(|target| target.health == "down");
    down.filter_map(|target| cause(target, facts)).collect()
}

fn cause(target: &Target, facts: &Facts) -> Option<Check> {
    crate::doctor::ALL.iter().find_map(|diagnosis| {
        let Run::Target(run) = diagnosis.run else { return None };
        let mut trouble = run(target, facts)?;
        trouble.evidence = format!("Prometheus says: {}{}", said(target), with_comma(&trouble.evidence));
        Some(diagnosis.trouble(trouble.about(format!("the target {} ({})", target.job, target.url))))
    })
}

fn said(target: &Target) -> &str {
    if target.last_error.is_empty() { "nothing" } else { &target.last_error }
}

fn with_comma(more: &str) -> String {
    if more.is_empty() { String::new() } else { format!("; {more}") }
}

/// Prometheus's error, or what the same request says now, holds one of the words.
fn says(target: &Target, words: &[&str]) -> bool {
    let error = target.last_error.to_lowercase();
    words.iter().any(|word| error.contains(word))
}

/// `server returned HTTP status 404 Not Found` → 404.
fn status(target: &Target) -> Option<u16> {
    let (_, rest) = target.last_error.split_once("HTTP status ")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

const TIMEOUT: &[&str] = &["deadline exceeded", "i/o timeout", "timeout"];

fn timed_out(target: &Target) -> bool {
    says(target, TIMEOUT)
}

/// True when a connection from this machine to the address that containers know as the host works.
fn gateway_works(target: &Target) -> bool {
    target.gateway.answer().is_some_and(String::is_empty)
}

/// True when this machine can connect to the target's port by the way that is open to it.
fn connects_from_here(target: &Target) -> bool {
    target.from_here.answer().is_some_and(|view| view.connect.is_empty())
}

/// The setting that leads to a target.
fn in_settings(target: &Target) -> String {
    format!("the `url` of `{}` under `targets:` in config/confidexmon.yml, then `confidexmon up`", target.job)
}
