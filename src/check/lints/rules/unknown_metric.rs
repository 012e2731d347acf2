//! A metric that nobody exports never fires an alert.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::contract::{Contract, MetricType, Part};
use crate::analysis::contract_match::ContractMatch;
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run, View};
use crate::formats::promql::Selector;
use crate::formats::rule_file::RuleFile;
use crate::model::closest_name;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "unknown-metric",
    severity: Severity::Bug,
    doc: "A rule uses a metric that the backend does not export.",
    run: Run::All(check),
};

/// Suggestions cost the most; a rule set with more unknown names than this has another problem.
const MOST_SUGGESTIONS: usize = 200;

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    let Some(contract) = view.contract() else { return };
    let mut suggestions = Suggestions { contract, known: BTreeMap::new() };
    for file in view.facts.rule_files.iter().filter(|file| view.is_foreign(&file.source)) {
        out.extend(not_checked(view, file));
    }
    for rule in view.rules().filter(|rule| !view.is_foreign(&rule.file.source)) {
        let mut seen: Vec<&str> = Vec::new();
        for (node, selector) in rule.tree.selectors() {
            let Some(name) = selector.name.as_deref().filter(|name| !seen.contains(name)) else { continue };
            seen.push(name);
            out.extend(assess(&rule, node.at, selector, &mut suggestions));
        }
    }
}

fn assess(
    rule: &RuleView<'_>,
    at: usize,
    selector: &Selector,
    suggestions: &mut Suggestions<'_>,
) -> Option<Finding> {
    match rule.view.match_contract(selector)? {
        ContractMatch::Missing { name, certain } => {
            let message =
                format!("`{name}` is not exported by the backend: nothing that needs it can ever fire");
            let severity = if certain { Severity::Bug } else { Severity::Warning };
            let finding = rule.in_expr(&LINT, at, message).severity(severity);
            let near = suggestions.near(name);
            Some(if let Some(near) = near { finding.fix(format!("did you mean `{near}`?")) } else { finding })
        }
        ContractMatch::Known(series)
            if series.part == Part::Whole && series.family.kind == MetricType::Histogram =>
        {
            let name = series.family_name;
            let message = format!(
                "`{name}` is a histogram: no series has this name, so nothing that needs it can ever fire"
            );
            let fix = format!("use `{name}_bucket`, `{name}_sum` or `{name}_count`");
            Some(rule.in_expr(&LINT, at, message).fix(fix))
        }
        ContractMatch::Known(_) => None,
    }
}

/// Said once of a file of rules for other software: what it needs is in no contract that we have.
fn not_checked(view: &View<'_>, file: &RuleFile) -> Option<Finding> {
    let mut first = None;
    let mut names = BTreeSet::new();
    for rule in view.rules_of(file) {
        for (node, selector) in rule.tree.selectors() {
            if let Some(ContractMatch::Missing { name, .. }) = view.match_contract(selector) {
                first.get_or_insert((rule.rule, node.at, name));
                names.insert(name);
            }
        }
    }
    let (rule, at, name) = first?;
    let more = match names.len() - 1 {
        0 => String::new(),
        more => format!(", nor are {more} more of this file"),
    };
    let message = format!(
        "`{name}` is not in the contract{more}: these rules are for something else than the backend, so their metrics and jobs were not checked"
    );
    let place = rule.expr.place_of(&file.source, at);
    let finding = LINT.at(&file.source, place, message).severity(Severity::Info);
    Some(finding.fix("name a saved exposition of what they watch as well: `check RULES EXPOSITION.prom`"))
}

struct Suggestions<'a> {
    contract: &'a Contract,
    known: BTreeMap<String, Option<String>>,
}

impl Suggestions<'_> {
    fn near(&mut self, name: &str) -> Option<String> {
        if let Some(known) = self.known.get(name) {
            return known.clone();
        }
        if self.known.len() >= MOST_SUGGESTIONS {
            return None;
        }
        let found = closest_name(name, self.contract.series_names());
        self.known.insert(name.to_owned(), found.clone());
        found
    }
}
