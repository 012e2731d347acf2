//! A scrape job whose targets may all be down without anybody hearing of it.

use crate::analysis::contract_match::is_stack_job;
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::formats::alertmanager::Matcher;
use crate::formats::promql::{Expr, Selector};
use crate::formats::rule_file::{Rule, RuleFile};
use crate::formats::yaml::node::{self, Node};
use crate::formats::yaml::source::{Position, Source};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "unwatched-job",
    severity: Severity::Warning,
    doc: "No alert would notice that all targets of a scrape job are down.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    let Some(jobs) = view.facts.jobs.as_ref().filter(|_| view.facts.is_complete_rule_set) else { return };
    // A rule that could not be read may watch any job.
    let readable = |rule: &Rule| rule.tree.is_ok();
    let mut rules = view.facts.rule_files.iter().flat_map(RuleFile::rules);
    if view.rules().next().is_none() || !rules.all(|(_, rule)| readable(rule)) {
        return;
    }
    let watching: Vec<&Expr> = view
        .rules()
        .filter(|rule| rule.rule.is_alert() || rule.tree.any(&is_up))
        .map(|rule| rule.tree)
        .collect();
    let file = view
        .facts
        .settings_file
        .clone()
        .unwrap_or_else(|| Source::new("config/confidexmon.yml", String::new()));
    // The stack's own services are another lint's matter.
    for job in jobs.iter().filter(|job| !is_stack_job(job)) {
        let watched = watching
            .iter()
            .any(|tree| tree.any(&|node| is_up(node) && node.as_selector().is_some_and(|s| takes(s, job))));
        if !watched {
            let message =
                format!("the job \"{job}\" is scraped, and no alert watches its `up`: it may be down unseen");
            let fix = format!("add an alert on `up{{job=\"{job}\"}} == 0`, or stop scraping it");
            out.push(LINT.at(&file, place_of(job, &file), message).fix(fix));
        }
    }
}

/// Where the settings name the job; the whole file when they do not.
fn place_of(job: &str, file: &Source) -> Position {
    let tree = node::parse(file).unwrap_or(Node::Null);
    let targets = tree.list_at("targets").iter();
    let mut named = targets.filter_map(|target| target.scalar_at("job")).filter(|name| name.value == job);
    named.next().map_or(Position::default(), |name| name.place(file))
}

fn is_up(node: &Expr) -> bool {
    node.as_selector().is_some_and(|selector| selector.name.as_deref() == Some("up"))
}

fn takes(selector: &Selector, job: &str) -> bool {
    let mut matchers = selector.matchers.iter().filter(|matcher| matcher.label == "job");
    matchers.all(|found| Matcher::new("job", found.op, found.value.as_str()).matches(job) != Some(false))
}
