//! A response body that never ends by itself → a stream of decoded items.

use std::collections::VecDeque;
use std::time::Duration;

use bollard::errors::Error as Bollard;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use http_body_util::BodyExt;
use hyper::Response;
use hyper::body::Incoming;
use tokio_util::task::AbortOnDropHandle;

use crate::engine::EngineError;

use super::errors::hung;
use super::wire::Wire;

/// Turns bytes, cut anywhere, into items.
pub(super) trait Decode: Send + 'static {
    type Item: Send + 'static;
    fn feed(&mut self, bytes: &[u8], out: &mut VecDeque<Self::Item>);
    /// The end of the body: whatever is left over.
    fn finish(&mut self, out: &mut VecDeque<Self::Item>);
}

struct Reading<D: Decode> {
    wire: Wire,
    action: String,
    idle: Option<Duration>,
    decoder: D,
    items: VecDeque<D::Item>,
    body: Body,
}

enum Body {
    Asked(AbortOnDropHandle<Result<Response<Incoming>, Bollard>>),
    Open(Incoming),
    Ended,
}

/// Asks for `path` at once, not when first polled, so that a subscription counts from this call on.
/// `idle` bounds the silence between two chunks; a following stream may be silent for days and
/// passes `None`. The stream ends after its first error.
pub(super) fn decoded<D: Decode>(
    wire: Wire,
    action: String,
    path: String,
    idle: Option<Duration>,
    decoder: D,
) -> BoxStream<'static, Result<D::Item, EngineError>> {
    let asking = wire.clone();
    let asked = tokio::spawn(async move { asking.open(&path).await });
    let body = Body::Asked(AbortOnDropHandle::new(asked));
    let start = Reading { wire, action, idle, decoder, items: VecDeque::new(), body };
    stream::unfold(start, |mut reading| async move {
        let item = reading.next().await?;
        Some((item, reading))
    })
    .boxed()
}

impl<D: Decode> Reading<D> {
    async fn next(&mut self) -> Option<Result<D::Item, EngineError>> {
        loop {
            if let Some(item) = self.items.pop_front() {
                return Some(Ok(item));
            }
            if matches!(self.body, Body::Ended) {
                return None;
            }
            if let Err(error) = self.advance().await {
                self.body = Body::Ended;
                return Some(Err(error));
            }
        }
    }

    async fn advance(&mut self) -> Result<(), EngineError> {
        let Some(idle) = self.idle else { return self.step().await };
        match tokio::time::timeout(idle, self.step()).await {
            Ok(result) => result,
            Err(_) => Err(hung(&self.action, &self.wire.info.endpoint, "in time")),
        }
    }

    async fn step(&mut self) -> Result<(), EngineError> {
        match &mut self.body {
            Body::Ended => {}
            Body::Asked(asked) => {
                let answer = asked.await.unwrap_or_else(|error| Err(std::io::Error::other(error).into()));
                let response = answer.map_err(|error| self.wire.explain(&self.action, &error))?;
                self.body = Body::Open(response.into_body());
            }
            Body::Open(body) => match body.frame().await {
                None => {
                    self.body = Body::Ended;
                    self.decoder.finish(&mut self.items);
                }
                Some(Err(error)) => return Err(self.wire.explain(&self.action, &error.into())),
                Some(Ok(frame)) => {
                    if let Some(bytes) = frame.data_ref() {
                        self.decoder.feed(bytes, &mut self.items);
                    }
                }
            },
        }
        Ok(())
    }
}
