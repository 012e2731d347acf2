//! What is claimed of labels, matches and elements against Prometheus's own engine: generated expressions over
//! a small backend, evaluated by the real promtool.

use std::collections::{BTreeMap, BTreeSet};

use confidexmon::analysis::contract::Contract;
use confidexmon::analysis::facts::Facts;
use confidexmon::analysis::labels::elements::{self, Element};
use confidexmon::analysis::view;
use confidexmon::check::{self, Finding};
use confidexmon::formats::promql;
use confidexmon::formats::rule_file::RuleFile;
use serde_json::json;

use crate::differential::{Random, ask};
use crate::lab::Lab;

const CASES: usize = 1500;

/// `x` has one set of labels, of `y` one series has a label more, `z` has no label of its own.
const SERIES: [(&str, &str); 8] = [
    ("x", r#"a="1",b="1""#),
    ("x", r#"a="1",b="2""#),
    ("x", r#"a="2",b="1""#),
    ("y", r#"a="1""#),
    ("y", r#"a="2",c="1""#),
    ("w", r#"d="1""#),
    ("w", r#"d="2""#),
    ("z", ""),
];

fn expression(random: &mut Random, depth: usize) -> String {
    if depth == 0 {
        return random
            .pick(&[
                "x",
                "y",
                "w",
                "z",
                "x{a=\"1\"}",
                "x{b!=\"1\"}",
                "y{c=\"1\"}",
                "y{c=\"\"}",
                "y{c!=\"\"}",
                "x{b=~\"1|2\"}",
                "vector(2)",
                "absent(q{a=\"1\"})",
            ])
            .to_owned();
    }
    let deeper = |random: &mut Random| expression(random, depth - 1);
    match random.below(9) {
        0..=3 => {
            let op = random.pick(&["+", "*", "/", ">=", "!=", "and", "or", "unless", "== bool"]);
            let matching = random.pick(&[
                "",
                "",
                "on (a)",
                "on (job)",
                "on (a, b)",
                "on (job, instance)",
                "ignoring (b)",
                "ignoring (a, b)",
                "on ()",
            ]);
            let is_set = matches!(op, "and" | "or" | "unless");
            let group = if is_set || matching.is_empty() {
                ""
            } else {
                random.pick(&["", "", "group_left ()", "group_right ()", "group_left (c)"])
            };
            format!("({} {op} {matching} {group} {})", deeper(random), deeper(random))
        }
        4 | 5 => {
            let by = random.pick(&[
                "",
                "by (a)",
                "by (a, b)",
                "without (a)",
                "by (job)",
                "by (c)",
                "by (d, instance)",
            ]);
            let op = random.pick(&["sum", "max", "count", "topk", "count_values"]);
            let param = match op {
                "topk" => "1, ",
                "count_values" => "\"v\", ",
                _ => "",
            };
            format!("{op} {by} ({param}{})", deeper(random))
        }
        6 => random
            .pick(&[
                "label_replace({}, \"n\", \"$1\", \"a\", \"(.*)\")",
                "label_replace({}, \"a\", \"$1\", \"b\", \"(.+)\")",
                "label_replace({}, \"b\", \"\", \"\", \"\")",
                "label_join({}, \"n\", \"-\", \"a\", \"b\")",
                "abs({})",
                "sort({})",
                "-{}",
            ])
            .replacen("{}", &deeper(random), 1),
        7 => format!("max_over_time(({})[2m:1m])", deeper(random)),
        _ => format!("({} > {})", deeper(random), random.pick(&["0", "1", "3"])),
    }
}

/// The backend as promtool and as the contract know it.
fn facts(rules: String) -> Facts {
    let line = |(name, labels): &(&str, &str)| format!("{name}{{{labels}}} 1\n");
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    Facts {
        rule_files: vec![RuleFile::parse("rules.yml", rules)],
        contract: Some(Contract::parse(&SERIES.iter().map(line).collect::<String>())),
        backend_jobs: set(&["shop"]),
        jobs: Some(set(&["shop"])),
        target_labels: Some(set(&["instance", "job"])),
        ..Facts::default()
    }
}

/// What Prometheus returns of each expression: the label sets, or its error.
fn answers(cases: &[String]) -> BTreeMap<String, Result<BTreeSet<Element>, String>> {
    let series: Vec<_> = SERIES
        .iter()
        .enumerate()
        .map(|(index, (name, labels))| {
            let labels = if labels.is_empty() { String::new() } else { format!(",{labels}") };
            json!({"series": format!("{name}{{job=\"shop\",instance=\"…\"{labels}}}"), "values": format!("{}x20", index + 1)})
        })
        .collect();
    let tests: Vec<_> = cases.iter().map(|expr| json!({"expr": expr, "eval_time": "10m"})).collect();
    let file = json!({"evaluation_interval": "1m", "tests": [{"interval": "1m", "input_series": series, "promql_expr_test": tests}]});
    let script = format!(
        "cat >/tmp/t.yml <<'END_OF_TESTS'\n{file}\nEND_OF_TESTS\npromtool test rules /tmp/t.yml 2>&1 || true\n"
    );
    let mut found: BTreeMap<_, _> = cases.iter().map(|expr| (expr.clone(), Ok(BTreeSet::new()))).collect();
    let mut current = String::new();
    for line in ask("prometheus", &script).lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("expr: ") {
            let (quoted, rest) = rest.split_once(", time: ").unwrap();
            current = serde_json::from_str(quoted).unwrap();
            if let Some((_, error)) = rest.split_once("err: ") {
                found.insert(current.clone(), Err(error.to_owned()));
            }
        } else if let Some(got) = line.strip_prefix("got: ") {
            found.insert(current.clone(), Ok(label_sets(got)));
        }
    }
    found
}

/// `{__name__="x", a="1"} 1E+00, {} 2E+00`.
fn label_sets(got: &str) -> BTreeSet<Element> {
    let sets = got.split('{').skip(1).map(|rest| rest.split('}').next().unwrap());
    let pair = |text: &str| {
        let (label, value) = text.split_once('=').unwrap();
        (label.to_owned(), value.trim_matches('"').to_owned())
    };
    let set = |text: &str| -> Element {
        text.split(", ")
            .filter(|pair| !pair.is_empty())
            .map(pair)
            .filter(|(label, _)| label != "__name__")
            .collect()
    };
    sets.map(set).collect()
}

/// What `check` says of each expression alone.
fn said(cases: &[String]) -> Vec<Vec<Finding>> {
    let of = |expr: &String| {
        let rules = json!({"groups": [{"name": "g", "rules": [{"record": "a:b", "expr": expr}]}]});
        check::run(&facts(rules.to_string()))
    };
    cases.iter().map(of).collect()
}

#[test]
fn labels_and_matches_are_those_of_prometheus() {
    if Lab::open().is_none() {
        return;
    }
    let mut random = Random(20_261_130);
    let mut cases = BTreeSet::new();
    while cases.len() < CASES {
        let text = expression(&mut random, 3);
        if promql::parse(&text).is_ok() {
            cases.insert(text);
        }
    }
    let cases: Vec<_> = cases.into_iter().collect();
    let facts = facts(String::new());
    let said = said(&cases);
    let answers = answers(&cases);
    let view = view::view(&facts);
    let (mut certain, mut empty, mut refused) = (0, 0, 0);
    for (at, text) in cases.iter().enumerate() {
        let tree = promql::parse(text).unwrap();
        let labels = view.result_labels(&tree);
        let answer = &answers[text];
        let said = |id: &str, words: &str| {
            said[at].iter().any(|finding| finding.id == id && finding.message.contains(words))
        };
        if said("many-to-many", "") {
            refused += 1;
            // A match that nothing gets to is not evaluated.
            let harmless = answer.as_ref().is_ok_and(BTreeSet::is_empty);
            assert!(answer.is_err() || harmless, "`{text}` is evaluated: {answer:?}");
        }
        let Ok(found) = answer else { continue };
        for element in found {
            assert!(
                element.keys().all(|label| labels.possible.may_have(label)),
                "`{text}`: {element:?}, {labels:?}"
            );
            assert!(
                labels.always().iter().all(|label| element.contains_key(label)),
                "`{text}`: {element:?}, {labels:?}"
            );
        }
        if said("impossible-condition", "never records") {
            empty += 1;
            assert!(found.is_empty(), "`{text}` returns {found:?}");
        }
        if let Some(elements) = elements::elements(&view, &tree) {
            certain += 1;
            assert!(found.is_subset(&elements.sets), "`{text}`: {found:?}, not {:?}", elements.sets);
            assert!(
                elements.filtered || *found == elements.sets,
                "`{text}`: {found:?}, not {:?}",
                elements.sets
            );
        }
    }
    // The cases must not become dull.
    assert!(
        certain > CASES / 5 && empty > CASES / 30 && refused > CASES / 100,
        "{certain} {empty} {refused}"
    );
}
