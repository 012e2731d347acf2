//! The level that an alert has reached.

use serde::Serialize;

/// What is proven step by step. The number is the level.
pub const NAMES: [&str; 5] = [
    "parsed",
    "contract holds",
    "unit tests fire and stay quiet",
    "delivered to a sink",
    "delivered to the real receiver",
];
/// Delivered to a sink, end to end.
pub const SINK: usize = 3;
/// Delivered to the real receiver.
pub const LIVE: usize = 4;

/// One step on the way and how it went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    pub level: usize,
    pub name: &'static str,
    /// `None` when it was not tried.
    pub ok: Option<bool>,
    /// Why it failed, why it was not tried, or the evidence.
    pub detail: String,
}

impl Step {
    /// The level was reached.
    pub fn passed(level: usize, detail: impl Into<String>) -> Self {
        Self::new(level, Some(true), detail)
    }

    /// The level was tried and not reached.
    pub fn failed(level: usize, detail: impl Into<String>) -> Self {
        Self::new(level, Some(false), detail)
    }

    /// The level was not tried, and why.
    pub fn not_tried(level: usize, detail: impl Into<String>) -> Self {
        Self::new(level, None, detail)
    }

    fn new(level: usize, ok: Option<bool>, detail: impl Into<String>) -> Self {
        Self { level, name: NAMES.get(level).copied().unwrap_or("unknown"), ok, detail: detail.into() }
    }
}

/// The last step up to which every one passed; `None` when not even the first did. A message that
/// arrived proves little of an alert whose metric nobody exports, so no step can be jumped over.
pub fn reached(steps: &[Step]) -> Option<usize> {
    steps.iter().take_while(|step| step.ok == Some(true)).map(|step| step.level).last()
}

/// The step that holds the alert back, when it has not reached `wanted`.
pub fn obstacle(steps: &[Step], wanted: usize) -> Option<&Step> {
    steps.iter().find(|step| step.level <= wanted && step.ok != Some(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_needs_all_the_levels_below_it() {
        let good = [0, 1, 2, 3].map(|level| Step::passed(level, ""));
        assert_eq!(reached(&good), Some(3));
        assert_eq!(obstacle(&good, SINK), None);
        let broken = [
            Step::passed(0, ""),
            Step::failed(1, "no such metric"),
            Step::passed(2, ""),
            Step::passed(3, ""),
        ];
        assert_eq!(reached(&broken), Some(0));
        assert_eq!(obstacle(&broken, SINK).map(|step| step.detail.as_str()), Some("no such metric"));
        let unread = [Step::failed(0, "broken"), Step::not_tried(1, "")];
        assert_eq!(reached(&unread), None);
        assert_eq!(reached(&[]), None);
    }
}
