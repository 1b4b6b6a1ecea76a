//! `simulate`: a simulated tenant over HTTP.

use std::time::Duration;

use anyhow::Result;
use innkeeper_simulator::{Options, PopulationOptions, Simulator};

use crate::cli::Simulate;
use crate::exit::Exit;
use crate::output::print;

pub(crate) async fn run(options: &Simulate) -> Result<Exit> {
    let Simulate {
        listen,
        guests,
        seed,
        speed,
        start,
        no_throttling,
        latency,
    } = options;
    let defaults = Options::default();
    let (tenant_id, client_id, client_secret) = (
        defaults.tenant_id,
        defaults.client_id,
        defaults.client_secret.clone(),
    );
    let running = Simulator::start(Options {
        listen: *listen,
        population: PopulationOptions {
            guests: *guests,
            seed: *seed,
            ..PopulationOptions::default()
        },
        start: *start,
        speed: *speed,
        throttling: !no_throttling,
        latency: Duration::from_millis(*latency),
        ..defaults
    })
    .await?;
    let url = running.url();
    print(&format!(
        "A simulated tenant with {guests} guests answers at {url}. In a configuration:\n\n\
         [database]\nurl = \"sqlite://innkeeper.db\"\n\n\
         [clock]\nfollow = \"{url}/_simulator/clock\"\n\n\
         [[tenants]]\nname = \"simulated\"\ntenant_id = \"{tenant_id}\"\npolicy = \"policy.toml\"\n\
         graph_url = \"{url}\"\nlogin_url = \"{url}\"\n\
         [tenants.credential]\nkind = \"client-secret\"\nclient_id = \"{client_id}\"\nclient_secret = \"{client_secret}\"\n\n\
         Its control interface is at {url}/_simulator (clock, faults, outbox, writes, truth). Ctrl-C ends it.\n"
    ))?;
    tokio::signal::ctrl_c().await?;
    running.stop().await;
    Ok(Exit::Ok)
}
