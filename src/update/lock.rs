//! `images.lock`: which image each service runs, exactly. Kept in the project folder, so that everybody
//! who runs the stack runs the same.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{ImageRef, LocalImage, ServiceKind};

/// What stands above the lock's content.
const HEADER: &str = "# Which images this stack runs, exactly. Written by `confidexmon up`, moved by `confidexmon update`;\n\
                      # keep it in version control. A changed `images:` in the settings wins over its line here.\n";

/// The images of a stack, and those from before the last update.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImagesLock {
    /// 1; a file with another number is from a newer version of this program.
    #[serde(default = "format_version")]
    version: u32,
    #[serde(default)]
    pub images: BTreeMap<ServiceKind, LockedImage>,
    /// What `rollback` goes back to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub previous: BTreeMap<ServiceKind, LockedImage>,
}

const fn format_version() -> u32 {
    1
}

/// One image, exactly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockedImage {
    /// With its tag: what is run.
    pub image: String,
    /// What the settings named when this line was written. Other settings make the line void.
    pub settings: String,
    /// Of the index (or of the only manifest): the same on every platform. Absent for an image that came
    /// from no registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Of the manifest for `platform`, as far as the registry was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_digest: Option<String>,
    /// `linux/amd64`.
    pub platform: String,
    /// The engine's id of the image, by which an image without a digest is known again.
    pub image_id: String,
    /// RFC 3339.
    pub locked_at: String,
}

impl LockedImage {
    /// The line for an image as it lies on the engine.
    pub fn of(image: &ImageRef, settings: &ImageRef, local: &LocalImage, locked_at: String) -> Self {
        Self {
            image: image.to_string(),
            settings: settings.to_string(),
            digest: local.digest_in(image).map(str::to_owned),
            platform_digest: None,
            platform: local.platform.to_string(),
            image_id: local.id.clone(),
            locked_at,
        }
    }

    /// The image as it was named; `None` for a line that names none.
    pub fn reference(&self) -> Option<ImageRef> {
        ImageRef::new(&self.image)
    }

    /// True when the image on the engine is the locked one. The digest decides where both have one; an
    /// image that was loaded from an archive has none, but the same id.
    pub fn is(&self, local: &LocalImage) -> bool {
        if local.id == self.image_id {
            return true;
        }
        let Some(reference) = self.reference() else { return false };
        self.digest.as_deref().is_some_and(|digest| local.has_digest(&reference, digest))
    }

    /// The digest, or the id for an image without one, short enough for a sentence.
    pub fn short(&self) -> String {
        short(self.digest.as_deref().unwrap_or(&self.image_id))
    }
}

/// `sha256:0123456789ab`.
pub fn short(digest: &str) -> String {
    digest.chars().take("sha256:".len() + 12).collect()
}

impl ImagesLock {
    /// The lock in a file's text; the reason when it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let lock: Self = serde_yaml::from_str(text).map_err(|error| error.to_string())?;
        if lock.version != format_version() {
            return Err(format!("it has format {}, which is newer than this program", lock.version));
        }
        let mut all = lock.images.iter().chain(&lock.previous);
        match all.find(|(_, locked)| locked.reference().is_none()) {
            Some((service, locked)) => Err(format!("`{}` of {service} is no image", locked.image)),
            None => Ok(lock),
        }
    }

    /// The file as it is written.
    pub fn to_text(&self) -> String {
        let lock = Self { version: format_version(), ..self.clone() };
        format!("{HEADER}{}", serde_yaml::to_string(&lock).unwrap_or_default())
    }

    /// The line of a service, when it was made for what the settings say today.
    pub fn line(&self, service: ServiceKind, settings: &ImageRef) -> Option<&LockedImage> {
        self.images.get(&service).filter(|locked| locked.settings == settings.as_str())
    }

    /// The image that a service runs: the locked one, else what the settings say.
    pub fn image(&self, service: ServiceKind, settings: &ImageRef) -> ImageRef {
        let locked = self.line(service, settings).and_then(LockedImage::reference);
        locked.unwrap_or_else(|| settings.clone())
    }

    /// Moves a service to another image; the present line becomes the previous one.
    pub fn advance(&mut self, service: ServiceKind, locked: LockedImage) {
        if let Some(before) = self.images.insert(service, locked) {
            self.previous.insert(service, before);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::Platform;

    fn image(text: &str) -> ImageRef {
        ImageRef::new(text).unwrap()
    }

    fn local(id: &str, digests: &[&str]) -> LocalImage {
        let platform = Platform::parse("linux/amd64").unwrap();
        let repo_digests = digests.iter().map(|digest| (*digest).to_owned()).collect();
        LocalImage { id: id.to_owned(), repo_digests, platform, ..LocalImage::default() }
    }

    fn locked() -> LockedImage {
        let found = local("sha256:id1", &["redis@sha256:other", "prom/prometheus@sha256:index1"]);
        let reference = image("docker.io/prom/prometheus:v3.13.3");
        LockedImage::of(&reference, &reference, &found, "2026-11-27T12:00:00Z".to_owned())
    }

    #[test]
    fn a_lock_survives_its_file() {
        let mut lock = ImagesLock::default();
        lock.advance(ServiceKind::Prometheus, locked());
        assert!(lock.previous.is_empty());
        lock.advance(ServiceKind::Prometheus, LockedImage { image_id: "sha256:id2".to_owned(), ..locked() });
        let text = lock.to_text();
        assert!(text.starts_with("# Which images"), "{text}");
        let read = ImagesLock::parse(&text).unwrap();
        assert_eq!((&read.images, &read.previous), (&lock.images, &lock.previous));
        assert_eq!(read.previous[&ServiceKind::Prometheus], locked());
    }

    #[test]
    fn a_file_that_is_no_lock_is_refused_with_the_reason() {
        assert!(ImagesLock::parse("version: 2\nimages: {}\n").unwrap_err().contains("newer"));
        assert!(ImagesLock::parse("images: [").is_err());
        let bad = locked();
        let mut lock = ImagesLock::default();
        lock.images.insert(ServiceKind::Redis, LockedImage { image: "--privileged".to_owned(), ..bad });
        assert!(ImagesLock::parse(&lock.to_text()).unwrap_err().contains("is no image"));
    }

    #[test]
    fn the_digest_is_that_of_the_own_repository() {
        assert_eq!(locked().digest.as_deref(), Some("sha256:index1"));
    }

    #[test]
    fn an_image_is_known_again_by_digest_or_by_id() {
        assert!(locked().is(&local("sha256:id9", &["docker.io/prom/prometheus@sha256:index1"])));
        assert!(locked().is(&local("sha256:id1", &[])), "loaded from an archive");
        assert!(!locked().is(&local("sha256:id9", &[])));
        assert!(!locked().is(&local("sha256:id9", &["redis@sha256:index1"])), "another repository");
    }

    #[test]
    fn changed_settings_win_over_the_lock() {
        let mut lock = ImagesLock::default();
        let settings = image("docker.io/prom/prometheus:v3.13.3");
        lock.advance(
            ServiceKind::Prometheus,
            LockedImage { image: "docker.io/prom/prometheus:v3.14.0".to_owned(), ..locked() },
        );
        assert_eq!(lock.image(ServiceKind::Prometheus, &settings).tag(), Some("v3.14.0"));
        let edited = image("docker.io/prom/prometheus:v3.12.0");
        assert_eq!(lock.image(ServiceKind::Prometheus, &edited), edited);
        assert_eq!(lock.image(ServiceKind::Redis, &edited), edited);
    }
}
