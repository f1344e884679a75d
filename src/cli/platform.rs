//! `holdfast platform serve`: the reference platform as its own process.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use secrecy::SecretString;

use super::{Failure, start_logging, stop_signal};
use crate::embedded::{self, ServeOptions};

/// The reference platform's commands.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Serve the bridge contract over an estate in a file
    Serve(Serve),
}

/// What `holdfast platform serve` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  holdfast platform serve --data estate.sqlite
  holdfast platform serve --data estate.sqlite --listen 127.0.0.1:9000 --latency 20ms

The bearer token comes from the environment variable HOLDFAST_PLATFORM_TOKEN; without it one is made
and kept beside the data, in FILE.token. It serves plain HTTP: keep it on this host.
docs/bridge.openapi.yaml says what it serves, docs/embedded-faults.md what --faults takes.")]
pub struct Serve {
    /// The estate's file; made if it isn't there
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// Where to listen (port 0: any free one)
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// Answer only after this long, for measuring: 20ms, 1s
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    latency: Option<Duration>,
    /// Misbehave as this file says; read again when it changes
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// The bearer token
    #[arg(skip = std::env::var("HOLDFAST_PLATFORM_TOKEN").ok().map(SecretString::from))]
    token: Option<SecretString>,
}

fn duration(text: &str) -> Result<Duration, String> {
    let span: jiff::SignedDuration = text
        .parse()
        .map_err(|error| format!("{error}: write a duration such as 20ms"))?;
    Duration::try_from(span)
        .map_err(|_| "write a duration that isn't negative, such as 20ms".to_owned())
}

/// Serves until stopped.
pub async fn run(command: Command) -> Result<(), Failure> {
    let Command::Serve(serve) = command;
    start_logging();
    let options = ServeOptions {
        data: serve.data,
        listen: serve.listen,
        latency: serve.latency,
        faults: serve.faults,
        token: serve.token,
    };
    tokio::select! {
        outcome = embedded::serve(options) => Ok(outcome?),
        () = stop_signal() => Ok(()),
    }
}
