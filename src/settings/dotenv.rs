//! `.env`: variables by name, with the line they stand on. No message ever holds a value.

use std::collections::BTreeMap;

use crate::model::{Diagnostic, Place, Secret, closest_name};
use crate::settings::env_vars::{self, VARIABLES};
use crate::settings::problem;

/// A variable and where its value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    pub value: String,
    /// `None` for the process environment.
    pub place: Option<Place>,
}

/// Variables by name: the environment over `.env`. An empty value counts as not set, because that is
/// what a copied `.env.example` holds.
pub type Variables = BTreeMap<String, Located>;

/// Merges `.env` and the environment. `known` adds names that the settings file mentions.
pub fn variables(
    dotenv: Option<(&str, &str)>,
    environment: &BTreeMap<String, String>,
    known: &[String],
    problems: &mut Vec<Diagnostic>,
) -> Variables {
    let mut variables = Variables::new();
    if let Some((file, text)) = dotenv {
        read_file(file, text, known, &mut variables, problems);
    }
    for (name, value) in environment {
        if env_vars::find(name).is_some() || known.contains(name) {
            variables.insert(name.clone(), Located { value: value.clone(), place: None });
        }
    }
    variables.retain(|_, located| !located.value.is_empty());
    variables
}

/// Every value of the file that may be a secret: those of unknown variables, too.
pub fn secret_values(text: &str) -> Vec<Secret> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let named = assignments(text).into_iter().filter_map(|(_, assignment)| read_one(&assignment));
    let secret = named.filter(|(name, _)| env_vars::find(name).is_none_or(|variable| variable.secret));
    secret.map(|(_, value)| Secret::new(value)).collect()
}

fn read_file(
    file: &str,
    text: &str,
    known: &[String],
    variables: &mut Variables,
    problems: &mut Vec<Diagnostic>,
) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // dotenvy fails at the first bad line, so each assignment is given to it alone.
    for (line, assignment) in assignments(text) {
        let place = Place { file: file.to_owned(), line, column: 1, length: 1 };
        let Some((name, value)) = read_one(&assignment) else {
            problems.push(
                problem::error("this line cannot be read", Some(place))
                    .fix("write NAME='value'; single quotes keep every character as it is"),
            );
            continue;
        };
        if let Some(refused) = control_character((file, line), &assignment, &name, &value) {
            problems.push(refused);
        }
        if expands(&assignment) {
            problems.push(
                problem::error(
                    format!("the value of `{name}` holds a `$`, which would be replaced"),
                    Some(place.clone()),
                )
                .fix("put the value in single quotes"),
            );
        }
        unknown_name(&name, known, &place, problems);
        if variables.insert(name.clone(), Located { value, place: Some(place.clone()) }).is_some() {
            problems.push(
                problem::error(format!("`{name}` is set twice"), Some(place)).fix("keep one of the lines"),
            );
        }
    }
}

/// A tab or a NUL comes with a copied value, nobody sees it, and no receiver takes it.
fn control_character(
    (file, line): (&str, usize),
    assignment: &str,
    name: &str,
    value: &str,
) -> Option<Diagnostic> {
    let is_hidden = |c: char| c.is_control() && c != '\n' && c != '\r';
    let found = value.chars().find(|c| is_hidden(*c))?;
    let (before, _) = assignment.split_once(found)?;
    let (line, column) = (
        line + before.matches('\n').count(),
        before.rsplit('\n').next().unwrap_or_default().chars().count() + 1,
    );
    let what = match found {
        '\t' => "a tab".to_owned(),
        '\0' => "a NUL".to_owned(),
        other => format!("the control character U+{:04X}", u32::from(other)),
    };
    let place = Place { file: file.to_owned(), line, column, length: 1 };
    Some(
        problem::error(format!("the value of `{name}` holds {what}"), Some(place))
            .fix("copy the value again, without what stands around it"),
    )
}

/// Lines that are neither blank nor comments, with their number; a quoted value may span lines.
fn assignments(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let mut assignment = trimmed.to_owned();
        let quote = assignment.split_once('=').and_then(|(_, value)| value.trim_start().chars().next());
        if let Some(quote @ ('\'' | '"')) = quote {
            while assignment.matches(quote).count() == 1 {
                let Some((_, next)) = lines.next() else { break };
                assignment.push('\n');
                assignment.push_str(next);
            }
        }
        found.push((index + 1, assignment));
    }
    found
}

fn read_one(assignment: &str) -> Option<(String, String)> {
    let mut entries = dotenvy::from_read_iter(assignment.as_bytes());
    let entry = entries.next()?.ok()?;
    entries.next().is_none().then_some(entry)
}

/// dotenvy substitutes `$NAME` in bare and double-quoted values: `pa$$word` becomes `pa`.
fn expands(assignment: &str) -> bool {
    let value = assignment.split_once('=').map_or("", |(_, value)| value.trim_start());
    !value.starts_with('\'') && value.replace("\\$", "").contains('$')
}

fn unknown_name(name: &str, known: &[String], place: &Place, problems: &mut Vec<Diagnostic>) {
    if env_vars::find(name).is_some() || known.iter().any(|other| other == name) {
        return;
    }
    // Other programs' variables may stand in the same file; only a probable slip is worth a word.
    let names = VARIABLES.iter().map(|variable| variable.name).chain(known.iter().map(String::as_str));
    if let Some(meant) = closest_name(name, names) {
        let problem =
            problem::warning(format!("`{name}` is not a variable that is read"), Some(place.clone()));
        problems.push(problem.fix(format!("did you mean `{meant}`?")));
    }
}
