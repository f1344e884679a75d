//! What was listed last. Whoever needs only that never waits for a list under way, and an edit never for a sweep's.

use std::sync::{Arc, Mutex as Lock, MutexGuard as Locked, PoisonError};

use tokio::sync::{Mutex, MutexGuard};

use crate::Lane;

/// A list that is read whole, now and then.
pub(super) struct Shelf<T> {
    last: Lock<Option<Arc<T>>>,
    edits: Mutex<()>,
    sweeps: Mutex<()>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self {
            last: Lock::default(),
            edits: Mutex::default(),
            sweeps: Mutex::default(),
        }
    }
}

impl<T> Shelf<T> {
    /// The list as it was read last.
    pub(super) fn last(&self) -> Option<Arc<T>> {
        self.slot().as_ref().map(Arc::clone)
    }

    /// The turn to read the list: one task a lane does, and the others take what that one brings.
    pub(super) async fn turn(&self, lane: Lane) -> MutexGuard<'_, ()> {
        match lane {
            Lane::Edit => self.edits.lock().await,
            Lane::Sweep => self.sweeps.lock().await,
        }
    }

    /// Keeps a list, unless one that was begun later is there already.
    pub(super) fn put(&self, list: T, is_later: impl FnOnce(&T, &T) -> bool) -> Arc<T> {
        let list = Arc::new(list);
        let mut slot = self.slot();
        if slot.as_ref().is_none_or(|held| is_later(&list, held)) {
            *slot = Some(Arc::clone(&list));
        }
        list
    }

    /// Amends the list by what is known since.
    pub(super) fn amend(&self, change: impl FnOnce(&mut T))
    where
        T: Clone,
    {
        if let Some(list) = self.slot().as_mut() {
            change(Arc::make_mut(list));
        }
    }

    fn slot(&self) -> Locked<'_, Option<Arc<T>>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // R-N9
    #[tokio::test]
    async fn an_edit_never_waits_behind_a_sweep() {
        let shelf = Shelf::<u8>::default();
        let _sweep = shelf.turn(Lane::Sweep).await;
        let edit = async {
            drop(shelf.turn(Lane::Edit).await);
            shelf.last()
        };
        let nothing_there = tokio::time::timeout(std::time::Duration::from_secs(5), edit);
        assert_eq!(nothing_there.await.ok(), Some(None));
    }

    #[test]
    fn a_list_that_was_begun_earlier_replaces_none() {
        let shelf = Shelf::default();
        let later = |new: &u8, held: &u8| new > held;
        assert_eq!(*shelf.put(2, later), 2);
        assert_eq!(*shelf.put(1, later), 1, "who read it has it all the same");
        assert_eq!(shelf.last().as_deref(), Some(&2));
        shelf.amend(|list| *list = 7);
        assert_eq!(shelf.last().as_deref(), Some(&7));
    }
}
