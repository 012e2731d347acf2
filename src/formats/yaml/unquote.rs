//! Go's string escapes, as Prometheus and Alertmanager read them.

/// The text between two of these quotes as Go reads it; `None` where Go refuses it.
pub fn unquote(inner: &str, quote: char) -> Option<String> {
    if !inner.contains(['\\', '\n']) {
        return Some(inner.to_owned());
    }
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c == '\n' {
            return None;
        }
        if c == '\\' {
            rest = escape(rest, quote, &mut bytes)?;
        } else {
            push(c, &mut bytes);
        }
    }
    String::from_utf8(bytes).ok()
}

/// Reads what follows a backslash.
fn escape<'a>(text: &'a str, quote: char, bytes: &mut Vec<u8>) -> Option<&'a str> {
    let c = text.chars().next()?;
    let rest = &text[c.len_utf8()..];
    let simple = match c {
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 11,
        '\\' => b'\\',
        '"' if quote == '"' => b'"',
        '\'' if quote == '\'' => b'\'',
        'x' => return byte(number(rest, 2, 16)?, bytes),
        'u' => return character(number(rest, 4, 16)?, bytes),
        'U' => return character(number(rest, 8, 16)?, bytes),
        '0'..='7' => return byte(number(text, 3, 8)?, bytes),
        _ => return None,
    };
    bytes.push(simple);
    Some(rest)
}

fn byte<'a>((code, rest): (u32, &'a str), bytes: &mut Vec<u8>) -> Option<&'a str> {
    bytes.push(u8::try_from(code).ok()?);
    Some(rest)
}

fn character<'a>((code, rest): (u32, &'a str), bytes: &mut Vec<u8>) -> Option<&'a str> {
    push(char::from_u32(code)?, bytes);
    Some(rest)
}

fn number(text: &str, digits: usize, radix: u32) -> Option<(u32, &str)> {
    let (code, rest) = text.split_at_checked(digits)?;
    let all = code.chars().all(|c| c.is_digit(radix));
    all.then(|| u32::from_str_radix(code, radix).ok()).flatten().map(|code| (code, rest))
}

fn push(c: char, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use crate::formats::yaml::unquote::unquote;

    #[test]
    fn escapes_are_those_of_go() {
        assert_eq!(unquote("a\\n\\t\\\"\\\\", '"').as_deref(), Some("a\n\t\"\\"));
        assert_eq!(unquote("\\u00e4\\xc3\\xa4\\101", '"').as_deref(), Some("ääA"));
        assert_eq!(unquote("\\d", '"'), None);
        assert_eq!(unquote("\\'", '"'), None);
        assert_eq!(unquote("\\xff", '"'), None);
        assert_eq!(unquote("\\u12", '"'), None);
        assert_eq!(unquote("\n", '"'), None);
        assert_eq!(unquote("it\\'s \"", '\'').as_deref(), Some("it's \""));
        assert_eq!(unquote("\\\"", '\''), None);
    }
}
