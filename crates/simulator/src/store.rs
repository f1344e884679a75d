//! The estate's file: SQLite in WAL mode, one writer thread that commits in groups, and a few readers.
//!
//! Requests that arrive together share one commit, so a durable write doesn't cost each of them a disk flush.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};
use thiserror::Error;
use tokio::sync::{Semaphore, oneshot};

/// Changes of the schema, oldest first; `user_version` counts those that a file has seen.
const MIGRATIONS: &[&str] = &[include_str!("schema.sql"), include_str!("druva/schema.sql")];
/// Most jobs in one commit.
const GROUP: usize = 64;
/// Readers at work at once.
const READERS: usize = 3;

/// Why an estate's file couldn't be read or written.
#[derive(Debug, Error)]
pub enum StoreError {
    /// SQLite refused.
    #[error("the estate's database refused: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The file comes from a newer version of this program.
    #[error(
        "{path} was written by a newer version of this program (schema {found}, known up to {known}); run that version"
    )]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: usize,
        /// The newest schema that this build knows.
        known: usize,
    },
    /// A stored document doesn't parse.
    #[error("a stored document can't be read: {0}")]
    Document(#[from] serde_json::Error),
    /// The writer has stopped.
    #[error("the estate is closed")]
    Closed,
}

/// Runs after the commit, with whether it succeeded.
type Completion = Box<dyn FnOnce(Result<(), String>) + Send>;
type Job = Box<dyn FnOnce(&Connection) -> Completion + Send>;

/// An open estate file.
pub(super) struct Store {
    path: PathBuf,
    writer: Mutex<Option<mpsc::Sender<Job>>>,
    idle: Arc<Mutex<Vec<Connection>>>,
    readers: Arc<Semaphore>,
    finished: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl Store {
    /// Opens the file, makes it when it is new, brings its schema up to date, and lets `plant` fill it. Blocks.
    pub fn open(
        path: &Path,
        plant: impl FnOnce(&Connection) -> Result<(), StoreError>,
    ) -> Result<Self, StoreError> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "cache_size", -1024)?;
        connection.set_prepared_statement_cache_capacity(64);
        migrate(&mut connection, path)?;
        let planting = connection.transaction()?;
        plant(&planting)?;
        planting.commit()?;
        let (sender, jobs) = mpsc::channel::<Job>();
        let finished = std::thread::Builder::new()
            .name("estate-writer".into())
            .spawn(move || write_all(&connection, &jobs))
            .map_err(|_| StoreError::Closed)?;
        Ok(Self {
            path: path.to_owned(),
            writer: Mutex::new(Some(sender)),
            idle: Arc::default(),
            readers: Arc::new(Semaphore::new(READERS)),
            finished: Mutex::new(Some(finished)),
        })
    }

    /// Runs a job on the writer. The answer comes once its group is committed to disk.
    pub async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let result = job(connection);
            Box::new(move |committed| {
                // A caller that has gone away loses the answer, not the write.
                let _ = answer.send(committed.map(|()| result));
            })
        });
        let sender = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .ok_or(StoreError::Closed)?;
        sender.send(job).map_err(|_| StoreError::Closed)?;
        drop(sender);
        match answered.await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(message)) => {
                tracing::error!(message, "an estate's changes couldn't be committed");
                Err(StoreError::Closed)
            }
            Err(_) => Err(StoreError::Closed),
        }
    }

    /// Runs a job on a reader that sees one consistent state.
    pub async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = Arc::clone(&self.readers)
            .acquire_owned()
            .await
            .map_err(|_| StoreError::Closed)?;
        let (path, idle) = (self.path.clone(), Arc::clone(&self.idle));
        let task = tokio::task::spawn_blocking(move || {
            let free = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = free.map_or_else(|| open_reader(&path), Ok)?;
            let snapshot = connection.unchecked_transaction()?;
            let result = job(&snapshot);
            drop(snapshot);
            idle.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(connection);
            drop(permit);
            Ok(result)
        });
        task.await.map_err(|_| StoreError::Closed)?
    }

    /// Finishes the writes that are under way and closes the file. Blocks.
    pub fn close(&self) {
        drop(
            self.writer
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        let thread = self
            .finished
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!(path = %self.path.display(), "an estate's writer ended abnormally");
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close();
    }
}

fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "cache_size", -512)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let seen: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let seen = usize::try_from(seen).unwrap_or(usize::MAX);
    if seen > MIGRATIONS.len() {
        return Err(StoreError::NewerSchema {
            path: path.to_owned(),
            found: seen,
            known: MIGRATIONS.len(),
        });
    }
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(seen) {
        let step = connection.transaction()?;
        step.execute_batch(migration)?;
        step.pragma_update(
            None,
            "user_version",
            u32::try_from(index + 1).unwrap_or(u32::MAX),
        )?;
        step.commit()?;
    }
    Ok(())
}

fn write_all(connection: &Connection, jobs: &mpsc::Receiver<Job>) {
    while let Ok(first) = jobs.recv() {
        if let Err(error) = connection.execute_batch("BEGIN IMMEDIATE") {
            // The job is dropped; its caller learns that there is no answer.
            tracing::error!(%error, "an estate can't be written");
            continue;
        }
        let mut completions = vec![first(connection)];
        while completions.len() < GROUP {
            let Ok(next) = jobs.try_recv() else { break };
            completions.push(next(connection));
        }
        let committed = connection
            .execute_batch("COMMIT")
            .map_err(|error| error.to_string());
        if committed.is_err() && !connection.is_autocommit() {
            // Nothing of the group may stay behind for the next one to commit.
            let _ = connection.execute_batch("ROLLBACK");
        }
        for completion in completions {
            completion(committed.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_a_newer_version_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("estate.sqlite");
        drop(Store::open(&path, |_| Ok(())).expect("opens"));
        let connection = Connection::open(&path).expect("opens");
        connection
            .pragma_update(None, "user_version", 99)
            .expect("writes");
        assert!(matches!(
            Store::open(&path, |_| Ok(())),
            Err(StoreError::NewerSchema { found: 99, .. })
        ));
    }

    #[tokio::test]
    async fn writes_are_there_after_reopening_and_readers_see_them() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("estate.sqlite");
        let store = Store::open(&path, |_| Ok(())).expect("opens");
        let insert = |connection: &Connection| {
            connection
                .execute("INSERT INTO meta VALUES ('a', 'b')", [])
                .map(|_| ())
        };
        store
            .write(insert)
            .await
            .expect("an answer")
            .expect("written");
        let count = |connection: &Connection| {
            connection.query_row("SELECT count(*) FROM meta", [], |row| row.get::<_, i64>(0))
        };
        assert_eq!(store.read(count).await.expect("an answer"), Ok(1));
        store.close();
        assert!(matches!(store.write(insert).await, Err(StoreError::Closed)));
        let again = Store::open(&path, |_| Ok(())).expect("opens");
        assert_eq!(again.read(count).await.expect("an answer"), Ok(1));
    }
}
