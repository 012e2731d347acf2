//! An image registry over its HTTP API (version 2): tags, and what a tag means.
//!
//! Only questions: images are pulled by the engine. A registry that does not answer is an error here, so
//! that nobody takes silence for "nothing newer".

mod challenge;
mod manifest;

use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderMap, LINK, RETRY_AFTER, WWW_AUTHENTICATE};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;
use tokio::time::timeout;

use crate::model::manifest::sha256_hex;
use crate::model::percent_encoded;
use crate::model::{Hint, ImageRef, Secret};
use crate::store::registry_login::{self, Login};
use challenge::Challenge;
pub use manifest::RemoteImage;

/// One request.
const REQUEST: Duration = Duration::from_secs(10);
/// One question, with signing in, all pages, and waits that the registry asks for.
const QUESTION: Duration = Duration::from_secs(30);
/// The longest wait that a registry may ask for; it is named in the error otherwise.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// No repository of ours has more pages of a thousand tags.
const PAGES: usize = 50;
/// No manifest or page of tags is larger.
const LARGEST_BODY: usize = 8 * 1024 * 1024;

/// Why a registry told nothing.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    #[error("the registry {host} does not answer")]
    NoAnswer {
        host: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("the registry {host} did not answer within {} s", QUESTION.as_secs())]
    Late { host: String },
    #[error("the registry {host} answers no more for now: its rate limit is reached{}", retry.map_or_else(String::new, |seconds| format!(" (again in {seconds} s)")))]
    Limited { host: String, retry: Option<u64> },
    #[error("the registry {host} does not let this user read {name}")]
    Refused { host: String, name: String },
    #[error("the registry {host} has no {name}")]
    NotFound { host: String, name: String },
    #[error("the registry {host} answered {status}")]
    Status { host: String, status: u16 },
    #[error("the registry {host} answered something that is not what it should be: {what}")]
    Shape { host: String, what: String },
}

impl Hint for RegistryError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Refused { host, .. } => Some(format!("sign in: `docker login {host}`")),
            Self::Limited { .. } => {
                Some("try again later; a signed-in user (`docker login`) has a higher limit".to_owned())
            }
            Self::NoAnswer { .. } | Self::Late { .. } => {
                Some("check the network and the proxy (HTTPS_PROXY) of this machine".to_owned())
            }
            _ => None,
        }
    }
}

/// A repository in a registry.
pub struct Repository {
    client: Client,
    base_url: String,
    host: String,
    name: String,
    login_key: String,
}

/// What proves who we are, once the registry has said what it wants.
enum Proof {
    Nothing,
    Basic(String, Secret),
    Bearer(Secret),
}

impl Repository {
    /// The repository of an image. A registry on loopback is spoken to in plain HTTP, as engines do.
    ///
    /// # Errors
    /// When the system's trust store cannot be used.
    pub fn of(image: &ImageRef) -> Result<Self, RegistryError> {
        crate::net::http::install_crypto();
        let (host, name) = image.registry();
        // Docker Hub's API lies under another host than its images are named after.
        let api_host = if host == "docker.io" { "index.docker.io" } else { host };
        let local = is_loopback(api_host);
        let builder = Client::builder().timeout(REQUEST).redirect(reqwest::redirect::Policy::limited(3));
        let builder = if local { builder.no_proxy().tls_certs_only([]) } else { builder };
        let host = host.to_owned();
        let client = builder
            .build()
            .map_err(|source| RegistryError::NoAnswer { host: host.clone(), source: source.into() })?;
        let base_url = format!("{}://{api_host}", if local { "http" } else { "https" });
        let login_key = registry_login::registry_key(image.repository());
        Ok(Self { client, base_url, host, name, login_key })
    }

    /// Every tag of the repository.
    pub async fn tags(&self) -> Result<Vec<String>, RegistryError> {
        self.in_time(self.all_tags()).await
    }

    /// What a tag (or digest) means now. The digest is checked against the content.
    pub async fn image(&self, reference: &str) -> Result<RemoteImage, RegistryError> {
        self.in_time(self.read_manifest(reference)).await
    }

    async fn in_time<T>(
        &self,
        question: impl Future<Output = Result<T, RegistryError>>,
    ) -> Result<T, RegistryError> {
        timeout(QUESTION, question)
            .await
            .unwrap_or_else(|_| Err(RegistryError::Late { host: self.host.clone() }))
    }

    async fn all_tags(&self) -> Result<Vec<String>, RegistryError> {
        let mut tags = Vec::new();
        let mut path = format!("/v2/{}/tags/list?n=1000", self.name);
        let mut proof = Proof::Nothing;
        for _ in 0..PAGES {
            let (headers, body) = self.get(&path, &mut proof, &self.name).await?;
            let page: Value = serde_json::from_slice(&body).map_err(|error| self.shape(error.to_string()))?;
            let list = page["tags"].as_array().into_iter().flatten();
            tags.extend(list.filter_map(|tag| tag.as_str().map(str::to_owned)));
            let link = headers.get(LINK).and_then(|link| link.to_str().ok());
            match link.and_then(|link| challenge::next_page(link, &self.base_url)) {
                Some(next) => path = next,
                None => return Ok(tags),
            }
        }
        Err(self.shape(format!("more than {PAGES} pages of tags")))
    }

    async fn read_manifest(&self, reference: &str) -> Result<RemoteImage, RegistryError> {
        let separator = if reference.contains(':') { '@' } else { ':' };
        let named = format!("{}{separator}{reference}", self.name);
        let path = format!("/v2/{}/manifests/{reference}", self.name);
        let (headers, body) = self.get(&path, &mut Proof::Nothing, &named).await?;
        let digest = format!("sha256:{}", sha256_hex(&body));
        let told = headers.get("docker-content-digest").and_then(|value| value.to_str().ok());
        if told.is_some_and(|told| told.starts_with("sha256:") && told != digest) {
            return Err(
                self.shape(format!("the content of {named} does not have the digest it is given under"))
            );
        }
        let body: Value = serde_json::from_slice(&body).map_err(|error| self.shape(error.to_string()))?;
        Ok(RemoteImage::parse(digest, &body))
    }

    /// A request that is answered 200. Signs in when it is asked to, and waits once when it is asked to.
    async fn get(
        &self,
        path: &str,
        proof: &mut Proof,
        named: &str,
    ) -> Result<(HeaderMap, Vec<u8>), RegistryError> {
        let (mut signed_in, mut waited) = (false, false);
        loop {
            let response = self.send(self.request(path, proof)).await?;
            match response.status().as_u16() {
                200 => return self.body(response).await,
                401 if !signed_in => {
                    signed_in = true;
                    *proof = self.sign_in(response.headers(), named).await?;
                }
                429 => {
                    let wait = retry_after(response.headers());
                    let short = wait.filter(|wait| !waited && *wait <= LONGEST_WAIT);
                    let Some(wait) = short else {
                        let retry = wait.map(|wait| wait.as_secs());
                        return Err(RegistryError::Limited { host: self.host.clone(), retry });
                    };
                    waited = true;
                    tokio::time::sleep(wait).await;
                }
                401 | 403 => return Err(self.refused(named)),
                404 => {
                    return Err(RegistryError::NotFound { host: self.host.clone(), name: named.to_owned() });
                }
                status => return Err(RegistryError::Status { host: self.host.clone(), status }),
            }
        }
    }

    fn request(&self, path: &str, proof: &Proof) -> RequestBuilder {
        let request = self.client.request(Method::GET, format!("{}{path}", self.base_url));
        let request = request.header(ACCEPT, manifest::ACCEPTED);
        match proof {
            Proof::Nothing => request,
            Proof::Basic(user, password) => request.basic_auth(user, Some(password.reveal())),
            Proof::Bearer(token) => request.bearer_auth(token.reveal()),
        }
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, RegistryError> {
        request.send().await.map_err(|error| self.no_answer(error))
    }

    async fn body(&self, mut response: Response) -> Result<(HeaderMap, Vec<u8>), RegistryError> {
        let headers = response.headers().clone();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.no_answer(error))? {
            body.extend_from_slice(&chunk);
            if body.len() > LARGEST_BODY {
                return Err(self.shape("it does not end".to_owned()));
            }
        }
        Ok((headers, body))
    }

    async fn sign_in(&self, headers: &HeaderMap, named: &str) -> Result<Proof, RegistryError> {
        let header = headers.get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let login = registry_login::find(self.login_key.clone()).await;
        match (Challenge::parse(header), login) {
            (Some(Challenge::Basic), Some(Login::Password { username, password })) => {
                Ok(Proof::Basic(username, password))
            }
            (Some(Challenge::Bearer { realm, service, scope }), login) => {
                let scope = scope.unwrap_or_else(|| format!("repository:{}:pull", self.name));
                self.token(&realm, service.as_deref(), &scope, login).await
            }
            _ => Err(self.refused(named)),
        }
    }

    /// A token that allows to read. Passwords go over TLS only, or to this machine.
    async fn token(
        &self,
        realm: &str,
        service: Option<&str>,
        scope: &str,
        login: Option<Login>,
    ) -> Result<Proof, RegistryError> {
        let is_private = realm.starts_with("https://") || host_of(realm).is_some_and(is_loopback);
        if !is_private {
            return Err(
                self.shape(format!("it wants its users to sign in at {realm}, which is not encrypted"))
            );
        }
        let parameters = [("service", service.unwrap_or_default()), ("scope", scope)];
        let query: Vec<String> =
            parameters.iter().map(|(name, value)| format!("{name}={}", percent_encoded(value))).collect();
        let query = query.join("&");
        let separator = if realm.contains('?') { '&' } else { '?' };
        let get = || self.client.get(format!("{realm}{separator}{query}"));
        let request = match login {
            None => get(),
            Some(Login::Password { username, password }) => {
                get().basic_auth(username, Some(password.reveal()))
            }
            Some(Login::IdentityToken(token)) => {
                let form = format!(
                    "grant_type=refresh_token&client_id=confidexmon&refresh_token={}&{query}",
                    percent_encoded(token.reveal())
                );
                self.client.post(realm).header("Content-Type", "application/x-www-form-urlencoded").body(form)
            }
        };
        let response = self.send(request).await?;
        match response.status().as_u16() {
            200 => {}
            429 => {
                let retry = retry_after(response.headers()).map(|wait| wait.as_secs());
                return Err(RegistryError::Limited { host: self.host.clone(), retry });
            }
            400..500 => return Err(self.refused(&self.name)),
            status => return Err(RegistryError::Status { host: self.host.clone(), status }),
        }
        let (_, body) = self.body(response).await?;
        let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
        let token = answer["token"].as_str().or_else(|| answer["access_token"].as_str());
        let token = token.ok_or_else(|| self.shape("it gives no token".to_owned()))?;
        Ok(Proof::Bearer(Secret::new(token)))
    }

    fn no_answer(&self, error: reqwest::Error) -> RegistryError {
        RegistryError::NoAnswer { host: self.host.clone(), source: error.without_url().into() }
    }

    fn refused(&self, named: &str) -> RegistryError {
        RegistryError::Refused { host: self.host.clone(), name: named.to_owned() }
    }

    fn shape(&self, what: String) -> RegistryError {
        RegistryError::Shape { host: self.host.clone(), what }
    }
}

/// Seconds; the other form, a date, is not used by registries and counts as not told.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn host_of(url: &str) -> Option<&str> {
    url.split_once("://")?.1.split('/').next()
}

/// `localhost`, `127.0.0.1:5000`, `[::1]:5000`.
fn is_loopback(host: &str) -> bool {
    let bare = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    bare == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_this_machine_only() {
        for host in ["localhost", "localhost:5000", "127.0.0.1:5000", "127.9.0.1", "[::1]:5000"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["localhost.example", "127.0.0.1.example", "10.0.0.1:5000", "docker.io", ""] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
