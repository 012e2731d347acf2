//! Numbers and durations as people read them.

use std::time::Duration;

/// `340 ms`, `1.2 s`, `2 min 5 s`.
pub fn elapsed(duration: Duration) -> String {
    match duration.as_secs() {
        0 if duration.as_millis() == 0 => "less than 1 ms".to_owned(),
        0 => format!("{} ms", duration.as_millis()),
        1..=59 => format!("{:.1} s", duration.as_secs_f64()),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// How long something has been up: `5s`, `3m`, `2h`, `4d`.
pub fn age(seconds: i64) -> String {
    match seconds {
        ..0 => "0s".to_owned(),
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h{}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d{}h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// `512 B`, `1.5 MiB`.
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut rest = number;
    let mut tenths = 0;
    while rest >= 1024 && unit + 1 < UNITS.len() {
        tenths = rest % 1024 * 10 / 1024;
        rest /= 1024;
        unit += 1;
    }
    if unit == 0 { format!("{rest} B") } else { format!("{rest}.{tenths} {}", UNITS[unit]) }
}

/// How far a transfer has come: `312.0 MiB of 1.0 GiB, 208.0 MiB/s, 4 s left`. What is not known yet is left out.
pub fn transfer(done: u64, total: u64, elapsed: Duration) -> String {
    // An estimate of the total may be too low.
    let total = total.max(done);
    let far = format!("{} of {}", bytes(done), bytes(total));
    let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    let Some(rate) = done.saturating_mul(1000).checked_div(millis).filter(|rate| *rate > 0) else {
        return far;
    };
    format!("{far}, {}/s, {} left", bytes(rate), rough(total.saturating_sub(done).div_ceil(rate)))
}

fn rough(seconds: u64) -> String {
    match seconds {
        0..=99 => format!("{seconds} s"),
        100..=5999 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3600)),
    }
}

/// `1 alert`, `2 alerts`.
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// `a`, `a and b`, `a, b and c`.
pub fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A path as seen from the working directory, without `./`; that itself is `.`.
pub fn path(path: &std::path::Path) -> String {
    seen_from_here(path).display().to_string()
}

/// The same as a path.
pub fn seen_from_here(path: &std::path::Path) -> &std::path::Path {
    path.strip_prefix(".").ok().filter(|below| !below.as_os_str().is_empty()).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_seen_from_the_working_directory() {
        let shown = |text: &str| path(std::path::Path::new(text));
        assert_eq!(
            [shown("./backups"), shown("."), shown("a/b"), shown("/a")],
            ["backups", ".", "a/b", "/a"]
        );
    }

    #[test]
    fn a_transfer_tells_bytes_rate_and_time_left() {
        const MIB: u64 = 1024 * 1024;
        let after = |seconds: u64, done: u64, total: u64| transfer(done, total, Duration::from_secs(seconds));
        assert_eq!(after(2, 312 * MIB, 1024 * MIB), "312.0 MiB of 1.0 GiB, 156.0 MiB/s, 5 s left");
        assert_eq!(after(10, 10 * MIB, 1024 * MIB), "10.0 MiB of 1.0 GiB, 1.0 MiB/s, 17 min left");
        assert_eq!(after(0, 0, MIB), "0 B of 1.0 MiB");
        // More than was thought.
        assert_eq!(after(1, 2 * MIB, MIB), "2.0 MiB of 2.0 MiB, 2.0 MiB/s, 0 s left");
    }
}
