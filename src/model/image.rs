//! A reference to a container image.

use std::fmt;

/// `[registry/]name[:tag][@digest]`, kept as written; never empty, never with white space.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImageRef(String);

impl ImageRef {
    /// `None` when `reference` is empty, starts with `-`, or holds characters no reference has.
    pub fn new(reference: &str) -> Option<Self> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
        let ok = !reference.is_empty()
            && reference.len() <= 512
            && reference.chars().all(allowed)
            && reference.starts_with(|c: char| c.is_ascii_alphanumeric());
        ok.then(|| Self(reference.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The tag, when there is one and no digest hides it: `v3.13.3` of `prom/prometheus:v3.13.3`.
    pub fn tag(&self) -> Option<&str> {
        let without_digest = self.0.split('@').next().unwrap_or(&self.0);
        let last = without_digest.rsplit('/').next().unwrap_or(without_digest);
        last.split_once(':').map(|(_, tag)| tag)
    }

    /// The name a pull needs: an explicit tag or digest, `latest` otherwise.
    pub fn with_default_tag(&self) -> String {
        if self.0.contains('@') || self.tag().is_some() {
            self.0.clone()
        } else {
            format!("{}:latest", self.0)
        }
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
