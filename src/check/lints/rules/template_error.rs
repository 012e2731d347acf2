//! What the template engine refuses only when the alert fires: the pager then shows
//! `<error expanding template: …>`, and the rule's health is still "ok".

mod types;

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};
use crate::formats::go_template::{Action, Broken, Token, TokenKind};
use crate::formats::yaml::scalar::Scalar;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "template-error",
    severity: Severity::Bug,
    doc: "A template that fails, or prints rubbish, when the alert fires.",
    run: Run::Rule(check),
};

/// Functions with the least and the most arguments; the piped value counts.
const FUNCTIONS: [(&str, usize, usize); 52] = [
    ("and", 1, 99),
    ("args", 0, 99),
    ("call", 1, 99),
    ("eq", 2, 99),
    ("externalURL", 0, 0),
    ("first", 1, 1),
    ("ge", 2, 2),
    ("graphLink", 1, 1),
    ("gt", 2, 2),
    ("html", 1, 99),
    ("humanize", 1, 1),
    ("humanize1024", 1, 1),
    ("humanizeDuration", 1, 1),
    ("humanizePercentage", 1, 1),
    ("humanizeTimestamp", 1, 1),
    ("index", 1, 99),
    ("js", 1, 99),
    ("label", 2, 2),
    ("le", 2, 2),
    ("len", 1, 1),
    ("lt", 2, 2),
    ("match", 2, 2),
    ("ne", 2, 2),
    ("not", 1, 1),
    ("now", 0, 0),
    ("or", 1, 99),
    ("parseDuration", 1, 1),
    ("pathPrefix", 0, 0),
    ("print", 0, 99),
    ("printf", 1, 99),
    ("println", 0, 99),
    ("query", 1, 1),
    ("reReplaceAll", 3, 3),
    ("safeHtml", 1, 1),
    ("slice", 1, 4),
    ("sortByLabel", 2, 2),
    ("stripDomain", 1, 1),
    ("stripPort", 1, 1),
    ("strvalue", 1, 1),
    ("tableLink", 1, 1),
    ("title", 1, 1),
    ("tmpl", 2, 2),
    ("toDuration", 1, 1),
    ("toLower", 1, 1),
    ("toTime", 1, 1),
    ("toUpper", 1, 1),
    ("urlQueryEscape", 1, 1),
    ("urlquery", 1, 99),
    ("value", 1, 1),
    ("true", 0, 0),
    ("false", 0, 0),
    ("nil", 0, 0),
];

const VARIABLES: [&str; 5] = ["$", "$labels", "$externalLabels", "$externalURL", "$value"];

/// What is wrong, where, and what to write.
type Mistake = (usize, String, Option<&'static str>);

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    if !rule.rule.is_alert() {
        return;
    }
    for (_, text, actions) in rule.rule.annotations.templates().chain(rule.rule.labels.templates()) {
        if text.value.contains("{{") {
            assess(rule, text, actions, out);
        }
    }
}

fn assess(rule: &RuleView<'_>, text: &Scalar, actions: &Result<Vec<Action>, Broken>, out: &mut Vec<Finding>) {
    let mut push = |(at, message, fix): Mistake, severity| {
        let finding = rule.in_scalar(&LINT, text, at, message).severity(severity);
        out.push(if let Some(fix) = fix { finding.fix(fix) } else { finding });
    };
    let actions = match actions {
        Ok(actions) => actions,
        Err(broken) => return push((broken.at, broken.reason.clone(), None), Severity::Bug),
    };
    if let Some(mistake) = unbalanced(actions) {
        return push(mistake, Severity::Bug);
    }
    let defined: Vec<_> = actions.iter().filter_map(|action| named(action, &["define", "block"])).collect();
    let mut scope = Scope::default();
    for action in actions {
        scope.enter(action);
        if let Some((name, at)) =
            named(action, &["template"]).filter(|(name, _)| !defined.iter().any(|(known, _)| known == name))
        {
            let message = format!(
                "the template \"{name}\" is not defined in this text, and rules have no others: the text becomes `<error expanding template>`"
            );
            push((at, message, None), Severity::Bug);
            continue;
        }
        if let Some(mistake) = mistake(action, &scope) {
            push(mistake, Severity::Bug);
        } else if let Some(mistake) = unguarded_query(action, &scope) {
            push(mistake, Severity::Info);
        }
    }
}

/// The name that follows one of these words.
fn named<'a>(action: &'a Action, words: &[&str]) -> Option<(&'a str, usize)> {
    let [first, second, ..] = action.tokens.as_slice() else { return None };
    match (&first.kind, &second.kind) {
        (TokenKind::Word(word), TokenKind::Text(name)) if words.contains(&word.as_str()) => {
            Some((name, second.at))
        }
        _ => None,
    }
}

fn unbalanced(actions: &[Action]) -> Option<Mistake> {
    let mut open: Vec<usize> = Vec::new();
    for action in actions {
        match action.keyword() {
            Some("if" | "range" | "with" | "define" | "block") => open.push(action.at),
            Some("end") if open.pop().is_none() => {
                return Some((action.at, "this `end` ends nothing".to_owned(), None));
            }
            Some("else") if open.is_empty() => {
                return Some((action.at, "this `else` has no `if`".to_owned(), None));
            }
            _ => {}
        }
    }
    open.pop().map(|at| (at, "this block has no `{{ end }}`".to_owned(), Some("add `{{ end }}`")))
}

/// What is defined at an action.
#[derive(Default)]
struct Scope {
    variables: Vec<String>,
    /// Blocks that change the dot: `true` for `range`, `with`, `define`.
    blocks: Vec<bool>,
}

impl Scope {
    fn enter(&mut self, action: &Action) {
        match action.keyword() {
            Some("range" | "with" | "define" | "block") => self.blocks.push(true),
            Some("if") => self.blocks.push(false),
            Some("end") => {
                self.blocks.pop();
            }
            _ => {}
        }
        let assigned = action.tokens.iter().position(|token| token.kind == TokenKind::Assign);
        for token in action.tokens.iter().take(assigned.unwrap_or(0)) {
            if let TokenKind::Path { root, .. } = &token.kind {
                self.variables.push(root.clone());
            }
        }
    }

    fn dot_is_the_alert(&self) -> bool {
        !self.blocks.contains(&true)
    }
}

fn mistake(action: &Action, scope: &Scope) -> Option<Mistake> {
    action
        .tokens
        .iter()
        .find_map(|token| of_token(token, scope))
        .or_else(|| action.functions().find_map(unknown_function))
        .or_else(|| {
            action.commands().iter().enumerate().find_map(|(index, command)| {
                of_command(command, index > 0, action).or_else(|| types::mistake(action, index))
            })
        })
}

fn of_token(token: &Token, scope: &Scope) -> Option<Mistake> {
    match &token.kind {
        TokenKind::Bad(c) => Some((
            token.at,
            format!("`{c}` is no operator of Go's templates"),
            Some("compare with `gt`, `lt`, `eq`…, such as `{{ if gt $value 0.5 }}`"),
        )),
        TokenKind::Path { root, fields } if !root.is_empty() => {
            if !VARIABLES.contains(&root.as_str()) && !scope.variables.contains(root) {
                return Some((
                    token.at,
                    format!("the variable `{root}` is not defined"),
                    Some("use `$labels.<name>` or `$value`"),
                ));
            }
            let most = match root.as_str() {
                "$labels" | "$externalLabels" => 1,
                "$value" | "$externalURL" => 0,
                _ => usize::MAX,
            };
            (fields.len() > most).then(|| {
                let field = fields.last().map_or("", String::as_str);
                (
                    token.at,
                    format!("`{root}.{}` has no field `{field}`", fields[..fields.len() - 1].join(".")),
                    None,
                )
            })
        }
        TokenKind::Path { fields, .. } if scope.dot_is_the_alert() => {
            let first = fields.first()?;
            let known = matches!(first.as_str(), "Labels" | "ExternalLabels" | "ExternalURL" | "Value");
            (!known).then(|| {
                (token.at, format!("the alert has no field `.{first}` here: the text becomes `<error expanding template>`"), Some("use `$labels.<name>` or `$value`"))
            })
        }
        _ => None,
    }
}

fn unknown_function((name, at): (&str, usize)) -> Option<Mistake> {
    let known = FUNCTIONS.iter().any(|(known, ..)| *known == name)
        || matches!(
            name,
            "if" | "else" | "with" | "range" | "end" | "template" | "block" | "define" | "break" | "continue"
        );
    (!known).then(|| (at, format!("there is no template function `{name}`"), None))
}

fn of_command(command: &[&Token], piped: bool, action: &Action) -> Option<Mistake> {
    if matches!(action.keyword(), Some("template" | "define" | "block")) {
        return None;
    }
    let (first, operands) = command.split_first()?;
    let TokenKind::Word(name) = &first.kind else { return None };
    let given = operands.iter().filter(|token| token.kind != TokenKind::Comma).count() + usize::from(piped);
    let (_, least, most) = FUNCTIONS.iter().find(|(known, ..)| known == name)?;
    if given < *least || given > *most {
        let wants = if least == most { least.to_string() } else { format!("at least {least}") };
        return Some((first.at, format!("`{name}` takes {wants} argument(s) and gets {given}"), None));
    }
    None
}

/// `query "…" | first` fails when the query returns nothing.
fn unguarded_query(action: &Action, scope: &Scope) -> Option<Mistake> {
    let (_, at) = action.functions().find(|(name, _)| *name == "first")?;
    let guarded = !scope.dot_is_the_alert() || action.keyword().is_some();
    (action.calls("query") && !guarded).then(|| {
        (at, "`first` fails when the query returns nothing, and the whole text becomes `<error expanding template>`".to_owned(), Some("write `{{ with query \"…\" }}{{ . | first | value }}{{ end }}`"))
    })
}
