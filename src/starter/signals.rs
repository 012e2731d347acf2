//! Which alerts a backend's metrics call for. What cannot be told from the names is left out: a missing
//! alert is noticed, a wrong one is believed.

use crate::analysis::contract::{Contract, Family, MetricType};
use crate::starter::Backend;
use crate::starter::draft::{AlertDraft, Direction, Panel, Series};

/// The labels in which backends keep the status of a request.
const STATUS_LABELS: [&str; 4] = ["status", "code", "status_code", "http_status_code"];

/// Every alert for this backend, the most urgent first.
pub(super) fn drafts(backend: &Backend, contract: &Contract) -> Vec<AlertDraft> {
    let mut drafts = vec![unreachable(backend)];
    drafts.extend(restarts(backend, contract));
    drafts.extend(error_share(backend, contract));
    drafts.extend(latency(backend, contract));
    drafts.extend(runtime(backend, contract));
    drafts
}

/// Families whose names can be written into an expression as they are.
fn plain(contract: &Contract) -> impl Iterator<Item = (&str, &Family)> {
    let is_plain = |name: &str| {
        !name.is_empty()
            && !name.starts_with(|first: char| first.is_ascii_digit())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':')
    };
    contract.families().filter(move |(name, family)| is_plain(name) && family.samples > 0)
}

/// The family that ends in `suffix`: prefixes such as the backend's own name are common.
fn ending<'a>(contract: &'a Contract, suffix: &str) -> Option<&'a str> {
    plain(contract).map(|(name, _)| name).find(|name| {
        name.strip_suffix(suffix).is_some_and(|before| before.is_empty() || before.ends_with('_'))
    })
}

fn unreachable(backend: &Backend) -> AlertDraft {
    let Backend { job, name, .. } = backend;
    AlertDraft {
        name: format!("{}Down", backend.alert_prefix()),
        expr: format!("up{{job=\"{job}\"}} == 0 or absent(up{{job=\"{job}\"}})"),
        hold: Some("1m"),
        severity: "critical",
        component: "backend",
        summary: format!("{name} is unreachable"),
        description: "{{ with $labels.instance }}Prometheus could not scrape {{ . }} for 1 minute{{ else }}Prometheus has had no scrape target of this job for 1 minute{{ end }} (value {VALUE}).".to_owned(),
        value_template: "{{ $value }}",
        value_shown: "0".to_owned(),
        fires: vec![Series::new("up", "", "1x10 0x30")],
        fires_at: "8m",
        quiet: vec![Series::new("up", "", "1x20 0x2 1x40")],
        meaning: format!("Prometheus has not been able to scrape {name} for a minute, or has no scrape target of the job `{job}` any more. All other alerts about it are blind while this one fires."),
        steps: vec![
            "Read the target's error: Prometheus, Status > Target health, or `confidexmon status`.",
            "`connection refused`: the process is not running, or listens on 127.0.0.1 only. Start it, read its last log lines.",
            "`context deadline exceeded`: it runs and does not answer. Look at CPU and memory, then restart it.",
            "No target at all: `confidexmon plan` shows what was changed in the settings.",
        ],
        panel: Panel {
            title: "Reachable".to_owned(),
            expr: format!("up{{job=\"{job}\",{{FILTER}}}}"),
            unit: "none",
            threshold: 1.0,
            direction: Direction::BadBelow,
        },
    }
}

fn restarts(backend: &Backend, contract: &Contract) -> Option<AlertDraft> {
    let metric = ending(contract, "process_start_time_seconds")?;
    let job = &backend.job;
    Some(AlertDraft {
        name: format!("{}Restarting", backend.alert_prefix()),
        expr: format!("changes({metric}{{job=\"{job}\"}}[30m]) > 2"),
        hold: None,
        severity: "warning",
        component: "backend",
        summary: format!("{} keeps restarting", backend.name),
        description: "{{ $labels.instance }} has restarted {VALUE} times in the last 30 minutes (threshold 2 restarts).".to_owned(),
        value_template: "{{ $value | printf \"%.0f\" }}",
        value_shown: "3".to_owned(),
        fires: vec![Series::new(metric, "", "100x8 200x8 300x8 400x60")],
        fires_at: "20m",
        quiet: vec![Series::new(metric, "", "100x20 200x60")],
        meaning: "The process has started more than twice within half an hour: it crashes, is killed, or is deployed again and again.".to_owned(),
        steps: vec![
            "Read the last log lines before each start, and the exit code: 137 is a kill, often for lack of memory.",
            "Was it a deployment? Then silence this alert for an hour.",
        ],
        panel: Panel {
            title: "Restarts in 30 minutes".to_owned(),
            expr: format!("changes({metric}{{job=\"{job}\",{{FILTER}}}}[30m])"),
            unit: "short",
            threshold: 2.0,
            direction: Direction::BadAbove,
        },
    })
}

/// The counter of requests with a status label, the one about HTTP first.
fn request_counter(contract: &Contract) -> Option<(&str, &'static str)> {
    let mut found: Vec<(&str, &'static str)> = plain(contract)
        .filter(|(_, family)| family.kind == MetricType::Counter)
        .filter_map(|(name, family)| {
            let label = STATUS_LABELS.into_iter().find(|label| {
                family.labels.get(*label).is_some_and(|values| values.iter().any(|value| is_status(value)))
            })?;
            Some((name, label))
        })
        .collect();
    found.sort_by_key(|(name, _)| (!name.contains("http"), !name.contains("request"), name.len()));
    found.first().copied()
}

fn is_status(value: &str) -> bool {
    value.len() == 3 && value.starts_with(|first: char| ('1'..='5').contains(&first))
}

fn error_share(backend: &Backend, contract: &Contract) -> Option<AlertDraft> {
    let (metric, label) = request_counter(contract)?;
    let job = &backend.job;
    let share = |matchers: &str| {
        format!(
            "sum by (job, instance) (rate({metric}{{{matchers},{label}=~\"5..\"}}[5m])) / sum by (job, instance) (rate({metric}{{{matchers}}}[5m]))"
        )
    };
    let series = |status: &str, values: &str| Series::new(metric, &format!("{label}=\"{status}\""), values);
    Some(AlertDraft {
        name: format!("{}HighErrorRate", backend.alert_prefix()),
        expr: format!("{} > 0.05", share(&format!("job=\"{job}\""))),
        hold: Some("5m"),
        severity: "critical",
        component: "api",
        summary: format!("{} answers with errors", backend.name),
        description: "{VALUE} of the requests to {{ $labels.instance }} were answered with a 5xx status in the last 5 minutes (threshold 5%).".to_owned(),
        value_template: "{{ $value | humanizePercentage }}",
        value_shown: "50%".to_owned(),
        fires: vec![series("200", "0+30x60"), series("500", "0+30x60")],
        fires_at: "14m",
        quiet: vec![series("200", "0+990x60"), series("500", "0+10x60")],
        meaning: "More than one request in twenty is answered with a 5xx status. Users see errors.".to_owned(),
        steps: vec![
            "Which requests: break the panel down by the labels of the counter.",
            "Was something deployed or changed just before? Roll it back.",
            "Does it depend on something that is down, a database or another service?",
        ],
        panel: Panel {
            title: "Share of requests with a 5xx status".to_owned(),
            expr: share(&format!("job=\"{job}\",{{FILTER}}")),
            unit: "percentunit",
            threshold: 0.05,
            direction: Direction::BadAbove,
        },
    })
}

/// The histogram of request durations, in seconds by its name.
fn duration_histogram(contract: &Contract) -> Option<(&str, &Family)> {
    let mut found: Vec<(&str, &Family)> = plain(contract)
        .filter(|(name, family)| {
            family.kind == MetricType::Histogram
                && name.ends_with("_seconds")
                && ["request", "http", "response"].iter().any(|word| name.contains(word))
                && family.bounds.iter().filter(|bound| bound.is_finite()).count() > 1
        })
        .collect();
    found.sort_by_key(|(name, _)| (!name.contains("http"), name.len()));
    found.first().copied()
}

fn latency(backend: &Backend, contract: &Contract) -> Option<AlertDraft> {
    let (metric, family) = duration_histogram(contract)?;
    let (threshold, next) = threshold(&family.bounds)?;
    let job = &backend.job;
    let quantile = |matchers: &str| {
        format!(
            "histogram_quantile(0.95, sum by (job, instance, le) (rate({metric}_bucket{{{matchers}}}[5m])))"
        )
    };
    let bucket = |bound: &str, values: &str| {
        Series::new(&format!("{metric}_bucket"), &format!("le=\"{bound}\""), values)
    };
    let (below, above) = (number(threshold), number(next));
    // Every request took between the threshold and the next bound: the quantile lies 95 % of the way.
    let fired = threshold + (next - threshold) * 0.95;
    Some(AlertDraft {
        name: format!("{}HighLatency", backend.alert_prefix()),
        expr: format!("{} > {below}", quantile(&format!("job=\"{job}\""))),
        hold: Some("10m"),
        severity: "warning",
        component: "api",
        summary: format!("{} answers slowly", backend.name),
        description: format!(
            "The 95th percentile of the request duration of {{{{ $labels.instance }}}} is at least {{VALUE}} seconds (threshold {below} seconds)."
        ),
        value_template: "{{ $value | printf \"%.3f\" }}",
        value_shown: format!("{fired:.3}"),
        fires: vec![bucket(&below, "0x100"), bucket(&above, "0+30x100"), bucket("+Inf", "0+30x100")],
        fires_at: "20m",
        quiet: vec![bucket(&below, "0+30x100"), bucket(&above, "0+30x100"), bucket("+Inf", "0+30x100")],
        meaning: format!("One request in twenty takes longer than {below} seconds."),
        steps: vec![
            "Is there more traffic than usual, or is each request slower?",
            "Look at CPU, memory and the services that it waits for.",
        ],
        panel: Panel {
            title: "Request duration, 95th percentile".to_owned(),
            expr: quantile(&format!("job=\"{job}\",{{FILTER}}")),
            unit: "s",
            threshold,
            direction: Direction::BadAbove,
        },
    })
}

/// A bound of about a second with another finite one above it: beyond the largest bound no quantile can
/// be told.
fn threshold(bounds: &[f64]) -> Option<(f64, f64)> {
    let finite: Vec<f64> = bounds.iter().copied().filter(|bound| bound.is_finite() && *bound > 0.0).collect();
    let pairs: Vec<(f64, f64)> = finite.windows(2).map(|pair| (pair[0], pair[1])).collect();
    let up_to_a_second = pairs.iter().rev().find(|(bound, _)| *bound <= 1.0);
    up_to_a_second.or_else(|| pairs.first()).copied()
}

fn number(value: f64) -> String {
    format!("{value}")
}

/// What the runtime tells about itself.
fn runtime(backend: &Backend, contract: &Contract) -> Vec<AlertDraft> {
    let candidates = [
        descriptors(backend, contract),
        event_loop(backend, contract),
        java_heap(backend, contract),
        goroutines(backend, contract),
    ];
    candidates.into_iter().flatten().collect()
}

fn descriptors(backend: &Backend, contract: &Contract) -> Option<AlertDraft> {
    let (open, most) = (ending(contract, "process_open_fds")?, ending(contract, "process_max_fds")?);
    let job = &backend.job;
    let share = |matchers: &str| format!("{open}{{{matchers}}} / {most}{{{matchers}}}");
    Some(AlertDraft {
        name: format!("{}FileDescriptorsHigh", backend.alert_prefix()),
        expr: format!("{} > 0.8", share(&format!("job=\"{job}\""))),
        hold: Some("10m"),
        severity: "warning",
        component: "runtime",
        summary: format!("{} runs out of file descriptors", backend.name),
        description: "{{ $labels.instance }} has {VALUE} of its file descriptors open (threshold 80%). At 100% it can accept no connection.".to_owned(),
        value_template: "{{ $value | humanizePercentage }}",
        value_shown: "90%".to_owned(),
        fires: vec![Series::new(open, "", "900x60"), Series::new(most, "", "1000x60")],
        fires_at: "14m",
        quiet: vec![Series::new(open, "", "700x60"), Series::new(most, "", "1000x60")],
        meaning: "Sockets and files are opened faster than they are closed, or there are too many connections for the limit.".to_owned(),
        steps: vec![
            "Count what is open: `ls /proc/<pid>/fd | wc -l`, `ss -tnp`.",
            "A leak needs a restart now and a fix later; honest load needs a higher limit (`ulimit -n`).",
        ],
        panel: Panel {
            title: "File descriptors in use".to_owned(),
            expr: share(&format!("job=\"{job}\",{{FILTER}}")),
            unit: "percentunit",
            threshold: 0.8,
            direction: Direction::BadAbove,
        },
    })
}

fn event_loop(backend: &Backend, contract: &Contract) -> Option<AlertDraft> {
    let metric = ending(contract, "nodejs_eventloop_lag_p99_seconds")?;
    let job = &backend.job;
    Some(AlertDraft {
        name: format!("{}EventLoopLag", backend.alert_prefix()),
        expr: format!("{metric}{{job=\"{job}\"}} > 0.2"),
        hold: Some("5m"),
        severity: "warning",
        component: "runtime",
        summary: format!("The Node.js event loop of {} is blocked", backend.name),
        description: "The 99th percentile of the event loop delay of {{ $labels.instance }} is {VALUE} seconds (threshold 0.2 seconds).".to_owned(),
        value_template: "{{ $value | printf \"%.3f\" }}",
        value_shown: "0.500".to_owned(),
        fires: vec![Series::new(metric, "", "0.5x60")],
        fires_at: "10m",
        quiet: vec![Series::new(metric, "", "0.05x60")],
        meaning: "Something computes for so long in one go that nothing else gets its turn: every request waits.".to_owned(),
        steps: vec![
            "Take a CPU profile (`node --cpu-prof`, or the inspector) while it lasts.",
            "Look for large JSON, synchronous crypto or file access, and regular expressions that backtrack.",
        ],
        panel: Panel {
            title: "Event loop delay, 99th percentile".to_owned(),
            expr: format!("{metric}{{job=\"{job}\",{{FILTER}}}}"),
            unit: "s",
            threshold: 0.2,
            direction: Direction::BadAbove,
        },
    })
}

fn java_heap(backend: &Backend, contract: &Contract) -> Option<AlertDraft> {
    let (used, most) =
        (ending(contract, "jvm_memory_used_bytes")?, ending(contract, "jvm_memory_max_bytes")?);
    contract.series(used)?.family.labels.get("area")?.get("heap")?;
    let job = &backend.job;
    let share = |matchers: &str| {
        format!(
            "sum by (job, instance) ({used}{{{matchers},area=\"heap\"}}) / sum by (job, instance) ({most}{{{matchers},area=\"heap\"}} > 0)"
        )
    };
    let series = |metric: &str, values: &str| Series::new(metric, "area=\"heap\"", values);
    Some(AlertDraft {
        name: format!("{}HeapHigh", backend.alert_prefix()),
        expr: format!("{} > 0.9", share(&format!("job=\"{job}\""))),
        hold: Some("10m"),
        severity: "warning",
        component: "runtime",
        summary: format!("The Java heap of {} is nearly full", backend.name),
        description: "{{ $labels.instance }} has used {VALUE} of its heap for 10 minutes (threshold 90%).".to_owned(),
        value_template: "{{ $value | humanizePercentage }}",
        value_shown: "95%".to_owned(),
        fires: vec![series(used, "950x60"), series(most, "1000x60")],
        fires_at: "14m",
        quiet: vec![series(used, "600x60"), series(most, "1000x60")],
        meaning: "The heap stays nearly full even after collections: soon the process stands still in garbage collection or ends with OutOfMemoryError.".to_owned(),
        steps: vec![
            "Take a heap dump (`jcmd <pid> GC.heap_dump`) before you restart it.",
            "Is it a leak, or is the heap too small for the load (`-Xmx`)?",
        ],
        panel: Panel {
            title: "Java heap in use".to_owned(),
            expr: share(&format!("job=\"{job}\",{{FILTER}}")),
            unit: "percentunit",
            threshold: 0.9,
            direction: Direction::BadAbove,
        },
    })
}

fn goroutines(backend: &Backend, contract: &Contract) -> Option<AlertDraft> {
    let metric = ending(contract, "go_goroutines")?;
    let job = &backend.job;
    Some(AlertDraft {
        name: format!("{}GoroutinesHigh", backend.alert_prefix()),
        expr: format!("{metric}{{job=\"{job}\"}} > 10000"),
        hold: Some("15m"),
        severity: "warning",
        component: "runtime",
        summary: format!("{} has very many goroutines", backend.name),
        description: "{{ $labels.instance }} has had {VALUE} goroutines for 15 minutes (threshold 10000 goroutines). They are leaked, or wait for something that does not answer.".to_owned(),
        value_template: "{{ $value | printf \"%.0f\" }}",
        value_shown: "20000".to_owned(),
        fires: vec![Series::new(metric, "", "20000x100")],
        fires_at: "20m",
        quiet: vec![Series::new(metric, "", "500x100")],
        meaning: "Goroutines are started faster than they end.".to_owned(),
        steps: vec![
            "Where do they wait: `/debug/pprof/goroutine?debug=1`, when pprof is on.",
            "A restart buys time; a missing timeout or a channel that nobody reads is the usual cause.",
        ],
        panel: Panel {
            title: "Goroutines".to_owned(),
            expr: format!("{metric}{{job=\"{job}\",{{FILTER}}}}"),
            unit: "short",
            threshold: 10000.0,
            direction: Direction::BadAbove,
        },
    })
}
