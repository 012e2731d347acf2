//! Workflow commands that GitHub shows as annotations beside the changed lines.

use super::CheckReport;
use crate::check::{Finding, Severity};

/// One annotation per finding.
pub fn render(report: &CheckReport) -> String {
    report.findings.iter().map(annotation).collect()
}

fn annotation(finding: &Finding) -> String {
    let command = match finding.severity {
        Severity::Bug => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    };
    let mut place = format!("file={}", property(&finding.place.file));
    if finding.place.line > 0 {
        place.push_str(&format!(",line={},col={}", finding.place.line, finding.place.column.max(1)));
    }
    let fix = finding.fix.as_ref().map_or_else(String::new, |fix| format!("\nfix: {fix}"));
    let text = data(&format!("{}{fix}", finding.message));
    format!("::{command} {place},title={}::{text}\n", property(finding.id))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_message_cannot_break_out_of_its_line() {
        let text = super::render(&super::super::tests::report());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "::error file=rules/a b.yml,line=2,col=9,title=ratio-without-sum::always 1,%0A100%25%0Afix: write it"
        );
        assert!(lines[1].starts_with("::warning file=rules/a b.yml,title=zero-for::"), "{}", lines[1]);
        assert_eq!(lines.len(), 3);
    }
}
