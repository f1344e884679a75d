//! One estate alone in its file, and what lies beside that file.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{estate::Estate, http::Directory};

/// `estate.sqlite.token` beside `estate.sqlite`.
pub(super) fn beside(data: &Path, what: &str) -> PathBuf {
    let mut file = data.to_owned().into_os_string();
    file.push(".");
    file.push(what);
    file.into()
}

/// The single estate of a server.
pub(super) struct Single(pub Arc<Estate>);

impl Directory for Single {
    fn find(&self, _: Option<(&str, &str)>) -> Option<Arc<Estate>> {
        Some(Arc::clone(&self.0))
    }
}
