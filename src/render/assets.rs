//! The project's files: what the user wrote, else the defaults that the binary carries.

use std::collections::BTreeMap;

use rust_embed::RustEmbed;

/// What stands in the place of a folder in the names of the files that the binary carries.
pub const EMBEDDED: &str = "<embedded>";

#[derive(RustEmbed)]
#[folder = "config/"]
struct EmbeddedConfig;

#[derive(RustEmbed)]
#[folder = "rules/"]
struct EmbeddedRules;

#[derive(RustEmbed)]
#[folder = "dashboards/"]
struct EmbeddedDashboards;

/// Where a file comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The binary carries it.
    Embedded,
    /// Somebody has written it.
    User,
}

/// A text file and the name under which messages show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectFile {
    /// Path from the working directory (`rules/confidex.yml`), or `<embedded>/rules/confidex.yml`.
    pub shown_as: String,
    pub text: String,
    pub origin: Origin,
}

impl ProjectFile {
    /// A file that somebody has written.
    pub fn user(shown_as: impl Into<String>, text: impl Into<String>) -> Self {
        Self { shown_as: shown_as.into(), text: text.into(), origin: Origin::User }
    }
}

/// All files of a project, keyed by their path relative to the folder they live in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectFiles {
    /// `confidexmon.yml`, `templates/…`, `notifications/…`, `backend.prom`.
    pub config: BTreeMap<String, ProjectFile>,
    /// `confidex.yml`, `tests/…`, `runbooks/…`.
    pub rules: BTreeMap<String, ProjectFile>,
    /// `confidex-overview.json`, …
    pub dashboards: BTreeMap<String, ProjectFile>,
}

impl ProjectFiles {
    /// The defaults in the binary, alone.
    pub fn embedded() -> Self {
        Self {
            config: collect::<EmbeddedConfig>("config"),
            rules: collect::<EmbeddedRules>("rules"),
            dashboards: collect::<EmbeddedDashboards>("dashboards"),
        }
    }

    /// The user's files over the defaults: a file in `config/` replaces its embedded twin, a
    /// `rules/` or `dashboards/` folder (`Some`, even when empty) replaces the embedded one as a whole.
    #[must_use]
    pub fn overlaid_with(mut self, user: UserFiles) -> Self {
        self.config.extend(user.config);
        if let Some(rules) = user.rules {
            self.rules = rules;
        }
        if let Some(dashboards) = user.dashboards {
            self.dashboards = dashboards;
        }
        self
    }

    /// True for a file that is as the binary carries it, whether it was written out or not.
    pub fn is_built_in(file: &ProjectFile, path: &str) -> bool {
        let embedded = || {
            let data = match path.split_once('/')? {
                ("config", name) => EmbeddedConfig::get(name),
                ("rules", name) => EmbeddedRules::get(name),
                ("dashboards", name) => EmbeddedDashboards::get(name),
                _ => None,
            };
            Some(data?.data.as_ref() == file.text.as_bytes())
        };
        file.origin == Origin::Embedded || embedded().unwrap_or(false)
    }

    /// The rules and dashboards that the user has brought: what is built in is no measure for them.
    pub fn own_content(&self) -> impl Iterator<Item = &ProjectFile> {
        let rules = self.rules.iter().map(|(name, file)| (format!("rules/{name}"), file));
        let dashboards = self.dashboards.iter().map(|(name, file)| (format!("dashboards/{name}"), file));
        rules.chain(dashboards).filter(|(path, file)| !Self::is_built_in(file, path)).map(|(_, file)| file)
    }

    /// Rule files proper: the YAML files at the top of `rules/`, without tests and runbooks.
    pub fn rule_files(&self) -> impl Iterator<Item = (&str, &ProjectFile)> {
        self.rules.iter().filter(|(path, _)| !path.contains('/') && is_yaml(path)).map(named)
    }

    /// What lies under `rules/` and looks like rules, but is none of the files that Prometheus gets.
    pub fn not_loaded_rules(&self) -> impl Iterator<Item = &ProjectFile> {
        let has_a_place = |path: &str| path.starts_with("tests/") || path.starts_with("runbooks/");
        let is_loaded = |path: &str| !path.contains('/') && is_yaml(path);
        let may_be_rules = |path: &str| is_yaml(path) || path.ends_with(".rules");
        self.rules
            .iter()
            .filter(move |(path, _)| may_be_rules(path) && !is_loaded(path) && !has_a_place(path))
            .map(|(_, file)| file)
    }

    /// Unit tests for the rules, in promtool's format.
    pub fn rule_tests(&self) -> impl Iterator<Item = (&str, &ProjectFile)> {
        self.rules.iter().filter(|(path, _)| path.starts_with("tests/") && is_yaml(path)).map(named)
    }

    /// Runbook pages: (alert name, Markdown).
    pub fn runbooks(&self) -> impl Iterator<Item = (&str, &ProjectFile)> {
        self.rules.iter().filter_map(|(path, file)| {
            path.strip_prefix("runbooks/")?.strip_suffix(".md").map(|alert_name| (alert_name, file))
        })
    }

    /// Dashboards: (path, JSON).
    pub fn dashboard_files(&self) -> impl Iterator<Item = (&str, &ProjectFile)> {
        self.dashboards.iter().filter(|(path, _)| path.ends_with(".json")).map(named)
    }

    /// Alertmanager's notification templates, shipped as they are.
    pub fn notification_templates(&self) -> impl Iterator<Item = (&str, &ProjectFile)> {
        self.config.iter().filter_map(|(path, file)| {
            path.strip_prefix("notifications/")
                .filter(|name| name.ends_with(".tmpl"))
                .map(|name| (name, file))
        })
    }
}

/// What was found in the user's project folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserFiles {
    pub config: BTreeMap<String, ProjectFile>,
    pub rules: Option<BTreeMap<String, ProjectFile>>,
    pub dashboards: Option<BTreeMap<String, ProjectFile>>,
}

/// True for the endings that Prometheus's users give rule files.
pub fn is_yaml(path: &str) -> bool {
    path.ends_with(".yml") || path.ends_with(".yaml")
}

fn named<'a>((path, file): (&'a String, &'a ProjectFile)) -> (&'a str, &'a ProjectFile) {
    (path.as_str(), file)
}

fn collect<E: RustEmbed>(folder: &str) -> BTreeMap<String, ProjectFile> {
    E::iter()
        .filter_map(|path| {
            let data = E::get(&path)?.data;
            let text = String::from_utf8(data.into_owned()).ok()?;
            let shown_as = format!("{EMBEDDED}/{folder}/{path}");
            Some((path.to_string(), ProjectFile { shown_as, text, origin: Origin::Embedded }))
        })
        .collect()
}
