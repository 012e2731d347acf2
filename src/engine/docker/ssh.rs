//! The tunnel to a remote engine: one `ssh` process for the whole run.
//!
//! It forwards a local socket to the engine's, and the stack's published ports, so that the probes
//! and links of a remote stack work as for a local one. One process means one login, one key prompt
//! and no race against the server's session limit.

use std::fmt;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::engine::{EngineError, ErrorKind};

/// A person may have to touch a key or type a passphrase.
const READY_WITHIN: Duration = Duration::from_secs(30);
const RETRY: Duration = Duration::from_millis(20);

/// A running `ssh`; killed on drop, and its socket's folder is removed.
#[derive(Debug)]
pub(super) struct Tunnel {
    /// Held for its drop, which kills the process.
    _process: Child,
    dir: TempDir,
    /// True when every wanted port is forwarded to the same port of this machine.
    pub(super) all_ports_forwarded: bool,
}

/// `ssh://[user@]host[:port][/path/of/the/socket]`, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Destination {
    user: Option<String>,
    host: String,
    port: Option<u16>,
    socket: String,
}

impl Destination {
    /// `None` when it is no destination, or one that `ssh` would read as an option.
    pub(super) fn parse(url: &str) -> Option<Self> {
        let rest = url.strip_prefix("ssh://")?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (user, address) = match authority.rsplit_once('@') {
            Some((user, address)) => (Some(user.to_owned()), address),
            None => (None, authority),
        };
        let (host, port) = split_port(address)?;
        let socket = if path.len() > 1 { path } else { "/var/run/docker.sock" };
        let safe =
            |text: &str| !text.is_empty() && !text.starts_with('-') && !text.contains(char::is_whitespace);
        let valid = safe(&host) && user.as_deref().is_none_or(safe) && !socket.contains(':');
        valid.then(|| Self { user, host, port, socket: socket.to_owned() })
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.user.as_ref().map_or_else(String::new, |user| format!("{user}@"));
        let port = self.port.map_or_else(String::new, |port| format!(", port {port}"));
        write!(formatter, "`{user}{}`{port}", self.host)
    }
}

/// What to do about the words that ssh ended with.
pub(in crate::engine) fn hint(words: &str) -> &'static str {
    let words = words.to_lowercase();
    let says = |any: &[&str]| any.iter().any(|part| words.contains(part));
    if says(&["permission denied", "too many authentication failures"]) {
        "the server does not take this user or key: try `ssh USER@HOST true`, load the key with `ssh-add`, or name the user as `ssh://USER@HOST`"
    } else if says(&["host key verification", "host identification has changed", "no matching host key"]) {
        "connect once with `ssh USER@HOST` and confirm the host's key; if it has changed, find out why first"
    } else if says(&["could not resolve", "name or service not known", "no address associated"]) {
        "the host's name is not known here: correct it, or write its address"
    } else if says(&[
        "connection refused",
        "timed out",
        "no route to host",
        "network is unreachable",
        "no connection within",
    ]) {
        "nothing answers ssh there: check the host, the port (`ssh://USER@HOST:PORT`) and the firewall"
    } else if says(&["cannot run"]) {
        "install the OpenSSH client"
    } else if says(&["forwarding failed", "open failed", "prohibited", "cannot listen"]) {
        "ssh works, and the forwarding does not: allow `AllowStreamLocalForwarding` and `AllowTcpForwarding` in the server's sshd_config"
    } else {
        "try `ssh USER@HOST docker version`: what fails there fails here too"
    }
}

/// `host`, `host:port`, `[v6]`, `[v6]:port`.
fn split_port(address: &str) -> Option<(String, Option<u16>)> {
    if let Some(rest) = address.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        return match after.strip_prefix(':') {
            Some(port) => Some((host.to_owned(), Some(port.parse().ok()?))),
            None => after.is_empty().then(|| (host.to_owned(), None)),
        };
    }
    match address.split_once(':') {
        Some((host, port)) => Some((host.to_owned(), Some(port.parse().ok()?))),
        None => Some((address.to_owned(), None)),
    }
}

impl Tunnel {
    /// Starts `program` (normally `ssh`) and waits until the engine's socket answers through it.
    pub(super) async fn open(program: &str, to: &Destination, ports: &[u16]) -> Result<Self, EngineError> {
        let failed =
            |text: String| EngineError::new(format!("open an ssh tunnel to {to}"), ErrorKind::Tunnel, text);
        let dir = tempfile::Builder::new()
            .prefix("confidexmon-")
            .tempdir()
            .map_err(|error| failed(error.to_string()))?;
        let free: Vec<u16> = ports.iter().copied().filter(|port| is_free(*port)).collect();
        let mut process = Command::new(program)
            .args(arguments(to, &dir.path().join(SOCKET), &free))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // A terminal's Ctrl-C goes to the foreground group: the tunnel must outlive the clean stop.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| failed(format!("cannot run `{program}`: {error}")))?;
        wait_until_ready(&mut process, &dir.path().join(SOCKET)).await.map_err(failed)?;
        Ok(Self { _process: process, dir, all_ports_forwarded: free.len() == ports.len() })
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.dir.path().join(SOCKET)
    }
}

const SOCKET: &str = "engine.sock";

/// A port that something here already holds cannot be forwarded; `ssh` would give up as a whole.
fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn arguments(to: &Destination, socket: &Path, ports: &[u16]) -> Vec<String> {
    let options = ["ExitOnForwardFailure=yes", "ConnectTimeout=10", "ServerAliveInterval=15"];
    let mut args = vec!["-nNT".to_owned()];
    args.extend(options.iter().flat_map(|option| ["-o".to_owned(), (*option).to_owned()]));
    if let Some(user) = &to.user {
        args.extend(["-l".to_owned(), user.clone()]);
    }
    if let Some(port) = to.port {
        args.extend(["-p".to_owned(), port.to_string()]);
    }
    args.extend(["-L".to_owned(), format!("{}:{}", socket.display(), to.socket)]);
    for port in ports {
        args.extend(["-L".to_owned(), format!("127.0.0.1:{port}:127.0.0.1:{port}")]);
    }
    args.extend(["--".to_owned(), to.host.clone()]);
    args
}

async fn wait_until_ready(process: &mut Child, socket: &Path) -> Result<(), String> {
    let deadline = Instant::now() + READY_WITHIN;
    loop {
        if UnixStream::connect(socket).await.is_ok() {
            return Ok(());
        }
        if let Ok(Some(status)) = process.try_wait() {
            return Err(last_words(process).await.unwrap_or_else(|| format!("ssh ended with {status}")));
        }
        if Instant::now() > deadline {
            return Err(format!("no connection within {} s", READY_WITHIN.as_secs()));
        }
        sleep(RETRY).await;
    }
}

/// What ssh wrote last, for example `Permission denied (publickey).`
async fn last_words(process: &mut Child) -> Option<String> {
    let mut text = String::new();
    process.stderr.as_mut()?.read_to_string(&mut text).await.ok()?;
    text.lines().map(str::trim).rfind(|line| !line.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn parsed(url: &str) -> Destination {
        Destination::parse(url).unwrap()
    }

    #[test]
    fn a_destination_has_a_user_a_port_and_a_socket() {
        let expected = Destination {
            user: Some("ops".to_owned()),
            host: "db.example.org".to_owned(),
            port: Some(2222),
            socket: "/run/user/1000/docker.sock".to_owned(),
        };
        assert_eq!(parsed("ssh://ops@db.example.org:2222/run/user/1000/docker.sock"), expected);
        assert_eq!(parsed("ssh://box").socket, "/var/run/docker.sock");
        assert_eq!(parsed("ssh://[::1]:22").host, "::1");
    }

    #[test]
    fn each_cause_has_its_own_hint() {
        for (words, wanted) in [
            ("ops@box: Permission denied (publickey).", "ssh-add"),
            ("Host key verification failed.", "confirm the host's key"),
            ("ssh: Could not resolve hostname box: Name or service not known", "name is not known"),
            ("ssh: connect to host box port 22: Connection refused", "nothing answers ssh"),
            ("no connection within 30 s", "nothing answers ssh"),
            ("cannot run `ssh`: No such file or directory", "OpenSSH"),
            ("channel 1: open failed: administratively prohibited", "AllowStreamLocalForwarding"),
            ("something new", "docker version"),
        ] {
            assert!(hint(words).contains(wanted), "{words}: {}", hint(words));
            assert!(!hint(words).contains("systemctl start docker"), "{words}");
        }
        assert_eq!(parsed("ssh://ops@box:2222").to_string(), "`ops@box`, port 2222");
    }

    #[test]
    fn what_ssh_would_take_for_an_option_is_refused() {
        for url in
            ["ssh://-oProxyCommand=x", "ssh://-l@host", "ssh://", "ssh://a b", "ssh://h:port", "tcp://h"]
        {
            assert_eq!(Destination::parse(url), None, "{url}");
        }
    }

    #[test]
    fn arguments_forward_the_socket_and_the_ports() {
        let args = arguments(&parsed("ssh://ops@box:2222"), Path::new("/t/e.sock"), &[9090]).join(" ");
        assert_eq!(
            args,
            "-nNT -o ExitOnForwardFailure=yes -o ConnectTimeout=10 -o ServerAliveInterval=15 -l ops -p 2222 \
             -L /t/e.sock:/var/run/docker.sock -L 127.0.0.1:9090:127.0.0.1:9090 -- box"
        );
    }

    /// An executable that plays ssh: it gets our arguments and runs `body`.
    fn fake_ssh(dir: &Path, body: &str) -> String {
        let path = dir.join("ssh");
        std::fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    #[tokio::test]
    async fn the_process_lives_as_long_as_the_tunnel() {
        let dir = tempfile::tempdir().unwrap();
        let remote = dir.path().join("remote.sock");
        let _listener = tokio::net::UnixListener::bind(&remote).unwrap();
        let pid_file = dir.path().join("pid");
        let body = format!(
            "echo $$ > {}\nfor a; do case $a in *engine.sock:*) ln -s {} ${{a%%:*}};; esac; done\nexec sleep 60",
            pid_file.display(),
            remote.display()
        );
        let program = fake_ssh(dir.path(), &body);
        let tunnel = Tunnel::open(&program, &parsed("ssh://box"), &[]).await.unwrap();
        assert!(UnixStream::connect(tunnel.socket()).await.is_ok());
        let pid = std::fs::read_to_string(&pid_file).unwrap().trim().to_owned();
        drop(tunnel);
        let gone = || !Path::new("/proc").join(&pid).join("exe").exists();
        for _ in 0..100 {
            if gone() {
                return;
            }
            sleep(RETRY).await;
        }
        panic!("process {pid} outlived its tunnel");
    }

    #[tokio::test]
    async fn the_last_words_of_ssh_are_the_reason() {
        let dir = tempfile::tempdir().unwrap();
        let program =
            fake_ssh(dir.path(), "echo noise >&2; echo 'Permission denied (publickey).' >&2; exit 255");
        let error = Tunnel::open(&program, &parsed("ssh://box"), &[]).await.unwrap_err();
        assert_eq!(error.source.to_string(), "Permission denied (publickey).");
        assert_eq!(error.kind, ErrorKind::Tunnel);
    }

    #[test]
    fn a_held_port_is_not_forwarded() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        assert!(!is_free(listener.local_addr().unwrap().port()));
    }
}
