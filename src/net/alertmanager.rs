//! The parts of Alertmanager's HTTP API that a proof needs.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::health::overview::ReceivedAlert;
use crate::health::silences::{Matcher, Silence};
use crate::model::percent_encoded;
use crate::net::http::{Credentials, HttpClient, NetError};

/// An Alertmanager at a base URL such as `http://127.0.0.1:9093`.
#[derive(Clone, Debug)]
pub struct Alertmanager {
    pub http: HttpClient,
    pub base_url: String,
    pub auth: Option<Credentials>,
}

impl Alertmanager {
    /// `POST /-/reload`: 200 after it took, 500 with the old configuration kept.
    pub async fn reload(&self) -> Result<(), NetError> {
        let url = format!("{}/-/reload", self.base_url);
        self.http.post(&url, self.auth.as_ref(), None).await?.success(&url)?;
        Ok(())
    }

    /// Names of the receivers of the configuration in force.
    pub async fn receivers(&self) -> Result<Vec<String>, NetError> {
        let value = self.http.get_json(&self.url("/api/v2/receivers"), self.auth.as_ref()).await?;
        let names = value.as_array().into_iter().flatten();
        Ok(names.filter_map(|receiver| receiver.get("name")?.as_str().map(str::to_owned)).collect())
    }

    /// Ids of the silences that are in force or will be.
    pub async fn silence_ids(&self) -> Result<BTreeSet<String>, NetError> {
        let value = self.http.get_json(&self.url("/api/v2/silences"), self.auth.as_ref()).await?;
        let counts = |silence: &&Value| silence["status"]["state"] != "expired";
        let silences = value.as_array().into_iter().flatten().filter(counts);
        Ok(silences.filter_map(|silence| silence["id"].as_str().map(str::to_owned)).collect())
    }

    /// The silences that are in force or will be, the one that ends first first.
    pub async fn silences(&self) -> Result<Vec<Silence>, NetError> {
        let value = self.http.get_json(&self.url("/api/v2/silences"), self.auth.as_ref()).await?;
        let counts = |silence: &&Value| silence["status"]["state"] != "expired";
        let mut silences: Vec<Silence> =
            value.as_array().into_iter().flatten().filter(counts).map(silence).collect();
        silences.sort_by(|a, b| (&a.ends_at, &a.id).cmp(&(&b.ends_at, &b.id)));
        Ok(silences)
    }

    /// Makes a silence and returns its id.
    pub async fn silence(&self, wanted: &Silence) -> Result<String, NetError> {
        let matcher = |matcher: &Matcher| json!({"name": matcher.name, "value": matcher.value, "isRegex": matcher.is_regex, "isEqual": matcher.is_equal});
        let body = json!({
            "matchers": wanted.matchers.iter().map(matcher).collect::<Vec<_>>(),
            "startsAt": wanted.starts_at,
            "endsAt": wanted.ends_at,
            "createdBy": wanted.created_by,
            "comment": wanted.comment,
        });
        let url = self.url("/api/v2/silences");
        let answer = self.http.post_json(&url, self.auth.as_ref(), &body).await?;
        answer["silenceID"].as_str().map(str::to_owned).ok_or(NetError::Shape { url })
    }

    /// Ends a silence now.
    pub async fn end_silence(&self, id: &str) -> Result<(), NetError> {
        let url = self.url(&format!("/api/v2/silence/{}", percent_encoded(id)));
        self.http.delete(&url, self.auth.as_ref()).await?.success(&url)?;
        Ok(())
    }

    /// Posts alerts as Prometheus does; the body is the API's list of alerts.
    pub async fn post_alerts(&self, alerts: &Value) -> Result<(), NetError> {
        let url = self.url("/api/v2/alerts");
        self.http.post(&url, self.auth.as_ref(), Some(alerts)).await?.success(&url)?;
        Ok(())
    }

    /// Alerts that match a filter such as `nonce="x"` (all when it is empty), with their status.
    pub async fn alerts(&self, filter: &str) -> Result<Value, NetError> {
        let url = format!("{}{}", self.url("/api/v2/alerts"), query(filter));
        self.http.get_json(&url, self.auth.as_ref()).await
    }

    /// The groups of alerts that match a filter (all when it is empty). Only here do alerts say which time interval mutes them.
    pub async fn groups(&self, filter: &str) -> Result<Value, NetError> {
        let url = format!("{}{}", self.url("/api/v2/alerts/groups"), query(filter));
        self.http.get_json(&url, self.auth.as_ref()).await
    }

    /// Every alert that it holds, each once. Read from the groups: the plain list does not tell which time interval
    /// mutes an alert.
    pub async fn held(&self) -> Result<Vec<ReceivedAlert>, NetError> {
        Ok(each_once(&self.groups("").await?))
    }

    /// The text of `/metrics`.
    pub async fn metrics(&self) -> Result<String, NetError> {
        let url = self.url("/metrics");
        Ok(self.http.get(&url, self.auth.as_ref()).await?.success(&url)?.body)
    }

    /// When it started.
    pub async fn started(&self) -> Result<jiff::Timestamp, NetError> {
        let url = self.url("/api/v2/status");
        let status = self.http.get_json(&url, self.auth.as_ref()).await?;
        let started = status["uptime"].as_str().and_then(|text| text.parse().ok());
        started.ok_or(NetError::Shape { url })
    }

    /// `/-/ready`: true once it takes alerts.
    pub async fn is_ready(&self) -> bool {
        let url = self.url("/-/ready");
        matches!(self.http.get(&url, self.auth.as_ref()).await, Ok(answer) if answer.status == 200)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }
}

/// An empty filter is refused, so there is none then.
fn query(filter: &str) -> String {
    if filter.is_empty() { String::new() } else { format!("?filter={}", percent_encoded(filter)) }
}

/// One alert may be in several groups, one for each of its routes.
fn each_once(groups: &Value) -> Vec<ReceivedAlert> {
    let mut found: BTreeMap<&str, ReceivedAlert> = BTreeMap::new();
    let groups = groups.as_array().into_iter().flatten();
    for alert in groups.flat_map(|group| group["alerts"].as_array().into_iter().flatten()) {
        let one = received(alert);
        match found.entry(alert["fingerprint"].as_str().unwrap_or_default()) {
            Entry::Vacant(entry) => {
                entry.insert(one);
            }
            // What one route mutes another may send.
            Entry::Occupied(mut known) if one.muted_by.is_empty() => known.get_mut().muted_by.clear(),
            Entry::Occupied(_) => {}
        }
    }
    found.into_values().collect()
}

fn silence(value: &Value) -> Silence {
    let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let matchers = value["matchers"].as_array().into_iter().flatten().map(|matcher| Matcher {
        name: matcher["name"].as_str().unwrap_or_default().to_owned(),
        value: matcher["value"].as_str().unwrap_or_default().to_owned(),
        is_regex: matcher["isRegex"].as_bool().unwrap_or_default(),
        is_equal: matcher["isEqual"].as_bool().unwrap_or(true),
    });
    Silence {
        id: text("id"),
        matchers: matchers.collect(),
        starts_at: text("startsAt"),
        ends_at: text("endsAt"),
        created_by: text("createdBy"),
        comment: text("comment"),
        state: value["status"]["state"].as_str().unwrap_or_default().to_owned(),
    }
}

fn received(alert: &Value) -> ReceivedAlert {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |name: &str| -> Vec<String> {
        alert["status"][name].as_array().into_iter().flatten().map(text).collect()
    };
    let labels = alert["labels"].as_object().into_iter().flatten();
    let receivers = alert["receivers"].as_array().into_iter().flatten();
    ReceivedAlert {
        labels: labels.map(|(name, value)| (name.clone(), text(value))).collect(),
        receivers: receivers.map(|receiver| text(&receiver["name"])).collect(),
        state: text(&alert["status"]["state"]),
        silenced_by: list("silencedBy"),
        inhibited_by: list("inhibitedBy"),
        muted_by: list("mutedBy"),
        updated_at: text(&alert["updatedAt"]),
    }
}

/// The value of a sample in an exposition: the first line that starts with `name` and holds `label`.
pub fn sample(exposition: &str, name: &str, label: &str) -> Option<f64> {
    let line = exposition.lines().find(|line| {
        line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])) && line.contains(label)
    })?;
    line.rsplit(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_of_several_groups_is_one_and_muted_only_where_all_of_them_are() {
        let alert = |fingerprint: &str, muted: &[&str]| {
            json!({"fingerprint": fingerprint, "labels": {"alertname": fingerprint}, "receivers": [{"name": "team"}],
                "updatedAt": "", "status": {"state": "active", "silencedBy": [], "inhibitedBy": [], "mutedBy": muted}})
        };
        let groups = json!([
            {"alerts": [alert("a", &["night"]), alert("b", &["night"])]},
            {"alerts": [alert("a", &[]), alert("b", &["weekend"])]},
        ]);
        let found = each_once(&groups);
        let muted: Vec<_> =
            found.iter().map(|one| (one.labels["alertname"].as_str(), one.muted_by.len())).collect();
        assert_eq!(muted, [("a", 0), ("b", 1)]);
        assert_eq!(found[0].receivers, ["team"]);
    }
}
