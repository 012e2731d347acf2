//! Each scrape target with Prometheus's words, and for those that are down what other ways to ask say: from
//! inside Prometheus's network (its own `promtool`, which the stack needs anyway) and from this machine.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use serde_json::Value;

use crate::apply::doctor::{ENGINE, Inspector, asked, within};
use crate::apply::live::from_here;
use crate::doctor::Topic;
use crate::doctor::facts::{Asked, Target, View};
use crate::engine::{Engine, ExecOutput};
use crate::model::{PortHolder, PromDuration, ServiceKind};
use crate::net::backend::Auth;
use crate::net::http::one_line;
use crate::net::prometheus::Prometheus;
use crate::net::scrape;
use crate::settings::TargetAuth;
use crate::store::{ports, sockets, tarball};

/// Targets that are asked in other ways; one mistake often hits them all.
const MOST: usize = 60;
const AT_ONCE: usize = 30;
/// Said of a connection that was made and led to no answer.
const BROKEN: [&str; 4] = ["EOF", "reset", "malformed", "broken"];
/// Enough for the line that cannot be read in most answers.
const LONGEST_BODY: usize = 256 * 1024;
/// The deadline of the request from here.
const ASK: Duration = Duration::from_millis(2500);

pub(super) async fn gather<E: Engine>(
    inspector: &Inspector<'_, E>,
    prometheus: &Prometheus,
) -> Asked<Vec<Target>> {
    let answer = asked(prometheus.data_at("/api/v1/targets?state=active").await);
    let list = answer.map(|data| {
        let list = data["activeTargets"].as_array().cloned().unwrap_or_default();
        list.iter().map(target).collect::<Vec<_>>()
    });
    let Asked::Answer(targets) = list else { return list };
    if !inspector.wants(Topic::Targets) {
        return Asked::Answer(targets);
    }
    let gateway =
        if targets.iter().any(|one| one.health == "down") { gateway(inspector).await } else { None };
    let gateway = gateway.as_deref();
    let mut looked_at = 0;
    let examined = targets.into_iter().map(|target| {
        let is_down = target.health == "down";
        looked_at += usize::from(is_down);
        let examine_it = is_down && looked_at <= MOST;
        async move { if examine_it { examine(inspector, target, gateway).await } else { target } }
    });
    let examined: Vec<_> = examined.collect();
    Asked::Answer(stream::iter(examined).buffered(AT_ONCE).collect().await)
}

fn target(one: &Value) -> Target {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let url = text(&one["scrapeUrl"]);
    let (host, port) = host_and_port(&url);
    Target {
        job: text(&one["labels"]["job"]),
        health: text(&one["health"]),
        last_error: text(&one["lastError"]),
        timeout: PromDuration::seconds(&text(&one["scrapeTimeout"])).unwrap_or(10.0),
        host,
        port,
        url,
        ..Target::default()
    }
}

fn host_and_port(url: &str) -> (String, u16) {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let usual = if scheme == "https" { 443 } else { 80 };
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host.to_owned(), port.parse().unwrap_or(usual)),
        _ => (authority.to_owned(), usual),
    }
}

async fn examine<E: Engine>(
    inspector: &Inspector<'_, E>,
    mut target: Target,
    gateway: Option<&str>,
) -> Target {
    let is_local =
        inspector.session.as_ref().is_ok_and(|session| session.engine.info().endpoint.starts_with("unix://"));
    let beside = async {
        match gateway.filter(|_| is_local && target.is_engines_host()) {
            Some(address) => Asked::Answer(scrape::connect(&format!("{address}:{}", target.port)).await),
            None => Asked::Absent,
        }
    };
    let (inside, here, beside) = tokio::join!(inside(inspector, &target), here(inspector, &target), beside);
    (target.inside, target.inside_view) = inside;
    target.from_here = here;
    target.gateway = beside;
    if is_local && target.is_engines_host() {
        let found = sockets::listeners(target.port);
        target.listeners = found
            .map_or(Asked::Absent, |found| Asked::Answer(found.iter().map(ToString::to_string).collect()));
        target.holder = match ports::holder(target.port) {
            PortHolder::Process { name, pid } => format!("`{name}` (pid {pid})"),
            PortHolder::Container(name) => name,
            PortHolder::Unknown => String::new(),
        };
    }
    target
}

/// From Prometheus's own network, by the tool that comes with it. An answer of 200 is shown whole, of any other
/// only its status.
async fn inside<E: Engine>(inspector: &Inspector<'_, E>, target: &Target) -> (Asked<String>, Option<View>) {
    match ask_inside(inspector, &target.url).await {
        Asked::Answer(output) => {
            let text = format!("{}{}", output.stdout, output.stderr);
            let mut view = answer_in(output.exit_code, &text);
            let error = if view.is_some() { String::new() } else { one_line(&text) };
            if BROKEN.iter().any(|word| error.contains(word)) {
                view = Some(View { error: error.clone(), ..View::default() });
            }
            if let Some(view) = view.as_mut().filter(|view| view.status != 200) {
                view.other_scheme_answers = speaks(inspector, &other_scheme(&target.url)).await;
            }
            (Asked::Answer(error), view)
        }
        Asked::Absent => (Asked::Absent, None),
        // A packet filter leaves the question without an answer.
        Asked::NoAnswer(reason) if reason.contains("within") => {
            (Asked::Answer(format!("timeout: {reason}")), None)
        }
        Asked::NoAnswer(reason) => (Asked::NoAnswer(reason), None),
    }
}

/// The tool adds a path of its own, which as a parameter does not matter.
async fn ask_inside<E: Engine>(inspector: &Inspector<'_, E>, url: &str) -> Asked<ExecOutput> {
    let (Ok(session), Some(container)) = (&inspector.session, inspector.container(ServiceKind::Prometheus))
    else {
        return Asked::Absent;
    };
    let url = format!("--url={url}{}confidexmon=", if url.contains('?') { '&' } else { '?' });
    let command = ["promtool", "check", "healthy", &url].map(str::to_owned);
    let ask = async { asked(session.engine.exec(&container.id, &command, None).await) };
    within("the target", ENGINE, ask).await
}

/// What the tool shows of an answer; `None` when there was none.
fn answer_in(exit_code: i64, text: &str) -> Option<View> {
    if exit_code == 0 {
        let body = text.trim_start().strip_prefix("SUCCESS:").unwrap_or(text).trim_start();
        return Some(View {
            status: 200,
            body: body.chars().take(LONGEST_BODY).collect(),
            ..View::default()
        });
    }
    let (_, rest) = text.split_once("status=")?;
    let status = rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
    Some(View { status, ..View::default() })
}

/// True when a server speaks that scheme: it answers, or only its certificate is refused.
async fn speaks<E: Engine>(inspector: &Inspector<'_, E>, url: &str) -> bool {
    ask_inside(inspector, url).await.answer().is_some_and(|output| {
        let text = format!("{}{}", output.stdout, output.stderr);
        answer_in(output.exit_code, &text).is_some_and(|view| view.status != 400) || text.contains("x509:")
    })
}

fn other_scheme(url: &str) -> String {
    match url.split_once("://") {
        Some(("https", rest)) => format!("http://{rest}"),
        Some((_, rest)) => format!("https://{rest}"),
        None => url.to_owned(),
    }
}

async fn here<E: Engine>(inspector: &Inspector<'_, E>, target: &Target) -> Asked<View> {
    let info = inspector.session.as_ref().ok().map(|session| session.engine.info());
    let address = from_here(&format!("{}:{}", target.host, target.port), info);
    let connect = scrape::connect(&address).await;
    if !connect.is_empty() {
        return Asked::Answer(View { error: connect.clone(), connect, ..View::default() });
    }
    let (scheme, rest) = target.url.split_once("://").unwrap_or(("http", &target.url));
    let path = rest.find('/').map_or("/", |at| &rest[at..]);
    let seen = scrape::ask(&format!("{scheme}://{address}{path}"), &auth(inspector, target), ASK).await;
    // Only a broken conversation raises the question of the other scheme.
    let is_odd = !seen.error.is_empty() && !seen.error.contains("timed out") || seen.status == 400;
    let other = if scheme == "https" { "http" } else { "https" };
    let other_scheme_answers = is_odd && {
        let other = scrape::ask(&format!("{other}://{address}{path}"), &Auth::None, ASK).await;
        other.error.is_empty() && other.status != 400
    };
    Asked::Answer(View {
        connect,
        error: seen.error,
        status: seen.status,
        content_type: seen.content_type,
        location: seen.location,
        body: seen.body,
        seconds: seen.seconds,
        other_scheme_answers,
    })
}

/// The credentials of the settings go to the settings' own address only.
fn auth<E: Engine>(inspector: &Inspector<'_, E>, target: &Target) -> Auth {
    let is_it = |wanted: &&crate::settings::TargetSettings| {
        target.url.starts_with(&format!("{}://{}{}", wanted.scheme, wanted.address, wanted.path))
    };
    match inspector.settings.targets.iter().find(is_it).map(|wanted| &wanted.auth) {
        Some(TargetAuth::Bearer(token)) => Auth::Bearer(token.clone()),
        Some(TargetAuth::Basic { username, password }) => Auth::Basic((username.clone(), password.clone())),
        Some(TargetAuth::None) | None => Auth::None,
    }
}

/// The address that the container knows as its host's.
async fn gateway<E: Engine>(inspector: &Inspector<'_, E>) -> Option<String> {
    let (Ok(session), Some(container)) = (&inspector.session, inspector.container(ServiceKind::Prometheus))
    else {
        return None;
    };
    let read = async { asked(session.engine.download(&container.id, "/etc/hosts").await) };
    let archive = within("the engine", ENGINE, read).await;
    let files = tarball::extract(archive.answer()?, 64 * 1024).ok()?;
    let text = String::from_utf8_lossy(&files.first()?.bytes).into_owned();
    let line =
        text.lines().find(|line| line.split_whitespace().any(|name| name == "host.docker.internal"))?;
    line.split_whitespace().next().map(str::to_owned)
}
