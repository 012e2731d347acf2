//! Which tags of a repository are newer than the one in use, and which of them an update takes.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::update::version::{ChangeKind, TagVersion, change_kind};

/// The newest tag of each kind that is newer than `current`: patch, minor, major. Only tags that are
/// written alike count, and pre-releases only beside a pre-release.
pub fn newer(current: &str, tags: &[String]) -> BTreeMap<ChangeKind, String> {
    let Some(now) = TagVersion::parse(current).filter(|version| !version.is_moving()) else {
        return BTreeMap::new();
    };
    let mut best: BTreeMap<ChangeKind, TagVersion> = BTreeMap::new();
    let versions = tags.iter().filter_map(|tag| TagVersion::parse(tag)).filter(|one| one.is_alike(&now));
    for version in versions.filter(|one| one.pre_release.is_none() || now.pre_release.is_some()) {
        if version.compare(&now) != Ordering::Greater {
            continue;
        }
        let kind = change_kind(current, &version.to_string());
        match best.get(&kind) {
            Some(known) if known.compare(&version) != Ordering::Less => {}
            _ => {
                best.insert(kind, version);
            }
        }
    }
    best.into_iter().map(|(kind, version)| (kind, version.to_string())).collect()
}

/// How far an update without a version goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The newest of the same major version.
    SameMajor,
    /// The newest there is.
    Newest,
}

/// The tag that an update takes; the current one when nothing newer is known.
pub fn choose(current: &str, tags: &[String], reach: Reach) -> String {
    let mut newer = newer(current, tags);
    let major = newer.remove(&ChangeKind::Major).filter(|_| reach == Reach::Newest);
    let chosen =
        major.or_else(|| newer.remove(&ChangeKind::Minor)).or_else(|| newer.remove(&ChangeKind::Patch));
    chosen.unwrap_or_else(|| current.to_owned())
}

/// The tag that `--to` means: as written when the registry has it, else in the style of the current
/// tag (`3.14.0` for `v3.14.0`). Without a list of tags the style decides, unless the version comes with
/// its own prefix or variant.
pub fn named(current: &str, wanted: &str, tags: Option<&[String]>) -> Option<String> {
    let styled = match (TagVersion::parse(current), TagVersion::parse(wanted)) {
        (Some(now), Some(version)) if version.variant.is_none() && !version.has_v => now.styled(&version),
        _ => wanted.to_owned(),
    };
    match tags {
        None => Some(styled),
        Some(tags) if tags.contains(&styled) => Some(styled),
        Some(tags) => tags.iter().find(|tag| *tag == wanted).cloned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(list: &[&str]) -> Vec<String> {
        list.iter().map(|tag| (*tag).to_owned()).collect()
    }

    #[test]
    fn the_newest_of_each_kind_is_found_among_tags_written_alike() {
        let all = tags(&[
            "latest",
            "v3",
            "v3.13",
            "v3.13.2",
            "v3.13.3",
            "v3.13.9",
            "v3.13.10",
            "v3.14.0",
            "v3.15.1",
            "v3.16.0-rc.1",
            "v3.15.2-distroless",
            "3.99.0",
            "v4.0.0",
            "v2.99.0",
        ]);
        let found = newer("v3.13.3", &all);
        let wanted = [
            (ChangeKind::Patch, "v3.13.10".to_owned()),
            (ChangeKind::Minor, "v3.15.1".to_owned()),
            (ChangeKind::Major, "v4.0.0".to_owned()),
        ];
        assert_eq!(found, BTreeMap::from(wanted));
        assert_eq!(choose("v3.13.3", &all, Reach::SameMajor), "v3.15.1");
        assert_eq!(choose("v3.13.3", &all, Reach::Newest), "v4.0.0");
        assert_eq!(choose("v4.0.0", &all, Reach::Newest), "v4.0.0");
    }

    #[test]
    fn a_tag_that_moves_or_is_no_version_stays() {
        let all = tags(&["latest", "v3", "v4", "v3.13.3"]);
        for tag in ["latest", "v3", "nightly"] {
            assert_eq!(choose(tag, &all, Reach::Newest), tag);
        }
    }

    #[test]
    fn a_named_version_is_found_in_the_style_of_the_current_tag() {
        let all = tags(&["v3.14.0", "v3.14.0-distroless", "3.0.0"]);
        let named = |wanted| named("v3.13.3", wanted, Some(&all));
        assert_eq!(named("3.14.0").as_deref(), Some("v3.14.0"));
        assert_eq!(named("v3.14.0").as_deref(), Some("v3.14.0"));
        assert_eq!(named("v3.14.0-distroless").as_deref(), Some("v3.14.0-distroless"));
        assert_eq!(named("3.0.0").as_deref(), Some("3.0.0"));
        assert_eq!(named("3.15.0"), None);
        assert_eq!(super::named("v3.13.3", "3.15.0", None).as_deref(), Some("v3.15.0"));
        assert_eq!(super::named("latest", "edge", None).as_deref(), Some("edge"));
    }
}
