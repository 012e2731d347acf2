//! promtool's `JUnit` report, as far as it goes: suites (files), cases (scenarios), their failures.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

/// One test file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suite {
    /// Path in the validator's container.
    pub name: String,
    pub cases: Vec<Case>,
}

/// One test of a `JUnit` report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Case {
    /// The scenario's name; promtool calls those without one `unnamed#0`, and `unknown` stands for a
    /// file that it could not read.
    pub name: String,
    pub failures: Vec<String>,
    /// The failures are about the file, not about a rule.
    pub is_error: bool,
}

/// Reads the report; what is not understood is left out, and so is everything behind what is no XML.
pub fn parse(xml: &str) -> Vec<Suite> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().expand_empty_elements = true;
    let mut suites: Vec<Suite> = Vec::new();
    // The text of a failure comes in pieces, entities between them.
    let mut failure: Option<String> = None;
    loop {
        match reader.read_event() {
            Ok(Event::Start(tag)) => match tag.name().as_ref() {
                "testsuite" => suites.push(Suite { name: name(&tag), cases: Vec::new() }),
                "testcase" => {
                    let case = Case { name: name(&tag), ..Case::default() };
                    suites.last_mut().into_iter().for_each(|suite| suite.cases.push(case.clone()));
                }
                kind @ ("failure" | "error") => {
                    failure = Some(String::new());
                    if let Some(case) = last_case(&mut suites) {
                        case.is_error |= kind == "error";
                    }
                }
                _ => {}
            },
            Ok(Event::Text(text)) => append(failure.as_mut(), &text),
            Ok(Event::GeneralRef(entity)) => append(failure.as_mut(), &resolved(&entity)),
            Ok(Event::End(tag)) if matches!(tag.name().as_ref(), "failure" | "error") => {
                if let Some((case, text)) = last_case(&mut suites).zip(failure.take()) {
                    case.failures.push(text);
                }
            }
            Ok(Event::Eof) | Err(_) => return suites,
            Ok(_) => {}
        }
    }
}

fn last_case(suites: &mut [Suite]) -> Option<&mut Case> {
    suites.last_mut()?.cases.last_mut()
}

fn append(text: Option<&mut String>, more: &str) {
    if let Some(text) = text {
        text.push_str(more);
    }
}

/// The character that an entity or a character number stands for.
fn resolved(entity: &BytesRef<'_>) -> String {
    if let Ok(Some(character)) = entity.resolve_char_ref() {
        return character.to_string();
    }
    resolve_predefined_entity(entity).unwrap_or_default().to_owned()
}

fn name(tag: &BytesStart<'_>) -> String {
    let found = tag.try_get_attribute("name").ok().flatten();
    let value =
        found.and_then(|found| found.normalized_value(XmlVersion::Implicit1_0).ok().map(Cow::into_owned));
    value.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_promtool_writes() {
        let xml = "<testsuites><testsuite name=\"/j/a.yml\" tests=\"2\"><testcase name=\"a &lt;b&gt; &amp;\"></testcase>\
            <testcase name=\"c\"><failure>x&#xA;&#34;y&#34;</failure><failure>z</failure></testcase></testsuite>\
            <testsuite name=\"/j/b.yml\"><testcase name=\"unknown\"><error>yaml: bad</error></testcase></testsuite></testsuites>";
        let suites = parse(xml);
        assert_eq!(suites.len(), 2);
        assert_eq!(suites[0].cases[0], Case { name: "a <b> &".to_owned(), ..Case::default() });
        assert_eq!(suites[0].cases[1].failures, ["x\n\"y\"", "z"]);
        assert!(suites[1].cases[0].is_error);
    }

    proptest! {
        #[test]
        fn never_panics(text in "(<|>|&|;|#|testsuite|testcase|failure| name=|\"|[a-zä]){0,40}") {
            parse(&text);
        }
    }
}
