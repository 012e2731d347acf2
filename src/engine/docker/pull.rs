//! Pulling an image: credentials, progress, and whether it really is there afterwards.

use std::pin::Pin;

use bollard::auth::DockerCredentials;
use bollard::errors::Error as Bollard;
use bollard::models::CreateImageInfo;
use bollard::query_parameters::CreateImageOptions;
use docker_credential::{CredentialRetrievalError, DockerCredential};
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt};

use crate::engine::{EngineError, ErrorKind, PullProgress};
use crate::model::ImageRef;

use super::observe::IdAnswer;
use super::ops::LOOK;
use super::wire::Wire;

/// The key under which docker's tools keep the credentials of Docker Hub.
const HUB: &str = "https://index.docker.io/v1/";

type Answers = Pin<Box<dyn Stream<Item = Result<CreateImageInfo, Bollard>> + Send>>;

struct Pull {
    request: Request,
    answers: Option<Answers>,
    ended: bool,
}

struct Request {
    wire: Wire,
    image: ImageRef,
}

/// Begins when first polled; to be read to its end, as dropping it cancels the pull.
pub(super) fn pull(wire: Wire, image: ImageRef) -> BoxStream<'static, Result<PullProgress, EngineError>> {
    let start = Pull { request: Request { wire, image }, answers: None, ended: false };
    stream::unfold(start, |mut pull| async move {
        let item = pull.next().await?;
        Some((item, pull))
    })
    .boxed()
}

impl Pull {
    async fn next(&mut self) -> Option<Result<PullProgress, EngineError>> {
        if self.ended {
            return None;
        }
        if self.answers.is_none() {
            self.answers = Some(self.request.begin().await);
        }
        match self.answers.as_mut()?.next().await {
            Some(Ok(answer)) => Some(Ok(progress(answer))),
            None => None,
            Some(Err(error)) => {
                self.ended = true;
                if is_cut_tail(&error) && self.request.is_present().await {
                    return None;
                }
                Some(Err(self.request.failed(&error)))
            }
        }
    }
}

impl Request {
    async fn begin(&self) -> Answers {
        let options = CreateImageOptions {
            from_image: Some(self.image.with_default_tag()),
            ..CreateImageOptions::default()
        };
        let credentials = credentials(registry_key(self.image.as_str())).await;
        Box::pin(self.wire.docker.create_image(Some(options), None, credentials))
    }

    async fn is_present(&self) -> bool {
        let path = format!("/images/{}/json", self.image.with_default_tag());
        self.wire.get::<IdAnswer>("look for the image", LOOK, &path).await.is_ok()
    }

    fn failed(&self, error: &Bollard) -> EngineError {
        let mut failed = self.wire.explain(&format!("pull image `{}`", self.image), error);
        let keeps_kind = failed.kind == ErrorKind::DiskFull || failed.is_engine_down() && !is_answer(error);
        if !keeps_kind {
            failed.kind = ErrorKind::PullFailed;
        }
        failed
    }
}

/// True when the engine answered, so that even a 403 is the registry's.
fn is_answer(error: &Bollard) -> bool {
    matches!(error, Bollard::DockerResponseServerError { .. } | Bollard::DockerStreamError { .. })
}

/// Bollard 0.21.1 ends a good pull with this error when the last line's CR LF comes in two pieces.
fn is_cut_tail(error: &Bollard) -> bool {
    matches!(error, Bollard::IOError { err } if err.to_string().contains("bytes remaining on stream"))
}

fn progress(answer: CreateImageInfo) -> PullProgress {
    let detail = answer.progress_detail.unwrap_or_default();
    let bytes = |count: Option<i64>| count.and_then(|count| u64::try_from(count).ok()).unwrap_or_default();
    PullProgress {
        layer: answer.id.unwrap_or_default(),
        status: answer.status.unwrap_or_default(),
        current: bytes(detail.current),
        total: bytes(detail.total),
    }
}

/// The name under which credentials for this image are kept.
fn registry_key(image: &str) -> String {
    match image.split_once('/') {
        Some(("docker.io" | "index.docker.io", _)) | None => HUB.to_owned(),
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => first.to_owned(),
        Some(_) => HUB.to_owned(),
    }
}

/// The user's credentials for the registry, by docker's own configuration; a helper program may have
/// to run. Without any, the pull is anonymous.
async fn credentials(registry: String) -> Option<DockerCredentials> {
    let server = registry.clone();
    let found = tokio::task::spawn_blocking(move || docker_credential::get_credential(&server)).await.ok()?;
    match found {
        Ok(DockerCredential::UsernamePassword(username, password)) => Some(DockerCredentials {
            username: Some(username),
            password: Some(password),
            serveraddress: Some(registry),
            ..Default::default()
        }),
        Ok(DockerCredential::IdentityToken(token)) => Some(DockerCredentials {
            identitytoken: Some(token),
            serveraddress: Some(registry),
            ..Default::default()
        }),
        // `ConfigReadError` is also what a missing file gives when nobody ever logged in.
        Err(
            CredentialRetrievalError::NoCredentialConfigured
            | CredentialRetrievalError::ConfigNotFound
            | CredentialRetrievalError::ConfigReadError,
        ) => None,
        Err(error) => {
            // The text of a failed helper may quote what it read; only its kind is told.
            let reason = match error {
                CredentialRetrievalError::HelperFailure { helper, .. } => {
                    format!("the helper `{helper}` failed")
                }
                CredentialRetrievalError::HelperCommunicationError => {
                    "the credential helper cannot be run".to_owned()
                }
                CredentialRetrievalError::MalformedHelperResponse => {
                    "the credential helper's answer cannot be read".to_owned()
                }
                _ => "the stored credentials cannot be read".to_owned(),
            };
            tracing::warn!("pulling anonymously from {registry}: {reason}");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn credentials_are_kept_by_registry() {
        for (image, key) in [
            ("prom/prometheus:v3", HUB),
            ("redis", HUB),
            ("docker.io/grafana/grafana", HUB),
            ("ghcr.io/a/b:1", "ghcr.io"),
            ("localhost/a", "localhost"),
            ("localhost:5000/a", "localhost:5000"),
        ] {
            assert_eq!(registry_key(image), key, "{image}");
        }
    }

    #[test]
    fn only_the_cut_tail_is_doubted() {
        let error = |text: &str| Bollard::IOError { err: std::io::Error::other(text.to_owned()) };
        assert!(is_cut_tail(&error("bytes remaining on stream")));
        assert!(!is_cut_tail(&error("connection reset")));
    }

    #[test]
    fn progress_without_sizes_is_zero() {
        let answer: CreateImageInfo = serde_json::from_str(r#"{"status":"Waiting","id":"a"}"#).unwrap();
        assert_eq!(
            progress(answer),
            PullProgress { layer: "a".into(), status: "Waiting".into(), current: 0, total: 0 }
        );
    }
}
