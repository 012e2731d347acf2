//! Readings in, verdict out. Pure: probes and the engine's answers are gathered elsewhere.

pub mod overview;
pub mod provisioned;
mod service_health;
pub mod silences;

use crate::model::{ContainerDetail, ContainerState};

pub use service_health::Health;

/// What one probe saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    Ready,
    /// It answers, but with something else than it does when it is ready.
    Answered {
        /// The HTTP status; `None` for Redis.
        status: Option<u16>,
        /// Its answer in one line.
        text: String,
    },
    /// Nothing answered: the error in one line.
    Silent(String),
}

impl Reading {
    /// Why it is not ready, in one line; empty when it is.
    pub fn text(&self) -> &str {
        match self {
            Self::Ready => "",
            Self::Answered { text, .. } | Self::Silent(text) => text,
        }
    }

    /// True for a service that answers, to others than who asked.
    pub const fn refuses_password(&self) -> bool {
        matches!(self, Self::Answered { status: Some(401), .. })
    }

    /// True for a service that says itself that it is still starting.
    pub const fn is_starting(&self) -> bool {
        matches!(self, Self::Answered { status: Some(503), .. })
    }
}

/// Whether it makes sense to go on waiting for a service that is not ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may still become ready.
    Wait,
    /// It will not: the reason in one sentence.
    Hopeless(String),
}

/// Starts after which a container that keeps dying is called a crash loop. The first death may be a
/// dependency that was not there yet; the second is a habit.
const CRASHES: i64 = 2;

/// Classifies a container whose service does not answer yet.
pub fn verdict(detail: &ContainerDetail) -> Verdict {
    let how = if detail.oom_killed {
        "it was killed because it ran out of memory (OOM)".to_owned()
    } else {
        format!("it exited with code {}", detail.exit_code)
    };
    match detail.state {
        ContainerState::Exited | ContainerState::Dead if detail.error.is_empty() => Verdict::Hopeless(how),
        _ if detail.state.is_stopped() && !detail.error.is_empty() => Verdict::Hopeless(detail.error.clone()),
        _ if detail.restart_count >= CRASHES => {
            Verdict::Hopeless(format!("crash loop: {} restarts, {how}", detail.restart_count))
        }
        _ => Verdict::Wait,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detail(state: &str, exit_code: i64, restart_count: i64) -> ContainerDetail {
        ContainerDetail {
            state: ContainerState::from(state),
            exit_code,
            restart_count,
            ..ContainerDetail::default()
        }
    }

    #[test]
    fn one_crash_may_heal_two_are_a_loop() {
        assert_eq!(verdict(&detail("restarting", 1, 1)), Verdict::Wait);
        assert!(
            matches!(verdict(&detail("running", 3, 2)), Verdict::Hopeless(text) if text.contains("code 3"))
        );
    }

    #[test]
    fn memory_is_named_before_the_exit_code() {
        let killed = ContainerDetail { oom_killed: true, ..detail("exited", 137, 0) };
        assert!(matches!(verdict(&killed), Verdict::Hopeless(text) if text.contains("OOM")));
    }

    #[test]
    fn states_newer_than_this_program_are_waited_for() {
        assert_eq!(verdict(&detail("hibernating", 0, 0)), Verdict::Wait);
    }
}
