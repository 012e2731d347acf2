//! `init --for`: a project for a backend that nobody has described.

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::Value;

use crate::lab::Lab;

/// A backend of several runtimes at once: each metric that an alert can be made from.
const METRICS: &str = "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds 1795351434\n\
# TYPE process_open_fds gauge\nprocess_open_fds 9\n# TYPE process_max_fds gauge\nprocess_max_fds 1024\n\
# TYPE http_requests_total counter\nhttp_requests_total{method=\"GET\",code=\"200\"} 5\nhttp_requests_total{method=\"GET\",code=\"500\"} 0\n\
# TYPE http_request_duration_seconds histogram\nhttp_request_duration_seconds_bucket{le=\"0.5\"} 1\nhttp_request_duration_seconds_bucket{le=\"1\"} 1\nhttp_request_duration_seconds_bucket{le=\"2.5\"} 1\nhttp_request_duration_seconds_bucket{le=\"+Inf\"} 1\nhttp_request_duration_seconds_sum 0.1\nhttp_request_duration_seconds_count 1\n\
# TYPE go_goroutines gauge\ngo_goroutines 11\n\
# TYPE jvm_memory_used_bytes gauge\njvm_memory_used_bytes{area=\"heap\",id=\"old\"} 100\njvm_memory_used_bytes{area=\"nonheap\",id=\"code\"} 100\n\
# TYPE jvm_memory_max_bytes gauge\njvm_memory_max_bytes{area=\"heap\",id=\"old\"} 1000\njvm_memory_max_bytes{area=\"nonheap\",id=\"code\"} -1\n\
# TYPE nodejs_eventloop_lag_p99_seconds gauge\nnodejs_eventloop_lag_p99_seconds 0.01\n";

/// A backend that answers every request with `body`; its address.
fn backend(body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/metrics", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    address
}

#[test]
fn a_project_for_another_backend_is_clean_from_the_start() {
    let Some(lab) = Lab::open() else { return };
    let made = lab.run(&["init", "order-desk", "--for", &backend(METRICS)]).expect(0).stderr;
    assert!(made.contains("OrderDeskDown, ") && made.contains("is yours to add"), "{made}");
    let inside = |arguments: &[&str]| lab.run(&[&["--project-dir", "order-desk"], arguments].concat());
    let check = inside(&["check", "--format", "json"]).expect(0).json();
    assert_eq!(check["findings"], Value::Array(Vec::new()), "{check:#}");
    inside(&["test-rules", "--coverage"]).expect(0);
    let drilled = ["OrderDeskDown", "OrderDeskHighErrorRate", "OrderDeskHighLatency", "OrderDeskHeapHigh"];
    let report = inside(&[&["drill", "--format", "json"], &drilled[..]].concat()).expect(0).json();
    for alert in report["alerts"].as_array().unwrap() {
        assert_eq!(alert["level"], 3, "{alert:#}");
        let text = alert.to_string();
        assert!(text.contains("/d/order-desk-overview") && !text.contains("confidex-overview"), "{alert:#}");
    }
    let page = inside(&["open", "--print"]).expect(0).stdout;
    assert!(page.trim_end().ends_with("/d/order-desk-overview"), "{page}");
}

#[test]
fn what_is_no_backend_is_refused_and_nothing_is_written() {
    let Some(lab) = Lab::open() else { return };
    let html = lab.run(&["init", "shop", "--for", &backend("<html>hello</html>")]).expect(1);
    assert!(html.stderr.contains("holds no metrics"), "{}", html.stderr);
    let none = lab.run(&["init", "shop", "--for", "http://127.0.0.1:9/metrics"]).expect(1);
    assert!(none.stderr.contains("no answer from http://127.0.0.1:9/metrics"), "{}", none.stderr);
    let odd = lab.run(&["init", "4711", "--for", &backend(METRICS)]).expect(2);
    assert!(odd.stderr.contains("--name"), "{}", odd.stderr);
    assert!(!lab.folder.path().join("shop").exists() && !lab.folder.path().join("4711").exists());
}
