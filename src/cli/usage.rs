//! clap's refusal of a command line, as the JSON event that every other error is.

use clap::error::ErrorKind;

use crate::error::{Error, ExitCode};

/// True when the command line that clap refused asked for JSON: it was never parsed as a whole.
pub(super) fn wants_json(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> bool {
    let mut wanted = false;
    let mut arguments = arguments.into_iter().take_while(|argument| argument != "--");
    while let Some(argument) = arguments.next() {
        if argument == "--format" {
            wanted = arguments.next().is_some_and(|value| value == "json");
        } else if let Some(value) = argument.to_str().and_then(|text| text.strip_prefix("--format=")) {
            wanted = value == "json";
        }
    }
    wanted
}

/// clap's text taken apart: its first paragraph is what is wrong, the rest helps.
pub(super) fn error(refusal: &clap::Error) -> Error {
    let missing = [ErrorKind::MissingSubcommand, ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand]
        .contains(&refusal.kind());
    if missing {
        return Error::new(ExitCode::Usage, "a command is missing").hint("`confidexmon --help` lists them");
    }
    let text = refusal.render().to_string();
    let mut paragraphs = text.split("\n\n").map(one_line).filter(|paragraph| !paragraph.is_empty());
    let first = paragraphs.next().unwrap_or_default();
    let mut wrong = Error::new(ExitCode::Usage, first.strip_prefix("error: ").unwrap_or(&first));
    for paragraph in paragraphs {
        wrong = wrong.hint(paragraph.strip_prefix("tip: ").unwrap_or(&paragraph));
    }
    wrong
}

fn one_line(paragraph: &str) -> String {
    paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::CommandFactory;

    use super::*;
    use crate::cli::args::Arguments;

    #[test]
    fn json_is_seen_in_a_line_that_cannot_be_parsed() {
        let wants = |line: &str| wants_json(line.split(' ').map(std::ffi::OsString::from));
        assert!(wants("x statsu --format json") && wants("x --format=json --nope"));
        assert!(!wants("x --format human") && !wants("x check -- --format json") && !wants("x --format"));
    }

    #[test]
    fn what_is_wrong_comes_first_and_the_tips_are_hints() {
        let refused =
            |line: &str| error(&Arguments::command().try_get_matches_from(line.split(' ')).unwrap_err());
        let wrong = refused("confidexmon statsu --format json");
        assert_eq!(wrong.message, "unrecognized subcommand 'statsu'");
        assert!(wrong.hints.iter().any(|hint| hint.contains("'status'")), "{:?}", wrong.hints);
        assert_eq!(refused("confidexmon --format json").message, "a command is missing");
        assert!(refused("confidexmon up --timeout soon").message.contains("`soon` is not a duration"));
    }
}
