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

/// Whom a target is believed from, and who asks, in PEM.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    pub authority: Option<Secret>,
    /// Certificate and key, one after the other.
    pub identity: Option<Secret>,
    /// Any certificate is believed.
    pub insecure: bool,
}

/// The exposition text at `url`. The system's roots are trusted unless `tls` says otherwise.
pub async fn metrics(url: &str, auth: &Auth, tls: &Tls) -> Result<String, NetError> {
    install_crypto();
    let no_answer = |source: reqwest::Error| NetError::NoAnswer {
        url: url.to_owned(),
        source: source.without_url().into(),
    };
    let mut builder = reqwest::Client::builder().timeout(DEADLINE);
    if url.starts_with("http://") {
        // Loading the system's trust store takes time that plain HTTP need not spend.
        builder = builder.tls_certs_only([]);
    } else if tls.insecure {
        builder = builder.danger_accept_invalid_certs(true);
    } else if let Some(authority) = &tls.authority {
        let roots =
            reqwest::Certificate::from_pem_bundle(authority.reveal().as_bytes()).map_err(no_answer)?;
        builder = builder.tls_certs_only(roots);
    }
    if let Some(identity) = &tls.identity {
        let identity = reqwest::Identity::from_pem(identity.reveal().as_bytes()).map_err(no_answer)?;
        builder = builder.identity(identity);
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
