//! Two repairs of what bollard 0.21.1 sends, applied to every request.
//!
//! It drops the API version from the path (so an engine answers in its newest dialect), and it
//! encodes registry credentials with the standard base64 alphabet, where engines decode the
//! URL-safe one and fall back to no credentials at all. Both were seen on the wire.

use hyper::header::HeaderValue;
use hyper::http::uri::PathAndQuery;
use hyper::{HeaderMap, Request, Uri};

use super::version::ApiVersion;

const CREDENTIAL_HEADERS: [&str; 2] = ["x-registry-auth", "x-registry-config"];

/// Prefixes the path with the API version and makes registry credentials URL-safe.
pub(super) fn repair<B>(mut request: Request<B>, api: ApiVersion) -> Request<B> {
    if let Some(uri) = versioned(request.uri(), api) {
        *request.uri_mut() = uri;
    }
    make_url_safe(request.headers_mut());
    request
}

/// `None` when the path already names a version.
fn versioned(uri: &Uri, api: ApiVersion) -> Option<Uri> {
    let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    if path.starts_with("/v1.") || path.starts_with("/v2.") {
        return None;
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(format!("/v{api}{path}")).ok()?);
    Uri::from_parts(parts).ok()
}

fn make_url_safe(headers: &mut HeaderMap) {
    for name in CREDENTIAL_HEADERS {
        let Some(value) = headers.get(name).and_then(|value| value.to_str().ok()) else { continue };
        let safe = value.replace('+', "-").replace('/', "_");
        if let Ok(mut value) = HeaderValue::from_str(&safe) {
            value.set_sensitive(true);
            headers.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    const API: ApiVersion = ApiVersion { major: 1, minor: 41 };

    fn repaired(uri: &str) -> String {
        repair(Request::get(uri).body(()).unwrap(), API).uri().to_string()
    }

    #[test]
    fn the_version_goes_before_the_path_and_the_query_stays() {
        assert_eq!(
            repaired("http://engine/containers/json?all=true"),
            "http://engine/v1.41/containers/json?all=true"
        );
    }

    #[test]
    fn a_path_that_names_a_version_is_left_alone() {
        assert_eq!(repaired("http://engine/v1.44/info"), "http://engine/v1.44/info");
    }

    #[test]
    fn credentials_become_url_safe_and_stay_out_of_debug_output() {
        let request = Request::get("http://engine/images/create")
            .header("X-Registry-Auth", "ab+/cd==")
            .body(())
            .unwrap();
        let value = repair(request, API).headers()["x-registry-auth"].clone();
        assert_eq!(value, "ab-_cd==");
        assert_eq!(format!("{value:?}"), "Sensitive");
    }
}
