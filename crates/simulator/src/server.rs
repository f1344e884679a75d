//! What both servers need: a listener that stops gracefully, private directories, a token that is kept.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use axum::{Router, serve::ListenerExt as _};
use axum_server::{Handle, tls_rustls::RustlsConfig};
use secrecy::SecretString;
use thiserror::Error;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use super::{StoreError, random};

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
    /// The certificate or its key.
    #[error(
        "the embedded platform can't serve TLS with the certificate {certificate} and the key {key}: {source}; give it PEM files that belong together"
    )]
    Tls {
        /// The chain of certificates.
        certificate: PathBuf,
        /// Its private key.
        key: PathBuf,
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

/// What a server shows for itself: two PEM files.
#[derive(Debug, Clone)]
pub struct Tls {
    /// The chain of certificates, its own first.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl Tls {
    async fn config(&self) -> Result<RustlsConfig, HostError> {
        let config = RustlsConfig::from_pem_file(&self.certificate, &self.key).await;
        config.map_err(|source| HostError::Tls {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            source,
        })
    }
}

/// A listener and the task that serves it.
pub(super) struct Server {
    pub address: SocketAddr,
    scheme: &'static str,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

impl Server {
    /// Where it is, without a slash at the end.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    pub async fn start(
        listen: SocketAddr,
        tls: Option<&Tls>,
        router: Router,
    ) -> Result<Self, HostError> {
        let failed = |source| HostError::Listen {
            address: listen,
            source,
        };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (stop, stopped) = oneshot::channel::<()>();
        if let Some(tls) = tls {
            let config = tls.config().await?;
            let serving = serve_tls(
                listener.into_std().map_err(failed)?,
                config,
                router,
                stopped,
            );
            return Ok(Self {
                address,
                scheme: "https",
                stop,
                task: tokio::spawn(serving),
            });
        }
        // Answers are small: waiting to fill a packet would only delay them.
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        let serving = axum::serve(listener, router)
            .with_graceful_shutdown(async move { drop(stopped.await) });
        Ok(Self {
            address,
            scheme: "http",
            stop,
            task: tokio::spawn(serving.into_future()),
        })
    }

    pub async fn stop(self) {
        drop(self.stop);
        let abort = self.task.abort_handle();
        if tokio::time::timeout(GRACE, self.task).await.is_err() {
            abort.abort();
        }
    }
}

async fn serve_tls(
    listener: std::net::TcpListener,
    config: RustlsConfig,
    router: Router,
    stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    let handle = Handle::new();
    let serving = axum_server::from_tcp_rustls(listener, config)?
        .handle(handle.clone())
        .serve(router.into_make_service());
    let mut serving = std::pin::pin!(serving);
    tokio::select! {
        outcome = &mut serving => return outcome,
        _ = stopped => handle.graceful_shutdown(Some(GRACE)),
    }
    serving.await
}

/// Makes a directory that only its owner may enter.
pub(super) fn make_directory(path: &Path) -> Result<(), HostError> {
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
pub(super) fn kept_token(path: &Path) -> Result<SecretString, HostError> {
    kept_secret(path, random::token)
}

/// The secret of a file; a fresh one, readable by its owner only, if there is none.
pub(super) fn kept_secret(
    path: &Path,
    fresh: impl FnOnce() -> String,
) -> Result<SecretString, HostError> {
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
    let secret = fresh();
    // Written beside and moved into place: a crash leaves no half a secret.
    let beside = path.with_extension("new");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)
        .map_err(failed)?;
    file.write_all(secret.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(failed)?;
    fs::rename(&beside, path).map_err(failed)?;
    Ok(SecretString::from(secret))
}
