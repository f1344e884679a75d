//! Whether what is about to be sent is still asked for. A request may wait half a minute for the budget, and a person who pauses
//! a platform, or sets `deletionPolicy: Retain`, while deletions wait in line doesn't expect them to be sent all the same. I3.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::{
    planner::Step,
    survey::{Managed, PlatformKey, ResourceRef, Stores},
};

tokio::task_local! {
    static TURN: Arc<Turn>;
}

struct Turn {
    asked: Asked,
    /// The first request was sent: what is begun is finished, in however many requests.
    begun: AtomicBool,
    overtaken: AtomicBool,
}

/// What a decision was made of: the versions of the specs of a resource and of its platform.
pub struct Asked {
    stores: Stores,
    resource: ResourceRef,
    generation: Option<i64>,
    uid: Option<String>,
    platform: PlatformKey,
    platform_generation: Option<i64>,
}

impl Asked {
    /// As both are now.
    pub fn now<K: Managed>(
        stores: &Stores,
        object: &K,
        resource: ResourceRef,
        platform: &PlatformKey,
    ) -> Self {
        Self {
            generation: object.meta().generation,
            uid: object.meta().uid.clone(),
            platform_generation: generation_of(stores, platform),
            platform: platform.clone(),
            stores: stores.clone(),
            resource,
        }
    }

    /// Whether neither has been changed since, as far as the caches tell: they may be older than what was decided from.
    fn holds(&self) -> bool {
        let known = self.stores.version_of(&self.resource);
        let unchanged =
            known.is_some_and(|(uid, generation)| uid == self.uid && generation <= self.generation);
        unchanged && generation_of(&self.stores, &self.platform) == self.platform_generation
    }
}

fn generation_of(stores: &Stores, platform: &PlatformKey) -> Option<i64> {
    let platform = stores.platforms.get(&platform.namespace, &platform.name)?;
    platform.metadata.generation
}

/// Whether a step takes something away, so that it has to be asked for until it is sent.
pub fn takes_away(step: &Step) -> bool {
    matches!(
        step,
        Step::Delete { .. } | Step::SetActive { active: false, .. }
    )
}

/// Runs a request that is sent only while it is asked for. `None` when it wasn't sent because it no longer was.
pub async fn while_asked<T>(asked: Asked, request: impl Future<Output = T>) -> Option<T> {
    let turn = Arc::new(Turn {
        asked,
        begun: AtomicBool::new(false),
        overtaken: AtomicBool::new(false),
    });
    let answer = TURN.scope(turn.clone(), request).await;
    let overtaken = turn.overtaken.load(Ordering::Relaxed);
    (!overtaken).then_some(answer)
}

/// Asked right before a request of this task is sent.
///
/// # Errors
/// Why it isn't asked for any more, for people.
pub fn still_asked() -> Result<(), String> {
    let holds = |turn: &Arc<Turn>| {
        let holds = turn.begun.load(Ordering::Relaxed) || turn.asked.holds();
        turn.begun.store(holds, Ordering::Relaxed);
        turn.overtaken.store(!holds, Ordering::Relaxed);
        holds
    };
    if TURN.try_with(holds).unwrap_or(true) {
        Ok(())
    } else {
        Err("the spec was changed while the request waited for its turn".to_owned())
    }
}
