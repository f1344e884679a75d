//! A running Management Service.

use std::{collections::BTreeMap, io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};
use secrecy::SecretString;

use super::{
    console,
    door::{CoveCredentials, Door},
    modes::CoveModes,
    rpc,
    shared::{Inner, Shared},
    world::World,
};
use crate::{
    Clock, Faults, HostError, random,
    server::{Server, Tls, kept_secret, kept_token, make_directory},
    single::beside,
};

/// Largest request, in bytes: a console imports 20,000 devices at once.
const LARGEST_BODY: usize = 64 << 20;

/// How an estate is served behind Cove's wire.
#[derive(Debug, Clone)]
pub struct CoveOptions {
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
    /// What goes wrong; routes are `/jsonapi/` and the method.
    pub faults: Faults,
    /// The API user's customer.
    pub partner: Option<String>,
    /// The API user's name.
    pub username: Option<String>,
    /// The API user's token; when absent kept in `FILE.password`.
    pub password: Option<SecretString>,
    /// Bearer token of the console; when absent kept in `FILE.token`.
    pub console_token: Option<SecretString>,
    /// How long a visa is good. Cove: 15 minutes.
    pub visa_lifetime: Duration,
    /// How it behaves where the documents are silent.
    pub modes: CoveModes,
}

impl CoveOptions {
    /// On a free port of this machine and the system's clock, without faults.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: None,
            clock: Clock::system(),
            latency: None,
            faults: Faults::default(),
            partner: None,
            username: None,
            password: None,
            console_token: None,
            visa_lifetime: Duration::from_secs(15 * 60),
            modes: CoveModes::default(),
        }
    }
}

/// A running server.
pub struct CovePlatform {
    shared: Arc<Shared>,
    server: Server,
}

impl CovePlatform {
    /// Opens the estate and starts serving.
    ///
    /// # Errors
    /// A file or an address that can't be used.
    pub async fn start(options: CoveOptions) -> Result<Self, HostError> {
        let file = options.data.clone();
        if let Some(directory) = file.parent().filter(|path| !path.as_os_str().is_empty()) {
            make_directory(directory)?;
        }
        let kept = || kept_secret(&beside(&file, "password"), random::token);
        let credentials = CoveCredentials {
            partner: options
                .partner
                .unwrap_or_else(|| "Holdfast MSP (ops@holdfast.example)".to_owned()),
            username: options
                .username
                .unwrap_or_else(|| "holdfast-api".to_owned()),
            password: options.password.map_or_else(kept, Ok)?,
        };
        let token = options
            .console_token
            .map_or_else(|| kept_token(&beside(&file, "token")), Ok)?;
        let (partner, now) = (credentials.partner.clone(), options.clock.now().as_second());
        let name = file.display().to_string();
        let opening = tokio::task::spawn_blocking(move || World::open(&file, &partner, now));
        let opened = opening
            .await
            .map_err(|error| HostError::Serve(io::Error::other(error)))?;
        let world = opened.map_err(|source| HostError::Estate {
            estate: name,
            source,
        })?;
        options.faults.checked_by(rpc::may_befall);
        let inner = Inner {
            world,
            door: Door::new(credentials, options.visa_lifetime),
            modes: options.modes,
            counts: BTreeMap::new(),
        };
        let shared = Arc::new(Shared::new(
            inner,
            options.faults,
            options.latency,
            options.clock,
            token,
        ));
        let router = Router::new()
            .route("/jsonapi", post(rpc::answer))
            .route("/console/state", get(console::state))
            .route("/console/partners", post(console::partners))
            .route("/console/devices", post(console::devices))
            .route("/console/modes", post(console::modes))
            .layer(DefaultBodyLimit::max(LARGEST_BODY))
            .with_state(Arc::clone(&shared));
        Ok(Self {
            server: Server::start(options.listen, options.tls.as_ref(), router).await?,
            shared,
        })
    }

    /// The address of the JSON-RPC interface.
    pub fn url(&self) -> String {
        format!("{}/jsonapi", self.server.url())
    }

    /// What a client logs in with.
    pub fn credentials(&self) -> CoveCredentials {
        self.shared.inner().door.credentials().clone()
    }

    /// Bearer token of the console below `/console`.
    pub fn console_token(&self) -> &SecretString {
        &self.shared.token
    }

    /// The faults in force.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// Changes how it behaves.
    pub fn set_modes(&self, change: impl FnOnce(&mut CoveModes)) {
        change(&mut self.shared.inner().modes);
    }

    /// Requests so far of a method.
    pub fn requests(&self, method: &str) -> u64 {
        self.shared
            .inner()
            .counts
            .get(method)
            .copied()
            .unwrap_or_default()
    }

    /// Logins that were refused.
    pub fn refused_logins(&self) -> u64 {
        self.shared.inner().door.refused
    }

    /// Ends every visa before its time.
    pub fn revoke_visas(&self) {
        self.shared.inner().door.revoke();
    }

    /// Replaces the API user's token.
    pub fn rotate(&self, password: &str) {
        self.shared.inner().door.rotate(password);
    }

    /// Lets requests under way end.
    pub async fn shutdown(self) {
        self.server.stop().await;
    }
}
