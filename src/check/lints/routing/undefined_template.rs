//! A message that names a template which nobody defines arrives blank, or not at all.

use std::collections::BTreeSet;

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::formats::go_template::{self, Action, TokenKind};
use crate::model::closest_name;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "undefined-template",
    severity: Severity::Bug,
    doc: "A notification uses a template that is not defined: it fails, or arrives blank.",
    run: Run::All(check),
};

/// What Alertmanager brings along.
const BUILT_IN: &str = "__alertmanager __alertmanagerURL __description __subject __text_alert_list
__text_alert_list_markdown discord.default.content discord.default.message discord.default.title
email.default.html email.default.subject jira.default.description jira.default.priority
jira.default.summary mattermost.default.color mattermost.default.fallback mattermost.default.text
mattermost.default.title mattermost.default.titlelink mattermost.default.username
msteams.default.summary msteams.default.text msteams.default.title msteamsv2.default.text
msteamsv2.default.title opsgenie.default.description opsgenie.default.message opsgenie.default.source
pagerduty.default.client pagerduty.default.clientURL pagerduty.default.description
pagerduty.default.instances pushover.default.message pushover.default.title pushover.default.url
rocketchat.default.alias rocketchat.default.emoji rocketchat.default.iconurl rocketchat.default.text
rocketchat.default.title rocketchat.default.titlelink slack.default.callbackid slack.default.color
slack.default.fallback slack.default.footer slack.default.iconemoji slack.default.iconurl
slack.default.pretext slack.default.text slack.default.title slack.default.titlelink
slack.default.username sns.default.message sns.default.subject telegram.default.message
victorops.default.entity_display_name victorops.default.monitoring_tool
victorops.default.state_message webex.default.message wechat.default.agent_id wechat.default.message
wechat.default.to_party wechat.default.to_tag wechat.default.to_user";

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    let (Some(file), Some(templates)) = (view.alertmanager, &view.facts.notification_templates) else {
        return;
    };
    let parsed: Vec<_> = templates
        .iter()
        .filter_map(|source| Some((source, go_template::actions(&source.text).ok()?)))
        .collect();
    if parsed.len() < templates.len() {
        // One that cannot be read may define anything.
        return;
    }
    let mut defined: BTreeSet<&str> = BUILT_IN.split_whitespace().collect();
    for (_, actions) in &parsed {
        defined.extend(named(actions, &["define", "block"]).into_iter().map(|(name, _)| name));
    }
    let missing = |name: &str| !defined.contains(name);
    file.tree.walk(&mut |path, scalar| {
        let Ok(actions) = go_template::actions(&scalar.value) else { return };
        for (name, _) in named(&actions, &["template"]).into_iter().filter(|(name, _)| missing(name)) {
            let key = path.last().map_or("", |key| key.value.as_str());
            let finding = file.finding(&LINT, scalar.start(), format!("`{key}` uses {}", message(name)));
            out.push(with_fix(finding, name, &defined));
        }
    });
    for (source, actions) in &parsed {
        for (name, at) in named(actions, &["template"]).into_iter().filter(|(name, _)| missing(name)) {
            let finding = LINT.at(source, source.place(at), format!("this uses {}", message(name)));
            out.push(with_fix(finding, name, &defined));
        }
    }
}

/// The names that follow these words, with their offsets.
fn named<'a>(actions: &'a [Action], words: &[&str]) -> Vec<(&'a str, usize)> {
    let name = |action: &'a Action| match &action.tokens[..] {
        [first, second, ..] => match (&first.kind, &second.kind) {
            (TokenKind::Word(word), TokenKind::Text(name)) if words.contains(&word.as_str()) => {
                Some((name.as_str(), second.at))
            }
            _ => None,
        },
        _ => None,
    };
    actions.iter().filter_map(name).collect()
}

fn message(name: &str) -> String {
    format!("the template \"{name}\", which is not defined: the message fails, and Slack's arrives blank")
}

fn with_fix(finding: Finding, name: &str, defined: &BTreeSet<&str>) -> Finding {
    match closest_name(name, defined.iter().copied()) {
        Some(near) => finding.fix(format!("did you mean \"{near}\"?")),
        None => {
            finding.fix(format!("add `{{{{ define \"{name}\" }}}}…{{{{ end }}}}` to a notification template"))
        }
    }
}
