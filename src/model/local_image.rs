//! An image as it lies on the engine.

use std::fmt;

use crate::model::ImageRef;

/// What the engine knows of one image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalImage {
    /// `sha256:…`, the engine's own id.
    pub id: String,
    /// `repository@sha256:…`, one for each repository that it was pulled from or pushed to.
    pub repo_digests: Vec<String>,
    pub platform: Platform,
    /// Bytes of all its layers, unpacked.
    pub size: u64,
}

/// Operating system and processor an image is made for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Platform {
    pub os: String,
    pub architecture: String,
    /// `v7` of `linux/arm/v7`; empty for most.
    pub variant: String,
}

impl Platform {
    /// `os/architecture[/variant]`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('/').map(str::to_owned);
        let (os, architecture) = (parts.next()?, parts.next()?);
        Some(Self { os, architecture, variant: parts.next().unwrap_or_default() })
    }

    /// True when an image for `self` runs on a machine of `machine`'s kind. Engines speak of an amd64
    /// machine as `x86_64`, of an arm64 one as `aarch64`; an image without a word is taken as fitting.
    pub fn runs_on(&self, machine: &Self) -> bool {
        let same = |a: &str, b: &str| a.is_empty() || b.is_empty() || normal(a) == normal(b);
        same(&self.os, &machine.os) && same(&self.architecture, &machine.architecture)
    }
}

fn normal(architecture: &str) -> &str {
    match architecture {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "armv7l" | "armv6l" | "armhf" => "arm",
        "i386" | "i686" => "386",
        other => other,
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, normal(&self.architecture))?;
        if self.variant.is_empty() { Ok(()) } else { write!(f, "/{}", self.variant) }
    }
}

impl LocalImage {
    /// The digest under which the image is known in the reference's repository.
    pub fn digest_in(&self, reference: &ImageRef) -> Option<&str> {
        self.digests_in(reference).next()
    }

    /// True when the engine knows the image by this digest of the repository.
    pub fn has_digest(&self, reference: &ImageRef, digest: &str) -> bool {
        self.digests_in(reference).any(|known| known == digest)
    }

    /// An image may have digests of several repositories; those of others say nothing about this one.
    fn digests_in<'a>(&'a self, reference: &ImageRef) -> impl Iterator<Item = &'a str> + use<'a> {
        let (host, name) = reference.registry();
        let wanted = (host.to_owned(), name);
        self.repo_digests.iter().filter_map(move |known| {
            let (repository, digest) = known.split_once('@')?;
            let repository = ImageRef::new(repository)?;
            let (host, name) = repository.registry();
            (host == wanted.0 && name == wanted.1).then_some(digest)
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn engines_and_registries_name_platforms_differently() {
        let platform = |text| Platform::parse(text).unwrap();
        assert!(platform("linux/amd64").runs_on(&platform("linux/x86_64")));
        assert!(platform("linux/arm64/v8").runs_on(&platform("linux/aarch64")));
        assert!(!platform("linux/arm64").runs_on(&platform("linux/x86_64")));
        assert!(!platform("windows/amd64").runs_on(&platform("linux/amd64")));
        assert_eq!(platform("linux/aarch64/v8").to_string(), "linux/arm64/v8");
    }
}
