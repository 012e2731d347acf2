//! Which of the metrics that a rule names are the backend's, and so must keep its contract.

use crate::analysis::contract::{Contract, Series};
use crate::analysis::view::View;
use crate::formats::alertmanager;
use crate::formats::promql::{MatchOp, Matcher, Selector};
use crate::model::ServiceKind;

/// Names that other software exports: the stack's own services and the usual exporters.
const FOREIGN: [&str; 47] = [
    "ALERTS",
    "ALERTS_FOR_STATE",
    "aggregator_",
    "alertmanager_",
    "apiserver_",
    "argocd_",
    "blackbox_",
    "caddy_",
    "cadvisor_",
    "cloudflare_",
    "cluster_",
    "container_",
    "coredns_",
    "cortex_",
    "docker_",
    "elasticsearch_",
    "engine_daemon_",
    "envoy_",
    "etcd_",
    "go_",
    "grafana_",
    "haproxy_",
    "kube_",
    "kubelet_",
    "loki_",
    "machine_",
    "memcached_",
    "mongodb_",
    "mysql_",
    "net_conntrack_",
    "nginx_",
    "node_",
    "pg_",
    "probe_",
    "process_",
    "prober_",
    "prometheus_",
    "promhttp_",
    "pushgateway_",
    "rabbitmq_",
    "redis_",
    "scrape_",
    "ssl_",
    "storage_",
    "thanos_",
    "traefik_",
    "windows_",
];

/// What the contract says about a selector.
#[derive(Debug)]
pub enum ContractMatch<'a> {
    Known(Series<'a>),
    /// Should be the backend's and is not in the contract; `certain` when it can be nobody else's.
    Missing {
        name: &'a str,
        certain: bool,
    },
}

impl<'a> View<'a> {
    /// What the backend exports, when that is known.
    pub fn contract(&self) -> Option<&'a Contract> {
        self.facts.contract.as_ref().filter(|contract| !contract.is_empty())
    }

    /// `None` for what the contract says nothing about.
    pub fn match_contract<'s: 'a>(&self, selector: &'s Selector) -> Option<ContractMatch<'a>> {
        let contract = self.contract()?;
        let name = selector.name.as_deref()?;
        if self.recorded.contains_key(name)
            || name.contains(':')
            || name == "up"
            || self.is_elsewhere(selector)
        {
            return None;
        }
        if let Some(series) = contract.series(name) {
            return Some(ContractMatch::Known(series));
        }
        let pinned = selector.pinned("job").is_some_and(|job| self.facts.backend_jobs.contains(job));
        let owned = contract.owns_namespace_of(name);
        if !pinned && !owned && (is_foreign(name) || self.has_other_jobs()) {
            return None;
        }
        Some(ContractMatch::Missing { name, certain: pinned || owned })
    }

    /// The contract's series behind a selector, if there are any.
    pub fn known<'s: 'a>(&self, selector: &'s Selector) -> Option<Series<'a>> {
        match self.match_contract(selector)? {
            ContractMatch::Known(series) => Some(series),
            ContractMatch::Missing { .. } => None,
        }
    }

    /// Asks for jobs that are not the backend's.
    fn is_elsewhere(&self, selector: &Selector) -> bool {
        let jobs = &self.facts.backend_jobs;
        let excludes_all = |matcher: &Matcher| match matcher.op {
            MatchOp::Equal => !jobs.contains(&matcher.value),
            op => {
                let asked = alertmanager::Matcher::new("job", op, matcher.value.as_str());
                jobs.iter().all(|job| asked.matches(job) == Some(false))
            }
        };
        !jobs.is_empty()
            && selector.matchers.iter().any(|matcher| matcher.label == "job" && excludes_all(matcher))
    }

    /// A job beside the backend's and the stack's own could export anything.
    fn has_other_jobs(&self) -> bool {
        let own = |job: &str| is_stack_job(job) || self.facts.backend_jobs.contains(job);
        self.facts.jobs.as_ref().is_some_and(|jobs| jobs.iter().any(|job| !own(job)))
    }
}

/// True for a job of the stack's own services.
pub fn is_stack_job(job: &str) -> bool {
    ServiceKind::from_name(job).is_some_and(|service| service != ServiceKind::Redis)
}

/// Metrics of the stack's own services.
pub fn is_own_service(name: &str) -> bool {
    ["prometheus_", "alertmanager_", "grafana_"].iter().any(|prefix| name.starts_with(prefix))
}

/// True for a metric that well-known other software exports.
pub fn is_foreign(name: &str) -> bool {
    FOREIGN.iter().any(|prefix| name == *prefix || (prefix.ends_with('_') && name.starts_with(prefix)))
}
