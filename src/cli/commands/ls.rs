//! `ls`: every stack of this engine, whose it is, and whether it answers.

use serde_json::json;

use crate::apply::stacks::{self, Stack};
use crate::cli::context::Context;
use crate::engine::Containers;
use crate::error::Error;
use crate::health::Health;
use crate::model::Project;
use crate::report::output::{BAD, BOLD, GOOD, WARN};
use crate::report::table::Table;
use crate::report::{Format, Output, words};
use crate::store::identity;

/// Lists every stack of this engine with its project, services, ports and health.
///
/// # Errors
/// When the engine cannot be asked.
pub async fn run(context: &Context) -> Result<(), Error> {
    // Other stacks can be looked at from a folder whose own settings are broken.
    let here = identity::load(&context.global.project_dir)?;
    let engine = context.engine(&[]).await?;
    let observed = engine.list().await?;
    let all = stacks::all(&engine, &observed).await?;
    match context.output.format {
        Format::Json => context.output.json(&json!({
            "stacks": all.iter().map(|stack| shape(stack, &here)).collect::<Vec<_>>(),
        })),
        Format::Human if all.is_empty() => {
            context.output.info("this engine runs no stack; `confidexmon up` starts one");
        }
        Format::Human => context.output.data(&table(context.output, &all, &here)),
    }
    Ok(())
}

fn shape(stack: &Stack, here: &Project) -> serde_json::Value {
    json!({
        "stack": stack.name,
        "health": stack.health(),
        "project": stack.project.as_ref().map(|project| json!({
            "id": project.id,
            "path": project.path,
            "host": project.host,
            "is_this_one": project.is(here),
        })),
        "services": stack.services.iter().map(|service| json!({
            "name": service.kind.name(),
            "state": service.state.to_string(),
            "port": service.port,
            "answers": service.answers,
        })).collect::<Vec<_>>(),
        "created": Some(stack.created).filter(|at| *at > 0).and_then(|at| jiff::Timestamp::from_second(at).ok()).map(|at| at.to_string()),
    })
}

fn table(output: Output, all: &[Stack], here: &Project) -> String {
    let columns = [("STACK", 0), ("HEALTH", 0), ("SERVICES", 1), ("AGE", 3), ("PORTS", 4), ("PROJECT", 2)];
    let mut table = Table::new(&columns);
    let now = jiff::Timestamp::now().as_second();
    for stack in all {
        let running = stack.services.iter().filter(|service| service.is_running()).count();
        let ports: Vec<String> =
            stack.services.iter().filter_map(|service| service.port).map(|port| port.to_string()).collect();
        let project = stack.project.as_ref().map(|project| {
            let this = if project.is(here) { " (this one)" } else { "" };
            format!("{}{this}", project.place(&here.host))
        });
        table.row([
            stack.name.clone(),
            stack.health().to_string(),
            format!("{running} of {} running", stack.services.len()),
            words::age(now - stack.created),
            ports.join(", "),
            project.unwrap_or_default(),
        ]);
    }
    let lines = table.lines(output.data_width(), |row, column, cell| match (row, column, cell) {
        (0, ..) => output.styled_data(cell, BOLD),
        (_, "HEALTH", word) => match Health::of_word(word) {
            Some(Health::Healthy) => output.styled_data(cell, GOOD),
            Some(Health::Stopped) => output.styled_data(cell, WARN),
            _ => output.styled_data(cell, BAD),
        },
        _ => cell.to_owned(),
    });
    lines.join("\n") + "\n"
}
