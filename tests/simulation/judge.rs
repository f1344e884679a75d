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

/// A customer in the cluster, as it is at one instant.
#[derive(Debug, Clone, PartialEq)]
pub struct Stand {
    pub uid: String,
    pub finalized: bool,
    pub deleting: bool,
    pub deletes: bool,
    pub management: String,
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
        let mut values = BTreeSet::new();
        collect(
            resource.pointer("/spec").unwrap_or(&Value::Null),
            &mut values,
        );
        let management = text("/spec/management");
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
            management: if management.is_empty() {
                "Manage".into()
            } else {
                management
            },
            values,
        }
    }
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

/// By claim: since when what was so. An absent customer is `None`.
type Stands = BTreeMap<String, Vec<(Instant, Option<Stand>)>>;

/// What was so in the cluster.
#[derive(Clone, Default)]
pub struct History(Arc<Mutex<Stands>>);

impl History {
    fn lock(&self) -> MutexGuard<'_, Stands> {
        self.0.lock().expect("unpoisoned")
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
        let since = Instant::now().checked_sub(grace);
        let history = self.lock();
        let stands = history.get(claim).map(Vec::as_slice).unwrap_or_default();
        let mut lately = Vec::new();
        for (index, (_, stand)) in stands.iter().enumerate() {
            let until = stands.get(index + 1).map(|(next, _)| *next);
            if until.is_none_or(|until| since.is_none_or(|since| until >= since)) {
                lately.push(stand.clone());
            }
        }
        lately
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

/// What a request of an operator breaks, if it breaks anything.
pub fn judge(
    history: &History,
    staleness: Duration,
    what: What,
    mark: Option<&str>,
    item: Option<&Item>,
    values: &Value,
) -> Option<String> {
    let claim = mark.map(ToOwned::to_owned).or_else(|| item?.mark.clone())?;
    let lately = history.lately(&claim, GRACE + staleness);
    let managed = |stand: &&Stand| stand.management == "Manage";
    let mut stands = lately.iter().flatten();
    let may = match what {
        // I7, I2: there is a resource that asks for it, and it has our finalizer.
        What::Create => stands.any(|stand| managed(&stand) && stand.finalized),
        What::Update | What::Activate => stands.any(|stand| managed(&stand)),
        // I3
        What::Delete => stands.any(|stand| managed(&stand) && stand.deleting && stand.deletes),
        What::Suspend => stands.any(|stand| managed(&stand) && stand.deleting && stand.deletes),
    };
    if !may {
        return Some(format!(
            "{what:?} of {claim} that nothing asks for: {lately:?}"
        ));
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
        }) || text == "de-1"
    };
    let odd: Vec<&String> = sent.iter().filter(|text| !known(text)).collect();
    (!odd.is_empty()).then(|| format!("{what:?} of {claim} with values of no spec: {odd:?}"))
}

/// I1: one live object per claim.
pub fn doubled(items: &[Item]) -> Option<String> {
    let mut seen = BTreeMap::new();
    items.iter().find_map(|item| {
        let claim = item.mark.clone()?;
        let first = seen.insert(claim.clone(), item.id.clone())?;
        Some(format!("{first} and {} both carry {claim}", item.id))
    })
}
