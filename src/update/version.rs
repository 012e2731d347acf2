//! A tag read as a version, with the image's variant: `v3.13.3`, `13.2.0-slim`, `8.10.2-alpine3.22`.

use std::cmp::Ordering;
use std::fmt;

use serde::Serialize;

/// A tag that names a version. `latest`, `main` and the like name none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagVersion {
    /// True for `v3.13.3`.
    pub has_v: bool,
    /// One to four numbers. Fewer than three are a tag that moves on purpose, such as `13.2`.
    pub numbers: Vec<u64>,
    /// The number after `-security-`, by which Grafana counts fixes of one version; 0 for none.
    pub security_fix: u64,
    /// `rc.1`, `beta2`, or a build number: not meant for production.
    pub pre_release: Option<String>,
    /// What the image is built on or without: `slim`, `distroless`, `alpine3.22`.
    pub variant: Option<String>,
}

/// What an update from one tag to another is, for the person who decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// The tag is the same and means another image now.
    SameTag,
    Patch,
    Minor,
    Major,
    Downgrade,
    /// At least one of the tags is no version.
    Other,
}

impl ChangeKind {
    /// The word for the kind of step.
    pub const fn text(self) -> &'static str {
        match self {
            Self::SameTag => "same tag, new digest",
            Self::Patch => "patch",
            Self::Minor => "minor",
            Self::Major => "major",
            Self::Downgrade => "downgrade",
            Self::Other => "other tag",
        }
    }
}

impl TagVersion {
    /// `None` when the tag names no version.
    pub fn parse(tag: &str) -> Option<Self> {
        let (has_v, rest) = match tag.strip_prefix('v') {
            Some(rest) => (true, rest),
            None => (false, tag),
        };
        let (numbers, suffix) = match rest.split_once('-') {
            Some((numbers, suffix)) => (numbers, suffix),
            None => (rest, ""),
        };
        let numbers: Vec<u64> = numbers.split('.').map(number).collect::<Option<_>>()?;
        if numbers.len() > 4 {
            return None;
        }
        let mut version = Self { has_v, numbers, security_fix: 0, pre_release: None, variant: None };
        version.read_suffix(suffix)?;
        Some(version)
    }

    fn read_suffix(&mut self, suffix: &str) -> Option<()> {
        let mut words = suffix.split('-').filter(|word| !word.is_empty()).peekable();
        let mut variant: Vec<&str> = Vec::new();
        while let Some(word) = words.next() {
            if word == "security" {
                self.security_fix = number(words.next()?)?;
            } else if is_pre_release(word) {
                self.pre_release = Some(word.to_owned());
            } else {
                variant.push(word);
            }
        }
        self.variant = (!variant.is_empty()).then(|| variant.join("-"));
        Some(())
    }

    /// True for a tag that is meant to move: `3`, `v3.13`.
    pub fn is_moving(&self) -> bool {
        self.numbers.len() < 3
    }

    /// The first number.
    pub fn major(&self) -> u64 {
        self.numbers.first().copied().unwrap_or_default()
    }

    /// The second number; 0 where there is none.
    pub fn minor(&self) -> u64 {
        self.numbers.get(1).copied().unwrap_or_default()
    }

    /// True when both are written alike (prefix, count of numbers, variant), so that a step from one to
    /// the other is an update and nothing else.
    pub fn is_alike(&self, other: &Self) -> bool {
        self.has_v == other.has_v
            && self.numbers.len() == other.numbers.len()
            && self.variant == other.variant
    }

    /// By version alone; a pre-release comes before its release.
    pub fn compare(&self, other: &Self) -> Ordering {
        let rank = |version: &Self| version.pre_release.is_none();
        self.numbers
            .cmp(&other.numbers)
            .then_with(|| rank(self).cmp(&rank(other)))
            .then_with(|| compare_words(self.pre_release.as_deref(), other.pre_release.as_deref()))
            .then_with(|| self.security_fix.cmp(&other.security_fix))
    }

    /// The tag in the same style for another version: `3.14.0` beside `v3.13.3` is `v3.14.0`.
    pub fn styled(&self, other: &Self) -> String {
        Self { has_v: self.has_v, variant: self.variant.clone(), ..other.clone() }.to_string()
    }
}

impl fmt::Display for TagVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.numbers.iter().map(u64::to_string).collect();
        write!(f, "{}{}", if self.has_v { "v" } else { "" }, numbers.join("."))?;
        if let Some(pre_release) = &self.pre_release {
            write!(f, "-{pre_release}")?;
        }
        if self.security_fix > 0 {
            write!(f, "-security-{:02}", self.security_fix)?;
        }
        match &self.variant {
            Some(variant) => write!(f, "-{variant}"),
            None => Ok(()),
        }
    }
}

/// What it is to go from one tag to the other.
pub fn change_kind(from: &str, to: &str) -> ChangeKind {
    if from == to {
        return ChangeKind::SameTag;
    }
    let (Some(from), Some(to)) = (TagVersion::parse(from), TagVersion::parse(to)) else {
        return ChangeKind::Other;
    };
    match to.compare(&from) {
        Ordering::Less => ChangeKind::Downgrade,
        Ordering::Equal => ChangeKind::Other,
        Ordering::Greater if to.major() != from.major() => ChangeKind::Major,
        Ordering::Greater if to.minor() != from.minor() => ChangeKind::Minor,
        Ordering::Greater => ChangeKind::Patch,
    }
}

fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// Numbers alone are builds of one version, as Grafana's nightly ones.
fn is_pre_release(word: &str) -> bool {
    let kinds = ["rc", "alpha", "beta", "pre", "preview", "dev", "nightly", "m"];
    let letters: String = word.chars().take_while(char::is_ascii_alphabetic).collect();
    let rest = &word[letters.len()..];
    let numbered = rest.chars().all(|c| c.is_ascii_digit() || c == '.');
    numbered && (letters.is_empty() || kinds.contains(&letters.to_ascii_lowercase().as_str()))
}

/// `rc.2` before `rc.10`: by kind, then by the numbers.
fn compare_words(a: Option<&str>, b: Option<&str>) -> Ordering {
    let key = |word: Option<&str>| {
        let word = word.unwrap_or_default();
        let letters: String = word.chars().take_while(char::is_ascii_alphabetic).collect();
        let rest = word[letters.len()..].trim_start_matches('.');
        let numbers: Vec<u64> = rest.split('.').filter_map(number).collect();
        (letters, numbers)
    };
    key(a).cmp(&key(b))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn tags_are_read_as_versions() {
        let parts = |tag: &str| {
            let version = TagVersion::parse(tag)?;
            Some((version.numbers, version.pre_release, version.variant, version.security_fix))
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(parts("v3.13.3"), Some((vec![3, 13, 3], None, None, 0)));
        assert_eq!(parts("13.2.0-slim"), Some((vec![13, 2, 0], None, some("slim"), 0)));
        assert_eq!(parts("8.10.2-alpine3.22"), Some((vec![8, 10, 2], None, some("alpine3.22"), 0)));
        assert_eq!(
            parts("v3.14.0-rc.1-distroless"),
            Some((vec![3, 14, 0], some("rc.1"), some("distroless"), 0))
        );
        assert_eq!(parts("12.0.1-security-01"), Some((vec![12, 0, 1], None, None, 1)));
        assert_eq!(parts("13.2.0-26483947"), Some((vec![13, 2, 0], some("26483947"), None, 0)));
        for tag in ["latest", "main", "", "v", "1.2.3.4.5", "sha-abc", "3.x", "99999999999999999999"] {
            assert_eq!(TagVersion::parse(tag), None, "{tag}");
        }
        assert!(TagVersion::parse("v3").unwrap().is_moving());
        assert!(TagVersion::parse("13.2").unwrap().is_moving());
    }

    #[test]
    fn a_version_is_written_as_it_was_read() {
        for tag in
            ["v3.13.3", "13.2.0-slim", "8.10.2-alpine3.22", "v3.14.0-rc.1-distroless", "12.0.1-security-01"]
        {
            assert_eq!(TagVersion::parse(tag).unwrap().to_string(), tag);
        }
        let current = TagVersion::parse("v3.13.3-distroless").unwrap();
        assert_eq!(current.styled(&TagVersion::parse("3.14.0").unwrap()), "v3.14.0-distroless");
    }

    #[test]
    fn order_is_by_number_and_pre_releases_come_first() {
        let order = [
            "3.9.9",
            "3.10.0-beta1",
            "3.10.0-rc.2",
            "3.10.0-rc.10",
            "3.10.0",
            "3.10.0-security-01",
            "3.10.1",
            "4.0.0",
        ];
        for pair in order.windows(2) {
            let (a, b) = (TagVersion::parse(pair[0]).unwrap(), TagVersion::parse(pair[1]).unwrap());
            assert_eq!(a.compare(&b), Ordering::Less, "{pair:?}");
            assert_eq!(b.compare(&a), Ordering::Greater, "{pair:?}");
        }
    }

    #[test]
    fn changes_have_their_kind() {
        for (from, to, kind) in [
            ("v3.13.3", "v3.13.3", ChangeKind::SameTag),
            ("v3.13.3", "v3.13.4", ChangeKind::Patch),
            ("12.0.1", "12.0.1-security-01", ChangeKind::Patch),
            ("v3.13.3", "v3.14.0", ChangeKind::Minor),
            ("v2.55.1", "v3.0.0", ChangeKind::Major),
            ("v3.13.3", "v3.9.0", ChangeKind::Downgrade),
            ("latest", "v3.9.0", ChangeKind::Other),
            ("13.2.0", "13.2.0-slim", ChangeKind::Other),
        ] {
            assert_eq!(change_kind(from, to), kind, "{from} → {to}");
        }
    }
}
