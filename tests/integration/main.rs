//! Tests of the whole program and of the engine's adapter, in one binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]
// A test's own thread may wait.
#![allow(clippy::disallowed_methods)]

mod architecture;
mod backup;
mod canary;
mod check;
mod cli;
mod dependencies;
mod differential;
mod doctor;
mod doctor_faults;
mod doctor_fix;
mod drill;
mod engine_port;
mod failures;
mod faulty;
mod grafana;
mod grafana_double;
mod hardening;
mod images;
mod interruptions;
mod lab;
mod label_inference;
mod life;
mod messages;
mod oneshot;
mod output_schema;
mod overview;
mod ownership;
mod project_files;
mod promql;
mod proxy;
mod readme;
mod receivers;
mod registry;
mod registry_bed;
mod reload;
mod routing;
mod secrets_in_force;
mod security;
mod starter;
mod untyped_answer;
mod update;
mod update_registry;
