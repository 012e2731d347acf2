//! Lints of the project as a whole.

pub(super) mod bad_ignore;
pub(super) mod unwatched_job;
pub(super) mod unwatched_stack;
