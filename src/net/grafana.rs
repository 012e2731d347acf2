//! The parts of Grafana's HTTP API that a proof needs.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::net::http::{Credentials, HttpClient, NetError};

/// A Grafana at a base URL such as `http://127.0.0.1:3002`, with an admin's credentials.
#[derive(Clone, Debug)]
pub struct Grafana {
    pub http: HttpClient,
    pub base_url: String,
    pub auth: Option<Credentials>,
}

impl Grafana {
    /// Reads provisioned `dashboards` or `datasources` again; answers after the database holds them.
    pub async fn reload(&self, what: &str) -> Result<(), NetError> {
        let url = format!("{}/api/admin/provisioning/{what}/reload", self.base_url);
        self.http.post(&url, self.auth.as_ref(), None).await?.success(&url)?;
        Ok(())
    }

    /// The dashboard with this uid, or `None` when Grafana has none.
    pub async fn dashboard(&self, uid: &str) -> Result<Option<Value>, NetError> {
        let url = format!("{}/api/dashboards/uid/{uid}", self.base_url);
        let answer = self.http.get(&url, self.auth.as_ref()).await?;
        if answer.status == 404 {
            return Ok(None);
        }
        let body = answer.success(&url)?.body;
        serde_json::from_str(&body).map(Some).map_err(|_| NetError::Shape { url })
    }

    /// The uids of all dashboards.
    pub async fn dashboard_uids(&self) -> Result<BTreeSet<String>, NetError> {
        let url = format!("{}/api/search?type=dash-db&limit=5000", self.base_url);
        let found = self.http.get_json(&url, self.auth.as_ref()).await?;
        let uids = found.as_array().into_iter().flatten().filter_map(|one| one.get("uid")?.as_str());
        Ok(uids.map(str::to_owned).collect())
    }

    /// Whether a datasource can be asked through Grafana.
    pub async fn datasource_is_healthy(&self, uid: &str) -> Result<bool, NetError> {
        let url = format!("{}/api/datasources/uid/{uid}/health", self.base_url);
        let answer = self.http.get(&url, self.auth.as_ref()).await?;
        let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        Ok(answer.is_success() && body["status"] == "OK")
    }

    /// Asks a datasource's queries as a panel does. A query that fails is answered with another status
    /// than 200, but with results all the same; those are the answer.
    pub async fn query(&self, body: &Value) -> Result<Value, NetError> {
        let url = format!("{}/api/ds/query", self.base_url);
        let answer = self.http.post(&url, self.auth.as_ref(), Some(body)).await?;
        match serde_json::from_str::<Value>(&answer.body) {
            Ok(value) if value["results"].is_object() || answer.status == 404 => Ok(value),
            _ if answer.is_success() => Err(NetError::Shape { url }),
            _ => answer.success(&url).map(|_| Value::Null),
        }
    }
}
