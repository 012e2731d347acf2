//! Contexts of the docker CLI: which one is chosen, and the endpoint it stands for.
//!
//! Layout, as the CLI writes it: `config.json` names `currentContext`;
//! `contexts/meta/<sha256 of the name>/meta.json` holds the endpoint, and
//! `contexts/tls/<the same>/docker/` its PEM files.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::engine::{EngineError, ErrorKind};
use crate::model::manifest::sha256_hex;

use super::tls::TlsFiles;

/// Where an engine is said to be, before anything was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// `unix:///…`, `tcp://…`, `ssh://…`.
    pub(super) host: String,
    pub(super) tls: Option<TlsFiles>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CliConfig {
    current_context: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Meta {
    endpoints: BTreeMap<String, MetaEndpoint>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct MetaEndpoint {
    host: Option<String>,
    #[serde(rename = "SkipTLSVerify")]
    skip_tls_verify: bool,
}

/// The CLI's folder: `$DOCKER_CONFIG`, else `~/.docker`.
pub(super) fn config_dir(env: &BTreeMap<String, String>) -> Option<PathBuf> {
    let set = |key: &str| env.get(key).filter(|value| !value.is_empty());
    set("DOCKER_CONFIG")
        .map(PathBuf::from)
        .or_else(|| set("HOME").map(|home| Path::new(home).join(".docker")))
}

/// The names of all contexts; none where they cannot be read.
pub fn context_names(env: &BTreeMap<String, String>) -> Vec<String> {
    let Some(dir) = config_dir(env) else { return Vec::new() };
    let entries = std::fs::read_dir(dir.join("contexts/meta")).into_iter().flatten().flatten();
    let name = |entry: std::fs::DirEntry| {
        let text = std::fs::read_to_string(entry.path().join("meta.json")).ok()?;
        let meta: serde_json::Value = serde_json::from_str(&text).ok()?;
        meta["Name"].as_str().map(str::to_owned)
    };
    let mut names: Vec<String> = entries.filter_map(name).collect();
    names.sort_unstable();
    names
}

/// The current context of `config.json`; `None` when there is none or it is the default one.
pub(super) fn current(dir: &Path) -> Result<Option<String>, EngineError> {
    let path = dir.join("config.json");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if absent(&error) => return Ok(None),
        // Another user's file, as after `sudo -u`: it says nothing about this user's engine.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(None),
        Err(error) => return Err(unreadable(&path, &error)),
    };
    parse_current(&text).map_err(|error| unreadable(&path, &error))
}

/// The endpoint of the context called `name`. An unknown name is an error, as in the CLI.
pub(super) async fn endpoint(dir: &Path, name: &str) -> Result<Endpoint, EngineError> {
    let id = context_id(name);
    let path = dir.join("contexts/meta").join(&id).join("meta.json");
    let text = match tokio::fs::read_to_string(&path).await {
        Ok(text) => text,
        Err(error) if absent(&error) => return Err(broken(name, "there is no context of that name")),
        Err(error) => return Err(unreadable(&path, &error)),
    };
    let tls_dir = dir.join("contexts/tls").join(&id).join("docker");
    let has_tls = tokio::fs::try_exists(tls_dir.join("ca.pem")).await.unwrap_or(false);
    parse_meta(&text, has_tls.then_some(TlsFiles { dir: tls_dir })).map_err(|reason| broken(name, &reason))
}

fn parse_current(text: &str) -> Result<Option<String>, serde_json::Error> {
    let config: CliConfig = serde_json::from_str(text)?;
    Ok(config.current_context.filter(|name| !name.is_empty() && name != "default"))
}

fn parse_meta(text: &str, tls: Option<TlsFiles>) -> Result<Endpoint, String> {
    let mut meta: Meta = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let docker = meta.endpoints.remove("docker").unwrap_or_default();
    let host = docker.host.filter(|host| !host.is_empty()).ok_or("it names no docker endpoint")?;
    if docker.skip_tls_verify {
        return Err(
            "it skips the verification of the engine's certificate, which this program never does".into()
        );
    }
    Ok(Endpoint { host, tls })
}

/// The directory name of a context.
pub(super) fn context_id(name: &str) -> String {
    sha256_hex(name.as_bytes())
}

fn absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn broken(name: &str, reason: &str) -> EngineError {
    EngineError::new(format!("use the docker context `{name}`"), ErrorKind::NoEndpoint, reason)
}

fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> EngineError {
    EngineError::new(format!("read `{}`", path.display()), ErrorKind::Unreachable, error.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_context_lives_under_the_hash_of_its_name() {
        // As `docker context create desktop-linux` names the folder.
        assert_eq!(
            context_id("desktop-linux"),
            "fe9c6bd7a66301f49ca9b6a70b217107cd1284598bfc254700c989b916da791e"
        );
    }

    #[test]
    fn the_default_context_is_no_context() {
        assert_eq!(parse_current(r#"{"currentContext":"default"}"#).unwrap(), None);
        assert_eq!(parse_current(r#"{"auths":{}}"#).unwrap(), None);
        assert_eq!(parse_current(r#"{"currentContext":"lab"}"#).unwrap(), Some("lab".to_owned()));
    }

    #[test]
    fn a_context_without_a_docker_endpoint_is_refused() {
        assert!(parse_meta(r#"{"Name":"k","Endpoints":{"kubernetes":{}}}"#, None).is_err());
    }

    #[test]
    fn an_unverified_engine_is_refused() {
        let meta = r#"{"Endpoints":{"docker":{"Host":"tcp://a:2376","SkipTLSVerify":true}}}"#;
        assert!(parse_meta(meta, None).unwrap_err().contains("never does"));
    }
}
