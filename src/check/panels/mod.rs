//! The queries behind a dashboard's panels, as Grafana's browser part would send them, and what
//! their answers mean. Pure: asking is `apply::live`.

mod answer;
mod variables;
pub mod warmup;

pub use answer::assess;

use std::time::Duration;

use serde_json::{Value, json};

use crate::check::finding::{Finding, Severity};
use crate::formats::yaml::source::Source;
use crate::model::Place;
use crate::render::context::PROMETHEUS_DATASOURCE;
use variables::Variables;

/// The id of a query that is answered with an error.
pub const ERROR: &str = "panel-error";
/// The id of a query that finds nothing.
pub const EMPTY: &str = "panel-empty";
/// The id of a query that finds only NaN.
pub const NAN: &str = "panel-nan";

/// As many points as a panel of usual width asks for.
const POINTS: u64 = 600;

/// One sentence about an id of a panel.
pub fn doc(id: &str) -> Option<&'static str> {
    match id {
        ERROR => Some("The query of a panel is answered with an error."),
        EMPTY => Some("The query of a panel finds nothing."),
        NAN => Some("The query of a panel finds only NaN."),
        _ => None,
    }
}

/// One query of one panel, ready to be asked.
#[derive(Clone, Debug, PartialEq)]
pub struct PanelQuery {
    pub panel: String,
    pub expr: String,
    /// Where the expression stands in the dashboard's file.
    pub line: usize,
    pub column: usize,
    pub file: String,
    /// What the panel shows when there is nothing, where it says so: nothing is then no mistake.
    pub no_value: Option<String>,
    /// The body of `POST /api/ds/query`.
    pub body: Value,
}

/// Every Prometheus query of a dashboard. Files that are no JSON have none: a lint says so.
pub fn queries(file: &str, text: &str, scrape_interval: Duration) -> Vec<PanelQuery> {
    queries_of((file, text), text, scrape_interval)
}

/// The same for a dashboard that Grafana gets otherwise than it stands in its file: `shown` is what it gets,
/// the places are those of the file.
pub fn queries_of((file, text): (&str, &str), shown: &str, scrape_interval: Duration) -> Vec<PanelQuery> {
    let Ok(dashboard) = serde_json::from_str::<Value>(shown) else { return Vec::new() };
    let reader = Reader {
        source: Source::new(file, text),
        variables: Variables::of(&dashboard),
        from: dashboard["time"]["from"].as_str().unwrap_or("now-6h").to_owned(),
        to: dashboard["time"]["to"].as_str().unwrap_or("now").to_owned(),
        scrape_interval,
    };
    let mut found = Vec::new();
    let mut searched = 0;
    for panel in panels(&dashboard) {
        for target in panel["targets"].as_array().into_iter().flatten() {
            found.extend(reader.query(panel, target, &mut searched));
        }
    }
    found
}

/// Panels in their order, those inside of rows included.
fn panels(dashboard: &Value) -> Vec<&Value> {
    let mut found = Vec::new();
    for panel in dashboard["panels"].as_array().into_iter().flatten() {
        found.push(panel);
        found.extend(panel["panels"].as_array().into_iter().flatten());
    }
    found
}

struct Reader {
    source: Source,
    variables: Variables,
    from: String,
    to: String,
    scrape_interval: Duration,
}

impl Reader {
    fn query(&self, panel: &Value, target: &Value, searched: &mut usize) -> Option<PanelQuery> {
        let written = target["expr"].as_str().filter(|expr| !expr.trim().is_empty())?;
        // The place counts on even for queries that are not asked.
        let place = self.place(written, searched);
        if target["hide"].as_bool() == Some(true) {
            return None;
        }
        let datasource = self.datasource(target).or_else(|| self.datasource(panel));
        // A panel that names none shows the default one, which is ours.
        let (kind, uid) =
            datasource.unwrap_or_else(|| ("prometheus".to_owned(), PROMETHEUS_DATASOURCE.to_owned()));
        if kind != "prometheus" || uid.starts_with("--") {
            return None;
        }
        let range = seconds_between(&self.from, &self.to);
        let interval = self.interval(panel, target, range);
        let scrape = own_interval(target).unwrap_or(self.scrape_interval);
        let expr = self.variables.apply(written, &built_in(interval, scrape.as_secs().max(1), range));
        let instant = target["instant"].as_bool().unwrap_or(false);
        let title = panel["title"].as_str().filter(|title| !title.is_empty()).unwrap_or("(no title)");
        let mut query = json!({
            "refId": "A",
            "expr": expr,
            "instant": instant,
            "range": !instant,
            "format": target["format"].as_str().unwrap_or("time_series"),
            "intervalMs": interval * 1000,
            "maxDataPoints": POINTS,
        });
        query["datasource"] = json!({"type": kind, "uid": uid});
        Some(PanelQuery {
            panel: self.variables.apply(title, &[]),
            expr,
            line: place.line,
            column: place.column,
            file: self.source.path.clone(),
            no_value: panel["fieldConfig"]["defaults"]["noValue"].as_str().map(str::to_owned),
            body: json!({"from": self.from, "to": self.to, "queries": [query]}),
        })
    }

    /// The expression as JSON writes it, after the one before it.
    fn place(&self, expr: &str, searched: &mut usize) -> crate::formats::yaml::source::Position {
        let encoded = serde_json::to_string(expr).unwrap_or_default();
        let rest = self.source.text.get(*searched..).unwrap_or_default();
        let at = rest.find(&encoded).map(|at| *searched + at).or_else(|| self.source.text.find(&encoded));
        match at {
            Some(at) => {
                *searched = at + encoded.len();
                self.source.place(at + 1)
            }
            None => crate::formats::yaml::source::Position::default(),
        }
    }

    /// (type, uid) with variables replaced.
    fn datasource(&self, of: &Value) -> Option<(String, String)> {
        let datasource = &of["datasource"];
        let uid = datasource["uid"].as_str().or_else(|| datasource.as_str())?;
        let kind = datasource["type"].as_str().unwrap_or("prometheus");
        Some((kind.to_owned(), self.variables.apply(uid, &[])))
    }

    /// Seconds between two points: the range over the points, at least the query's or the panel's own
    /// interval or the scrape interval.
    fn interval(&self, panel: &Value, target: &Value, range: u64) -> u64 {
        let own = own_interval(target).or_else(|| own_interval(panel));
        (range / POINTS).max(own.unwrap_or(self.scrape_interval).as_secs().max(1))
    }
}

fn own_interval(of: &Value) -> Option<Duration> {
    let text = of["interval"].as_str()?.trim_start_matches(['>', '=']);
    crate::model::PromDuration::parse(text).map(|duration| duration.length())
}

/// Grafana's own variables. `$__rate_interval` is the larger of interval + scrape interval and four
/// scrape intervals, so that a rate always has the samples it needs.
fn built_in(interval: u64, scrape: u64, range: u64) -> [(&'static str, String); 6] {
    [
        ("__rate_interval", format!("{}s", (interval + scrape).max(4 * scrape))),
        ("__interval_ms", (interval * 1000).to_string()),
        ("__interval", format!("{interval}s")),
        ("__range_ms", (range * 1000).to_string()),
        ("__range_s", range.to_string()),
        ("__range", format!("{range}s")),
    ]
}

/// Seconds between two of Grafana's times such as `now-3h` and `now`; an hour when they are dates.
fn seconds_between(from: &str, to: &str) -> u64 {
    let ago = |text: &str| -> Option<u64> {
        let rest = text.strip_prefix("now")?.split('/').next()?;
        let Some(duration) = rest.strip_prefix('-') else { return Some(0) };
        // Months and years are Grafana's alone.
        let duration = duration.replace('M', "w");
        crate::model::PromDuration::parse(&duration).map(|duration| duration.length().as_secs())
    };
    match (ago(from), ago(to)) {
        (Some(from), Some(to)) if from > to => from - to,
        _ => 3600,
    }
}

impl PanelQuery {
    fn finding(&self, id: &'static str, severity: Severity, message: String) -> Finding {
        let place = Place { file: self.file.clone(), line: self.line, column: self.column, length: 0 };
        Finding::new(id, severity, place, message).alert(&self.panel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DASHBOARD: &str = r#"{
  "time": {"from": "now-3h", "to": "now"},
  "templating": {"list": [
    {"name": "datasource", "type": "datasource", "current": {"value": "uid-1"}},
    {"name": "instance", "type": "query", "multi": true, "includeAll": true, "allValue": ".*", "current": {"value": ["$__all"]}}
  ]},
  "panels": [
    {"type": "text", "title": "T"},
    {"type": "row", "panels": [
      {"title": "Rate", "datasource": {"type": "prometheus", "uid": "${datasource}"}, "targets": [
        {"refId": "A", "expr": "rate(x{instance=~\"$instance\"}[$__rate_interval])"},
        {"refId": "B", "expr": "y", "hide": true}
      ]}
    ]},
    {"title": "Now", "datasource": "${datasource}", "interval": "5m", "fieldConfig": {"defaults": {"noValue": "0"}}, "targets": [
      {"expr": "increase(x[$__range]) / ${__interval_ms}", "instant": true}
    ]},
    {"title": "Other", "datasource": {"type": "loki", "uid": "l"}, "targets": [{"expr": "{a=\"b\"}"}]}
  ]
}"#;

    #[test]
    fn every_visible_query_is_interpolated_and_placed() {
        let found = queries("d.json", DASHBOARD, Duration::from_secs(15));
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].expr, "rate(x{instance=~\".*\"}[60s])");
        assert_eq!((found[0].line, found[0].column, found[0].panel.as_str()), (11, 33, "Rate"));
        assert_eq!(found[0].body["queries"][0]["datasource"]["uid"], "uid-1");
        assert_eq!(found[0].body["queries"][0]["range"], true);
        assert_eq!(found[1].expr, "increase(x[10800s]) / 300000");
        assert_eq!((found[0].no_value.as_deref(), found[1].no_value.as_deref()), (None, Some("0")));
        assert_eq!(found[1].body["queries"][0]["instant"], true);
    }

    #[test]
    fn ranges_are_read() {
        for (from, to, seconds) in [
            ("now-3h", "now", 10800),
            ("now-1d/d", "now", 86400),
            ("2024-01-01", "x", 3600),
            ("now", "now", 3600),
        ] {
            assert_eq!(seconds_between(from, to), seconds, "{from} {to}");
        }
    }
}
