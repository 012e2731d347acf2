//! Our reader of `PromQL` against Prometheus's own: generated expressions and what is left of them when
//! a piece is taken away, checked by the real promtool. What one of them refuses, the other must refuse.

use std::collections::BTreeSet;

use confidexmon::formats::promql;
use serde_json::json;

use crate::differential::{Random, ask};
use crate::lab::Lab;

const CASES: usize = 3000;

fn expression(random: &mut Random, depth: usize) -> String {
    if depth == 0 || random.one_in(4) {
        return leaf(random);
    }
    let deeper = |random: &mut Random| expression(random, depth - 1);
    match random.below(10) {
        0..=3 => {
            let ops =
                ["+", "-", "*", "/", "%", "^", "atan2", "and", "or", "unless", "==", "!=", ">", "< bool"];
            let modifiers =
                ["", "", "", "on (a)", "ignoring(a, b)", "on () group_left", "ignoring (a) group_right (b)"];
            let (op, modifier) = (random.pick(&ops), random.pick(&modifiers));
            format!("{} {op} {modifier} {}", deeper(random), deeper(random))
        }
        4 => format!("({})", deeper(random)),
        5 => format!("-{}", deeper(random)),
        6 => {
            let (op, by) = (
                random.pick(&["sum", "MAX", "count", "avg"]),
                random.pick(&["", " by (a, b,)", " without (c)"]),
            );
            format!("{op}{by} ({})", deeper(random))
        }
        7 => format!("topk(3, {}) by (a)", deeper(random)),
        8 => {
            let calls = [
                "histogram_quantile(0.9, {})",
                "clamp({}, 0, 1)",
                "label_replace({}, \"x\", '$1', \"y\", `(.*)`)",
                "scalar({})",
                "vector({})",
                "round({})",
                "round({}, 5)",
                "hour({})",
                "sort_desc({})",
                "predict_linear({}, 1h)",
            ];
            random.pick(&calls).replacen("{}", &deeper(random), 1)
        }
        _ => format!("max_over_time(({})[1h:5m])", deeper(random)),
    }
}

fn leaf(random: &mut Random) -> String {
    let leaves = [
        "up",
        "job:x:rate5m",
        "sum",
        "by",
        r#"x_total{a="b", c=~"d|e",}"#,
        r#"{a!="b",c!~'d.*',e=~".+"}"#,
        r#"{"x.y", "a.b"="c"}"#,
        "x offset 5m",
        "x @ 12.5",
        "x @ end() offset -1m",
        "rate(x_total[5m])",
        "increase(y[1h30m] offset 1m)",
        "rate(x[300])",
        "1",
        "0.5",
        "1e3",
        "0x1F",
        "Inf",
        "nan",
        "5m",
        "time()",
        "\"text\"",
        "x[5m]",
        "{a=\"\"}",
        "x{__name__=\"y\"}",
        "absent(up{job=\"a\"})",
        "x # a comment\n",
        "'it\\'s'",
        "\"\\q\"",
        "08",
        "1_000",
    ];
    random.pick(&leaves).to_owned()
}

/// The same without one of its pieces.
fn without_a_piece(random: &mut Random, text: &str) -> String {
    let pieces: Vec<&str> = text.split_inclusive([' ', '(', ')', '[', '{', ',', '"']).collect();
    let gone = random.below(pieces.len());
    pieces.iter().enumerate().filter(|(index, _)| *index != gone).map(|(_, piece)| *piece).collect()
}

#[test]
fn we_refuse_what_promtool_refuses() {
    if Lab::open().is_none() {
        return;
    }
    let mut random = Random(20_261_125);
    let mut cases = Vec::new();
    while cases.len() < CASES {
        let whole = expression(&mut random, 4);
        let text = if random.one_in(2) { without_a_piece(&mut random, &whole) } else { whole };
        // A rule without any expression is refused for another reason.
        if !text.trim().is_empty() {
            cases.push(text);
        }
    }
    let rules: Vec<_> = cases
        .iter()
        .enumerate()
        .map(|(case, text)| json!({"record": format!("case_{case}"), "expr": text}))
        .collect();
    let file = json!({"groups": [{"name": "g", "rules": rules}]});
    let script = format!(
        "cat >/tmp/r.yml <<'END_OF_RULES'\n{file}\nEND_OF_RULES\npromtool check rules --lint=none /tmp/r.yml 2>&1 || true\n"
    );
    let answer = ask("prometheus", &script);
    let refused: BTreeSet<usize> = answer
        .lines()
        .filter(|line| line.contains("could not parse expression"))
        .filter_map(|line| line.split_once("\"case_")?.1.split_once('"')?.0.parse().ok())
        .collect();
    for (case, text) in cases.iter().enumerate() {
        match (promql::parse(text), refused.contains(&case)) {
            (Ok(_), true) => panic!("only promtool refuses `{text}`"),
            (Err(unread), false) => panic!("only we refuse `{text}`: {unread}"),
            _ => {}
        }
    }
    let share = refused.len() * 100 / CASES;
    assert!((20..80).contains(&share), "the cases became dull: {share} % are refused");
}
