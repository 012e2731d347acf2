//! `silence`: an alert that nobody is to be told of for a while, and why.

use std::time::Duration;

use serde_json::json;

use crate::apply::overview::{self, Apis};
use crate::apply::{StackSession, ownership, wait};
use crate::cli::args::{PlanOptions, SilenceOptions};
use crate::cli::context::{Context, Loaded};
use crate::drill::intake;
use crate::engine::Containers;
use crate::engine::docker::DockerEngine;
use crate::error::{Error, ExitCode};
use crate::health::overview::ActiveAlert;
use crate::health::silences::{Matcher, Silence};
use crate::model::{Hint, closest_name};
use crate::net::NetError;
use crate::net::alertmanager::Alertmanager;
use crate::plan::ownership::Adoption;
use crate::report::{Format, words};

/// A stack that runs, and its Alertmanager.
pub(super) struct Running {
    pub(super) loaded: Loaded,
    pub(super) apis: Apis,
    pub(super) alertmanager: Alertmanager,
    /// It keeps an ssh tunnel open.
    _session: StackSession<DockerEngine>,
}

/// What is to be done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Look,
    /// Only by the project that it belongs to.
    Change,
}

impl Running {
    pub(super) async fn find(context: &Context, purpose: Purpose) -> Result<Self, Error> {
        let loaded = context.load(&PlanOptions::default())?;
        let engine = context.engine(&loaded.ports()).await?;
        let session = context.session(engine, &loaded.settings.stack)?;
        let desired = context.desired(&loaded)?;
        let observed = session.engine.list().await?;
        let owner = (&loaded.settings.stack, &loaded.identity);
        if purpose == Purpose::Change {
            ownership::check(&session, owner, &observed, Adoption::Refused).await?;
        }
        let running = wait::running_in(&observed, &desired);
        let apis = Apis::of(&session, &desired, &running);
        let Some(alertmanager) = apis.alertmanager.clone() else {
            return Err(Error::new(ExitCode::Unhealthy, "this stack's Alertmanager does not run")
                .hint("`confidexmon status` says how it is, `confidexmon up` starts it"));
        };
        Ok(Self { loaded, apis, alertmanager, _session: session })
    }
}

/// Makes a silence for an alert, or ends one.
///
/// # Errors
/// When there is no such alert or silence.
pub async fn run(context: &Context, options: &SilenceOptions) -> Result<(), Error> {
    let running = Running::find(context, Purpose::Change).await?;
    let firing = overview::alerts(&running.apis).await.unwrap_or_default();
    known(&options.alert, &running.loaded, &firing)?;
    let wanted = wanted(options);
    let id = running.alertmanager.silence(&wanted).await.map_err(unanswered)?;
    let silence = Silence { id, ..wanted };
    let met: Vec<&ActiveAlert> = firing.iter().filter(|alert| matches(&silence, alert)).collect();
    match context.output.format {
        Format::Json => context.output.json(&json!({"silence": silence, "matches": met})),
        Format::Human => {
            let until = until(&silence.ends_at);
            context.output.data(&format!("silenced until {until}: {}\n", silence.text()));
            let now = match met.len() {
                0 => "no alert that it matches fires now".to_owned(),
                count => format!("{} that fires is silenced by it", words::count(count, "alert")),
            };
            context
                .output
                .info(&format!("{now}; `confidexmon silences --end {}` ends it", short(&silence.id)));
        }
    }
    Ok(())
}

/// An Alertmanager that runs and cannot be asked: paused, hung, or with another password.
pub(super) fn unanswered(error: NetError) -> Error {
    let has_hint = error.hint().is_some();
    let error = Error::from(error);
    if has_hint {
        error
    } else {
        error.hint("`confidexmon doctor stack alerts` finds out why Alertmanager does not answer")
    }
}

/// A silence for a name with a slip in it would silence nothing, and nobody would know.
fn known(name: &str, loaded: &Loaded, firing: &[ActiveAlert]) -> Result<(), Error> {
    let targets = intake::targets(&intake::rule_files(&loaded.project.files));
    let names = targets.iter().map(|target| &target.alert).chain(firing.iter().map(|alert| &alert.name));
    let names: Vec<&String> = names.collect();
    if names.iter().any(|known| *known == name) {
        return Ok(());
    }
    let hint = match closest_name(name, names) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "`confidexmon alerts` lists those that fire".to_owned(),
    };
    Err(Error::new(ExitCode::Usage, format!("there is no alert `{name}`; nothing was silenced")).hint(hint))
}

fn wanted(options: &SilenceOptions) -> Silence {
    let now = jiff::Timestamp::now();
    let end = now.checked_add(options.length).unwrap_or(jiff::Timestamp::MAX);
    let written = |time: jiff::Timestamp| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let labels = options.labels.iter().map(|(name, value)| Matcher::equal(name, value));
    Silence {
        id: String::new(),
        matchers: std::iter::once(Matcher::equal("alertname", &options.alert)).chain(labels).collect(),
        starts_at: written(now),
        ends_at: written(end),
        created_by: options.by.clone().unwrap_or_else(|| "confidexmon".to_owned()),
        comment: options.why.clone(),
        state: "active".to_owned(),
    }
}

/// True when all labels that it names have its values.
fn matches(silence: &Silence, alert: &ActiveAlert) -> bool {
    let value = |matcher: &Matcher| alert.labels.get(&matcher.name).map_or("", String::as_str);
    silence.matchers.iter().all(|matcher| value(matcher) == matcher.value)
}

/// `2026-11-30 16:00 UTC (in 2h)`.
pub(super) fn until(end: &str) -> String {
    let Ok(time) = end.parse::<jiff::Timestamp>() else { return end.to_owned() };
    let left = time.as_second() - jiff::Timestamp::now().as_second();
    // Rounded up: a silence of two hours has two hours left.
    format!("{} UTC (in {})", time.strftime("%Y-%m-%d %H:%M"), words::age(left.max(0) + 1))
}

/// Enough of an id to name it.
pub(super) fn short(id: &str) -> &str {
    id.split('-').next().unwrap_or(id)
}

/// The longest silence: what is to be silent for longer is not an alert.
pub const LONGEST: Duration = Duration::from_hours(24 * 90);
