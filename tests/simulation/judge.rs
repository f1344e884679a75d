//! The invariants, judged where they can be broken: when a request arrives at the platform, and at the end.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use serde_json::Value;
use tokio::time::Instant;

use crate::platform::{Item, What};

/// How long an operator may act on what was true: what it has read and begun before.
const GRACE: Duration = Duration::from_secs(8);

/// The time within which deletions are counted: an hour, but for what may lie between permit and request.
const HOUR: Duration = Duration::from_secs(3600 - 300);

/// How long a request may wait for its turn.
const QUEUED: Duration = Duration::from_secs(25);

/// How long a platform may take to carry out what was decided: its latest answer, and what an operator had in hand.
const LONG: Duration = Duration::from_secs(150);

/// A resource in the cluster, as it is at one instant.
#[derive(Debug, Clone, PartialEq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "a record of what was so, each by itself"
)]
pub struct Stand {
    pub uid: String,
    pub finalized: bool,
    pub deleting: bool,
    pub deletes: bool,
    /// Whether the spec switches it off.
    pub off: bool,
    /// Whether it is managed by its own spec.
    pub managed: bool,
    /// Whether it says that the object of its name isn't its own.
    pub disowns: bool,
    pub values: BTreeSet<String>,
}

impl Stand {
    /// From a resource as it is in the cluster.
    pub fn of(resource: &Value) -> Self {
        let text = |pointer: &str| {
            let text = resource.pointer(pointer).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        let finalizers = resource
            .pointer("/metadata/finalizers")
            .and_then(Value::as_array);
        let conditions = resource
            .pointer("/status/conditions")
            .and_then(Value::as_array);
        let mut values = BTreeSet::new();
        collect(
            resource.pointer("/spec").unwrap_or(&Value::Null),
            &mut values,
        );
        Self {
            uid: text("/metadata/uid"),
            finalized: finalizers.is_some_and(|all| {
                all.iter().any(|name| {
                    name.as_str()
                        .is_some_and(|name| name.starts_with("holdfast"))
                })
            }),
            deleting: resource.pointer("/metadata/deletionTimestamp").is_some(),
            deletes: text("/spec/deletionPolicy") == "Delete",
            off: text("/spec/state") == "Suspended"
                || resource.pointer("/spec/active") == Some(&Value::Bool(false)),
            managed: is_managed(&resource["spec"]["management"]),
            disowns: conditions.is_some_and(|all| {
                all.iter()
                    .any(|condition| condition["reason"] == "NameConflict")
            }),
            values,
        }
    }
}

/// Whether a management of a spec lets Holdfast write.
pub fn is_managed(management: &Value) -> bool {
    ["", "Manage"].contains(&management.as_str().unwrap_or_default())
}

fn collect(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => members.values().for_each(|value| collect(value, into)),
        Value::Array(items) => items.iter().for_each(|value| collect(value, into)),
        Value::String(text) => {
            into.insert(text.clone());
        }
        _ => {}
    }
}

/// Of what was so since when, what was so at some instant within the last `grace`.
fn lately<T>(since_when: &[(Instant, T)], grace: Duration) -> impl Iterator<Item = &T> {
    let since = Instant::now().checked_sub(grace);
    let ends = since_when.iter().skip(1).map(|(next, _)| Some(*next));
    let all = since_when.iter().zip(ends.chain([None]));
    all.filter(move |(_, until)| until.is_none_or(|until| since.is_none_or(|since| until >= since)))
        .map(|((_, what), _)| what)
}

fn lately_most(limits: &[(Instant, u64)], grace: Duration) -> u64 {
    lately(limits, grace).copied().max().unwrap_or_default()
}

/// By claim: since when what was so. An absent resource is `None`.
type Stands = BTreeMap<String, Vec<(Instant, Option<Stand>)>>;

/// What was so in the cluster. Of the platform: since when it was managed or not; another watch tells of that, in its own time.
#[derive(Clone, Default)]
pub struct History {
    stands: Arc<Mutex<Stands>>,
    platform: Arc<Mutex<Vec<(Instant, bool)>>>,
    deletions: Arc<Mutex<Deletions>>,
}

/// How many deletions may begin within an hour, since when; and when that of a resource began, by its uid.
#[derive(Default)]
struct Deletions {
    limits: Vec<(Instant, u64)>,
    begun: BTreeMap<String, Instant>,
}

impl History {
    fn lock(&self) -> MutexGuard<'_, Stands> {
        self.stands.lock().expect("unpoisoned")
    }

    /// Notes whether the platform is managed now.
    pub fn note_platform(&self, managed: bool) {
        let mut platform = self.platform.lock().expect("unpoisoned");
        if platform.last().is_none_or(|(_, last)| *last != managed) {
            platform.push((Instant::now(), managed));
        }
    }

    /// Notes how many deletions may begin within an hour from now on.
    pub fn note_limit(&self, most: u64) {
        let mut deletions = self.deletions.lock().expect("unpoisoned");
        if deletions
            .limits
            .last()
            .is_none_or(|(_, last)| *last != most)
        {
            deletions.limits.push((Instant::now(), most));
        }
    }

    /// The deletion of a resource begins, or goes on. Says so when that is one more than there may be within an hour.
    fn begin_deletion(&self, uid: &str, grace: Duration) -> Option<String> {
        let mut deletions = self.deletions.lock().expect("unpoisoned");
        let now = Instant::now();
        if deletions.begun.contains_key(uid) {
            return None;
        }
        let lately = |at: &&Instant| now - **at < HOUR;
        let before = deletions.begun.values().filter(lately).count() as u64;
        let most = lately_most(&deletions.limits, grace);
        deletions.begun.insert(uid.to_owned(), now);
        (before >= most).then(|| {
            format!("the deletion of {uid} begins after {before} within an hour, and {most} may")
        })
    }

    /// Whether the platform was managed at some instant within the last `grace`.
    fn platform_managed(&self, grace: Duration) -> bool {
        let platform = self.platform.lock().expect("unpoisoned");
        lately(&platform, grace).any(|managed| *managed)
    }

    /// Notes how it is now.
    pub fn note(&self, claim: &str, stand: Option<Stand>) {
        let mut history = self.lock();
        let stands = history.entry(claim.to_owned()).or_default();
        if stands.last().is_none_or(|(_, last)| *last != stand) {
            stands.push((Instant::now(), stand));
        }
    }

    /// Every state that held at some instant within the last `grace`.
    fn lately(&self, claim: &str, grace: Duration) -> Vec<Option<Stand>> {
        let history = self.lock();
        let stands = history.get(claim).map(Vec::as_slice).unwrap_or_default();
        lately(stands, grace).cloned().collect()
    }

    /// Whether there has been such a resource for longer than what was decided before may take, and the object of its claim is
    /// its own: it gives nothing of one that it may not adopt.
    pub fn has_stood(&self, claim: &str) -> bool {
        let lately = self.lately(claim, LONG);
        let mut stands = lately.iter();
        !lately.is_empty() && stands.all(|stand| stand.as_ref().is_some_and(|stand| !stand.disowns))
    }

    /// Whether there was no such resource at some instant since then.
    fn gone_since(&self, claim: &str, since: Instant) -> bool {
        let history = self.lock();
        let stands = history.get(claim).map(Vec::as_slice).unwrap_or_default();
        stands
            .iter()
            .any(|(at, stand)| stand.is_none() && *at >= since)
    }

    fn ever(&self, claim: &str) -> Vec<Stand> {
        let history = self.lock();
        let stands = history.get(claim).map(Vec::as_slice).unwrap_or_default();
        stands
            .iter()
            .filter_map(|(_, stand)| stand.clone())
            .collect()
    }
}

/// What a new object gets where its spec says nothing.
const DEFAULTS: [&str; 2] = ["de-1", "Evaluation"];

/// What a request of an operator breaks, if it breaks anything.
pub fn judge(
    history: &History,
    staleness: Duration,
    what: What,
    mark: Option<&str>,
    item: Option<&Item>,
    values: &Value,
) -> Option<String> {
    let made_for = || item?.made_for.clone();
    let claim = mark.map(ToOwned::to_owned).or_else(made_for)?;
    // What takes something away has to be asked for until it is sent; anything else may have waited for its turn.
    let queued = match what {
        What::Delete | What::Suspend => Duration::ZERO,
        What::Create | What::Update | What::Activate => QUEUED,
    };
    let grace = GRACE + staleness + queued;
    let lately = history.lately(&claim, grace);
    let platform_managed = history.platform_managed(grace);
    let managed = |stand: &&Stand| stand.managed && platform_managed;
    let mut stands = lately.iter().flatten();
    let may = match what {
        // I7, I2: there is a resource that asks for it, and it has our finalizer.
        What::Create => stands.any(|stand| managed(&stand) && stand.finalized),
        What::Update | What::Activate => stands.any(|stand| managed(&stand)),
        // I3
        What::Delete => stands.any(|stand| managed(&stand) && stand.deleting && stand.deletes),
        What::Suspend => {
            stands.any(|stand| managed(&stand) && (stand.off || stand.deleting && stand.deletes))
        }
    };
    if !may {
        return Some(format!(
            "{what:?} of {claim} that nothing asks for: {lately:?}"
        ));
    }
    // N7: no more deletions begin within an hour than the limit allows.
    let begins = match what {
        What::Delete => true,
        What::Suspend => !lately.iter().flatten().any(|stand| stand.off),
        _ => false,
    };
    let deleted = lately.iter().flatten().find(|stand| stand.deleting);
    if let Some(too_many) = deleted
        .filter(|_| begins)
        .and_then(|stand| history.begin_deletion(&stand.uid, grace))
    {
        return Some(too_many);
    }
    // I2: each value was in a spec at some time.
    let mut sent = BTreeSet::new();
    collect(values, &mut sent);
    let ever = history.ever(&claim);
    let known = |text: &String| {
        ever.iter().any(|stand| {
            stand.values.iter().any(|value| {
                text == value || text.starts_with(value.as_str()) && text.contains(&claim)
            })
        }) || DEFAULTS.contains(&text.as_str())
            // An id of something that it refers to.
            || text.parse::<u64>().is_ok()
    };
    let odd: Vec<&String> = sent.iter().filter(|text| !known(text)).collect();
    (!odd.is_empty()).then(|| format!("{what:?} of {claim} with values of no spec: {odd:?}"))
}

/// I1: one live object per claim. A resource that was gone in between may have let go of the first one, where the platform
/// keeps no claims.
pub fn doubled(items: &[Item], history: &History) -> Option<String> {
    let mut seen: BTreeMap<&str, &Item> = BTreeMap::new();
    items.iter().find_map(|item| {
        let claim = item.made_for.as_deref()?;
        let first = seen.insert(claim, item)?;
        let both_marked = first.mark.is_some() && item.mark.is_some();
        let since = first.asked_at.min(item.asked_at);
        (both_marked || !history.gone_since(claim, since))
            .then(|| format!("{} and {} were both made for {claim}", first.id, item.id))
    })
}
