//! Failure scenarios: one table says what each is called, what it does, and what it changes.

use std::fmt;

use crate::model::closest_name;

/// What a scenario changes. Families and labels are those of the capture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Effect {
    /// A gauge stands at a value. The label is `name=value`, empty for all series.
    Gauge { family: &'static str, label: &'static str, value: f64 },
    /// So much of a counter's events carry this status instead of another one. The scenario's
    /// percentage says how much.
    Share { family: &'static str, status: &'static str },
    /// A histogram's observations have this mean, in its unit.
    Mean { family: &'static str, value: f64 },
    /// A counter grows so many times a minute.
    Rate { family: &'static str, per_minute: f64 },
    /// A gauge moves by so much an hour.
    Drift { family: &'static str, label: &'static str, per_hour: f64 },
    /// `/metrics` answers 503.
    Down,
}

/// A scenario as the table has it.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    pub name: &'static str,
    pub doc: &'static str,
    /// Percent, for scenarios that take one.
    pub percent: Option<f64>,
    pub effects: &'static [Effect],
}

/// A scenario that is switched on, with its percentage.
#[derive(Clone, Copy, Debug)]
pub struct Active {
    pub scenario: &'static Scenario,
    pub percent: f64,
}

const fn scenario(name: &'static str, doc: &'static str, effects: &'static [Effect]) -> Scenario {
    Scenario { name, doc, percent: None, effects }
}

const fn share(name: &'static str, doc: &'static str, percent: f64, effects: &'static [Effect]) -> Scenario {
    Scenario { name, doc, percent: Some(percent), effects }
}

use Effect::{Down, Drift, Gauge, Mean, Rate, Share};

/// Every failure that can be switched on.
pub const SCENARIOS: &[Scenario] = &[
    scenario(
        "crank-stopped",
        "the crank service stands still (status 0)",
        &[Gauge { family: "confidex_crank_status", label: "", value: 0.0 }],
    ),
    scenario(
        "crank-paused",
        "the crank's circuit breaker has tripped (status -1)",
        &[Gauge { family: "confidex_crank_status", label: "", value: -1.0 }],
    ),
    scenario(
        "low-balance",
        "the crank wallet holds 0.2 SOL",
        &[Gauge { family: "confidex_wallet_balance_sol", label: "wallet=crank", value: 0.2 }],
    ),
    scenario(
        "wallet-falling",
        "the crank wallet loses 1.5 SOL an hour",
        &[Drift { family: "confidex_wallet_balance_sol", label: "wallet=crank", per_hour: -1.5 }],
    ),
    share(
        "http-5xx",
        "so much of the requests fails with status 500",
        5.0,
        &[Share { family: "confidex_http_requests_total", status: "500" }],
    ),
    share(
        "rate-limited",
        "so much of the requests is refused with status 429",
        40.0,
        &[Share { family: "confidex_http_requests_total", status: "429" }],
    ),
    scenario(
        "slow-api",
        "requests take three seconds",
        &[Mean { family: "confidex_http_request_duration_seconds", value: 3.0 }],
    ),
    share(
        "mpc-timeouts",
        "so much of the MPC callbacks times out",
        15.0,
        &[Share { family: "confidex_mpc_callbacks_total", status: "timeout" }],
    ),
    share(
        "mpc-failures",
        "so much of the MPC operations fails",
        30.0,
        &[Share { family: "confidex_mpc_operations_total", status: "failed" }],
    ),
    scenario(
        "slow-mpc",
        "MPC operations take 50 seconds",
        &[Mean { family: "confidex_mpc_operation_duration_seconds", value: 50.0 }],
    ),
    scenario(
        "rpc-failover",
        "the RPC client uses its fallback and changes over once a minute",
        &[
            Gauge { family: "confidex_rpc_active_endpoint", label: "", value: 1.0 },
            Rate { family: "confidex_rpc_failovers_total", per_minute: 1.0 },
        ],
    ),
    share(
        "rpc-failures",
        "so much of the RPC requests fails, on every endpoint",
        97.0,
        &[Share { family: "confidex_rpc_requests_total", status: "failed" }],
    ),
    scenario(
        "slow-rpc",
        "RPC requests take six seconds",
        &[Mean { family: "confidex_rpc_request_duration_seconds", value: 6.0 }],
    ),
    share(
        "settlement-failures",
        "so much of the match attempts fails",
        40.0,
        &[Share { family: "confidex_crank_match_attempts_total", status: "failed" }],
    ),
    scenario(
        "crank-errors",
        "the crank fails again and again",
        &[Gauge { family: "confidex_crank_consecutive_errors", label: "", value: 7.0 }],
    ),
    scenario(
        "slow-crank",
        "matching takes 20 seconds",
        &[Mean { family: "confidex_crank_match_duration_seconds", value: 20.0 }],
    ),
    scenario(
        "matches-stuck",
        "matches wait and no callback arrives",
        &[
            Gauge { family: "confidex_crank_pending_matches", label: "", value: 4.0 },
            Rate { family: "confidex_mpc_callbacks_total", per_minute: 0.0 },
        ],
    ),
    scenario(
        "slow-proofs",
        "ZK proofs take nine seconds",
        &[Mean { family: "confidex_zk_proof_duration_seconds", value: 9.0 }],
    ),
    share(
        "zk-failures",
        "so much of the ZK proofs fails",
        40.0,
        &[Share { family: "confidex_zk_proofs_total", status: "failed" }],
    ),
    share(
        "db-errors",
        "so much of the database operations fails",
        10.0,
        &[Share { family: "confidex_db_operations_total", status: "error" }],
    ),
    scenario(
        "slow-db",
        "database operations take 400 ms",
        &[Mean { family: "confidex_db_operation_duration_seconds", value: 0.4 }],
    ),
    scenario(
        "db-pool-exhausted",
        "operations wait for a database connection",
        &[Gauge { family: "confidex_db_connection_pool", label: "status=waiting", value: 6.0 }],
    ),
    scenario(
        "heap-high",
        "the heap has grown to 1.8 GiB",
        &[Gauge { family: "confidex_nodejs_heap_size_used_bytes", label: "", value: 1_932_735_283.0 }],
    ),
    scenario(
        "event-loop-lag",
        "the event loop lags by 800 ms",
        &[Gauge { family: "confidex_nodejs_eventloop_lag_p99_seconds", label: "", value: 0.8 }],
    ),
    scenario(
        "gc-pressure",
        "garbage collection takes a tenth of the time and more",
        &[Mean { family: "confidex_nodejs_gc_duration_seconds", value: 2.0 }],
    ),
    scenario(
        "fds-exhausted",
        "almost all file descriptors are in use",
        &[Gauge { family: "confidex_process_open_fds", label: "", value: 1_000_000.0 }],
    ),
    scenario(
        "order-cache-stale",
        "the order cache has lost its subscription",
        &[Gauge { family: "confidex_order_cache_subscription_status", label: "", value: 0.0 }],
    ),
    scenario("down", "/metrics answers 503", &[Down]),
];

/// A scenario that cannot be read: what was typed, and what was probably meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    #[error("there is no scenario `{typed}`{}; there are {}", .nearest.as_ref().map_or_else(String::new, |name| format!("; did you mean `{name}`?")), names())]
    Unknown { typed: String, nearest: Option<String> },
    #[error("`{typed}` is not a percentage between 0 and 100")]
    Percent { typed: String },
    #[error("the scenario `{name}` takes no percentage")]
    Takes { name: &'static str },
}

/// `name`, or `name=5%` for scenarios that take a percentage.
pub fn parse_scenario(text: &str) -> Result<Active, ScenarioError> {
    let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
    let scenario =
        SCENARIOS.iter().find(|scenario| scenario.name == name).ok_or_else(|| ScenarioError::Unknown {
            typed: name.to_owned(),
            nearest: closest_name(name, SCENARIOS.iter().map(|scenario| scenario.name)),
        })?;
    let percent = match (value, scenario.percent) {
        (None, default) => default.unwrap_or(100.0),
        (Some(_), None) => return Err(ScenarioError::Takes { name: scenario.name }),
        (Some(typed), Some(_)) => {
            let number: Option<f64> = typed.trim().trim_end_matches('%').parse().ok();
            number
                .filter(|number| (0.0..=100.0).contains(number))
                .ok_or_else(|| ScenarioError::Percent { typed: typed.to_owned() })?
        }
    };
    Ok(Active { scenario, percent })
}

impl fmt::Display for Active {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scenario.percent {
            Some(_) => write!(f, "{}={}%", self.scenario.name, self.percent),
            None => f.write_str(self.scenario.name),
        }
    }
}

fn names() -> String {
    SCENARIOS.iter().map(|scenario| scenario.name).collect::<Vec<_>>().join(", ")
}

/// The table as help text.
pub fn help() -> String {
    let lines = SCENARIOS.iter().map(|scenario| {
        let default = scenario.percent.map_or_else(String::new, |percent| format!(" [default {percent}%]"));
        format!("  {:<20} {}{default}\n", scenario.name, scenario.doc)
    });
    format!(
        "Scenarios:\n{}\nWhile it runs: `curl -X POST http://127.0.0.1:3001/scenarios/NAME` switches one on \
         (`…/NAME?value=5` with its percentage), `-X DELETE` off; GET /scenarios lists them.",
        lines.collect::<String>()
    )
}
