//! What the gateway tells of one user's buckets.

use super::wire::Bucket;
use crate::estate::{ItemKind, ObjectId, Unreadable};

/// The buckets of one user.
pub(super) struct Figures {
    pub(super) uid: ObjectId,
    pub(super) buckets: Vec<Bucket>,
    /// Why they say less than is there, if so.
    pub(super) untold: Option<String>,
}

impl Figures {
    /// The user as something that can't be read, where less is told than is there.
    pub(super) fn unreadable(&self, kind: ItemKind) -> Option<Unreadable> {
        let why = self.untold.clone()?;
        Some(Unreadable {
            kind,
            id: Some(self.uid.to_string()),
            why,
        })
    }
}
