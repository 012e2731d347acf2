//! The unit of a value, by the names of its metrics.

use crate::formats::promql::{Expr, Kind, Selector};

/// A unit that the name of a metric tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Seconds,
    Bytes,
}

/// The unit that a value has by the name of its metric.
pub fn unit(expr: &Expr) -> Option<Unit> {
    let of = |selector: &Selector| {
        let (base, part) = split_part(selector.name.as_deref()?);
        // Counting buckets or samples leaves the unit behind, summing does not.
        match (part, base) {
            ("_count", _) => None,
            (_, base) if base.ends_with("_timestamp_seconds") => None,
            (_, base) if base.ends_with("_seconds") => Some(Unit::Seconds),
            (_, base) if base.ends_with("_bytes") => Some(Unit::Bytes),
            _ => None,
        }
    };
    match &expr.kind {
        Kind::Selector(selector) => {
            of(selector).filter(|_| !selector.name.as_deref().is_some_and(|name| name.ends_with("_bucket")))
        }
        Kind::Call { function, args } if *function == "histogram_quantile" => {
            args.last()?.selectors().first().and_then(|(_, selector)| of(selector))
        }
        _ => None,
    }
}

/// The name without the part of a histogram that it stands for, and that part.
pub fn split_part(name: &str) -> (&str, &str) {
    ["_bucket", "_sum", "_count"]
        .into_iter()
        .find_map(|part| Some((name.strip_suffix(part)?, &name[name.len() - part.len()..])))
        .unwrap_or((name, ""))
}
