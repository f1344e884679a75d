//! Reading an exported estate, as `plan` and `report` do with `--against`.

use std::path::{Path, PathBuf};

use super::Failure;
use crate::{
    api::BackupPlatform,
    estate::Snapshot,
    export::{EstateFile, EstateFileError},
    preview::Existing,
};

/// The platform, what it holds, and the resources that live on it.
pub type Estate = (BackupPlatform, Snapshot, Existing);

/// Reads the estate that a person named, and says where it was.
///
/// # Errors
/// A path that can't be read, or holds no estate.
pub fn read(against: &str) -> Result<(PathBuf, Estate), Failure> {
    let path = path_of(Path::new(against))?;
    let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
    let named = |error: EstateFileError| Failure::new(format!("{}: {error}", path.display()));
    let estate = EstateFile::parse(&text)
        .and_then(EstateFile::open)
        .map_err(named)?;
    Ok((path, estate))
}

/// The estate that a path names: itself, or the only one in a folder.
fn path_of(path: &Path) -> Result<PathBuf, Failure> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).map_err(|error| unreadable(path, &error))? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "estate") {
            found.push(path);
        }
    }
    match found.as_slice() {
        [one] => Ok(one.clone()),
        _ => Err(Failure::new(format!(
            "{}: the folder has {} .estate files. Name one.",
            path.display(),
            found.len()
        ))),
    }
}

/// A path that can't be read.
pub fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{} can't be read: {error}.", path.display()))
}
