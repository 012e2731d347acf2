//! A proxy before the engine's socket: it records every call, and can do harm at a chosen one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::lab::{eventually, runtime};

/// The engine's socket: that of `DOCKER_HOST`, else the usual one.
fn engine() -> String {
    let host = std::env::var("DOCKER_HOST").unwrap_or_default();
    host.strip_prefix("unix://").unwrap_or("/var/run/docker.sock").to_owned()
}

/// What happens to a call, by its number (1 is the first).
pub(crate) type Fault = Box<dyn Fn(usize, &str) -> Harm + Send + Sync>;

pub(crate) enum Harm {
    None,
    /// The call reaches the engine; its answer does not reach the client.
    LoseAnswer,
    /// This status and text instead of the engine's answer; the call does not reach it.
    Answer(u16, &'static str),
    /// The call reaches the engine, and the client is told that the engine is gone.
    DoneButGone,
    /// No answer, ever.
    Hang,
}

pub(crate) struct Proxy {
    folder: tempfile::TempDir,
    calls: Arc<Mutex<Vec<String>>>,
    in_flight: Arc<AtomicUsize>,
    _runtime: tokio::runtime::Runtime,
}

struct Shared {
    calls: Arc<Mutex<Vec<String>>>,
    fault: Fault,
    number: AtomicUsize,
    in_flight: Arc<AtomicUsize>,
    client: reqwest::Client,
}

/// A call that the engine has not answered yet.
struct InFlight(Arc<AtomicUsize>);

impl InFlight {
    /// `None` for a call that lasts as long as a container: whoever asked may be dead, and it runs on.
    fn new(count: &Arc<AtomicUsize>, call: &str) -> Option<Self> {
        if ["/wait", "follow=", "/events"].iter().any(|lasting| call.contains(lasting)) {
            return None;
        }
        count.fetch_add(1, Ordering::SeqCst);
        Some(Self(count.clone()))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Proxy {
    pub(crate) fn start() -> Self {
        Self::with_fault(Box::new(|_, _| Harm::None))
    }

    pub(crate) fn with_fault(fault: Fault) -> Self {
        confidexmon::net::http::install_crypto();
        let folder = tempfile::tempdir().unwrap();
        let runtime = runtime();
        let calls = Arc::new(Mutex::new(Vec::new()));
        let client = reqwest::Client::builder().unix_socket(engine()).build().unwrap();
        let in_flight = Arc::new(AtomicUsize::new(0));
        let number = AtomicUsize::new(0);
        let shared = Shared { calls: calls.clone(), fault, number, in_flight: in_flight.clone(), client };
        let path = folder.path().join("engine.sock");
        runtime.block_on(async {
            let listener = tokio::net::UnixListener::bind(path).unwrap();
            let router = Router::new().fallback(forward).with_state(Arc::new(shared));
            tokio::spawn(axum::serve(listener, router).into_future());
        });
        Self { folder, calls, in_flight, _runtime: runtime }
    }

    /// Waits until the engine has carried out what it was asked, also by a client that is dead by now.
    pub(crate) fn settle(&self) {
        eventually(
            &format!("the engine has carried out {:?}", self.calls.lock().unwrap().last()),
            Duration::from_mins(2),
            || self.in_flight.load(Ordering::SeqCst) == 0,
        );
    }

    pub(crate) fn host(&self) -> String {
        format!("unix://{}", self.folder.path().join("engine.sock").display())
    }

    /// The calls since the last time, each as `METHOD path`.
    pub(crate) fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }
}

/// On a task of its own: a client that is killed does not take its call back.
async fn forward(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let in_flight = InFlight::new(&shared.in_flight, &request.uri().to_string());
    let carried_out = tokio::spawn(carry_out(shared, request, in_flight)).await;
    carried_out.unwrap_or_else(|_| StatusCode::BAD_GATEWAY.into_response())
}

async fn carry_out(shared: Arc<Shared>, mut request: Request, in_flight: Option<InFlight>) -> Response {
    let number = shared.number.fetch_add(1, Ordering::SeqCst) + 1;
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let call = format!("{} {path}", request.method());
    shared.calls.lock().unwrap().push(call.clone());
    let harm = (shared.fault)(number, &call);
    match harm {
        Harm::Answer(status, message) => {
            let body = serde_json::json!({"message": message}).to_string();
            return (StatusCode::from_u16(status).unwrap(), body).into_response();
        }
        Harm::Hang => {
            drop(in_flight);
            return std::future::pending().await;
        }
        Harm::None | Harm::LoseAnswer | Harm::DoneButGone => {}
    }
    // A command in a container talks over the connection itself, once both sides have left HTTP.
    let upgrades = request.headers().contains_key("upgrade");
    let client = upgrades.then(|| hyper::upgrade::on(&mut request));
    let (parts, body) = request.into_parts();
    // A client that was killed in the middle of its request has nobody to be answered.
    let Ok(body) = to_bytes(body, usize::MAX).await else { return StatusCode::BAD_REQUEST.into_response() };
    let mut forwarded = shared.client.request(parts.method, format!("http://engine{path}")).body(body);
    for name in ["content-type", "x-registry-auth", "connection", "upgrade"] {
        if let Some(value) = parts.headers.get(name) {
            forwarded = forwarded.header(name, value);
        }
    }
    match forwarded.send().await {
        Ok(answer) if answer.status() == StatusCode::SWITCHING_PROTOCOLS => {
            let engine = answer.upgrade().await.unwrap();
            tunnel(harm, engine, client.unwrap(), in_flight).await
        }
        Ok(answer) => {
            let status = answer.status();
            // What a file is, the engine says in a header.
            let passed = ["content-type", "x-docker-container-path-stat"];
            let headers = passed.map(|name| (name, answer.headers().get(name).cloned()));
            let bytes = answer.bytes().await.unwrap_or_default();
            drop(in_flight);
            if matches!(harm, Harm::LoseAnswer) {
                std::future::pending::<()>().await;
            }
            if matches!(harm, Harm::DoneButGone) {
                return (StatusCode::BAD_GATEWAY, "the engine is gone").into_response();
            }
            let mut response = Response::builder().status(status);
            for (name, value) in headers.into_iter().filter_map(|(name, value)| Some((name, value?))) {
                response = response.header(name, value);
            }
            response.body(Body::from(bytes)).unwrap()
        }
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

/// The answer that lets the client leave HTTP, and both directions from then on.
async fn tunnel(
    harm: Harm,
    mut engine: reqwest::Upgraded,
    client: hyper::upgrade::OnUpgrade,
    in_flight: Option<InFlight>,
) -> Response {
    if !matches!(harm, Harm::None) {
        // The command runs to its end; nobody hears what it said, and what it reads has ended.
        let _ = tokio::io::AsyncWriteExt::shutdown(&mut engine).await;
        let _ = tokio::io::copy(&mut engine, &mut tokio::io::sink()).await;
    }
    drop(in_flight);
    match harm {
        Harm::LoseAnswer => std::future::pending().await,
        Harm::DoneButGone => return (StatusCode::BAD_GATEWAY, "the engine is gone").into_response(),
        _ => {}
    }
    tokio::spawn(async move {
        let mut client = hyper_util::rt::TokioIo::new(client.await.unwrap());
        let _ = tokio::io::copy_bidirectional(&mut client, &mut engine).await;
    });
    let response = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS);
    response.header("connection", "upgrade").header("upgrade", "tcp").body(Body::empty()).unwrap()
}
