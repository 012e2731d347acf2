//! Pulling an image: credentials, progress, and whether it really is there afterwards.

use std::pin::Pin;

use bollard::auth::DockerCredentials;
use bollard::errors::Error as Bollard;
use bollard::models::CreateImageInfo;
use bollard::query_parameters::CreateImageOptions;
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt};

use crate::engine::{EngineError, ErrorKind, PullProgress};
use crate::model::ImageRef;
use crate::store::registry_login::{self, Login};

use super::observe::IdAnswer;
use super::ops::LOOK;
use super::wire::Wire;

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
        let credentials = credentials(registry_login::registry_key(self.image.as_str())).await;
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

/// The user's credentials for the registry in bollard's words; without any, the pull is anonymous.
async fn credentials(registry: String) -> Option<DockerCredentials> {
    match registry_login::find(registry.clone()).await? {
        Login::Password { username, password } => Some(DockerCredentials {
            username: Some(username),
            password: Some(password.reveal().to_owned()),
            serveraddress: Some(registry),
            ..Default::default()
        }),
        Login::IdentityToken(token) => Some(DockerCredentials {
            identitytoken: Some(token.reveal().to_owned()),
            serveraddress: Some(registry),
            ..Default::default()
        }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

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
