//! `equal` on a label that one side lacks is never equal; that both lack is always.

use crate::analysis::labels::LabelSet;
use crate::analysis::routing::inhibition::{self, AlertClass, RuleProjection};
use crate::analysis::routing::{Alert, LabelDomain, Tristate, Variant};
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::formats::alertmanager::{AlertmanagerFile, InhibitRule, Placed};
use crate::formats::promql::{Expr, Kind};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "inhibit-missing-label",
    severity: Severity::Bug,
    doc: "`equal` of an inhibition rule names a label that its targets or its sources do not have.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    let Some(file) = view.alertmanager else { return };
    for rule in file.inhibit_rules.iter().filter(|rule| !rule.equal.is_empty()) {
        let check = RuleCheck { view, file, rule, classes: inhibition::classes(rule, &view.alerts) };
        check.run(out);
    }
}

/// Beyond this each pair is not looked at: thousands of alerts make millions of them.
const MOST_PAIRS: usize = 20_000;

struct RuleCheck<'v, 'a> {
    view: &'v View<'a>,
    file: &'v AlertmanagerFile,
    rule: &'v InhibitRule,
    classes: Vec<AlertClass<'v>>,
}

/// A source and a target that only `equal` can keep apart.
type Pair<'c, 'v> = (&'c AlertClass<'v>, &'c AlertClass<'v>);

/// A label of the rule's `equal`, and its number there.
#[derive(Clone, Copy)]
struct EqualLabel<'a> {
    number: usize,
    name: &'a str,
}

impl RuleCheck<'_, '_> {
    fn run(&self, out: &mut Vec<Finding>) {
        let pairs = self.pairs();
        let before = out.len();
        for (number, label) in self.rule.equal.iter().enumerate() {
            let found = self
                .unequal(&pairs, number, &label.value)
                .or_else(|| both_lack(&pairs, number, &label.value));
            if let Some((severity, message, fix)) = found {
                out.push(self.file.finding(&LINT, label.start(), message).severity(severity).fix(fix));
            }
        }
        if out.len() == before {
            out.extend(self.always_different());
        }
    }

    /// Both sides have the label, and never with the same value: `equal: [alertname]` between two alerts.
    fn always_different(&self) -> Option<Finding> {
        let possible = |side: fn(&RuleProjection<'_>) -> Tristate| {
            self.classes.iter().filter(move |class| side(&class.projection).is_possible())
        };
        let sources: Vec<_> = possible(|look| look.as_source).collect();
        let targets: Vec<_> = possible(|look| look.as_target).collect();
        if sources.len() * targets.len() > MOST_PAIRS {
            return None;
        }
        let pairs = sources.iter().flat_map(|source| targets.iter().map(move |target| (*source, *target)));
        let pairs: Vec<Pair<'_, '_>> = pairs.filter(meets).collect();
        let differ = |number: usize| {
            let mut all = pairs.iter();
            all.all(|(source, target)| {
                equals(&source.projection, &target.projection, number) == Tristate::Never
            })
        };
        // Another job may get such an alert any day; what a rule calls itself stays.
        let is_fixed = |label: &str| !matches!(label, "job" | "instance");
        let mut labels = self.rule.equal.iter().enumerate().filter(|_| !pairs.is_empty());
        let (_, label) = labels.find(|(number, label)| is_fixed(&label.value) && differ(*number))?;
        let label_name = &label.value;
        let message =
            format!("this never inhibits anything: no source and target have the same `{label_name}`");
        let fix = format!("take `{label_name}` out of `equal`, or give both sides the same value");
        // Among some of the rules it may only seem so.
        let severity = if self.view.facts.is_complete_rule_set { Severity::Warning } else { Severity::Info };
        Some(self.file.finding(&LINT, label.start(), message).severity(severity).fix(fix))
    }

    fn pairs(&self) -> Vec<Pair<'_, '_>> {
        inhibition::candidate_pairs(&self.classes).into_iter().filter(meets).collect()
    }

    /// The targets that lose to this label alone.
    fn unequal(
        &self,
        pairs: &[Pair<'_, '_>],
        number: usize,
        label: &str,
    ) -> Option<(Severity, String, String)> {
        let possible = |(source, target): &Pair<'_, '_>| {
            inhibition::inhibits(&source.projection, &target.projection).is_possible()
        };
        let works = pairs.iter().any(possible);
        let mut lost = Lost::default();
        for of_target in pairs.chunk_by(|(_, a), (_, b)| std::ptr::eq(*a, *b)) {
            let Some((_, target)) = of_target.first() else { continue };
            // Those that the other labels would let through, unless these are missing as well: `sum()`
            // drops `job` and `instance` together.
            let near = of_target
                .iter()
                .map(|(source, _)| *source)
                .filter(|s| others_equal(&s.projection, &target.projection, number));
            let (absent, near): (Vec<_>, Vec<_>) = near.partition(|class| self.is_absent(class));
            // What `absent()` lacks, it lacks by nature; that counts when the rule has nothing else.
            let near = if near.is_empty() && !works { absent } else { near };
            let blocked =
                |s: &&AlertClass<'_>| equals(&s.projection, &target.projection, number) == Tristate::Never;
            if !near.is_empty() && near.iter().all(blocked) {
                self.add(&mut lost, target, &near, EqualLabel { number, name: label });
            }
        }
        let severity = if works && !self.names_its_source() { Severity::Warning } else { Severity::Bug };
        lost.told(severity, label)
    }

    fn add<'s>(
        &'s self,
        lost: &mut Lost<'s>,
        target: &AlertClass<'_>,
        near: &[&AlertClass<'_>],
        label: EqualLabel<'_>,
    ) {
        let lacks = |class: &AlertClass<'_>| {
            class.projection.equal.get(label.number).is_some_and(|known| known.is_absent())
        };
        if lacks(target) {
            for (alert, variant) in &target.members {
                let Some(alert) = self.view.alerts.get(*alert) else { continue };
                let dropped =
                    alert.variants.get(*variant).and_then(|variant| self.dropped(variant, label.name));
                if let Some(op) = dropped {
                    lost.names.push(alert.name());
                    lost.dropped_by.get_or_insert(op);
                }
            }
        } else if near.iter().all(|source| lacks(source)) {
            lost.source_lacks = true;
            let alerts = target.members.iter().filter_map(|(alert, _)| self.view.alerts.get(*alert));
            lost.names.extend(alerts.map(Alert::name));
        }
    }

    /// The rule is about one alert, so what it is meant to silence is plain.
    fn names_its_source(&self) -> bool {
        let names =
            |placed: &Placed| placed.matcher.label == "alertname" && placed.matcher.values().is_some();
        self.rule.source.iter().any(names)
    }

    fn is_absent(&self, class: &AlertClass<'_>) -> bool {
        class.members.iter().all(|(alert, variant)| {
            let variant = self.view.alerts.get(*alert).and_then(|alert| alert.variants.get(*variant));
            let call = variant.and_then(|variant| variant.expr).and_then(Expr::as_call);
            call.is_some_and(|(function, _)| function.starts_with("absent"))
        })
    }

    /// The aggregation that takes the label away, if the series have it.
    fn dropped(&self, variant: &Variant<'_>, label: &str) -> Option<&'static str> {
        let expr = variant.expr?;
        let mut aggregation = None;
        expr.walk(&mut |node| {
            if let Kind::Aggregate { op, inner, .. } = &node.kind
                && aggregation.is_none()
                && self.series_have(inner, label)
            {
                aggregation = Some(*op);
            }
        });
        aggregation
    }

    fn series_have(&self, expr: &Expr, label: &str) -> bool {
        expr.selectors().into_iter().any(|(_, selector)| match self.view.selector_labels(selector) {
            LabelSet::Only(labels) => labels.contains(label),
            // Everything that is scraped has these two.
            LabelSet::AllBut(_) => matches!(label, "job" | "instance"),
        })
    }
}

/// Alerts that a label keeps from being silenced.
#[derive(Default)]
struct Lost<'s> {
    names: Vec<&'s str>,
    dropped_by: Option<&'static str>,
    source_lacks: bool,
}

impl Lost<'_> {
    fn told(mut self, severity: Severity, label: &str) -> Option<(Severity, String, String)> {
        self.names.sort_unstable();
        self.names.dedup();
        if self.names.is_empty() {
            return None;
        }
        let names = crate::check::wording::names(&self.names);
        let (why, fix) = match self.dropped_by {
            Some(op) if !self.source_lacks => (
                format!("`{op}` in the expression drops `{label}`, and the source has it"),
                format!("keep the label (`by ({label}, …)`) in these alerts, or take it out of `equal`"),
            ),
            _ => (
                format!("the target has `{label}`, and no source does"),
                format!("keep `{label}` in the source's expression, or take it out of `equal`"),
            ),
        };
        Some((severity, format!("this never inhibits {names}: {why}"), fix))
    }
}

fn meets((source, target): &Pair<'_, '_>) -> bool {
    inhibition::inhibits(&without_equal(&source.projection), &without_equal(&target.projection)).is_possible()
}

fn without_equal<'a>(look: &RuleProjection<'a>) -> RuleProjection<'a> {
    RuleProjection { equal: Vec::new(), ..look.clone() }
}

fn equals(a: &RuleProjection<'_>, b: &RuleProjection<'_>, number: usize) -> Tristate {
    match (a.equal.get(number), b.equal.get(number)) {
        (Some(a), Some(b)) => a.equals(b),
        _ => Tristate::Maybe,
    }
}

fn others_equal(a: &RuleProjection<'_>, b: &RuleProjection<'_>, number: usize) -> bool {
    let lacks = |look: &RuleProjection<'_>, label: usize| {
        look.equal.get(label).is_some_and(|known| known.is_absent())
    };
    (0..a.equal.len())
        .filter(|other| *other != number)
        .all(|other| equals(a, b, other).is_possible() || lacks(a, other) != lacks(b, other))
}

/// A label that no alert of either side has is always equal: it restricts nothing.
fn both_lack(pairs: &[Pair<'_, '_>], number: usize, label: &str) -> Option<(Severity, String, String)> {
    let absent = |class: &AlertClass<'_>| {
        class.projection.equal.get(number).is_some_and(|known: &&LabelDomain| known.is_absent())
    };
    let all = !pairs.is_empty() && pairs.iter().all(|(source, target)| absent(source) && absent(target));
    all.then(|| {
        (
            Severity::Warning,
            format!("none of these alerts has `{label}`: empty equals empty, so it restricts nothing"),
            "use a label that both sides have, such as `job`".to_owned(),
        )
    })
}
