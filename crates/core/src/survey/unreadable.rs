//! Resources that exist and that Holdfast can't read. Until they can be read, nothing is done on their behalf, and they keep
//! what they hold.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

/// Names a resource of any of the five kinds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AnyRef {
    /// Its kind.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl AnyRef {
    /// Names one.
    pub fn new(kind: &str, namespace: &str, name: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }
}

impl std::fmt::Display for AnyRef {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}

/// Which resources can't be read, and why.
#[derive(Debug, Default)]
pub struct UnreadableResources(RwLock<HashMap<AnyRef, String>>);

impl UnreadableResources {
    /// Notes one; true when it is news.
    pub fn note(&self, resource: AnyRef, why: String) -> bool {
        let mut resources = self.0.write().unwrap_or_else(PoisonError::into_inner);
        resources.insert(resource, why).is_none()
    }

    /// One can be read again, or is gone; true when it was noted.
    pub fn clear(&self, resource: &AnyRef) -> bool {
        let mut resources = self.0.write().unwrap_or_else(PoisonError::into_inner);
        resources.remove(resource).is_some()
    }

    /// Why a resource can't be read, if it can't.
    pub fn why(&self, kind: &str, namespace: &str, name: &str) -> Option<String> {
        let resources = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if resources.is_empty() {
            return None;
        }
        resources.get(&AnyRef::new(kind, namespace, name)).cloned()
    }
}
