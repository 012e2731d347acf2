//! Pieces of sentences that several lints write.

/// The first names, and how many more there are.
pub(super) fn names(all: &[&str]) -> String {
    const MOST: usize = 5;
    let shown = all.iter().take(MOST).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match all.len().checked_sub(MOST) {
        Some(more @ 1..) => format!("{shown} and {more} more"),
        _ => shown,
    }
}
