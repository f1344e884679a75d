//! What isn't written now: no field twice in a pass, no value that the platform accepts and stores in another form, and no
//! value before its backoff has ended that another writer reverts after each of our writes. Nothing here knows how any
//! platform writes a value. R-D5, I4

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    Declared, PlatformFacts, PlatformState, Settlement, Step, Verdict, View,
    claim::secret_tag,
    desired::spec_field,
    drift::{DRIFT_SHOWN, differing, drift},
    returns::{
        corrections, corrects, forgotten_at, has_returned, is_correction, last_written, live,
        returns, shortened, until,
    },
    view::remote_object,
};
use crate::{
    api::{
        conditions::Reason,
        shared::{Change, ChangeStep, Drift, Unkept},
    },
    estate::{Client, Difference, Object, ObjectId},
};

/// The number of sends after which a value that isn't kept is reported and sent no more.
const SENDS: u32 = 2;
/// Time between two sends of a value that wasn't kept.
const PAUSE: SignedDuration = SignedDuration::from_secs(10);
/// Entries in status: one for every setting of a kind, and `CLIENTS` clients.
const MOST: usize = 100;
/// The number of clients that don't stay where they are moved, from which on no more are moved.
pub const CLIENTS: usize = 20;
/// Values that a message names.
const NAMED: usize = 3;

/// What differs and isn't written now.
#[derive(Debug, Clone, PartialEq)]
pub struct Withheld {
    /// The field and both values, as they may be shown.
    shown: Drift,
    why: Why,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// It was sent that often, and the platform keeps another value.
    NotKept(u32),
    /// It comes back after each of our writes, and is written again at that time.
    Returns(Timestamp),
}

/// A value that is to be written over another one, in the words of status.
struct Attempt {
    field: String,
    sent: String,
    kept: String,
}

impl Attempt {
    fn new(
        view: &View<'_>,
        platform: &PlatformFacts,
        field: String,
        sent: &Value,
        kept: Option<&Value>,
    ) -> Self {
        let Declared {
            kind,
            namespace,
            name,
            ..
        } = view.declared;
        let claim = platform.claim(*kind, namespace, name);
        let tag = |value: &Value| {
            let text = format!("{field}={}", ordered(value));
            secret_tag(&platform.owner_id, &claim, &text)
        };
        let (sent, kept) = (tag(sent), tag(kept.unwrap_or(&Value::Null)));
        Self { field, sent, kept }
    }

    fn of(view: &View<'_>, platform: &PlatformFacts, difference: &Difference) -> Self {
        let field = spec_field(view.declared.kind, difference.field);
        let (sent, kept) = (&difference.desired, difference.observed.as_ref());
        Self::new(view, platform, field, sent, kept)
    }

    fn of_move(view: &View<'_>, platform: &PlatformFacts, client: &Client, to: &ObjectId) -> Self {
        let field = format!("clients.ids[{}]", client.id);
        let (sent, kept) = (to.as_str().into(), client.customer_id.as_str().into());
        Self::new(view, platform, field, &sent, Some(&kept))
    }

    fn noted<'a>(&self, view: &'a View<'_>) -> Option<&'a Unkept> {
        let mut noted = view.declared.status.unkept.iter();
        noted.find(|noted| noted.field == self.field && noted.sent == self.sent)
    }

    /// How often it was sent without being kept; `None` when it hasn't been sent, or the platform has held yet another value
    /// since.
    fn times(&self, view: &View<'_>) -> Option<u32> {
        let noted = self.noted(view);
        if is_written(view, &self.field) {
            return Some(noted.map_or(0, |noted| noted.times).saturating_add(1));
        }
        let same = noted.filter(|noted| noted.kept == self.kept);
        same.map(|noted| noted.times)
    }

    /// Why it isn't written now; `None` when it may be.
    fn why(&self, view: &View<'_>) -> Option<Why> {
        let times = self.times(view);
        let just_sent = || {
            let at = last_written(view, &self.field);
            at.is_some_and(|at| view.age(at) < PAUSE)
        };
        if let Some(times) = times
            && (times >= SENDS || is_written(view, &self.field) || just_sent())
        {
            return Some(Why::NotKept(times));
        }
        let until = until(live(view, &self.field)?)?;
        (view.now() < until).then_some(Why::Returns(until))
    }
}

/// A value with its lists in one order, whatever order the platform lists them in.
fn ordered(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(ordered).collect();
            items.sort_by_cached_key(Value::to_string);
            Value::Array(items)
        }
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), ordered(value)))
            .collect(),
        value => value.clone(),
    }
}

/// Removes what isn't to be written now: no field twice a pass, and no value that the platform won't keep.
pub fn withhold(
    view: &View<'_>,
    platform: &PlatformFacts,
    writable: &mut Vec<Difference>,
) -> Vec<Withheld> {
    let mut withheld = Vec::new();
    writable.retain(|difference| {
        let why = Attempt::of(view, platform, difference).why(view);
        let shown = || drift(view.declared.kind, difference);
        withheld.extend(why.map(|why| Withheld {
            shown: shown(),
            why,
        }));
        why.is_none()
    });
    withheld
}

/// The same for a listed client that belongs to another customer.
pub fn withhold_move(
    view: &View<'_>,
    platform: &PlatformFacts,
    client: &Client,
    to: &ObjectId,
) -> Option<Withheld> {
    let attempt = Attempt::of_move(view, platform, client, to);
    let why = attempt.why(view)?;
    let shown = Drift {
        field: attempt.field,
        desired: Some(to.to_string()),
        observed: Some(client.customer_id.to_string()),
    };
    Some(Withheld { shown, why })
}

/// Before a value that wasn't kept is sent once more, the object is read afresh: the answer may have come too early.
pub fn look_first(
    view: &View<'_>,
    platform: &PlatformFacts,
    object: &Object,
    writable: &[Difference],
) -> Option<Step> {
    let again = |difference: &Difference| {
        let attempt = Attempt::of(view, platform, difference);
        attempt.times(view).is_some()
    };
    let fresh = view.progress.fresh.as_ref() == Some(&object.id);
    (!fresh && writable.iter().any(again)).then(|| Step::Read(object.id.clone()))
}

/// Whether a value that wasn't kept is sent once more, as opposed to a correction of drift.
pub fn is_sent_again(view: &View<'_>, writable: &[Difference]) -> bool {
    let noted = &view.declared.status.unkept;
    let again = |difference: &Difference| {
        let field = spec_field(view.declared.kind, difference.field);
        noted.iter().any(|noted| noted.field == field)
    };
    writable.iter().any(again)
}

/// A value that has come back after our write is read back once it is written again: a platform that keeps it in another form
/// shows that form at once, and a writer that reverts it doesn't. So is every write to an object with a value that isn't kept,
/// since the answer may repeat that value as it was sent.
pub fn read_back(view: &View<'_>, object: &Object) -> Option<Step> {
    let unseen = view.progress.performed.get(view.progress.seen..)?;
    let doubtful = !view.declared.status.unkept.is_empty();
    let came_back = |change: &Change| {
        is_correction(change)
            && change.step != ChangeStep::MoveClient
            && (doubtful || change.fields.iter().any(|field| has_returned(view, field)))
    };
    let due = view.hold.is_none() && unseen.iter().any(came_back);
    due.then(|| Step::Read(object.id.clone()))
}

/// The settlement for what is withheld.
pub fn verdict(withheld: &[Withheld]) -> Option<Verdict> {
    let those = |wanted: fn(Why) -> bool| -> Vec<&Drift> {
        let those = withheld.iter().filter(|one| wanted(one.why));
        those.map(|one| &one.shown).collect()
    };
    let given_up = those(|why| matches!(why, Why::NotKept(times) if times >= SENDS));
    if !given_up.is_empty() {
        let message = format!(
            "{}. It is sent again when the spec or the platform's value changes. Set the field to the platform's value, or list the field under spec.ignore.",
            otherwise(&given_up)
        );
        return Some(Verdict::Stalled(Reason::ValueNotKept, message));
    }
    let once = those(|why| matches!(why, Why::NotKept(_)));
    if !once.is_empty() {
        let message = format!("{}. Holdfast sends it once more.", otherwise(&once));
        return Some(Verdict::Waiting(Reason::ValueNotKept, message));
    }
    let returning = those(|why| matches!(why, Why::Returns(_)));
    if returning.is_empty() {
        return None;
    }
    let fields: Vec<&str> = returning.iter().map(|one| one.field.as_str()).collect();
    let message = format!(
        "{}: the value is changed back after each write by Holdfast, so the next write waits for a backoff, or for an edit of the spec. See condition DriftReturns.",
        shortened(&fields)
    );
    Some(Verdict::Waiting(Reason::DriftReturns, message))
}

/// What was sent, and what the platform keeps.
fn otherwise(those: &[&Drift]) -> String {
    let quoted = |value: &Option<String>| {
        let value = value.as_deref();
        value.map_or_else(|| "nothing".to_owned(), |value| format!("{value:?}"))
    };
    let one = |drift: &&Drift| {
        let (sent, kept) = (quoted(&drift.desired), quoted(&drift.observed));
        format!(
            "{}: Holdfast sent {sent}, but the platform keeps {kept}",
            drift.field
        )
    };
    let named: Vec<String> = those.iter().take(NAMED).map(one).collect();
    let more = those.len().saturating_sub(NAMED);
    let more = if more > 0 {
        format!("; and {more} more, see status.drift")
    } else {
        String::new()
    };
    named.join("; ") + &more
}

/// Adds what is withheld to the drift of a settlement, and requeues the resource when it is time.
pub fn tell(view: &View<'_>, withheld: Vec<Withheld>, settlement: &mut Settlement) {
    let forgotten = forgotten_at(&returns(view, &remembered(view)));
    let due = withheld.iter().filter_map(|one| match one.why {
        Why::NotKept(times) if times < SENDS => Some(view.now() + PAUSE),
        Why::NotKept(_) => None,
        Why::Returns(until) => Some(until),
    });
    if let Some(due) = due.chain(forgotten).min() {
        let left = Duration::try_from(due.duration_since(view.now())).unwrap_or_default();
        let left = left.max(Duration::from_secs(1));
        settlement.again = Some(settlement.again.map_or(left, |again| again.min(left)));
    }
    let shown = withheld.into_iter().map(|one| one.shown);
    let drift = shown.chain(settlement.drift.drain(..));
    settlement.drift = drift.take(DRIFT_SHOWN).collect();
}

/// The record of values that aren't kept in status, at the end of a pass.
pub fn remembered(view: &View<'_>) -> Vec<Unkept> {
    let noted = &view.declared.status.unkept;
    if !corrects(view) || (noted.is_empty() && corrections(view).next().is_none()) {
        return Vec::new();
    }
    let PlatformState::Observed(platform) = &view.platform else {
        return noted.clone();
    };
    let Some(object) = remote_object(view.declared, &view.remote) else {
        return noted.clone();
    };
    let Some(differing) = differing(view, platform, object) else {
        return noted.clone();
    };
    let clients = view
        .remote
        .clients
        .iter()
        .flat_map(|clients| clients.values());
    let elsewhere = clients
        .flatten()
        .filter(|client| client.customer_id != object.id)
        .map(|client| Attempt::of_move(view, platform, client, &object.id));
    let attempts = differing
        .iter()
        .map(|difference| Attempt::of(view, platform, difference));
    let unkept = attempts.chain(elsewhere).filter_map(|attempt| {
        let times = attempt.times(view)?;
        Some(Unkept {
            field: attempt.field,
            sent: attempt.sent,
            kept: attempt.kept,
            times,
        })
    });
    unkept.take(MOST).collect()
}

/// Whether this pass has written the field.
fn is_written(view: &View<'_>, field: &str) -> bool {
    corrections(view).any(|change| change.fields.iter().any(|written| written == field))
}
