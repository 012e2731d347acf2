//! Durations in brackets and behind `offset`, arithmetic included: `[5m]`, `[300]`, `[2 * 5m]`,
//! `offset -(1h + 5m)`.

use std::time::Duration;

use super::scanner::{Scanner, Unread, at_byte};

/// Arithmetic in brackets is not nested further by anybody.
const DEEPEST: usize = 50;

/// A duration that is more than nothing.
pub(super) fn positive(scanner: &mut Scanner<'_>) -> Result<Duration, Unread> {
    scanner.peek();
    let at = scanner.at;
    let seconds = sum(scanner, 0)?.known(at)?;
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| at_byte(at, "a range must be longer than nothing"))
}

/// What stands behind `offset`, in seconds; `None` for what only the query's step and range decide.
pub(super) fn offset(scanner: &mut Scanner<'_>) -> Result<Option<f64>, Unread> {
    term(scanner, 0).map(|seconds| seconds.0)
}

/// Seconds; `None` for what only the query's step and range decide.
#[derive(Clone, Copy)]
struct Seconds(Option<f64>);

impl Seconds {
    fn known(self, at: usize) -> Result<f64, Unread> {
        self.0.ok_or_else(|| at_byte(at, "a range that depends on the query's own step or range"))
    }

    fn with(self, other: Self, combine: impl FnOnce(f64, f64) -> f64) -> Self {
        Self(self.0.zip(other.0).map(|(left, right)| combine(left, right)))
    }
}

fn sum(scanner: &mut Scanner<'_>, depth: usize) -> Result<Seconds, Unread> {
    let mut left = product(scanner, depth)?;
    loop {
        left = if scanner.take("+") {
            left.with(product(scanner, depth)?, |a, b| a + b)
        } else if scanner.take("-") {
            left.with(product(scanner, depth)?, |a, b| a - b)
        } else {
            return Ok(left);
        };
    }
}

fn product(scanner: &mut Scanner<'_>, depth: usize) -> Result<Seconds, Unread> {
    let mut left = power(scanner, depth)?;
    loop {
        left = if scanner.take("*") {
            left.with(power(scanner, depth)?, |a, b| a * b)
        } else if scanner.take("/") {
            left.with(power(scanner, depth)?, |a, b| a / b)
        } else if scanner.take("%") {
            left.with(power(scanner, depth)?, |a, b| a % b)
        } else {
            return Ok(left);
        };
    }
}

/// Grouped from the right; a sign binds less tightly, as in the rest of the language.
fn power(scanner: &mut Scanner<'_>, depth: usize) -> Result<Seconds, Unread> {
    let base = term(scanner, depth)?;
    if scanner.take("^") {
        let exponent = deeper(scanner, depth, power)?;
        return Ok(base.with(exponent, f64::powf));
    }
    Ok(base)
}

fn term(scanner: &mut Scanner<'_>, depth: usize) -> Result<Seconds, Unread> {
    if scanner.take("-") {
        let inner = deeper(scanner, depth, term)?;
        return Ok(Seconds(inner.0.map(|seconds| -seconds)));
    }
    if scanner.take("+") {
        return deeper(scanner, depth, term);
    }
    if scanner.take("(") {
        let inner = deeper(scanner, depth, sum)?;
        scanner.expect(")", "to close the bracket")?;
        return Ok(inner);
    }
    if let Some(seconds) = scanner.number()? {
        return Ok(Seconds(Some(seconds)));
    }
    for (name, combine) in [("max_of", f64::max as fn(f64, f64) -> f64), ("min_of", f64::min)] {
        if scanner.take_keyword(name) {
            scanner.expect("(", "here")?;
            let left = deeper(scanner, depth, sum)?;
            scanner.expect(",", "between the two")?;
            let right = deeper(scanner, depth, sum)?;
            scanner.expect(")", "behind the two")?;
            return Ok(left.with(right, combine));
        }
    }
    if scanner.take_keyword("step") || scanner.take_keyword("range") {
        scanner.expect("(", "here")?;
        scanner.expect(")", "behind `(`")?;
        return Ok(Seconds(None));
    }
    Err(scanner.unexpected("a duration was expected"))
}

fn deeper(
    scanner: &mut Scanner<'_>,
    depth: usize,
    read: fn(&mut Scanner<'_>, usize) -> Result<Seconds, Unread>,
) -> Result<Seconds, Unread> {
    if depth == DEEPEST {
        return Err(at_byte(scanner.at, &format!("more than {DEEPEST} levels deep")));
    }
    read(scanner, depth + 1)
}
