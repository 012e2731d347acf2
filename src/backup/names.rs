//! The names of archives, and of what lies beside them.

/// The ending of an archive that is not encrypted.
pub const ENDING: &str = ".tar.zst";
/// What is added to the name of an encrypted one.
pub const ENCRYPTED: &str = ".age";
/// What an archive is called while it is written; it never ends in [`ENDING`].
pub const UNFINISHED: &str = ".unfinished";

/// `grafana-confidex-20261127T084500123Z.tar.zst` for a moment in RFC 3339 with milliseconds. Names
/// sort by time within a stack.
pub fn archive(stack: &str, created_at: &str) -> String {
    let compact: String = created_at.chars().filter(|c| !matches!(c, '-' | ':' | '.')).collect();
    format!("grafana-{stack}-{compact}{ENDING}")
}

/// The moment in an archive's name when it is one of this stack: `20261127T084500123Z`. What has another
/// form is not ours, and is never listed or removed.
pub fn moment<'a>(stack: &str, name: &'a str) -> Option<&'a str> {
    let name = name.strip_suffix(ENCRYPTED).unwrap_or(name);
    let moment =
        name.strip_prefix("grafana-")?.strip_prefix(stack)?.strip_prefix('-')?.strip_suffix(ENDING)?;
    let shape = |(at, c): (usize, char)| match at {
        8 => c == 'T',
        18 => c == 'Z',
        _ => c.is_ascii_digit(),
    };
    (moment.len() == 19 && moment.chars().enumerate().all(shape)).then_some(moment)
}

/// The time of a [`moment`] in RFC 3339.
pub fn time(moment: &str) -> Option<String> {
    let part = |from: usize, to: usize| moment.get(from..to);
    Some(format!(
        "{}-{}-{}T{}:{}:{}.{}Z",
        part(0, 4)?,
        part(4, 6)?,
        part(6, 8)?,
        part(9, 11)?,
        part(11, 13)?,
        part(13, 15)?,
        part(15, 18)?
    ))
}

/// True for what a killed run left behind.
pub fn is_remains(stack: &str, name: &str) -> bool {
    name.strip_prefix(".grafana-")
        .and_then(|rest| rest.strip_prefix(stack))
        .is_some_and(|rest| rest.starts_with('-') && rest.ends_with(UNFINISHED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_stack_and_its_moment() {
        let name = archive("confidex", "2026-11-27T08:45:00.123Z");
        assert_eq!(name, "grafana-confidex-20261127T084500123Z.tar.zst");
        assert_eq!(moment("confidex", &name), Some("20261127T084500123Z"));
        assert_eq!(moment("confidex", &format!("{name}.age")), Some("20261127T084500123Z"));
        assert_eq!(time("20261127T084500123Z").as_deref(), Some("2026-11-27T08:45:00.123Z"));
        // Another stack whose name begins the same way.
        assert_eq!(moment("confidex", "grafana-confidex-two-20261127T084500123Z.tar.zst"), None);
        for other in
            ["grafana-confidex-20261127.tar.zst", "notes.tar.zst", "grafana-confidex-20261127T084500123Z.tar"]
        {
            assert_eq!(moment("confidex", other), None, "{other}");
        }
    }

    #[test]
    fn remains_are_only_those_of_the_stack() {
        assert!(is_remains("a", ".grafana-a-20261127T084500123Z.unfinished"));
        assert!(!is_remains("a", ".grafana-ab-20261127T084500123Z.unfinished"));
        assert!(!is_remains("a", "grafana-a-20261127T084500123Z.tar.zst"));
    }
}
