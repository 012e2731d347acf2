//! What a call carried, for `-vv`: JSON in one line, cut where it is long, without what looks like a secret.

use serde_json::Value;

/// A listing of a hundred containers is no help to anybody.
const LONGEST: usize = 4096;
/// A name that has one of these holds a secret.
const SECRET: [&str; 6] = ["password", "passwd", "secret", "token", "auth", "credential"];

/// The text of a body; `None` for what is no JSON, such as an archive.
pub(super) fn shown(body: &[u8]) -> Option<String> {
    let mut value: Value = serde_json::from_slice(body).ok()?;
    hide(&mut value);
    let text = value.to_string();
    let short: String = text.chars().take(LONGEST).collect();
    Some(if short.len() < text.len() { format!("{short}… ({} bytes)", body.len()) } else { text })
}

fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    SECRET.iter().any(|word| name.contains(word)) || name.ends_with("_key") || name.ends_with("_url")
}

fn hide(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (name, inner) in map {
                match inner {
                    Value::String(text) if is_secret(name) && !text.is_empty() => "***".clone_into(text),
                    inner => hide(inner),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(hide),
        // `NAME=value` of an environment.
        Value::String(text) => {
            if let Some((name, _)) = text.split_once('=').filter(|(name, _)| is_secret(name)) {
                *text = format!("{name}=***");
            }
        }
        _ => {}
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_one_line_without_what_looks_like_a_secret() {
        let body = r#"{"Env": ["PATH=/bin", "GF_ADMIN_PASSWORD=hunter2", "SLACK_URL=http://x"], "Cmd": ["--a=b"],
                       "identitytoken": "hunter2", "Id": "1"}"#;
        let text = shown(body.as_bytes()).unwrap();
        assert_eq!(
            text,
            r#"{"Env":["PATH=/bin","GF_ADMIN_PASSWORD=***","SLACK_URL=***"],"Cmd":["--a=b"],"identitytoken":"***","Id":"1"}"#
        );
        assert_eq!(shown(b"\x1f\x8b tar"), None);
        let long = format!("[\"{}\"]", "é".repeat(9000));
        assert!(shown(long.as_bytes()).unwrap().ends_with("… (18004 bytes)"));
    }
}
