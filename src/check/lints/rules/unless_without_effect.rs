//! `unless` whose sides can never meet excludes nothing: the guard is none.

use crate::analysis::labels::{Presence, ResultLabels};
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};
use crate::formats::promql::{Binary, Matching, Op};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "unless-without-effect",
    severity: Severity::Bug,
    doc: "The sides of `unless` have different labels, so it never excludes anything.",
    run: Run::Rule(check),
};

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    rule.tree.walk(&mut |node| {
        let Some(binary) = node.as_binary().filter(|binary| binary.op == Op::Unless) else { return };
        let (left, right) = (rule.view.result_labels(&binary.lhs), rule.view.result_labels(&binary.rhs));
        let found = lacking(binary, &right, &left)
            .map(|label| ("left", "right", label))
            .or_else(|| lacking(binary, &left, &right).map(|label| ("right", "left", label)));
        let Some((lacks, has, label)) = found else { return };
        let message = format!(
            "`unless` excludes series by {}, and the {lacks} side has no `{label}` while the {has} side always has one: it excludes nothing",
            by(binary)
        );
        let common: Vec<_> = left.always().intersection(right.always()).map(String::as_str).collect();
        let fix = format!("exclude by what both sides have: `unless on ({}) …`", common.join(", "));
        out.push(rule.in_expr(&LINT, node.at, message).fix(fix));
    });
}

/// A matched label that one side always has and the other never.
fn lacking<'l>(binary: &Binary, one: &'l ResultLabels, other: &ResultLabels) -> Option<&'l str> {
    let mut labels = one.always().iter().filter(|label| binary.matches_by(label));
    labels.find(|label| other.presence(label) == Presence::Never).map(String::as_str)
}

fn by(binary: &Binary) -> String {
    match &binary.matching {
        Matching::All => "all of their labels".to_owned(),
        Matching::On(labels) => labels.iter().map(|l| format!("`{l}`")).collect::<Vec<_>>().join(", "),
        Matching::Ignoring(_) => "all of their other labels".to_owned(),
    }
}
