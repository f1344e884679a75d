//! The one decision maker: from everything gathered to the next single step, and to the status to show.
//!
//! Pure: no clock, no I/O, nothing asynchronous. The operator and `holdfast plan` call the same [`next`].

mod claim;
mod conditions;
mod converge;
mod creation;
mod deletion;
mod desired;
mod failure;
mod hidden;
mod intent;
mod notes;
mod status;
mod step;
#[cfg(test)]
mod tests;
mod view;

pub use claim::{claim, secret_tag};
pub use conditions::{managed_status, remote_object};
pub use desired::{remote_name, spec_field};
pub use failure::retry_delay;
pub use notes::{Note, notes};
pub use status::{
    Around, HealthCondition, PlanName, PlatformHealth, PlatformSummary, customer, labels, plan,
    platform, reseller, tenant,
};
pub use step::{Settlement, Step, Verdict};
pub use view::{
    Declared, Marks, PlatformFacts, PlatformState, Progress, Reference, References, Remote, Seen,
    Supplements, View,
};

use std::{sync::Arc, time::Duration};

use crate::{
    api::{
        conditions::Reason,
        shared::{Adopt, DeletionPolicy, Management},
    },
    estate::{Claim, Object, ObjectId},
};

/// How long to wait for something that announces itself, before looking anyway.
const PATIENCE: Duration = Duration::from_secs(60);

/// Time between two looks at an operation.
const OPERATION_PAUSE: Duration = Duration::from_secs(5);

/// The next step for one resource.
pub fn next(view: &View<'_>) -> Step {
    let mut step = decide(view);
    if let Step::Settle(settlement) = &mut step
        && hidden::is_hidden(view.declared)
    {
        hidden::redact(view.declared, settlement);
    }
    intent::written_down(view, step)
}

fn decide(view: &View<'_>) -> Step {
    if let Some(step) = failure::after(view) {
        return step;
    }
    match &view.platform {
        PlatformState::Observed(platform) => on_platform(view, platform),
        PlatformState::Missing { name } => without_platform(
            view,
            Verdict::Stalled(
                Reason::PlatformMissing,
                format!(
                    "BackupPlatform {name:?} doesn't exist in namespace {:?}. Create it, or correct the reference.",
                    view.declared.namespace
                ),
            ),
        ),
        PlatformState::Unresolved { field, name } => without_platform(
            view,
            Verdict::Stalled(
                Reason::ReferenceNotFound,
                format!(
                    "{field} names {name:?}, which doesn't exist in namespace {:?}. Create it, or correct the name.",
                    view.declared.namespace
                ),
            ),
        ),
        PlatformState::Unobserved { name, trouble } => without_platform(
            view,
            match trouble {
                None => Verdict::Waiting(
                    Reason::WaitingForPlatform,
                    format!("waiting for the first complete look at BackupPlatform {name:?}."),
                ),
                Some(trouble) => {
                    Verdict::Unreachable(format!("BackupPlatform {name:?}: {trouble}"))
                }
            },
        ),
    }
}

/// An operation that the platform accepted is settled before anything else is sent; letting go need not wait for it.
fn operation(view: &View<'_>) -> Option<Step> {
    let operation = view.progress.operation.as_ref()?;
    if !view.progress.operation_checked {
        return Some(Step::CheckOperation(operation.clone()));
    }
    let verdict = if view.progress.waiting_for_human {
        Verdict::Waiting(
            Reason::WaitingForHuman,
            format!(
                "the platform has accepted the change as operation {operation:?} and waits for a person there to act."
            ),
        )
    } else {
        Verdict::Waiting(
            Reason::WaitingForPlatform,
            format!(
                "the platform has accepted the change as operation {operation:?} and is working on it."
            ),
        )
    };
    Some(settle(verdict, Some(OPERATION_PAUSE)))
}

/// Without a platform nothing can be compared; what only lets go needs none.
fn without_platform(view: &View<'_>, verdict: Verdict) -> Step {
    let declared = view.declared;
    if declared.deleting {
        if !declared.finalized {
            return settle(Verdict::Released, None);
        }
        let observing = matches!(
            declared.lifecycle.management,
            Some(Management::Observe | Management::Paused)
        );
        if observing || declared.lifecycle.deletion_policy() == DeletionPolicy::Retain {
            return Step::Release;
        }
        let (reason, why) = match verdict {
            Verdict::Stalled(reason, why) | Verdict::Waiting(reason, why) => (reason, why),
            Verdict::Unreachable(why) => (Reason::PlatformUnreachable, why),
            _ => (Reason::WaitingForPlatform, String::new()),
        };
        let message = format!(
            "{why} Until then the remote object can't be deleted; set deletionPolicy: Retain to let go of it untouched."
        );
        return settle(Verdict::DeletionBlocked(reason, message), Some(PATIENCE));
    }
    if declared.lifecycle.management == Some(Management::Paused) {
        return settle(Verdict::Paused, None);
    }
    settle(verdict, Some(PATIENCE))
}

fn on_platform(view: &View<'_>, platform: &Arc<PlatformFacts>) -> Step {
    let declared = view.declared;
    let management = platform.management(&declared.lifecycle);
    if declared.deleting {
        return deletion::next(view, platform, management);
    }
    if management == Management::Paused {
        return settle(Verdict::Paused, None);
    }
    if let Some(step) = operation(view) {
        return step;
    }
    if management == Management::Manage && !declared.finalized {
        return Step::Finalize;
    }
    match identity(view, platform) {
        Identity::Ours(object) => converge::next(view, platform, management, &object),
        Identity::Unknown => creation::next(view, platform, management),
        Identity::LookUp(claim) => Step::LookUp(claim),
        Identity::Read(id) => Step::Read(id),
        Identity::Refused(reason, message) => settle(Verdict::Stalled(reason, message), None),
    }
}

/// Which remote object is this resource's.
enum Identity {
    /// This one.
    Ours(Arc<Object>),
    /// None, and the platform said so.
    Unknown,
    /// The inventory doesn't know; the platform has to be asked by claim.
    LookUp(Claim),
    /// The noted id isn't in the inventory; the platform has to be asked by id.
    Read(ObjectId),
    /// There is a reason to keep hands off.
    Refused(Reason, String),
}

/// The claim comes first; the noted id is believed only while the account agrees and no other claim is on the object.
fn identity(view: &View<'_>, platform: &PlatformFacts) -> Identity {
    let declared = view.declared;
    if let Some(object) = &view.remote.claimed {
        return Identity::Ours(object.clone());
    }
    if let Some(refusal) = adoption_by_id(view, platform) {
        return refusal;
    }
    let noted = declared
        .annotated
        .as_ref()
        .filter(|(account, _)| *account == platform.capabilities.account.id)
        .map(|(_, id)| id);
    if let Some(id) = noted {
        if let Some(seen) = &view.remote.known {
            return take(view, platform, seen, id);
        }
        if view.progress.gone.as_ref() != Some(id) {
            return Identity::Read(id.clone());
        }
        if let Some(refusal) = vanished(view, id) {
            return refusal;
        }
    }
    if let Some(identity) = noted_in_status_alone(view, platform) {
        return identity;
    }
    if !view.progress.unclaimed {
        return Identity::LookUp(platform.claim(
            declared.kind,
            &declared.namespace,
            &declared.name,
        ));
    }
    Identity::Unknown
}

/// An object that is gone without our doing is made anew only by the user's word for this very id.
fn vanished(view: &View<'_>, id: &ObjectId) -> Option<Identity> {
    let declared = view.declared;
    if declared.recreate.as_deref() == Some(id.as_str()) {
        return None;
    }
    let message = format!(
        "{} {id} is gone from the platform, with the backups in it, and we didn't remove it. To have a new, empty one made, annotate with holdfast.dev/recreate={id}; or delete this resource.",
        declared.kind.as_str()
    );
    Some(Identity::Refused(Reason::VanishedOnPlatform, message))
}

/// The annotation is lost, and status knows an id without an account: enough to hold back, not to take an object.
fn noted_in_status_alone(view: &View<'_>, platform: &PlatformFacts) -> Option<Identity> {
    let declared = view.declared;
    if declared.annotated.is_some() {
        return None;
    }
    let id = ObjectId::new(declared.status.external_id.as_deref()?);
    if view.progress.gone.as_ref() == Some(&id) {
        return vanished(view, &id);
    }
    if view.progress.fresh.as_ref() != Some(&id) {
        return Some(Identity::Read(id));
    }
    let matching = platform.adopt(&declared.lifecycle) == Adopt::Matching;
    if matching
        && view
            .remote
            .namesakes
            .iter()
            .any(|seen| seen.object.id == id)
    {
        return None;
    }
    let message = format!(
        "status notes {} {id}, which exists without our mark, and the annotation that would prove it ours is lost. If it is this one, set adopt: ById with externalId: {:?}.",
        declared.kind.as_str(),
        id.as_str()
    );
    Some(Identity::Refused(Reason::NameConflict, message))
}

/// `adopt: ById`: the spec names the object.
fn adoption_by_id(view: &View<'_>, platform: &PlatformFacts) -> Option<Identity> {
    let lifecycle = &view.declared.lifecycle;
    if platform.adopt(lifecycle) != Adopt::ById {
        return None;
    }
    let id = ObjectId::new(lifecycle.external_id.as_deref()?);
    Some(match &view.remote.known {
        Some(seen) if seen.object.id == id => take(view, platform, seen, &id),
        _ if view.progress.gone.as_ref() == Some(&id) => Identity::Refused(
            Reason::NotFoundById,
            format!(
                "externalId {:?}: the platform has no {} of this id. Correct it, or remove adopt and externalId to have one made.",
                id.as_str(),
                view.declared.kind.as_str()
            ),
        ),
        _ => Identity::Read(id),
    })
}

/// Whether an object that was found by id may be taken.
fn take(view: &View<'_>, platform: &PlatformFacts, seen: &Seen, id: &ObjectId) -> Identity {
    if let Some(holder) = &seen.holder {
        return Identity::Refused(
            Reason::OwnedByAnother,
            format!(
                "{} {id} is already held by {holder}. One remote object has one resource: delete one of the two.",
                view.declared.kind.as_str()
            ),
        );
    }
    let ours = platform.claim(
        view.declared.kind,
        &view.declared.namespace,
        &view.declared.name,
    );
    match &seen.object.claim {
        Some(claim)
            if *claim != ours && platform.adopt(&view.declared.lifecycle) != Adopt::ById =>
        {
            Identity::Refused(
                Reason::OwnedByAnother,
                format!(
                    "{} {id} carries the mark of another owner. To take it over, set adopt: ById with externalId: {:?}.",
                    view.declared.kind.as_str(),
                    id.as_str()
                ),
            )
        }
        _ => Identity::Ours(seen.object.clone()),
    }
}

/// A settlement without drift or manual steps.
fn settle(verdict: Verdict, again: Option<Duration>) -> Step {
    Step::Settle(Box::new(Settlement {
        verdict,
        drift: Vec::new(),
        manual_steps: Vec::new(),
        not_acted_on: Vec::new(),
        again,
    }))
}
