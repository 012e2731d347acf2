//! A labelled counter appears with its first event, already at 1: `increase` needs a sample before that.

use crate::analysis::conditions;
use crate::analysis::contract::{MetricType, Part, Series};
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};
use crate::formats::promql::{Expr, Kind, Op, Selector};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "counter-born-at-one",
    severity: Severity::Warning,
    doc: "`increase(x) > 0` on a counter whose series appears with its first event, which is then missed.",
    run: Run::Rule(check),
};

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    for condition in conditions::conditions(rule.tree) {
        let any_event = match condition.op {
            Op::Greater => (0.0..1.0).contains(&condition.threshold),
            Op::GreaterOrEqual => condition.threshold > 0.0 && condition.threshold <= 1.0,
            Op::NotEqual => condition.threshold == 0.0,
            _ => false,
        };
        let Some((at, function, selector)) = growth(condition.value).filter(|_| any_event) else { continue };
        // A rate above a small number is a threshold; only above 0 does it mean "any event".
        if function == "rate" && condition.threshold > 0.0 {
            continue;
        }
        let Some(series) = rule.view.known(selector).filter(is_born_at_one) else { continue };
        if handles_birth(rule.tree, selector) {
            continue;
        }
        let name = series.family_name;
        let message = format!(
            "a series of `{name}` appears with its first event, already at 1, so `{function}` is 0 for it: the first event is missed"
        );
        let fix =
            format!("let the backend start the series at 0, or add `or ({name} unless {name} offset 5m)`");
        out.push(rule.in_expr(&LINT, at, message).fix(fix));
    }
}

fn growth(value: &Expr) -> Option<(usize, &str, &Selector)> {
    let (core, _) = conditions::core(value);
    match &core.kind {
        Kind::Call { function, args } if matches!(*function, "increase" | "rate" | "changes") => {
            Some((core.at, function, args.first()?.as_selector()?))
        }
        Kind::Aggregate { op, inner, .. } if *op == "sum" => growth(inner),
        _ => None,
    }
}

/// Client libraries start a counter without labels at 0; one that shows a 0 is started as well.
fn is_born_at_one(series: &Series<'_>) -> bool {
    let own_labels = series.family.labels.keys().any(|label| label != "le" && label != "quantile");
    series.part == Part::Whole
        && series.family.kind == MetricType::Counter
        && own_labels
        && !series.family.has_zero
}

/// Somewhere the expression asks for series that were not there before.
fn handles_birth(tree: &Expr, selector: &Selector) -> bool {
    tree.any(&|node| {
        node.as_binary().is_some_and(|binary| {
            let shifted =
                binary.rhs.selectors().iter().any(|(_, s)| s.is_shifted() && s.name == selector.name);
            binary.op == Op::Unless && shifted
        })
    })
}
