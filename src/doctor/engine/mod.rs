//! The container engine and the machine that it runs on.

pub(super) mod engine_answers;
pub(super) mod engine_clock;
pub(super) mod engine_disk;
pub(super) mod engine_kind;
pub(super) mod engine_limits;
pub(super) mod engine_memory;
pub(super) mod engine_version;
