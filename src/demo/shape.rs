//! The captured exposition as families and series, and back to text.

use std::fmt::Write;

use crate::formats::exposition::{self, MetricType, Sample};

/// The capture that the families come from: the real client library's output.
pub(super) const CAPTURE: &str = include_str!("../../config/backend.prom");

/// One metric family with its samples.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Family {
    pub name: String,
    pub help: String,
    pub kind: MetricType,
    pub series: Vec<Sample>,
}

impl Family {
    /// A histogram's samples have names of their own.
    fn owns(&self, sample: &str) -> bool {
        let Some(ending) = sample.strip_prefix(&self.name) else { return false };
        ending.is_empty()
            || self.kind == MetricType::Histogram && matches!(ending, "_bucket" | "_sum" | "_count")
    }
}

/// The families of a capture, in its order: what chance does in the model depends on it.
pub(super) fn parse(text: &str) -> Vec<Family> {
    let exposition = exposition::parse(text);
    let declared = exposition.families.into_iter();
    let mut families: Vec<Family> = declared
        .map(|(name, of)| Family { name, help: of.help, kind: of.kind, series: Vec::new() })
        .collect();
    families.sort_by_key(|family| text.find(&format!("# HELP {} ", family.name)));
    for sample in exposition.samples {
        if let Some(family) = families.iter_mut().find(|family| family.owns(&sample.name)) {
            family.series.push(sample);
        }
    }
    families
}

/// The exposition, formatted as the client library formats it: a blank line after each family.
pub(super) fn write(families: &[Family]) -> String {
    let mut text = String::new();
    for family in families {
        let (name, kind) = (&family.name, family.kind.word());
        let _ = writeln!(text, "# HELP {name} {}\n# TYPE {name} {kind}", family.help);
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
