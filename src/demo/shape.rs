//! The captured exposition as families and series, and back to text.

use std::fmt::Write;

/// The capture that the families come from: the real client library's output.
pub(super) const CAPTURE: &str = include_str!("../../config/backend.prom");

/// One metric family in the capture's order.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Family {
    pub name: String,
    pub help: String,
    pub kind: String,
    pub series: Vec<Series>,
}

/// One sample line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Series {
    /// With `_bucket`, `_sum`, `_count` for histograms.
    pub name: String,
    pub labels: Vec<(String, String)>,
    pub value: f64,
}

impl Series {
    pub(super) fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The labels without one of them: the group that a series belongs to.
    pub(super) fn group(&self, without: &str) -> Vec<(String, String)> {
        self.labels.iter().filter(|(name, _)| name != without).cloned().collect()
    }
}

/// Reads the exposition format as the capture has it. Lines that are no samples are skipped.
pub(super) fn parse(text: &str) -> Vec<Family> {
    let mut families: Vec<Family> = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap_or((rest, ""));
            families.push(Family {
                name: name.to_owned(),
                help: help.to_owned(),
                kind: String::new(),
                series: Vec::new(),
            });
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            if let (Some(family), Some((_, kind))) = (families.last_mut(), rest.split_once(' ')) {
                kind.clone_into(&mut family.kind);
            }
        } else if let (Some(family), Some(series)) = (families.last_mut(), sample(line)) {
            family.series.push(series);
        }
    }
    families
}

fn sample(line: &str) -> Option<Series> {
    let (head, value) = line.rsplit_once(' ')?;
    let (name, labels) = match head.split_once('{') {
        Some((name, rest)) => (name, labels(rest.strip_suffix('}')?)?),
        None => (head, Vec::new()),
    };
    Some(Series { name: name.to_owned(), labels, value: value.parse().ok()? })
}

/// `a="x",b="y"`; the capture's values hold no escapes.
fn labels(text: &str) -> Option<Vec<(String, String)>> {
    let pairs = text.split("\",").map(|pair| {
        let (name, value) = pair.split_once("=\"")?;
        Some((name.to_owned(), value.trim_end_matches('"').to_owned()))
    });
    pairs.collect()
}

/// The exposition, formatted as the client library formats it: a blank line after each family.
pub(super) fn write(families: &[Family]) -> String {
    let mut text = String::new();
    for family in families {
        let _ =
            writeln!(text, "# HELP {} {}\n# TYPE {} {}", family.name, family.help, family.name, family.kind);
        for series in &family.series {
            text.push_str(&series.name);
            for (index, (name, value)) in series.labels.iter().enumerate() {
                let _ = write!(text, "{}{name}=\"{value}\"", if index == 0 { '{' } else { ',' });
            }
            let _ = writeln!(text, "{} {}", if series.labels.is_empty() { "" } else { "}" }, series.value);
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_capture_survives_reading_and_writing() {
        let written = write(&parse(CAPTURE));
        let lines =
            |text: &str| text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect::<Vec<_>>();
        for (ours, captured) in lines(&written).iter().zip(lines(CAPTURE)) {
            let head = |line: &str| line.rsplit_once(' ').map(|(head, _)| head.to_owned());
            if ours.starts_with('#') {
                assert_eq!(*ours, captured);
            } else {
                assert_eq!(head(ours), head(&captured));
            }
        }
        assert_eq!(lines(&written).len(), lines(CAPTURE).len());
    }
}
