//! Objects as our own last write returned them, for as long as the caches are older.
//!
//! A pass that starts on a stale cache would repeat what was just done. So each write's answer is kept until the watch has
//! caught up.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use kube::{Resource, ResourceExt};

type Key = (TypeId, String);

/// The newest known versions, by kind and uid.
#[derive(Default)]
pub struct Newest(Mutex<HashMap<Key, Arc<dyn Any + Send + Sync>>>);

impl Newest {
    /// Keeps an object that a write has just returned.
    pub fn keep<K: Resource + Send + Sync + 'static>(&self, object: Arc<K>) {
        if let Some(uid) = object.uid() {
            self.lock().insert((TypeId::of::<K>(), uid), object);
        }
    }

    /// Drops the kept version of an object once the cache is as new: it would only cost memory.
    pub fn caught_up<K: Resource + Send + Sync + 'static>(&self, cached: &K) {
        let Some(uid) = cached.uid() else { return };
        let key = (TypeId::of::<K>(), uid);
        let mut kept = self.lock();
        let old = kept
            .get(&key)
            .and_then(|object| object.downcast_ref::<K>())
            .is_some_and(|object| version(object) <= version(cached));
        if old {
            kept.remove(&key);
        }
    }

    /// The newer of the cache's object and the kept one; a kept one that isn't newer is dropped.
    pub fn newest<K: Resource + Send + Sync + 'static>(&self, cached: Arc<K>) -> Arc<K> {
        let Some(uid) = cached.uid() else {
            return cached;
        };
        let key = (TypeId::of::<K>(), uid);
        let mut kept = self.lock();
        match kept
            .get(&key)
            .cloned()
            .and_then(|object| object.downcast::<K>().ok())
        {
            Some(object) if version(&*object) > version(&*cached) => object,
            Some(_) => {
                kept.remove(&key);
                cached
            }
            None => cached,
        }
    }

    /// Drops what is kept of an object that is gone.
    pub fn forget<K: Resource + 'static>(&self, uid: &str) {
        self.lock().remove(&(TypeId::of::<K>(), uid.to_owned()));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Arc<dyn Any + Send + Sync>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Resource versions of one object grow; Kubernetes documents them as comparable numbers.
fn version<K: Resource>(object: &K) -> u128 {
    object
        .meta()
        .resource_version
        .as_deref()
        .and_then(|version| version.parse().ok())
        .unwrap_or_default()
}
