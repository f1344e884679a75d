//! What the operator remembers between passes and may lose at any time: correctness doesn't depend on it.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    api::shared::Change,
    planner::{Backoff, Marks, Verdict, retry_delay},
    survey::{Managed, PlatformKey, ResourceRef},
};

/// Changes kept of passes that couldn't record them: as many as status keeps.
const UNLOGGED_KEPT: usize = 20;

#[derive(Debug, Default)]
struct Entries {
    failures: HashMap<ResourceRef, u32>,
    backoffs: HashMap<ResourceRef, BackingOff>,
    unfinished: HashMap<ResourceRef, u32>,
    unlogged: HashMap<ResourceRef, Vec<Change>>,
    open: HashMap<ResourceRef, (String, Vec<Change>)>,
    refused: HashMap<String, Refused>,
    overruled: HashMap<ResourceRef, BTreeMap<String, Overruled>>,
    requests: HashMap<PlatformKey, Option<String>>,
    late: HashSet<ResourceRef>,
    late_platforms: HashSet<PlatformKey>,
    retried: HashSet<ResourceRef>,
    held: HashMap<PlatformKey, HashSet<ResourceRef>>,
    busy: HashMap<PlatformKey, Instant>,
    waiting: HashSet<ResourceRef>,
}

/// A label or annotation of ours that held another value, which Holdfast has overwritten or removed.
#[derive(Debug, Clone)]
struct Overruled {
    /// What it held.
    value: String,
    /// When it was first overwritten.
    since: Instant,
    /// Whether its return was reported.
    said: bool,
}

/// What comes back within this time comes from the same act: kubectl applies twice where it migrates its own older fields.
const SAME_ACT: Duration = Duration::from_secs(2);

/// A status that the API server refuses.
#[derive(Debug)]
struct Refused {
    /// The generation.
    generation: i64,
    /// How often in a row.
    times: u32,
    /// Why.
    answer: String,
    /// Until when it isn't tried again.
    until: Instant,
}

/// The backoff after a failed pass.
#[derive(Debug, Clone)]
struct BackingOff {
    /// The state of the resource.
    of: u64,
    /// The reported settlement.
    verdict: Verdict,
    /// Until when.
    until: Instant,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Entries>);

impl Memory {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes in a row that failed.
    pub fn failures(&self, resource: &ResourceRef) -> u32 {
        self.entries()
            .failures
            .get(resource)
            .copied()
            .unwrap_or_default()
    }

    /// Counts a failed pass, or resets the count after a successful one.
    pub fn note_outcome(&self, resource: &ResourceRef, failed: bool) {
        let mut entries = self.entries();
        if failed {
            let count = entries.failures.entry(resource.clone()).or_default();
            *count = count.saturating_add(1);
        } else {
            entries.failures.remove(resource);
        }
    }

    /// Counts a pass that an error of the cluster interrupted; returns how many there were in a row.
    pub fn note_unfinished(&self, resource: &ResourceRef) -> u32 {
        let mut entries = self.entries();
        let count = entries.unfinished.entry(resource.clone()).or_default();
        *count = count.saturating_add(1);
        *count
    }

    /// Keeps the changes of a pass that couldn't record them. The next pass takes them.
    pub fn keep_unlogged(&self, resource: &ResourceRef, mut changes: Vec<Change>) {
        let beyond = changes.len().saturating_sub(UNLOGGED_KEPT);
        changes.drain(..beyond);
        if !changes.is_empty() {
            self.entries().unlogged.insert(resource.clone(), changes);
        }
    }

    /// Whether something was sent that couldn't be recorded.
    pub fn has_unlogged(&self) -> bool {
        !self.entries().unlogged.is_empty()
    }

    /// What an earlier pass has changed and couldn't record.
    pub fn take_unlogged(&self, resource: &ResourceRef) -> Vec<Change> {
        let taken = self.entries().unlogged.remove(resource);
        taken.unwrap_or_default()
    }

    /// Keeps the creations without an answer that a resource of this uid has sent, also when it is gone without our finalizer.
    pub fn note_open(&self, resource: &ResourceRef, uid: String, creations: Vec<Change>) {
        let mut entries = self.entries();
        if creations.is_empty() {
            entries.open.remove(resource);
        } else {
            entries.open.insert(resource.clone(), (uid, creations));
        }
    }

    /// What a resource of the same name, which is gone, has sent and got no answer to.
    pub fn left_open(&self, resource: &ResourceRef, uid: &str) -> Vec<Change> {
        let entries = self.entries();
        let left = entries.open.get(resource).filter(|(of, _)| of != uid);
        left.map_or_else(Vec::new, |(_, creations)| creations.clone())
    }

    /// A pass has ended.
    pub fn note_finished(&self, resource: &ResourceRef) {
        self.entries().unfinished.remove(resource);
    }

    /// Records the values of marks before Holdfast overwrote them. A mark that Holdfast added itself isn't another writer's.
    pub fn note_marked(&self, resource: &ResourceRef, before: &Marks, written: &Marks) {
        let (before, written) = (before.all(), written.all());
        let mut entries = self.entries();
        let overruled = entries.overruled.entry(resource.clone()).or_default();
        for name in written.keys() {
            if !before.contains_key(name) {
                overruled.remove(*name);
            }
        }
        for (name, value) in before {
            let known = overruled.get(name);
            if written.get(name) != Some(&value) && known.is_none_or(|known| known.value != value) {
                let overwritten = Overruled {
                    value: value.to_owned(),
                    since: Instant::now(),
                    said: false,
                };
                overruled.insert(name.to_owned(), overwritten);
            }
        }
    }

    /// Marks that again hold a value that Holdfast has overwritten before: another writer sets them. With each whether that is
    /// news.
    pub fn insisted(&self, resource: &ResourceRef, marks: &Marks) -> BTreeMap<String, bool> {
        let marks = marks.all();
        let mut entries = self.entries();
        let overruled = entries.overruled.get_mut(resource);
        let back = overruled
            .into_iter()
            .flatten()
            .filter_map(|(name, overruled)| {
                let back = marks.get(name.as_str()) == Some(&overruled.value.as_str())
                    && overruled.since.elapsed() >= SAME_ACT;
                back.then(|| (name.clone(), !std::mem::replace(&mut overruled.said, true)))
            });
        back.collect()
    }

    /// Why and how long a status of this generation isn't tried again, since the API server refused the last.
    pub fn status_put_off(&self, resource: &str, generation: i64) -> Option<(String, Duration)> {
        let entries = self.entries();
        let refused = entries.refused.get(resource)?;
        let left = refused.until.checked_duration_since(Instant::now());
        let left = left.filter(|left| refused.generation == generation && !left.is_zero())?;
        Some((refused.answer.clone(), left))
    }

    /// Records that the API server refused a status: it is retried at growing intervals, for the first time after the returned
    /// time.
    pub fn note_status_refused(&self, resource: &str, generation: i64, answer: &str) -> Duration {
        let mut entries = self.entries();
        let before = entries.refused.get(resource);
        let times = before.map_or(0, |before| before.times).saturating_add(1);
        let left = retry_delay(times.saturating_add(1));
        let refused = Refused {
            generation,
            times,
            answer: answer.to_owned(),
            until: Instant::now() + left,
        };
        entries.refused.insert(resource.to_owned(), refused);
        left
    }

    /// The API server has accepted a status.
    pub fn note_status_taken(&self, resource: &str) {
        self.entries().refused.remove(resource);
    }

    /// Lets a resource back off until it is time to retry. `of` is the state of the resource that ends the backoff when it
    /// changes.
    pub fn back_off(&self, resource: &ResourceRef, of: u64, verdict: Verdict, left: Duration) {
        let until = Instant::now() + left;
        let backing_off = BackingOff { of, verdict, until };
        self.entries()
            .backoffs
            .insert(resource.clone(), backing_off);
    }

    /// The settlement during a backoff.
    pub fn backoff(&self, resource: &ResourceRef, of: u64) -> Option<Backoff> {
        let entries = self.entries();
        let backing_off = entries
            .backoffs
            .get(resource)
            .filter(|resting| resting.of == of)?;
        let left = backing_off.until.checked_duration_since(Instant::now());
        // At its very end it is over: nothing would wait for the next instant.
        let left = left.filter(|left| !left.is_zero())?;
        Some(Backoff {
            verdict: backing_off.verdict.clone(),
            left,
        })
    }

    /// Something has changed that may let a resource succeed: its backoff ends.
    pub fn reset_backoff(&self, resource: &ResourceRef) {
        self.entries().backoffs.remove(resource);
    }

    /// Enqueues, a little later and once for many, the resources that may succeed now that another has released a name, a
    /// place or a client.
    pub fn retry_later(&self, resources: impl IntoIterator<Item = ResourceRef>) {
        self.entries().retried.extend(resources);
    }

    /// What is to be retried now.
    pub fn take_retried(&self) -> HashSet<ResourceRef> {
        std::mem::take(&mut self.entries().retried)
    }

    /// Forgets a resource that is gone.
    pub fn forget(&self, resource: &ResourceRef) {
        self.leave(resource);
        self.entries().unlogged.remove(resource);
    }

    /// Forgets a resource that another process reconciles, but for what was sent and couldn't be recorded: if this one does again,
    /// that may still be carried out.
    pub fn leave(&self, resource: &ResourceRef) {
        let mut entries = self.entries();
        entries.failures.remove(resource);
        entries.waiting.remove(resource);
        entries.backoffs.remove(resource);
        entries.unfinished.remove(resource);
        entries.overruled.remove(resource);
        for waiting in entries.held.values_mut() {
            waiting.remove(resource);
        }
    }

    /// Whether a request to sweep now is a new one. The value at the start counts as seen.
    pub fn is_new_request(&self, key: &PlatformKey, asked: Option<String>) -> bool {
        let before = self.entries().requests.insert(key.clone(), asked.clone());
        asked.is_some() && before.is_some_and(|before| before != asked)
    }

    /// Delays the enqueueing of a resource.
    pub fn enqueue_later(&self, resource: Option<ResourceRef>) {
        self.entries().late.extend(resource);
    }

    /// Delays the enqueueing of a `BackupPlatform`.
    pub fn enqueue_platform_later(&self, key: PlatformKey) {
        self.entries().late_platforms.insert(key);
    }

    /// What to enqueue now.
    pub fn take_late(&self) -> (HashSet<ResourceRef>, HashSet<PlatformKey>) {
        let mut entries = self.entries();
        (
            std::mem::take(&mut entries.late),
            std::mem::take(&mut entries.late_platforms),
        )
    }

    /// Notes whether a resource's deletion is held by the platform's limit; true when that is news.
    pub fn note_held(&self, key: &PlatformKey, resource: &ResourceRef, held: bool) -> bool {
        let mut entries = self.entries();
        if held {
            let waiting = entries.held.entry(key.clone()).or_default();
            return waiting.insert(resource.clone());
        }
        let waiting = entries.held.get_mut(key);
        waiting.is_some_and(|waiting| waiting.remove(resource))
    }

    /// Resources with a deletion that is held by the platform's limit.
    pub fn held_deletions(&self, key: &PlatformKey) -> usize {
        self.entries().held.get(key).map_or(0, HashSet::len)
    }

    /// Records whether another resource is in the way of one.
    pub fn note_waiting(&self, resource: &ResourceRef, waiting: bool) {
        let mut entries = self.entries();
        if waiting {
            entries.waiting.insert(resource.clone());
        } else {
            entries.waiting.remove(resource);
        }
    }

    /// The resources that another resource is in the way of.
    pub fn waiting(&self) -> Vec<ResourceRef> {
        self.entries().waiting.iter().cloned().collect()
    }

    /// How long no resource on a platform that is being deleted has been in deletion itself.
    pub fn note_busy(&self, key: &PlatformKey, busy: bool) -> Duration {
        let now = Instant::now();
        let mut entries = self.entries();
        let since = entries.busy.entry(key.clone()).or_insert(now);
        if busy {
            *since = now;
        }
        now.duration_since(*since)
    }

    /// Forgets a platform that is gone.
    pub fn forget_platform(&self, key: &PlatformKey) {
        let mut entries = self.entries();
        entries.busy.remove(key);
        entries.requests.remove(key);
        entries.held.remove(key);
    }
}

/// The parts of a resource that end a backoff when they change: all that a person can change.
pub fn state_of<K: Managed>(object: &K) -> u64 {
    let mut hasher = DefaultHasher::new();
    let meta = object.meta();
    (meta.generation, &meta.uid, &meta.annotations).hash(&mut hasher);
    meta.deletion_timestamp.is_some().hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Kind;

    // R-N9: kubectl applies twice in a row where it takes over from its older way of applying.
    #[tokio::test(start_paused = true)]
    async fn a_mark_that_comes_back_at_once_is_the_same_act_and_later_is_another() {
        let memory = Memory::default();
        let resource = ResourceRef {
            kind: Kind::Customer,
            namespace: "backup".into(),
            name: "trey".into(),
        };
        let marks = |platform: &str| Marks {
            external_id: None,
            labels: [("holdfast.dev/platform".to_owned(), platform.to_owned())].into(),
        };
        memory.note_marked(&resource, &marks("elsewhere"), &marks("msp"));
        assert!(memory.insisted(&resource, &marks("elsewhere")).is_empty());
        memory.note_marked(&resource, &marks("elsewhere"), &marks("msp"));
        tokio::time::advance(SAME_ACT).await;
        let insisted = memory.insisted(&resource, &marks("elsewhere"));
        assert_eq!(insisted.into_values().collect::<Vec<_>>(), [true]);
    }
}
