//! The text format that targets expose. Keeps families that have no samples, which is exactly what
//! tells a metric that was declared from one that is used. Lines it cannot read are skipped and counted.

use std::collections::BTreeMap;

/// The type of a metric family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MetricType {
    Counter,
    Gauge,
    Histogram,
    Summary,
    #[default]
    Unknown,
}

impl MetricType {
    /// The word in a `# TYPE` line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
            Self::Unknown => "untyped",
        }
    }
}

/// Everything that a target's text holds.
#[derive(Debug, Default)]
pub struct Exposition {
    pub families: BTreeMap<String, Declared>,
    pub samples: Vec<Sample>,
    /// 1-based numbers of the lines that are neither comments nor samples.
    pub unreadable: Vec<usize>,
}

/// A family as `# TYPE` and `# HELP` declare it.
#[derive(Debug, Default, PartialEq)]
pub struct Declared {
    pub kind: MetricType,
    pub help: String,
}

/// One line with a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub name: String,
    pub labels: Vec<(String, String)>,
    pub value: f64,
}

impl Sample {
    /// The value of a label.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The labels without one of them: what the samples of one histogram share, without `le`.
    pub fn labels_without(&self, name: &str) -> Vec<(String, String)> {
        self.labels.iter().filter(|(key, _)| key != name).cloned().collect()
    }
}

/// Reads a whole exposition; never fails.
pub fn parse(text: &str) -> Exposition {
    let mut exposition = Exposition::default();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(comment) = line.strip_prefix('#') {
            exposition.comment(comment.trim_start());
        } else if !line.is_empty() {
            match sample(line) {
                Some(sample) => exposition.samples.push(sample),
                None => exposition.unreadable.push(index + 1),
            }
        }
    }
    exposition
}

impl Exposition {
    fn comment(&mut self, comment: &str) {
        let Some((keyword, rest)) = comment.split_once([' ', '\t']) else { return };
        if !matches!(keyword, "HELP" | "TYPE") {
            return;
        }
        let mut cursor = Cursor { rest: rest.trim_start() };
        let Some(name) = cursor.metric_name() else { return };
        let text = cursor.rest.trim();
        let family = self.families.entry(name).or_default();
        if keyword == "HELP" {
            family.help = text.replace("\\n", "\n").replace("\\\\", "\\");
        } else {
            family.kind = kind(text);
        }
    }
}

fn kind(text: &str) -> MetricType {
    match text {
        "counter" => MetricType::Counter,
        "gauge" => MetricType::Gauge,
        "histogram" => MetricType::Histogram,
        "summary" => MetricType::Summary,
        _ => MetricType::Unknown,
    }
}

/// `name{labels} value [timestamp] [# exemplar]`, or `{"name",labels} value …`.
fn sample(line: &str) -> Option<Sample> {
    let mut cursor = Cursor { rest: line };
    let mut name = if line.starts_with('{') { None } else { Some(cursor.metric_name()?) };
    let mut labels = Vec::new();
    cursor.skip_space();
    if cursor.eat('{') {
        cursor.labels(&mut name, &mut labels)?;
    }
    let value = cursor.rest.split_whitespace().next()?;
    Some(Sample { name: name?, labels, value: number(value)? })
}

/// Prometheus reads numbers in any case: prom-client writes `Nan`.
fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

struct Cursor<'a> {
    rest: &'a str,
}

impl Cursor<'_> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn eat(&mut self, wanted: char) -> bool {
        let found = self.rest.strip_prefix(wanted);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    /// A bare name, or a quoted one, which may hold any UTF-8.
    fn metric_name(&mut self) -> Option<String> {
        if self.rest.starts_with('"') {
            return self.quoted();
        }
        let end =
            self.rest.find(|c: char| c.is_whitespace() || "{}=,\"#".contains(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!name.is_empty()).then(|| name.to_owned())
    }

    fn quoted(&mut self) -> Option<String> {
        let mut value = String::new();
        let mut chars = self.rest.strip_prefix('"')?.chars();
        loop {
            match chars.next()? {
                '"' => break,
                '\\' => match chars.next()? {
                    'n' => value.push('\n'),
                    other => value.push(other),
                },
                c => value.push(c),
            }
        }
        self.rest = chars.as_str();
        Some(value)
    }

    /// The inside of the braces; a quoted string without `=` is the metric's name.
    fn labels(&mut self, name: &mut Option<String>, labels: &mut Vec<(String, String)>) -> Option<()> {
        loop {
            self.skip_space();
            if self.eat('}') {
                return Some(());
            }
            let label = self.metric_name()?;
            self.skip_space();
            if self.eat('=') {
                self.skip_space();
                labels.push((label, self.quoted()?));
            } else if name.is_none() {
                *name = Some(label);
            } else {
                return None;
            }
            self.skip_space();
            if !self.eat(',') && !self.rest.starts_with('}') {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keeps_families_without_samples() {
        let read = parse("# HELP a_total It\\nis.\n# TYPE a_total counter\n\n# TYPE b gauge\nb 1\n# EOF");
        assert_eq!(
            read.families["a_total"],
            Declared { kind: MetricType::Counter, help: "It\nis.".to_owned() }
        );
        assert_eq!(read.samples.len(), 1);
        assert_eq!(read.unreadable, Vec::<usize>::new());
    }

    #[test]
    fn reads_every_kind_of_sample() {
        let cases: [(&str, &str, usize, f64); 9] = [
            ("a 1", "a", 0, 1.0),
            ("a{} 1", "a", 0, 1.0),
            ("a{b=\"c\",} 2 1700000000000", "a", 1, 2.0),
            ("a { b = \"c\" , d=\"}, \\\"x\\\\\" } +Inf", "a", 2, f64::INFINITY),
            ("a{b=\"c\"} 1.5e3 # {trace_id=\"x\"} 0.1 1700", "a", 1, 1500.0),
            ("{\"a.b\",c=\"d\"} -1", "a.b", 1, -1.0),
            ("a{\"ü.x\"=\"y\"} 0", "a", 1, 0.0),
            ("a:b_c 0x", "", 0, 0.0),
            ("a{b=\"c} 1", "", 0, 0.0),
        ];
        for (line, name, labels, value) in cases {
            match sample(line) {
                Some(found) => assert_eq!(
                    (found.name.as_str(), found.labels.len(), found.value.to_bits()),
                    (name, labels, value.to_bits()),
                    "{line}"
                ),
                None => assert_eq!(name, "", "{line}"),
            }
        }
        assert!(sample("a Nan").unwrap().value.is_nan());
        assert_eq!(parse("a{ 1\nb 2").unreadable, [1]);
    }

    proptest! {
        #[test]
        fn never_panics(text in "([#{}\"=,\\\\ a-zü0-9\n]|HELP|TYPE){0,60}") {
            parse(&text);
        }
    }
}
