//! One connected engine: bollard and raw requests over the same transport, each with a deadline.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bollard::errors::Error as Bollard;
use bollard::{BollardRequest, ClientVersion, Docker, body_full};
use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderMap};
use hyper::{Method, Request, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::engine::{EngineError, EngineInfo, ErrorKind};

use super::errors::{explain, hung};
use super::modifier::repair;
use super::ssh::Tunnel;
use super::transport::Transport;
use super::version::{ApiVersion, VersionAnswer};

/// Bollard's own deadline is switched off: it covers response headers only, and ours covers the call.
const NO_DEADLINE: u64 = 365 * 24 * 3600;

/// The connection that every call uses. Clones share it, so that a stream can outlive its caller.
#[derive(Clone)]
pub(super) struct Wire {
    pub(super) docker: Docker,
    pub(super) info: Arc<EngineInfo>,
    transport: Transport,
    api: ApiVersion,
    /// Held so that the tunnel ends with the last user of the connection.
    _tunnel: Option<Arc<Tunnel>>,
}

#[derive(Deserialize)]
struct Refusal {
    message: String,
}

impl Wire {
    pub(super) fn new(
        transport: Transport,
        api: ApiVersion,
        info: EngineInfo,
        tunnel: Option<Tunnel>,
    ) -> Result<Self, Bollard> {
        let for_bollard = transport.clone();
        let send = move |request: BollardRequest| {
            let transport = for_bollard.clone();
            async move { transport.send(request).await }
        };
        let version = ClientVersion { major_version: api.major.into(), minor_version: api.minor.into() };
        let docker =
            Docker::connect_with_custom_transport(send, Some("http://engine"), NO_DEADLINE, &version)?
                .with_request_modifier(move |request| repair(request, api));
        Ok(Self { docker, info: Arc::new(info), transport, api, _tunnel: tunnel.map(Arc::new) })
    }

    /// Runs one call of bollard under a deadline.
    pub(super) async fn call<T>(
        &self,
        action: &str,
        deadline: Duration,
        call: impl Future<Output = Result<T, Bollard>>,
    ) -> Result<T, EngineError> {
        within(action, &self.info.endpoint, deadline, call).await
    }

    pub(super) fn explain(&self, action: &str, error: &Bollard) -> EngineError {
        explain(action, &self.info.endpoint, error)
    }

    /// `GET path` as JSON into a tolerant struct of ours.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        action: &str,
        deadline: Duration,
        path: &str,
    ) -> Result<T, EngineError> {
        let request = self.request(Method::GET, path, Bytes::new());
        let body =
            self.call(action, deadline, async { read_whole(self.transport.send(request?).await?).await });
        decode(action, &body.await?)
    }

    /// `POST path` with a JSON body, for what bollard's models cannot say.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        action: &str,
        deadline: Duration,
        path: &str,
        body: &serde_json::Value,
    ) -> Result<T, EngineError> {
        let request = self.request(Method::POST, path, Bytes::from(body.to_string()));
        let body =
            self.call(action, deadline, async { read_whole(self.transport.send(request?).await?).await });
        decode(action, &body.await?)
    }

    /// `GET path` as an open body.
    pub(super) async fn open(&self, path: &str) -> Result<Response<Incoming>, Bollard> {
        let request = self.request(Method::GET, path, Bytes::new())?;
        succeeded(self.transport.send(request).await?).await
    }

    fn request(&self, method: Method, path: &str, body: Bytes) -> Result<BollardRequest, Bollard> {
        Ok(repair(plain_request(method, path, body)?, self.api))
    }
}

/// `GET /version` and `GET /_ping`: the only requests without a version, as the version is not known yet. The
/// headers and the body of the answer.
pub(super) async fn get_unversioned(
    transport: &Transport,
    endpoint: &str,
    deadline: Duration,
    path: &str,
) -> Result<(HeaderMap, Bytes), EngineError> {
    let request = plain_request(Method::GET, path, Bytes::new());
    let answer = async {
        let response = transport.send(request?).await?;
        let headers = response.headers().clone();
        Ok((headers, read_whole(response).await?))
    };
    within(REACH, endpoint, deadline, answer).await
}

/// What an engine says of itself.
pub(super) fn introduction(body: &[u8]) -> Result<VersionAnswer, EngineError> {
    decode(REACH, body)
}

const REACH: &str = "reach the engine";

async fn within<T>(
    action: &str,
    endpoint: &str,
    deadline: Duration,
    call: impl Future<Output = Result<T, Bollard>>,
) -> Result<T, EngineError> {
    match tokio::time::timeout(deadline, call).await {
        Ok(result) => result.map_err(|error| explain(action, endpoint, &error)),
        Err(_) => Err(hung(action, endpoint, &format!("within {} s", deadline.as_secs()))),
    }
}

fn plain_request(method: Method, path: &str, body: Bytes) -> Result<BollardRequest, Bollard> {
    let request = Request::builder()
        .method(method)
        .uri(format!("http://engine{path}"))
        .header(CONTENT_TYPE, "application/json")
        .body(body_full(body))?;
    Ok(request)
}

async fn read_whole(response: Response<Incoming>) -> Result<Bytes, Bollard> {
    let body = succeeded(response).await?.into_body().collect().await?.to_bytes();
    if tracing::enabled!(tracing::Level::DEBUG)
        && let Some(text) = super::bodies::shown(&body)
    {
        tracing::debug!("engine answered {text}");
    }
    Ok(body)
}

async fn succeeded(response: Response<Incoming>) -> Result<Response<Incoming>, Bollard> {
    let status = response.status();
    if status.is_success() || status == StatusCode::NOT_MODIFIED {
        return Ok(response);
    }
    let body = response.into_body().collect().await?.to_bytes();
    let message = serde_json::from_slice::<Refusal>(&body)
        .map_or_else(|_| String::from_utf8_lossy(&body).into_owned(), |refusal| refusal.message);
    Err(Bollard::DockerResponseServerError { status_code: status.as_u16(), message })
}

fn decode<T: DeserializeOwned>(action: &str, body: &[u8]) -> Result<T, EngineError> {
    serde_json::from_slice(body)
        .map_err(|error| EngineError::new(action, ErrorKind::Other, format!("unexpected answer: {error}")))
}
