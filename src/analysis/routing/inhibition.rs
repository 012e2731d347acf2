//! What can silence an alert while something else fires.

use std::collections::BTreeMap;

use foldhash::{HashMap, HashMapExt};

use super::alerts::Alert;
use super::label_domain::{LabelDomain, Labels, Tristate};
use crate::formats::alertmanager::{InhibitRule, Placed};

/// All that an inhibition rule sees of an alert. Thousands of alerts look like a few of these.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RuleProjection<'a> {
    pub as_source: Tristate,
    pub as_target: Tristate,
    pub equal: Vec<&'a LabelDomain>,
}

/// The alerts that look the same to a rule.
#[derive(Debug)]
pub struct AlertClass<'v> {
    pub projection: RuleProjection<'v>,
    /// Numbers of the alert and of its variant.
    pub members: Vec<(usize, usize)>,
}

/// What a rule makes of an alert with these labels, on both of its sides.
pub fn project<'a>(rule: &InhibitRule, labels: &'a Labels) -> RuleProjection<'a> {
    RuleProjection {
        as_source: matched(&rule.source, labels),
        as_target: matched(&rule.target, labels),
        equal: rule.equal.iter().map(|label| labels.get(&label.value)).collect(),
    }
}

/// Whether the source silences the target while it fires.
///
/// All labels of `equal` must be the same; one that both lack is the same. An alert that is on both
/// sides of a rule is not silenced by another one that is, or a rule could silence all of its own.
pub fn inhibits(source: &RuleProjection<'_>, target: &RuleProjection<'_>) -> Tristate {
    let equal = source.equal.iter().zip(&target.equal).map(|(a, b)| a.equals(b));
    let both = target.as_source.and(source.as_target);
    source.as_source.and(target.as_target).and(both.not()).and(equal.fold(Tristate::Always, Tristate::and))
}

/// The alerts that can be on some side of a rule.
pub fn classes<'v>(rule: &InhibitRule, alerts: &'v [Alert<'_>]) -> Vec<AlertClass<'v>> {
    let mut found: HashMap<RuleProjection<'v>, Vec<(usize, usize)>> = HashMap::new();
    for (number, alert) in alerts.iter().enumerate() {
        for (which, variant) in alert.variants.iter().enumerate() {
            let look = project(rule, &variant.labels);
            if look.as_source.is_possible() || look.as_target.is_possible() {
                found.entry(look).or_default().push((number, which));
            }
        }
    }
    let mut found: Vec<_> =
        found.into_iter().map(|(look, members)| AlertClass { projection: look, members }).collect();
    found.sort_unstable_by(|a, b| a.members.cmp(&b.members));
    found
}

/// Every source with every target that it may meet, target by target. Those that differ in a label of
/// `equal` which all of them have, and whose values are known, are left out: of thousands of alerts
/// that are most.
pub fn candidate_pairs<'c, 'v>(
    classes: &'c [AlertClass<'v>],
) -> Vec<(&'c AlertClass<'v>, &'c AlertClass<'v>)> {
    let labels = classes.first().map_or(0, |class| class.projection.equal.len());
    let known = |class: &'c AlertClass<'v>, label: usize| {
        class.projection.equal.get(label).and_then(|known| known.value()).filter(|value| !value.is_empty())
    };
    let shared: Vec<usize> =
        (0..labels).filter(|label| classes.iter().all(|class| known(class, *label).is_some())).collect();
    let key =
        |class: &'c AlertClass<'v>| -> Vec<_> { shared.iter().map(|label| known(class, *label)).collect() };
    let mut sources: BTreeMap<Vec<Option<&str>>, Vec<&'c AlertClass<'v>>> = BTreeMap::new();
    for class in classes.iter().filter(|class| class.projection.as_source.is_possible()) {
        sources.entry(key(class)).or_default().push(class);
    }
    let targets = classes.iter().filter(|class| class.projection.as_target.is_possible());
    targets
        .flat_map(|target| {
            let near = sources.get(&key(target)).into_iter().flatten();
            near.map(move |source| (*source, target))
        })
        .collect()
}

/// Whether an alert with these labels passes all matchers.
pub fn matched(matchers: &[Placed], labels: &Labels) -> Tristate {
    labels.matched_by(matchers.iter().map(|placed| &placed.matcher))
}
