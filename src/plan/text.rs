//! A plan as text: one line per step, with its cause. Tests compare it; users read it.

use std::fmt;

use crate::model::Hint;
use crate::model::PortHolder;
use crate::plan::{Blocker, Cause, Plan, ServicePlan, Step};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for blocker in &self.blockers {
            writeln!(f, "! {blocker}")?;
        }
        if let Some(network) = &self.network {
            writeln!(f, "+ create network {}: {}", network.name, network.cause)?;
        }
        for service in &self.services {
            if let Some((what, cause)) = service.replacement() {
                writeln!(f, "~ {what}: {cause}")?;
                continue;
            }
            for step in &service.steps {
                let (sign, what, cause) = step.action_and_cause(&service.container);
                writeln!(f, "{sign} {what}: {cause}")?;
            }
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        Ok(())
    }
}

impl Plan {
    /// The same, and a sentence where there is nothing to say.
    pub fn in_words(&self) -> String {
        let text = self.to_string();
        if text.is_empty() { "nothing to do: the stack is as it should be\n".to_owned() } else { text }
    }
}

impl ServicePlan {
    /// A container that gives way to another one, as one step with the cause of it: that files are written and
    /// the new one is started follows.
    pub fn replacement(&self) -> Option<(String, &Cause)> {
        let cause = self.steps.iter().find_map(|step| match step {
            Step::Remove { cause, .. } => Some(cause),
            _ => None,
        })?;
        self.steps.iter().find(|step| matches!(step, Step::Create { .. }))?;
        let image = self.steps.iter().find_map(|step| match step {
            Step::Pull { image, .. } => Some(format!("pull {image} and ")),
            _ => None,
        });
        Some((format!("{}replace {}", image.unwrap_or_default(), self.container), cause))
    }
}

impl Step {
    /// Sign, action, cause.
    pub fn action_and_cause(&self, container: &str) -> (char, String, &Cause) {
        match self {
            Self::Pull { image, cause } => ('+', format!("pull {image}"), cause),
            Self::Remove { running, cause, .. } => {
                let verb = if *running { "stop and remove" } else { "remove" };
                ('-', format!("{verb} {container}"), cause)
            }
            Self::Create { cause } => ('+', format!("create {container}"), cause),
            Self::Write { files, cause } => {
                let noun = if *files == 1 { "file" } else { "files" };
                ('+', format!("write {files} {noun} to {container}"), cause)
            }
            Self::Start { cause } => ('+', format!("start {container}"), cause),
            Self::Restart { cause, .. } => ('~', format!("restart {container}"), cause),
            Self::ChangeFiles { restart, cause, .. } => {
                let verb = if *restart { "restart" } else { "reload" };
                ('~', format!("change files and {verb} {container}"), cause)
            }
        }
    }
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherProject { stack, owner, here } => {
                write!(f, "the stack `{stack}` belongs to the project in {owner}, not to this one in {here}")
            }
            Self::ForeignContainer { name, image, .. } => {
                write!(f, "a container named `{name}` (image `{image}`) exists and is not confidexmon's")
            }
            Self::ImageMoved { image, locked, now, .. } => {
                write!(f, "the tag `{image}` is locked to {locked} and means {now} now")
            }
            Self::LosesEveryRule => {
                f.write_str("rules/ holds no rule, which would switch every alert off; nothing was touched")
            }
            Self::PortTaken { service, port, holder, .. } => {
                write!(f, "port {port} for {service} is taken by {holder}")
            }
        }
    }
}

impl fmt::Display for PortHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Container(name) => write!(f, "the container `{name}`"),
            Self::Process { pid, name } => write!(f, "the process `{name}` (pid {pid})"),
            Self::Unknown => f.write_str("another process"),
        }
    }
}

impl Hint for Blocker {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::OtherProject { .. } => "give this project a stack of its own (`stack:` and `ports:` in config/confidexmon.yml, or CONFIDEXMON_STACK), or work in the other folder; `--adopt` takes the stack over. Nothing was touched".to_owned(),
            Self::ForeignContainer { name, .. } => format!(
                "look at it with `docker inspect {name}`; then remove or rename it, or choose another `stack:` name in config/confidexmon.yml"
            ),
            Self::ImageMoved { service, .. } => format!(
                "`confidexmon update {service}` takes the new one, and goes back if it does not work; nothing was touched"
            ),
            Self::LosesEveryRule => "when this is meant: `--allow-empty`; the shipped rules come back with `confidexmon init`, or when the folder rules/ is removed".to_owned(),
            Self::PortTaken { service, free_port, .. } => {
                let free = free_port.map_or_else(String::new, |port| format!(" ({port} is free)"));
                format!(
                    "stop what holds it, or set `ports.{service}`{free} in config/confidexmon.yml or CONFIDEXMON_PORT_{}",
                    service.name().to_uppercase()
                )
            }
        })
    }
}
