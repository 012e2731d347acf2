//! How far an alert's path to a person is proven: which input fires it, what a scratch Prometheus and
//! Alertmanager are told, and what their answers mean. Pure; `apply::drill` does the work.
//!
//! # The way to level 3
//!
//! Every alert gets a Prometheus and an Alertmanager process of its own, many of them in one
//! container each, all of the pinned images. That was the surprise: such a pair costs some 16 MB each
//! and a tenth of a CPU second, which is less than it takes to tell which alerts may share one. In
//! return nothing has to be rewritten to keep scenarios apart: labels are those of the unit test, so
//! `absent()`, `sum()` without labels and inhibition behave as they do in production, and the
//! message that arrives is the message that would arrive.
//!
//! - **Input**: the alert's firing unit test (`scenario`, `series`), shifted so that its `eval_time`
//!   is now (`feed`), written by remote write before the rules are loaded, with what the test has for
//!   the minutes to come. The protocol carries staleness markers and exact values, and adds no series of its own,
//!   which neither a scrape nor `promtool tsdb create-blocks-from openmetrics` does. The targets that
//!   the test does not mention are up (`backfill::background`), as they are on a good day.
//!   What recording rules would have made of it by now is written too (`recorded`).
//! - **Forecast** (`forecast`): promtool says beforehand which alerts fire at that moment with their
//!   true times. Only these reach the Alertmanager: with `for` left out, others may fire too early.
//! - **Rules**: the project's, with `for`, `keep_firing_for` and the groups' intervals shortened and
//!   nothing else touched, byte for byte (`shorten`).
//! - **Routing**: the project's, as rendered; each integration keeps its texts and posts to our sink
//!   (`receivers`). Other alerts of a scenario may inhibit, but notify nobody here.
//!
//! What is not covered: rules that depend on the time of day or on absolute timestamps; native
//! histograms as input; integrations that cannot be pointed elsewhere (a webhook takes their place, and the report says so); and engines whose
//! containers cannot reach this machine.

pub mod backfill;
pub mod forecast;
pub mod intake;
pub mod level;
pub mod live;
pub mod message;
pub mod page;
pub mod receivers;
pub mod recording_rules;
pub mod remote_write;
pub mod report;
pub mod scenario;
pub mod series;
pub mod shortened_rules;
pub mod skeleton;
pub mod slack;
pub mod verdict;
