//! Sending events. The planner decides what deserves one.

use std::sync::{Mutex, PoisonError};

use kube::{
    Client, Resource,
    runtime::events::{Event, EventType, Recorder, Reporter},
};

use crate::{
    api::{
        bounds::shortened_bytes,
        shared::{ChangeOutcome, ChangeStep},
    },
    estate::ObjectId,
    planner::{Note, Progress},
    survey::{Managed, resource_ref},
};

/// Longest message of an event that the API server accepts, in bytes.
const LONGEST_NOTE: usize = 1024;

/// Events that one recorder sends: it keeps them for minutes, to count repetitions, and scans all of them for each new one.
const EVENTS: usize = 256;

/// Where events go.
pub struct Events {
    client: Client,
    reporter: Reporter,
    current: Mutex<(Recorder, usize)>,
}

impl Events {
    /// Nothing is sent yet.
    pub fn new(client: Client, reporter: Reporter) -> Self {
        let recorder = Recorder::new(client.clone(), reporter.clone());
        Self {
            client,
            reporter,
            current: Mutex::new((recorder, 0)),
        }
    }

    /// The recorder for one more event.
    fn recorder(&self) -> Recorder {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let (recorder, sent) = &mut *current;
        if *sent == EVENTS {
            *recorder = Recorder::new(self.client.clone(), self.reporter.clone());
            *sent = 0;
        }
        *sent += 1;
        recorder.clone()
    }
}

/// Sends events about a resource. A lost event is only logged: nothing depends on it.
pub async fn publish<K: Resource<DynamicType = ()>>(events: &Events, object: &K, notes: Vec<Note>) {
    for note in notes {
        let action = note.reason.clone();
        let event = Event {
            type_: if note.warning {
                EventType::Warning
            } else {
                EventType::Normal
            },
            reason: note.reason,
            note: Some(shortened_bytes(&note.message, LONGEST_NOTE)),
            action,
            secondary: None,
        };
        if let Err(error) = events
            .recorder()
            .publish(&event, &object.object_ref(&()))
            .await
        {
            tracing::debug!(%error, "the event wasn't recorded");
        }
    }
}

/// Reports how a resource was released. `suspended` is the object that Holdfast suspended for the deletion and leaves so, as
/// requested.
pub async fn released<K: Managed>(
    events: &Events,
    object: &K,
    progress: &Progress,
    suspended: Option<ObjectId>,
    facet: bool,
) {
    let status = object.managed().filter(|_| progress.deleted.is_none());
    let mut changes = status.iter().flat_map(|status| &status.changes);
    let deleted = changes.any(|change| {
        change.step == ChangeStep::Delete
            && !matches!(
                change.outcome,
                ChangeOutcome::Refused | ChangeOutcome::Failed
            )
    });
    let (warning, reason, message) = match suspended {
        None if facet => (
            false,
            "Released",
            "Released: the remote object is part of the customer's remote object. It stays on the platform until that customer is deleted there."
                .to_owned(),
        ),
        _ if progress.deleted.is_some() => (
            false,
            "Deleted",
            "Deleted: the platform confirms that the remote object is gone.".to_owned(),
        ),
        Some(id) => {
            let resource = resource_ref(object);
            tracing::warn!(%resource, external_id = %id, "released the remote object, which stays suspended");
            let message = format!(
                "Released: remote object {id} stays suspended, as holdfast.dev/release-suspended asks. Activate it at the platform's console."
            );
            (true, "ReleasedSuspended", message)
        }
        None if deleted => (
            true,
            "ReleasedDeleted",
            "Released: a deletion of the remote object had been sent before. Look at the platform's console whether it is there."
                .to_owned(),
        ),
        None => (
            false,
            "Released",
            "Released: the remote object was left unchanged.".to_owned(),
        ),
    };
    let note = Note {
        warning,
        reason: reason.into(),
        message,
    };
    publish(events, object, vec![note]).await;
}
