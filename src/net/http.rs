//! One plain HTTP client for the services on the published ports.

use std::time::Duration;

use serde_json::Value;

use crate::model::{Hint, Secret};

/// User and password of basic auth.
pub type Credentials = (String, Secret);

/// A client with a deadline per request. Cheap to clone.
#[derive(Clone, Debug)]
pub struct HttpClient {
    client: reqwest::Client,
}

/// A request that got no useful answer.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    #[error("no answer from {url}")]
    NoAnswer {
        url: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An answer, but not success; `body` is cut to one line.
    #[error("{url} answered {status}: {body}")]
    Status { url: String, status: u16, body: String },
    #[error("{url} answered something that is not the expected JSON")]
    Shape { url: String },
}

impl Hint for NetError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Status { status: 401 | 403, .. } => {
                Some("the credentials in .env are not those that the service knows".to_owned())
            }
            _ => None,
        }
    }
}

/// Status and body of any answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: String,
}

impl HttpClient {
    /// A client for loopback and private addresses: no proxy, no TLS roots (loading the system's
    /// trust store costs 8–78 ms, measured).
    pub fn new(deadline: Duration) -> Result<Self, NetError> {
        crate::net::http::install_crypto();
        let client = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .timeout(deadline)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|source| NetError::NoAnswer {
                url: "the HTTP client".to_owned(),
                source: source.into(),
            })?;
        Ok(Self { client })
    }

    /// `GET`, whatever the status of the answer.
    pub async fn get(&self, url: &str, auth: Option<&Credentials>) -> Result<Answer, NetError> {
        self.send(self.client.get(url), url, auth).await
    }

    /// `POST`, with a JSON body if there is one, whatever the status of the answer.
    pub async fn post(
        &self,
        url: &str,
        auth: Option<&Credentials>,
        body: Option<&Value>,
    ) -> Result<Answer, NetError> {
        let request = self.client.post(url);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        self.send(request, url, auth).await
    }

    /// `PUT` of a JSON body, whatever the status of the answer.
    pub async fn put(&self, url: &str, auth: Option<&Credentials>, body: &Value) -> Result<Answer, NetError> {
        self.send(self.client.put(url).json(body), url, auth).await
    }

    /// `POST` of bytes that are no JSON.
    pub async fn post_bytes(
        &self,
        url: &str,
        content_type: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Answer, NetError> {
        let request = self.client.post(url).header("Content-Type", content_type).body(body);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        self.send(request, url, None).await
    }

    /// `GET` that must answer 200 with JSON.
    pub async fn get_json(&self, url: &str, auth: Option<&Credentials>) -> Result<Value, NetError> {
        json(url, self.get(url, auth).await?)
    }

    /// `POST` that must answer 2xx with JSON.
    pub async fn post_json(
        &self,
        url: &str,
        auth: Option<&Credentials>,
        body: &Value,
    ) -> Result<Value, NetError> {
        json(url, self.post(url, auth, Some(body)).await?)
    }

    /// `DELETE`, whatever the status of the answer.
    pub async fn delete(&self, url: &str, auth: Option<&Credentials>) -> Result<Answer, NetError> {
        self.send(self.client.delete(url), url, auth).await
    }

    async fn send(
        &self,
        request: reqwest::RequestBuilder,
        url: &str,
        auth: Option<&Credentials>,
    ) -> Result<Answer, NetError> {
        let request = match auth {
            Some((user, password)) => request.basic_auth(user, Some(password.reveal())),
            None => request,
        };
        let no_answer = |source: reqwest::Error| NetError::NoAnswer {
            url: url.to_owned(),
            // The URL stands in our own text already; reqwest would repeat it.
            source: source.without_url().into(),
        };
        let response = request.send().await.map_err(no_answer)?;
        let status = response.status().as_u16();
        let body = response.text().await.map_err(no_answer)?;
        Ok(Answer { status, body })
    }
}

impl Answer {
    /// True for a status from 200 to 299.
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// Turns anything but success into an error.
    pub fn success(self, url: &str) -> Result<Self, NetError> {
        if self.is_success() {
            return Ok(self);
        }
        Err(NetError::Status { url: url.to_owned(), status: self.status, body: one_line(&self.body) })
    }
}

fn json(url: &str, answer: Answer) -> Result<Value, NetError> {
    let answer = answer.success(url)?;
    serde_json::from_str(&answer.body).map_err(|_| NetError::Shape { url: url.to_owned() })
}

/// The first 300 characters, without line breaks.
pub fn one_line(body: &str) -> String {
    body.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect()
}

/// rustls needs one process-wide provider; a second call changes nothing.
pub fn install_crypto() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}
