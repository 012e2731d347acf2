//! Lints: one file each. Pure: they look at facts that were gathered before.

mod custom_resource;
pub mod finding;
mod foreign_files;
pub mod gather;
pub mod ignore;
pub mod lint;
pub mod lints;
mod origin;
mod overlap;
pub mod panels;
mod placed;
pub mod selection;
pub mod testing;
pub mod validators;
mod wording;

pub use crate::analysis::facts::Facts;
pub use finding::{Finding, Severity};

use crate::analysis::view::{View, through, view};
use crate::formats::alertmanager::AlertmanagerFile;
use crate::formats::parallel;
use crate::formats::rule_file::RuleFile;
use crate::formats::yaml::source::Source;
use crate::render::ProjectFiles;
use lint::{Lint, Run};

/// Every finding, in the order of files and lines.
pub fn run(facts: &Facts) -> Vec<Finding> {
    let view = view(facts);
    let files = facts.rule_files.iter().map(Task::Rules);
    let tasks: Vec<_> = whole().chain(files).collect();
    let mut findings = work(&view, &tasks);
    // What they say again about everything else goes with the other duplicates.
    let mut view = view;
    let again: Vec<_> = whole().collect();
    for other in facts.alertmanagers.iter().skip(1) {
        view = through(view, other);
        findings.extend(work(&view, &again));
    }
    let rules = facts.rule_files.iter().map(|file| &file.source);
    let tests = facts.rule_tests.iter().map(|file| &file.source);
    let routing = facts.alertmanagers.iter().map(AlertmanagerFile::edited);
    let messages = facts.notification_templates.iter().flatten();
    let dashboards = facts.dashboards.iter().flatten().map(|dashboard| &dashboard.source);
    finish(&mut findings, rules.chain(tests).chain(routing).chain(messages).chain(dashboards));
    findings
}

/// The files of rules that are not loaded, without the rest of a check.
pub fn unread_rule_files(files: &ProjectFiles) -> Vec<Finding> {
    gather::unread_rule_files(files).iter().map(lints::unread_rule_file).collect()
}

/// A share of the work that needs nothing of the others.
enum Task<'a> {
    /// A lint that looks at everything.
    All(fn(&View<'_>, &mut Vec<Finding>)),
    /// The lints of single rules, for one file.
    Rules(&'a RuleFile),
}

fn whole<'a>() -> impl Iterator<Item = Task<'a>> {
    lints::ALL.iter().filter_map(|lint: &&Lint| match lint.run {
        Run::All(check) => Some(Task::All(check)),
        Run::Rule(_) | Run::Reading => None,
    })
}

fn work(view: &View<'_>, tasks: &[Task<'_>]) -> Vec<Finding> {
    parallel::flat_map(tasks, |task| task.findings(view))
}

impl Task<'_> {
    fn findings(&self, view: &View<'_>) -> Vec<Finding> {
        let mut findings = Vec::new();
        match self {
            Self::All(check) => check(view, &mut findings),
            Self::Rules(file) => {
                for rule in view.rules_of(file) {
                    let before = findings.len();
                    for lint in lints::ALL {
                        if let Run::Rule(check) = lint.run {
                            check(&rule, &mut findings);
                        }
                    }
                    overlap::settle(&mut findings, before);
                }
            }
        }
        findings
    }
}

/// One sentence about what an id stands for.
pub fn doc(id: &str) -> &'static str {
    let lint = lints::ALL.iter().find(|lint| lint.id == id).map(|lint| lint.doc);
    lint.or_else(|| validators::doc(id))
        .or_else(|| panels::doc(id))
        .or_else(|| other_doc(id))
        .unwrap_or("A finding of confidexmon.")
}

fn other_doc(id: &str) -> Option<&'static str> {
    match id {
        "settings" => Some("The settings or a template cannot be used as they are."),
        "live-unreachable" => Some("Something that runs was to be asked and did not answer."),
        _ => None,
    }
}

/// Applies the `ignore` comments of these files and sorts.
pub fn finish<'a>(findings: &mut Vec<Finding>, sources: impl Iterator<Item = &'a Source>) {
    let known = |id: &str| lints::ALL.iter().any(|lint| lint.id == id);
    for source in sources {
        ignore::apply(source, &known, findings);
    }
    validators::sort(findings);
}

#[cfg(test)]
mod expression_cases;
#[cfg(test)]
pub(crate) mod shipped;
#[cfg(test)]
mod tests;
