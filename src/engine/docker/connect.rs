//! From flags and environment to a connected engine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::engine::{Capabilities, EngineError, EngineInfo, ErrorKind};

use super::DockerEngine;
use super::context::{self, Endpoint};
use super::errors::explain;
use super::known::{self, Known, Signature};
use super::ssh::{Destination, Tunnel};
use super::tls::{TlsFiles, client_config};
use super::transport::Transport;
use super::version::{ApiVersion, VersionAnswer};
use super::wire::{Wire, get_unversioned, introduction};

/// What the user said about the engine. The first that is set wins: `--host`, `--context`,
/// `DOCKER_HOST`, `DOCKER_CONTEXT`, the current context, then the usual sockets.
#[derive(Clone, Debug, Default)]
pub struct EndpointChoice {
    pub host_flag: Option<String>,
    pub context_flag: Option<String>,
    /// Of the environment, these are read: `DOCKER_HOST`, `DOCKER_CONTEXT`, `DOCKER_CONFIG`,
    /// `DOCKER_TLS_VERIFY`, `DOCKER_CERT_PATH`, `HOME`, `XDG_RUNTIME_DIR`.
    pub env: BTreeMap<String, String>,
    /// Published ports to forward to this machine when the engine is reached by ssh.
    pub forward_ports: Vec<u16>,
    /// The folder in which this machine remembers the engines that it has met; without it each is asked anew.
    pub memory: Option<PathBuf>,
}

const VERSION_WITHIN: Duration = Duration::from_secs(5);

/// Connects with one request (`GET /version`, or `GET /_ping` of an engine that is known), which proves that the
/// engine answers and settles the API version. Of the usual sockets, the first that answers is taken.
pub async fn connect(choice: EndpointChoice) -> Result<DockerEngine, EngineError> {
    let mut first_failure = None;
    for endpoint in candidates(&choice).await? {
        match open(&endpoint, &choice).await {
            Ok(engine) => return Ok(engine),
            Err(error) if error.kind == ErrorKind::Unreachable => {
                first_failure.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    Err(first_failure.unwrap_or_else(|| unreachable("no endpoint", "there is nothing to try")))
}

/// The same without ssh, whose tunnel has to know its ports: `None` where that is the way.
pub async fn connect_directly(choice: EndpointChoice) -> Option<Result<DockerEngine, EngineError>> {
    let endpoints = candidates(&choice).await.ok()?;
    if endpoints.iter().any(|endpoint| endpoint.host.starts_with("ssh://")) {
        return None;
    }
    Some(connect(choice).await)
}

/// The endpoints to try: one when the user chose, several when nobody did.
async fn candidates(choice: &EndpointChoice) -> Result<Vec<Endpoint>, EngineError> {
    let env = |key: &str| choice.env.get(key).filter(|value| !value.is_empty());
    if let Some(host) = choice.host_flag.as_ref() {
        return Ok(vec![given(host, &choice.env)]);
    }
    let flag = choice.context_flag.as_deref();
    if let Some(name) = flag.filter(|name| *name != "default") {
        return Ok(vec![named(&choice.env, name).await?]);
    }
    if let Some(host) = env("DOCKER_HOST") {
        return Ok(vec![given(host, &choice.env)]);
    }
    if flag.is_none()
        && let Some(name) = chosen_context(&choice.env)?
    {
        return Ok(vec![named(&choice.env, &name).await?]);
    }
    Ok(usual_endpoints(&choice.env))
}

/// `DOCKER_CONTEXT`, else the current one of the CLI; `None` for the default context.
fn chosen_context(env: &BTreeMap<String, String>) -> Result<Option<String>, EngineError> {
    if let Some(name) = env.get("DOCKER_CONTEXT").filter(|name| !name.is_empty()) {
        return Ok((name != "default").then(|| name.clone()));
    }
    match context::config_dir(env) {
        Some(dir) => context::current(&dir),
        None => Ok(None),
    }
}

async fn named(env: &BTreeMap<String, String>, name: &str) -> Result<Endpoint, EngineError> {
    let dir = context::config_dir(env).unwrap_or_else(|| PathBuf::from(".docker"));
    context::endpoint(&dir, name).await
}

/// An address typed by the user; TLS by `DOCKER_TLS_VERIFY` and `DOCKER_CERT_PATH` as in the CLI.
fn given(host: &str, env: &BTreeMap<String, String>) -> Endpoint {
    let set = |key: &str| env.get(key).filter(|value| !value.is_empty());
    let wants_tls = set("DOCKER_TLS_VERIFY").is_some() || host.starts_with("https://");
    let dir = set("DOCKER_CERT_PATH").map(PathBuf::from).or_else(|| context::config_dir(env));
    let tls = dir.filter(|_| wants_tls).map(|dir| TlsFiles { dir });
    Endpoint { host: host.trim().to_owned(), tls }
}

/// The usual sockets that exist; the most usual one when none does, so that the error can name it.
///
/// Asked here and not on another thread: a hop there and back for each socket takes longer than all of them.
fn usual_endpoints(env: &BTreeMap<String, String>) -> Vec<Endpoint> {
    let all = usual_sockets(env);
    let mut found: Vec<_> =
        all.iter().filter(|socket| std::fs::symlink_metadata(socket).is_ok()).cloned().collect();
    if found.is_empty() {
        found.extend(all.into_iter().take(1));
    }
    found
        .into_iter()
        .map(|socket| Endpoint { host: format!("unix://{}", socket.display()), tls: None })
        .collect()
}

fn usual_sockets(env: &BTreeMap<String, String>) -> Vec<PathBuf> {
    let below = |key: &str, rest: &str| {
        env.get(key).filter(|dir| !dir.is_empty()).map(|dir| Path::new(dir).join(rest))
    };
    let all = [
        Some(PathBuf::from("/var/run/docker.sock")),
        below("XDG_RUNTIME_DIR", "docker.sock"),
        below("HOME", ".docker/run/docker.sock"),
        below("HOME", ".colima/default/docker.sock"),
        below("HOME", ".colima/docker.sock"),
        below("HOME", ".orbstack/run/docker.sock"),
        below("HOME", ".rd/docker.sock"),
        below("XDG_RUNTIME_DIR", "podman/podman.sock"),
        Some(PathBuf::from("/run/podman/podman.sock")),
    ];
    all.into_iter().flatten().collect()
}

async fn open(endpoint: &Endpoint, choice: &EndpointChoice) -> Result<DockerEngine, EngineError> {
    let (transport, tunnel, ports_are_local) = transport(endpoint, &choice.forward_ports).await?;
    let memory = known::place(choice.memory.as_deref(), &endpoint.host);
    let answer = introduced(&transport, &endpoint.host, memory.as_deref())
        .await
        .map_err(|error| no_engine(&endpoint.host, error))?;
    let api =
        answer.negotiate().map_err(|reason| EngineError::new("use the engine", ErrorKind::TooOld, reason))?;
    let info = engine_info(endpoint, ports_are_local, &answer, api);
    let wire = Wire::new(transport, api, info, tunnel)
        .map_err(|error| explain("reach the engine", &endpoint.host, &error))?;
    Ok(DockerEngine { wire })
}

/// What the engine says of itself, or said when it was met before.
async fn introduced(
    transport: &Transport,
    host: &str,
    memory: Option<&Path>,
) -> Result<VersionAnswer, EngineError> {
    if let Some(known) = memory.and_then(known::recall) {
        match get_unversioned(transport, host, VERSION_WITHIN, "/_ping").await {
            Ok((headers, _)) if Signature::of(&headers).as_ref() == Some(&known.signature) => {
                return Ok(known.answer);
            }
            Err(error) if matches!(error.kind, ErrorKind::Unreachable | ErrorKind::Hung) => {
                return Err(error);
            }
            // Another one by now, or one that does not let everybody ask that.
            _ => {}
        }
    }
    let (headers, body) = get_unversioned(transport, host, VERSION_WITHIN, "/version").await?;
    let answer = introduction(&body)?;
    let (Some(place), Some(signature)) = (memory, Signature::of(&headers)) else { return Ok(answer) };
    let known = Known { signature, answer };
    known::remember(place, &known);
    Ok(known.answer)
}

fn engine_info(
    endpoint: &Endpoint,
    ports_are_local: bool,
    answer: &VersionAnswer,
    api: ApiVersion,
) -> EngineInfo {
    EngineInfo {
        endpoint: endpoint.host.clone(),
        ports_are_local,
        version: answer.engine_version(),
        api_version: api.to_string(),
        podman: answer.is_podman(),
        capabilities: Capabilities::of(answer.is_podman(), (api.major, api.minor)),
        platform: answer.platform(),
    }
}

/// The way to the endpoint, the tunnel it needs, and whether its loopback ports are ours.
async fn transport(
    endpoint: &Endpoint,
    ports: &[u16],
) -> Result<(Transport, Option<Tunnel>, bool), EngineError> {
    let host = endpoint.host.as_str();
    if host.starts_with("ssh://") {
        let to = Destination::parse(host)
            .ok_or_else(|| unreachable(host, "it is no `ssh://[user@]host[:port]`"))?;
        let tunnel = Tunnel::open("ssh", &to, ports).await?;
        let local = tunnel.all_ports_forwarded;
        return Ok((Transport::unix(tunnel.socket()), Some(tunnel), local));
    }
    if let Some(path) = host.strip_prefix("unix://").or_else(|| host.starts_with('/').then_some(host)) {
        return Ok((Transport::unix(PathBuf::from(path)), None, true));
    }
    let authority = tcp_authority(host, endpoint.tls.is_some())
        .ok_or_else(|| unreachable(host, "its scheme is none of `unix://`, `tcp://`, `ssh://`"))?;
    let local = is_loopback(&authority);
    let transport = match &endpoint.tls {
        Some(files) => Transport::tls(authority, client_config(files).await?),
        None => Transport::tcp(authority),
    };
    Ok((transport, None, local))
}

/// `host:port` of a TCP address, with docker's default ports.
fn tcp_authority(host: &str, tls: bool) -> Option<String> {
    let rest = match host.split_once("://") {
        Some(("tcp" | "http" | "https", rest)) => rest,
        Some(_) => return None,
        None => host,
    };
    let rest = rest.trim_end_matches('/');
    if rest.is_empty() || rest.contains(['/', '@']) {
        return None;
    }
    let has_port = rest.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    Some(if has_port { rest.to_owned() } else { format!("{rest}:{}", if tls { 2376 } else { 2375 }) })
}

fn is_loopback(authority: &str) -> bool {
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A server that answers, but not as an engine: a web page is no evidence that anybody can use.
fn no_engine(host: &str, error: EngineError) -> EngineError {
    match error.kind {
        ErrorKind::NotFound | ErrorKind::Other | ErrorKind::Conflict => {
            unreachable(host, "a server answers there, but not as a Docker engine does")
        }
        _ => error,
    }
}

fn unreachable(host: &str, reason: &str) -> EngineError {
    EngineError::new(format!("reach the engine at `{host}`"), ErrorKind::NoEndpoint, reason)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use std::fs;

    use super::*;

    /// A home with a context `lab` at `tcp://lab:2375` that is the current one.
    struct Home(tempfile::TempDir);

    impl Home {
        fn new() -> Self {
            let home = Self(tempfile::tempdir().unwrap());
            home.context("lab", "tcp://lab:2375");
            home.context("other", "unix:///other.sock");
            fs::write(home.docker().join("config.json"), r#"{"currentContext":"lab"}"#).unwrap();
            home
        }

        fn docker(&self) -> PathBuf {
            self.0.path().join(".docker")
        }

        fn context_dir(&self, kind: &str, name: &str) -> PathBuf {
            self.docker().join("contexts").join(kind).join(context::context_id(name))
        }

        fn context(&self, name: &str, host: &str) {
            let dir = self.context_dir("meta", name);
            fs::create_dir_all(&dir).unwrap();
            let meta = format!(r#"{{"Name":"{name}","Endpoints":{{"docker":{{"Host":"{host}"}}}}}}"#);
            fs::write(dir.join("meta.json"), meta).unwrap();
        }

        fn choice(&self, env: &[(&str, &str)]) -> EndpointChoice {
            let mut all: BTreeMap<String, String> =
                env.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            all.insert("HOME".to_owned(), self.0.path().to_str().unwrap().to_owned());
            EndpointChoice { env: all, ..Default::default() }
        }
    }

    async fn hosts(choice: &EndpointChoice) -> Vec<String> {
        candidates(choice).await.unwrap().into_iter().map(|endpoint| endpoint.host).collect()
    }

    #[tokio::test]
    async fn each_source_gives_way_to_the_one_before_it() {
        let home = Home::new();
        let env = [("DOCKER_HOST", "tcp://env:1"), ("DOCKER_CONTEXT", "other")];
        let mut choice = home.choice(&env);
        choice.host_flag = Some("tcp://flag:1".to_owned());
        choice.context_flag = Some("other".to_owned());
        assert_eq!(hosts(&choice).await, ["tcp://flag:1"]);
        choice.host_flag = None;
        assert_eq!(hosts(&choice).await, ["unix:///other.sock"]);
        choice.context_flag = None;
        assert_eq!(hosts(&choice).await, ["tcp://env:1"]);
        assert_eq!(hosts(&home.choice(&env[1..])).await, ["unix:///other.sock"]);
        assert_eq!(hosts(&home.choice(&[])).await, ["tcp://lab:2375"]);
    }

    #[tokio::test]
    async fn the_default_context_means_the_usual_sockets() {
        let home = Home::new();
        let mut choice = home.choice(&[]);
        choice.context_flag = Some("default".to_owned());
        assert!(hosts(&choice).await[0].starts_with("unix://"));
        assert!(hosts(&home.choice(&[("DOCKER_CONTEXT", "default")])).await[0].starts_with("unix://"));
    }

    #[tokio::test]
    async fn an_unknown_context_is_an_error_that_names_it() {
        let mut choice = Home::new().choice(&[]);
        choice.context_flag = Some("nowhere".to_owned());
        let error = candidates(&choice).await.unwrap_err();
        assert_eq!(error.to_string(), "cannot use the docker context `nowhere`");
        assert!(error.is_engine_down());
    }

    #[tokio::test]
    async fn a_broken_config_is_an_error_and_a_missing_one_is_not() {
        let home = Home::new();
        fs::write(home.docker().join("config.json"), "{").unwrap();
        assert!(candidates(&home.choice(&[])).await.is_err());
        fs::remove_file(home.docker().join("config.json")).unwrap();
        assert!(candidates(&home.choice(&[])).await.is_ok());
    }

    #[tokio::test]
    async fn docker_config_moves_the_folder() {
        let home = Home::new();
        let docker = home.docker();
        let env = BTreeMap::from([("DOCKER_CONFIG".to_owned(), docker.to_str().unwrap().to_owned())]);
        let choice = EndpointChoice { env, ..Default::default() };
        assert_eq!(hosts(&choice).await, ["tcp://lab:2375"]);
    }

    #[tokio::test]
    async fn a_context_brings_its_tls_files() {
        let home = Home::new();
        let dir = home.context_dir("tls", "lab").join("docker");
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("ca.pem"), "").unwrap();
        let found = candidates(&home.choice(&[])).await.unwrap();
        assert_eq!(found[0].tls, Some(TlsFiles { dir }));
    }

    #[tokio::test]
    async fn the_environment_asks_for_tls() {
        let env = [("DOCKER_HOST", "tcp://a"), ("DOCKER_TLS_VERIFY", "1"), ("DOCKER_CERT_PATH", "/certs")];
        let found = candidates(&Home::new().choice(&env)).await.unwrap();
        assert_eq!(found[0].tls, Some(TlsFiles { dir: PathBuf::from("/certs") }));
    }

    #[test]
    fn an_existing_socket_is_a_candidate_and_a_missing_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("docker.sock"), "").unwrap();
        let runtime = dir.path().to_str().unwrap();
        let env = BTreeMap::from([("XDG_RUNTIME_DIR".to_owned(), runtime.to_owned())]);
        let found = usual_endpoints(&env);
        assert!(found.iter().any(|endpoint| endpoint.host == format!("unix://{runtime}/docker.sock")));
        assert!(!found.iter().any(|endpoint| endpoint.host.contains("podman/podman.sock")));
    }

    #[test]
    fn tcp_addresses_get_dockers_ports() {
        assert_eq!(tcp_authority("tcp://a", false).as_deref(), Some("a:2375"));
        assert_eq!(tcp_authority("tcp://a/", true).as_deref(), Some("a:2376"));
        assert_eq!(tcp_authority("a:99", false).as_deref(), Some("a:99"));
        assert_eq!(tcp_authority("npipe:////./pipe/x", false), None);
        assert_eq!(tcp_authority("tcp://", false), None);
    }

    #[test]
    fn only_loopback_addresses_have_local_ports() {
        for (authority, expected) in [
            ("127.0.0.1:1", true),
            ("[::1]:1", true),
            ("localhost:1", true),
            ("10.0.0.1:1", false),
            ("lab:1", false),
        ] {
            assert_eq!(is_loopback(authority), expected, "{authority}");
        }
    }

    #[tokio::test]
    async fn a_missing_socket_is_no_engine_and_is_named() {
        let choice = EndpointChoice {
            host_flag: Some("unix:///nowhere/docker.sock".to_owned()),
            ..Default::default()
        };
        let Err(error) = connect(choice).await else { panic!("connected to nowhere") };
        assert_eq!(error.kind, ErrorKind::Unreachable);
        assert!(error.source.to_string().contains("unix:///nowhere/docker.sock"), "{}", error.source);
    }

    #[tokio::test]
    async fn a_closed_port_is_no_engine() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let choice = EndpointChoice { host_flag: Some(format!("tcp://{address}")), ..Default::default() };
        let Err(error) = connect(choice).await else { panic!("connected to nowhere") };
        assert_eq!(error.kind, ErrorKind::Unreachable);
    }
}
