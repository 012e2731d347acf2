//! Findings for people: the place, the excerpt, what is wrong with its evidence, and the fix.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::{CheckReport, word};
use crate::check::{Finding, Severity};
use crate::report::output::{BAD, DIM, GOOD, WARN};
use crate::report::words;

/// All findings and the summary line.
pub fn render(report: &CheckReport, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let mut text = String::new();
    // Findings come file by file, and there may be thousands.
    let (mut file, mut lines) = ("", Vec::new());
    for finding in &report.findings {
        if finding.place.file != file {
            file = &finding.place.file;
            lines = report.sources.get(file).map(|source| source.lines().collect()).unwrap_or_default();
        }
        let line = finding.place.line.checked_sub(1).and_then(|index| lines.get(index)).copied();
        text.push_str(&one(finding, line, &renderer));
        text.push('\n');
    }
    text.push_str(&summary(report, color));
    text.push('\n');
    text
}

fn one(finding: &Finding, line: Option<&str>, renderer: &Renderer) -> String {
    let level = match finding.severity {
        Severity::Bug => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let level = level.with_name(word(finding.severity));
    let title = level.primary_title(finding.message.as_str()).id(finding.id);
    let mut group = match line {
        Some(line) => {
            let snippet = Snippet::source(line)
                .line_start(finding.place.line)
                .path(finding.place.file.as_str())
                .annotation(AnnotationKind::Primary.span(span(line, finding.place.column)));
            title.element(snippet)
        }
        None => title.element(annotate_snippets::Origin::path(place(finding))),
    };
    // Messages about panels name them already.
    if let Some(alert) = finding.alert.as_ref().filter(|_| !finding.id.starts_with("panel-")) {
        group = group.element(Level::NOTE.with_name("alert").message(alert.as_str()));
    }
    if let Some(fix) = &finding.fix {
        group = group.element(Level::HELP.with_name("fix").message(fix.as_str()));
    }
    format!("{}\n", renderer.render(&[group]))
}

fn place(finding: &Finding) -> String {
    match (finding.place.line, finding.place.column) {
        (0, _) => finding.place.file.clone(),
        (line, 0) => format!("{}:{line}", finding.place.file),
        (line, column) => format!("{}:{line}:{column}", finding.place.file),
    }
}

/// The word at the column, or one character where there is none.
fn span(line: &str, column: usize) -> std::ops::Range<usize> {
    let start = line.char_indices().nth(column.saturating_sub(1)).map_or(line.len(), |(at, _)| at);
    let rest = &line[start..];
    let word = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(rest.len());
    let length = if word == 0 { rest.chars().next().map_or(0, char::len_utf8) } else { word };
    start..start + length
}

/// `1 bug, 2 warnings in 3 rule files (40 alerts, 8 recording rules, 120 rule tests); …`.
pub fn summary(report: &CheckReport, color: bool) -> String {
    let counts = report.counts;
    let kinds =
        [(Severity::Bug, "bug", BAD), (Severity::Warning, "warning", WARN), (Severity::Info, "info", DIM)];
    let parts = kinds.into_iter().filter_map(|(severity, noun, style)| {
        let number = report.count(severity);
        let text = words::count(number, noun);
        (number > 0).then(|| if color { format!("{style}{text}{style:#}") } else { text })
    });
    let found: Vec<String> = parts.collect();
    let found = match (found.is_empty(), color) {
        (true, true) => format!("{GOOD}no findings{GOOD:#}"),
        (true, false) => "no findings".to_owned(),
        (false, _) => found.join(", "),
    };
    let validators = match &report.validators_not_run {
        None => "promtool and amtool were asked too".to_owned(),
        Some(reason) => format!("promtool and amtool were not run: {reason}"),
    };
    format!(
        "{found} in {} ({}, {}, {}); {validators}",
        words::count(counts.rule_files, "rule file"),
        words::count(counts.alerts, "alert"),
        words::count(counts.recording_rules, "recording rule"),
        words::count(counts.rule_tests, "rule test"),
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn shows_place_excerpt_message_and_fix() {
        let text = super::render(&super::super::tests::report(), false);
        for part in [
            "bug[ratio-without-sum]",
            "rules/a b.yml:2:9",
            "expr: rate(x[5m])",
            "^^^^",
            "fix: write it",
            "alert: Up, down",
            "1 bug, 1 warning, 1 info in 0 rule files",
            "promtool and amtool were not run: no engine",
        ] {
            assert!(text.contains(part), "{part} is missing in:\n{text}");
        }
    }
}
