//! `equal` on a label that one side lacks is never equal; that both lack is always.

use crate::check::alertmanager::{AlertmanagerFile, InhibitRule};
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::check::promql::{Expr, Kind, LabelSet};
use crate::check::routing::inhibition::{self, Class, Look};
use crate::check::routing::{Certainty, Known, Variant};

pub(super) const LINT: Lint = Lint {
    id: "inhibit-missing-label",
    severity: Severity::Bug,
    doc: "`equal` of an inhibition rule names a label that its targets or its sources do not have.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    let Some(file) = &view.facts.alertmanager else { return };
    for rule in file.inhibit_rules.iter().filter(|rule| !rule.equal.is_empty()) {
        let judge = Judge { view, file, rule, classes: inhibition::classes(rule, &view.alerts) };
        judge.run(out);
    }
}

struct Judge<'v, 'a> {
    view: &'v View<'a>,
    file: &'v AlertmanagerFile,
    rule: &'v InhibitRule,
    classes: Vec<Class<'v>>,
}

/// A source and a target that only `equal` can keep apart.
type Pair<'c, 'v> = (&'c Class<'v>, &'c Class<'v>);

impl Judge<'_, '_> {
    fn run(&self, out: &mut Vec<Finding>) {
        let pairs = self.pairs();
        for (number, label) in self.rule.equal.iter().enumerate() {
            let found = self
                .unequal(&pairs, number, &label.value)
                .or_else(|| both_lack(&pairs, number, &label.value));
            if let Some((severity, message, fix)) = found {
                out.push(self.file.finding(&LINT, label.start(), message).severity(severity).fix(fix));
            }
        }
    }

    fn pairs(&self) -> Vec<Pair<'_, '_>> {
        let mut pairs = Vec::new();
        for target in self.classes.iter().filter(|class| class.look.as_target.is_possible()) {
            for source in self.classes.iter().filter(|class| class.look.as_source.is_possible()) {
                if inhibition::inhibits(&without_equal(&source.look), &without_equal(&target.look))
                    .is_possible()
                {
                    pairs.push((source, target));
                }
            }
        }
        pairs
    }

    /// The targets that lose to this label alone.
    fn unequal(
        &self,
        pairs: &[Pair<'_, '_>],
        number: usize,
        label: &str,
    ) -> Option<(Severity, String, String)> {
        let mut lost = Vec::new();
        let mut dropped_by = None;
        let mut source_lacks = false;
        for target in &self.classes {
            let sources: Vec<_> =
                pairs.iter().filter(|(_, t)| std::ptr::eq(*t, target)).map(|(s, _)| *s).collect();
            // Those that the other labels would let through.
            let near: Vec<_> =
                sources.into_iter().filter(|s| others_equal(&s.look, &target.look, number)).collect();
            let near = self.without_absent(near);
            let blocked = |s: &&Class<'_>| equals(&s.look, &target.look, number) == Certainty::Never;
            if near.is_empty() || !near.iter().all(blocked) {
                continue;
            }
            if target.look.equal.get(number).is_some_and(|known| known.is_absent()) {
                for (alert, variant) in &target.members {
                    let Some(alert) = self.view.alerts.get(*alert) else { continue };
                    let dropped =
                        alert.variants.get(*variant).and_then(|variant| self.dropped(variant, label));
                    if let Some(op) = dropped {
                        lost.push(alert.name());
                        dropped_by.get_or_insert(op);
                    }
                }
            } else if near.iter().all(|s| s.look.equal.get(number).is_some_and(|known| known.is_absent())) {
                source_lacks = true;
                lost.extend(
                    target.members.iter().filter_map(|(alert, _)| Some(self.view.alerts.get(*alert)?.name())),
                );
            }
        }
        lost.sort_unstable();
        lost.dedup();
        if lost.is_empty() {
            return None;
        }
        let names = super::empty_receiver::names(&lost);
        Some(match dropped_by {
            Some(op) if !source_lacks => (
                Severity::Bug,
                format!(
                    "this never inhibits {names}: `{op}` in the expression drops `{label}`, and the source has it"
                ),
                format!("keep the label (`by ({label}, …)`) in these alerts, or take it out of `equal`"),
            ),
            _ => (
                Severity::Bug,
                format!("this never inhibits {names}: the target has `{label}`, and no source does"),
                format!("keep `{label}` in the source's expression, or take it out of `equal`"),
            ),
        })
    }

    /// The sources without those of `absent()`: what these lack, they lack by nature. All, if there are
    /// no others.
    fn without_absent<'c>(&self, sources: Vec<&'c Class<'c>>) -> Vec<&'c Class<'c>> {
        let is_absent = |class: &Class<'_>| {
            class.members.iter().all(|(alert, variant)| {
                let variant = self.view.alerts.get(*alert).and_then(|alert| alert.variants.get(*variant));
                let call = variant.and_then(|variant| variant.expr).and_then(Expr::as_call);
                call.is_some_and(|(function, _)| function.starts_with("absent"))
            })
        };
        let others: Vec<_> = sources.iter().copied().filter(|class| !is_absent(class)).collect();
        if others.is_empty() { sources } else { others }
    }

    /// The aggregation that takes the label away, if the series have it.
    fn dropped(&self, variant: &Variant<'_>, label: &str) -> Option<String> {
        let expr = variant.expr?;
        let mut aggregation = None;
        expr.walk(&mut |node| {
            if let Kind::Aggregate { op, inner, .. } = &node.kind
                && aggregation.is_none()
                && self.series_have(inner, label)
            {
                aggregation = Some(op.clone());
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

fn without_equal<'a>(look: &Look<'a>) -> Look<'a> {
    Look { equal: Vec::new(), ..look.clone() }
}

fn equals(a: &Look<'_>, b: &Look<'_>, number: usize) -> Certainty {
    match (a.equal.get(number), b.equal.get(number)) {
        (Some(a), Some(b)) => a.equals(b),
        _ => Certainty::Maybe,
    }
}

fn others_equal(a: &Look<'_>, b: &Look<'_>, number: usize) -> bool {
    (0..a.equal.len()).filter(|other| *other != number).all(|other| equals(a, b, other).is_possible())
}

/// A label that no alert of either side has is always equal: it restricts nothing.
fn both_lack(pairs: &[Pair<'_, '_>], number: usize, label: &str) -> Option<(Severity, String, String)> {
    let absent =
        |class: &Class<'_>| class.look.equal.get(number).is_some_and(|known: &&Known| known.is_absent());
    let all = !pairs.is_empty() && pairs.iter().all(|(source, target)| absent(source) && absent(target));
    all.then(|| {
        (
            Severity::Warning,
            format!("none of these alerts has `{label}`: empty equals empty, so it restricts nothing"),
            "use a label that both sides have, such as `job`".to_owned(),
        )
    })
}
