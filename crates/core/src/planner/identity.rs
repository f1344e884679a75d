//! Which remote object belongs to a resource: the claim comes first, the noted id only while everything else agrees.

use std::sync::Arc;

use super::{
    PlatformFacts, Seen, View,
    lately::{is_in_doubt, is_open, made_lately},
};
use crate::{
    api::{Kind, conditions::Reason, shared::Adopt},
    estate::{Claim, Object, ObjectId},
    rules::{Refusal, registry},
};

/// Which remote object belongs to this resource.
pub enum Identity {
    /// This object.
    Ours(Arc<Object>),
    /// None, and the platform said so.
    Unknown,
    /// This object, as the platform said when the creation was done; its id isn't noted yet.
    Made(ObjectId),
    /// The inventory doesn't show it; the platform has to be asked by claim.
    LookUp(Claim),
    /// The noted id isn't in the inventory; the platform has to be asked by id.
    Read(ObjectId),
    /// A rule forbids adopting it.
    Forbidden(Refusal),
    /// There is a reason to leave the object unchanged.
    Refused(Reason, String),
    /// It was created moments ago, and the platform doesn't show it yet.
    NotShownYet(String),
}

/// The claim comes first; the noted id is trusted only while the account agrees and no other claim is on the object.
pub fn identity(view: &View<'_>, platform: &PlatformFacts) -> Identity {
    let declared = view.declared;
    if let Some(object) = &view.remote.claimed {
        return claimed(view, platform, object);
    }
    if let Some(refusal) = adoption_by_id(view, platform) {
        return refusal;
    }
    if let Some(object) = &view.remote.disagreeing {
        return disagreeing(view, &object.id);
    }
    if let Some(id) = view
        .progress
        .made
        .as_ref()
        .filter(|id| !is_noted(view, platform, id))
    {
        return Identity::Made(id.clone());
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
        if let Some(refusal) = vanished(view, platform, id) {
            return refusal;
        }
    }
    if let Some(identity) = noted_in_status_alone(view, platform) {
        return identity;
    }
    if platform.capabilities.marks(declared.kind) && !view.progress.unclaimed {
        return Identity::LookUp(platform.claim(
            declared.kind,
            &declared.namespace,
            &declared.name,
        ));
    }
    Identity::Unknown
}

/// Whether our annotation names this object of this account.
fn is_noted(view: &View<'_>, platform: &PlatformFacts, id: &ObjectId) -> bool {
    let noted = view.declared.annotated.as_ref();
    noted
        .is_some_and(|(account, noted)| *account == platform.capabilities.account.id && noted == id)
}

/// The annotation names an object that belongs to another owner by its name or place: it came with a copied manifest, or from
/// a backup of the cluster.
fn disagreeing(view: &View<'_>, id: &ObjectId) -> Identity {
    let kind = view.declared.kind;
    let differs = match kind {
        Kind::Tenant => "another customer or product",
        Kind::Customer => "another account name",
        Kind::ServicePlan | Kind::Reseller => "another name",
    };
    let message = format!(
        "The annotation holdfast.dev/external-id names {} {id}, which has {differs} on the platform. Nothing is written. If it is the right object, set adopt: ById with externalId: {:?}; otherwise remove the annotation.",
        kind.as_str(),
        id.as_str()
    );
    Identity::Refused(Reason::NameConflict, message)
}

/// The settlement when several objects carry our claim.
pub fn several_marked(view: &View<'_>) -> Option<String> {
    let first = view.remote.claimed.as_ref()?;
    let twins: Vec<&str> = view.remote.twins.iter().map(ObjectId::as_str).collect();
    if twins.is_empty() {
        return None;
    }
    let kind = view.declared.kind.as_str();
    Some(format!(
        "The remote objects {} and {} both carry the ownership mark of this {kind}. Nothing is written to either. Remove the mark from the wrong one at the platform's console, or set adopt: ById with the externalId of the right one.",
        first.id,
        twins.join(" and ")
    ))
}

/// The object that carries our claim. It is read afresh when the last change had no answer: the inventory may be older than
/// that change.
fn claimed(view: &View<'_>, platform: &PlatformFacts, object: &Arc<Object>) -> Identity {
    let lifecycle = &view.declared.lifecycle;
    let named = lifecycle
        .external_id
        .as_deref()
        .filter(|_| platform.adopt(lifecycle) == Adopt::ById);
    if let Some(message) = several_marked(view) {
        return match view
            .remote
            .twins
            .iter()
            .find(|id| named == Some(id.as_str()))
        {
            Some(id) => match &view.remote.known {
                Some(seen) if seen.object.id == *id => Identity::Ours(seen.object.clone()),
                _ => Identity::Read(id.clone()),
            },
            None if named == Some(object.id.as_str()) => Identity::Ours(object.clone()),
            None => Identity::Refused(Reason::SeveralMarked, message),
        };
    }
    if let Some(other) = named.filter(|id| *id != object.id.as_str()) {
        return Identity::Forbidden(Refusal::new(
            &registry::ONE_RESOURCE_PER_OBJECT,
            "externalId",
            format!(
                "it names {other:?}, but this resource owns {}, and a resource has only one remote object",
                object.id
            ),
            format!(
                "State externalId: {:?}, or create another resource for {other:?}",
                object.id.as_str()
            ),
        ));
    }
    let resumed = view.progress.unlogged().iter().any(is_open);
    let in_doubt = resumed || view.progress.concluded || is_in_doubt(view.declared, &view.timeline);
    if in_doubt && view.progress.fresh.as_ref() != Some(&object.id) {
        return Identity::Read(object.id.clone());
    }
    Identity::Ours(object.clone())
}

/// An object that disappeared outside Holdfast is created again only when the user's annotation names this very id. A platform
/// that keeps claims unique by itself also shows at once what it has created; on another platform the object may only not be
/// visible yet.
fn vanished(view: &View<'_>, platform: &PlatformFacts, id: &ObjectId) -> Option<Identity> {
    let declared = view.declared;
    if declared.recreate.as_deref() == Some(id.as_str()) {
        return None;
    }
    if let Some(made) = made_lately(view).filter(|_| {
        !platform
            .capabilities
            .creation(declared.kind)
            .is_repeatable()
    }) {
        let message = format!(
            "{} {id} was created at {made} and the platform doesn't list it yet; Holdfast checks again.",
            declared.kind.as_str()
        );
        return Some(Identity::NotShownYet(message));
    }
    let message = format!(
        "{} {id} is gone from the platform together with its backups, and Holdfast didn't delete it. To create a new, empty one, annotate this resource with holdfast.dev/recreate={id}; otherwise delete this resource.",
        declared.kind.as_str()
    );
    Some(Identity::Refused(Reason::VanishedOnPlatform, message))
}

/// The annotation is lost, and status records an id without an account: enough to wait, not enough to adopt an object.
fn noted_in_status_alone(view: &View<'_>, platform: &PlatformFacts) -> Option<Identity> {
    let declared = view.declared;
    if declared.annotated.is_some() {
        return None;
    }
    let id = ObjectId::new(declared.status.external_id.as_deref()?);
    let here = &platform.capabilities.account.id;
    if let Some(account) = declared
        .status
        .account
        .as_ref()
        .filter(|noted| *noted != here)
    {
        let message = format!(
            "status records {id} of account {account:?}, but the credential is for {here:?}. Correct the credential; or, to start again in this account, create the resource under another name."
        );
        return Some(Identity::Refused(Reason::AccountMismatch, message));
    }
    if view.progress.gone.as_ref() == Some(&id) {
        return vanished(view, platform, &id);
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
        "status records {} {id}, which exists without an ownership mark, and the annotation that would prove ownership is missing. If it is the right object, set adopt: ById with externalId: {:?}.",
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
                "externalId {:?}: the platform has no {} with this id. Correct it, or remove adopt and externalId to create a new one.",
                id.as_str(),
                view.declared.kind.as_str()
            ),
        ),
        _ => Identity::Read(id),
    })
}

/// Whether an object that was found by id may be adopted.
fn take(view: &View<'_>, platform: &PlatformFacts, seen: &Seen, id: &ObjectId) -> Identity {
    if let Some(holder) = &seen.holder {
        return Identity::Forbidden(Refusal::new(
            &registry::ONE_RESOURCE_PER_OBJECT,
            "",
            format!(
                "{} {id} is already owned by {holder}, and a remote object has only one owner",
                view.declared.kind.as_str()
            ),
            "Delete one of the two resources",
        ));
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
                    "{} {id} carries the mark of another owner. To adopt it, set adopt: ById with externalId: {:?}.",
                    view.declared.kind.as_str(),
                    id.as_str()
                ),
            )
        }
        _ => Identity::Ours(seen.object.clone()),
    }
}
