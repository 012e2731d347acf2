//! A target asked as Prometheus would, keeping what tells why it cannot be scraped.

use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use crate::model::Secret;
use crate::net::backend::Auth;
use crate::net::http::install_crypto;

/// What a connection may take.
const CONNECT: Duration = Duration::from_millis(1500);
/// The beginning of a body is enough: a page or a wrong line shows there.
const MOST: usize = 256 * 1024;

/// What came of a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// Why there was no answer, innermost cause last; empty when there was one.
    pub error: String,
    pub status: u16,
    pub content_type: Option<String>,
    pub location: Option<String>,
    /// The beginning of the body.
    pub body: String,
    /// Seconds until the whole answer was there, or until it was given up.
    pub seconds: f64,
}

/// Connects and hangs up: the error, empty when it worked. `address` is `host:port`.
pub async fn connect(address: &str) -> String {
    match tokio::time::timeout(CONNECT, TcpStream::connect(address)).await {
        Ok(Ok(_)) => String::new(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no connection within {} s", CONNECT.as_secs_f64()),
    }
}

/// One `GET`, without following redirects.
pub async fn ask(url: &str, auth: &Auth, deadline: Duration) -> Seen {
    let began = Instant::now();
    let mut seen = Seen::default();
    if let Err(error) = request(url, auth, deadline, &mut seen).await {
        let causes = crate::error::chain(&error);
        let outer = error.without_url().to_string();
        seen.error = std::iter::once(outer).chain(causes).collect::<Vec<_>>().join(": ");
    }
    seen.seconds = began.elapsed().as_secs_f64();
    seen
}

async fn request(url: &str, auth: &Auth, deadline: Duration, seen: &mut Seen) -> Result<(), reqwest::Error> {
    install_crypto();
    // What the certificate is worth is Prometheus's own question; here any lets the answer be seen.
    let client = reqwest::Client::builder()
        .timeout(deadline)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .danger_accept_invalid_certs(true)
        .build()?;
    let request = client.get(url).header(reqwest::header::ACCEPT, "text/plain;version=0.0.4;q=1,*/*;q=0.1");
    let request = match auth {
        Auth::None => request,
        Auth::Bearer(token) => request.bearer_auth(token.reveal()),
        Auth::Basic((user, password)) => request.basic_auth(user, Some(Secret::reveal(password))),
    };
    let mut response = request.send().await?;
    let header = |name: reqwest::header::HeaderName| {
        response.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    seen.status = response.status().as_u16();
    seen.content_type = header(reqwest::header::CONTENT_TYPE);
    seen.location = header(reqwest::header::LOCATION);
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await? {
        body.extend_from_slice(&piece);
        if body.len() > MOST {
            break;
        }
    }
    body.truncate(MOST);
    seen.body = String::from_utf8_lossy(&body).into_owned();
    Ok(())
}
