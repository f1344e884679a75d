//! What resellers have, have allotted, and have left: before and after.

use std::collections::BTreeMap;

use kube::ResourceExt;
use serde_json::Value;

use super::{QuotaChange, World};
use crate::{planner, survey};

/// Measures in the order of the report.
const MEASURES: [&str; 4] = ["storage", "licences", "clients", "credits"];

/// The shares of every reseller, by its name.
pub type Shares = BTreeMap<String, Value>;

impl World {
    /// The shares as things stand now.
    pub(super) fn shares(&self, now: jiff::Timestamp) -> Shares {
        let mut shares = Shares::new();
        for reseller in self.survey.stores.resellers.all() {
            let (state, site) = self.platform_state(&*reseller);
            let supplements = planner::Supplements::default();
            let observation = survey::gather(
                &self.survey,
                &*reseller,
                state,
                site.as_deref(),
                supplements,
                &now.into(),
            );
            let Ok(observation) = observation else {
                continue;
            };
            let object = planner::remote_object(&observation.declared, &observation.remote);
            let (status, _) = planner::reseller(
                object.map(|object| &**object),
                &observation.around,
                None,
                planner::Warned::default(),
            );
            let value = serde_json::to_value(status.allotment).unwrap_or_default();
            shares.insert(reseller.name_any(), value);
        }
        shares
    }
}

/// The rows that differ.
pub fn compare(before: &Shares, after: &Shares) -> Vec<QuotaChange> {
    let mut rows = Vec::new();
    for (reseller, after) in after {
        let before = before.get(reseller).unwrap_or(&Value::Null);
        for measure in MEASURES {
            let part = |shares: &Value, part: &str| {
                let value = shares.get(measure)?.get(part)?;
                Some(
                    value
                        .as_str()
                        .map_or_else(|| value.to_string(), ToOwned::to_owned),
                )
            };
            let both = |name| [part(before, name), part(after, name)];
            let (allotted, granted) = (both("allotted"), both("granted"));
            let nothing = |value: &Option<String>| value.as_deref().is_none_or(|text| text == "0");
            let still_nothing = granted.iter().all(nothing);
            if allotted[0] != allotted[1] || (granted[0] != granted[1] && !still_nothing) {
                rows.push(QuotaChange {
                    reseller: reseller.clone(),
                    measure: measure.to_owned(),
                    allotted,
                    granted,
                    free: both("free"),
                });
            }
        }
    }
    rows
}
