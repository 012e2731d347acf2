//! What happens while a command works, as values. The renderers in `progress` turn them into text.

use serde::Serialize;

use crate::model::ServiceKind;

/// One fact about work in progress.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A service's work moved on: `created`, `started`, `waiting: 503 …`.
    Service {
        service: ServiceKind,
        state: ServiceState,
        detail: String,
    },
    /// Bytes of an image that is being pulled; `total` is 0 while unknown.
    Pull {
        service: ServiceKind,
        image: String,
        current: u64,
        total: u64,
    },
    /// Bytes of a service's data on their way; `total` is what it will be, about.
    Transfer {
        service: ServiceKind,
        doing: &'static str,
        done: u64,
        total: u64,
        elapsed_ms: u64,
    },
    /// So much of a long piece of work is done; `item` is what was done last.
    Progress {
        what: String,
        done: usize,
        total: usize,
        item: String,
    },
    /// Something that is not about one service.
    Fact {
        text: String,
    },
    Warning {
        text: String,
    },
}

/// How far a service has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceState {
    Working,
    Waiting,
    Ready,
    Done,
    Failed,
}

/// Whoever listens. Events are facts; a reporter decides nothing.
pub trait Reporter: Send + Sync {
    fn event(&self, event: &Event);
}

/// Nobody listens.
pub struct Silent;

impl Reporter for Silent {
    fn event(&self, _event: &Event) {}
}
