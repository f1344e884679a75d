//! `holdfast run`: the operator with what surrounds it: its identity, the cluster, health and metrics.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use thiserror::Error;
use tokio::sync::Mutex;

use super::{
    embedding::Embedding,
    identity::{Identity, IdentityError},
    serve,
    start::{Operator, Settings},
};
use crate::{cluster, platform::Registry};

/// The operator's configuration.
#[derive(Clone)]
pub struct RunOptions {
    /// The platforms that it can reach.
    pub drivers: Registry,
    /// Where the embedded platform keeps its estates, and this process its identity.
    pub data_dir: Option<PathBuf>,
    /// The name of the pod, where it runs in one.
    pub pod_name: Option<String>,
    /// Where health and metrics are served.
    pub listen: SocketAddr,
    /// Where the embedded platform is served.
    pub platform_listen: SocketAddr,
    /// Namespaces to watch; empty means all.
    pub namespaces: Vec<String>,
    /// Namespace for Leases.
    pub lease_namespace: String,
    /// Namespace in which months are kept for invoices; none are kept when absent.
    pub invoices_namespace: Option<String>,
    /// Whether there are metrics of each customer.
    pub customer_metrics: bool,
}

/// Why the operator can't run.
#[derive(Debug, Error)]
pub enum RunError {
    /// The cluster can't be reached.
    #[error("{0}")]
    Cluster(String),
    /// The process has no identity.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Health and metrics can't be served.
    #[error("can't listen on {address}: {source}. Choose another with --listen.")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}

/// Runs the operator until `stop` resolves; then lets running passes end, and releases its Leases.
///
/// # Errors
/// Any error at startup. Once started the operator continues in spite of all errors.
pub async fn run(
    options: RunOptions,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), RunError> {
    let identity = Identity::of(options.data_dir.as_deref(), options.pod_name.as_deref())?;
    let (_, client) = cluster::connect().await.map_err(RunError::Cluster)?;
    let embedding = Embedding::new(options.data_dir, options.platform_listen);
    let embedding = Arc::new(Mutex::new(embedding));
    let settings = Settings {
        drivers: options.drivers,
        embedding: embedding.clone(),
        namespaces: options.namespaces,
        lease_namespace: options.lease_namespace,
        invoices_namespace: options.invoices_namespace,
        identity: identity.name.clone(),
    };
    let operator = Operator::start(&client, settings);
    let server = serve::start(options.listen, &operator, options.customer_metrics).await;
    let server = server.map_err(|source| RunError::Listen {
        address: options.listen,
        source,
    })?;
    tracing::info!(listen = %options.listen, identity = identity.name, "running");
    stop.await;
    tracing::info!("stopping: waiting for running reconciliations");
    operator.stop().await;
    server.abort();
    embedding.lock().await.stop().await;
    Ok(())
}
