//! No more is granted than there is: judged by what the platform holds, whenever it has carried out a change.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_api::Kind;
use serde_json::{Map, Value};

use crate::platform::Item;

/// What every reseller has granted, and the most that it ever had to grant.
#[derive(Debug, Default)]
pub struct Grants {
    granted: BTreeMap<String, u64>,
    most: BTreeMap<String, u64>,
}

fn bytes(document: &Map<String, Value>, group: &str) -> Option<u64> {
    document.get(group)?.get("storage")?.as_u64()
}

impl Grants {
    /// Takes note of what the platform holds now. `Some` when a reseller that a resource declares has granted more than
    /// before, and more than it ever had.
    pub fn note<'a>(
        &mut self,
        items: impl Iterator<Item = &'a Item> + Clone,
        declares: impl Fn(&Item) -> bool,
    ) -> Option<String> {
        let mut granted: BTreeMap<String, u64> = BTreeMap::new();
        for item in items.clone() {
            let (parent, group) = match item.kind {
                Kind::Reseller => ("parentId", "allotment"),
                Kind::Customer => ("resellerId", "limits"),
                Kind::ServicePlan | Kind::Tenant => continue,
            };
            if item.kind == Kind::Reseller {
                let has = bytes(&item.document, "allotment").unwrap_or(u64::MAX);
                let most = self.most.entry(item.id.clone()).or_default();
                *most = has.max(*most);
            }
            let parent = item.document.get(parent).and_then(Value::as_str);
            if let (Some(parent), Some(bytes)) = (parent, bytes(&item.document, group)) {
                *granted.entry(parent.to_owned()).or_default() += bytes;
            }
        }
        let before = std::mem::replace(&mut self.granted, granted);
        let declared: BTreeSet<&str> = items
            .filter(|item| declares(item))
            .map(|item| item.id.as_str())
            .collect();
        let over = self.granted.iter();
        over.filter(|(id, _)| declared.contains(id.as_str()))
            .find_map(|(id, now)| {
                let most = self.most.get(id).copied().unwrap_or(u64::MAX);
                let before = before.get(id).copied().unwrap_or_default();
                (*now > before && *now > most).then(|| {
                    format!("reseller {id} has granted {now} bytes of {most}, {before} before")
                })
            })
    }
}
