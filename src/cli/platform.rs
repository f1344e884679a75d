//! `holdfast platform serve`: the reference platform as its own process, with the chosen API.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use secrecy::SecretString;

use super::{Failure, start_logging, stop_signal};
use crate::embedded::{self, DruvaCredentials, ServeOptions, Tls};

/// The reference platform's commands.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Serve the bridge contract, or another platform's API, over an estate in a file
    Serve(Serve),
}

/// What `holdfast platform serve` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  holdfast platform serve --data estate.sqlite
  holdfast platform serve --data estate.sqlite --listen 127.0.0.1:9000 --latency 20ms
  holdfast platform serve --data estate.sqlite --dialect druva

The bearer token comes from the environment variable HOLDFAST_PLATFORM_TOKEN; without it a token is generated
and kept beside the data, in FILE.token. Without --tls-cert and --tls-key it serves plain HTTP: keep it on this
host then.
docs/bridge.openapi.yaml says what it serves, docs/embedded-faults.md what --faults takes.

With --dialect druva, clients come with HOLDFAST_PLATFORM_CLIENT_ID and HOLDFAST_PLATFORM_SECRET_KEY;
without them both are generated and kept as ID:KEY in FILE.credentials. The bridge's routes are then the
console, with that bearer token and the header X-Actor: console; docs/embedded-druva.md says more.

With --dialect cove, the path is /jsonapi, and the API user comes from HOLDFAST_PLATFORM_PARTNER,
HOLDFAST_PLATFORM_USERNAME and HOLDFAST_PLATFORM_PASSWORD; without the last one a password is generated and
kept in FILE.password. docs/embedded-cove.md says more.")]
pub struct Serve {
    /// The estate's file; made if it isn't there
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// Whose API to speak
    #[arg(long, value_enum, default_value_t)]
    dialect: Dialect,
    /// Where to listen (port 0: any free one)
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// Serve TLS with this chain of certificates, a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The private key of that certificate, a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Answer only after this long, for measuring: 20ms, 1s
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    latency: Option<Duration>,
    /// How long a task of Druva's takes: 0s, 5s
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "300ms")]
    task_delay: Duration,
    /// How long a token of Druva's, or a visa of Cove's, is good
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "15m")]
    token_lifetime: Duration,
    /// Misbehave as this file says; read again when it changes
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// The bearer token
    #[arg(skip = std::env::var("HOLDFAST_PLATFORM_TOKEN").ok().map(SecretString::from))]
    token: Option<SecretString>,
    /// The client credentials
    #[arg(skip = credentials())]
    credentials: Option<DruvaCredentials>,
    /// Cove's API user
    #[arg(skip = cove_user())]
    cove_user: [Option<SecretString>; 3],
}

/// Whose API the platform speaks.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum Dialect {
    /// The bridge contract
    #[default]
    Bridge,
    /// Druva's Managed Services Center
    Druva,
    /// N-able's Cove Data Protection
    Cove,
}

impl From<Dialect> for embedded::Dialect {
    fn from(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Bridge => Self::Bridge,
            Dialect::Druva => Self::Druva,
            Dialect::Cove => Self::Cove,
        }
    }
}

/// The client credentials of the environment, if both parts are there.
fn credentials() -> Option<DruvaCredentials> {
    let client_id = std::env::var("HOLDFAST_PLATFORM_CLIENT_ID").ok()?;
    let secret_key = std::env::var("HOLDFAST_PLATFORM_SECRET_KEY").ok()?;
    Some(DruvaCredentials {
        client_id,
        secret_key: SecretString::from(secret_key),
    })
}

/// Cove's API user of the environment: what is there of it.
fn cove_user() -> [Option<SecretString>; 3] {
    ["PARTNER", "USERNAME", "PASSWORD"].map(|part| {
        let value = std::env::var(format!("HOLDFAST_PLATFORM_{part}")).ok();
        value
            .filter(|value| !value.is_empty())
            .map(SecretString::from)
    })
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
        tls: serve
            .tls_cert
            .zip(serve.tls_key)
            .map(|(certificate, key)| Tls { certificate, key }),
        latency: serve.latency,
        faults: serve.faults,
        token: serve.token,
        dialect: serve.dialect.into(),
        credentials: serve.credentials,
        cove_user: serve.cove_user,
        task_delay: serve.task_delay,
        token_lifetime: serve.token_lifetime,
    };
    tokio::select! {
        outcome = embedded::serve(options) => Ok(outcome?),
        () = stop_signal() => Ok(()),
    }
}
