use super::*;

const NODE: &str = "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds 1795351434\n\
    # TYPE http_requests_total counter\nhttp_requests_total{method=\"GET\",code=\"200\"} 5\nhttp_requests_total{method=\"GET\",code=\"500\"} 0\n\
    # TYPE http_request_duration_seconds histogram\nhttp_request_duration_seconds_bucket{le=\"0.5\"} 1\nhttp_request_duration_seconds_bucket{le=\"1\"} 1\nhttp_request_duration_seconds_bucket{le=\"2.5\"} 1\nhttp_request_duration_seconds_bucket{le=\"+Inf\"} 1\nhttp_request_duration_seconds_sum 0.1\nhttp_request_duration_seconds_count 1\n\
    # TYPE nodejs_eventloop_lag_p99_seconds gauge\nnodejs_eventloop_lag_p99_seconds 0.01\n";

fn backend(name: &str) -> Backend {
    Backend {
        name: name.to_owned(),
        job: name.to_owned(),
        url: "http://host.docker.internal:8080/metrics".to_owned(),
    }
}

fn names(exposition: &str) -> Vec<String> {
    let drafts = signals::drafts(&backend("order-desk"), &Contract::parse(exposition));
    drafts.into_iter().map(|draft| draft.name).collect()
}

#[test]
fn only_what_the_metrics_show_becomes_an_alert() {
    assert_eq!(names(""), ["OrderDeskDown"]);
    assert_eq!(
        names(NODE),
        [
            "OrderDeskDown",
            "OrderDeskRestarting",
            "OrderDeskHighErrorRate",
            "OrderDeskHighLatency",
            "OrderDeskEventLoopLag"
        ]
    );
    // A state that is called a status is no status of a request.
    assert_eq!(names("# TYPE jobs_total counter\njobs_total{status=\"done\"} 1\n"), ["OrderDeskDown"]);
    let prefixed = NODE.replace("process_start", "shop_process_start");
    assert!(names(&prefixed).contains(&"OrderDeskRestarting".to_owned()));
}

#[test]
fn the_threshold_of_a_quantile_has_a_bound_above_it() {
    let drafts = signals::drafts(&backend("a"), &Contract::parse(NODE));
    let latency = drafts.iter().find(|draft| draft.name == "AHighLatency");
    assert!(latency.is_some_and(|draft| draft.expr.ends_with("> 1") && draft.value_shown == "2.425"));
    let low = NODE.replace("le=\"2.5\"", "le=\"0.9\"").replace("le=\"1\"", "le=\"0.7\"");
    let drafts = signals::drafts(&backend("a"), &Contract::parse(&low));
    assert!(drafts.iter().any(|draft| draft.expr.ends_with("> 0.7")));
}

#[test]
fn a_project_names_nothing_of_the_embedded_backend() {
    for file in project(&backend("shop"), NODE).files {
        if file.path.ends_with(".schema.json") || file.path == "config/confidexmon.yml" {
            continue;
        }
        for word in ["confidex-backend", "confidex-overview", "ConfidexBackend", "confidex_"] {
            assert!(!file.text.contains(word), "{} names {word}", file.path);
        }
    }
}

#[test]
fn this_machine_is_another_one_from_a_container() {
    let target = |url: &str| target_url(url).unwrap_or_default();
    assert_eq!(target("http://localhost:8080/metrics"), "http://host.docker.internal:8080/metrics");
    assert_eq!(target("http://[::1]:8080/m"), "http://host.docker.internal:8080/m");
    assert_eq!(target("http://127.0.0.1"), "http://host.docker.internal");
    assert_eq!(target("https://api.example.com/metrics"), "https://api.example.com/metrics");
    assert_eq!(target_url("ftp://x"), None);
}
