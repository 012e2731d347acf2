//! The parts of Grafana's HTTP API that a proof needs.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::model::Secret;
use crate::net::http::{Credentials, HttpClient, NetError, one_line};

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

    /// Version and state of the database, which need no credentials.
    pub async fn health(&self) -> Result<Value, NetError> {
        let url = format!("{}/api/health", self.base_url);
        let answer = self.http.get(&url, None).await?;
        serde_json::from_str(&answer.body).map_err(|_| NetError::Shape { url })
    }

    /// True when Grafana takes the credentials.
    pub async fn signs_in(&self) -> Result<bool, NetError> {
        let url = format!("{}/api/user", self.base_url);
        match self.http.get(&url, self.auth.as_ref()).await? {
            answer if answer.status == 401 => Ok(false),
            answer => answer.success(&url).map(|_| true),
        }
    }

    /// Changes the user's password from `before` to that of the credentials. False when `before` is not
    /// the one in force.
    pub async fn change_password(&self, before: &Secret) -> Result<bool, NetError> {
        let Some((user, after)) = &self.auth else { return Ok(false) };
        let url = format!("{}/api/user/password", self.base_url);
        let passwords = json!({
            "oldPassword": before.reveal(), "newPassword": after.reveal(), "confirmNew": after.reveal(),
        });
        let answer = self.http.put(&url, Some(&(user.clone(), before.clone())), &passwords).await?;
        Ok(answer.is_success())
    }

    /// Asks a datasource whether it works.
    ///
    /// # Errors
    /// With Grafana's words when it does not.
    pub async fn datasource_health(&self, uid: &str) -> Result<(), NetError> {
        let url = format!("{}/api/datasources/uid/{uid}/health", self.base_url);
        let answer = self.http.get(&url, self.auth.as_ref()).await?.success(&url)?;
        let works = serde_json::from_str::<Value>(&answer.body).is_ok_and(|health| health["status"] == "OK");
        if works {
            return Ok(());
        }
        Err(NetError::Status { url, status: answer.status, body: one_line(&answer.body) })
    }

    /// `GET` on what lies behind a datasource, through Grafana. For datasources without a health check.
    pub async fn through_datasource(&self, uid_and_path: &str) -> Result<(), NetError> {
        let url = format!("{}/api/datasources/proxy/uid/{uid_and_path}", self.base_url);
        self.http.get(&url, self.auth.as_ref()).await?.success(&url).map(|_| ())
    }

    /// The uids of all dashboards.
    pub async fn dashboard_uids(&self) -> Result<BTreeSet<String>, NetError> {
        let url = format!("{}/api/search?type=dash-db&limit=5000", self.base_url);
        let found = self.http.get_json(&url, self.auth.as_ref()).await?;
        let uids = found.as_array().into_iter().flatten().filter_map(|one| one.get("uid")?.as_str());
        Ok(uids.map(str::to_owned).collect())
    }

    /// Whether a datasource can be asked through Grafana; an error only when Grafana itself does not answer.
    pub async fn datasource_is_healthy(&self, uid: &str) -> Result<bool, NetError> {
        match self.datasource_health(uid).await {
            Ok(()) => Ok(true),
            Err(error @ NetError::NoAnswer { .. }) => Err(error),
            Err(_) => Ok(false),
        }
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
