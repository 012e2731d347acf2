//! The query of a variable in none of the forms that Grafana's Prometheus datasource knows: the list of its
//! values stays empty, and every panel that uses it too.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::formats::dashboard::Variable;
use crate::formats::promql;
use crate::model::closest_name;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "variable-query",
    severity: Severity::Bug,
    doc: "The query of a dashboard's variable is malformed, so it has no values.",
    run: Run::All(check),
};

const FUNCTIONS: [&str; 4] = ["label_names", "label_values", "metrics", "query_result"];

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    for dashboard in view.facts.dashboards.iter().flatten() {
        for variable in &dashboard.variables {
            let Some(text) = variable.text.as_ref().filter(|_| speaks_promql(variable)) else { continue };
            if let Some((message, fix)) = assess(text.value.trim()) {
                let message = format!("the variable `{}` has no values: {message}", variable.name);
                out.push(dashboard.finding(&LINT, text.start(), message).fix(fix));
            }
        }
    }
}

fn speaks_promql(variable: &Variable) -> bool {
    variable.datasource_kind.as_deref().is_none_or(|kind| kind == "prometheus")
}

/// What is wrong with a query, and what to write instead.
fn assess(query: &str) -> Option<(String, String)> {
    const FORMS: &str = "write `label_values(metric, label)`, `label_values(label)`, `label_names()`, `metrics(pattern)` or `query_result(expression)`";
    if query.is_empty() {
        return Some(("its query is empty".to_owned(), FORMS.to_owned()));
    }
    let (name, rest) = query.split_once('(')?;
    let name = name.trim();
    if !FUNCTIONS.contains(&name) {
        let near = closest_name(name, FUNCTIONS).filter(|_| !name.contains(['{', '"', ' ', '$']))?;
        return Some((format!("Grafana knows no `{name}`"), format!("did you mean `{near}`?")));
    }
    let Some(inner) = rest.trim_end().strip_suffix(')') else {
        return Some((format!("`{name}(` is not closed at its end"), "add `)`".to_owned()));
    };
    let inner = inner.trim();
    match name {
        "label_names" => None,
        "label_values" => label_values(inner),
        _ if inner.is_empty() => Some((format!("`{name}()` asks for nothing"), FORMS.to_owned())),
        "query_result" => unreadable(inner),
        _ => None,
    }
}

fn label_values(inner: &str) -> Option<(String, String)> {
    let (selector, label) = match last_comma(inner) {
        Some(at) => (&inner[..at], inner[at + 1..].trim()),
        None => ("", inner),
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '{' | '}' | ':');
    if label.is_empty() || !label.chars().all(is_name) || label.starts_with(|c: char| c.is_ascii_digit()) {
        let what = if label.is_empty() {
            "the label is missing".to_owned()
        } else {
            format!("`{label}` is no label")
        };
        return Some((what, "write `label_values(metric, label)`".to_owned()));
    }
    if selector.trim().is_empty() && last_comma(inner).is_some() {
        return Some(("the metric is missing".to_owned(), "write `label_values(metric, label)`".to_owned()));
    }
    unreadable(selector.trim())
}

/// The last comma that stands outside of braces and quotes.
fn last_comma(text: &str) -> Option<usize> {
    let (mut depth, mut quoted, mut last) = (0_i32, false, None);
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '{' | '(' | '[' if !quoted => depth += 1,
            '}' | ')' | ']' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => last = Some(at),
            _ => {}
        }
    }
    last
}

/// An expression that cannot be read; with variables in it nobody can tell.
fn unreadable(expr: &str) -> Option<(String, String)> {
    if expr.is_empty() || expr.contains('$') || expr.contains("[[") {
        return None;
    }
    // A word that our reader does not know may be newer than it; what breaks off is wrong in any version.
    let breaks = promql::parse(expr).is_err_and(|unread| {
        ["never closed", "ends too early", "unexpected"].iter().any(|words| unread.reason.contains(words))
    });
    breaks.then(|| (format!("`{expr}` is no PromQL"), "correct the expression".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_that_grafana_knows_passes_and_others_do_not() {
        for right in [
            "label_values(a, b)",
            "label_values(a{x=\"1,2\", y=~\"$z\"}, b)",
            "label_values(b)",
            "label_values(up{job=\"$job\"},$label)",
            "label_names()",
            "label_names(up)",
            "metrics(.*)",
            "query_result(topk(5, sum by (a) (rate(b[5m]))))",
            "query_result(a{b=\"$c\"} > $__range)",
            "up{job=\"x\"}",
            "sum(up)",
            "$other",
        ] {
            assert_eq!(assess(right), None, "{right}");
        }
        for (wrong, words) in [
            ("", "empty"),
            ("label_value(a, b)", "knows no"),
            ("label_values(a, b", "not closed"),
            ("label_values(a{b=\"c\"})", "no label"),
            ("label_values(a,)", "missing"),
            ("label_values(, b)", "metric is missing"),
            ("label_values(a{b=}, c)", "no PromQL"),
            ("query_result()", "nothing"),
            ("query_result(sum(a)", "no PromQL"),
        ] {
            let found = assess(wrong).map(|(message, _)| message).unwrap_or_default();
            assert!(found.contains(words), "{wrong}: {found}");
        }
    }
}
