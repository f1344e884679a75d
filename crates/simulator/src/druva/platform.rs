//! A running server of one estate behind Druva's wire.

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use jiff::Timestamp;
use rusqlite::Connection;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{
    dialect::Dialect,
    door::{Door, DruvaCredentials},
    ids::Ids,
    routes,
    tasks::Agenda,
};
use crate::{
    Clock, Faults, HostError, Kind, StoreError,
    estate::Estate,
    http::Shared,
    item::Item,
    problem::Problem,
    rows,
    server::{Server, Tls, kept_token, make_directory},
    single::{Single, beside},
};

/// Storage regions of Azure, which only this dialect has.
const AZURE: &[(&str, &str)] = &[("westeurope", "West Europe"), ("uksouth", "UK South")];

/// How an estate is served behind Druva's wire.
#[derive(Debug, Clone)]
pub struct DruvaOptions {
    /// The estate's file; made if it isn't there.
    pub data: PathBuf,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What it shows for itself over TLS; plain HTTP when absent.
    pub tls: Option<Tls>,
    /// Where the time comes from.
    pub clock: Clock,
    /// Extra time that every request takes.
    pub latency: Option<Duration>,
    /// What goes wrong.
    pub faults: Faults,
    /// What a client shows for a token; when absent kept in `FILE.credentials`.
    pub credentials: Option<DruvaCredentials>,
    /// Bearer token of the console; when absent kept in `FILE.token`.
    pub console_token: Option<SecretString>,
    /// How long a token is good. Druva: 15 minutes.
    pub token_lifetime: Duration,
    /// How long a task takes.
    pub task_delay: Duration,
    /// Whether the account may configure quotas for each consumption parameter; 403 otherwise.
    pub quota_configurations: bool,
}

impl DruvaOptions {
    /// On a free port of this machine and the system's clock, without faults; tasks take 300 ms.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: None,
            clock: Clock::system(),
            latency: None,
            faults: Faults::default(),
            credentials: None,
            console_token: None,
            token_lifetime: Duration::from_secs(15 * 60),
            task_delay: Duration::from_millis(300),
            quota_configurations: true,
        }
    }
}

/// A running server.
pub struct DruvaPlatform {
    dialect: Arc<Dialect>,
    server: Server,
    faults: Faults,
    console_token: SecretString,
}

impl DruvaPlatform {
    /// Opens the estate and starts serving.
    ///
    /// # Errors
    /// A file or an address that can't be used.
    pub async fn start(options: DruvaOptions) -> Result<Self, HostError> {
        let file = options.data.clone();
        if let Some(directory) = file.parent().filter(|path| !path.as_os_str().is_empty()) {
            make_directory(directory)?;
        }
        let console_token = options
            .console_token
            .map_or_else(|| kept_token(&beside(&file, "token")), Ok)?;
        let credentials = options
            .credentials
            .map_or_else(|| DruvaCredentials::kept(&beside(&file, "credentials")), Ok)?;
        let (estate, ids) = open(file, options.clock).await?;
        let dialect = Arc::new(Dialect {
            estate: Arc::clone(&estate),
            door: Door::new(credentials, options.token_lifetime),
            ids,
            agenda: Agenda::new(),
            task_delay: options.task_delay,
            quota_configurations: options.quota_configurations,
        });
        let shared = Shared {
            estates: Box::new(Single(estate)),
            token: console_token.clone(),
            latency: options.latency,
            faults: options.faults.clone(),
        };
        let router = routes::router(Arc::clone(&dialect), Arc::new(shared));
        Ok(Self {
            dialect,
            server: Server::start(options.listen, options.tls.as_ref(), router).await?,
            faults: options.faults,
            console_token,
        })
    }

    /// Base URL: Druva's routes below `/msp`, the console's below `/v1` and `/console`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// What a client shows for a token.
    pub fn credentials(&self) -> DruvaCredentials {
        self.dialect.door.credentials()
    }

    /// Bearer token of the console, which also sends `X-Actor: console`.
    pub fn console_token(&self) -> &SecretString {
        &self.console_token
    }

    /// The account as MSP events carry it.
    pub fn account(&self) -> String {
        self.dialect.ids.msp()
    }

    /// The faults in force.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Replaces the secret key; the old one and its tokens are worth nothing any more.
    pub fn rotate_secret(&self) -> DruvaCredentials {
        self.dialect.door.rotate()
    }

    /// Ends every token before its time.
    pub fn revoke_tokens(&self) {
        self.dialect.door.revoke_tokens();
    }

    /// Lets requests under way end, then closes the estate.
    pub async fn shutdown(self) {
        self.server.stop().await;
        let dialect = self.dialect;
        // Only a panic while closing could fail here; the file is durable at every commit.
        let _ = tokio::task::spawn_blocking(move || dialect.estate.close()).await;
    }
}

async fn open(file: PathBuf, clock: Clock) -> Result<(Arc<Estate>, Ids), HostError> {
    let name = file.display().to_string();
    let failed = |source| HostError::Estate {
        estate: name.clone(),
        source,
    };
    let opening =
        tokio::task::spawn_blocking(move || Estate::open(&file, "Embedded platform", clock));
    let opened = opening
        .await
        .map_err(|error| HostError::Serve(io::Error::other(error)))?;
    let estate = Arc::new(opened.map_err(failed)?);
    let planted = estate.work(|change| {
        plant(change.connection, change.now)?;
        Ok(Ids::of(change.connection)?)
    });
    let ids = planted
        .await
        .map_err(|_: Problem| failed(StoreError::Closed))?;
    Ok((estate, ids))
}

/// Adds what only this dialect has.
fn plant(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    for (id, name) in AZURE {
        if rows::get(connection, Kind::Location, id)?.is_some() {
            continue;
        }
        let products = ["HybridWorkloads", "SaaSAppsAndEndpoints"];
        let settings: Value = json!({"name": name, "countries": [], "products": products});
        let mut region = Item {
            id: (*id).to_owned(),
            ..Item::new(Kind::Location, serde_json::from_value(settings)?, now)
        };
        rows::insert(connection, &mut region)?;
    }
    Ok(())
}
