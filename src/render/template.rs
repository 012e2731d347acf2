//! The template engine's set-up: delimiters, escaping, strictness, and problems with their place.
//!
//! `${{ value }}` renders JSON in `.yml` files: any string becomes one valid, quoted YAML scalar,
//! so no label, URL or secret can break out. Go's `{{ … }}` passes through untouched.

use crate::model::{Diagnostic, Place, Severity};
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value, escape_formatter};

/// Who says what is wrong with a template, in reports of `check`; the settings' own word.
const SETTINGS: &str = "settings";

/// Instructions one template may use up; an endless loop in a user's template ends here.
const FUEL: u64 = 5_000_000;

/// Renders one template. `name` decides the escaping: `.yml`/`.yaml`/`.json` as JSON, others none.
pub fn render(
    name: &str,
    shown_as: &str,
    source: &str,
    context: &serde_json::Value,
) -> Result<String, Diagnostic> {
    let context = Value::from(minijinja::value::Serde(context));
    let attempt = || -> Result<String, Error> {
        let mut environment = environment()?;
        environment.add_template(name, source)?;
        environment.get_template(name)?.render(&context)
    };
    attempt().map_err(|error| refused(shown_as, source, &error))
}

fn environment() -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_syntax(
        SyntaxConfig::builder()
            .variable_delimiters("${{", "}}")
            .trim_blocks(true)
            .lstrip_blocks(true)
            .keep_trailing_newline(true)
            .build()?,
    );
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|name| {
        let json = [".yml", ".yaml", ".json"].iter().any(|ending| name.ends_with(ending));
        if json { AutoEscape::Json } else { AutoEscape::None }
    });
    environment.set_formatter(|output, state, value| {
        if !matches!(state.auto_escape(), AutoEscape::Json) || value.is_safe() {
            return escape_formatter(output, state, value);
        }
        let json = serde_json::to_string(value).map_err(|error| {
            Error::new(ErrorKind::BadSerialization, "the value is no JSON").with_source(error)
        })?;
        output.write_str(&printable(&json)).map_err(Error::from)
    });
    environment.set_fuel(Some(FUEL));
    environment.set_debug(true);
    environment.add_filter("redis_quote", redis_quote);
    Ok(environment)
}

/// JSON lets characters stand that YAML refuses (DEL, C1 controls) or takes for line breaks (NEL, LS, PS);
/// both read the escape.
fn printable(json: &str) -> String {
    let is_plain = |c: char| {
        matches!(c, '\t' | ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}'
            | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..)
    };
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if is_plain(c) { text.push(c) } else { text.push_str(&format!("\\u{:04x}", u32::from(c))) }
    }
    text
}

/// A value as redis.conf reads it: double quotes, with backslash escapes for everything that is not
/// plain ASCII. Redis's `sdssplitargs` understands `\n \r \t \b \a \\ \" \xHH` inside double quotes.
#[expect(clippy::needless_pass_by_value, reason = "the template engine's filter signature")]
pub fn redis_quote(value: String) -> String {
    let mut quoted = String::from("\"");
    for byte in value.bytes() {
        match byte {
            b'"' => quoted.push_str("\\\""),
            b'\\' => quoted.push_str("\\\\"),
            0x20..=0x7e => quoted.push(char::from(byte)),
            other => quoted.push_str(&format!("\\x{other:02x}")),
        }
    }
    quoted.push('"');
    quoted
}

/// The value that [`redis_quote`] has written; `None` for another spelling.
pub fn redis_unquote(text: &str) -> Option<String> {
    let mut inner = text.strip_prefix('"')?.strip_suffix('"')?.bytes();
    let mut bytes = Vec::new();
    while let Some(byte) = inner.next() {
        match byte {
            b'\\' => match inner.next()? {
                b'x' => {
                    let (high, low) = (char::from(inner.next()?), char::from(inner.next()?));
                    bytes.push(u8::try_from(high.to_digit(16)? * 16 + low.to_digit(16)?).ok()?);
                }
                other => bytes.push(other),
            },
            plain => bytes.push(plain),
        }
    }
    String::from_utf8(bytes).ok()
}

fn refused(shown_as: &str, source: &str, error: &Error) -> Diagnostic {
    let line = error.line().unwrap_or(0);
    let column = error.range().map_or(0, |range| column_of(source, range.start));
    let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    let hint = match error.kind() {
        ErrorKind::UndefinedError => Some(
            "the names a template may use are those of the embedded one: `confidexmon init` writes it out"
                .to_owned(),
        ),
        ErrorKind::OutOfFuel => Some("the template runs too long; look for an endless loop".to_owned()),
        _ => None,
    };
    let message = match error.kind() {
        ErrorKind::UndefinedError => {
            let name = error.range().and_then(|range| source.get(range)).unwrap_or("a name");
            format!("`{}` is not defined here", name.trim())
        }
        _ => detail,
    };
    let place = Place { file: shown_as.to_owned(), line, column, length: 1 };
    Diagnostic { fix: hint, ..problem(place, message) }
}

/// A template, or what it renders to, that cannot be used.
pub(super) fn problem(place: Place, message: String) -> Diagnostic {
    Diagnostic::new(SETTINGS, Severity::Bug, place, message)
}

fn column_of(source: &str, offset: usize) -> usize {
    let before = source.get(..offset).unwrap_or("");
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    before[line_start..].chars().count() + 1
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn go_templates_and_anchors_pass_through() {
        let source = "a: '{{ $labels.x }}'\nb: ${VAR}\n<<: *x\nc: ${{ v }}\n";
        let out = render("x.yml", "x.yml", source, &json!({"v": "1: 2 # 3"})).unwrap();
        assert_eq!(out, "a: '{{ $labels.x }}'\nb: ${VAR}\n<<: *x\nc: \"1: 2 # 3\"\n");
    }

    #[test]
    fn an_undefined_name_is_reported_with_its_place() {
        let problem =
            render("x.yml", "config/x.yml", "a: 1\nb: ${{ missing.name }}\n", &json!({})).unwrap_err();
        assert_eq!((problem.place.line, problem.place.file.as_str()), (2, "config/x.yml"));
        assert!(problem.message.contains("missing"), "{}", problem.message);
    }

    #[test]
    fn an_endless_template_ends() {
        let source = "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
        assert!(render("x.yml", "x.yml", source, &json!({})).is_err());
    }

    proptest! {
        #[test]
        fn any_string_round_trips_through_yaml(value in any::<String>()) {
            let out = render("x.yml", "x", "k: ${{ v }}\nafter: 1\n", &json!({"v": value})).unwrap();
            let back: std::collections::BTreeMap<String, serde_json::Value> = serde_yaml::from_str(&out).unwrap();
            prop_assert_eq!(back["k"].as_str().unwrap(), value.as_str());
            prop_assert_eq!(back.len(), 2);
        }

        #[test]
        fn any_string_round_trips_through_redis_conf(value in any::<String>()) {
            let quoted = redis_quote(value.clone());
            prop_assert!(quoted.is_ascii() && !quoted.contains('\n'));
            prop_assert_eq!(redis_unquote(&quoted), Some(value));
        }
    }
}
