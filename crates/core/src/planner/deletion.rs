//! Release or deletion: guards, rehearsal, deletion, and proof that the object is gone before the finalizer is removed.

use super::{
    OPERATION_PAUSE, PATIENCE, PlatformFacts, Step, Verdict, View,
    identity::several_marked,
    lately::{deleted_lately, left_by_another, made_lately, unanswered, unanswered_deletion},
    operation,
    restraint::{before_release, restrained, suspension},
    step::{settle, under_rule},
    unmarked, unreadable,
};
use crate::{
    api::{
        conditions::{ConditionType, Reason},
        shared::{DeletionPolicy, Management},
    },
    estate::{Object, ObjectId},
    rules,
};

/// Resources named in a message.
const NAMED: usize = 3;

/// The next step for a resource that Kubernetes is deleting.
pub fn next(view: &View<'_>, platform: &PlatformFacts, management: Management) -> Step {
    let declared = view.declared;
    if !declared.finalized {
        return settle(Verdict::Released, None);
    }
    if management != Management::Manage {
        return dependents_first(view)
            .or_else(|| before_release(view, management))
            .unwrap_or(Step::Release);
    }
    if declared.lifecycle.deletion_policy() == DeletionPolicy::Retain {
        return deletion_under_way(view)
            .or_else(|| unmarked::before_release(view))
            .or_else(|| dependents_first(view))
            .or_else(|| before_release(view, management))
            .unwrap_or(Step::Release);
    }
    if let Some((Reason::AccountMismatch, hold)) = &view.hold {
        // The answers of another account about our claims and ids prove nothing.
        let verdict = Verdict::DeletionBlocked(Reason::AccountMismatch, hold.clone());
        return settle(verdict, Some(PATIENCE));
    }
    if let Some(step) = operation(view) {
        return step;
    }
    if let Some(deleted) = view
        .progress
        .deleted
        .clone()
        .or_else(|| deleted_lately(view))
    {
        return confirm(view, deleted);
    }
    if let Some(step) = creation_under_way(view) {
        return step;
    }
    let Some(object) = &view.remote.claimed else {
        return unclaimed(view, platform);
    };
    if let Some(message) = several_marked(view) {
        let message = format!("{message} Or set deletionPolicy: Retain to release both.");
        let verdict = Verdict::DeletionBlocked(Reason::SeveralMarked, message);
        return settle(verdict, Some(PATIENCE));
    }
    if object.facts.facet {
        // This holds for every policy: only its customer can be deleted.
        return Step::Release;
    }
    delete(view, platform, object)
}

/// A deletion without an answer that may still be carried out: nobody can call it back, and until it is known what became of it
/// nothing is said to be left unchanged. F2.
fn deletion_under_way(view: &View<'_>) -> Option<Step> {
    let sent = unanswered_deletion(view)?;
    let message = format!(
        "deletionPolicy is Retain now, but the deletion that was sent at {sent} was not answered and may still be carried out; it can't be called back. Holdfast releases the resource two minutes after that time. Look at the platform's console whether the remote object is there."
    );
    let verdict = Verdict::DeletionBlocked(Reason::WaitingForPlatform, message);
    Some(settle(verdict, Some(OPERATION_PAUSE)))
}

/// Resources below a reseller that are being deleted find their platform through it, so the reseller is released last.
pub fn dependents_first(view: &View<'_>) -> Option<Step> {
    if view.deleting_below.is_empty() {
        return None;
    }
    let message = format!(
        "{} below it: {}. This resource is deleted after them.",
        counted(view.deleting_below.len()),
        first_few(&view.deleting_below)
    );
    let verdict = Verdict::DeletionBlocked(Reason::WaitingForDependents, message);
    Some(settle(verdict, Some(PATIENCE)))
}

fn counted(number: usize) -> String {
    match number {
        1 => "1 resource is being deleted".into(),
        number => format!("{number} resources are being deleted"),
    }
}

/// A few names, and how many more there are.
pub fn first_few(names: &[String]) -> String {
    let shown = names.iter().take(NAMED).cloned().collect::<Vec<_>>();
    match names.len().saturating_sub(NAMED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// After the deletion: the platform's answer decides whether the object is gone; some platforms show a deleted object for a
/// while.
fn confirm(view: &View<'_>, deleted: ObjectId) -> Step {
    if view.progress.gone.as_ref() == Some(&deleted) {
        return Step::Release;
    }
    if view.progress.fresh.as_ref() != Some(&deleted) {
        return Step::ConfirmGone(deleted);
    }
    let message = format!(
        "The platform has carried out the deletion of {deleted} but still lists it; Holdfast checks again."
    );
    settle(
        Verdict::DeletionBlocked(Reason::WaitingForPlatform, message),
        Some(OPERATION_PAUSE),
    )
}

/// A resource without its object may be released, unless the object was created so recently that the platform may not show it
/// yet. F5.
fn release(view: &View<'_>) -> Step {
    let Some(made) = made_lately(view) else {
        return Step::Release;
    };
    let message = format!(
        "The remote object was created at {made} and the platform doesn't list it yet, so it can't be deleted. Holdfast looks for it until two minutes after that time. To release it now, set deletionPolicy: Retain."
    );
    settle(
        Verdict::DeletionBlocked(Reason::WaitingForPlatform, message),
        Some(OPERATION_PAUSE),
    )
}

/// No object in the inventory carries our claim: the platform is asked by claim, and by the noted id.
fn unclaimed(view: &View<'_>, platform: &PlatformFacts) -> Step {
    let declared = view.declared;
    if let Some(object) = &view.remote.disagreeing {
        return settle(
            Verdict::DeletionBlocked(
                Reason::NameConflict,
                format!(
                    "The annotation holdfast.dev/external-id names {}, which has another name or parent on the platform, so it isn't deleted. Set deletionPolicy: Retain to release it unchanged.",
                    object.id
                ),
            ),
            None,
        );
    }
    if platform.capabilities.marks(declared.kind) && !view.progress.unclaimed {
        return Step::LookUp(platform.claim(declared.kind, &declared.namespace, &declared.name));
    }
    let Some((account, id)) = &declared.annotated else {
        return unannotated(view, platform);
    };
    if *account != platform.capabilities.account.id {
        let message = format!(
            "The recorded id {id} belongs to account {account:?}, but the credential is for {:?}. Correct the credential, or set deletionPolicy: Retain to release the object.",
            platform.capabilities.account.id
        );
        return settle(
            Verdict::DeletionBlocked(Reason::AccountMismatch, message),
            Some(PATIENCE),
        );
    }
    let known = view.remote.known.as_ref();
    match known.filter(|seen| seen.object.id == *id) {
        Some(seen) if seen.object.claim.is_none() && seen.holder.is_none() => {
            delete(view, platform, &seen.object)
        }
        // The annotation came with a copied manifest: this resource has never held the object.
        Some(_) if declared.status.external_id.as_deref() != Some(id.as_str()) => Step::Release,
        Some(_) => {
            let message = format!(
                "Remote object {id} carries another owner's mark, so it isn't deleted. Set deletionPolicy: Retain to release it."
            );
            settle(
                Verdict::DeletionBlocked(Reason::OwnedByAnother, message),
                None,
            )
        }
        None if view.progress.gone.as_ref() == Some(id) => release(view),
        // The spec's externalId leads to another object than the one that was held.
        None if view.progress.fresh.as_ref() == Some(id) => {
            let message = format!(
                "The annotation holdfast.dev/external-id names {id}, which exists, and spec.externalId names another object, so neither is deleted. State externalId: {id} to have that one deleted, or set deletionPolicy: Retain to release it unchanged."
            );
            settle(
                Verdict::DeletionBlocked(Reason::NameConflict, message),
                Some(PATIENCE),
            )
        }
        None => Step::Read(id.clone()),
    }
}

/// The annotation is lost or was never written: status may still record the id.
fn unannotated(view: &View<'_>, platform: &PlatformFacts) -> Step {
    if let Some(step) = unmarked::before_deletion(view, platform) {
        return step;
    }
    let Some(id) = view
        .declared
        .status
        .external_id
        .as_deref()
        .map(ObjectId::new)
    else {
        return Step::Release;
    };
    if let Some(message) = elsewhere(view, platform, &id) {
        let verdict = Verdict::DeletionBlocked(Reason::AccountMismatch, message);
        return settle(verdict, Some(PATIENCE));
    }
    if view.progress.gone.as_ref() == Some(&id) {
        return release(view);
    }
    if view.progress.fresh.as_ref() != Some(&id) {
        return Step::Read(id);
    }
    let message = format!(
        "status records {id}, which exists without an ownership mark, and the annotation that would prove ownership is missing. Set deletionPolicy: Retain to release it unchanged, or restore the annotation holdfast.dev/external-id."
    );
    settle(
        Verdict::DeletionBlocked(Reason::NameConflict, message),
        Some(PATIENCE),
    )
}

/// F17: an id that only status records is trusted in its own account only, also for the answer that it is gone.
fn elsewhere(view: &View<'_>, platform: &PlatformFacts, id: &ObjectId) -> Option<String> {
    let noted = view.declared.status.account.as_ref();
    let here = &platform.capabilities.account.id;
    let of = match noted {
        Some(account) if account == here => return None,
        Some(account) => format!("of account {account:?}"),
        None => "without its account".into(),
    };
    Some(format!(
        "status records {id} {of}, but the credential is for {here:?}, so the deletion of the object can't be confirmed. Correct the credential, restore the annotation holdfast.dev/external-id, or set deletionPolicy: Retain to release the object."
    ))
}

/// An unanswered creation may be carried out late, even after the object has been created and deleted again.
fn creation_under_way(view: &View<'_>) -> Option<Step> {
    let message = if let Some(sent) = unanswered(view) {
        format!(
            "The create request sent at {sent} was not answered and may still be carried out. The deletion waits until two minutes after that time. To release the object now, set deletionPolicy: Retain."
        )
    } else {
        let since = left_by_another(view).filter(|_| !unmarked::is_noted_before(view))?;
        format!(
            "An earlier process of the operator ended abruptly before {since}. A create request of it may still be carried out. The deletion waits until two minutes after that time. To release the object now, set deletionPolicy: Retain."
        )
    };
    Some(settle(
        Verdict::DeletionBlocked(Reason::WaitingForPlatform, message),
        Some(PATIENCE),
    ))
}

fn delete(view: &View<'_>, platform: &PlatformFacts, object: &Object) -> Step {
    let blocked =
        |reason, message| settle(Verdict::DeletionBlocked(reason, message), Some(PATIENCE));
    if let Some(step) = dependents_first(view) {
        return step;
    }
    if let Some((reason, hold)) = &view.hold {
        // While this process isn't the writer, the earlier status stays valid.
        if *reason == Reason::NotLeader && is_said_to_be_blocked(view) {
            return settle(Verdict::NotLookedYet, Some(PATIENCE));
        }
        return blocked(*reason, hold.clone());
    }
    if view.progress.gone.as_ref() == Some(&object.id) {
        return release(view);
    }
    let is_fresh = view.progress.fresh.as_ref() == Some(&object.id);
    if let Some(message) = unreadable::of(object) {
        let message = format!("{message} Or set deletionPolicy: Retain to release it unchanged.");
        return blocked(Reason::PlatformAnswerInvalid, message);
    }
    let below = rules::Below {
        resources: &view.neighbours.dependents,
        facets: view.neighbours.facets,
    };
    match rules::deletion(&platform.capabilities, object, &below) {
        Some(refusal) if is_fresh => {
            return under_rule(blocked(refusal.rule.reason, refusal.text()), &refusal);
        }
        // What the last sweep saw below the object may be gone by now.
        Some(_) => return Step::Read(object.id.clone()),
        None => {}
    }
    if let Some(step) = restrained(view, platform, object) {
        return step;
    }
    if !is_fresh {
        return Step::Read(object.id.clone());
    }
    match &view.progress.rehearsal {
        None => Step::RehearseDeletion(object.id.clone()),
        Some(rehearsal) => suspension(view, platform, object).unwrap_or_else(|| Step::Delete {
            id: object.id.clone(),
            confirmation: rehearsal.confirmation.clone(),
        }),
    }
}

fn is_said_to_be_blocked(view: &View<'_>) -> bool {
    let mut conditions = view.declared.status.conditions.iter();
    conditions.any(|condition| condition.type_ == ConditionType::DeletionBlocked.as_str())
}
