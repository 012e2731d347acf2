//! What a test sets up and looks at.

use std::sync::{Arc, Mutex};

use tokio::sync::broadcast;

use crate::engine::{Capabilities, EngineInfo, ErrorKind, ExecOutput, LogLine};
use crate::model::{ContainerSpec, ContainerState, ImageRef, Platform};

use super::calls::{Call, Calls};
use super::files::Files;
use super::state::State;
use super::{Inner, MemoryEngine};

impl MemoryEngine {
    /// An engine without containers and images.
    pub fn new() -> Self {
        let info = EngineInfo {
            endpoint: "memory://".to_owned(),
            ports_are_local: true,
            version: "0.0.0".to_owned(),
            api_version: "1.41".to_owned(),
            podman: false,
            capabilities: Capabilities::of(false, (1, 41)),
            platform: Platform {
                os: "linux".to_owned(),
                architecture: "amd64".to_owned(),
                variant: String::new(),
            },
        };
        let inner = Inner {
            state: State::default(),
            calls: Calls::default(),
            on_exec: Arc::new(|_, _, _| ExecOutput::default()),
            on_start: Arc::new(|_| None),
        };
        Self { info, inner: Arc::new(Mutex::new(inner)), events: broadcast::channel(1024).0 }
    }

    /// The same engine, saying this about itself.
    #[must_use]
    pub fn with_info(mut self, info: EngineInfo) -> Self {
        self.info = info;
        self
    }

    /// Makes the image present; returns its id.
    pub fn add_image(&self, image: &ImageRef) -> String {
        self.lock().state.add_image(image)
    }

    /// Lets the tag mean another image from now on, as a build or a pull does; returns its id.
    pub fn move_image(&self, image: &ImageRef) -> String {
        let mut inner = self.lock();
        inner.state.images.remove(image);
        inner.state.add_image(image)
    }

    /// The image is gone.
    pub fn remove_image(&self, image: &ImageRef) {
        self.lock().state.images.remove(image);
    }

    /// Makes the image pullable; a pull of any other image fails.
    pub fn publish(&self, image: &ImageRef) {
        self.lock().state.registry.insert(image.clone());
    }

    /// A process outside of any container takes the port.
    pub fn hold_port(&self, port: u16) {
        self.lock().state.held_ports.insert(port);
    }

    /// The port is free again.
    pub fn release_port(&self, port: u16) {
        self.lock().state.held_ports.remove(&port);
    }

    /// The next call of this kind fails and changes nothing. Several add up, first in, first out.
    pub fn fail_next(&self, call: Call, kind: ErrorKind) {
        self.lock().calls.fail_before(call, kind);
    }

    /// The next call of this kind does its work, and the answer is lost.
    pub fn lose_next_answer(&self, call: Call, kind: ErrorKind) {
        self.lock().calls.fail_after(call, kind);
    }

    /// After so many more calls the engine is gone, until [`Self::come_back`].
    pub fn go_down_after(&self, calls: usize) {
        self.lock().calls.down_after = Some(calls);
    }

    /// It answers again.
    pub fn come_back(&self) {
        self.lock().calls.down_after = None;
    }

    /// Every call so far with what it was about: `create_container confidex-grafana`.
    pub fn calls(&self) -> Vec<String> {
        self.lock().calls.log.clone()
    }

    /// Forgets which calls were made.
    pub fn clear_calls(&self) {
        self.lock().calls.log.clear();
    }

    /// What a command in a container answers: (container name, command, stdin).
    pub fn on_exec(
        &self,
        handler: impl Fn(&str, &[String], Option<&[u8]>) -> ExecOutput + Send + Sync + 'static,
    ) {
        self.lock().on_exec = Arc::new(handler);
    }

    /// `Some(code)` makes a container end at once with that code when it is started.
    pub fn on_start(&self, handler: impl Fn(&ContainerSpec) -> Option<i64> + Send + Sync + 'static) {
        self.lock().on_start = Arc::new(handler);
    }

    /// The container's process ends. With policy `always` the engine starts it again and counts that.
    pub fn crash(&self, name: &str, exit_code: i64) {
        let mut inner = self.lock();
        let restarted = inner.state.crash(name, exit_code);
        let Some(container) = inner.state.by_name(name) else { return };
        for action in ["die", "start"].iter().take(if restarted { 2 } else { 1 }) {
            self.announce(container, action);
        }
    }

    /// Sets a state the engine reports, for example `restarting`, or a word of the future.
    pub fn set_state(&self, name: &str, state: &str) {
        if let Some(container) = self.lock().state.by_name_mut(name) {
            container.state = ContainerState::from(state);
        }
    }

    /// The container was killed because it ran out of memory.
    pub fn set_oom_killed(&self, name: &str) {
        if let Some(container) = self.lock().state.by_name_mut(name) {
            container.oom_killed = true;
        }
    }

    /// The container logs a line.
    pub fn write_log(&self, name: &str, line: LogLine) {
        if let Some(container) = self.lock().state.by_name_mut(name) {
            container.log.push(line);
        }
    }

    /// The files of a volume by their path below its mount point; `None` without the volume.
    pub fn volume_files(&self, volume: &str) -> Option<Files> {
        self.lock().state.volumes.get(volume).map(|volume| volume.files.clone())
    }

    /// The spec a container was created from.
    pub fn spec(&self, name: &str) -> Option<ContainerSpec> {
        self.lock().state.by_name(name).map(|container| container.spec.clone())
    }

    /// The policy in force: `always` or `no`.
    pub fn restart_policy(&self, name: &str) -> Option<String> {
        self.lock().state.by_name(name).map(|container| container.policy.clone())
    }

    /// Puts a container there that is none of ours: it has no labels of any stack.
    pub fn add_foreign(&self, spec: &ContainerSpec, running: bool) -> String {
        self.add_image(&spec.image);
        let mut inner = self.lock();
        let id = inner.state.insert(spec, false);
        if running {
            // A foreign container whose port is taken stays created, as with the engine.
            let _ = inner.state.start(&id);
        }
        id
    }
}
