#![allow(clippy::unwrap_used)]

use super::check::{Bodies, Library, check};
use super::types::Type;
use crate::formats::go_template::parse;

/// What the first fault of a text says, with the templates of `file`.
fn fault(text: &str, file: &str) -> String {
    let file = parse(file).unwrap();
    let bodies: Bodies<'_> =
        file.defines.iter().map(|one| (one.name.as_str(), one.body.as_slice())).collect();
    let library = Library::new(bodies);
    let found = check(&parse(text).unwrap().nodes, &Type::Data, &library).faults;
    found.into_iter().next().map(|fault| fault.reason).unwrap_or_default()
}

/// Each asked of amtool 0.33 as well.
#[test]
fn what_fails_when_it_is_sent_is_known_before() {
    let file = r#"{{ define "title" }}[{{ .Status | toUpper }}] {{ .CommonLabels.alertname }}{{ end }}
{{ define "alert" }}{{ .Annotations.summary }}{{ end }}{{ define "loop" }}{{ template "loop" . }}{{ end }}"#;
    for (text, words) in [
        (r#"{{ template "title" }}"#, "without a dot"),
        (r#"{{ range .Alerts }}{{ template "title" . }}{{ end }}"#, "with an alert"),
        (r#"{{ template "alert" . }}"#, "no `.Annotations`"),
        ("{{ .Annotations.summary }}", "no `.Annotations`"),
        ("{{ .CommonLabels.alertname | toUpper | humanise }}", "no function `humanise`"),
        ("{{ .Alerts.Firing.Labels.instance }}", "a list has no `.Labels`"),
        ("{{ .Alerts.Fireing | len }}", "no `.Fireing`"),
        ("{{ range .Alerts }}{{ .StartAt }}{{ end }}", "no `.StartAt`"),
        ("{{ .Alerts.Firing | toUpper }}", "takes text, and gets a list"),
        ("{{ if eq (len .Alerts) \"1\" }}{{ end }}", "cannot compare a number with text"),
        ("{{ toUpper }}", "takes 1 argument"),
        ("{{ join .Alerts }}", "takes 2 argument"),
        ("{{ $x }}", "not defined"),
        ("{{ .Status.Foo }}", "text has no"),
        ("{{ len 5 }}", "no length"),
        ("{{ .CommonLabels.Remove }}", "takes 1 argument"),
        ("{{ .Status 5 }}", "takes no argument"),
        ("{{ range .Status }}{{ end }}", "cannot go through text"),
        (
            r#"{{ range .Alerts }}{{ template "slack.default.title" . }}{{ end }}"#,
            "the data of a notification",
        ),
    ] {
        assert!(fault(text, file).contains(words), "{text}: {}", fault(text, file));
    }
    for text in [
        "{{ (index .Alerts 0).Labels.instance }}",
        r#"{{ .GroupLabels.SortedPairs.Values | join ", " }}"#,
        r#"{{ range $i, $a := .Alerts.Firing }}{{ if lt $i 5 }}{{ template "alert" $a }}{{ $.Status }}{{ end }}{{ end }}"#,
        r#"{{ with (index .Alerts 0) }}{{ .StartsAt.UTC.Format "2006" }}{{ end }}"#,
        r#"{{ $n := len .Alerts }}{{ if gt $n 1 }}{{ $n }}{{ end }}{{ printf "%d %s" $n .Status }}"#,
        r#"{{ range (.CommonLabels.Remove (stringSlice "a" "b")).SortedPairs }}{{ .Name }}={{ .Value }}{{ end }}"#,
        r"{{ range $k, $v := .CommonLabels }}{{ $k | toUpper }}{{ $v }}{{ end }}",
        r#"{{ or .CommonAnnotations.summary .CommonLabels.alertname "x" }}"#,
        r#"{{ template "title" . }}{{ template "slack.default.text" . }}{{ template "loop" . }}"#,
        r#"{{ if eq .CommonLabels.severity "critical" "warning" }}a{{ else if .Alerts.Resolved }}b{{ end }}"#,
        r"{{ (index .Alerts 0).StartsAt | since | humanizeDuration }}{{ .Alerts | toJson }}",
        r#"{{ $x := "" }}{{ range .Alerts }}{{ $x = .Labels.a }}{{ end }}{{ $x }}"#,
    ] {
        assert_eq!(fault(text, file), "", "{text}");
    }
}
