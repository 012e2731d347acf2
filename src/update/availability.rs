//! What the registry has beside the image that a service runs, and which of it an update takes.

use std::collections::BTreeMap;

use crate::model::{ImageRef, ServiceKind};
use crate::update::candidates::{self, Reach};
use crate::update::version::{ChangeKind, change_kind};

/// One service's image and the news about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Availability {
    pub service: ServiceKind,
    pub image: ImageRef,
    pub news: News,
}

/// What a registry has that the stack does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The registry has answered.
    Known {
        tags: Vec<String>,
        /// What the present tag means there; `None` when it has no such tag.
        digest: Option<String>,
        /// True when that is another image than the one in use.
        moved: bool,
    },
    /// It has not, for this reason. Nothing follows from that.
    Unknown(String),
}

impl Availability {
    /// The tag in use.
    pub fn tag(&self) -> &str {
        self.image.tag().unwrap_or("latest")
    }

    /// The newest of each kind of change; empty when nothing is newer, or when nothing is known.
    pub fn newer(&self) -> BTreeMap<ChangeKind, String> {
        let News::Known { tags, moved, .. } = &self.news else { return BTreeMap::new() };
        let mut newer = candidates::newer(self.tag(), tags);
        if *moved {
            newer.insert(ChangeKind::SameTag, self.tag().to_owned());
        }
        newer
    }

    /// The tag that an update takes. An unknown version is an error with the versions that there are.
    pub fn target(&self, to: Option<&str>, reach: Reach) -> Result<String, String> {
        let tags = match &self.news {
            News::Known { tags, .. } => Some(tags.as_slice()),
            News::Unknown(_) => None,
        };
        match (to, tags) {
            (None, Some(tags)) => Ok(candidates::choose(self.tag(), tags, reach)),
            (None, None) => Ok(self.tag().to_owned()),
            (Some(wanted), tags) => candidates::named(self.tag(), wanted, tags).ok_or_else(|| {
                let newer: Vec<String> = self.newer().into_values().collect();
                let newest = if newer.is_empty() { "none newer".to_owned() } else { newer.join(", ") };
                format!(
                    "the registry has no tag `{wanted}` of {} (newest: {newest})",
                    self.image.repository()
                )
            }),
        }
    }

    /// `3.13.3 → 3.14.0 (minor)`.
    pub fn step(&self, target: &str) -> String {
        let kind = change_kind(self.tag(), target);
        if kind == ChangeKind::SameTag {
            return format!("{target} ({})", kind.text());
        }
        format!("{} → {target} ({})", self.tag(), kind.text())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn of(news: News) -> Availability {
        let image = ImageRef::new("docker.io/prom/prometheus:v3.13.3").unwrap();
        Availability { service: ServiceKind::Prometheus, image, news }
    }

    #[test]
    fn a_registry_that_does_not_answer_says_nothing() {
        let unknown = of(News::Unknown("no answer".to_owned()));
        assert!(unknown.newer().is_empty());
        assert_eq!(unknown.target(None, Reach::Newest).unwrap(), "v3.13.3");
        assert_eq!(unknown.target(Some("3.14.0"), Reach::Newest).unwrap(), "v3.14.0");
    }

    #[test]
    fn what_is_newer_is_told_by_kind_and_an_unknown_version_is_refused() {
        let tags = ["v3.13.3", "v3.14.0", "v4.0.0"].map(str::to_owned).to_vec();
        let known = of(News::Known { tags, digest: None, moved: true });
        let kinds: Vec<ChangeKind> = known.newer().into_keys().collect();
        assert_eq!(kinds, [ChangeKind::SameTag, ChangeKind::Minor, ChangeKind::Major]);
        assert_eq!(known.target(None, Reach::SameMajor).unwrap(), "v3.14.0");
        assert_eq!(known.target(None, Reach::Newest).unwrap(), "v4.0.0");
        assert!(known.target(Some("3.99.0"), Reach::Newest).unwrap_err().contains("v4.0.0"));
        assert_eq!(known.step("v3.14.0"), "v3.13.3 → v3.14.0 (minor)");
        assert_eq!(known.step("v3.13.3"), "v3.13.3 (same tag, new digest)");
    }
}
