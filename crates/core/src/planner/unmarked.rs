//! Platforms with objects that can't carry our claim. An object is ours by the id that Holdfast noted, as long as everything
//! else agrees. A creation is recorded before it is sent, and settled before anything else is: never a blind second one.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{
    Declared, Marks, PATIENCE, PlatformFacts, PlatformState, Reference, References, Seen, Step,
    Verdict, View, converge,
    desired::{account_name, remote_name},
    lately::LATE,
    step::settle,
};
use crate::{
    api::{
        Kind,
        conditions::Reason,
        shared::{ChangeOutcome, ChangeStep, Intent, Management},
    },
    estate::{Creation, Object, ObjectId},
};

/// The largest lag of the platform's clock against ours.
const SKEW: SignedDuration = SignedDuration::from_mins(1);
/// How long an unanswered creation may still be carried out, and is looked for before it is sent once more.
const LOOKING: SignedDuration = SignedDuration::from_mins(30);
/// The same where its object is found by its claim.
const LOOKING_BY_CLAIM: SignedDuration = SignedDuration::from_mins(10);
/// How often in a pass the place of a creation is listed.
const LOOKS: usize = 4;
/// Requeue interval once a person has to decide.
const REST: Duration = Duration::from_secs(300);
/// Follows the id of an intent when its creation was sent a second time.
const AGAIN: &str = "-again";

/// Whether a creation is recorded before it is sent, since only the note leads back to its object.
pub fn is_noted_before(view: &View<'_>) -> bool {
    matches!(&view.platform, PlatformState::Observed(platform) if is_written_down(platform, view.declared.kind))
}

fn is_written_down(platform: &PlatformFacts, kind: Kind) -> bool {
    !platform.capabilities.creation(kind).is_repeatable()
}

/// Whether a creation is safe to repeat once the earlier one can no longer be carried out and no object carries the claim.
fn asks_first(view: &View<'_>) -> bool {
    matches!(&view.platform, PlatformState::Observed(platform) if platform.capabilities.creation(view.declared.kind) == Creation::AskFirst)
}

/// Whether objects on the platform can't carry our claim.
pub fn is_unmarked(view: &View<'_>) -> bool {
    matches!(&view.platform, PlatformState::Observed(platform) if !platform.capabilities.marks(view.declared.kind))
}

/// Whether an object with the id that we noted has the name or place that the resource says. An id in status needs no such
/// check: only Holdfast writes there, and a name may have been changed since.
pub fn agrees(declared: &Declared, references: &References, object: &Object) -> bool {
    if declared.status.external_id.as_deref() == Some(object.id.as_str()) {
        return true;
    }
    match declared.kind {
        Kind::Tenant => {
            let product = declared.spec.get("product").and_then(Value::as_str);
            let referred = match references.get("customerRef") {
                Some((_, Reference::Found { id: Some(id), .. })) => Some(id.as_str()),
                _ => None,
            };
            let noted = open_note(declared).and_then(|intent| intent.parent.as_deref());
            let parent = object.parent();
            let parent = parent.as_ref().map(ObjectId::as_str);
            object.settings.text("product") == product
                && parent.is_some()
                && (parent == referred || parent == noted)
        }
        Kind::Customer => has_our_names(declared, object),
        Kind::ServicePlan | Kind::Reseller => {
            remote_name(declared.kind, &declared.spec).is_some_and(|name| name == object.name)
        }
    }
}

/// Whether a customer has the account name that Holdfast gave it: the recorded or stated one, or else the name. Where the
/// platform shows no account name, the name is compared.
fn has_our_names(declared: &Declared, object: &Object) -> bool {
    let shown = object.settings.text("accountName").unwrap_or(&object.name);
    let held = Some(shown.trim()).filter(|name| !name.is_empty());
    let noted = open_note(declared).and_then(|intent| intent.names.first());
    let name = remote_name(Kind::Customer, &declared.spec);
    let stated = account_name(&declared.spec).or(name);
    held.is_some()
        && [noted.map(String::as_str), stated]
            .into_iter()
            .flatten()
            .any(|name| Some(name.trim()) == held)
}

/// The note of a creation in status.
fn open_note(declared: &Declared) -> Option<&Intent> {
    let intent = declared.status.intent.as_ref();
    intent.filter(|intent| intent.step == ChangeStep::Create)
}

/// A creation that was sent and has an unknown outcome.
pub fn open<'a>(view: &'a View<'_>) -> Option<&'a Intent> {
    let intent = open_note(view.declared)?;
    let sent = view.progress.intent.is_none() || outcome(view).is_some();
    sent.then_some(intent)
}

/// How the creation that was recorded in this pass ended, once it was sent.
fn outcome(view: &View<'_>) -> Option<ChangeOutcome> {
    let since = view.progress.performed.get(view.progress.before_intent..)?;
    let created = since
        .iter()
        .rev()
        .find(|change| change.step == ChangeStep::Create)?;
    Some(created.outcome)
}

/// Whether the note of a creation stays after this pass: until the object is found, or the creation itself was refused or was
/// never sent. Any other failure says nothing about it.
pub fn stays_open(view: &View<'_>, found: bool) -> bool {
    if let PlatformState::Observed(platform) = &view.platform
        && (!is_written_down(platform, view.declared.kind) || found || is_noted(view, platform))
    {
        return false;
    }
    let noted = view.declared.status.intent.as_ref();
    if asks_first(view) && noted.is_some_and(|intent| view.age(intent.at) >= LATE) {
        return false;
    }
    // The first attempt may still have created it, whatever becomes of the second.
    let again = noted.is_some_and(|intent| intent.id.ends_with(AGAIN));
    let outcome = match &view.progress.intent {
        Some(_) => outcome(view),
        // An intent of an earlier pass: only its task can have ended in this one.
        None => concluded(view).or(Some(ChangeOutcome::Unknown)),
    };
    again
        || !matches!(
            outcome,
            None | Some(ChangeOutcome::Refused | ChangeOutcome::Failed)
        )
}

/// How the task of an earlier pass's creation has ended in this one.
fn concluded(view: &View<'_>) -> Option<ChangeOutcome> {
    let last = view
        .progress
        .performed
        .last()
        .filter(|_| view.progress.concluded)?;
    (last.step == ChangeStep::Create).then_some(last.outcome)
}

/// Whether an object of this account is noted as ours, other than one that was to be created anew.
fn is_noted(view: &View<'_>, platform: &PlatformFacts) -> bool {
    let declared = view.declared;
    declared.annotated.as_ref().is_some_and(|(account, id)| {
        *account == platform.capabilities.account.id
            && declared.recreate.as_deref() != Some(id.as_str())
    })
}

/// Before an operation is polled, its id is recorded: without claims there is no other way back to its object.
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

/// Whether the platform has accepted an operation in this very pass: it isn't done yet, and polling it would only cost a
/// request.
pub fn is_just_accepted(view: &View<'_>) -> bool {
    let last = view.progress.performed.last();
    is_unmarked(view)
        && !view.progress.operation_checked
        && last.is_some_and(|change| change.outcome == ChangeOutcome::Sent)
}

/// The steps before a creation: settling the earlier one, and a read of the place where the object would be. `None` when it
/// may be sent.
pub fn before_creation(
    view: &View<'_>,
    platform: &PlatformFacts,
    management: Management,
    document: &Map<String, Value>,
) -> Option<Step> {
    let open = open(view);
    let creation = platform.capabilities.creation(view.declared.kind);
    let look = open.is_some() || creation == Creation::OneOfParent;
    let times = if creation == Creation::ListAndMark {
        2
    } else {
        1
    };
    // Where only a look-up by claim finds the object, it has just been made.
    let look = (look || creation == Creation::ListAndMark) && creation != Creation::AskFirst;
    if look && view.progress.seen_beside() < times {
        if view.progress.looks_beside >= LOOKS {
            return Some(unsettled());
        }
        return Some(Step::LookBeside(document.clone()));
    }
    settle_open(view, platform, management, open?, document)
}

/// The step before a release: a creation that was sent only now may still create the object that the next resource of this
/// name would create again.
pub fn before_release(view: &View<'_>) -> Option<Step> {
    let intent = open(view).filter(|_| is_noted_before(view))?;
    let until = intent.at.saturating_add(LATE).unwrap_or(intent.at);
    (view.age(intent.at) < LATE).then(|| {
        let message = format!(
            "The create request sent at {} is in progress. The object is released at {until}; to release it now, set management: Observe.",
            intent.at
        );
        let verdict = Verdict::DeletionBlocked(Reason::WaitingForPlatform, message);
        settle(verdict, Some(Duration::from_secs(5)))
    })
}

/// The step before a deletion without a noted id: the object of the creation is looked for, and its id noted.
pub fn before_deletion(view: &View<'_>, platform: &PlatformFacts) -> Option<Step> {
    let note = |id: &ObjectId| {
        Step::Mark(Marks {
            external_id: Some(format!("{}/{id}", platform.capabilities.account.id)),
            ..view.declared.marks.clone()
        })
    };
    if let Some(made) = &view.progress.made {
        return Some(note(made));
    }
    let intent = open(view)?;
    let creation = platform.capabilities.creation(view.declared.kind);
    if creation.is_marked() {
        return before_deletion_by_claim(view, intent, creation);
    }
    if view.progress.seen_beside() == 0 {
        return Some(Step::LookBeside(place(view.declared.kind, intent)));
    }
    if let [one] = candidates(view, intent).as_slice() {
        return Some(note(&one.object.id));
    }
    let message = format!(
        "The create request sent at {} was not answered, and its outcome is unknown. Check the platform's console; then set deletionPolicy: Retain to release the object.",
        intent.at
    );
    let verdict = Verdict::DeletionBlocked(Reason::CreateOutcomeUnknown, message);
    Some(settle(verdict, Some(PATIENCE)))
}

/// The same where the object of a creation carries our claim, and no object carries it now: it may still be created for a
/// while.
fn before_deletion_by_claim(view: &View<'_>, intent: &Intent, creation: Creation) -> Option<Step> {
    let until = intent.at + looking(creation);
    if view.age(intent.at) < looking(creation) {
        let message = format!(
            "The create request sent at {} was not answered and may still be carried out. Holdfast looks for the object until {until}. To release it now, set deletionPolicy: Retain.",
            intent.at
        );
        let verdict = Verdict::DeletionBlocked(Reason::CreateOutcomeUnknown, message);
        return Some(settle(verdict, Some(PATIENCE)));
    }
    if view.progress.seen_beside() >= 2 {
        return None;
    }
    if view.progress.looks_beside >= LOOKS {
        return Some(unsettled());
    }
    Some(Step::LookBeside(place(view.declared.kind, intent)))
}

/// Where a creation would have put its object, according to its note.
fn place(kind: Kind, intent: &Intent) -> Map<String, Value> {
    let (first, last) = (intent.names.first(), intent.names.last());
    let parent = intent.parent.as_ref();
    let members = match kind {
        Kind::Tenant => vec![("customerId", parent), ("product", first)],
        Kind::Customer => vec![
            ("accountName", first),
            ("name", last),
            ("resellerId", parent),
        ],
        _ => vec![("name", last), ("parentId", parent)],
    };
    let members = members.into_iter();
    members
        .filter_map(|(member, value)| Some((member.to_owned(), value?.as_str().into())))
        .collect()
}

/// The outcome of a creation, now that its place was read.
fn settle_open(
    view: &View<'_>,
    platform: &PlatformFacts,
    management: Management,
    intent: &Intent,
    document: &Map<String, Value>,
) -> Option<Step> {
    let creation = platform.capabilities.creation(view.declared.kind);
    // An object that carries our claim was looked for by it, and doesn't exist.
    let candidates: Vec<&Seen> = if creation.is_marked() {
        Vec::new()
    } else {
        candidates(view, intent)
    };
    match candidates.as_slice() {
        [one] => return Some(converge::next(view, platform, management, &one.object)),
        [] => {}
        several => {
            let ids: Vec<String> = several
                .iter()
                .map(|seen| seen.object.id.to_string())
                .collect();
            let message = format!(
                "The create request sent at {} was not answered, and it may have created any of several objects: {}. Set adopt: ById with the externalId of the right one; nothing is deleted.",
                intent.at,
                ids.join(", ")
            );
            return Some(unknown(message));
        }
    }
    let until = intent.at + looking(creation);
    let protected_by_its_name = matches!(creation, Creation::UniqueName | Creation::ListAndMark);
    let again = intent.id.ends_with(AGAIN);
    let is_asked = view.declared.retry_create.as_ref() == Some(&intent.id);
    // What is found by its claim later is told apart, whoever made it; before that the request may be under way.
    let may_be_asked = creation == Creation::ListAndMark && view.age(intent.at) >= LATE;
    if view.age(intent.at) < looking(creation) && !(is_asked && may_be_asked) {
        let then = if creation == Creation::AskFirst {
            "then the request is sent once more, unless an object carries the claim"
        } else if creation == Creation::ListAndMark && !again {
            "then the request is sent once more, under the same claim"
        } else if protected_by_its_name && !again {
            "then the request is sent once more, which is safe because the name is unique"
        } else {
            "then a manual check is needed, because a second request might create a duplicate"
        };
        let message = format!(
            "The create request sent at {} was not answered and may still be carried out. Holdfast looks for the object until {until}; {then}.{}",
            intent.at,
            if may_be_asked {
                sooner(intent)
            } else {
                String::new()
            }
        );
        let verdict = Verdict::Waiting(Reason::CreateOutcomeUnknown, message);
        return Some(settle(verdict, Some(PATIENCE)));
    }
    if creation == Creation::AskFirst || is_asked {
        return None;
    }
    if !protected_by_its_name || again {
        let message = format!(
            "The create request sent at {} was not answered, and the platform lists no object from it. Holdfast doesn't repeat the request, because the platform might create a duplicate. Check the platform's console; if the object isn't there, annotate this resource with holdfast.dev/retry-create={}.",
            intent.at, intent.id
        );
        return Some(unknown(message));
    }
    if creation == Creation::UniqueName && names(document) != intent.names {
        let message = format!(
            "The create request sent at {} under the name {:?} was not answered, and the name in the spec has changed since: the platform might create a second object under the new name. Restore the name; or check the platform's console and, if the object isn't there, annotate this resource with holdfast.dev/retry-create={}.",
            intent.at,
            intent.names.first().map_or("", String::as_str),
            intent.id
        );
        return Some(unknown(message));
    }
    None
}

/// What a person may do who doesn't want to wait.
fn sooner(intent: &Intent) -> String {
    format!(
        " To send it now, check the platform's console; if the object isn't there, annotate this resource with holdfast.dev/retry-create={}.",
        intent.id
    )
}

/// How long an unanswered creation is looked for before it is sent once more.
fn looking(creation: Creation) -> SignedDuration {
    match creation {
        Creation::ListAndMark => LOOKING_BY_CLAIM,
        Creation::AskFirst => LATE,
        _ => LOOKING,
    }
}

/// The settlement while the place of a creation reads differently each time.
fn unsettled() -> Step {
    let message = "The platform's list changes while Holdfast reads it, so Holdfast hasn't created the remote object yet. Holdfast requeues and lists again.";
    let verdict = Verdict::Waiting(Reason::WaitingForPlatform, message.to_owned());
    settle(verdict, Some(PATIENCE))
}

fn unknown(message: String) -> Step {
    let verdict = Verdict::Stalled(Reason::CreateOutcomeUnknown, message);
    settle(verdict, Some(REST))
}

/// Whether the creation of a note may have created this object: by the names or in the place that it was sent with, and not
/// older.
pub fn may_have_made(intent: &Intent, object: &Object) -> bool {
    let named = |name: Option<&str>| {
        name.is_some_and(|name| intent.names.iter().any(|ours| ours.trim() == name.trim()))
    };
    let fits = if object.kind == Kind::Tenant {
        let parent = object.parent();
        parent.is_some_and(|parent| intent.parent.as_deref() == Some(parent.as_str()))
            && named(object.settings.text("product"))
    } else {
        named(Some(&object.name)) && named(object.settings.text("accountName"))
    };
    intent.step == ChangeStep::Create
        && fits
        && object
            .created_at
            .is_some_and(|made| made >= intent.at - SKEW)
}

/// Objects that the creation may have created, and that no resource holds.
fn candidates<'a>(view: &'a View<'_>, intent: &Intent) -> Vec<&'a Seen> {
    let is_ours = |seen: &&Seen| seen.holder.is_none() && may_have_made(intent, &seen.object);
    view.remote.namesakes.iter().filter(is_ours).collect()
}

/// What identifies a creation: a customer's names, the account's first, a tenant's product.
fn names(document: &Map<String, Value>) -> Vec<String> {
    let text = |field: &str| document.get(field).and_then(Value::as_str);
    let names = ["accountName", "name", "product"]
        .map(text)
        .into_iter()
        .flatten();
    let mut names: Vec<String> = names.map(ToOwned::to_owned).collect();
    names.dedup();
    names
}

/// What is recorded before a creation is sent.
pub fn intent(view: &View<'_>, document: &Map<String, Value>, fields: Vec<String>) -> Intent {
    let text = |field: &str| {
        document
            .get(field)
            .and_then(Value::as_str)
            .map(ToOwned::to_owned)
    };
    // The time of the first attempt stays: its object may be as old as that.
    let first = open(view)
        .filter(|open| !asks_first(view) && view.declared.retry_create.as_ref() != Some(&open.id));
    let now = view.now().round(jiff::Unit::Second).unwrap_or(view.now());
    let request = Value::Object(document.clone()).to_string();
    Intent {
        id: format!(
            "{}-{}{}",
            view.declared.generation,
            view.now().as_second(),
            if first.is_some() { AGAIN } else { "" }
        ),
        step: ChangeStep::Create,
        at: first.map_or(now, |first| first.at),
        fields,
        operation: None,
        parent: text("customerId")
            .or_else(|| text("resellerId"))
            .or_else(|| text("parentId")),
        names: names(document),
        request_hash: Some(data_encoding::HEXLOWER.encode(&Sha256::digest(request.as_bytes()))),
    }
}
