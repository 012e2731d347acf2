//! What Prometheus keeps, and how long that goes well.

pub(super) mod cardinality;
pub(super) mod forecast;
pub(super) mod redis_memory;
pub(super) mod samples_refused;
pub(super) mod series;
pub(super) mod wal;
