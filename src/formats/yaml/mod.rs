//! YAML with the place of every key and value.

pub mod node;
mod plain_yaml;
pub mod scalar;
pub mod source;
pub mod unquote;

/// Prometheus reads the first YAML document of a file and no more.
pub fn first_document(text: &str) -> &str {
    // True once a separator ends the first document: behind its text, or behind its own separator.
    let mut begun = false;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let word = line.trim_end();
        let separates = word == "---" || word.starts_with("--- ") || word == "...";
        if separates && begun {
            return text.get(..at).unwrap_or(text);
        }
        begun |= !word.is_empty() && !word.starts_with(['#', '%']);
        at += line.len();
    }
    text
}
