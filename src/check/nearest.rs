//! The name that was probably meant.

/// The candidate that needs the fewest edits, if those are few for the length of the name.
pub fn nearest<S: AsRef<str>>(name: &str, candidates: impl IntoIterator<Item = S>) -> Option<String> {
    let most = (name.len() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(name, candidate.as_ref(), most), candidate))
        .filter(|(edits, _)| *edits <= most)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate.as_ref().to_owned())
}

/// Levenshtein's distance in bytes; anything above `most` may come back as `most + 1`.
fn distance(a: &str, b: &str, most: usize) -> usize {
    if a.len().abs_diff(b.len()) > most {
        return most + 1;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut previous = i + 1;
        let mut least = previous;
        for (slot, right) in row.iter_mut().skip(1).zip(b.bytes()) {
            let above = *slot;
            previous = (diagonal + usize::from(left != right)).min(above + 1).min(previous + 1);
            diagonal = above;
            *slot = previous;
            least = least.min(previous);
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
        if least > most {
            return most + 1;
        }
    }
    row.last().copied().unwrap_or(most + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_typing_mistakes_and_nothing_else() {
        let names = ["confidex_nodejs_heap_size_used_bytes", "confidex_crank_status", "up"];
        assert_eq!(nearest("confidex_nodejs_heap_used_bytes", names).as_deref(), Some(names[0]));
        assert_eq!(nearest("confidex_crank_state", names).as_deref(), Some(names[1]));
        assert_eq!(nearest("node_load1", names), None);
        assert_eq!(distance("kitten", "sitting", 9), 3);
    }
}
