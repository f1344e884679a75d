//! So many passes at a time for each platform: one that answers slowly holds up its own resources and no others.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::survey::PlatformKey;

/// Concurrent passes of one kind on one platform.
const PASSES: usize = 32;

/// The passes of one kind, by platform. What resolves to no platform is together.
#[derive(Default)]
pub struct Bulkhead(Mutex<HashMap<Option<PlatformKey>, Arc<Semaphore>>>);

impl Bulkhead {
    /// Waits until fewer passes run on a platform. The place is free again when the answer is dropped.
    pub async fn enter(&self, platform: Option<PlatformKey>) -> Option<OwnedSemaphorePermit> {
        let places = self.places(platform);
        // Fails only where it is closed, and nobody closes it.
        places.acquire_owned().await.ok()
    }

    fn places(&self, platform: Option<PlatformKey>) -> Arc<Semaphore> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody runs on the others, and a platform that is gone comes to nothing.
        all.retain(|known, places| *known == platform || Arc::strong_count(places) > 1);
        let places = all.entry(platform);
        places
            .or_insert_with(|| Arc::new(Semaphore::new(PASSES)))
            .clone()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn platform(name: &str) -> PlatformKey {
        PlatformKey {
            namespace: "msp".into(),
            name: name.into(),
        }
    }

    // F25: a platform whose places are all taken leaves another's free, and its own when passes have ended.
    #[test]
    fn a_platform_takes_no_places_of_another() {
        let bulkhead = Bulkhead::default();
        let enter = |name| {
            bulkhead
                .enter(Some(platform(name)))
                .now_or_never()
                .flatten()
        };
        let mut taken: Vec<_> = (0..PASSES).map(|_| enter("slow")).collect();
        assert!(taken.iter().all(Option::is_some));
        assert!(enter("slow").is_none());
        assert!(enter("other").is_some());
        taken.pop();
        assert!(enter("slow").is_some());
        assert!(bulkhead.enter(None).now_or_never().flatten().is_some());
        drop(taken);
        assert!(enter("other").is_some());
        assert_eq!(
            bulkhead.0.lock().unwrap().len(),
            1,
            "who has no passes is forgotten"
        );
    }
}
