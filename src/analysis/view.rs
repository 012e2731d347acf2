//! Everything that the analyses look at: the facts, and what was computed from all of the rules.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::{HashMap, HashMapExt};

use crate::analysis::contract::Series;
use crate::analysis::facts::Facts;
use crate::analysis::labels::{LabelSet, ResultLabels, result_labels};
use crate::analysis::routing::{self, Alert};
use crate::formats::alertmanager::AlertmanagerFile;
use crate::formats::parallel;
use crate::formats::promql::{Expr, Selector};
use crate::formats::rule_file::{Group, Rule, RuleFile};
use crate::formats::yaml::source::Source;

/// The facts, and what was computed from all of the rules.
#[derive(Debug)]
pub struct View<'a> {
    pub facts: &'a Facts,
    /// Recorded metric → the labels of its series.
    pub recorded: HashMap<&'a str, ResultLabels>,
    /// The contract's series → the labels that they have in Prometheus, as far as those are known.
    pub series: HashMap<String, ResultLabels>,
    /// Recorded metric → the rules that record it.
    pub recordings: BTreeMap<&'a str, Vec<(&'a Group, &'a Rule)>>,
    /// The configuration that alerts go through; lints look at one after the other.
    pub alertmanager: Option<&'a AlertmanagerFile>,
    /// Every alert with the labels that it will arrive with; none when the routing is not known.
    pub alerts: Vec<Alert<'a>>,
}

/// Rules by name, only those whose name stands more than once; of thousands of rules nearly all names are the only
/// one, and none of them costs an allocation.
pub fn namesakes<'v, K: Copy + Eq + std::hash::Hash>(
    rules: impl Iterator<Item = (K, RuleView<'v>)> + Clone,
) -> Vec<Vec<RuleView<'v>>> {
    let mut seen: HashMap<K, bool> = HashMap::new();
    for (name, _) in rules.clone() {
        seen.entry(name).and_modify(|repeated| *repeated = true).or_insert(false);
    }
    seen.retain(|_, repeated| *repeated);
    if seen.is_empty() {
        return Vec::new();
    }
    let mut found: HashMap<K, Vec<RuleView<'v>>> = HashMap::new();
    for (name, rule) in rules.filter(|(name, _)| seen.contains_key(name)) {
        found.entry(name).or_default().push(rule);
    }
    found.into_values().collect()
}

/// One rule in its surroundings.
#[derive(Clone, Copy, Debug)]
pub struct RuleView<'a> {
    pub view: &'a View<'a>,
    pub file: &'a RuleFile,
    pub group: &'a Group,
    pub rule: &'a Rule,
    pub tree: &'a Expr,
}

impl View<'_> {
    /// Every rule whose expression could be read.
    pub fn rules(&self) -> impl Iterator<Item = RuleView<'_>> + Clone {
        self.facts.rule_files.iter().flat_map(move |file| {
            file.rules().filter_map(move |(group, rule)| {
                let tree = rule.tree.as_ref().ok()?;
                Some(RuleView { view: self, file, group, rule, tree })
            })
        })
    }

    /// The same for one file.
    pub fn rules_of<'v>(&'v self, file: &'v RuleFile) -> impl Iterator<Item = RuleView<'v>> {
        file.rules().filter_map(move |(group, rule)| {
            let tree = rule.tree.as_ref().ok()?;
            Some(RuleView { view: self, file, group, rule, tree })
        })
    }

    /// True for a file that is made for other software than the backend, and for other jobs.
    pub fn is_foreign(&self, source: &Source) -> bool {
        self.facts.foreign_files.contains(&source.path)
    }

    /// What is known of the labels of the series behind a selector's name.
    pub fn series_labels(&self, selector: &Selector) -> ResultLabels {
        let Some(name) = selector.name.as_deref() else { return ResultLabels::unknown() };
        if let Some(labels) = self.recorded.get(name) {
            return labels.clone();
        }
        // Prometheus makes these itself, one for each target; of other jobs' targets nothing more is known.
        if name == "up" || name.starts_with("scrape_") {
            let facts = self.facts;
            let ours = selector.pinned("job").is_some_and(|job| facts.backend_jobs.contains(job));
            let labels = facts.target_labels.as_ref().filter(|_| ours);
            let possible =
                labels.map_or_else(LabelSet::any, |labels| LabelSet::only(labels.iter().map(String::as_str)));
            return ResultLabels::maybe(possible).with("instance").with("job");
        }
        self.known(selector)
            .and_then(|_| self.series.get(name))
            .cloned()
            .unwrap_or_else(ResultLabels::unknown)
    }

    /// The labels that the series of a selector can have.
    pub fn selector_labels(&self, selector: &Selector) -> LabelSet {
        self.series_labels(selector).possible
    }

    /// What is known of the labels of the result of an expression.
    pub fn result_labels(&self, expr: &Expr) -> ResultLabels {
        result_labels(expr, &|selector| self.series_labels(selector))
    }

    /// The labels that the result of an expression can have.
    pub fn labels_of(&self, expr: &Expr) -> LabelSet {
        self.result_labels(expr).possible
    }
}

impl<'a> RuleView<'a> {
    /// Everything that was gathered.
    pub fn facts(&self) -> &'a Facts {
        self.view.facts
    }
}

/// The facts together with what all of the rules say: the metrics that they record.
pub fn view(facts: &Facts) -> View<'_> {
    // A recording rule may read another one, so the labels of all of them are unknown at first.
    let recorded = facts.rule_files.iter().flat_map(RuleFile::rules).filter(|(_, rule)| !rule.is_alert());
    let unknown = recorded.map(|(_, rule)| (rule.name.value.as_str(), ResultLabels::unknown())).collect();
    let mut recordings: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for (group, rule) in
        facts.rule_files.iter().flat_map(RuleFile::rules).filter(|(_, rule)| !rule.is_alert())
    {
        recordings.entry(&rule.name.value).or_default().push((group, rule));
    }
    let first = View {
        facts,
        recorded: unknown,
        series: series(facts),
        recordings: BTreeMap::new(),
        alertmanager: None,
        alerts: Vec::new(),
    };
    let of_file = |file: &'_ RuleFile| -> Vec<ResultLabels> {
        let rules = file.rules().filter(|(_, rule)| !rule.is_alert());
        rules.map(|(group, rule)| recorded_labels(&first, group, rule)).collect()
    };
    let sets = parallel::flat_map(&facts.rule_files, of_file);
    let names = facts.rule_files.iter().flat_map(RuleFile::rules).filter(|(_, rule)| !rule.is_alert());
    let mut recorded: HashMap<&str, ResultLabels> = HashMap::new();
    for ((_, rule), set) in names.zip(sets) {
        let name = rule.name.value.as_str();
        let merged = match recorded.remove(name) {
            Some(other) => other.or(set),
            None => set,
        };
        recorded.insert(name, merged);
    }
    let view = View { recorded, recordings, ..first };
    match facts.alertmanagers.first() {
        Some(alertmanager) => through(view, alertmanager),
        None => view,
    }
}

/// The labels of what a rule records; an empty one of its own takes the label away.
fn recorded_labels(view: &View<'_>, group: &Group, rule: &Rule) -> ResultLabels {
    let from_expr =
        rule.tree.as_ref().map_or_else(|_| ResultLabels::unknown(), |tree| view.result_labels(tree));
    let own = group.labels.iter().chain(rule.labels.iter());
    own.fold(
        from_expr,
        |labels, (label, value)| {
            if value.value.is_empty() { labels.without(label) } else { labels.with(label) }
        },
    )
}

/// The labels of the contract's series; none where those that targets add are not known.
fn series(facts: &Facts) -> HashMap<String, ResultLabels> {
    let (Some(contract), Some(target_labels)) = (&facts.contract, &facts.target_labels) else {
        return HashMap::new();
    };
    let labels = |name: &String| {
        let series = contract.series(name).filter(|series| series.family.samples > 0)?;
        Some(scraped_labels(&series, target_labels))
    };
    contract.series_names().filter_map(|name| labels(&name).map(|labels| (name, labels))).collect()
}

/// The labels that a scrape stores: each series has a job and an instance, and what the backend calls so too
/// gets another name.
fn scraped_labels(series: &Series<'_>, target_labels: &BTreeSet<String>) -> ResultLabels {
    let renamed = series.label_names().filter(|label| target_labels.contains(*label));
    let renamed: Vec<_> = renamed.map(|label| format!("exported_{label}")).collect();
    let all = series.label_names().chain(target_labels.iter().map(String::as_str));
    let possible = LabelSet::only(all.chain(renamed.iter().map(String::as_str)));
    let own = series.certain_labels().filter(|label| !target_labels.contains(*label));
    own.chain(["instance", "job"]).fold(ResultLabels::maybe(possible), ResultLabels::with).shared()
}

/// The view of an Alertmanager configuration: what is known of alerts is what it asks for.
pub fn through<'a>(view: View<'a>, alertmanager: &'a AlertmanagerFile) -> View<'a> {
    let mut view = View { alertmanager: Some(alertmanager), alerts: Vec::new(), ..view };
    view.alerts = routing::alerts::all(&view);
    view
}
