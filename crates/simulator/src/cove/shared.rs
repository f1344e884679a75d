//! What every request shares.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use secrecy::SecretString;

use super::{door::Door, modes::CoveModes, world::World};
use crate::{Clock, Faults};

/// What a request sees of the platform.
pub(super) struct Shared {
    inner: Mutex<Inner>,
    pub faults: Faults,
    pub latency: Option<Duration>,
    pub clock: Clock,
    pub token: SecretString,
}

/// What changes.
pub(super) struct Inner {
    pub world: World,
    pub door: Door,
    pub modes: CoveModes,
    /// Requests by method.
    pub counts: BTreeMap<String, u64>,
}

impl Shared {
    pub fn new(
        inner: Inner,
        faults: Faults,
        latency: Option<Duration>,
        clock: Clock,
        token: SecretString,
    ) -> Self {
        Self {
            inner: Mutex::new(inner),
            faults,
            latency,
            clock,
            token,
        }
    }

    pub fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
