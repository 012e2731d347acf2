//! The facts of the shipped project, for tests: what the binary carries, rendered with some settings.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use crate::analysis::facts::Facts;
use crate::check::gather;
use crate::render::assets::ProjectFiles;
use crate::services::render_stack;
use crate::settings::{FlagOverrides, Sources, resolve};

/// Both Slack channels and a pager.
pub(crate) const ALL_RECEIVERS: [(&str, &str); 3] = [
    ("SLACK_WEBHOOK_URL", "https://hooks.slack.test/a"),
    ("SLACK_WEBHOOK_CRITICAL", "https://hooks.slack.test/b"),
    ("PAGERDUTY_SERVICE_KEY", "0123456789abcdef0123456789abcdef"),
];

pub(crate) fn facts(variables: &[(&str, &str)]) -> Facts {
    let project = ProjectFiles::embedded();
    let environment: BTreeMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let file = &project.config["confidexmon.yml"];
    let sources = Sources {
        settings_file: Some((&file.shown_as, &file.text)),
        dotenv: None,
        environment: &environment,
        flags: &FlagOverrides::default(),
    };
    let (settings, problems) = resolve(&sources);
    let settings = settings.unwrap_or_else(|| panic!("{problems:?}"));
    let rendered = render_stack(&settings, &project).unwrap();
    gather::project(&settings, &project, &rendered)
}
