//! The uid of a dashboard, as Grafana accepts it.

use crate::model::manifest::sha256_hex;

/// Grafana's limit, in characters.
pub const LONGEST_DASHBOARD_UID: usize = 40;

/// True for a uid that Grafana accepts: letters, digits, `-` and `_`.
pub fn is_dashboard_uid(text: &str) -> bool {
    (1..=LONGEST_DASHBOARD_UID).contains(&text.len()) && text.bytes().all(is_allowed)
}

const fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// The uid for a file that has none of its own: its name, or as much of it as fits and a hash.
pub fn uid_of_file(path: &str) -> String {
    let name = path.strip_suffix(".json").unwrap_or(path);
    if is_dashboard_uid(name) {
        return name.to_owned();
    }
    let dashed = |c: char| if c.is_ascii() && is_allowed(c as u8) { c } else { '-' };
    let plain: String = name.chars().map(dashed).take(LONGEST_DASHBOARD_UID - 9).collect();
    format!("{plain}-{}", &sha256_hex(path.as_bytes())[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_a_uid_that_grafana_takes() {
        assert_eq!(uid_of_file("node-exporter.json"), "node-exporter");
        let long = "a".repeat(60) + ".json";
        for path in ["Node Exporter Full (1860).json", "ä/b.json", long.as_str(), ".json"] {
            assert!(is_dashboard_uid(&uid_of_file(path)), "{path}: {}", uid_of_file(path));
        }
        assert_ne!(uid_of_file("a b.json"), uid_of_file("a-b.json"));
        assert!(!is_dashboard_uid("") && !is_dashboard_uid("a b") && !is_dashboard_uid(&"a".repeat(41)));
    }
}
