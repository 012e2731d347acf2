//! `demo-backend`: a backend to try the stack with.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use crate::cli::args::DemoOptions as Flags;
use crate::cli::context::Context;
use crate::cli::signals;
use crate::demo::{self, DemoOptions};
use crate::engine::{Engine, Networks};
use crate::error::{Error, ExitCode, chain};
use crate::model::Hint;

/// Where the stack's own settings expect the backend.
const PORT: u16 = 3001;
/// How long the engine may take to name its gateway.
const ASK: Duration = Duration::from_secs(2);

/// Serves the demo backend's metrics until it is stopped.
///
/// # Errors
/// When its address is taken, or the scenario is none.
pub async fn run(context: &Context, flags: Flags) -> Result<(), Error> {
    let listen = if flags.listen.is_empty() { usual_addresses(context).await } else { flags.listen };
    let options = DemoOptions { listen, scenarios: flags.scenarios, seed: flags.seed, speed: flags.speed };
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

/// Loopback, and where containers come to this machine: what listens on loopback alone is not there for them.
async fn usual_addresses(context: &Context) -> Vec<SocketAddr> {
    let gateway = tokio::time::timeout(ASK, gateway(context)).await.ok().flatten();
    let addresses = [Some(IpAddr::V4(Ipv4Addr::LOCALHOST)), gateway];
    addresses.into_iter().flatten().map(|address| SocketAddr::new(address, PORT)).collect()
}

/// What `host-gateway` stands for with a Docker of this machine; `None` where that is no address of ours, as where the
/// engine runs in a virtual machine, which forwards to loopback.
async fn gateway(context: &Context) -> Option<IpAddr> {
    let engine = context.engine(&[]).await.ok().filter(|engine| engine.info().is_local())?;
    let networks = engine.find_networks("bridge").await.ok()?;
    let address: IpAddr = networks.iter().find_map(|network| network.gateway.parse().ok())?;
    TcpListener::bind((address, 0)).is_ok().then_some(address)
}
