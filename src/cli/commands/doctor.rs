//! `doctor`: each thing that is commonly wrong, with its evidence, its cause and its fix.

use std::future::Future;
use std::time::Duration;

use crate::apply::StackSession;
use crate::apply::doctor::{Inspector, REQUEST, facts};
use crate::cli::args::{DoctorOptions, PlanOptions};
use crate::cli::context::{Context, Loaded};
use crate::cli::signals;
use crate::doctor::{Check, Facts, Topic, Verdict, examine};
use crate::engine::Engine;
use crate::engine::docker::DockerEngine;
use crate::error::{Error, ExitCode};
use crate::model::Observed;
use crate::net::HttpClient;
use crate::report::{Format, doctor as report};

/// Between two looks of `--wait`.
const AGAIN: Duration = Duration::from_secs(3);
/// The deadlines of the first two calls; one that hangs is a finding.
const CONNECT: Duration = Duration::from_millis(2500);
const LIST: Duration = Duration::from_secs(2);

pub async fn run(context: &Context, options: &DoctorOptions) -> Result<ExitCode, Error> {
    if options.list {
        match context.output.format {
            Format::Human => context.output.data(&report::list()),
            Format::Json => context.output.json(&report::list_json()),
        }
        return Ok(ExitCode::Done);
    }
    let loaded = context.load(&PlanOptions::default())?;
    let cancel = signals::watch(context.output);
    let mut view = View { context, options, loaded, may_sign_in: true };
    let mut said = String::new();
    loop {
        let checks = Box::pin(view.look()).await?;
        let succeeded = report::succeeded(&checks);
        if (succeeded && is_settled(&checks)) || !options.wait {
            view.show(&checks);
            return Ok(if succeeded { ExitCode::Done } else { ExitCode::Findings });
        }
        let first = checks.first().map(|check| format!("waiting: {}: {}", check.what, check.cause));
        if let Some(first) = first.filter(|first| *first != said) {
            context.output.info(&first);
            said = first;
        }
        tokio::select! {
            () = tokio::time::sleep(AGAIN) => {}
            () = cancel.cancelled() => {
                view.show(&checks);
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
    loaded: Loaded,
    may_sign_in: bool,
}

impl View<'_> {
    async fn look(&mut self) -> Result<Vec<Check>, Error> {
        let engine = in_time("the engine", CONNECT, self.context.engine(&self.loaded.ports())).await;
        let session = match engine {
            Ok(engine) => Ok(self.context.session(engine, &self.loaded.settings.stack)?),
            Err(reason) => Err(reason),
        };
        let observed = match &session {
            Ok(session) => {
                in_time("the engine", LIST, async { session.engine.list().await.map_err(Error::from) }).await
            }
            Err(reason) => Err(reason.clone()),
        };
        let facts = Box::pin(self.facts(&session, &observed)).await?;
        let refused = facts.grafana.answer().and_then(|grafana| grafana.signs_in.answer());
        self.may_sign_in &= refused != Some(&false);
        Ok(examine(&facts, &self.options.topics))
    }

    async fn facts(
        &self,
        session: &Result<StackSession<DockerEngine>, String>,
        observed: &Result<Observed, String>,
    ) -> Result<Facts, Error> {
        let none = PlanOptions::default();
        let loaded = self.context.load(&none)?;
        let loaded = match observed {
            Ok(observed) => self.context.with_running_redis(loaded, &none, observed)?,
            Err(_) => loaded,
        };
        let desired = self.context.desired(&loaded)?;
        let dashboards = loaded.project.files.dashboards.values();
        let inspector = Inspector {
            settings: &loaded.settings,
            desired: &desired,
            dashboards: dashboards.map(|file| (file.shown_as.clone(), file.text.clone())).collect(),
            project_dir: &self.context.global.project_dir,
            session: session.as_ref().map_err(Clone::clone),
            observed: observed.as_ref().map_err(Clone::clone),
            http: HttpClient::new(REQUEST)?,
            topics: &self.options.topics,
            may_sign_in: self.may_sign_in,
        };
        Ok(Box::pin(facts(&inspector)).await)
    }

    fn show(&self, checks: &[Check]) {
        let output = self.context.output;
        match output.format {
            Format::Human => output.data(&report::text(checks, output, self.context.global.verbose > 0)),
            Format::Json => output.json(&report::json(checks)),
        }
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
