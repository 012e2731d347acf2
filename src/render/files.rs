//! How a service's files come about. Which ones it gets stands in its own file, in `services`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::manifest::sha256;
use crate::model::{Diagnostic, FileSet, Place, RenderedFile, Secret, ServiceKind};
use crate::render::assets::ProjectFiles;
use crate::render::context::{Included, context};
use crate::render::{overview, template};
use crate::settings::{Settings, WebAuth};

/// The files of every service of the stack.
pub type RenderedStack = BTreeMap<ServiceKind, FileSet>;

/// `nobody` in the official Prometheus and Alertmanager images.
pub const NOBODY: u32 = 65534;
/// The user of the official Grafana image; its group is root.
pub const GRAFANA_USER: u32 = 472;
/// The overview once more, at a fixed place: what Grafana opens with.
pub const HOME_DASHBOARD: &str = "/etc/confidexmon/home/overview.json";
/// A file's name as Prometheus's pattern for exactly that file.
fn literal(name: &str) -> String {
    let special = |c: char| matches!(c, '*' | '?' | '[' | '\\');
    name.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}

/// What the files of each service are made from, and what was wrong with it.
#[derive(Debug)]
pub struct Renderer<'a> {
    pub project: &'a ProjectFiles,
    context: Value,
    /// Uid of the dashboard that links lead to by default.
    pub overview: String,
    /// Every problem of every template so far.
    pub problems: Vec<Diagnostic>,
}

impl<'a> Renderer<'a> {
    /// `scraped`: the stack's own services that serve metrics, with their ports.
    pub fn new(settings: &Settings, project: &'a ProjectFiles, scraped: &[(ServiceKind, u16)]) -> Self {
        let rule_files: Vec<String> =
            project.rule_files().map(|(name, _)| format!("rules/{}", literal(name))).collect();
        let mut templates: Vec<String> =
            project.notification_templates().map(|(name, _)| format!("templates/{name}")).collect();
        templates.push("templates/links.tmpl".to_owned());
        let overview = overview::dashboard_uid(settings, project);
        let included =
            Included { overview: &overview, rule_files: &rule_files, templates: &templates, scraped };
        let context = context(settings, &included);
        Self { project, context, overview, problems: Vec::new() }
    }

    /// The rendered template, or the empty string with the problem noted.
    pub fn template(&mut self, name: &str) -> String {
        let Some(file) = self.project.config.get(&format!("templates/{name}")) else {
            let place = Place::file(format!("config/templates/{name}"));
            self.problems.push(
                template::problem(place, "the template is missing".to_owned())
                    .fix("`confidexmon init` writes the embedded templates out"),
            );
            return String::new();
        };
        let rendered = template::render(name, &file.shown_as, &file.text, &self.context)
            .and_then(|text| parsed_back(name, &file.shown_as, text));
        rendered.unwrap_or_else(|problem| {
            self.problems.push(problem);
            String::new()
        })
    }
}

/// YAML that does not parse is caught here, before any service sees it.
fn parsed_back(name: &str, shown_as: &str, text: String) -> Result<String, Diagnostic> {
    if !crate::render::assets::is_yaml(name) {
        return Ok(text);
    }
    match serde_yaml::from_str::<serde_json::Value>(&text) {
        Ok(_) => Ok(text),
        Err(error) => {
            let location = error.location();
            let rendered_line = location.map_or(0, |at| usize::try_from(at.line()).unwrap_or(0));
            let problem = template::problem(Place::file(shown_as), not_yaml(&text, rendered_line));
            Err(problem.fix("correct the template around that line"))
        }
    }
}

/// The line itself is shown, unless it might hold a password.
fn not_yaml(text: &str, line: usize) -> String {
    let words = text.lines().nth(line.saturating_sub(1)).unwrap_or_default().trim();
    if words.is_empty() || words.to_lowercase().contains("password") {
        return format!("its output is not YAML, at line {line} of the rendered file");
    }
    format!("its output is not YAML, at line {line} of the rendered file: `{words}`")
}

/// Basic auth in front of a Prometheus or Alertmanager, as its `--web.config.file` reads it; an open door
/// without `auth`.
///
/// The salt comes from the password, so that the same settings render the same bytes and drift can
/// be compared by content. A cost of 8 keeps the many probes cheap; the password is not a person's.
pub fn web_config(path: &str, auth: Option<&WebAuth>) -> RenderedFile {
    const COST: u32 = 8;
    let Some(auth) = auth else { return RenderedFile::plain(path, "{}\n") };
    let digest = sha256(format!("confidexmon web auth\0{}", auth.password.reveal()).as_bytes());
    let mut salt = [0_u8; 16];
    salt.copy_from_slice(&digest[..16]);
    let hash = bcrypt::hash_with_salt(auth.password.reveal(), COST, salt)
        .map_or_else(|_| "!".to_owned(), |parts| parts.format_for_version(bcrypt::Version::TwoB));
    let users = serde_json::json!({"basic_auth_users": {auth.username.as_str(): hash}});
    RenderedFile::secret(path, Secret::new(format!("{users:#}\n")))
}
