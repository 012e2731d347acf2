//! Query strings of raw requests.

use std::fmt::Write as _;

/// `path?key=value&…`, percent-encoded.
pub(super) fn with_query(path: &str, pairs: &[(&str, &str)]) -> String {
    let mut out = path.to_owned();
    for (index, (key, value)) in pairs.iter().enumerate() {
        out.push(if index == 0 { '?' } else { '&' });
        out.push_str(key);
        out.push('=');
        push_encoded(&mut out, value);
    }
    out
}

/// The engine's `filters` value: a JSON object of lists.
pub(super) fn filters(pairs: &[(&str, &str)]) -> String {
    let map: serde_json::Map<_, _> =
        pairs.iter().map(|(key, value)| ((*key).to_owned(), serde_json::json!([value]))).collect();
    serde_json::Value::Object(map).to_string()
}

fn push_encoded(out: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_encoded() {
        let query = with_query("/networks", &[("filters", &filters(&[("name", "a&b")]))]);
        assert_eq!(query, "/networks?filters=%7B%22name%22%3A%5B%22a%26b%22%5D%7D");
    }

    #[test]
    fn no_pairs_make_no_query() {
        assert_eq!(with_query("/version", &[]), "/version");
    }
}
