//! The processes of a slot: how they are started in a container that runs, and what they said when
//! they end too early.

use crate::apply::drill::alert_run::AlertRun;
use crate::apply::drill::sandbox::Scratch;
use crate::engine::{Engine, EngineError, ExecOutput};
use crate::model::ServiceKind;

/// An alert that fires before Prometheus knows its Alertmanagers is dropped, and sent again after a
/// minute by default.
const RESEND: &str = "5s";

/// The first process of a container only keeps it alive.
pub(super) fn idle_prometheus() -> Vec<String> {
    [
        "--config.file=/etc/prometheus/idle.yml",
        "--storage.tsdb.path=/prometheus/idle",
        "--web.listen-address=127.0.0.1:9099",
        "--log.level=warn",
    ]
    .map(str::to_owned)
    .to_vec()
}

pub(super) fn idle_alertmanager() -> Vec<String> {
    [
        "--config.file=/etc/alertmanager/idle.yml",
        "--storage.path=/alertmanager/idle",
        "--web.listen-address=127.0.0.1:9099",
        "--cluster.listen-address=",
        "--log.level=warn",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// The configuration of a process, below its service's config root.
pub(super) fn config_name(number: usize) -> String {
    format!("slot-{number}.yml")
}

/// Where the rules of a Prometheus appear once it has its samples, below its config root.
pub(super) fn rule_folder(number: usize) -> String {
    format!("slot-{number}")
}

impl<E: Engine> AlertRun<'_, E> {
    pub(super) fn prometheus_command(&self) -> Vec<String> {
        let mut command: Vec<String> = vec![
            "prometheus".to_owned(),
            format!("--config.file=/etc/prometheus/{}", config_name(self.number)),
            format!("--storage.tsdb.path=/prometheus/slot-{}", self.number),
            format!("--web.listen-address=:{}", self.port),
            "--web.route-prefix=/".to_owned(),
            "--web.enable-remote-write-receiver".to_owned(),
            "--web.enable-lifecycle".to_owned(),
            format!("--rules.alert.resend-delay={RESEND}"),
            "--log.level=warn".to_owned(),
        ];
        command.extend(self.external_url(ServiceKind::Prometheus));
        command
    }

    pub(super) fn alertmanager_command(&self) -> Vec<String> {
        let mut command: Vec<String> = vec![
            "alertmanager".to_owned(),
            format!("--config.file=/etc/alertmanager/{}", config_name(self.number)),
            format!("--storage.path=/alertmanager/slot-{}", self.number),
            format!("--web.listen-address=:{}", self.port),
            "--web.route-prefix=/".to_owned(),
            "--cluster.listen-address=".to_owned(),
            "--enable-feature=receiver-name-in-metrics".to_owned(),
            "--log.level=warn".to_owned(),
        ];
        command.extend(self.external_url(ServiceKind::Alertmanager));
        command
    }

    /// The links in a message are those of the project's own services.
    fn external_url(&self, service: ServiceKind) -> Option<String> {
        let wanted = self.sandbox.desired.services.get(&service)?;
        wanted.spec.command.iter().find(|argument| argument.starts_with("--web.external-url=")).cloned()
    }

    /// Runs a process in its container; comes back only when the process is gone.
    pub(super) async fn process(&self, container: &Scratch, command: Vec<String>) -> String {
        match self.sandbox.session.engine.exec(&container.name, &command, None).await {
            Ok(output) => last_words(&output),
            // A call ends before such a process does; the process goes on.
            Err(error) if unfinished(&error) => std::future::pending().await,
            Err(error) => format!("{error}: {}", error.source),
        }
    }
}

fn unfinished(error: &EngineError) -> bool {
    error.source.to_string().starts_with("it did not end within")
}

/// The end of what a process said, in one line.
fn last_words(output: &ExecOutput) -> String {
    let text = format!("{}{}", output.stdout, output.stderr);
    let line = text
        .lines()
        .rev()
        .find(|line| line.contains("err=") || line.contains("level=ERROR"))
        .or(text.lines().last());
    format!("exit code {}, {}", output.exit_code, crate::net::http::one_line(line.unwrap_or("no words")))
}
