//! What Grafana should have taken from its files, and what its log says about those it refused.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::model::FileSet;

/// A dashboard that a file should have become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The file inside the container.
    pub path: String,
    /// The file as the user knows it.
    pub shown_as: String,
    /// `None` when the file is no dashboard, leaves its uid to Grafana, or has one that another file has.
    pub uid: Option<String>,
}

/// Every dashboard of a Grafana's files, runbook pages included.
pub fn pages(files: &FileSet) -> Vec<Page> {
    let folders = ["/etc/confidexmon/dashboards/", "/etc/confidexmon/runbooks/"];
    let json = files
        .files
        .iter()
        .filter(|(path, _)| path.ends_with(".json") && folders.iter().any(|folder| path.starts_with(folder)));
    let mut pages: Vec<Page> = json
        .map(|(path, file)| page(path, &serde_json::from_slice(file.bytes()).unwrap_or_default()))
        .collect();
    // Of two files with one uid Grafana takes one; that it is there says nothing about the other.
    let mut seen = BTreeSet::new();
    for page in &mut pages {
        page.uid = page.uid.take().filter(|uid| seen.insert(uid.clone()));
    }
    pages
}

fn page(path: &str, dashboard: &Value) -> Page {
    let runbook = dashboard["title"].as_str().and_then(|title| title.strip_prefix("Runbook: "));
    let shown_as = match (path.strip_prefix("/etc/confidexmon/runbooks/"), runbook) {
        (Some(_), Some(alert_name)) => format!("rules/runbooks/{alert_name}.md"),
        _ => path.replace("/etc/confidexmon/", ""),
    };
    let uid = dashboard["uid"].as_str().filter(|uid| !uid.is_empty()).map(str::to_owned);
    Page { path: path.to_owned(), shown_as, uid }
}

/// Grafana's words on each file that it refused, by the file's path, from lines of its log. Both of its
/// forms count: `… level=error … file=PATH error="words"`, and for files that share a uid or a title a
/// line with the reason before the line with the file.
pub fn refusals<'a>(log: impl IntoIterator<Item = &'a str>) -> BTreeMap<String, String> {
    let mut refused = BTreeMap::new();
    let mut duplicate = None;
    for line in log.into_iter().filter(|line| line.contains("provisioning.dashboard")) {
        let fields = logfmt(line);
        let text = |name: &str| fields.get(name).cloned();
        let message = text("msg").unwrap_or_default().trim().to_owned();
        match (text("level").as_deref(), text("file")) {
            (Some("error"), Some(file)) => {
                refused.insert(file, text("error").unwrap_or(message));
            }
            (Some("warn"), Some(file)) => {
                refused.insert(file, duplicate.clone().unwrap_or(message));
            }
            (Some("warn"), None) => {
                let which = text("uid").or_else(|| text("title"));
                if let Some(which) = which {
                    duplicate = Some(format!("{message}: {which}"));
                }
            }
            _ => {}
        }
    }
    refused
}

/// The fields of one line of logfmt; quoted values as Go quotes them.
fn logfmt(line: &str) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    let mut rest = line.trim();
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.rsplit(' ').next().unwrap_or(name).to_owned();
        let end =
            if after.starts_with('"') { quoted_end(after) } else { after.find(' ').unwrap_or(after.len()) };
        let raw = &after[..end];
        let value = serde_json::from_str::<String>(raw).unwrap_or_else(|_| raw.trim_matches('"').to_owned());
        fields.insert(name, value);
        rest = &after[end..];
    }
    fields
}

/// Where the quoted text ends that `text` begins with: behind its closing quote.
fn quoted_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RenderedFile;

    #[test]
    fn grafanas_own_words_are_found_by_file() {
        let log = [
            r#"logger=provisioning.dashboard type=file name=confidexmon t=2026-01-01T00:00:00Z level=error msg="failed to save dashboard" file=/d/a.json error="uid too long, max 40 characters""#,
            r#"logger=provisioning.dashboard type=file name=confidexmon t=2026-01-01T00:00:00Z level=error msg="failed to load dashboard from " file="/d/b c.json" error="invalid character 'x' after \"y\"""#,
            r#"logger=provisioning.dashboard type=file name=c level=warn msg="the same UID is used more than once" orgId=1 uid=twice times=2 providers=[c]"#,
            r#"logger=provisioning.dashboard type=file name=c level=warn msg="Not saving new dashboard due to restricted database access" provisioner=c file=/d/c.json"#,
            r#"logger=context level=error msg="Request Completed" file=/d/d.json error=x"#,
        ];
        let found = refusals(log);
        assert_eq!(found["/d/a.json"], "uid too long, max 40 characters");
        assert_eq!(found["/d/b c.json"], "invalid character 'x' after \"y\"");
        assert_eq!(found["/d/c.json"], "the same UID is used more than once: twice");
        assert_eq!(found.len(), 3);
        assert!(
            refusals(["", "=", "provisioning.dashboard a=\"", "provisioning.dashboard ä=\"\\"]).is_empty()
        );
    }

    #[test]
    fn a_page_is_told_by_the_file_that_the_user_has() {
        let mut files = FileSet::new("/etc/confidexmon", 472, 0);
        let runbook = r#"{"uid": "runbook-down", "title": "Runbook: Down"}"#;
        files.insert(RenderedFile::plain("/etc/confidexmon/runbooks/runbook-down.json", runbook));
        files.insert(RenderedFile::plain("/etc/confidexmon/dashboards/x.json", "[1]"));
        files.insert(RenderedFile::plain("/etc/confidexmon/home/overview.json", "{}"));
        let found: Vec<_> = pages(&files).into_iter().map(|page| (page.shown_as, page.uid)).collect();
        let wanted = [
            ("dashboards/x.json".to_owned(), None),
            ("rules/runbooks/Down.md".to_owned(), Some("runbook-down".to_owned())),
        ];
        assert_eq!(found, wanted);
    }
}
