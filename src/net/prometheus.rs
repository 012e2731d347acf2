//! The parts of Prometheus's HTTP API that a proof needs.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::health::overview::{AlertState, EvaluatedAlert};
use crate::model::percent_encoded;
use crate::net::http::{Credentials, HttpClient, NetError};

/// A Prometheus at a base URL such as `http://127.0.0.1:9090`.
#[derive(Clone, Debug)]
pub struct Prometheus {
    pub http: HttpClient,
    pub base_url: String,
    pub auth: Option<Credentials>,
}

/// From `/api/v1/status/runtimeinfo`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RuntimeInfo {
    /// False after a reload that failed, until one succeeds.
    pub reload_config_success: bool,
    /// When the configuration was loaded last, RFC 3339 to the second.
    pub last_config_time: String,
    pub start_time: String,
}

/// One group of `/api/v1/rules`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct LoadedGroup {
    pub name: String,
    /// Absolute path in the container.
    pub file: String,
    pub rules: Vec<LoadedRule>,
    /// Seconds between two evaluations.
    #[serde(default)]
    pub interval: f64,
}

impl LoadedGroup {
    /// File, group, and the names of its rules in order.
    pub fn names(&self) -> (String, String, Vec<String>) {
        (self.file.clone(), self.name.clone(), self.rules.iter().map(|rule| rule.name.clone()).collect())
    }
}

/// A rule as Prometheus holds it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct LoadedRule {
    /// Alert name or recorded metric.
    pub name: String,
    /// `alerting` or `recording`.
    #[serde(rename = "type")]
    pub kind: String,
    /// As Prometheus formats it.
    pub query: String,
    /// Alert state: `inactive`, `pending`, `firing`; recording rules have none.
    #[serde(default)]
    pub state: Option<String>,
    /// `ok`, `err`, `unknown`.
    #[serde(default)]
    pub health: String,
    #[serde(default, rename = "lastError")]
    pub last_error: Option<String>,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// `for`, in seconds; 0 for recording rules.
    #[serde(default)]
    pub duration: f64,
    /// `keep_firing_for`, in seconds.
    #[serde(default, rename = "keepFiringFor")]
    pub keep_firing_for: f64,
}

/// One active scrape target.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActiveTarget {
    pub labels: BTreeMap<String, String>,
    pub scrape_url: String,
    /// `up`, `down`, `unknown` (not scraped yet).
    pub health: String,
    #[serde(default)]
    pub last_error: String,
}

#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
}

#[derive(Deserialize)]
struct Groups {
    groups: Vec<LoadedGroup>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Targets {
    active_targets: Vec<ActiveTarget>,
}

#[derive(Deserialize)]
struct Alerts {
    alerts: Vec<ListedAlert>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedAlert {
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    state: String,
    #[serde(default)]
    active_at: String,
}

impl Prometheus {
    /// `/api/v1/status/runtimeinfo`: the state of the configuration among others.
    pub async fn runtime_info(&self) -> Result<RuntimeInfo, NetError> {
        self.data("/api/v1/status/runtimeinfo").await
    }

    /// `/api/v1/rules`: every rule group that is loaded.
    pub async fn rules(&self) -> Result<Vec<LoadedGroup>, NetError> {
        Ok(self.data::<Groups>("/api/v1/rules").await?.groups)
    }

    /// `/api/v1/targets`: what is scraped, and how the last scrape went.
    pub async fn targets(&self) -> Result<Vec<ActiveTarget>, NetError> {
        Ok(self.data::<Targets>("/api/v1/targets?state=active").await?.active_targets)
    }

    /// Alerts that are pending or fire.
    pub async fn alerts(&self) -> Result<Vec<EvaluatedAlert>, NetError> {
        let alerts = self.data::<Alerts>("/api/v1/alerts").await?.alerts;
        let known = |alert: ListedAlert| {
            let state = match alert.state.as_str() {
                "firing" => AlertState::Firing,
                "pending" => AlertState::Pending,
                _ => return None,
            };
            let ListedAlert { labels, annotations, active_at: since, .. } = alert;
            Some(EvaluatedAlert { labels, annotations, state, since })
        };
        Ok(alerts.into_iter().filter_map(known).collect())
    }

    /// `POST /-/reload`. The answer comes after the configuration was applied: 200, or 500 with the
    /// reason. It is not atomic: a failure in a rule file leaves new scrape targets beside old rules.
    pub async fn reload(&self) -> Result<(), NetError> {
        let url = format!("{}/-/reload", self.base_url);
        self.http.post(&url, self.auth.as_ref(), None).await?.success(&url)?;
        Ok(())
    }

    /// How many Alertmanagers it sends to.
    pub async fn alertmanagers(&self) -> Result<usize, NetError> {
        let known: serde_json::Value = self.data("/api/v1/alertmanagers").await?;
        Ok(known["activeAlertmanagers"].as_array().map_or(0, Vec::len))
    }

    /// The matrix of a query over a range; times and step in seconds.
    pub async fn query_range(
        &self,
        query: &str,
        start: f64,
        end: f64,
        step: f64,
    ) -> Result<serde_json::Value, NetError> {
        let query = percent_encoded(query);
        self.data(&format!("/api/v1/query_range?query={query}&start={start:.3}&end={end:.3}&step={step:.3}"))
            .await
    }

    /// Writes samples through the remote-write receiver, which must be on.
    pub async fn write(
        &self,
        content_type: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<(), NetError> {
        let url = format!("{}/api/v1/write", self.base_url);
        self.http.post_bytes(&url, content_type, headers, body).await?.success(&url)?;
        Ok(())
    }

    /// The `data` of an answer of the API, as it is.
    pub async fn data_at(&self, path: &str) -> Result<serde_json::Value, NetError> {
        self.data(path).await
    }

    /// Labels and values of an instant query's result.
    pub async fn instant(&self, query: &str) -> Result<Vec<(BTreeMap<String, String>, f64)>, NetError> {
        let data: serde_json::Value =
            self.data(&format!("/api/v1/query?query={}", percent_encoded(query))).await?;
        let number = |value: &serde_json::Value| value[1].as_str().and_then(|text| text.parse().ok());
        if data["resultType"] == "scalar" {
            return Ok(number(&data["result"]).map(|value| (BTreeMap::new(), value)).into_iter().collect());
        }
        let series = data["result"].as_array().into_iter().flatten();
        let read = series.filter_map(|one| {
            let labels = serde_json::from_value(one["metric"].clone()).unwrap_or_default();
            Some((labels, number(&one["value"])?))
        });
        Ok(read.collect())
    }

    /// `/-/ready`: true once it serves queries.
    pub async fn is_ready(&self) -> bool {
        let url = format!("{}/-/ready", self.base_url);
        matches!(self.http.get(&url, self.auth.as_ref()).await, Ok(answer) if answer.status == 200)
    }

    async fn data<T: for<'a> Deserialize<'a>>(&self, path: &str) -> Result<T, NetError> {
        let url = format!("{}{path}", self.base_url);
        let answer = self.http.get(&url, self.auth.as_ref()).await?.success(&url)?;
        let envelope: Envelope<T> =
            serde_json::from_str(&answer.body).map_err(|_| NetError::Shape { url: url.clone() })?;
        Ok(envelope.data)
    }
}
