//! What a registry's headers say: how to sign in, where the next page is.

use std::collections::BTreeMap;

/// How a registry wants to be spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    Basic,
    /// A token has to be fetched at `realm` first.
    Bearer {
        realm: String,
        service: Option<String>,
        scope: Option<String>,
    },
}

impl Challenge {
    /// Reads a `WWW-Authenticate` header; `None` for a scheme that registries do not use.
    pub(super) fn parse(header: &str) -> Option<Self> {
        let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let mut parameters = parameters(rest);
        Some(Self::Bearer {
            realm: parameters.remove("realm")?,
            service: parameters.remove("service"),
            scope: parameters.remove("scope"),
        })
    }
}

/// `a="b",c=d`; commas inside quotes belong to the value.
fn parameters(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.trim_matches([',', ' ']).to_ascii_lowercase();
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(',').unwrap_or((after, "")),
        };
        found.insert(name, value.trim().to_owned());
        rest = next;
    }
    found
}

/// The path of the next page in a `Link` header. A link to another host is none: whoever signs in here
/// must not be sent elsewhere.
pub(super) fn next_page(link: &str, base_url: &str) -> Option<String> {
    let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    if !parameters.replace(['"', ' '], "").contains("rel=next") {
        return None;
    }
    let path = target.strip_prefix(base_url).unwrap_or(target);
    path.starts_with("/v2/").then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read() {
        let bearer = "Bearer realm=\"https://auth.example/token\",service=\"r.example\",scope=\"repository:a/b:pull,push\"";
        assert_eq!(
            Challenge::parse(bearer),
            Some(Challenge::Bearer {
                realm: "https://auth.example/token".to_owned(),
                service: Some("r.example".to_owned()),
                scope: Some("repository:a/b:pull,push".to_owned()),
            })
        );
        assert_eq!(Challenge::parse("basic realm=\"Registry\""), Some(Challenge::Basic));
        assert_eq!(Challenge::parse("Basic"), Some(Challenge::Basic));
        for header in ["", "Negotiate", "Bearer", "Bearer service=\"x\""] {
            assert_eq!(Challenge::parse(header), None, "{header}");
        }
    }

    #[test]
    fn the_next_page_is_on_the_same_registry() {
        let base = "https://r.example";
        let link = |target: &str| format!("<{target}>; rel=\"next\"");
        assert_eq!(
            next_page(&link("/v2/a/tags/list?last=b&n=2"), base).as_deref(),
            Some("/v2/a/tags/list?last=b&n=2")
        );
        assert_eq!(next_page(&link("https://r.example/v2/a"), base).as_deref(), Some("/v2/a"));
        assert_eq!(next_page(&link("https://evil.example/v2/a"), base), None);
        assert_eq!(next_page("</v2/a>; rel=\"prev\"", base), None);
        assert_eq!(next_page("nonsense", base), None);
    }
}
