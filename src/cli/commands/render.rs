//! `render`: the configuration files as the containers get them, in a folder to look at.

use crate::cli::args::{PlanOptions, RenderOptions};
use crate::cli::context::Context;
use crate::error::Error;
use crate::render::dashboards;
use crate::report::words;
use crate::store::atomic;

pub fn run(context: &Context, options: &RenderOptions) -> Result<(), Error> {
    let loaded = context.load(&PlanOptions::default())?;
    let desired = context.desired(&loaded)?;
    let mut count = 0;
    for (service, wanted) in &desired.services {
        for file in wanted.files.files.values() {
            let path = options.output.join(service.name()).join(file.path.trim_start_matches('/'));
            let redact = file.is_secret() && !options.with_secrets;
            let bytes = if redact { b"<redacted>\n".as_slice() } else { file.bytes() };
            atomic::write(&path, bytes, if file.is_secret() { 0o600 } else { 0o644 })?;
            count += 1;
        }
    }
    let rendered =
        desired.services.iter().map(|(service, wanted)| (*service, wanted.files.clone())).collect();
    for note in dashboards::notes(&loaded.project.files, &rendered) {
        context.output.info(&format!("note: {note}"));
    }
    context.output.info(&format!("wrote {} to {}", words::count(count, "file"), options.output.display()));
    Ok(())
}
