//! What a lint is, and what it is shown.

use std::collections::{BTreeMap, HashMap};

use crate::analysis::routing::Alert;
use crate::check::facts::Facts;
use crate::check::finding::{Finding, Severity};
use crate::formats::alertmanager::AlertmanagerFile;
use crate::formats::promql::{Expr, LabelSet, Selector, output_labels_with};
use crate::formats::rule_file::{Group, Rule, RuleFile};
use crate::formats::yaml::scalar::Scalar;
use crate::formats::yaml::source::{Place, Source};

/// One lint; its id is also the name of its file, of its corpus folder and of its line in the docs.
#[derive(Debug)]
pub struct Lint {
    pub id: &'static str,
    pub severity: Severity,
    /// One sentence: what it finds.
    pub doc: &'static str,
    pub run: Run,
}

/// How a lint is called.
#[derive(Debug)]
pub enum Run {
    /// Once for each rule whose expression could be read.
    Rule(fn(&RuleView<'_>, &mut Vec<Finding>)),
    /// Once for everything.
    All(fn(&View<'_>, &mut Vec<Finding>)),
    /// Not run by itself: raised while reading.
    Reading,
}

/// The facts, and what was computed from all of the rules.
#[derive(Debug)]
pub struct View<'a> {
    pub facts: &'a Facts,
    /// Recorded metric → the labels of its series.
    pub recorded: HashMap<&'a str, LabelSet>,
    /// The contract's series → the labels that they have in Prometheus, as far as those are known.
    pub series: HashMap<String, LabelSet>,
    /// Recorded metric → the rules that record it.
    pub recordings: BTreeMap<&'a str, Vec<(&'a Group, &'a Rule)>>,
    /// The configuration that alerts go through; lints look at one after the other.
    pub alertmanager: Option<&'a AlertmanagerFile>,
    /// Every alert with the labels that it will arrive with; none when the routing is not known.
    pub alerts: Vec<Alert<'a>>,
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

impl Lint {
    /// A finding at a place, with the lint's own severity.
    pub fn at(&self, source: &Source, place: Place, message: String) -> Finding {
        Finding {
            id: self.id,
            severity: self.severity,
            file: source.path.clone(),
            line: place.line,
            column: place.column,
            message,
            alert: None,
            fix: None,
        }
    }
}

impl Finding {
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    #[must_use]
    pub fn alert(mut self, name: &str) -> Self {
        self.alert = Some(name.to_owned());
        self
    }

    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }
}

impl View<'_> {
    /// Every rule whose expression could be read.
    pub fn rules(&self) -> impl Iterator<Item = RuleView<'_>> {
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
    pub fn is_for_others(&self, source: &Source) -> bool {
        self.facts.elsewhere.contains(&source.path)
    }

    /// The labels that the series of a selector can have.
    pub fn selector_labels(&self, selector: &Selector) -> LabelSet {
        let Some(name) = selector.name.as_deref() else { return LabelSet::any() };
        if let Some(labels) = self.recorded.get(name) {
            return labels.clone();
        }
        let facts = self.facts;
        // Prometheus makes these itself, one for each target; of other jobs' targets nothing is known.
        if name == "up" || name.starts_with("scrape_") {
            let ours = selector.pinned("job").is_some_and(|job| facts.backend_jobs.contains(job));
            let labels = facts.target_labels.as_ref().filter(|_| ours);
            return labels
                .map_or_else(LabelSet::any, |labels| LabelSet::only(labels.iter().map(String::as_str)));
        }
        self.series.get(name).cloned().unwrap_or_else(LabelSet::any)
    }

    /// The labels that the result of an expression can have.
    pub fn labels_of(&self, expr: &Expr) -> LabelSet {
        output_labels_with(expr, &|selector| self.selector_labels(selector))
    }
}

impl<'a> RuleView<'a> {
    pub fn facts(&self) -> &'a Facts {
        self.view.facts
    }

    /// A finding at byte `at` of the expression.
    pub fn in_expr(&self, lint: &Lint, at: usize, message: String) -> Finding {
        self.in_scalar(lint, &self.rule.expr, at, message)
    }

    /// A finding at byte `at` of one of the rule's texts.
    pub fn in_scalar(&self, lint: &Lint, scalar: &Scalar, at: usize, message: String) -> Finding {
        self.named(lint.at(&self.file.source, scalar.place_of(&self.file.source, at), message))
    }

    /// A finding about the rule as a whole.
    pub fn on_rule(&self, lint: &Lint, message: String) -> Finding {
        self.named(lint.at(&self.file.source, self.rule.name.place(&self.file.source), message))
    }

    fn named(&self, finding: Finding) -> Finding {
        if self.rule.is_alert() { finding.alert(&self.rule.name.value) } else { finding }
    }
}
