//! The embedded platform inside this process, started when the first `BackupPlatform` asks for it.

use std::{net::SocketAddr, path::PathBuf};

use crate::embedded::{EstateAccess, Host, HostOptions};

/// The embedded platform, or where it would be.
pub struct Embedding {
    data_dir: PathBuf,
    listen: SocketAddr,
    host: Option<Host>,
}

impl Embedding {
    /// Nothing is started yet.
    pub fn new(data_dir: PathBuf, listen: SocketAddr) -> Self {
        Self {
            data_dir,
            listen,
            host: None,
        }
    }

    /// The estate of a `BackupPlatform`, made on first use. The error is a sentence for its condition.
    pub async fn estate(&mut self, namespace: &str, name: &str) -> Result<EstateAccess, String> {
        let host = match self.host.take() {
            Some(host) => host,
            None => self.start().await?,
        };
        let access = host.estate(namespace, name).await;
        self.host = Some(host);
        access.map_err(|error| format!("embedded: {error}"))
    }

    async fn start(&self) -> Result<Host, String> {
        let options = HostOptions {
            listen: self.listen,
            ..HostOptions::new(&self.data_dir)
        };
        let host = Host::start(options)
            .await
            .map_err(|error| format!("embedded: {error}"))?;
        tracing::info!(address = %host.address(), "the embedded platform is served");
        Ok(host)
    }

    /// Stops serving.
    pub async fn stop(&mut self) {
        if let Some(host) = self.host.take() {
            host.shutdown().await;
        }
    }
}
