//! Licences of all dependencies, and crates that must not come back.

use std::process::Command;

use serde_json::Value;

use crate::lab::repository;

const LICENCES: [&str; 13] = [
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "ISC",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "Zlib",
    "Unicode-3.0",
    "Unlicense",
    "CC0-1.0",
    "BSL-1.0",
    "MIT-0",
    "CDLA-Permissive-2.0",
];

/// Name, first good version (empty: none), advisory.
const BANNED: [(&str, &str, &str); 9] = [
    ("tar", "0.4.45", "RUSTSEC-2026-0067 and -0068"),
    ("tokio-tar", "", "RUSTSEC-2025-0111"),
    ("serde_yml", "", "RUSTSEC-2025-0068"),
    ("serde_yaml", "", "archived"),
    ("dotenv", "", "unmaintained; dotenvy is its successor"),
    ("backoff", "", "RUSTSEC-2025-0012"),
    ("arrayref", "", "RUSTSEC-2026-0260"),
    ("aws-lc-rs", "", "a second TLS provider makes rustls's choice ambiguous"),
    ("openssl", "", "TLS is rustls with ring here"),
];

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(repository())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// `(A OR B) AND C`: every AND part needs an allowed alternative.
fn is_allowed(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ").replace(['(', ')'], "");
    expression.split(" AND ").all(|part| part.split(" OR ").any(|name| LICENCES.contains(&name.trim())))
}

#[test]
fn licences_are_permissive() {
    for package in packages() {
        let licence = package["license"].as_str().unwrap_or("none");
        assert!(is_allowed(licence), "{}: {licence}", package["name"]);
    }
}

#[test]
fn no_crate_with_an_advisory_comes_back() {
    for package in packages() {
        let (name, version) = (package["name"].as_str().unwrap(), package["version"].as_str().unwrap());
        for (banned, fixed, reason) in BANNED {
            if name == banned {
                assert!(!fixed.is_empty() && at_least(version, fixed), "{name} {version}: {reason}");
            }
        }
    }
}

fn at_least(version: &str, wanted: &str) -> bool {
    let numbers =
        |text: &str| text.split('.').map(|part| part.parse::<u64>().unwrap_or(0)).collect::<Vec<_>>();
    numbers(version) >= numbers(wanted)
}
