//! Variables that Alertmanager never expands.

/// The first place-holder, as it is written: `${NAME}`, also with a default, `$(command)`, or a text that
/// is `$NAME` as a whole. `${1}` is a group of a regular expression.
pub fn variable(text: &str) -> Option<&str> {
    let begins_name = |name: &str| name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let braced = text.match_indices("${").find_map(|(at, _)| {
        let inner = text.get(at + 2..)?.split_once('}')?.0;
        let name = inner.split(|c| !is_part(c)).next()?;
        let default = inner.get(name.len()..)?;
        let plain = default.is_empty() || default.starts_with([':', '-', '?']);
        (begins_name(name) && plain).then(|| text.get(at..at + inner.len() + 3))?
    });
    let bare = || {
        let name = text.trim().strip_prefix('$')?;
        let upper = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        let command = name.starts_with('(') && name.ends_with(')');
        (command || begins_name(name) && name.chars().all(upper)).then_some(text.trim())
    };
    braced.or_else(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_holders_are_told_from_other_dollars() {
        for (text, expected) in [
            ("x ${A_B} ${C}", Some("${A_B}")),
            ("${A:-x}", Some("${A:-x}")),
            ("$A_1", Some("$A_1")),
            ("$(cat /run/x)", Some("$(cat /run/x)")),
            ("${1}", None),
            ("a$", None),
            ("$labels.x", None),
            ("pa$WORD", None),
            ("{{ $x }}", None),
        ] {
            assert_eq!(variable(text), expected, "{text}");
        }
    }
}
