//! Rules inside a Kubernetes object: the groups of a `PrometheusRule` lie below its `spec`.

/// The text of each such object as a plain rule file, every other character a blank, so that lines and
/// columns stay those of the whole file. Empty when there is none.
pub(super) fn rule_files(text: &str) -> Vec<String> {
    if !text.contains("PrometheusRule") {
        return Vec::new();
    }
    documents(text).into_iter().filter_map(|range| rules(text, range)).collect()
}

/// The byte ranges between `---`.
fn documents(text: &str) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        if line.starts_with("---") {
            found.push(start..at);
            start = at + line.len();
        }
        at += line.len();
    }
    found.push(start..at);
    found
}

fn rules(text: &str, document: std::ops::Range<usize>) -> Option<String> {
    let mut kept = String::with_capacity(text.len());
    blank(&mut kept, text.get(..document.start)?);
    let (mut is_rule, mut has_spec, mut inside) = (false, false, false);
    for line in text.get(document.clone())?.split_inclusive('\n') {
        let top = !line.starts_with([' ', '\t', '#', '-']) && !line.trim().is_empty();
        is_rule |= line.trim_end() == "kind: PrometheusRule";
        if top {
            inside = line.trim_end() == "spec:";
            has_spec |= inside;
        }
        if inside && !top {
            kept.push_str(line);
        } else {
            blank(&mut kept, line);
        }
    }
    blank(&mut kept, text.get(document.end..)?);
    (is_rule && has_spec).then_some(kept)
}

/// As many blanks as the text has bytes, its line breaks kept.
fn blank(kept: &mut String, text: &str) {
    kept.extend(text.bytes().map(|byte| if matches!(byte, b'\n' | b'\r') { char::from(byte) } else { ' ' }));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::formats::rule_file::RuleFile;

    #[test]
    fn rules_keep_their_places() {
        let one = |name: &str| {
            format!(
                "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: ü\nspec:\n  groups:\n  - name: g\n    rules:\n    - alert: {name}\n      expr: up == 0\n"
            )
        };
        let text = format!(
            "apiVersion: v1\nkind: Service\nspec: {{}}\n---\n{}---\n{}status: {{}}\n",
            one("A"),
            one("B")
        );
        let files = rule_files(&text);
        let found: Vec<_> = files
            .iter()
            .map(|text| {
                let file = RuleFile::parse("f", text.as_str());
                let (_, rule) = file.rules().next().unwrap();
                (rule.name.value.clone(), rule.name.place(&file.source).line)
            })
            .collect();
        assert_eq!(found, [("A".to_owned(), 13), ("B".to_owned(), 24)]);
        assert!(files.iter().all(|file| file.len() == text.len()));
        assert!(rule_files("groups: []\n").is_empty());
        assert!(rule_files("kind: PrometheusRule\nspec: {groups: []}\n").is_empty());
    }
}
