//! The identity of this process, for Leases: the same again after a restart on the same data directory, and never two at once.
//! Without a data directory each process has a new one.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Write},
    path::Path,
};

use thiserror::Error;

/// Why this process can't have an identity.
#[derive(Debug, Error)]
pub enum IdentityError {
    /// The data directory can't be used.
    #[error(
        "the data directory {path}: {source}. Choose another with --data-dir, or make it writable."
    )]
    Unusable {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// Another process runs on it.
    #[error(
        "another process is running on the data directory {0}. Stop it first, or choose another with --data-dir."
    )]
    Taken(String),
    /// The system gives no random bytes.
    #[error("the system's source of random bytes: {0}")]
    Random(String),
}

/// An identity, for as long as it lives: the data directory stays locked, so that no second process can have the same.
#[derive(Debug)]
pub struct Identity {
    /// The identity as Leases show it.
    pub name: String,
    _lock: Option<File>,
}

impl Identity {
    /// Takes the identity of a data directory; the first process on it makes one. Without a directory it is the pod's name and
    /// a random part: a pod that restarts under its name may overlap with the process before.
    ///
    /// # Errors
    /// The directory can't be used, or another process uses it.
    pub fn of(data_dir: Option<&Path>, pod: Option<&str>) -> Result<Self, IdentityError> {
        match data_dir {
            Some(data_dir) => Self::kept(data_dir),
            None => Ok(Self {
                name: random_name(pod.unwrap_or("holdfast"))?,
                _lock: None,
            }),
        }
    }

    fn kept(data_dir: &Path) -> Result<Self, IdentityError> {
        let path = data_dir.display().to_string();
        let unusable = |source| IdentityError::Unusable {
            path: path.clone(),
            source,
        };
        fs::create_dir_all(data_dir).map_err(unusable)?;
        let file = data_dir.join("identity");
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(file)
            .map_err(unusable)?;
        if lock.try_lock().is_err() {
            return Err(IdentityError::Taken(path));
        }
        let mut name = String::new();
        lock.read_to_string(&mut name).map_err(unusable)?;
        if name.trim().is_empty() {
            name = random_name("holdfast")?;
            lock.write_all(name.as_bytes())
                .and_then(|()| lock.sync_all())
                .map_err(unusable)?;
        }
        Ok(Self {
            name: name.trim().to_owned(),
            _lock: Some(lock),
        })
    }
}

fn random_name(prefix: &str) -> Result<String, IdentityError> {
    let mut random = [0u8; 10];
    getrandom::fill(&mut random).map_err(|error| IdentityError::Random(error.to_string()))?;
    let random = data_encoding::HEXLOWER.encode(&random);
    Ok(format!("{prefix}-{random}"))
}
