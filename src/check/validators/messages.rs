//! `amtool template render`: every text of every receiver, with notifications that it can get. Pure: what is
//! to be run, and what the answers mean.
//!
//! One run renders all texts of a receiver for one notification. Only when it fails each is asked alone.

use std::collections::BTreeMap;

use crate::analysis::facts::Facts;
use crate::analysis::messages::texts::{self, MessageText};
use crate::analysis::messages::{Messages, Where};
use crate::analysis::view::{View, view};
use crate::check::finding::{Finding, Severity};
use crate::check::lints;
use crate::check::validators::AMTOOL;
use crate::model::{Place, RenderedFile};

/// Texts that no template can hold stand between the answers.
const MARK: char = '\u{1e}';
/// Ends what an answer begins with; no blank, which a template could take away.
const HEAD_END: char = '\u{1f}';
/// More runs than this would take longer than anybody waits.
const MOST_RUNS: usize = 120;

const SCRIPT: &str = r#"render() {
  amtool template render --template.glob='/validator/templates/*.tmpl' --template.type="$1" --template.data="/validator/data/$2.json" --template.text="$(cat "$3")" 2>&1
}
while read -r data all; do
  if [ -n "$all" ] && out=$(render text "$data" "/validator/all/$data"); then
    printf '\036%s ok\037%s\n' "$data" "$out"
  else
    while read -r text kind; do
      out=$(render "$kind" "$data" "/validator/texts/$text")
      printf '\036%s %s %s\037%s\n' "$data" "$text" "$?" "$out"
    done < "/validator/list/$data"
  fi
done < /validator/runs
"#;

/// What is to be run, and what each answer is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendering {
    pub files: Vec<RenderedFile>,
    /// The texts by their numbers.
    texts: Vec<Asked>,
    /// For each notification by its number: when it comes, and whether it has nothing to say.
    notifications: Vec<(&'static str, bool)>,
}

/// One text, and where a finding about it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Asked {
    at: Place,
    field: String,
    receiver: String,
    is_read: bool,
}

/// What runs in the container.
pub const COMMAND: [&str; 3] = ["sh", "-c", SCRIPT];

/// `None` where nothing is templated, or not all templates are known.
pub fn rendering(facts: &Facts) -> Option<Rendering> {
    // Looking at thousands of rules costs more than to see that nobody asks.
    let file = facts.alertmanagers.first()?;
    if texts::all(file).is_empty() || facts.notification_templates.is_none() {
        return None;
    }
    let view = view(facts);
    let messages =
        Messages::of(&view).filter(|messages| !messages.is_partial && !messages.texts.is_empty())?;
    Some(Planner::default().plan(&view, &messages))
}

#[derive(Default)]
struct Planner {
    files: BTreeMap<String, String>,
    texts: Vec<Asked>,
    notifications: Vec<(&'static str, bool)>,
}

impl Planner {
    fn plan(mut self, view: &View<'_>, messages: &Messages<'_>) -> Rendering {
        for (source, _) in &messages.files {
            let name = source.path.rsplit('/').next().unwrap_or_default();
            self.files.insert(format!("templates/{name}"), source.text.clone());
        }
        let texts: Vec<(usize, &MessageText<'_>)> =
            messages.texts.iter().map(|(text, _)| text).enumerate().collect();
        for (number, text) in &texts {
            self.files.insert(format!("texts/{number}"), text.scalar.value.clone());
            self.texts.push(asked(messages, text));
        }
        let mut runs = String::new();
        for (receiver, notifications) in messages.notifications(view) {
            for notification in notifications {
                let of_it = texts.iter().filter(|(_, text)| {
                    text.receiver == receiver && (text.sends_resolved || !notification.is_resolved)
                });
                let of_it: Vec<_> = of_it.collect();
                if of_it.is_empty() || self.notifications.len() >= MOST_RUNS {
                    continue;
                }
                let data = self.notifications.len();
                self.notifications.push((notification.when, notification.is_bare));
                self.files.insert(format!("data/{data}.json"), notification.json().to_string());
                self.list(data, &of_it, &mut runs);
            }
        }
        self.files.insert("runs".to_owned(), runs);
        let files = self
            .files
            .into_iter()
            .map(|(name, text)| RenderedFile::plain(format!("/validator/{name}"), text));
        Rendering { files: files.collect(), texts: self.texts, notifications: self.notifications }
    }

    fn list(&mut self, data: usize, texts: &[&(usize, &MessageText<'_>)], runs: &mut String) {
        let is_html = |text: &MessageText<'_>| text.integration == "email" && text.field == "html";
        let kind = |text: &MessageText<'_>| if is_html(text) { "html" } else { "text" };
        let lines: String = texts.iter().map(|(number, text)| format!("{number} {}\n", kind(text))).collect();
        self.files.insert(format!("list/{data}"), lines);
        let together = !texts.iter().any(|(_, text)| is_html(text));
        if together {
            let all: String = texts
                .iter()
                .map(|(number, text)| format!("{MARK}{number}{HEAD_END}{}", text.scalar.value))
                .collect();
            self.files.insert(format!("all/{data}"), all);
        }
        runs.push_str(&format!("{data} {}\n", if together { "all" } else { "" }));
    }
}

fn asked(messages: &Messages<'_>, text: &MessageText<'_>) -> Asked {
    let found = lints::message_place(messages, Where::Text(text));
    Asked {
        at: found.place,
        field: text.field.clone(),
        receiver: text.receiver.to_owned(),
        is_read: text.is_read(),
    }
}

/// The answers of the script as findings, each text once.
pub fn findings(asked: &Rendering, stdout: &str) -> Vec<Finding> {
    let mut failed: BTreeMap<usize, String> = BTreeMap::new();
    let mut blank: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for answer in answers(stdout) {
        let Some((when, is_bare)) = asked.notifications.get(answer.data) else { continue };
        let Some(text) = asked.texts.get(answer.text) else { continue };
        let shown = answer.shown.trim();
        if answer.failed {
            failed
                .entry(answer.text)
                .or_insert_with(|| shown.trim_start_matches("amtool: error: ").to_owned());
        } else if text.is_read && !is_bare && (shown.is_empty() || shown.contains("<no value>")) {
            blank.entry(answer.text).or_default().push(when);
        }
    }
    let finding = |number: usize, id: &'static str, severity: Severity, message: String| {
        let text = asked.texts.get(number)?;
        let message = format!("`{}` of `{}`: {message}", text.field, text.receiver);
        Some(Finding::new(id, severity, text.at.clone(), message))
    };
    let failed = failed.into_iter().filter_map(|(number, words)| {
        finding(
            number,
            AMTOOL,
            Severity::Bug,
            format!("amtool cannot render it, so the message is not sent: {words}"),
        )
    });
    let blank = blank.into_iter().filter_map(|(number, when)| {
        let message = format!("amtool renders nothing when {}", when.join(", or "));
        finding(number, "blank-message", Severity::Warning, message)
    });
    failed.chain(blank).collect()
}

struct Answer<'a> {
    data: usize,
    text: usize,
    failed: bool,
    shown: &'a str,
}

/// `DATA ok`, then `TEXT` before each; or `DATA TEXT CODE`.
fn answers(stdout: &str) -> Vec<Answer<'_>> {
    let mut found = Vec::new();
    let mut together = None;
    for part in stdout.split(MARK).skip(1) {
        let (head, shown) = part.split_once(HEAD_END).unwrap_or((part, ""));
        let words: Vec<&str> = head.split(' ').collect();
        let number = |at: usize| words.get(at).and_then(|word| word.parse::<usize>().ok());
        match words.as_slice() {
            [_, "ok"] => together = number(0),
            [_] => {
                if let (Some(data), Some(text)) = (together, number(0)) {
                    found.push(Answer { data, text, failed: false, shown });
                }
            }
            [_, _, code] => {
                together = None;
                if let (Some(data), Some(text)) = (number(0), number(1)) {
                    found.push(Answer { data, text, failed: *code != "0", shown });
                }
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(fields: &[&str]) -> Rendering {
        let one = |field: &&str| Asked {
            at: Place { file: "am.yml".to_owned(), line: 3, column: 4, length: 0 },
            field: (*field).to_owned(),
            receiver: "a".to_owned(),
            is_read: true,
        };
        Rendering {
            files: Vec::new(),
            texts: fields.iter().map(one).collect(),
            notifications: vec![("one alert fires", false), ("two alerts fire", false), ("it is bare", true)],
        }
    }

    #[test]
    fn what_fails_and_what_is_blank_is_told_once_for_each_text() {
        let stdout =
            "<0 ok>\n<0>right\n<1>\n  \n<1 0 1>amtool: error: template: :1:3: no\n<1 1 0>\n<2 ok>\n<1>\n";
        let stdout = &stdout.replace('<', "\u{1e}").replace('>', "\u{1f}");
        let found = findings(&asked(&["title", "text"]), stdout);
        let said: Vec<_> =
            found.iter().map(|finding| (finding.id, finding.place.line, finding.message.as_str())).collect();
        assert_eq!(
            said,
            [
                (
                    "amtool",
                    3,
                    "`title` of `a`: amtool cannot render it, so the message is not sent: template: :1:3: no"
                ),
                (
                    "blank-message",
                    3,
                    "`text` of `a`: amtool renders nothing when one alert fires, or two alerts fire"
                ),
            ]
        );
        assert!(
            findings(&asked(&[]), "").is_empty()
                && findings(&asked(&["a"]), "\u{1e}\u{1e}x y z w\u{1f}\u{1e}9 9 9").is_empty()
        );
    }
}
