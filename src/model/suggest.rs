//! The name that was probably meant.

/// The candidate that needs the fewest edits, if those are few for the length of the name: a third of its
/// characters, at least one.
pub fn closest_name<S: AsRef<str>>(name: &str, candidates: impl IntoIterator<Item = S>) -> Option<String> {
    let length = name.chars().count();
    let most = (length / 3).max(1);
    let close_enough = |candidate: S| {
        // A cheap bound first: each missing character is an edit.
        if candidate.as_ref().chars().count().abs_diff(length) > most {
            return None;
        }
        let edits = strsim::osa_distance(name, candidate.as_ref());
        (edits <= most).then_some((edits, candidate))
    };
    let close = candidates.into_iter().filter_map(close_enough);
    close.min_by_key(|(edits, _)| *edits).map(|(_, candidate)| candidate.as_ref().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_typing_mistakes_and_nothing_else() {
        let names = ["confidex_nodejs_heap_size_used_bytes", "confidex_crank_status", "up"];
        assert_eq!(closest_name("confidex_nodejs_heap_used_bytes", names).as_deref(), Some(names[0]));
        assert_eq!(closest_name("confidex_crank_state", names).as_deref(), Some(names[1]));
        assert_eq!(closest_name("node_load1", names), None);
        assert_eq!(closest_name("uq", names).as_deref(), Some("up"));
    }
}
