//! A backend whose answer says nothing of its type: Prometheus 3 refuses it unless it is told what to take.

use std::io::{Read, Write};
use std::time::Duration;

use crate::lab::{Lab, eventually, get_json};

#[test]
fn metrics_without_a_content_type_are_scraped() {
    let Some(lab) = Lab::open() else { return };
    let listener = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 1024]);
            let body = "shop_orders 3\n";
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = stream.write_all((head + body).as_bytes());
        }
    });
    lab.write(
        "config/confidexmon.yml",
        &format!("prometheus: {{scrape_interval: 1s, scrape_timeout: 1s}}\ntargets: [{{job: shop, url: 'http://127.0.0.1:{port}/metrics'}}]\n"),
    );
    lab.run(&["up", "--without", "grafana", "--without", "alertmanager"]).expect(0);
    let url = lab.url("prometheus", "/api/v1/query?query=shop_orders");
    eventually("the metric", Duration::from_secs(40), || {
        get_json(&url)["data"]["result"][0]["value"][1] == "3"
    });
}
