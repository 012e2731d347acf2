//! Seconds compared as milliseconds, bytes shown as megabytes.

use crate::analysis::conditions::{self, Condition};
use crate::analysis::contract::{MetricType, Part};
use crate::analysis::contract_match::ContractMatch;
use crate::analysis::quantiles;
use crate::analysis::units::{Unit, split_part, unit};
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};
use crate::formats::promql::Op;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "unit-mismatch",
    severity: Severity::Bug,
    doc: "A threshold or a text in another unit than the metric's.",
    run: Run::Rule(check),
};

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    siblings(rule, out);
    if rule.rule.is_alert() {
        thresholds(rule, out);
        texts(rule, out);
    }
}

/// `x_ms` where the backend exports `x_seconds`.
fn siblings(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    const UNITS: [(&str, &str); 6] = [
        ("_ms", "_seconds"),
        ("_milliseconds", "_seconds"),
        ("_seconds", "_milliseconds"),
        ("_seconds", "_ms"),
        ("_megabytes", "_bytes"),
        ("_mb", "_bytes"),
    ];
    let Some(contract) = rule.view.contract() else { return };
    for (node, selector) in rule.tree.selectors() {
        let Some(ContractMatch::Missing { name, .. }) = rule.view.match_contract(selector) else { continue };
        let (base, part) = split_part(name);
        for (used, exported) in UNITS {
            let Some(stem) = base.strip_suffix(used) else { continue };
            let other = format!("{stem}{exported}{part}");
            if contract.series(&other).is_some() {
                let message = format!(
                    "the backend exports `{other}`, in another unit than `{name}`: the threshold must change as well"
                );
                out.push(
                    rule.in_expr(&LINT, node.at, message)
                        .fix(format!("use `{other}`, and convert the threshold")),
                );
            }
        }
    }
}

/// A quantile in seconds against a threshold that only makes sense in milliseconds.
fn thresholds(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    for condition in conditions::conditions(rule.tree) {
        let (core, factor) = conditions::core(condition.value);
        if let Some((message, fix)) = of_gauge(rule, &condition).or_else(|| of_mean(rule, &condition)) {
            out.push(rule.in_expr(&LINT, condition.threshold_at, message).fix(fix));
            continue;
        }
        let above = matches!(condition.op, Op::Greater | Op::GreaterOrEqual);
        let Some(top) =
            quantiles::top_bound(rule.view, core).filter(|_| above && (factor - 1.0).abs() < 1e-9)
        else {
            continue;
        };
        if condition.threshold < top * 10.0 || unit(core) != Some(Unit::Seconds) {
            continue;
        }
        let message = format!(
            "the metric is in seconds, with buckets up to {top}; {} looks like milliseconds",
            condition.threshold
        );
        out.push(
            rule.in_expr(&LINT, condition.threshold_at, message)
                .fix(format!("compare with {}", condition.threshold / 1000.0)),
        );
    }
}

/// A gauge against a threshold that its own values are far from: megabytes, or milliseconds.
fn of_gauge(rule: &RuleView<'_>, condition: &Condition<'_>) -> Option<(String, String)> {
    let (core, factor) = conditions::core(condition.value);
    let selector = core.as_selector().filter(|_| (factor - 1.0).abs() < 1e-9)?;
    let series = rule.view.known(selector).filter(|series| series.kind() == MetricType::Gauge)?;
    let (least, most) = series.family.range?;
    let (above, threshold) = (matches!(condition.op, Op::Greater | Op::GreaterOrEqual), condition.threshold);
    let name = series.family_name;
    match unit(core)? {
        Unit::Bytes if above && (1.0..100_000.0).contains(&threshold) && least > threshold * 1000.0 => {
            Some((
                format!(
                    "`{name}` is in bytes and was never below {least}; {threshold} looks like megabytes, and is always passed"
                ),
                format!("compare with {}", threshold * 1_000_000.0),
            ))
        }
        Unit::Seconds if above && is_delay(name) && threshold >= 50.0 && threshold > most * 1000.0 => Some((
            format!("`{name}` is in seconds and was never above {most}; {threshold} looks like milliseconds"),
            format!("compare with {}", threshold / 1000.0),
        )),
        _ => None,
    }
}

fn is_delay(name: &str) -> bool {
    ["delay", "duration", "lag", "latency"].iter().any(|word| name.split('_').any(|part| part == *word))
}

/// A mean, `_sum / _count`, against a threshold far beyond the highest bucket.
fn of_mean(rule: &RuleView<'_>, condition: &Condition<'_>) -> Option<(String, String)> {
    let (core, factor) = conditions::core(condition.value);
    let binary = core.as_binary().filter(|binary| binary.op == Op::Div && (factor - 1.0).abs() < 1e-9)?;
    let (sums, counts) = (binary.lhs.selectors(), binary.rhs.selectors());
    let ([(_, sum)], [(_, count)]) = (sums.as_slice(), counts.as_slice()) else { return None };
    let (sum, count) = (rule.view.known(sum)?, rule.view.known(count)?);
    let is_mean = sum.part == Part::Sum && count.part == Part::Count && sum.family_name == count.family_name;
    let top = sum.top_finite_bound().filter(|_| is_mean && sum.family_name.ends_with("_seconds"))?;
    let above = matches!(condition.op, Op::Greater | Op::GreaterOrEqual);
    (above && condition.threshold >= top * 10.0).then(|| {
        (
            format!(
                "the mean is in seconds, of a metric with buckets up to {top}; {} looks like milliseconds",
                condition.threshold
            ),
            format!("compare with {}", condition.threshold / 1000.0),
        )
    })
}

/// `{{ $value }}ms` of a value in seconds.
fn texts(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    let (core, factor) = conditions::core(conditions::value(rule.tree));
    let Some(unit) = unit(core) else { return };
    if (factor - 1.0).abs() > 1e-9 {
        return converted_twice(rule, unit, factor, out);
    }
    for (_, text, actions) in rule.rule.annotations.templates() {
        let Ok(actions) = actions else { continue };
        for action in actions.iter().filter(|action| action.uses_value() && action.keyword().is_none()) {
            let converts = action.functions().any(|(name, _)| name != "printf");
            let after = text.value.get(action.end..).unwrap_or_default().trim_start_matches(' ');
            let Some(wrong) = wrong_suffix(unit, after).filter(|_| !converts) else { continue };
            let (is, fix) = match unit {
                Unit::Seconds => ("seconds", "write `{{ $value | humanizeDuration }}`"),
                Unit::Bytes => ("bytes", "write `{{ $value | humanize1024 }}B`"),
            };
            let message = format!("the value is in {is} and is shown as `{wrong}`");
            out.push(rule.in_scalar(&LINT, text, action.at, message).fix(fix));
        }
    }
}

/// `x_bytes / 1024 / 1024` shown with `humanize1024`, which expects bytes.
fn converted_twice(rule: &RuleView<'_>, unit: Unit, factor: f64, out: &mut Vec<Finding>) {
    let (function, is, scaled) = match unit {
        Unit::Seconds => ("humanizeDuration", "seconds", !(0.1..=99.0).contains(&factor)),
        Unit::Bytes => ("humanize1024", "bytes", factor < 0.01),
    };
    for (_, text, actions) in rule.rule.annotations.templates().filter(|_| scaled) {
        let Ok(actions) = actions else { continue };
        for action in actions.iter().filter(|action| action.uses_value() && action.calls(function)) {
            let message =
                format!("`{function}` expects {is}, and the expression has converted the value already");
            let fix = format!("write `{{{{ $value | printf \"%.0f\" }}}}` with the unit, or compare {is}");
            out.push(rule.in_scalar(&LINT, text, action.at, message).fix(fix));
        }
    }
}

fn wrong_suffix(unit: Unit, after: &str) -> Option<&'static str> {
    let wrong: &[&str] = match unit {
        Unit::Seconds => &["milliseconds", "ms", "minutes", "µs"],
        Unit::Bytes => &["MiB", "GiB", "KiB", "MB", "GB", "KB", "kB", "megabytes", "gigabytes"],
    };
    wrong.iter().copied().find(|suffix| {
        after.strip_prefix(suffix).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()))
    })
}
