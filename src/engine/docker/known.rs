//! An engine that was met before. Docker starts two programs to answer `GET /version` (5 ms on 20.10); `GET /_ping`
//! costs a tenth of that, and the headers of both name the engine's version and that of its API. While these are
//! the same, so is the rest of what it said of itself.

use std::path::{Path, PathBuf};

use hyper::header::{HeaderMap, SERVER};
use serde::{Deserialize, Serialize};

use crate::model::manifest::sha256_hex;
use crate::store::atomic;

use super::version::VersionAnswer;

/// What the headers of every answer say of an engine: `Docker/20.10.24 (linux)` and `1.41`.
#[derive(Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Signature {
    server: String,
    api: String,
}

/// The engine behind an endpoint as it introduced itself.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Known {
    pub(super) signature: Signature,
    pub(super) answer: VersionAnswer,
}

impl Signature {
    /// `None` for an engine that does not name itself.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let text = |name: &str| headers.get(name)?.to_str().ok().filter(|text| !text.is_empty());
        Some(Self { server: text(SERVER.as_str())?.to_owned(), api: text("api-version")?.to_owned() })
    }
}

/// Where this machine remembers the engine of an endpoint; `None` for one of another machine, which could be
/// replaced by one of another architecture.
pub(super) fn place(directory: Option<&Path>, endpoint: &str) -> Option<PathBuf> {
    let is_socket = endpoint.starts_with("unix://") || endpoint.starts_with('/');
    // In a folder of their own: the files beside it are named after stacks.
    let name = format!("engines/{}.json", &sha256_hex(endpoint.as_bytes())[..12]);
    directory.filter(|_| is_socket).map(|directory| directory.join(name))
}

/// `None` when it is not known, or what is remembered cannot be read.
pub(super) fn recall(place: &Path) -> Option<Known> {
    serde_json::from_slice(&atomic::read(place).ok()??).ok()
}

/// A place that cannot be written costs the next run 5 ms.
pub(super) fn remember(place: &Path, known: &Known) {
    let written = serde_json::to_vec(known).map(|text| atomic::write(place, &text, 0o600));
    if let Ok(Err(error)) = written {
        tracing::debug!("the engine is not remembered: {error}");
    }
}
