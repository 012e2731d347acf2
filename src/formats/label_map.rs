//! The labels or annotations of a rule. Thousands of rules have a handful each: a sorted list takes a
//! fraction of a tree's memory.

use std::sync::OnceLock;

use crate::formats::go_template::{self, Action, Broken};
use crate::formats::yaml::scalar::Scalar;

/// Texts by name, sorted by it.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    texts: Vec<(String, Scalar)>,
    /// The texts as templates, once somebody has asked: several lints do, of each rule.
    templates: OnceLock<Vec<Result<Vec<Action>, Broken>>>,
}

impl Fields {
    /// Of a name that is given twice the last text counts.
    pub fn new(mut fields: Vec<(String, Scalar)>) -> Self {
        fields.reverse();
        fields.sort_by(|(a, _), (b, _)| a.cmp(b));
        fields.dedup_by(|(a, _), (b, _)| a == b);
        fields.shrink_to_fit();
        Self { texts: fields, templates: OnceLock::new() }
    }

    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&Scalar> {
        let at = self.texts.binary_search_by(|(own, _)| own.as_str().cmp(name)).ok()?;
        self.texts.get(at).map(|(_, text)| text)
    }

    /// True when there is such a field.
    pub fn contains_key(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Names and values, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Scalar)> {
        self.texts.iter().map(|(name, text)| (name.as_str(), text))
    }

    /// The names, in the order of the file.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|(name, _)| name)
    }

    /// Each text with what its template does.
    pub fn templates(&self) -> impl Iterator<Item = (&str, &Scalar, &Result<Vec<Action>, Broken>)> {
        let read = || self.values().map(|text| go_template::actions(&text.value)).collect();
        let templates = self.templates.get_or_init(read);
        self.iter().zip(templates).map(|((name, text), actions)| (name, text, actions))
    }

    /// The values, in the order of the file.
    pub fn values(&self) -> impl Iterator<Item = &Scalar> {
        self.iter().map(|(_, text)| text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_and_the_last_text_counts() {
        let text = |value: &str| Scalar::new(value.to_owned(), 0, 0);
        let fields = Fields::new(vec![
            ("b".to_owned(), text("1")),
            ("a".to_owned(), text("2")),
            ("b".to_owned(), text("3")),
        ]);
        assert_eq!(fields.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(fields.get("b").map(|text| text.value.as_str()), Some("3"));
        assert!(!fields.contains_key("c"));
        let texts: Vec<_> = fields.templates().map(|(name, text, _)| (name, text.value.as_str())).collect();
        assert_eq!(texts, [("a", "2"), ("b", "3")]);
    }
}
