//! confidexmon: a supervisor for a Prometheus, Grafana and Alertmanager stack.
//!
//! # Code map
//!
//! One sentence for every command: **gather** (I/O) → **decide** (pure, prints as text) → **apply** (no
//! choices) → **report** (events). `up`, for example: `cli/commands/up.rs` loads the project
//! ([`store::project`]), resolves it into [`settings::Settings`], renders the files
//! ([`services::render_stack`]) and describes the containers ([`services::desired`]); [`apply::gather`]
//! looks at the engine; [`plan::reconcile`] compares both into a [`plan::Plan`], whose text is what
//! `plan` prints; [`apply::services`] carries it out; [`apply::wait`] asks every service until it answers.
//!
//! Pure folders, which name no I/O (a test reads their sources):
//!
//! | folder | concept |
//! |---|---|
//! | [`model`] | values that everybody shares: names, images, container specs, files, manifests, secrets |
//! | [`settings`] | YAML, `.env`, environment and flags → settings, or every problem with its place |
//! | [`services`] | one file per service: its container, its files, its probe, what a changed file means |
//! | [`render`] | templates and settings → the files of each container |
//! | [`plan`] | desired × observed → steps, each with its cause |
//! | [`health`] | what an answer or an exit says about a service |
//! | [`formats`] | one folder or file per format: `PromQL`, rule files and their tests, exposition, Alertmanager's configuration, dashboards, Go templates, YAML with places |
//! | [`analysis`] | what follows from the files: the facts, the values of an expression, the route of an alert, the metric contract; knows no lint |
//! | [`check`] | lints in four folders by subject, findings and their suppression; one file per lint |
//! | [`backup`] | what a backup of Grafana holds, what makes it sound, and which backups are kept |
//! | [`starter`] | a backend's `/metrics` → the first rules, tests, runbook pages and dashboard for it |
//! | [`update`] | which image a service runs, which newer one it could run, and whether it may |
//! | [`doctor`] | what is commonly wrong with a running stack: facts → verdict, cause and fix; one file per diagnosis |
//! | [`drill`] | what input fires an alert, the scratch copy of the stack, the level that was reached |
//!
//! Folders that do I/O:
//!
//! | folder | concept |
//! |---|---|
//! | [`engine`] | a port to a container engine; `docker` is the only user of bollard, `memory` its twin for tests |
//! | [`net`] | Prometheus, Alertmanager, Grafana and Redis over the wire; the only user of reqwest |
//! | [`store`] | files on this machine: project, state, lock, archives, ports |
//! | [`apply`] | carries plans out: containers, reloads, one-shot validators, drills, logs, status |
//! | [`demo`] | the demo backend: a model of the backend's metrics with failure scenarios, and its server |
//! | [`report`] | events and results → text, JSON, SARIF, GitHub annotations |
//! | [`cli`] | flags in, exit code out; one file per command |
//!
//! [`error`] is the program's error: what failed, why, what to do, and the exit code.
//!
//! Where a lint, a setting, a service, a command or a diagnosis is added: the table in `CONTRIBUTING.md`.
//!
//! # Decisions
//!
//! - **Config reaches containers through volumes**, one tar per container. A manifest (path → hash)
//!   lies beside the files; an empty one is written first and the real one last, so a write that was cut
//!   off promises nothing. In a reload the real one is written only after the proof; until then it doubts the
//!   files that change. Should this program be killed in a reload in place, a shell in the container (the
//!   watchdog) sends the reload signal, so that what lies on disk is in force. Which files lie
//!   where is also remembered on this machine, so an `up` with nothing to do takes two engine calls.
//! - **An engine that was met before is pinged**, not asked who it is (`engine/docker/known`): Docker starts two programs
//!   to answer that. The engine is asked while the project is read and rendered (`cli/early`).
//! - **The spec is kept as a label**, beside its hash: `plan` can name the field that changed.
//! - **Files are not part of the spec's hash**: a changed file is a reload (or a restart), never a new
//!   container.
//! - **Everything is concurrent**; services have no start order. Engines before 25 allow two networks of
//!   one name, so whoever notices another run removes the spare one.
//! - **What is valid is decided by the pinned image**: promtool and amtool, in the running container before
//!   a reload, in a one-shot container without a network for `check`. A query that our parser cannot
//!   read is "not linted", never "invalid".
//! - **`PromQL` has a reader of our own** (`formats/promql`): the crate for it has no positions, reads seven
//!   eighths of today's language and took longer than all lints; tests compare ours with it and with
//!   promtool. **Plain rule files are read without the YAML parser** (`formats/yaml/plain_yaml`), everything
//!   else with it; a test holds both to the same tree and places.
//! - **serde-saphyr stands in for the archived `serde_yaml`** under its name: maintained, with positions
//!   and without unsafe code. `docker_credential` reads registry logins, bollard's typed list is replaced by our own
//!   tolerant one, because it fails on any state it does not know.
//! - **An update keeps the old container** under another name until the new one works, and writes
//!   `images.lock` before it removes it: what a killed run left, and which way to go on, is read from the
//!   engine and the lock, so there is no journal that could be lost. Two containers never run on one volume.
//! - **A lock line holds for what the settings named when it was written**: the settings stay the user's, and
//!   a changed tag there wins. A moved tag costs no engine call to see: the listing shows such a container's
//!   image by its id (not with Podman, where every tag is looked up).
//! - **A backup is a tar in zstd with the manifest first** and a checksum of the whole at its end. The
//!   database is copied without a pause where its files' state is the same before and after, else with
//!   Grafana paused; SQLite (in the binary) folds the log in and checks it. What a killed run had begun, a
//!   pause or a restore, is noted beside the stack's state and ended by the next command. A volume that lies on
//!   this machine and may be read is read without the engine, once its database proved to be the one that the
//!   engine sees: a pause then lasts as long as it takes to compare two files. The seal is that of the bytes
//!   that were read back.
//! - **Reload, restart, update and restore are one transaction** (`apply/transaction`): stage, validate, switch,
//!   verify, then commit or roll back.
//! - **The `age` format is our own code** over ring and x25519-dalek: the crate of that name brings ninety
//!   packages. A test reads what the tool wrote, and has the tool read ours.
//! - **Grafana's `secret_key` lies in its data volume**, beside the database that it seals, and Grafana reads it
//!   from there: so a database never meets another key, whatever machine, backup or update it comes from.
//! - **One lock per engine and stack**, held by the operating system; a killed run holds nothing.

pub mod analysis;
pub mod apply;
pub mod backup;
pub mod check;
pub mod cli;
pub mod demo;
pub mod doctor;
pub mod drill;
pub mod engine;
pub mod error;
pub mod formats;
pub mod health;
pub mod model;
pub mod net;
pub mod plan;
pub mod render;
pub mod report;
pub mod services;
pub mod settings;
pub mod starter;
pub mod store;
pub mod update;
