//! Where the resources of one kind are kept: the operator's watch caches, or the files of a plan.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

/// All resources of one kind. The operator fills one from a watch; a [`Shelf`] is filled by hand.
pub trait Cache<K>: Send + Sync {
    /// One resource by namespace and name.
    fn get(&self, namespace: &str, name: &str) -> Option<Arc<K>>;

    /// Every resource, in no order.
    fn all(&self) -> Vec<Arc<K>>;

    /// Whether everything that exists has arrived. Until then what isn't here may exist.
    fn is_filled(&self) -> bool {
        true
    }
}

/// A cache that is shared.
pub type Store<K> = Arc<dyn Cache<K>>;

/// A cache in memory, written by hand.
pub struct Shelf<K>(RwLock<BTreeMap<(String, String), Arc<K>>>);

impl<K> Default for Shelf<K> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<K: kube::ResourceExt> Shelf<K> {
    /// Replaces a resource by its new version.
    pub fn put(&self, object: K) {
        let place = place(&object);
        let mut objects = self.0.write().unwrap_or_else(PoisonError::into_inner);
        objects.insert(place, Arc::new(object));
    }

    /// Removes a resource.
    pub fn remove(&self, object: &K) {
        let mut objects = self.0.write().unwrap_or_else(PoisonError::into_inner);
        objects.remove(&place(object));
    }
}

impl<K: Send + Sync> Cache<K> for Shelf<K> {
    fn get(&self, namespace: &str, name: &str) -> Option<Arc<K>> {
        let objects = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let place = (namespace.to_owned(), name.to_owned());
        objects.get(&place).cloned()
    }

    fn all(&self) -> Vec<Arc<K>> {
        let objects = self.0.read().unwrap_or_else(PoisonError::into_inner);
        objects.values().cloned().collect()
    }
}

fn place<K: kube::ResourceExt>(object: &K) -> (String, String) {
    (object.namespace().unwrap_or_default(), object.name_any())
}
