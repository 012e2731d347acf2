#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;

fn broken(text: &str) -> (usize, String) {
    let broken = parse(text).unwrap_err();
    (broken.at, broken.reason)
}

#[test]
fn reads_what_templates_are_made_of() {
    let text = r#"a {{- with $x := index .Alerts 0 }} {{ ($x.Labels.Remove (stringSlice "a")).SortedPairs.Values | join ", " }}{{ else }}{{ template "t" . }}{{ end -}} b{{/* c */}}{{ define "t" }}{{ .A }}{{ end }}"#;
    let read = parse(text).unwrap();
    let [Node::Text(before), Node::With(with), Node::Text(after)] = &read.nodes[..] else {
        unreachable!("{read:#?}")
    };
    assert_eq!((before.as_str(), after.as_str()), ("a", "b"));
    assert_eq!(with.pipeline.variables, ["$x"]);
    assert_eq!(with.pipeline.commands[0].words.len(), 3);
    let Node::Action(joined) = &with.body[1] else { unreachable!("{:#?}", with.body) };
    let chain: Vec<_> = joined.commands[0].words[0].fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(chain, ["SortedPairs", "Values"]);
    assert!(matches!(&with.otherwise[..], [Node::Call { name, argument: Some(_), .. }] if name == "t"));
    assert_eq!((read.defines.len(), read.defines[0].name.as_str()), (1, "t"));
}

#[test]
fn an_else_may_go_on_with_a_condition() {
    let read = parse(
        "{{ if .A }}1{{ else if .B }}2{{ else }}3{{ end }}{{ range $i, $a := .X }}{{ continue }}{{ end }}",
    );
    let read = read.unwrap();
    let Node::If(branch) = &read.nodes[0] else { unreachable!("{read:#?}") };
    assert!(matches!(&branch.otherwise[..], [Node::If(inner)] if inner.otherwise.len() == 1));
    let Node::Range(range) = &read.nodes[1] else { unreachable!("{read:#?}") };
    assert_eq!(range.pipeline.variables, ["$i", "$a"]);
}

/// Texts that Go refuses (asked with amtool 0.33), with the offset of what is wrong.
#[test]
fn what_go_does_not_parse_is_broken_at_its_place() {
    for (text, at, words) in [
        ("{{ .CommonAnnotations.summary) }}", 29, "closes nothing"),
        ("{{ range .Alerts }}{{ .Labels.instance }}", 0, "never closed"),
        ("a {{ .B", 2, "never closed"),
        ("{{ end }}", 0, "closes nothing"),
        ("{{ if .A }}{{ else }}{{ else }}{{ end }}", 21, "no `else`"),
        ("{{ (index .A 0 }}", 3, "never closed"),
        ("{{ if }}{{ end }}", 0, "missing"),
        ("{{ .A | \"b\" }}", 8, "neither a function"),
        ("{{ \"a }}", 3, "never closed"),
        ("{{ template x . }}", 0, "name in quotes"),
        ("{{ .A & .B }}", 6, "nothing of it"),
        ("{{ define \"a\" }}", 0, "never closed"),
        ("{{ }}", 0, "missing"),
    ] {
        let (found, reason) = broken(text);
        assert!(reason.contains(words), "{text}: {reason}");
        assert_eq!(found, at, "{text}: {reason}");
    }
}

proptest! {
    #[test]
    fn never_panics(text in "(\\{\\{-? ?|-?\\}\\}|if |end|else |range |define \"a\"|\\$x|\\(|\\)|[.\"`'a-zü0-9|:=, ]){0,40}") {
        let _ = parse(&text);
    }
}
