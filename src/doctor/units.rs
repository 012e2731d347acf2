//! Numbers in the texts of diagnoses.

/// `1.5 GiB`, `300 MiB`.
pub(super) fn bytes(number: f64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut rest, mut unit) = (number.max(0.0), 0);
    while rest >= 1024.0 && unit + 1 < UNITS.len() {
        rest /= 1024.0;
        unit += 1;
    }
    if rest >= 10.0 || unit == 0 {
        format!("{rest:.0} {}", UNITS[unit])
    } else {
        format!("{rest:.1} {}", UNITS[unit])
    }
}

/// `45 s`, `12 min`, `5 h`, `3 days`.
pub(super) fn time(seconds: f64) -> String {
    match seconds.abs() {
        short if short < 120.0 => format!("{short:.0} s"),
        short if short < 7200.0 => format!("{:.0} min", short / 60.0),
        short if short < 172_800.0 => format!("{:.0} h", short / 3600.0),
        long => format!("{:.0} days", long / 86_400.0),
    }
}

/// The first few, and how many more there are.
pub(super) fn list(names: &[String], most: usize) -> String {
    let shown = names.iter().take(most).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// `1 panel`, `2 panels`.
pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
