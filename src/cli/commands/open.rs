//! `open`: a service's page in the browser.

use crate::cli::args::{OpenOptions, PlanOptions};
use crate::cli::commands::up::url;
use crate::cli::context::Context;
use crate::error::{Error, ExitCode};
use crate::model::ServiceKind;
use crate::render::context::browser_host;
use crate::render::overview;
use crate::report::Format;
use crate::services::{Protocol, profile};

/// Opens a service's page in the browser, or prints its address where there is none.
///
/// # Errors
/// When the service has no pages.
pub fn run(context: &Context, options: &OpenOptions) -> Result<(), Error> {
    let loaded = context.load(&PlanOptions::default())?;
    if profile(options.service).protocol == Protocol::Redis {
        return Err(
            Error::new(ExitCode::Usage, "redis has no page to open").hint("connect with `redis-cli` instead")
        );
    }
    let host = browser_host(&loaded.settings);
    let mut url = url(&loaded, options.service, (&host, loaded.settings.port(options.service)));
    if options.service == ServiceKind::Grafana {
        let uid = overview::dashboard_uid(&loaded.settings, &loaded.project.files);
        url.push_str(&format!("/d/{uid}"));
    }
    match context.output.format {
        Format::Json => {
            context.output.json(&serde_json::json!({"service": options.service.name(), "url": url}));
        }
        Format::Human => context.output.data(&format!("{url}\n")),
    }
    if options.print {
        return Ok(());
    }
    // Its own words are a launcher's exit status.
    open::that_detached(&url).map_err(|error| {
        tracing::debug!("{error}");
        Error::new(ExitCode::Failed, "there is no browser here that could be started")
            .hint(format!("open it yourself: {url}"))
    })
}
