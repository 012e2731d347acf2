//! What a rendered configuration of Prometheus scrapes.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::model::FileSet;

/// Job and URL of every scrape target, in the words of Prometheus's API; `None` where more decides than what stands
/// there: discovery, relabeling, parameters.
pub fn static_targets(files: &FileSet) -> Option<BTreeSet<(String, String)>> {
    let file = files.files.get("/etc/prometheus/prometheus.yml")?;
    of_config(&serde_yaml::from_str(std::str::from_utf8(file.bytes()).ok()?).ok()?)
}

fn of_config(config: &Value) -> Option<BTreeSet<(String, String)>> {
    let mut found = BTreeSet::new();
    for job in config["scrape_configs"].as_array()? {
        let decides_more = |name: &String| {
            name.ends_with("_sd_configs") || matches!(name.as_str(), "relabel_configs" | "params")
        };
        if job.as_object()?.keys().any(decides_more) {
            return None;
        }
        let scheme = job["scheme"].as_str().unwrap_or("http");
        let path = job["metrics_path"].as_str().unwrap_or("/metrics");
        for group in job["static_configs"].as_array().into_iter().flatten() {
            let name = group["labels"]["job"].as_str().or_else(|| job["job_name"].as_str())?;
            for address in group["targets"].as_array().into_iter().flatten() {
                found.insert((name.to_owned(), format!("{scheme}://{}{path}", address.as_str()?)));
            }
        }
    }
    Some(found)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<BTreeSet<(String, String)>> {
        of_config(&serde_yaml::from_str(text).unwrap())
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
}
