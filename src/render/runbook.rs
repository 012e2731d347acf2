//! Runbook pages become Grafana dashboards, so that a notification's link works wherever Grafana does.

use serde_json::json;

use crate::model::is_dashboard_uid;
use crate::model::manifest::sha256_hex;

const PREFIX: &str = "runbook-";

/// The runbooks' own folder. Its uid is fixed, so that links and stars survive a new database.
pub const PROVIDER: &str = "\
apiVersion: 1
providers:
  - name: confidexmon-runbooks
    orgId: 1
    folder: Runbooks
    folderUid: confidexmon-runbooks
    type: file
    disableDeletion: false
    allowUiUpdates: false
    updateIntervalSeconds: 10
    options:
      path: /etc/confidexmon/runbooks
      foldersFromFilesStructure: false
";

/// The uid of an alert's runbook page: its name in lower case, or, where Grafana would refuse that, as
/// much of it as fits and a hash.
pub fn uid(alert_name: &str) -> String {
    let whole = format!("{PREFIX}{}", alert_name.to_lowercase());
    if is_dashboard_uid(&whole) {
        return whole;
    }
    let plain =
        alert_name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).take(22).collect::<String>();
    format!("{PREFIX}{plain}-{}", &sha256_hex(alert_name.as_bytes())[..8])
}

/// `confidexmon.runbook_page` for the notification templates: what follows the prefix of runbook links
/// for an alert's `runbook` annotation. Pages with a prefix of their own have no uid that could be too long.
pub fn names_in_links<'a>(alert_names: impl Iterator<Item = &'a str>, elsewhere: bool) -> String {
    let mut text = String::from("{{ define \"confidexmon.runbook_page\" }}");
    let shortened =
        alert_names.filter(|name| !elsewhere && uid(name) != format!("{PREFIX}{}", name.to_lowercase()));
    for name in shortened {
        let (lower, page) = (name.to_lowercase(), uid(name));
        text.push_str(&format!(
            "{{{{ if eq (toLower .) {lower:?} }}}}{}{{{{ else }}}}",
            &page[PREFIX.len()..]
        ));
    }
    let branches = text.matches("{{ else }}").count();
    text.push_str("{{ . | toLower | urlquery }}");
    text.push_str(&"{{ end }}".repeat(branches + 1));
    text.push('\n');
    text
}

/// A dashboard with one text panel that shows the page, and a link to the dashboard with uid `overview`.
pub fn dashboard(alert_name: &str, markdown: &str, overview: &str) -> String {
    let page = json!({
        "uid": uid(alert_name),
        "title": format!("Runbook: {alert_name}"),
        "tags": ["runbook"],
        "schemaVersion": 39,
        "version": 1,
        "editable": false,
        "timezone": "",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": []},
        "annotations": {"list": []},
        "links": [{"title": "Overview", "type": "link", "url": format!("/d/{overview}"), "icon": "dashboard"}],
        "panels": [{
            "id": 1,
            "type": "text",
            "title": "",
            "gridPos": {"x": 0, "y": 0, "w": 24, "h": 22},
            "options": {"mode": "markdown", "content": markdown},
        }],
    });
    format!("{page:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_that_grafana_would_refuse_is_shortened_and_told_to_the_links() {
        assert_eq!(uid("TargetDown"), "runbook-targetdown");
        let long = "AlertmanagerNotificationRequestsFailing";
        let short = uid(long);
        assert!(is_dashboard_uid(&short), "{short}");
        assert_ne!(short, uid("AlertmanagerNotificationRequestsFailed"));
        assert!(is_dashboard_uid(&uid("Ä: 50 % of a")));
        let names = names_in_links([long, "TargetDown"].into_iter(), false);
        assert!(names.contains(&short["runbook-".len()..]), "{names}");
        assert_eq!(names.matches("{{ if").count(), 1);
        assert_eq!(names.matches("{{ end }}").count(), 2);
        assert!(!names_in_links([long].into_iter(), true).contains("if eq"));
    }
}
