//! The name that was probably meant.

/// The candidate that needs the fewest edits, if those are few for the length of the name: a third of its
/// characters, at least one.
pub fn closest_name<S: AsRef<str>>(name: &str, candidates: impl IntoIterator<Item = S>) -> Option<String> {
    let most = (name.chars().count() / 3).max(1);
    let letters = Letters::of(name);
    let close_enough = |candidate: S| {
        // A cheap bound first: thousands of names are asked for.
        if letters.least_edits(candidate.as_ref()) > most {
            return None;
        }
        let edits = strsim::osa_distance(name, candidate.as_ref());
        (edits <= most).then_some((edits, candidate))
    };
    let close = candidates.into_iter().filter_map(close_enough);
    close.min_by_key(|(edits, _)| *edits).map(|(_, candidate)| candidate.as_ref().to_owned())
}

/// How many characters of each kind a name has.
struct Letters([i32; 64]);

impl Letters {
    fn of(name: &str) -> Self {
        let mut counts = [0; 64];
        for letter in name.chars() {
            counts[Self::kind(letter)] += 1;
        }
        Self(counts)
    }

    /// Characters that share a kind only make the bound lower.
    fn kind(letter: char) -> usize {
        letter as usize % 64
    }

    /// An edit adds one character, takes one away, or does both; one that swaps two changes nothing here.
    fn least_edits(&self, other: &str) -> usize {
        let mut left = self.0;
        for letter in other.chars() {
            left[Self::kind(letter)] -= 1;
        }
        let (missing, spare) = left.iter().fold((0, 0), |(missing, spare), count| match count.signum() {
            1 => (missing + count, spare),
            _ => (missing, spare - count),
        });
        missing.max(spare).unsigned_abs() as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_bound_is_never_above_the_edits(a in "[a-d_é]{0,8}", b in "[a-d_é]{0,8}") {
            prop_assert!(Letters::of(&a).least_edits(&b) <= strsim::osa_distance(&a, &b));
        }
    }

    #[test]
    fn finds_typing_mistakes_and_nothing_else() {
        let names = ["confidex_nodejs_heap_size_used_bytes", "confidex_crank_status", "up"];
        assert_eq!(closest_name("confidex_nodejs_heap_used_bytes", names).as_deref(), Some(names[0]));
        assert_eq!(closest_name("confidex_crank_state", names).as_deref(), Some(names[1]));
        assert_eq!(closest_name("node_load1", names), None);
        assert_eq!(closest_name("uq", names).as_deref(), Some("up"));
    }
}
