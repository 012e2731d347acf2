//! The demo backend's HTTP server.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::model::Model;
use super::scenario::{Active, Effect, ScenarioError, parse_scenario};
use crate::model::Hint;

/// How the demo backend runs.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    pub listen: Vec<SocketAddr>,
    pub scenarios: Vec<Active>,
    /// The same seed gives the same movements.
    pub seed: u64,
    /// Model seconds per second.
    pub speed: f64,
}

/// Why the demo backend cannot serve.
#[derive(Debug, thiserror::Error)]
#[error("the demo backend cannot listen on {address}")]
pub struct DemoError {
    address: SocketAddr,
    #[source]
    source: std::io::Error,
}

impl Hint for DemoError {
    fn hint(&self) -> Option<String> {
        (self.source.kind() == std::io::ErrorKind::AddrInUse)
            .then(|| "stop what uses the port, or choose another one with `--listen`".to_owned())
    }
}

/// A demo backend that runs in the background until this is dropped.
#[derive(Debug)]
pub struct Running {
    pub addresses: Vec<SocketAddr>,
    stop: CancellationToken,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Serves until `shutdown` is done.
pub async fn serve(options: DemoOptions, shutdown: impl Future<Output = ()>) -> Result<(), DemoError> {
    let running = spawn(options).await?;
    shutdown.await;
    drop(running);
    Ok(())
}

/// Starts serving; port 0 is allowed, the bound addresses are in the answer.
pub async fn spawn(options: DemoOptions) -> Result<Running, DemoError> {
    let mut listeners = Vec::new();
    for address in &options.listen {
        let listener =
            TcpListener::bind(address).await.map_err(|source| DemoError { address: *address, source })?;
        listeners.push(listener);
    }
    let addresses = listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect();
    let stop = CancellationToken::new();
    let router = router(Arc::new(Mutex::new(Backend::new(&options))));
    for listener in listeners {
        let server =
            axum::serve(listener, router.clone()).with_graceful_shutdown(stop.clone().cancelled_owned());
        tokio::spawn(server.into_future());
    }
    Ok(Running { addresses, stop })
}

/// The model with the clock that drives it.
struct Backend {
    model: Model,
    scenarios: Vec<Active>,
    speed: f64,
    last: Instant,
}

/// The longest step at once, so that a backend nobody asked for an hour still moves smoothly.
const STEP: Duration = Duration::from_secs(5);
/// Steps at most: what was not asked for a day need not be caught up.
const STEPS: u32 = 720;

impl Backend {
    fn new(options: &DemoOptions) -> Self {
        Self {
            model: Model::new(options.seed),
            scenarios: options.scenarios.clone(),
            speed: options.speed,
            last: Instant::now(),
        }
    }

    /// Lets the time since the last call pass.
    fn catch_up(&mut self) {
        let elapsed = self.last.elapsed().mul_f64(self.speed.clamp(0.0, 10_000.0));
        self.last = Instant::now();
        let mut left = elapsed.min(STEP * STEPS);
        while left > Duration::ZERO {
            let step = left.min(STEP);
            self.model.advance(step, &self.scenarios);
            left -= step;
        }
    }

    fn is_down(&self) -> bool {
        self.scenarios.iter().any(|active| active.scenario.effects.contains(&Effect::Down))
    }

    fn switch_on(&mut self, active: Active) {
        self.catch_up();
        self.scenarios.retain(|other| other.scenario.name != active.scenario.name);
        self.scenarios.push(active);
    }
}

type Shared = Arc<Mutex<Backend>>;

fn router(backend: Shared) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/health", get(|| async { Json(json!({"status": "ok"})) }))
        .route("/scenarios", get(list).put(replace).delete(clear))
        .route("/scenarios/{name}", post(switch_on).delete(switch_off))
        .with_state(backend)
}

fn with<T>(backend: &Shared, action: impl FnOnce(&mut Backend) -> T) -> T {
    action(&mut backend.lock().unwrap_or_else(PoisonError::into_inner))
}

async fn metrics(State(backend): State<Shared>) -> Response {
    let text = with(&backend, |backend| {
        backend.catch_up();
        (!backend.is_down()).then(|| backend.model.text())
    });
    match text {
        Some(text) => ([("content-type", "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        None => (StatusCode::SERVICE_UNAVAILABLE, "the scenario `down` is on\n").into_response(),
    }
}

async fn list(State(backend): State<Shared>) -> Json<Vec<String>> {
    Json(with(&backend, |backend| backend.scenarios.iter().map(Active::to_string).collect()))
}

async fn clear(State(backend): State<Shared>) -> Json<Vec<String>> {
    with(&backend, |backend| {
        backend.catch_up();
        backend.scenarios.clear();
    });
    Json(Vec::new())
}

async fn replace(
    State(backend): State<Shared>,
    Json(wanted): Json<Vec<String>>,
) -> Result<Json<Vec<String>>, Response> {
    let parsed: Result<Vec<Active>, ScenarioError> = wanted.iter().map(|text| parse_scenario(text)).collect();
    let scenarios = parsed.map_err(|error| refusal(&error))?;
    with(&backend, |backend| {
        backend.catch_up();
        backend.scenarios = scenarios;
    });
    Ok(list(State(backend)).await)
}

#[derive(serde::Deserialize)]
struct ValueParameter {
    value: Option<String>,
}

async fn switch_on(
    State(backend): State<Shared>,
    Path(name): Path<String>,
    Query(parameter): Query<ValueParameter>,
) -> Result<Json<Vec<String>>, Response> {
    let text = parameter.value.map_or_else(|| name.clone(), |value| format!("{name}={value}"));
    let active = parse_scenario(&text).map_err(|error| refusal(&error))?;
    with(&backend, |backend| backend.switch_on(active));
    Ok(list(State(backend)).await)
}

async fn switch_off(State(backend): State<Shared>, Path(name): Path<String>) -> Json<Vec<String>> {
    with(&backend, |backend| {
        backend.catch_up();
        backend.scenarios.retain(|active| active.scenario.name != name);
    });
    list(State(backend)).await
}

fn refusal(error: &ScenarioError) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"error": error.to_string()}))).into_response()
}
