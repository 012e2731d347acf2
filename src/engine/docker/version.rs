//! Which version of the API is spoken: the newer one that both sides know.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::Platform;

/// A version of the engine's API, for example `1.41`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ApiVersion {
    pub(super) major: u16,
    pub(super) minor: u16,
}

/// The newest version whose answers this program was written for (the models bollard 0.21.1 carries).
pub(super) const NEWEST: ApiVersion = ApiVersion { major: 1, minor: 53 };
/// Docker 20.10. Older engines lack `host-gateway`.
pub(super) const OLDEST: ApiVersion = ApiVersion { major: 1, minor: 41 };

/// What `GET /version` tells, as far as it is needed.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct VersionAnswer {
    pub(super) version: Option<String>,
    pub(super) api_version: Option<String>,
    #[serde(rename = "MinAPIVersion")]
    pub(super) min_api_version: Option<String>,
    components: Option<Vec<Component>>,
    os: Option<String>,
    arch: Option<String>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
struct Component {
    name: Option<String>,
}

impl ApiVersion {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        Some(Self { major: major.parse().ok()?, minor: minor.parse().ok()? })
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl VersionAnswer {
    pub(super) fn engine_version(&self) -> String {
        self.version.clone().unwrap_or_else(|| "unknown".to_owned())
    }

    /// Podman names itself among the components of its answer.
    pub(super) fn is_podman(&self) -> bool {
        let names = self.components.iter().flatten().filter_map(|part| part.name.as_deref());
        names.into_iter().any(|name| name.to_ascii_lowercase().contains("podman"))
    }

    pub(super) fn platform(&self) -> Platform {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        Platform { os: text(&self.os), architecture: text(&self.arch), variant: String::new() }
    }

    /// The version to speak, or one sentence that names both sides' versions.
    pub(super) fn negotiate(&self) -> Result<ApiVersion, String> {
        let said = self.api_version.as_deref().unwrap_or_default();
        let Some(theirs) = ApiVersion::parse(said) else {
            return Err(format!("the engine names its API version `{said}`, which is no version"));
        };
        if theirs < OLDEST {
            let engine = self.engine_version();
            return Err(format!(
                "engine {engine} speaks API {theirs}, and this program needs {OLDEST} or newer"
            ));
        }
        let floor = self.min_api_version.as_deref().and_then(ApiVersion::parse);
        match floor {
            Some(floor) if floor > NEWEST => Err(format!(
                "engine {} refuses API versions below {floor}, and this program speaks up to {NEWEST}",
                self.engine_version()
            )),
            _ => Ok(theirs.min(NEWEST)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn answer(api: &str, min: &str) -> VersionAnswer {
        let json = format!(r#"{{"Version":"9.9.9","ApiVersion":"{api}","MinAPIVersion":"{min}"}}"#);
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn an_old_engine_is_spoken_to_in_its_own_version() {
        assert_eq!(answer("1.41", "1.12").negotiate().unwrap().to_string(), "1.41");
    }

    #[test]
    fn a_newer_engine_is_spoken_to_in_ours() {
        assert_eq!(answer("1.99", "1.44").negotiate().unwrap(), NEWEST);
        assert_eq!(answer("2.0", "1.44").negotiate().unwrap(), NEWEST);
    }

    #[test]
    fn versions_compare_as_numbers() {
        assert!(ApiVersion::parse("1.100") > ApiVersion::parse("1.53"));
        assert!(answer("1.9", "1.1").negotiate().is_err());
    }

    #[test]
    fn an_engine_older_than_we_need_is_refused_with_both_versions() {
        assert_eq!(
            answer("1.40", "1.12").negotiate().unwrap_err(),
            "engine 9.9.9 speaks API 1.40, and this program needs 1.41 or newer"
        );
    }

    #[test]
    fn an_engine_that_dropped_our_version_is_refused_with_both_versions() {
        assert_eq!(
            answer("1.80", "1.60").negotiate().unwrap_err(),
            "engine 9.9.9 refuses API versions below 1.60, and this program speaks up to 1.53"
        );
    }

    #[test]
    fn an_answer_without_a_version_is_refused() {
        assert!(VersionAnswer::default().negotiate().is_err());
        assert!(answer("latest", "").negotiate().is_err());
    }

    #[test]
    fn podman_is_recognised_by_its_component() {
        let json = r#"{"ApiVersion":"1.41","Components":[{"Name":"Podman Engine"},{"Name":null}]}"#;
        let answer: VersionAnswer = serde_json::from_str(json).unwrap();
        assert!(answer.is_podman());
        assert!(!VersionAnswer::default().is_podman());
    }
}
