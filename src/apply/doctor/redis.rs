//! How much memory Redis uses.

use std::time::Duration;

use crate::apply::doctor::{Inspector, REQUEST, within};
use crate::doctor::facts::{Asked, RedisMemory};
use crate::engine::Engine;
use crate::model::ServiceKind;
use crate::net::redis;

pub(super) async fn gather<E: Engine>(inspector: &Inspector<'_, E>) -> Asked<RedisMemory> {
    if !inspector.desired.services.contains_key(&ServiceKind::Redis) {
        return Asked::Absent;
    }
    let address = inspector.base_url(ServiceKind::Redis).map(|url| url.replace("http://", ""));
    let (host, port) = match address.as_deref().map(|address| address.rsplit_once(':')) {
        Ok(Some((host, port))) => (host.to_owned(), port.parse().unwrap_or_default()),
        Ok(None) => return Asked::NoAnswer("redis publishes no port".to_owned()),
        Err(reason) => return Asked::NoAnswer(reason.clone()),
    };
    let password = inspector.settings.redis.password.as_ref();
    let ask = async { redis::memory(host.trim_matches(['[', ']']), port, password).await.into() };
    let answer: Asked<(u64, u64)> = within("Redis", REQUEST.max(Duration::from_secs(1)), ask).await;
    answer.map(|(used, limit)| RedisMemory { used: float(used), limit: float(limit) })
}

#[expect(clippy::cast_precision_loss, reason = "bytes; a float holds them exactly enough")]
const fn float(number: u64) -> f64 {
    number as f64
}
