//! One pooled HTTP client per engine, shared by bollard and by our own requests.
//!
//! Bollard's own clients keep no connection open (a TLS handshake per call) and offer no way to send
//! a request of one's own.

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use bollard::BollardRequest;
use bollard::errors::Error as Bollard;
use futures_util::{FutureExt, Stream};
use http_body_util::{BodyExt, Either, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{HOST, HeaderValue};
use hyper::http::uri::PathAndQuery;
use hyper::{Response, Uri};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use hyperlocal::UnixConnector;

type Frames = Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, io::Error>> + Send>>;
/// The body of bollard's requests, whose alias it does not export.
type Body = Either<Full<Bytes>, StreamBody<Frames>>;

/// How long a TCP connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);

/// The way to one engine. Clones share the pool.
#[derive(Clone, Debug)]
pub(super) enum Transport {
    Unix { client: Client<UnixConnector, Body>, socket: PathBuf },
    Tcp { client: Client<HttpConnector, Body>, authority: String },
    Tls { client: Client<HttpsConnector<HttpConnector>, Body>, authority: String },
}

impl Transport {
    pub(super) fn unix(socket: PathBuf) -> Self {
        Self::Unix { client: Client::builder(TokioExecutor::new()).build(UnixConnector), socket }
    }

    pub(super) fn tcp(authority: String) -> Self {
        Self::Tcp { client: Client::builder(TokioExecutor::new()).build(tcp_connector()), authority }
    }

    pub(super) fn tls(authority: String, config: rustls::ClientConfig) -> Self {
        let mut tcp = tcp_connector();
        tcp.enforce_http(false);
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_only()
            .enable_http1()
            .wrap_connector(tcp);
        Self::Tls { client: Client::builder(TokioExecutor::new()).build(connector), authority }
    }

    /// Sends the request to this engine, whatever host its URI names.
    pub(super) async fn send(&self, mut request: BollardRequest) -> Result<Response<Incoming>, Bollard> {
        let path = request.uri().path_and_query().map_or("/", PathAndQuery::as_str).to_owned();
        *request.uri_mut() = self.uri(&path)?;
        request.headers_mut().insert(HOST, self.host_header());
        let call = format!("{} {path}", request.method());
        tell_body(&call, request.body());
        let began = std::time::Instant::now();
        let response = match self {
            Self::Unix { client, .. } => client.request(request).await,
            Self::Tcp { client, .. } => client.request(request).await,
            Self::Tls { client, .. } => client.request(request).await,
        };
        let took = began.elapsed();
        match &response {
            Ok(response) => tracing::info!("engine: {call}: {} after {took:.1?}", response.status().as_u16()),
            Err(error) => tracing::info!("engine: {call}: {error} after {took:.1?}"),
        }
        response.map_err(Bollard::from)
    }

    fn uri(&self, path: &str) -> Result<Uri, Bollard> {
        Ok(match self {
            Self::Unix { socket, .. } => hyperlocal::Uri::new(socket, path).into(),
            Self::Tcp { authority, .. } => Uri::try_from(format!("http://{authority}{path}"))?,
            Self::Tls { authority, .. } => Uri::try_from(format!("https://{authority}{path}"))?,
        })
    }

    fn host_header(&self) -> HeaderValue {
        let fallback = HeaderValue::from_static("localhost");
        match self {
            Self::Unix { .. } => fallback,
            Self::Tcp { authority, .. } | Self::Tls { authority, .. } => {
                HeaderValue::from_str(authority).unwrap_or(fallback)
            }
        }
    }
}

/// With `-vv`: what a call carries.
fn tell_body(call: &str, body: &Body) {
    let Either::Left(whole) = body else { return };
    if !tracing::enabled!(tracing::Level::DEBUG) {
        return;
    }
    // A body that lies in memory is there at once.
    let Some(Ok(whole)) = whole.clone().collect().now_or_never() else { return };
    if let Some(text) = super::bodies::shown(&whole.to_bytes()) {
        tracing::debug!("engine: {call} carries {text}");
    }
}

fn tcp_connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(CONNECT));
    connector.set_nodelay(true);
    connector.set_keepalive(Some(Duration::from_secs(30)));
    connector
}
