//! What the backend exports: the contract that rules are checked against.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::HashMap;

pub use crate::formats::exposition::MetricType;

use crate::formats::exposition::{self, Sample};

/// A family by its name, with what its samples show.
#[derive(Clone, Debug, Default)]
pub struct Family {
    pub kind: MetricType,
    pub help: String,
    pub samples: usize,
    /// Label name → values seen; `le` and `quantile` included.
    pub labels: BTreeMap<String, BTreeSet<String>>,
    /// The label sets of the samples, the first 500 of them, each with its part.
    pub series: Vec<(Part, SeriesLabels)>,
    /// Labels that every sample of a part has.
    certain: Vec<(Part, BTreeSet<String>)>,
    /// Upper bounds of a histogram in rising order, `+Inf` included.
    pub bounds: Vec<f64>,
    /// Every value seen was 0.
    pub all_zero: bool,
    /// Some value seen was 0: the backend starts its series there.
    pub has_zero: bool,
    /// The smallest and the largest value seen.
    pub range: Option<(f64, f64)>,
}

/// The labels of one sample with a value, sorted by name.
pub type SeriesLabels = BTreeMap<String, String>;

/// As many series of a family are remembered; what they show holds without the rest.
const MOST_SERIES: usize = 500;

/// The families of an exposition, also those without samples.
#[derive(Clone, Debug, Default)]
pub struct Contract {
    families: HashMap<String, Family>,
    /// First parts of the names, such as `confidex`.
    namespaces: BTreeSet<String>,
}

/// What a series name stands for.
#[derive(Clone, Copy, Debug)]
pub struct Series<'a> {
    pub family_name: &'a str,
    pub family: &'a Family,
    pub part: Part,
}

/// What of a family a series name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Whole,
    Bucket,
    Sum,
    Count,
    Created,
}

const PARTS: [(&str, Part); 4] =
    [("_bucket", Part::Bucket), ("_sum", Part::Sum), ("_count", Part::Count), ("_created", Part::Created)];

impl Contract {
    /// Reads an exposition; lines that cannot be read are left out.
    pub fn parse(text: &str) -> Self {
        let exposition = exposition::parse(text);
        let mut contract = Self::default();
        for (name, declared) in exposition.families {
            let family =
                Family { kind: declared.kind, help: declared.help, all_zero: true, ..Family::default() };
            contract.families.insert(name, family);
        }
        for sample in exposition.samples {
            contract.add(sample);
        }
        for (name, family) in &mut contract.families {
            family.bounds.sort_by(f64::total_cmp);
            family.bounds.dedup();
            contract.namespaces.extend(name.split_once('_').map(|(first, _)| first.to_owned()));
        }
        contract
    }

    fn add(&mut self, sample: Sample) {
        let (name, part) = self.series(&sample.name).map_or_else(
            || (sample.name.clone(), Part::Whole),
            |series| (series.family_name.to_owned(), series.part),
        );
        let family =
            self.families.entry(name).or_insert_with(|| Family { all_zero: true, ..Family::default() });
        family.samples += 1;
        family.all_zero &= sample.value == 0.0;
        family.has_zero |= sample.value == 0.0;
        let (least, most) = family.range.unwrap_or((sample.value, sample.value));
        family.range = Some((least.min(sample.value), most.max(sample.value)));
        // A label without a value is none.
        let labels = || sample.labels.iter().filter(|(_, value)| !value.is_empty());
        family.note_labels(part, labels().map(|(label, _)| label.as_str()));
        if family.series.len() < MOST_SERIES {
            family.series.push((part, labels().cloned().collect()));
        }
        for (label, value) in sample.labels {
            if label == "le" && family.kind == MetricType::Histogram {
                family.bounds.extend(value.parse::<f64>().ok());
            }
            family.labels.entry(label).or_default().insert(value);
        }
    }

    /// The family behind a series name, `_bucket`, `_sum` and `_count` included.
    pub fn series(&self, name: &str) -> Option<Series<'_>> {
        if let Some((family_name, family)) = self.families.get_key_value(name) {
            return Some(Series { family_name, family, part: Part::Whole });
        }
        PARTS.iter().find_map(|(suffix, part)| {
            let (family_name, family) = self.families.get_key_value(name.strip_suffix(suffix)?)?;
            let has_parts = match part {
                Part::Bucket => family.kind == MetricType::Histogram,
                Part::Created => family.kind != MetricType::Gauge,
                _ => matches!(family.kind, MetricType::Histogram | MetricType::Summary),
            };
            has_parts.then_some(Series { family_name, family, part: *part })
        })
    }

    /// True when the name begins as the backend's names do.
    pub fn owns_namespace_of(&self, name: &str) -> bool {
        name.split_once('_').is_some_and(|(first, _)| self.namespaces.contains(first))
    }

    /// Every family by its name, in their order.
    pub fn families(&self) -> impl Iterator<Item = (&str, &Family)> {
        let mut all: Vec<_> = self.families.iter().map(|(name, family)| (name.as_str(), family)).collect();
        all.sort_unstable_by_key(|(name, _)| *name);
        all.into_iter()
    }

    /// True when it names no metric at all.
    pub fn is_empty(&self) -> bool {
        self.families.is_empty()
    }

    /// Every name a rule can use, for the nearest one to a typing mistake.
    pub fn series_names(&self) -> impl Iterator<Item = String> {
        self.families().flat_map(|(name, family)| match family.kind {
            MetricType::Histogram => {
                vec![format!("{name}_bucket"), format!("{name}_sum"), format!("{name}_count")]
            }
            MetricType::Summary => vec![name.to_owned(), format!("{name}_sum"), format!("{name}_count")],
            _ => vec![name.to_owned()],
        })
    }
}

impl Family {
    /// Keeps the labels that each sample of a part has.
    fn note_labels<'l>(&mut self, part: Part, labels: impl Iterator<Item = &'l str>) {
        let labels: BTreeSet<String> = labels.map(ToOwned::to_owned).collect();
        match self.certain.iter_mut().find(|(of, _)| *of == part) {
            Some((_, certain)) => certain.retain(|label| labels.contains(label)),
            None => self.certain.push((part, labels)),
        }
    }
}

impl Series<'_> {
    /// The type of exactly this series, as `rate` sees it.
    pub fn kind(&self) -> MetricType {
        match self.part {
            Part::Whole => self.family.kind,
            Part::Bucket | Part::Sum | Part::Count => MetricType::Counter,
            Part::Created => MetricType::Gauge,
        }
    }

    /// Label names of the samples; of a histogram's `_sum` and `_count` without `le`.
    pub fn label_names(&self) -> impl Iterator<Item = &str> {
        let hides_le = matches!(self.part, Part::Sum | Part::Count);
        self.family
            .labels
            .keys()
            .map(String::as_str)
            .filter(move |label| !(hides_le && matches!(*label, "le" | "quantile")))
    }

    /// Labels that each of the samples has.
    pub fn certain_labels(&self) -> impl Iterator<Item = &str> {
        let of_part = self.family.certain.iter().find(|(part, _)| *part == self.part);
        of_part.into_iter().flat_map(|(_, labels)| labels.iter().map(String::as_str))
    }

    /// The label sets of its samples.
    pub fn label_sets(&self) -> impl Iterator<Item = &SeriesLabels> {
        self.family.series.iter().filter(|(part, _)| *part == self.part).map(|(_, labels)| labels)
    }

    /// A histogram declared but never used has no bounds; neither has anything else.
    pub fn top_finite_bound(&self) -> Option<f64> {
        self.family.bounds.iter().copied().rfind(|bound| bound.is_finite())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const TEXT: &str = "# HELP a_b_total Things.\n# TYPE a_b_total counter\na_b_total{s=\"ok\"} 3\na_b_total{s=\"no\"} 0\n\
        # TYPE a_h histogram\na_h_bucket{le=\"0.5\",p=\"x\"} 1\na_h_bucket{le=\"5\",p=\"x\"} 1\na_h_bucket{le=\"+Inf\",p=\"x\"} 1\na_h_sum{p=\"x\"} 0.1\na_h_count{p=\"x\"} 1\n\
        # TYPE a_never gauge\n# TYPE a_zero gauge\na_zero 0\n";

    #[test]
    fn knows_families_and_their_parts() {
        let contract = Contract::parse(TEXT);
        assert_eq!(contract.series("a_b_total").unwrap().kind(), MetricType::Counter);
        assert_eq!(contract.series("a_b_total").unwrap().family.labels["s"].len(), 2);
        let bucket = contract.series("a_h_bucket").unwrap();
        assert_eq!(bucket.top_finite_bound(), Some(5.0));
        assert_eq!(contract.series("a_h_sum").unwrap().label_names().collect::<Vec<_>>(), ["p"]);
        assert_eq!(contract.series("a_never").unwrap().family.samples, 0);
        assert!(contract.series("a_zero").unwrap().family.all_zero);
        assert!(contract.series("a_zero_sum").is_none());
        assert!(contract.owns_namespace_of("a_typo") && !contract.owns_namespace_of("node_load1"));
    }
}
