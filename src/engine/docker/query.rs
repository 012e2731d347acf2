//! Query strings of raw requests.

use crate::model::percent_encoded;

/// `path?key=value&…`, percent-encoded.
pub(super) fn with_query(path: &str, pairs: &[(&str, &str)]) -> String {
    let mut out = path.to_owned();
    for (index, (key, value)) in pairs.iter().enumerate() {
        out.push(if index == 0 { '?' } else { '&' });
        out.push_str(key);
        out.push('=');
        out.push_str(&percent_encoded(value));
    }
    out
}

/// The engine's `filters` value: a JSON object of lists.
pub(super) fn filters(pairs: &[(&str, &str)]) -> String {
    let map: serde_json::Map<_, _> =
        pairs.iter().map(|(key, value)| ((*key).to_owned(), serde_json::json!([value]))).collect();
    serde_json::Value::Object(map).to_string()
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
