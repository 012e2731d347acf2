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

    /// The whole reference, as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The tag, when there is one and no digest hides it: `v3.13.3` of `prom/prometheus:v3.13.3`.
    pub fn tag(&self) -> Option<&str> {
        let without_digest = self.0.split('@').next().unwrap_or(&self.0);
        let last = without_digest.rsplit('/').next().unwrap_or(without_digest);
        last.split_once(':').map(|(_, tag)| tag)
    }

    /// The reference without its tag and digest: `docker.io/prom/prometheus`.
    pub fn repository(&self) -> &str {
        let without_digest = self.0.split('@').next().unwrap_or(&self.0);
        match self.tag() {
            Some(tag) => &without_digest[..without_digest.len() - tag.len() - 1],
            None => without_digest,
        }
    }

    /// The digest that the reference itself names: `sha256:…`.
    pub fn digest(&self) -> Option<&str> {
        self.0.split_once('@').map(|(_, digest)| digest)
    }

    /// The same repository with another tag; `None` when no reference has such a tag.
    pub fn with_tag(&self, tag: &str) -> Option<Self> {
        let plain = tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        let ok = plain && !tag.is_empty() && tag.len() <= 128 && !tag.starts_with(['.', '-']);
        ok.then(|| Self::new(&format!("{}:{tag}", self.repository()))).flatten()
    }

    /// The same repository at a digest, as a pull of exactly this content needs it.
    pub fn with_digest(&self, digest: &str) -> Option<Self> {
        Self::new(&format!("{}@{digest}", self.repository()))
    }

    /// Host of the registry and the repository's name there. Without a host in the reference it is
    /// Docker Hub, and a name of one word is one of its official images.
    pub fn registry(&self) -> (&str, String) {
        const HUB: &str = "docker.io";
        let repository = self.repository();
        let (host, name) = match repository.split_once('/') {
            Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (first, rest),
            _ => (HUB, repository),
        };
        if matches!(host, HUB | "index.docker.io") {
            let name = if name.contains('/') { name.to_owned() } else { format!("library/{name}") };
            return (HUB, name);
        }
        (host, name.to_owned())
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn image(text: &str) -> ImageRef {
        ImageRef::new(text).unwrap()
    }

    #[test]
    fn a_reference_has_its_parts() {
        for (text, repository, tag, digest) in [
            ("prom/prometheus:v3.13.3", "prom/prometheus", Some("v3.13.3"), None),
            ("127.0.0.1:5000/a/b", "127.0.0.1:5000/a/b", None, None),
            ("127.0.0.1:5000/a/b:1", "127.0.0.1:5000/a/b", Some("1"), None),
            ("redis@sha256:ab", "redis", None, Some("sha256:ab")),
            ("redis:8@sha256:ab", "redis", Some("8"), Some("sha256:ab")),
        ] {
            let image = image(text);
            assert_eq!(
                (image.repository(), image.tag(), image.digest()),
                (repository, tag, digest),
                "{text}"
            );
        }
        assert_eq!(image("redis:8@sha256:ab").with_tag("9").unwrap().as_str(), "redis:9");
        assert_eq!(image("redis:8").with_digest("sha256:ab").unwrap().as_str(), "redis@sha256:ab");
        for tag in ["", "-x", ".x", "a/b", "a b", "a@b"] {
            assert_eq!(image("redis:8").with_tag(tag), None, "{tag}");
        }
    }

    #[test]
    fn the_registry_of_a_short_name_is_docker_hub() {
        for (text, host, name) in [
            ("redis:8", "docker.io", "library/redis"),
            ("docker.io/library/redis", "docker.io", "library/redis"),
            ("prom/prometheus", "docker.io", "prom/prometheus"),
            ("index.docker.io/prom/prometheus", "docker.io", "prom/prometheus"),
            ("localhost/a", "localhost", "a"),
            ("127.0.0.1:5000/a/b:1", "127.0.0.1:5000", "a/b"),
            ("ghcr.example/a", "ghcr.example", "a"),
        ] {
            assert_eq!(image(text).registry(), (host, name.to_owned()), "{text}");
        }
    }
}
