//! What a configuration of Prometheus scrapes, as far as it stands there.

use std::collections::BTreeSet;

use serde_json::Value;

/// A scrape target that the configuration names itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaticTarget<'a> {
    /// The `job` label that its series get.
    pub job: &'a str,
    /// `host:port`.
    pub address: &'a str,
    scheme: &'a str,
    path: &'a str,
}

/// Every target of the `static_configs`, in their order.
pub fn static_targets(config: &Value) -> Vec<StaticTarget<'_>> {
    let mut targets = Vec::new();
    for job in config["scrape_configs"].as_array().into_iter().flatten() {
        let scheme = job["scheme"].as_str().unwrap_or("http");
        let path = job["metrics_path"].as_str().unwrap_or("/metrics");
        for group in job["static_configs"].as_array().into_iter().flatten() {
            let label = group["labels"]["job"].as_str().or_else(|| job["job_name"].as_str());
            for address in group["targets"].as_array().into_iter().flatten() {
                let pair = label.zip(address.as_str());
                targets.extend(pair.map(|(job, address)| StaticTarget { job, address, scheme, path }));
            }
        }
    }
    targets
}

/// Job and URL of every scrape target, in the words of Prometheus's API; `None` where more decides than what stands
/// there: discovery, relabeling, parameters.
pub fn known_urls(config: &Value) -> Option<BTreeSet<(String, String)>> {
    let decides_more = |name: &String| {
        name.ends_with("_sd_configs") || matches!(name.as_str(), "relabel_configs" | "params")
    };
    for job in config["scrape_configs"].as_array()? {
        if job.as_object()?.keys().any(decides_more) {
            return None;
        }
    }
    let url = |target: &StaticTarget<'_>| format!("{}://{}{}", target.scheme, target.address, target.path);
    Some(static_targets(config).iter().map(|target| (target.job.to_owned(), url(target))).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<BTreeSet<(String, String)>> {
        known_urls(&serde_yaml::from_str(text).unwrap())
    }

    #[test]
    fn jobs_and_urls_are_those_of_the_api() {
        let found = of("scrape_configs:\n  - {job_name: a, scheme: https, metrics_path: /m, static_configs: [{targets: ['h:1', 'h:2']}]}\n  - {job_name: a-2, static_configs: [{targets: ['h:3'], labels: {job: a}}]}\n").unwrap();
        let urls: Vec<_> = found.iter().map(|(job, url)| format!("{job} {url}")).collect();
        assert_eq!(urls, ["a http://h:3/metrics", "a https://h:1/m", "a https://h:2/m"]);
    }

    #[test]
    fn what_is_discovered_is_not_known_before() {
        assert_eq!(of("scrape_configs: [{job_name: a, file_sd_configs: [{files: ['x']}]}]"), None);
        assert_eq!(of("scrape_configs: [{job_name: a, relabel_configs: [], static_configs: []}]"), None);
        assert_eq!(of("{}"), None);
    }

    #[test]
    fn targets_of_the_configuration_are_found() {
        let config = serde_json::json!({"scrape_configs": [{"job_name": "a", "static_configs": [{"targets": ["h:1", "h:2"]}]}, {"job_name": "a-2", "static_configs": [{"targets": ["h:3"], "labels": {"job": "a"}}]}, {"job_name": "b"}]});
        let found: Vec<_> = static_targets(&config).iter().map(|one| (one.job, one.address)).collect();
        assert_eq!(found, [("a", "h:1"), ("a", "h:2"), ("a", "h:3")]);
    }
}
