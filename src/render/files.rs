//! Which files each service gets, and how each of them comes about.

use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::model::{Diagnostic, FileSet, Place, RenderedFile, Secret, ServiceKind};
use crate::render::assets::ProjectFiles;
use crate::render::context::{context, scrape_names, secret_path};
use crate::render::{dashboards, overview, runbook, template};
use crate::settings::{Settings, TargetAuth, WebAuth};

/// The files of every service of the stack.
pub type RenderedStack = BTreeMap<ServiceKind, FileSet>;

/// `nobody` in the official Prometheus and Alertmanager images.
pub const NOBODY: u32 = 65534;
/// The user of the official Grafana image; its group is root.
pub const GRAFANA_USER: u32 = 472;
/// The overview once more, at a fixed place: what Grafana opens with.
pub const HOME_DASHBOARD: &str = "/etc/confidexmon/home/overview.json";
/// Grafana logs an error at each start for every one of these folders that is not there.
const EMPTY_FOLDERS: [&str; 3] = ["plugins", "alerting", "notifiers"];
/// The user of the official Redis image.
pub const REDIS_USER: u32 = 999;

/// A file's name as Prometheus's pattern for exactly that file.
fn literal(name: &str) -> String {
    let special = |c: char| matches!(c, '*' | '?' | '[' | '\\');
    name.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}

/// Renders the whole stack, or tells every problem of every template.
pub fn render_stack(settings: &Settings, project: &ProjectFiles) -> Result<RenderedStack, Vec<Diagnostic>> {
    let rule_files: Vec<String> =
        project.rule_files().map(|(name, _)| format!("rules/{}", literal(name))).collect();
    let mut templates: Vec<String> =
        project.notification_templates().map(|(name, _)| format!("templates/{name}")).collect();
    templates.push("templates/links.tmpl".to_owned());
    let overview = overview::dashboard_uid(settings, project);
    let context = context(settings, &overview, &rule_files, &templates);
    let mut renderer = Renderer { project, context, overview, problems: Vec::new() };
    let mut stack = BTreeMap::new();
    for service in settings.services() {
        let files = match service {
            ServiceKind::Prometheus => prometheus(settings, &mut renderer),
            ServiceKind::Grafana => grafana(settings, &mut renderer),
            ServiceKind::Alertmanager => alertmanager(settings, &mut renderer),
            ServiceKind::Redis => redis(settings, &mut renderer),
        };
        stack.insert(service, files);
    }
    if renderer.problems.is_empty() { Ok(stack) } else { Err(renderer.problems) }
}

struct Renderer<'a> {
    project: &'a ProjectFiles,
    context: Value,
    /// Uid of the dashboard that links lead to by default.
    overview: String,
    problems: Vec<Diagnostic>,
}

impl Renderer<'_> {
    /// The rendered template, or the empty string with the problem noted.
    fn template(&mut self, name: &str) -> String {
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

fn prometheus(settings: &Settings, renderer: &mut Renderer<'_>) -> FileSet {
    let mut files = FileSet::new("/etc/prometheus", NOBODY, NOBODY);
    files.insert(RenderedFile::plain("/etc/prometheus/prometheus.yml", renderer.template("prometheus.yml")));
    for (name, file) in renderer.project.rule_files() {
        files.insert(RenderedFile::plain(format!("/etc/prometheus/rules/{name}"), file.text.clone()));
    }
    for (target, name) in settings.targets.iter().zip(scrape_names(&settings.targets)) {
        for (kind, file) in target.tls.files() {
            let path = secret_path::target_tls(&name, kind, &file.text);
            files.insert(RenderedFile::secret(path, file.text.clone()));
        }
        let credential = match &target.auth {
            TargetAuth::None => continue,
            TargetAuth::Bearer(secret) | TargetAuth::Basic { password: secret, .. } => secret.clone(),
        };
        files.insert(RenderedFile::secret(
            secret_path::named(&secret_path::target(&name), &credential),
            credential,
        ));
    }
    let auth = settings.security.web_auth.as_ref();
    files.insert(web_config("/etc/prometheus/web.yml", auth));
    if let Some(auth) = auth {
        files.insert(RenderedFile::secret(
            secret_path::named(secret_path::PROMETHEUS_WEB_AUTH, &auth.password),
            auth.password.clone(),
        ));
    }
    files
}

fn alertmanager(settings: &Settings, renderer: &mut Renderer<'_>) -> FileSet {
    let mut files = FileSet::new("/etc/alertmanager", NOBODY, NOBODY);
    files.insert(RenderedFile::plain(
        "/etc/alertmanager/alertmanager.yml",
        renderer.template("alertmanager.yml"),
    ));
    let mut links = renderer.template("links.tmpl");
    links.push_str(&runbook::names_in_links(
        renderer.project.runbooks().map(|(alert_name, _)| alert_name),
        settings.links.runbooks.is_some(),
    ));
    files.insert(RenderedFile::plain("/etc/alertmanager/templates/links.tmpl", links));
    for (name, file) in renderer.project.notification_templates() {
        files.insert(RenderedFile::plain(format!("/etc/alertmanager/templates/{name}"), file.text.clone()));
    }
    let receivers = &settings.receivers;
    for (path, secret) in [
        (secret_path::SLACK, &receivers.slack_webhook),
        (secret_path::SLACK_CRITICAL, &receivers.slack_webhook_critical),
        (secret_path::PAGERDUTY, &receivers.pagerduty_service_key),
        (secret_path::WEBHOOK, &receivers.webhook_url),
    ] {
        if let Some(secret) = secret {
            files.insert(RenderedFile::secret(secret_path::named(path, secret), secret.clone()));
        }
    }
    for one in &receivers.others {
        if let Some(secret) = &one.secret {
            files.insert(RenderedFile::secret(secret_path::receiver(one.kind.key, secret), secret.clone()));
        }
    }
    files.insert(web_config("/etc/alertmanager/web.yml", settings.security.web_auth.as_ref()));
    files
}

fn grafana(settings: &Settings, renderer: &mut Renderer<'_>) -> FileSet {
    let mut files = FileSet::new("/etc/confidexmon", GRAFANA_USER, 0);
    let datasources = renderer.template("grafana-datasources.yml");
    let sources = dashboards::sources(&datasources);
    let path = "/etc/confidexmon/provisioning/datasources/confidexmon.yml";
    files.insert(if settings.security.web_auth.is_some() {
        RenderedFile::secret(path, Secret::new(datasources))
    } else {
        RenderedFile::plain(path, datasources)
    });
    files.insert(RenderedFile::plain(
        "/etc/confidexmon/provisioning/dashboards/confidexmon.yml",
        renderer.template("grafana-dashboards.yml"),
    ));
    for name in EMPTY_FOLDERS {
        let path = format!("/etc/confidexmon/provisioning/{name}/README");
        files.insert(RenderedFile::plain(path, "Empty on purpose: Grafana wants the folder to be there.\n"));
    }
    if let Some((name, file)) = overview::dashboard(renderer.project, &renderer.overview) {
        files.insert(RenderedFile::plain(HOME_DASHBOARD, dashboards::text(name, file, &sources)));
    }
    if renderer.project.runbooks().next().is_some() {
        files.insert(RenderedFile::plain(
            "/etc/confidexmon/provisioning/dashboards/runbooks.yml",
            runbook::PROVIDER,
        ));
    }
    for (name, file) in renderer.project.dashboard_files() {
        let text = dashboards::text(name, file, &sources);
        files.insert(RenderedFile::plain(format!("/etc/confidexmon/dashboards/{name}"), text));
    }
    for (alert_name, page) in renderer.project.runbooks() {
        let path = format!("/etc/confidexmon/runbooks/{}.json", runbook::uid(alert_name));
        files.insert(RenderedFile::plain(
            path,
            runbook::dashboard(alert_name, &page.text, &renderer.overview),
        ));
    }
    files.insert(RenderedFile::secret(secret_path::GRAFANA_ADMIN, settings.grafana.admin_password.clone()));
    files
}

fn redis(settings: &Settings, renderer: &mut Renderer<'_>) -> FileSet {
    let mut files = FileSet::new("/etc/redis", REDIS_USER, REDIS_USER);
    let text = renderer.template("redis.conf");
    // A template of the project's may well hold the password itself.
    files.insert(RenderedFile::secret("/etc/redis/redis.conf", Secret::new(text)));
    if let Some(password) = &settings.redis.password {
        let line = format!("requirepass {}\n", template::redis_quote(password.reveal().to_owned()));
        files.insert(RenderedFile::secret(secret_path::REDIS, Secret::new(line)));
    }
    files
}

/// Basic auth in front of a Prometheus or Alertmanager, as its `--web.config.file` reads it; an open door
/// without `auth`.
///
/// The salt comes from the password, so that the same settings render the same bytes and drift can
/// be compared by content. A cost of 8 keeps the many probes cheap; the password is not a person's.
fn web_config(path: &str, auth: Option<&WebAuth>) -> RenderedFile {
    const COST: u32 = 8;
    let Some(auth) = auth else { return RenderedFile::plain(path, "{}\n") };
    let digest = Sha256::digest(format!("confidexmon web auth\0{}", auth.password.reveal()));
    let mut salt = [0_u8; 16];
    salt.copy_from_slice(&digest[..16]);
    let hash = bcrypt::hash_with_salt(auth.password.reveal(), COST, salt)
        .map_or_else(|_| "!".to_owned(), |parts| parts.format_for_version(bcrypt::Version::TwoB));
    let users = serde_json::json!({"basic_auth_users": {auth.username.as_str(): hash}});
    RenderedFile::secret(path, Secret::new(format!("{users:#}\n")))
}
