//! The backend's own /metrics, asked as Prometheus would.

use std::time::Duration;

use crate::model::Secret;
use crate::net::http::{Credentials, NetError, install_crypto, one_line};

/// How a target wants to be asked.
#[derive(Clone, Debug)]
pub enum Auth {
    None,
    Bearer(Secret),
    Basic(Credentials),
}

/// No target takes longer to answer a scrape; Prometheus's own default is the same.
const DEADLINE: Duration = Duration::from_secs(10);

/// The exposition text at `url`. The system's roots are trusted unless `insecure`.
pub async fn metrics(url: &str, auth: &Auth, insecure: bool) -> Result<String, NetError> {
    install_crypto();
    let no_answer = |source: reqwest::Error| NetError::NoAnswer {
        url: url.to_owned(),
        source: source.without_url().into(),
    };
    let mut builder = reqwest::Client::builder().timeout(DEADLINE);
    if url.starts_with("http://") {
        // Loading the system's trust store takes time that plain HTTP need not spend.
        builder = builder.tls_certs_only([]);
    } else if insecure {
        builder = builder.danger_accept_invalid_certs(true);
    }
    let request = builder
        .build()
        .map_err(no_answer)?
        .get(url)
        .header(reqwest::header::ACCEPT, "text/plain;version=0.0.4;q=1,*/*;q=0.1");
    let request = match auth {
        Auth::None => request,
        Auth::Bearer(token) => request.bearer_auth(token.reveal()),
        Auth::Basic((user, password)) => request.basic_auth(user, Some(password.reveal())),
    };
    let response = request.send().await.map_err(no_answer)?;
    let status = response.status().as_u16();
    let body = response.text().await.map_err(no_answer)?;
    if status == 200 {
        return Ok(body);
    }
    Err(NetError::Status { url: url.to_owned(), status, body: one_line(&body) })
}
