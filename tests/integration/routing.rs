//! The routing walk against Alertmanager's own: generated trees and label sets, asked of the real amtool.

use std::io::Write;
use std::process::{Command, Stdio};

use confidexmon::check::alertmanager::AlertmanagerFile;
use confidexmon::check::routing::{Labels, walk};
use serde_json::{Value, json};

use crate::lab::{Lab, image};

const TREES: usize = 50;
const LABEL_SETS: usize = 8;

/// A generator of its own, so that every run tries the same cases.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

const LABELS: [&str; 3] = ["severity", "team", "a_b"];
const VALUES: [&str; 6] = ["x", "y", "xy", "a|b", "d\\d", "1"];

/// Matchers as people write them, also those that only the older or only the newer parser takes.
fn matcher(random: &mut Random) -> String {
    let label = random.pick(&LABELS);
    let patterns = [
        "{}=x",
        "{}=\"x\"",
        " {} = \"y\" ",
        "{}!=x",
        "{}=~\"x|y\"",
        "{}=~x.*",
        "{}=~\"(x|y)+\"",
        "{}!~\"x|1\"",
        "{}=~\"\\d\"",
        "{}=~\"\\\\d\"",
        "{}=\"d\\\\d\"",
        "{}=",
        "{}=\"\"",
        "{}!=\"\"",
        "{}=~\".+\"",
        "{}!~\".+\"",
        "{}=~\".*\"",
        "{}=~\"\"",
        "{}=\"a|b\"",
        "{}=~\"a\\\\|b\"",
        "\"{}\"=\"x\"",
        "{{}=\"x\"}",
        "{}!=y, team!=\"y\"",
        "{{}=~\"x|y\", severity!=1,}",
        "{}==x",
        "{}=~^x$",
        "{}=~\"^x|y$\"",
        "{}=~\"(?i)X\"",
    ];
    random.pick(&patterns).replacen("{}", label, 1)
}

fn route(random: &mut Random, depth: usize, names: &mut Vec<String>) -> Value {
    let mut route = json!({});
    // Without a receiver of its own it inherits one.
    if depth == 0 || !random.one_in(5) {
        names.push(format!("r{}", names.len()));
        route["receiver"] = json!(names.last());
    }
    if depth > 0 {
        match random.below(6) {
            0 => route["match"] = json!({random.pick(&LABELS): random.pick(&VALUES)}),
            1 => route["match_re"] = json!({random.pick(&LABELS): "x|y.?"}),
            2 => {}
            _ => {
                let lines: Vec<String> = (0..=random.below(2)).map(|_| matcher(random)).collect();
                route["matchers"] = json!(lines);
            }
        }
        route["continue"] = json!(random.one_in(3));
    }
    let children = if depth < 3 { 3 + random.below(3) - depth } else { 0 };
    let children: Vec<Value> = (0..children).map(|_| self::route(random, depth + 1, names)).collect();
    route["routes"] = json!(children);
    route
}

fn configuration(random: &mut Random) -> String {
    let mut names = Vec::new();
    let root = route(random, 0, &mut names);
    let receivers: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
    json!({"route": root, "receivers": receivers}).to_string()
}

fn label_set(random: &mut Random) -> Vec<(&'static str, &'static str)> {
    let kept: Vec<_> = LABELS.into_iter().filter(|_| !random.one_in(3)).collect();
    kept.into_iter().map(|label| (label, random.pick(&VALUES))).collect()
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// The answers of the real amtool, one line a case.
fn amtool(script: &str) -> String {
    let image = image("alertmanager");
    let arguments = ["run", "--rm", "-i", "--network", "none", "--entrypoint", "/bin/sh", &image];
    let mut child = Command::new("docker")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_walk_is_that_of_alertmanager() {
    if Lab::open().is_none() {
        return;
    }
    let mut random = Random(20_260_101);
    let mut script = "cd /tmp\n".to_owned();
    let mut expected = Vec::new();
    for tree in 0..TREES {
        let text = configuration(&mut random);
        let file = AlertmanagerFile::read("alertmanager.yml", text.clone());
        assert!(file.problems.is_empty(), "{text}: {:?}", file.problems);
        script += &format!("cat > {tree}.yml <<'END'\n{text}\nEND\n");
        for _ in 0..LABEL_SETS {
            let labels = label_set(&mut random);
            let hits = walk(file.root.as_ref().unwrap(), &Labels::exact(labels.iter().copied()));
            let receivers: Vec<_> = hits.iter().map(|hit| hit.route.sends_to.as_str()).collect();
            expected.push((receivers.join(","), text.clone(), labels.clone()));
            let pairs: Vec<String> = labels
                .iter()
                .map(|(label, value)| quoted(&format!("{label}=\"{}\"", value.replace('\\', "\\\\"))))
                .collect();
            script += &format!(
                "amtool config routes test --config.file={tree}.yml {} 2>error || cat error\necho\n",
                pairs.join(" ")
            );
        }
    }
    let answers = amtool(&script);
    // What it has to say about matchers goes to its standard output, too.
    let answers: Vec<&str> =
        answers.lines().filter(|line| !line.is_empty() && !line.starts_with("time=")).collect();
    assert_eq!(answers.len(), expected.len(), "{answers:#?}");
    for (answer, (receivers, text, labels)) in answers.iter().zip(&expected) {
        assert_eq!(answer, receivers, "{labels:?} in {text}");
    }
    let several = expected.iter().filter(|(receivers, ..)| receivers.contains(',')).count();
    let deep = expected.iter().filter(|(receivers, ..)| receivers != "r0").count();
    assert!(
        several > 40 && deep > 200,
        "the cases became dull: {several} with several routes, {deep} below the root"
    );
}
