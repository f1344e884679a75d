//! Sending events. What is worth one is decided by the planner.

use kube::runtime::events::{Event, EventType};

use super::context::Context;
use crate::{
    planner::{Note, Progress},
    survey::Managed,
};

/// Longest message of an event that the API server takes.
const LONGEST_NOTE: usize = 1024;

/// Sends events about a resource. A lost event is only logged: nothing depends on it.
pub async fn publish<K: Managed>(context: &Context, object: &K, notes: Vec<Note>) {
    for note in notes {
        let action = note.reason.clone();
        let event = Event {
            type_: if note.warning {
                EventType::Warning
            } else {
                EventType::Normal
            },
            reason: note.reason,
            note: Some(note.message.chars().take(LONGEST_NOTE).collect()),
            action,
            secondary: None,
        };
        if let Err(error) = context
            .recorder
            .publish(&event, &object.object_ref(&()))
            .await
        {
            tracing::debug!(%error, "an event wasn't recorded");
        }
    }
}

/// Says how a resource was let go of.
pub async fn released<K: Managed>(context: &Context, object: &K, progress: &Progress) {
    let (reason, message) = if progress.deleted.is_some() {
        ("Deleted", "removed from the platform, and confirmed gone.")
    } else {
        (
            "Released",
            "let go of: what is on the platform stays as it is.",
        )
    };
    publish(
        context,
        object,
        vec![Note {
            warning: false,
            reason: reason.into(),
            message: message.into(),
        }],
    )
    .await;
}
