//! Paths that the configuration names.

/// Where relative ones begin.
const FOLDER: &str = "/etc/alertmanager/";

/// A path of the configuration as it is in the container.
pub fn absolute_path(path: &str) -> String {
    if path.is_empty() || path.starts_with('/') {
        path.to_owned()
    } else {
        format!("{FOLDER}{}", path.strip_prefix("./").unwrap_or(path))
    }
}
