//! What the gateway tells of one user's buckets.

use super::wire::Bucket;
use crate::estate::{ItemKind, ObjectId, Unreadable};

/// The buckets of one user.
pub(super) struct Figures {
    pub(super) uid: ObjectId,
    pub(super) buckets: Vec<Bucket>,
    /// One that is listed, and of which the gateway tells no figures.
    pub(super) untold: Option<String>,
}

impl Figures {
    /// Why they say less than is there, if so.
    pub(super) fn unreadable(&self, kind: ItemKind) -> Option<Unreadable> {
        let bucket = self.untold.as_ref()?;
        Some(Unreadable {
            kind,
            id: Some(self.uid.to_string()),
            why: format!("the gateway tells no figures of its bucket {bucket}"),
        })
    }
}
