//! A quantile never exceeds the highest finite bucket, whatever really happens.

use crate::analysis::conditions::{self, Condition};
use crate::analysis::quantiles;
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};
use crate::formats::promql::Op;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "threshold-beyond-buckets",
    severity: Severity::Bug,
    doc: "A quantile is compared with a threshold that the histogram's buckets cannot express.",
    run: Run::Rule(check),
};

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    for condition in conditions::conditions(rule.tree) {
        let (core, factor) = conditions::core(condition.value);
        let Some(top) = quantiles::top_bound(rule.view, core) else { continue };
        let most = top * factor;
        if factor > 0.0 && is_beyond(&condition, most) {
            let message = format!(
                "the highest finite bucket is {most}, and a quantile is never reported above it: `{} {}` can never be true",
                symbol(condition.op),
                condition.threshold
            );
            let fix = format!("choose a threshold below {most}, or give the histogram higher buckets");
            out.push(rule.in_expr(&LINT, condition.threshold_at, message).fix(fix));
        }
    }
}

fn is_beyond(condition: &Condition<'_>, most: f64) -> bool {
    match condition.op {
        Op::Greater => condition.threshold >= most,
        Op::GreaterOrEqual | Op::Equal => condition.threshold > most,
        _ => false,
    }
}

const fn symbol(op: Op) -> &'static str {
    match op {
        Op::GreaterOrEqual => ">=",
        Op::Equal => "==",
        _ => ">",
    }
}
