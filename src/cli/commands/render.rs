//! `render`: the configuration files as the containers get them, in a folder to look at.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::json;

use crate::cli::args::{PlanOptions, RenderOptions};
use crate::cli::context::Context;
use crate::error::Error;
use crate::render::dashboards;
use crate::report::{Format, words};
use crate::store::{atomic, stale};

/// Writes the files that the containers would get into a folder.
///
/// # Errors
/// When the folder cannot be written, or holds what `render` did not make.
pub fn run(context: &Context, options: &RenderOptions) -> Result<(), Error> {
    let loaded = context.load(&PlanOptions::default())?;
    let desired = context.desired(&loaded)?;
    let mut written = BTreeSet::new();
    for (service, wanted) in &desired.services {
        for file in wanted.files.files.values() {
            let name = Path::new(service.name()).join(file.path.trim_start_matches('/'));
            let redact = file.is_secret() && !options.with_secrets;
            let bytes = if redact { b"<redacted>\n".as_slice() } else { file.bytes() };
            let mode = if file.is_secret() { 0o600 } else { 0o644 };
            atomic::write(&options.output.join(&name), bytes, mode)?;
            written.insert(name.display().to_string());
        }
    }
    let removed = stale::remove(&options.output, &written)?;
    let output = context.output;
    match output.format {
        Format::Json => {
            let below = |name: &String| words::path(&options.output.join(name));
            let files: Vec<String> = written.iter().map(below).collect();
            let removed: Vec<String> = removed.iter().map(below).collect();
            output.json(&json!({"output": options.output, "files": files, "removed": removed}));
        }
        Format::Human => {
            let gone = match removed.len() {
                0 => String::new(),
                count => format!(", and removed {} of an earlier run", words::count(count, "file")),
            };
            let count = words::count(written.len(), "file");
            output.info(&format!("wrote {count} to {}{gone}", options.output.display()));
        }
    }
    let rendered =
        desired.services.iter().map(|(service, wanted)| (*service, wanted.files.clone())).collect();
    for note in dashboards::notes(&loaded.project.files, &rendered) {
        context.output.info(&format!("note: {note}"));
    }
    Ok(())
}
