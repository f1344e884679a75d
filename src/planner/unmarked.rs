//! Platforms whose objects can't carry our mark. An object is ours by the id that we noted, as long as everything else agrees.
//! A creation is written down before it is sent, and settled before anything else is: never a blind second one.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{
    Declared, PATIENCE, PlatformFacts, PlatformState, Reference, References, Seen, Step, Verdict,
    View, converge,
    desired::{account_name, remote_name},
    settle::settle,
};
use crate::{
    api::{
        Kind,
        conditions::Reason,
        shared::{ChangeStep, Intent, Management},
    },
    estate::Object,
    platform::PlatformError,
};

/// How far the platform's clock may be behind ours.
const SKEW: SignedDuration = SignedDuration::from_mins(5);
/// How long a creation without an answer may still be carried out, and is looked for before it is sent once more.
const LOOKING: SignedDuration = SignedDuration::from_mins(30);
/// Time between two looks once a person has to decide.
const REST: Duration = Duration::from_secs(300);
/// Stands behind the id of an intent whose creation was sent a second time.
const AGAIN: &str = "-again";

/// Whether the platform can't carry our mark.
pub fn is_unmarked(view: &View<'_>) -> bool {
    matches!(&view.platform, PlatformState::Observed(platform) if !platform.capabilities.marks)
}

/// Whether an object whose id we noted is in name or place what the resource says. What we noted in status stands for itself:
/// nobody else writes there, and a name may have been changed since.
pub fn agrees(declared: &Declared, references: &References, object: &Object) -> bool {
    if declared.status.external_id.as_deref() == Some(object.id.as_str()) {
        return true;
    }
    match declared.kind {
        Kind::Tenant => {
            let product = declared.spec.get("product").and_then(Value::as_str);
            let Some((_, Reference::Found { id: Some(id), .. })) = references.get("customerRef")
            else {
                return false;
            };
            object.settings.text("product") == product && object.parent().as_ref() == Some(id)
        }
        Kind::Customer => has_our_names(declared, object),
        Kind::ServicePlan | Kind::Reseller => {
            remote_name(declared.kind, &declared.spec).is_some_and(|name| name == object.name)
        }
    }
}

/// Whether a customer goes by the account name that we gave it: the one stated, or else the name.
fn has_our_names(declared: &Declared, object: &Object) -> bool {
    let name = remote_name(Kind::Customer, &declared.spec);
    let account = account_name(&declared.spec).or(name);
    account.is_some() && object.settings.text("accountName") == account
}

/// A creation that was sent and of which nobody knows what became.
pub fn open<'a>(view: &'a View<'_>) -> Option<&'a Intent> {
    let intent = view.declared.status.intent.as_ref();
    let intent = intent.filter(|intent| intent.step == ChangeStep::Create)?;
    let written_down = view.progress.intent.as_ref();
    let sent = written_down.is_none_or(|written_down| {
        let mut performed = view.progress.performed.iter();
        performed.any(|change| change.step == ChangeStep::Create && change.at >= written_down.at)
    });
    let allowed = view.declared.retry_create.as_ref() == Some(&intent.id);
    (sent && !allowed).then_some(intent)
}

/// Whether the note of a creation stays after this pass: until the object is found, or the platform has said no.
pub fn stays_open(view: &View<'_>, found: bool) -> bool {
    let refused = matches!(view.progress.failure, Some(PlatformError::Refused(_)));
    // Of these failures nothing has left us.
    let unsent = view.progress.intent.is_some()
        && matches!(
            view.progress.failure,
            Some(
                PlatformError::NotWriter(_)
                    | PlatformError::Throttled { .. }
                    | PlatformError::Unauthorised(_)
                    | PlatformError::Unavailable(_)
            )
        );
    !found && !refused && !unsent
}

/// Before an operation is asked for, its id is written down: without marks there is no other way back to what it makes. And one
/// that was accepted only now isn't done yet.
pub fn note_operation(view: &View<'_>, operation: &str) -> Option<Step> {
    let noted = |intent: &Intent| intent.operation.as_deref() == Some(operation);
    let just_sent = view.progress.intent.as_ref();
    if !is_unmarked(view) || just_sent.is_none_or(|intent| intent.step != ChangeStep::Create) {
        return None;
    }
    let intent = just_sent.filter(|intent| !noted(intent))?.clone();
    Some(Step::RecordIntent(Intent {
        operation: Some(operation.to_owned()),
        ..intent
    }))
}

/// What comes before a creation: settling the one before, and a look at the place where the object would be. `None` when it
/// may be sent.
pub fn before_creation(
    view: &View<'_>,
    platform: &PlatformFacts,
    management: Management,
    document: &Map<String, Value>,
) -> Option<Step> {
    let open = open(view);
    let look = open.is_some() || view.declared.kind == Kind::Tenant;
    if look && !view.progress.looked_beside {
        return Some(Step::LookBeside(document.clone()));
    }
    settle_open(view, platform, management, open?)
}

/// What became of a creation, now that its place was looked at.
fn settle_open(
    view: &View<'_>,
    platform: &PlatformFacts,
    management: Management,
    intent: &Intent,
) -> Option<Step> {
    let candidates: Vec<&Seen> = candidates(view, intent);
    match candidates.as_slice() {
        [one] => return Some(converge::next(view, platform, management, &one.object)),
        [] => {}
        several => {
            let ids: Vec<String> = several
                .iter()
                .map(|seen| seen.object.id.to_string())
                .collect();
            let message = format!(
                "the creation sent at {} was not answered, and there are several objects that it may have made: {}. Set adopt: ById with the externalId of the right one; nothing is deleted.",
                intent.at,
                ids.join(", ")
            );
            return Some(unknown(message));
        }
    }
    let waited = view.now.duration_since(intent.at);
    let protected_by_its_name = view.declared.kind == Kind::Customer;
    if !protected_by_its_name || intent.id.ends_with(AGAIN) {
        let message = format!(
            "the creation sent at {} was not answered, and no object of it can be seen. It isn't sent again by itself, since the platform might make two. Look at the platform's console; if nothing is there, annotate with holdfast.dev/retry-create={}.",
            intent.at, intent.id
        );
        return Some(unknown(message));
    }
    if waited >= LOOKING {
        return None;
    }
    let message = format!(
        "the creation sent at {} was not answered and may still be carried out. Looking for the object until {}; then it is sent once more, which the uniqueness of its name makes safe.",
        intent.at,
        intent.at + LOOKING
    );
    let verdict = Verdict::Waiting(Reason::CreateOutcomeUnknown, message);
    Some(settle(verdict, Some(PATIENCE)))
}

fn unknown(message: String) -> Step {
    let verdict = Verdict::Stalled(Reason::CreateOutcomeUnknown, message);
    settle(verdict, Some(REST))
}

/// Objects that the creation may have made: nobody's, where it would be, and not older than it.
fn candidates<'a>(view: &'a View<'_>, intent: &Intent) -> Vec<&'a Seen> {
    let declared = view.declared;
    let is_ours = |seen: &&Seen| {
        let made = seen.object.created_at;
        seen.holder.is_none()
            && made.is_none_or(|made| made >= intent.at - SKEW)
            && (declared.kind != Kind::Customer
                || (has_our_names(declared, &seen.object)
                    && remote_name(Kind::Customer, &declared.spec) == Some(&seen.object.name)))
    };
    view.remote.namesakes.iter().filter(is_ours).collect()
}

/// What is written down before a creation is sent.
pub fn intent(view: &View<'_>, document: &Map<String, Value>, fields: Vec<String>) -> Intent {
    let text = |field: &str| {
        document
            .get(field)
            .and_then(Value::as_str)
            .map(ToOwned::to_owned)
    };
    let second_try = open(view).is_some();
    let mut names: Vec<String> = [text("accountName"), text("name")]
        .into_iter()
        .flatten()
        .collect();
    names.dedup();
    let request = Value::Object(document.clone()).to_string();
    Intent {
        id: format!(
            "{}-{}{}",
            view.declared.generation,
            view.now.as_second(),
            if second_try { AGAIN } else { "" }
        ),
        step: ChangeStep::Create,
        at: view.now.round(jiff::Unit::Second).unwrap_or(view.now),
        fields,
        operation: None,
        parent: text("customerId").or_else(|| text("resellerId")),
        names,
        request_hash: Some(data_encoding::HEXLOWER.encode(&Sha256::digest(request.as_bytes()))),
    }
}
