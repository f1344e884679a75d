//! Which other resources are reconciled because of a pass. The core decides; the operator only enqueues them.

use super::{Settlement, Step, Verdict, View, remote_object};
use crate::{api::Kind, estate::ObjectId};

/// Other resources that a pass has changed something for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wake {
    /// The resources that refer to this one.
    Referrers,
    /// The resources that this one refers to, and its platform.
    Referenced,
    /// The parents of a remote object, and the platform: their figures change with it. They are enqueued later, once for many.
    Above(Kind, ObjectId),
    /// The resources that wait for a name, a place or a client that another resource has.
    Waiting,
    /// No particular resource: the platform is to be swept again, with the clients that this resource lists.
    Sweep,
}

/// Before a step: an update may move the object, so its current parents are enqueued.
pub fn wakes_of_step(kind: Kind, step: &Step) -> Option<Wake> {
    match step {
        Step::Update { id, .. } => Some(Wake::Above(kind, id.clone())),
        _ => None,
    }
}

/// After a release: the resources that it referred to, or that referred to it, may have waited for that.
pub fn wakes_of_release() -> [Wake; 2] {
    [Wake::Referenced, Wake::Referrers]
}

/// At the end of a pass. `effective_changed` says whether the settings that those below inherit have changed.
pub fn wakes_of_settlement(
    view: &View<'_>,
    settlement: &Settlement,
    effective_changed: bool,
) -> Vec<Wake> {
    let kind = view.declared.kind;
    let mut wakes = Vec::new();
    if view.remote.clients.is_none() && lists_clients(view) {
        wakes.push(Wake::Sweep);
    }
    // R-V9: the resources below inherit it, and those below them are enqueued by their own passes.
    if kind == Kind::Reseller && effective_changed {
        wakes.push(Wake::Referrers);
    }
    let remote = remote_object(view.declared, &view.remote);
    let achieved = settlement.verdict == Verdict::InSync && !view.progress.performed.is_empty();
    if let Some(remote) = remote.filter(|_| achieved) {
        wakes.push(Wake::Above(remote.kind, remote.id.clone()));
        if view.progress.gave_up() {
            wakes.push(Wake::Waiting);
        }
        // What rules refused below may be allowed now.
        if matches!(kind, Kind::Reseller | Kind::ServicePlan) {
            wakes.push(Wake::Referrers);
        }
    }
    wakes
}

fn lists_clients(view: &View<'_>) -> bool {
    let listed = view.declared.spec.pointer("/clients/ids");
    let listed = listed.and_then(serde_json::Value::as_array);
    listed.is_some_and(|ids| !ids.is_empty())
}
