//! promtool's `JUnit` report, as far as it goes: suites (files), cases (scenarios), their failures.

/// One test file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suite {
    /// Path in the judge's container.
    pub name: String,
    pub cases: Vec<Case>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Case {
    /// The scenario's name; promtool calls those without one `unnamed#0`, and `unknown` stands for a
    /// file that it could not read.
    pub name: String,
    pub failures: Vec<String>,
    /// The failures are about the file, not about a rule.
    pub is_error: bool,
}

/// Reads the report; what is not understood is left out.
pub fn parse(xml: &str) -> Vec<Suite> {
    let mut suites: Vec<Suite> = Vec::new();
    let mut rest = xml;
    while let Some((_, after)) = rest.split_once('<') {
        let Some((tag, after)) = after.split_once('>') else { break };
        rest = after;
        let (name, attributes) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
        match name {
            "testsuite" => {
                suites.push(Suite { name: attribute(attributes, "name"), cases: Vec::new() });
            }
            "testcase" => {
                let case = Case { name: attribute(attributes, "name"), ..Case::default() };
                suites.iter_mut().last().into_iter().for_each(|suite| suite.cases.push(case.clone()));
            }
            "failure" | "error" => {
                let text = rest.split_once('<').map_or(rest, |(text, _)| text);
                if let Some(case) = suites.last_mut().and_then(|suite| suite.cases.last_mut()) {
                    case.failures.push(unescaped(text));
                    case.is_error |= name == "error";
                }
            }
            _ => {}
        }
    }
    suites
}

fn attribute(attributes: &str, name: &str) -> String {
    let start = format!("{name}=\"");
    let value = attributes.split_once(start.as_str()).and_then(|(_, rest)| rest.split_once('"'));
    unescaped(value.map_or("", |(value, _)| value))
}

/// The five named entities and character numbers.
fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let Some((entity, behind)) = after.split_once(';') else {
            out.push('&');
            rest = after;
            continue;
        };
        let known = character(entity);
        out.push(known.unwrap_or('&'));
        rest = if known.is_some() { behind } else { after };
    }
    out.push_str(rest);
    out
}

fn character(entity: &str) -> Option<char> {
    match entity {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = entity.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
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
