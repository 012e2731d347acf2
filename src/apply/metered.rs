//! Says how far long work has come, while it goes on.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::model::ServiceKind;
use crate::report::events::{Event, Reporter};
use crate::store::meter::Meter;

const TICK: Duration = Duration::from_millis(250);

/// What is being done: `copying`, and how many bytes it will be, about.
#[derive(Clone, Copy, Debug)]
pub struct Doing {
    pub what: &'static str,
    pub total: u64,
}

/// Runs `work`, which moves `meter` on, and reports about four times a second. Short work says nothing.
pub async fn metered<T>(
    reporter: &dyn Reporter,
    doing: Doing,
    meter: &Meter,
    work: impl Future<Output = T>,
) -> T {
    let began = Instant::now();
    let mut work = pin!(work);
    loop {
        tokio::select! {
            biased;
            result = &mut work => return result,
            () = sleep(TICK) => reporter.event(&Event::Transfer {
                service: ServiceKind::Grafana,
                doing: doing.what,
                done: meter.done(),
                total: doing.total,
                elapsed_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            }),
        }
    }
}
