//! `demo-backend`: a backend to try the stack with.

use crate::cli::args::DemoOptions as Flags;
use crate::cli::context::Context;
use crate::cli::signals;
use crate::demo::{self, DemoOptions};
use crate::error::{Error, ExitCode, chain};
use crate::model::Hint;

pub async fn run(context: &Context, flags: Flags) -> Result<(), Error> {
    let options = DemoOptions {
        listen: flags.listen,
        scenarios: flags.scenarios,
        seed: flags.seed,
        speed: flags.speed,
    };
    for address in &options.listen {
        context.output.info(&format!(
            "demo backend on http://{address}/metrics (scenarios: http://{address}/scenarios)"
        ));
    }
    let stop = signals::watch_silently();
    demo::serve(options, stop.cancelled()).await.map_err(|error| {
        let mut wrapped = Error::new(ExitCode::Failed, error.to_string());
        wrapped.causes = chain(&error);
        wrapped.hints = error.hint().into_iter().collect();
        wrapped
    })
}
