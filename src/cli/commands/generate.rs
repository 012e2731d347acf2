//! `generate test ALERT`: a unit test for an alert that has none, which fires.

use serde_json::json;

use crate::apply::generate::Wanted;
use crate::cli::args::{GenerateCommand, PlanOptions};
use crate::cli::context::Context;
use crate::drill::intake;
use crate::error::{Error, ExitCode};
use crate::report::Format;

/// Writes a skeleton of a rule test to standard output.
///
/// # Errors
/// When there is no such alert.
pub async fn run(context: &Context, command: &GenerateCommand) -> Result<(), Error> {
    let GenerateCommand::Test { alert } = command;
    let loaded = context.load(&PlanOptions::default())?;
    let rule_files = intake::rule_files(&loaded.project.files);
    if let Some((message, hint)) = intake::unknown(&intake::targets(&rule_files), std::slice::from_ref(alert))
    {
        return Err(Error::new(ExitCode::Usage, message).hint(hint));
    }
    let found = intake::alert_rules(&rule_files).find(|(_, _, _, rule)| rule.name.value == *alert);
    let Some((path, _, _, rule)) = found else { return Ok(()) };
    let validators = context.validators().await?;
    let wanted = Wanted { settings: &loaded.settings, files: &loaded.project.files, rule, rule_file: path };
    let text = wanted.test(&validators.get()).await?;
    match context.output.format {
        Format::Json => {
            let rule_file = format!("rules/{path}");
            context.output.json(&json!({"alert": alert, "rule_file": rule_file, "test": text}));
        }
        Format::Human => {
            context.output.data(&text);
            context.output.info(&format!(
                "it fires and passes; keep it, for example: confidexmon -q generate test {alert} > rules/tests/{alert}.yml"
            ));
        }
    }
    Ok(())
}
