//! Which lint speaks where two of them find the same mistake at the same place: the one that knows more.

use crate::check::finding::Finding;

/// What says the general thing, and what says it better. An id that does not exist does no harm.
const BETTER: [(&str, &[&str]); 3] = [
    ("impossible-condition", &["percent-of-ratio", "ratio-without-sum", "threshold-beyond-buckets"]),
    (
        "always-true-condition",
        &["percent-of-ratio", "ratio-without-sum", "threshold-beyond-buckets", "parameter-out-of-range"],
    ),
    ("many-to-many", &["ratio-without-sum", "impossible-condition"]),
];

/// Takes out of one rule's findings what another one of them says better.
pub(super) fn settle(findings: &mut Vec<Finding>, from: usize) {
    let Some(own) = findings.get(from..).filter(|own| own.len() > 1) else { return };
    let is_said_better = |finding: &Finding| {
        let better = BETTER.iter().find(|(id, _)| *id == finding.id).map_or(&[][..], |(_, better)| better);
        let same_place = |other: &&Finding| other.place == finding.place;
        own.iter().filter(same_place).any(|other| better.contains(&other.id))
    };
    let keep: Vec<bool> = own.iter().map(|finding| !is_said_better(finding)).collect();
    let mut keep = std::iter::repeat_n(true, from).chain(keep);
    findings.retain(|_| keep.next().unwrap_or(true));
}
