//! What a failure means: status and text of the engine's answer, or the transport's error → [`ErrorKind`].
//!
//! Engines word the same failure differently, so each rule matches the status where it is reliable
//! and a part of the text where it is not. The texts of Docker 20.10 were seen on the wire.

use std::error::Error as _;
use std::io;

use bollard::errors::Error as Bollard;

use crate::engine::{EngineError, ErrorKind};

/// Turns a failed call into ours. `endpoint` is named only when the engine itself did not answer.
pub(super) fn explain(action: impl Into<String>, endpoint: &str, error: &Bollard) -> EngineError {
    match error {
        Bollard::DockerResponseServerError { status_code, message } => EngineError::new(
            action,
            kind_of_answer(*status_code, message),
            answer_text(*status_code, message),
        ),
        Bollard::DockerStreamError { error } => EngineError::new(action, kind_of_text(error), error.trim()),
        Bollard::DockerContainerWaitError { error, .. } => EngineError::new(action, ErrorKind::Other, error),
        Bollard::RequestTimeoutError => hung(action, endpoint, "in time"),
        Bollard::JsonDataError { .. } | Bollard::JsonSerdeError { .. } => {
            EngineError::new(action, ErrorKind::Other, format!("unexpected answer: {error}"))
        }
        other => {
            let kind = kind_of_transport(other);
            EngineError::new(action, kind, format!("`{endpoint}`: {}", innermost(other)))
        }
    }
}

/// The engine took the request and said nothing until the deadline.
pub(super) fn hung(action: impl Into<String>, endpoint: &str, deadline: &str) -> EngineError {
    EngineError::new(action, ErrorKind::Hung, format!("`{endpoint}` did not answer {deadline}"))
}

fn answer_text(status: u16, message: &str) -> String {
    let message = message.trim();
    if message.is_empty() { format!("the engine answered with status {status}") } else { message.to_owned() }
}

/// The kind of an HTTP error answer.
pub(super) fn kind_of_answer(status: u16, message: &str) -> ErrorKind {
    let kind = kind_of_text(message);
    if kind != ErrorKind::Other {
        return kind;
    }
    match status {
        401 | 403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        409 => ErrorKind::Conflict,
        502 | 504 => ErrorKind::Unreachable,
        _ => ErrorKind::Other,
    }
}

/// What the text alone tells; [`ErrorKind::Other`] when nothing.
fn kind_of_text(message: &str) -> ErrorKind {
    let text = message.to_lowercase();
    let has = |part: &str| text.contains(part);
    if has("no space left on device") || has("disk quota exceeded") {
        ErrorKind::DiskFull
    } else if has("port is already allocated") || has("address already in use") {
        ErrorKind::PortTaken { port: port_in(message) }
    } else if let Some(holder_id) = name_holder(message) {
        ErrorKind::NameTaken { holder_id }
    } else if has("no such image") || has("image not known") {
        ErrorKind::ImageMissing
    } else if has("client version") && (has("too new") || has("too old")) {
        ErrorKind::TooOld
    } else if CONFLICTS.iter().any(|part| has(part)) || has("container") && has("is not running") {
        ErrorKind::Conflict
    } else {
        ErrorKind::Other
    }
}

/// Words of a conflict that come with other statuses than 409: a network in use is 403 on 20.10,
/// two networks of one name are 400, Podman's taken network name is 500. So is, on 20.10, a command whose
/// container ended between its creation and its start.
const CONFLICTS: [&str; 4] =
    ["has active endpoints", "is ambiguous", "network already exists", "network is being used"];

/// The container id in "name … is already in use by container "<id>"" (Docker) or
/// "name … is already in use by <id>" (Podman).
fn name_holder(message: &str) -> Option<String> {
    if !message.contains("name") {
        return None;
    }
    let (_, rest) = message.split_once("already in use by ")?;
    let id: String = rest
        .trim_start_matches("container ")
        .trim_start_matches(['"', '\\'])
        .chars()
        .take_while(char::is_ascii_hexdigit)
        .collect();
    Some(id)
}

/// The host port in the engine's sentence about a port it cannot bind.
fn port_in(message: &str) -> Option<u16> {
    const BEFORE: [&str; 7] = [
        "Bind for ",
        "bind host port ",
        "listen tcp4 ",
        "listen tcp6 ",
        "listen tcp ",
        "host port for ",
        "exposing port TCP ",
    ];
    BEFORE.iter().find_map(|marker| {
        let (_, rest) = message.split_once(marker)?;
        let digits: String =
            after_host(rest.split_whitespace().next()?)?.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    })
}

/// What follows the host in `127.0.0.1:80:`, `0.0.0.0:80:172.17.0.2:8080/tcp`, `[::1]:80`, `:::80`, `:80`.
fn after_host(address: &str) -> Option<&str> {
    let address = address.trim_end_matches(':');
    if let Some((_, rest)) = address.split_once("]:") {
        return Some(rest);
    }
    let split = if address.starts_with("::") { address.rsplit_once(':') } else { address.split_once(':') };
    split.map(|(_, rest)| rest)
}

fn kind_of_transport(error: &Bollard) -> ErrorKind {
    match io_kind(error) {
        Some(io::ErrorKind::PermissionDenied) => ErrorKind::Forbidden,
        Some(io::ErrorKind::TimedOut) => ErrorKind::Hung,
        _ => ErrorKind::Unreachable,
    }
}

fn io_kind(error: &Bollard) -> Option<io::ErrorKind> {
    // Its variant is transparent: the chain would begin below it.
    if let Bollard::IOError { err } = error {
        return Some(err.kind());
    }
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<io::Error>() {
            return Some(found.kind());
        }
        next = error.source();
    }
    None
}

/// The last cause says what happened; the ones above it only say "client error (Connect)".
fn innermost(error: &Bollard) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = cause.to_string();
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_taken_port_is_named_whoever_holds_it() {
        let cases = [
            (
                "driver failed programming external connectivity on endpoint x (ab): Bind for 127.0.0.1:29090 failed: port is already allocated",
                29090,
            ),
            (
                "driver failed: Error starting userland proxy: listen tcp4 127.0.0.1:29091: bind: address already in use",
                29091,
            ),
            ("failed to bind host port 127.0.0.1:8080/tcp: address already in use", 8080),
            ("failed to bind host port for 127.0.0.1:8081:172.17.0.2:80/tcp: address already in use", 8081),
            (
                "Ports are not available: exposing port TCP 127.0.0.1:5432 -> 127.0.0.1:0: listen tcp 127.0.0.1:5432: bind: address already in use",
                5432,
            ),
            ("Bind for :::8082 failed: port is already allocated", 8082),
            ("cannot listen on the TCP port: listen tcp4 :8083: bind: address already in use", 8083),
            ("rootlessport listen tcp [::1]:9090: bind: address already in use", 9090),
        ];
        for (text, port) in cases {
            assert_eq!(kind_of_answer(500, text), ErrorKind::PortTaken { port: Some(port) }, "{text}");
        }
    }

    #[test]
    fn a_taken_port_without_a_number_is_still_a_taken_port() {
        assert_eq!(kind_of_answer(500, "address already in use"), ErrorKind::PortTaken { port: None });
    }

    #[test]
    fn a_taken_name_tells_its_holder() {
        let docker = r#"Conflict. The container name "/x" is already in use by container "0abc12". You have to remove (or rename) that container to be able to reuse that name."#;
        let podman = r#"creating container storage: the container name "x" is already in use by 0abc12. You have to remove that container to be able to reuse that name: that name is already in use"#;
        for text in [docker, podman] {
            let expected = ErrorKind::NameTaken { holder_id: "0abc12".to_owned() };
            assert_eq!(kind_of_answer(409, text), expected);
        }
    }

    #[test]
    fn a_full_disk_is_seen_under_any_status() {
        for status in [200, 404, 500] {
            let text = "write /var/lib/docker/tmp/x: no space left on device";
            assert_eq!(kind_of_answer(status, text), ErrorKind::DiskFull);
        }
    }

    #[test]
    fn a_missing_image_is_not_just_missing() {
        assert_eq!(kind_of_answer(404, "No such image: a/b:c"), ErrorKind::ImageMissing);
        assert_eq!(kind_of_answer(404, "a/b: image not known"), ErrorKind::ImageMissing);
        assert_eq!(kind_of_answer(404, "No such container: ab"), ErrorKind::NotFound);
    }

    #[test]
    fn conflicts_come_with_many_statuses() {
        assert_eq!(
            kind_of_answer(403, "error while removing network: network x has active endpoints"),
            ErrorKind::Conflict
        );
        assert_eq!(
            kind_of_answer(400, "network x is ambiguous (2 matches found on name)"),
            ErrorKind::Conflict
        );
        assert_eq!(kind_of_answer(409, "network with name x already exists"), ErrorKind::Conflict);
        assert_eq!(
            kind_of_answer(500, "Container 3163ab is not running: Exited (1) Less than a second ago"),
            ErrorKind::Conflict
        );
        assert_eq!(kind_of_answer(500, "the plugin is not running"), ErrorKind::Other);
    }

    #[test]
    fn a_proxy_that_refuses_is_a_refusal_and_one_without_a_backend_is_no_engine() {
        assert_eq!(kind_of_answer(403, "<h1>Forbidden</h1>"), ErrorKind::Forbidden);
        assert_eq!(kind_of_answer(502, ""), ErrorKind::Unreachable);
    }

    #[test]
    fn a_socket_without_permission_is_a_refusal() {
        let error = Bollard::IOError { err: io::Error::from(io::ErrorKind::PermissionDenied) };
        let error = explain("list containers", "unix:///x", &error);
        assert_eq!(error.kind, ErrorKind::Forbidden);
        assert!(error.source.to_string().starts_with("`unix:///x`: "), "{}", error.source);
    }
}
