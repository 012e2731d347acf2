//! Tests of the whole program and of the engine's adapter, in one binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod engine_port;
