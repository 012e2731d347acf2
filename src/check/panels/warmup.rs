//! Whether a stack is too young for its panels: a rate has nothing to show before the second scrape,
//! and a rule built on it nothing before its next evaluation.

use std::time::Duration;

use serde_json::{Value, json};

use crate::check::finding::{Finding, Severity};
use crate::check::panels::{EMPTY, NAN, PanelQuery};

/// So many scrapes lie in `$__rate_interval`, and one more for the rules that are built on rates.
const ENOUGH: f64 = 5.0;

/// The question, to the datasource of `like`: how often was that target of those now up, which was
/// scraped least often, scraped lately?
pub fn question(like: &PanelQuery, scrape_interval: Duration) -> Value {
    let window = scrape_interval.as_secs().max(1) * 10;
    let mut query = json!({
        "refId": "A",
        "expr": format!("min(sum_over_time(up[{window}s]) and up == 1)"),
        "instant": true,
        "range": false,
    });
    query["datasource"] = like.body["queries"][0]["datasource"].clone();
    json!({"from": "now-1m", "to": "now", "queries": [query]})
}

/// True when some target was not scraped often enough yet, or nothing was at all.
pub fn is_warming_up(answer: &Value) -> bool {
    let frames = answer["results"]["A"]["frames"].as_array();
    let columns = frames.into_iter().flatten().flat_map(crate::check::panels::answer::numbers);
    let scrapes = columns.flat_map(|column| column.as_array().into_iter().flatten()).find_map(Value::as_f64);
    scrapes.is_none_or(|scrapes| scrapes < ENOUGH)
}

/// True for what time alone may cure.
pub fn may_resolve(finding: &Finding) -> bool {
    matches!(finding.id, EMPTY | NAN) && finding.severity > Severity::Info
}

/// The finding of a stack that is too young to be checked by it.
#[must_use]
pub fn downgrade(finding: Finding) -> Finding {
    let message = format!("{}; a target was scraped too few times yet to tell", finding.message);
    let fix = Some("ask again in a minute".to_owned());
    Finding { severity: Severity::Info, message, fix, ..finding }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_scrapes_or_none_are_young() {
        let answer = |values: Value| {
            json!({"results": {"A": {"frames": [{
                "schema": {"fields": [{"type": "time"}, {"type": "number"}]},
                "data": {"values": [[1_700_000_000_000_u64], values]},
            }]}}})
        };
        assert!(
            is_warming_up(&answer(json!([4]))) && is_warming_up(&json!({"results": {"A": {"frames": []}}}))
        );
        assert!(!is_warming_up(&answer(json!([5]))) && !is_warming_up(&answer(json!([10]))));
    }
}
