//! Servers: many estates beside each other inside the operator, or one on its own.

use std::{
    collections::BTreeMap,
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, serve::ListenerExt as _};
use secrecy::SecretString;
use thiserror::Error;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use super::{
    Clock, Faults, StoreError,
    estate::Estate,
    http::{self, Directory, Shared},
    random,
};

/// How long requests under way may take when the server stops.
const GRACE: Duration = Duration::from_secs(5);

/// Why the embedded platform couldn't start, or open an estate.
#[derive(Debug, Error)]
pub enum HostError {
    /// A file or directory.
    #[error(
        "the embedded platform can't use {path}: {source}; give it a directory that it may write to"
    )]
    Data {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The address.
    #[error("the embedded platform can't listen on {address}: {source}; choose another address")]
    Listen {
        /// Which one.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The estate's file.
    #[error("the estate {estate} can't be opened: {source}")]
    Estate {
        /// Which one.
        estate: String,
        /// Why.
        source: StoreError,
    },
    /// A name that can't be part of a path.
    #[error("{0:?} can't name an estate; use lower-case letters, digits, dots and dashes")]
    Name(String),
    /// The server ended.
    #[error("the embedded platform stopped serving: {0}")]
    Serve(io::Error),
}

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
        let server = Server::start(options.listen, http::many(Arc::new(shared))).await?;
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

/// How a single estate is served.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// The estate's file; made if it isn't there.
    pub data: PathBuf,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Extra time that every request takes.
    pub latency: Option<Duration>,
    /// File of faults, read again whenever it changes.
    pub faults: Option<PathBuf>,
    /// Bearer token; when absent one is kept in `FILE.token`.
    pub token: Option<SecretString>,
}

/// Serves one estate at `/v1/…` until the process is told to stop, after printing where.
///
/// # Errors
/// A file or an address that can't be used.
pub async fn serve(options: ServeOptions) -> Result<(), HostError> {
    let mut token_file = options.data.clone().into_os_string();
    token_file.push(".token");
    let token_file = PathBuf::from(token_file);
    let whereabouts = match &options.token {
        Some(_) => "from the environment".to_owned(),
        None => format!("in {}", token_file.display()),
    };
    let token = options.token.map_or_else(|| kept_token(&token_file), Ok)?;
    let data = options.data.clone();
    let opening = tokio::task::spawn_blocking(move || {
        Estate::open(&data, "Embedded platform", Clock::system())
    });
    let opened = opening
        .await
        .map_err(|error| HostError::Serve(io::Error::other(error)))?;
    let estate = opened.map_err(|source| HostError::Estate {
        estate: options.data.display().to_string(),
        source,
    })?;
    let estate = Arc::new(estate);
    let faults = options
        .faults
        .as_deref()
        .map(Faults::from_file)
        .unwrap_or_default();
    let shared = Shared {
        estates: Box::new(Single(Arc::clone(&estate))),
        token,
        latency: options.latency,
        faults,
    };
    let server = Server::start(options.listen, http::single(Arc::new(shared))).await?;
    println!("platform: http://{}\ntoken: {whereabouts}", server.address);
    told_to_stop().await;
    server.stop().await;
    let _ = tokio::task::spawn_blocking(move || estate.close()).await;
    Ok(())
}

/// Interrupt or termination, whichever comes first.
async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let interrupted = tokio::signal::ctrl_c();
    match signal(SignalKind::terminate()) {
        Ok(mut terminated) => {
            tokio::select! { _ = interrupted => (), _ = terminated.recv() => () }
        }
        Err(_) => drop(interrupted.await),
    }
}

/// A listener and the task that serves it.
struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

impl Server {
    async fn start(listen: SocketAddr, router: Router) -> Result<Self, HostError> {
        let failed = |source| HostError::Listen {
            address: listen,
            source,
        };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        // Answers are small: waiting to fill a packet would only delay them.
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = axum::serve(listener, router)
            .with_graceful_shutdown(async move { drop(stopped.await) });
        Ok(Self {
            address,
            stop,
            task: tokio::spawn(serving.into_future()),
        })
    }

    async fn stop(self) {
        drop(self.stop);
        let abort = self.task.abort_handle();
        if tokio::time::timeout(GRACE, self.task).await.is_err() {
            abort.abort();
        }
    }
}

/// The single estate of a server.
struct Single(Arc<Estate>);

impl Directory for Single {
    fn find(&self, _: Option<(&str, &str)>) -> Option<Arc<Estate>> {
        Some(Arc::clone(&self.0))
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

/// Makes a directory that only its owner may enter.
fn make_directory(path: &Path) -> Result<(), HostError> {
    use std::os::unix::fs::DirBuilderExt as _;
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path);
    made.map_err(|source| HostError::Data {
        path: path.to_owned(),
        source,
    })
}

/// The token of a file; a new one, readable by its owner only, if there is none.
fn kept_token(path: &Path) -> Result<SecretString, HostError> {
    use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
    let failed = |source| HostError::Data {
        path: path.to_owned(),
        source,
    };
    match fs::read_to_string(path) {
        Ok(text) if !text.trim().is_empty() => return Ok(SecretString::from(text.trim())),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let token = random::token();
    // Written beside and moved into place: a crash leaves no half a token.
    let fresh = path.with_extension("new");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh)
        .map_err(failed)?;
    file.write_all(token.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(failed)?;
    fs::rename(&fresh, path).map_err(failed)?;
    Ok(SecretString::from(token))
}
