//! Ctrl-C: the first asks to stop cleanly, the second ends at once.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::report::Output;

/// Cancels the token at the first SIGINT or SIGTERM; the second one ends the process with code 130.
pub fn watch(output: Output) -> CancellationToken {
    stop_token(Some(output))
}

/// The same for what goes on until it is stopped: there is no step in progress that would have to end first.
pub fn watch_silently() -> CancellationToken {
    stop_token(None)
}

fn stop_token(output: Option<Output>) -> CancellationToken {
    let token = CancellationToken::new();
    let (Ok(interrupt), Ok(terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return token;
    };
    tokio::spawn(stop_on_signals(interrupt, terminate, token.clone(), output));
    token
}

async fn stop_on_signals(
    mut interrupt: Signal,
    mut terminate: Signal,
    token: CancellationToken,
    output: Option<Output>,
) {
    next(&mut interrupt, &mut terminate).await;
    if let Some(output) = output {
        output.notice("stopping after the step in progress; once more to stop at once");
    }
    token.cancel();
    next(&mut interrupt, &mut terminate).await;
    #[expect(clippy::exit, reason = "the second signal asks for exactly this; nothing here holds data")]
    std::process::exit(130);
}

async fn next(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
