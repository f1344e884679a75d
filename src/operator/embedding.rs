//! The embedded platform inside this process, started when the first `BackupPlatform` asks for it.

use std::{net::SocketAddr, path::PathBuf};

use secrecy::SecretString;

/// How to reach one estate.
pub struct Access {
    /// The bridge endpoint.
    pub url: String,
    /// Its token.
    pub token: SecretString,
}

/// The embedded platform, or where it would be.
pub struct Embedding {
    data_dir: PathBuf,
    listen: SocketAddr,
}

impl Embedding {
    /// Nothing is started yet.
    pub fn new(data_dir: PathBuf, listen: SocketAddr) -> Self {
        Self { data_dir, listen }
    }

    /// The estate of a `BackupPlatform`, made on first use.
    pub async fn estate(&mut self, namespace: &str, name: &str) -> Result<Access, String> {
        Err(format!(
            "{} {} {namespace} {name}",
            self.data_dir.display(),
            self.listen
        ))
    }

    /// Stops serving.
    pub async fn stop(&mut self) {}
}
