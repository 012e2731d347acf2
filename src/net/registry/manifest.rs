//! What a tag means: one manifest, or an index of manifests for several platforms.

use serde_json::Value;

use crate::model::Platform;

/// Every kind of manifest an engine can run, as an `Accept` header.
pub(super) const ACCEPTED: &str = "application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, \
     application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";

/// What the registry says of a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteImage {
    /// Of the index, or of the only manifest.
    pub digest: String,
    /// Platform and digest of each manifest in the index; empty when the tag is one manifest.
    pub manifests: Vec<(Platform, String)>,
}

impl RemoteImage {
    /// Reads the answer of a registry to the question for a tag.
    pub fn parse(digest: String, body: &Value) -> Self {
        let entries = body["manifests"].as_array().into_iter().flatten();
        let manifests = entries.filter_map(|entry| {
            let text = |key: &str| entry["platform"][key].as_str().unwrap_or_default().to_owned();
            let platform =
                Platform { os: text("os"), architecture: text("architecture"), variant: text("variant") };
            // Attestations stand in an index under this name; no engine runs them.
            let is_image = platform.os != "unknown" && !platform.os.is_empty();
            is_image.then(|| Some((platform, entry["digest"].as_str()?.to_owned()))).flatten()
        });
        Self { manifests: manifests.collect(), digest }
    }

    /// The digest of the manifest that a machine would get; `None` when there is none for it.
    pub fn for_platform(&self, machine: &Platform) -> Option<&str> {
        if self.manifests.is_empty() {
            return Some(&self.digest);
        }
        let fits = |(platform, _): &&(Platform, String)| platform.runs_on(machine);
        let exact =
            self.manifests.iter().filter(fits).find(|(platform, _)| platform.variant == machine.variant);
        exact.or_else(|| self.manifests.iter().find(fits)).map(|(_, digest)| digest.as_str())
    }

    /// `linux/amd64, linux/arm64`.
    pub fn platforms(&self) -> String {
        self.manifests.iter().map(|(platform, _)| platform.to_string()).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_manifest_of_a_platform_is_found_in_an_index() {
        let entry = |os: &str, architecture: &str, variant: &str, digest: &str| {
            serde_json::json!({
                "digest": digest,
                "platform": {"os": os, "architecture": architecture, "variant": variant},
            })
        };
        let index = serde_json::json!({"manifests": [
            entry("linux", "amd64", "", "a"),
            entry("linux", "arm", "v6", "b"),
            entry("linux", "arm", "v7", "c"),
            entry("unknown", "unknown", "", "attestation"),
        ]});
        let image = RemoteImage::parse("index".to_owned(), &index);
        let of = |text: &str| image.for_platform(&Platform::parse(text).unwrap());
        assert_eq!(of("linux/x86_64"), Some("a"));
        assert_eq!(of("linux/arm/v7"), Some("c"));
        assert_eq!(of("linux/armv7l"), Some("b"));
        assert_eq!(of("linux/s390x"), None);
        assert_eq!(image.platforms(), "linux/amd64, linux/arm/v6, linux/arm/v7");
        let single = RemoteImage::parse("one".to_owned(), &serde_json::json!({"config": {}}));
        assert_eq!(single.for_platform(&Platform::parse("linux/s390x").unwrap()), Some("one"));
    }
}
