//! A route that no alert of the rules can reach because its condition is nearly right.

use std::collections::BTreeSet;

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::formats::alertmanager::{AlertmanagerFile, Matcher, Placed};
use crate::formats::promql::MatchOp;
use crate::model::closest_name;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "near-miss-matcher",
    severity: Severity::Warning,
    doc: "A route or an inhibition asks for a label or a value that no alert has, and that is nearly one they have.",
    run: Run::All(check),
};

/// Names this long are not near to each other by chance.
const SHORT: usize = 4;
/// Values of more alerts than this are too many to look through.
const MOST_ALERTS: usize = 2000;

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    let Some(file) = view.alertmanager.filter(|_| (1..MOST_ALERTS).contains(&view.alerts.len())) else {
        return;
    };
    let known = Known::of(view);
    let of_routes = file.routes().into_iter().flat_map(|route| &route.matchers);
    let of_inhibition = file.inhibit_rules.iter().flat_map(|rule| rule.source.iter().chain(&rule.target));
    for placed in of_routes.chain(of_inhibition) {
        out.extend(assess(&known, placed).map(|miss| finding(file, placed, miss)));
    }
}

/// What is wrong: the words, how bad it is, and what to write.
type Miss = (String, Severity, Option<String>);

fn finding(file: &AlertmanagerFile, placed: &Placed, (message, severity, fix): Miss) -> Finding {
    let finding = file.finding(&LINT, placed.at, message).severity(severity);
    match fix {
        Some(fix) => finding.fix(fix),
        None => finding,
    }
}

/// The labels and values of the rules' alerts.
struct Known<'a> {
    view: &'a View<'a>,
    /// Labels that some alert has, by its rule or its expression.
    labels: BTreeSet<&'a str>,
    /// Labels that are written in a rule, in the settings or by Prometheus itself.
    certain: BTreeSet<&'a str>,
}

impl<'a> Known<'a> {
    fn of(view: &'a View<'a>) -> Self {
        let variants = || view.alerts.iter().flat_map(|alert| &alert.variants);
        let listed = || variants().flat_map(|variant| variant.labels.listed());
        let certain = listed().filter(|(_, domain)| domain.is_present()).map(|(name, _)| name);
        Self {
            view,
            labels: listed().filter(|(_, domain)| !domain.is_absent()).map(|(name, _)| name).collect(),
            certain: certain.chain(["alertname"]).collect(),
        }
    }

    /// The values that alerts certainly give a label; `None` where the data gives it others.
    fn values(&self, label: &str) -> Option<BTreeSet<&'a str>> {
        let mut values = BTreeSet::new();
        for variant in self.view.alerts.iter().flat_map(|alert| &alert.variants) {
            match variant.labels.get(label).value() {
                Some("") => {}
                Some(value) => {
                    values.insert(value);
                }
                None => return None,
            }
        }
        Some(values)
    }
}

fn assess(known: &Known<'_>, placed: &Placed) -> Option<Miss> {
    let matcher = &placed.matcher;
    // Whoever asks for what is not there does not mind that it is not.
    if matcher.label.is_empty()
        || matcher.matches("") != Some(false)
        || matches!(matcher.op, MatchOp::NotEqual | MatchOp::MatchesNot)
    {
        return None;
    }
    let is_ours = known.certain.contains(matcher.label.as_str());
    if !is_ours {
        return unknown_label(known, matcher);
    }
    let values = known.values(&matcher.label).filter(|values| !values.is_empty())?;
    if values.iter().any(|value| matcher.matches(value) != Some(false)) {
        return None;
    }
    let (near, anchored) = nearest(matcher, &values);
    let all: Vec<&str> = values.iter().copied().take(5).collect();
    let has = format!("alerts have {}", all.join(", "));
    let label = &matcher.label;
    Some(match near {
        Some(near) if anchored => (
            format!("no alert matches `{matcher}`: the pattern has to match the whole value, and {has}"),
            Severity::Warning,
            Some(format!("write `{label}=~\"{}.*\"` or `{label}=\"{near}\"`", matcher.value)),
        ),
        Some(near) => (
            format!("no alert matches `{matcher}`: {has}"),
            Severity::Warning,
            Some(format!("did you mean `{near}`?")),
        ),
        None => (format!("no alert of these rules matches `{matcher}`: {has}"), Severity::Info, None),
    })
}

/// The value that is meant, and whether only the pattern's anchors keep it away.
fn nearest<'v>(matcher: &Matcher, values: &BTreeSet<&'v str>) -> (Option<&'v str>, bool) {
    let wanted = matcher.value.as_str();
    if matcher.op == MatchOp::Matches {
        let loose = Matcher::new(matcher.label.as_str(), MatchOp::Matches, format!(".*(?:{wanted}).*"));
        if let Some(value) =
            values.iter().find(|value| !wanted.is_empty() && loose.matches(value) == Some(true))
        {
            return (Some(value), true);
        }
    }
    let same = values.iter().find(|value| value.eq_ignore_ascii_case(wanted.trim()));
    let near = || closest_name(wanted, values.iter().copied());
    let found = same.copied().or_else(|| {
        let near = near()?;
        values.iter().copied().find(|value| *value == near)
    });
    (found, false)
}

/// A label that no alert is known to have: a slip of the pen, or a label of alerts from elsewhere.
fn unknown_label(known: &Known<'_>, matcher: &Matcher) -> Option<Miss> {
    let label = matcher.label.as_str();
    if known.labels.contains(label) && known.view.alerts.iter().any(|alert| may_have(alert, label)) {
        return None;
    }
    let meant = match label {
        "alert" | "alert_name" | "alertName" | "name" => Some("alertname".to_owned()),
        _ => known
            .certain
            .iter()
            .find(|own| own.eq_ignore_ascii_case(label))
            .map(|own| (*own).to_owned())
            .or_else(|| closest_name(label, known.certain.iter().copied())),
    };
    let message = format!("no alert has a label `{label}`");
    // Series that nobody here can see may have it; a short name is near to another one by chance.
    let is_open =
        known.view.alerts.iter().flat_map(|alert| &alert.variants).any(|one| one.labels.may_have_others());
    match meant {
        Some(meant) if !is_open || label.len() >= SHORT || meant == "alertname" => {
            Some((message, Severity::Warning, Some(format!("did you mean `{meant}`?"))))
        }
        _ if is_open => None,
        _ => Some((
            format!("{message} by these rules: only alerts from elsewhere can come here"),
            Severity::Info,
            None,
        )),
    }
}

/// True when the rules or the series themselves give the label, rather than nobody knowing.
fn may_have(alert: &crate::analysis::routing::Alert<'_>, label: &str) -> bool {
    alert.variants.iter().any(|variant| {
        let domain = variant.labels.get(label);
        domain.is_present() || (!variant.labels.may_have_others() && !domain.is_absent())
    })
}
