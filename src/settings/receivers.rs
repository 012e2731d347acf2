//! The receivers beside Slack, PagerDuty and the webhook: what each needs, and whether it is switched on.

use std::collections::BTreeMap;

use crate::model::{Diagnostic, Secret};
use crate::settings::dotenv::Variables;
use crate::settings::reader::Values;
use crate::settings::{env_vars, problem, scalar};

/// A kind of receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiverKind {
    /// What a person calls it.
    pub name: &'static str,
    /// What its settings' names begin with, and what templates call it.
    pub key: &'static str,
    /// The variable of its secret.
    pub variable: &'static str,
    pub switch: Switch,
    /// True where the secret is an address to send to.
    secret_is_url: bool,
    /// Settings below `receivers.` that it cannot do without.
    needs: &'static [&'static str],
    /// Those that it may have, with their defaults.
    may_have: &'static [(&'static str, &'static str)],
}

/// What switches a receiver on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    Secret,
    /// Its first setting: mail servers without a password exist.
    Setting,
}

/// Every one of them, in the order in which they are named.
pub const KINDS: &[ReceiverKind] = &[
    ReceiverKind {
        name: "e-mail",
        key: "email",
        variable: env_vars::EMAIL_PASSWORD,
        switch: Switch::Setting,
        secret_is_url: false,
        needs: &["email_to", "email_from", "email_smarthost"],
        may_have: &[("email_username", "")],
    },
    ReceiverKind {
        name: "Microsoft Teams",
        key: "msteams",
        variable: env_vars::MSTEAMS_WEBHOOK_URL,
        switch: Switch::Secret,
        secret_is_url: true,
        needs: &[],
        may_have: &[],
    },
    ReceiverKind {
        name: "Discord",
        key: "discord",
        variable: env_vars::DISCORD_WEBHOOK_URL,
        switch: Switch::Secret,
        secret_is_url: true,
        needs: &[],
        may_have: &[],
    },
    ReceiverKind {
        name: "Telegram",
        key: "telegram",
        variable: env_vars::TELEGRAM_BOT_TOKEN,
        switch: Switch::Secret,
        secret_is_url: false,
        needs: &["telegram_chat_id"],
        may_have: &[],
    },
    ReceiverKind {
        name: "incident.io",
        key: "incidentio",
        variable: env_vars::INCIDENTIO_TOKEN,
        switch: Switch::Secret,
        secret_is_url: false,
        needs: &["incidentio_url"],
        may_have: &[],
    },
    ReceiverKind {
        name: "Jira",
        key: "jira",
        variable: env_vars::JIRA_API_TOKEN,
        switch: Switch::Secret,
        secret_is_url: false,
        needs: &["jira_url", "jira_project", "jira_user"],
        may_have: &[("jira_issue_type", "Task")],
    },
];

/// A receiver that is switched on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherReceiver {
    pub kind: &'static ReceiverKind,
    pub secret: Option<Secret>,
    /// Its settings, without what their names begin with: `to`, `chat_id`.
    pub values: BTreeMap<&'static str, String>,
}

/// Those that are switched on, each with all that it needs.
pub(super) fn resolve(
    values: &Values,
    variables: &Variables,
    problems: &mut Vec<Diagnostic>,
) -> Vec<OtherReceiver> {
    KINDS.iter().filter_map(|kind| one(kind, values, variables, problems)).collect()
}

fn one(
    kind: &'static ReceiverKind,
    values: &Values,
    variables: &Variables,
    problems: &mut Vec<Diagnostic>,
) -> Option<OtherReceiver> {
    let setting = |name: &str| values.text(&format!("receivers.{name}"));
    let located = variables.get(kind.variable);
    let is_on = match kind.switch {
        Switch::Secret => located.is_some(),
        Switch::Setting => kind.needs.first().is_some_and(|name| setting(name).is_some()),
    };
    if !is_on {
        return None;
    }
    if kind.secret_is_url && located.is_some_and(|located| scalar::url(&located.value).is_none()) {
        let place = located.and_then(|located| located.place.clone());
        problems.push(
            problem::error(format!("`{}` is not an http or https URL", kind.variable), place)
                .fix("copy the whole webhook URL; its value is not shown here"),
        );
    }
    let missing: Vec<_> = kind.needs.iter().filter(|name| setting(name).is_none()).collect();
    for name in &missing {
        let place = located.and_then(|located| located.place.clone());
        let place = place.or_else(|| values.place(&format!("receivers.{}", kind.needs[0])).cloned());
        problems.push(
            problem::error(format!("{} needs `receivers.{name}`, which is not set", kind.name), place).fix(
                format!("set it in config/confidexmon.yml; without {} nothing is sent there", kind.name),
            ),
        );
    }
    let short = |name: &'static str| name.split_once('_').map_or(name, |(_, rest)| rest);
    let needed = kind.needs.iter().filter_map(|name| Some((short(name), setting(name)?.to_owned())));
    let optional = kind
        .may_have
        .iter()
        .map(|(name, default)| (short(name), setting(name).unwrap_or(default).to_owned()));
    Some(OtherReceiver {
        kind,
        secret: located.map(|located| Secret::new(located.value.clone())),
        values: needed.chain(optional).collect(),
    })
}
