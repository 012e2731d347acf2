//! `doctor`: each thing that is commonly wrong, with its evidence, its cause and its fix.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use crate::apply::StackSession;
use crate::apply::doctor::{Inspector, REQUEST, bundle, facts};
use crate::cli::args::{DoctorOptions, PlanOptions};
use crate::cli::commands::doctor_fix;
use crate::cli::context::{Context, Loaded};
use crate::cli::signals;
use crate::doctor::redact::Redactor;
use crate::doctor::{Check, Facts, Topic, Verdict, examine};
use crate::engine::Containers;
use crate::engine::docker::DockerEngine;
use crate::error::{Error, ExitCode};
use crate::model::{Observed, Secret, ServiceKind};
use crate::net::HttpClient;
use crate::report::{Format, doctor as report};
use crate::services::Desired;
use crate::settings::dotenv;
use crate::store::support_file;

/// Between two looks of `--wait`.
const AGAIN: Duration = Duration::from_secs(3);
/// The deadlines of the first two calls; one that hangs is a finding. (Podman's account of its version asks
/// the package manager several times.)
const CONNECT: Duration = Duration::from_millis(4500);
const LIST: Duration = Duration::from_secs(2);

/// Looks at everything that is commonly wrong and prints it, worst first; with `--fix` mends what is safe to mend.
///
/// # Errors
/// Only where nothing could be looked at at all: a problem that was found is an outcome.
pub async fn run(context: &Context, options: &DoctorOptions) -> Result<ExitCode, Error> {
    if options.list {
        match context.output.format {
            Format::Human => context.output.data(&report::list()),
            Format::Json => context.output.json(&report::list_json()),
        }
        return Ok(ExitCode::Done);
    }
    let cancel = signals::watch(context.output);
    let mut view = View { context, options, may_sign_in: true };
    let mut said = String::new();
    loop {
        let mut seen = Box::pin(view.look()).await?;
        let mut fixed = None;
        if options.fix {
            fixed = Some(Box::pin(doctor_fix::run(context, options, &seen)).await?);
            // What was refused before may be right by now.
            view.may_sign_in = true;
            if fixed.as_ref().is_some_and(|fixed| !fixed.is_empty()) {
                seen = Box::pin(view.look()).await?;
            }
        }
        let succeeded = report::succeeded(&seen.checks);
        if (succeeded && is_settled(&seen.checks)) || !options.wait {
            view.show(&seen.checks, fixed.as_deref());
            if let Some(path) = &options.bundle {
                Box::pin(view.bundle(&seen, path)).await?;
            }
            return Ok(if succeeded { ExitCode::Done } else { ExitCode::Findings });
        }
        let first = seen.checks.first().map(|check| format!("waiting: {}: {}", check.what, check.cause));
        if let Some(first) = first.filter(|first| *first != said) {
            context.output.info(&first);
            said = first;
        }
        tokio::select! {
            () = tokio::time::sleep(AGAIN) => {}
            () = cancel.cancelled() => {
                view.show(&seen.checks, None);
                return Ok(ExitCode::Interrupted);
            }
        }
    }
}

/// False while targets are still to be scraped for the first time.
fn is_settled(checks: &[Check]) -> bool {
    checks.iter().all(|check| check.topic != Topic::Targets || check.verdict != Verdict::CouldNotLook)
}

/// The command between two looks.
struct View<'a> {
    context: &'a Context,
    options: &'a DoctorOptions,
    may_sign_in: bool,
}

/// What one look found, and what it looked with.
pub struct Seen {
    pub loaded: Loaded,
    pub desired: Desired,
    pub session: Result<StackSession<DockerEngine>, String>,
    pub observed: Result<Observed, String>,
    pub facts: Facts,
    pub checks: Vec<Check>,
}

impl View<'_> {
    async fn look(&mut self) -> Result<Seen, Error> {
        let none = PlanOptions::default();
        let loaded = self.context.load(&none)?;
        let engine = in_time("the engine", CONNECT, self.context.engine(&loaded.ports())).await;
        let session = match engine {
            Ok(engine) => Ok(self.context.session(engine, &loaded.settings.stack)?),
            Err(reason) => Err(reason),
        };
        let observed = match &session {
            Ok(session) => {
                in_time("the engine", LIST, async { session.engine.list().await.map_err(Error::from) }).await
            }
            Err(reason) => Err(reason.clone()),
        };
        let loaded = match &observed {
            Ok(observed) => self.context.with_running_redis(loaded, &none, observed)?,
            Err(_) => loaded,
        };
        let desired = self.context.desired(&loaded)?;
        let mut seen =
            Seen { loaded, desired, session, observed, facts: Facts::default(), checks: Vec::new() };
        let inspector = self.inspector(&seen)?;
        let facts = Box::pin(facts(&inspector)).await;
        let redactor = Redactor::of(&seen.loaded.settings, &[]);
        let checks = examine(&facts, &self.options.topics);
        let refused = facts.grafana.answer().and_then(|grafana| grafana.signs_in.answer());
        self.may_sign_in &= refused != Some(&false);
        (seen.checks, seen.facts) =
            (checks.into_iter().map(|check| redacted(&redactor, check)).collect(), facts);
        Ok(seen)
    }

    fn inspector<'a>(&'a self, seen: &'a Seen) -> Result<Inspector<'a, DockerEngine>, Error> {
        // As Grafana gets them: what an import by hand would ask for is filled in there.
        let grafana = seen.desired.services.get(&ServiceKind::Grafana);
        let shown = |name: &str| grafana?.files.files.get(&format!("/etc/confidexmon/dashboards/{name}"));
        let text = |name: &str, text: &str| {
            shown(name)
                .map_or_else(|| text.to_owned(), |file| String::from_utf8_lossy(file.bytes()).into_owned())
        };
        let dashboards = seen.loaded.project.files.dashboards.iter();
        Ok(Inspector {
            settings: &seen.loaded.settings,
            desired: &seen.desired,
            dashboards: dashboards
                .map(|(name, file)| (file.shown_as.clone(), text(name, &file.text)))
                .collect(),
            project_dir: &self.context.global.project_dir,
            session: seen.session.as_ref().map_err(Clone::clone),
            observed: seen.observed.as_ref().map_err(Clone::clone),
            http: HttpClient::new(REQUEST)?,
            topics: &self.options.topics,
            may_sign_in: self.may_sign_in,
        })
    }

    fn show(&self, checks: &[Check], fixed: Option<&[String]>) {
        let output = self.context.output;
        match output.format {
            Format::Human => output.data(&report::text(checks, output, self.context.global.verbose > 0)),
            Format::Json => output.json(&report::json(checks, fixed)),
        }
    }

    /// Writes what was seen, and what it was seen in, into a support archive.
    async fn bundle(&self, seen: &Seen, path: &Path) -> Result<(), Error> {
        let output = self.context.output;
        let dotenv = seen.loaded.project.dotenv.as_ref().map(|(_, text)| text.as_str());
        let more: Vec<Secret> = dotenv::secret_values(dotenv.unwrap_or_default());
        let inspector = self.inspector(seen)?;
        let mut files = Box::pin(bundle::gather(&inspector, &seen.facts, &more)).await;
        let redactor = Redactor::of(&seen.loaded.settings, &more);
        let plain = crate::report::Output { color_stdout: false, ..output };
        let json = format!("{:#}\n", report::json(&seen.checks, None));
        files.insert(0, ("doctor.json".to_owned(), redactor.text(&json)));
        files.insert(0, ("doctor.txt".to_owned(), redactor.text(&report::text(&seen.checks, plain, true))));
        let count = files.len();
        support_file::write(path, &files)?;
        output.notice(&format!(
            "wrote {count} files to {}; secrets of the settings and what looks like one are taken out: look it through before you send it",
            path.display()
        ));
        Ok(())
    }
}

/// A check that shows no value of a secret, whatever a log or an answer said.
fn redacted(redactor: &Redactor, check: Check) -> Check {
    Check {
        what: redactor.values(&check.what),
        evidence: redactor.values(&check.evidence),
        cause: redactor.values(&check.cause),
        fix: redactor.values(&check.fix),
        ..check
    }
}

/// The answer, or the reason why there is none, in one line.
async fn in_time<T>(
    who: &str,
    limit: Duration,
    call: impl Future<Output = Result<T, Error>>,
) -> Result<T, String> {
    match tokio::time::timeout(limit, call).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => {
            Err(std::iter::once(error.message).chain(error.causes).collect::<Vec<_>>().join(": "))
        }
        Err(_) => {
            Err(format!("{who} accepts the connection and does not answer within {} s", limit.as_secs_f64()))
        }
    }
}
