//! The embedded platform inside this process, started when the first `BackupPlatform` asks for it.

use std::{net::SocketAddr, path::PathBuf};

#[cfg(feature = "simulator")]
use crate::embedded::{Host, HostOptions};
use crate::{
    api::Reason,
    connect::{Estate, Unconnectable},
};

/// The embedded platform, or the settings to start it with.
#[cfg_attr(
    not(feature = "simulator"),
    allow(dead_code, reason = "nothing is kept or served without it")
)]
pub struct Embedding {
    data_dir: Option<PathBuf>,
    listen: SocketAddr,
    #[cfg(feature = "simulator")]
    host: Option<Host>,
}

impl Embedding {
    /// Nothing is started yet.
    pub fn new(data_dir: Option<PathBuf>, listen: SocketAddr) -> Self {
        Self {
            data_dir,
            listen,
            #[cfg(feature = "simulator")]
            host: None,
        }
    }
}

#[cfg(not(feature = "simulator"))]
#[allow(
    clippy::unused_async,
    clippy::unused_self,
    clippy::needless_pass_by_ref_mut,
    reason = "as with the simulator"
)]
impl Embedding {
    /// This build has none.
    ///
    /// # Errors
    /// Always.
    pub async fn estate(&mut self, _: &str, _: &str) -> Result<Estate, Unconnectable> {
        Err(Unconnectable {
            reason: Reason::NotBuilt,
            message: "embedded: this build of Holdfast comes without the embedded platform. Use a build with the feature `simulator`, or another driver.".into(),
        })
    }

    /// Nothing was started.
    pub async fn stop(&mut self) {}
}

#[cfg(feature = "simulator")]
impl Embedding {
    /// The estate of a `BackupPlatform`, made on first use.
    ///
    /// # Errors
    /// Why it can't be served.
    pub async fn estate(&mut self, namespace: &str, name: &str) -> Result<Estate, Unconnectable> {
        let host = match self.host.take() {
            Some(host) => host,
            None => self.start().await?,
        };
        let access = host.estate(namespace, name).await;
        self.host = Some(host);
        let access = access.map_err(failed)?;
        Ok(Estate {
            url: access.url,
            token: access.token,
        })
    }

    async fn start(&self) -> Result<Host, Unconnectable> {
        let data_dir = self.data_dir.as_ref().ok_or_else(|| Unconnectable {
            reason: Reason::NotBuilt,
            message: "embedded: this operator runs without --data-dir, so it has no place for the embedded platform. Start it with --data-dir, or use another driver.".into(),
        })?;
        let options = HostOptions {
            listen: self.listen,
            ..HostOptions::new(data_dir)
        };
        let host = Host::start(options).await.map_err(failed)?;
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

#[cfg(feature = "simulator")]
fn failed(error: impl std::fmt::Display) -> Unconnectable {
    Unconnectable {
        reason: Reason::PlatformUnreachable,
        message: format!("embedded: {error}"),
    }
}
