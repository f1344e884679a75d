//! Many estates beside each other, inside the operator.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use secrecy::SecretString;

use super::{
    Clock, Faults, HostError,
    estate::Estate,
    http::{self, Directory, Shared},
    server::{Server, kept_token, make_directory},
};

/// How a host is started.
#[derive(Debug, Clone)]
pub struct HostOptions {
    /// Where estates and token are kept; made if it isn't there.
    pub data_dir: PathBuf,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where the time comes from.
    pub clock: Clock,
    /// Extra time that every request takes.
    pub latency: Option<Duration>,
    /// What goes wrong.
    pub faults: Faults,
}

impl HostOptions {
    /// A host on a free port of this machine, on the system's clock, without faults.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            clock: Clock::system(),
            latency: None,
            faults: Faults::default(),
        }
    }
}

/// Where an estate is reached, and with which token.
#[derive(Debug, Clone)]
pub struct EstateAccess {
    /// Base URL; the contract's routes start below it with `/v1`.
    pub url: String,
    /// Bearer token.
    pub token: SecretString,
}

/// A running server of many estates.
pub struct Host {
    options: HostOptions,
    token: SecretString,
    estates: Estates,
    server: Server,
}

impl Host {
    /// Starts serving. Estates are opened by [`Host::estate`].
    ///
    /// # Errors
    /// A data directory that can't be used, or an address that can't be listened on.
    pub async fn start(options: HostOptions) -> Result<Self, HostError> {
        make_directory(&options.data_dir)?;
        let token = kept_token(&options.data_dir.join("token"))?;
        let estates = Estates::default();
        let shared = Shared {
            estates: Box::new(estates.clone()),
            token: token.clone(),
            latency: options.latency,
            faults: options.faults.clone(),
        };
        let server = Server::start(options.listen, None, http::many(Arc::new(shared))).await?;
        Ok(Self {
            options,
            token,
            estates,
            server,
        })
    }

    /// Opens an estate, makes it on first use, and says how to reach it.
    ///
    /// # Errors
    /// A name that can't be part of a path, or a file that can't be opened.
    pub async fn estate(&self, namespace: &str, name: &str) -> Result<EstateAccess, HostError> {
        let place = (checked(namespace)?, checked(name)?);
        if self.estates.get(&place).is_none() {
            let directory = self.options.data_dir.join("estates").join(namespace);
            let file = directory.join(format!("{name}.sqlite"));
            let account = format!("Embedded platform {namespace}/{name}");
            let (clock, estates) = (self.options.clock.clone(), self.estates.clone());
            let opening = tokio::task::spawn_blocking(move || {
                make_directory(&directory)?;
                estates.open(place, &file, &account, clock)
            });
            opening
                .await
                .map_err(|error| HostError::Serve(io::Error::other(error)))??;
        }
        let url = format!("http://{}/estates/{namespace}/{name}", self.address());
        Ok(EstateAccess {
            url,
            token: self.token.clone(),
        })
    }

    /// Where the host listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// The faults in force.
    pub fn faults(&self) -> &Faults {
        &self.options.faults
    }

    /// Lets requests under way end, then closes the estates.
    pub async fn shutdown(self) {
        self.server.stop().await;
        let estates = self.estates;
        // Only a panic while closing could fail here; the files are durable at every commit.
        let _ = tokio::task::spawn_blocking(move || estates.close()).await;
    }
}

/// The open estates of a host, by namespace and name.
#[derive(Clone, Default)]
struct Estates(Arc<Mutex<BTreeMap<Address, Arc<Estate>>>>);

/// Namespace and name.
type Address = (String, String);

impl Estates {
    fn get(&self, place: &Address) -> Option<Arc<Estate>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(place)
            .cloned()
    }

    /// Opens an estate unless somebody else just has.
    fn open(
        &self,
        place: Address,
        file: &Path,
        account: &str,
        clock: Clock,
    ) -> Result<(), HostError> {
        let mut estates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if estates.contains_key(&place) {
            return Ok(());
        }
        let opened = Estate::open(file, account, clock);
        let estate = opened.map_err(|source| HostError::Estate {
            estate: format!("{}/{}", place.0, place.1),
            source,
        })?;
        estates.insert(place, Arc::new(estate));
        Ok(())
    }

    fn close(&self) {
        let estates = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for estate in estates.values() {
            estate.close();
        }
    }
}

impl Directory for Estates {
    fn find(&self, place: Option<(&str, &str)>) -> Option<Arc<Estate>> {
        let (namespace, name) = place?;
        self.get(&(namespace.to_owned(), name.to_owned()))
    }
}

/// A name that can stand in a path and in a file name.
fn checked(name: &str) -> Result<String, HostError> {
    let fits = |character: char| {
        character.is_ascii_lowercase()
            || character.is_ascii_digit()
            || matches!(character, '-' | '.')
    };
    if !name.is_empty() && !name.starts_with('.') && name.chars().all(fits) {
        Ok(name.to_owned())
    } else {
        Err(HostError::Name(name.to_owned()))
    }
}
