//! String literals of Go, as templates hold them.

/// The string at the beginning of a text, in double quotes or in backquotes: its value, and how many bytes
/// it takes. `None` for one that is never closed on its line.
pub(super) fn leading(text: &str) -> Option<(String, usize)> {
    if let Some(raw) = text.strip_prefix('`') {
        let length = raw.find('`')?;
        return Some((raw[..length].to_owned(), length + 2));
    }
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, at + 1)),
            '\n' => return None,
            '\\' => match chars.next()?.1 {
                'n' => value.push('\n'),
                't' => value.push('\t'),
                escaped => value.push(escaped),
            },
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::leading;

    #[test]
    fn both_kinds_are_read_to_their_end() {
        assert_eq!(leading(r#""a\"b\n" | x"#), Some(("a\"b\n".to_owned(), 8)));
        assert_eq!(leading("`a\\n` x"), Some(("a\\n".to_owned(), 5)));
        assert_eq!(leading("`a\nb`"), Some(("a\nb".to_owned(), 5)));
        for open in ["\"a", "\"a\n\"", "\"a\\", "`a", "\"", "`"] {
            assert_eq!(leading(open), None, "{open}");
        }
    }
}
