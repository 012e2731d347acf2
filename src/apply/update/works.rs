//! Whether a service works, beyond answering: what it held before an update, it holds after it.

use std::collections::BTreeSet;

use crate::apply::StackSession;
use crate::apply::probe::Address;
use crate::engine::Engine;
use crate::model::ServiceKind;
use crate::net::alertmanager::Alertmanager;
use crate::net::grafana::Grafana;
use crate::net::http::Credentials;
use crate::net::prometheus::Prometheus;
use crate::net::redis;
use crate::render::context::PROMETHEUS_DATASOURCE;
use crate::services::{Api, DesiredService, Probe, profile};

/// What a service held at one moment.
#[derive(Clone, Debug, PartialEq)]
pub enum Holdings {
    Prometheus {
        /// Group and name of every rule.
        rules: BTreeSet<(String, String)>,
        /// Targets that were scraped with success.
        targets_up: BTreeSet<String>,
        /// Seconds since the epoch, when there were samples.
        sampled_at: Option<f64>,
    },
    Alertmanager {
        receivers: BTreeSet<String>,
        silences: BTreeSet<String>,
    },
    Grafana {
        dashboards: BTreeSet<String>,
        datasource_healthy: bool,
    },
    Redis {
        keys: u64,
    },
    /// It keeps nothing that could be lost.
    Nothing,
}

/// A service at its address.
pub struct ServiceInspector<'a, E> {
    pub session: &'a StackSession<E>,
    pub service: ServiceKind,
    pub wanted: &'a DesiredService,
    pub address: Address,
}

impl<E: Engine> ServiceInspector<'_, E> {
    /// Looks at the service; the reason in one line when it does not tell.
    pub async fn holdings(&self) -> Result<Holdings, String> {
        let told = match profile(self.service).api {
            Api::Prometheus => self.prometheus_holdings().await,
            Api::Alertmanager => {
                let api = self.alertmanager();
                match api.receivers().await {
                    Ok(receivers) => api.silence_ids().await.map(|silences| Holdings::Alertmanager {
                        receivers: receivers.into_iter().collect(),
                        silences,
                    }),
                    Err(error) => Err(error),
                }
            }
            Api::Grafana => {
                let api = self.grafana();
                match api.dashboard_uids().await {
                    Ok(dashboards) => api
                        .datasource_is_healthy(PROMETHEUS_DATASOURCE)
                        .await
                        .map(|datasource_healthy| Holdings::Grafana { dashboards, datasource_healthy }),
                    Err(error) => Err(error),
                }
            }
            Api::Redis => return self.redis_holdings().await,
            Api::RedisExporter => return Ok(Holdings::Nothing),
        };
        told.map_err(|error| error.to_string())
    }

    /// The first thing of `before` that is not there, in one sentence.
    pub async fn missing(&self, before: &Holdings) -> Option<String> {
        match self.holdings().await {
            Err(reason) => Some(reason),
            Ok(now) => self.earlier_samples_missing(before).await.or_else(|| difference(before, &now)),
        }
    }

    /// The samples from before must be readable: the database was opened, not begun anew.
    async fn earlier_samples_missing(&self, before: &Holdings) -> Option<String> {
        let Holdings::Prometheus { sampled_at: Some(at), .. } = before else { return None };
        match has_samples(&self.prometheus(), *at).await {
            Ok(true) => None,
            Ok(false) => Some("the samples from before the update are not there".to_owned()),
            Err(error) => Some(error.to_string()),
        }
    }

    async fn prometheus_holdings(&self) -> Result<Holdings, crate::net::NetError> {
        let api = self.prometheus();
        let groups = api.rules().await?;
        let rules = groups.iter().flat_map(|group| {
            group.rules.iter().map(|rule| (format!("{};{}", group.file, group.name), rule.name.clone()))
        });
        let targets = api.targets().await?;
        let targets_up =
            targets.iter().filter(|target| target.health == "up").map(|target| target.scrape_url.clone());
        #[expect(clippy::cast_precision_loss, reason = "seconds since the epoch are far below 2^52")]
        let now = jiff::Timestamp::now().as_second() as f64;
        let sampled_at = has_samples(&api, now).await?.then_some(now);
        Ok(Holdings::Prometheus { rules: rules.collect(), targets_up: targets_up.collect(), sampled_at })
    }

    async fn redis_holdings(&self) -> Result<Holdings, String> {
        let Probe::Redis { password, .. } = &self.wanted.probe else {
            return Err("it is asked over HTTP".to_owned());
        };
        let count = redis::key_count(&self.address.host, self.address.port, password.as_ref());
        match tokio::time::timeout(crate::apply::PROBE_DEADLINE, count).await {
            Ok(keys) => keys.map(|keys| Holdings::Redis { keys }),
            Err(_) => Err("DBSIZE: no answer".to_owned()),
        }
    }

    fn auth(&self) -> Option<Credentials> {
        self.wanted.probe.basic_auth()
    }

    fn prometheus(&self) -> Prometheus {
        Prometheus { http: self.session.http.clone(), base_url: self.address.url(""), auth: self.auth() }
    }

    fn alertmanager(&self) -> Alertmanager {
        Alertmanager { http: self.session.http.clone(), base_url: self.address.url(""), auth: self.auth() }
    }

    fn grafana(&self) -> Grafana {
        crate::apply::grafana::api(self.session, self.wanted, &self.address)
    }
}

/// True when `up` has a value at that time.
async fn has_samples(api: &Prometheus, at: f64) -> Result<bool, crate::net::NetError> {
    let answer = api.query_range("count(up)", at, at, 1.0).await?;
    Ok(answer["result"].as_array().is_some_and(|series| !series.is_empty()))
}

/// What `before` held and `now` does not.
fn difference(before: &Holdings, now: &Holdings) -> Option<String> {
    match (before, now) {
        (
            Holdings::Prometheus { rules, targets_up, .. },
            Holdings::Prometheus { rules: rules_now, targets_up: up_now, .. },
        ) => first_missing("the rule", rules.iter().map(|(_, name)| name), &names(rules_now))
            .or_else(|| first_missing("the scraped target", targets_up, up_now)),
        (
            Holdings::Alertmanager { receivers, silences },
            Holdings::Alertmanager { receivers: receivers_now, silences: silences_now },
        ) => first_missing("the receiver", receivers, receivers_now)
            .or_else(|| first_missing("the silence", silences, silences_now)),
        (
            Holdings::Grafana { dashboards, datasource_healthy },
            Holdings::Grafana { dashboards: dashboards_now, datasource_healthy: healthy_now },
        ) => first_missing("the dashboard", dashboards, dashboards_now).or_else(|| {
            (*datasource_healthy && !healthy_now)
                .then(|| format!("the datasource `{PROMETHEUS_DATASOURCE}` is not healthy"))
        }),
        (Holdings::Redis { keys }, Holdings::Redis { keys: now }) => {
            (*keys > 0 && *now == 0).then(|| format!("all of its {keys} keys are gone"))
        }
        _ => None,
    }
}

fn names(rules: &BTreeSet<(String, String)>) -> BTreeSet<String> {
    rules.iter().map(|(_, name)| name.clone()).collect()
}

fn first_missing<'a>(
    what: &str,
    before: impl IntoIterator<Item = &'a String>,
    now: &BTreeSet<String>,
) -> Option<String> {
    before.into_iter().find(|one| !now.contains(*one)).map(|one| format!("{what} `{one}` is not there"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn what_is_gone_is_named_and_what_is_new_is_no_loss() {
        let alertmanager = |silences: &[&str]| Holdings::Alertmanager {
            receivers: set(&["slack"]),
            silences: set(silences),
        };
        assert_eq!(difference(&alertmanager(&["a"]), &alertmanager(&["a", "b"])), None);
        let lost = difference(&alertmanager(&["a", "b"]), &alertmanager(&["a"]));
        assert_eq!(lost.as_deref(), Some("the silence `b` is not there"));
        let grafana = |datasource_healthy| Holdings::Grafana { dashboards: set(&["d"]), datasource_healthy };
        assert_eq!(difference(&grafana(false), &grafana(false)), None);
        assert!(difference(&grafana(true), &grafana(false)).is_some());
        assert!(difference(&Holdings::Redis { keys: 3 }, &Holdings::Redis { keys: 0 }).is_some());
        assert_eq!(difference(&Holdings::Redis { keys: 3 }, &Holdings::Redis { keys: 2 }), None);
    }
}
