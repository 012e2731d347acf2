//! Silences as Alertmanager holds them.

use serde::Serialize;

/// One condition on a label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Matcher {
    pub name: String,
    pub value: String,
    pub is_regex: bool,
    /// False for `!=` and `!~`.
    pub is_equal: bool,
}

impl Matcher {
    /// `name="value"`.
    pub fn equal(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), value: value.to_owned(), is_regex: false, is_equal: true }
    }
}

impl std::fmt::Display for Matcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let operator = match (self.is_equal, self.is_regex) {
            (true, false) => "=",
            (true, true) => "=~",
            (false, false) => "!=",
            (false, true) => "!~",
        };
        let value = self.value.replace('\\', "\\\\").replace('"', "\\\"");
        write!(f, "{}{operator}\"{value}\"", self.name)
    }
}

/// A silence that is in force or will be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Silence {
    pub id: String,
    /// All of them must hold.
    pub matchers: Vec<Matcher>,
    /// RFC 3339.
    pub starts_at: String,
    pub ends_at: String,
    pub created_by: String,
    pub comment: String,
    /// Alertmanager's word: `active` or `pending`.
    pub state: String,
}

impl Silence {
    /// The matchers as Alertmanager shows them.
    pub fn text(&self) -> String {
        self.matchers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    /// True for the whole id, the beginning of it, or the name of the alert that it silences.
    pub fn is_meant_by(&self, text: &str) -> bool {
        let of_alert = |matcher: &Matcher| *matcher == Matcher::equal("alertname", text);
        (text.len() >= 4 && self.id.starts_with(text)) || self.matchers.iter().any(of_alert)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_is_named_by_its_alert_or_the_beginning_of_its_id() {
        let silence = Silence {
            id: "0a1b2c3d-4e".to_owned(),
            matchers: vec![Matcher::equal("alertname", "Slow"), Matcher::equal("path", "C:\\\"x")],
            starts_at: String::new(),
            ends_at: String::new(),
            created_by: String::new(),
            comment: String::new(),
            state: "active".to_owned(),
        };
        assert_eq!(silence.text(), r#"alertname="Slow", path="C:\\\"x""#);
        assert!(
            silence.is_meant_by("Slow") && silence.is_meant_by("0a1b") && silence.is_meant_by(&silence.id)
        );
        // Too short to be meant, and another label's value.
        assert!(!silence.is_meant_by("0a1") && !silence.is_meant_by("C:\\\"x") && !silence.is_meant_by(""));
    }
}
