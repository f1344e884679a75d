//! The status of a `Reseller`.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::{
    Around, HealthCondition, NOTHING, consumption,
    limits::{self, Quotas, Warned},
    yes_no,
};
use crate::{
    api::{
        Kind,
        quantity::{Count, Credits, Size},
        reseller::{
            AllotmentStatus, CountShare, CreditShare, ResellerStatus, ResellerSummary, StorageShare,
        },
        shared::{ManagedStatus, Usage},
    },
    estate::{Object, Settings},
    rules::{self, quota::Measure},
};

/// A reseller's own part of the status: its allotment, what it has, what is left, and when it is used up; with the condition that
/// follows. Serves R-V3, R-V20, R-V21, R-N6, R-N16.
pub fn reseller(
    object: Option<&Object>,
    around: &Around,
    previous: Option<&ResellerStatus>,
    warned: Warned,
) -> (ResellerStatus, Vec<HealthCondition>) {
    let Some(object) = object else {
        let kept = previous.map(|previous| ResellerStatus {
            managed: ManagedStatus::default(),
            ..previous.clone()
        });
        return (kept.unwrap_or_default(), Vec::new());
    };
    let shares = Shares::of(&object.settings, around);
    let quotas = Quotas {
        storage: shares.storage.allotted,
        credits: shares.credits.allotted,
        settled: warned.settled,
    };
    let usage = usage_below(around, previous, quotas);
    let near = limits::near(usage.as_ref(), quotas, warned.at, &limits::ALLOTMENT);
    let used = stored_below(around, usage.as_ref(), previous);
    let status = ResellerStatus {
        managed: ManagedStatus::default(),
        allotment: Some(shares.shown(used, usage.as_ref())),
        customers: Some(ours(&around.children).count() as u64),
        resellers: Some(ours(&around.resellers).count() as u64),
        effective: Some(rules::effective(&around.levels)),
        summary: Some(summary(object, around, shares.storage, used)),
        usage,
    };
    (status, near.into_iter().collect())
}

/// What all customers below use. Of nobody nothing is told; what a report leaves out of all of them stays as it was.
fn usage_below(
    around: &Around,
    previous: Option<&ResellerStatus>,
    quotas: Quotas,
) -> Option<Usage> {
    let previous = previous.and_then(|previous| previous.usage.as_ref());
    let nobody = ours(&around.children).next().is_none() && around.resellers.is_empty();
    if nobody && around.usage_as_of.is_some() {
        return None;
    }
    let row = consumption::summed(around.usage.iter().map(|row| &**row));
    consumption::usage(previous, row.as_ref(), around.usage_as_of, quotas)
}

/// What belongs neither to the platform itself nor to another tool.
fn ours(objects: &[Arc<Object>]) -> impl Iterator<Item = &Arc<Object>> {
    objects.iter().filter(|object| !object.is_anothers())
}

/// Bytes in use below, by the last figures.
fn stored_below(around: &Around, usage: Option<&Usage>, previous: Option<&ResellerStatus>) -> u64 {
    let told = usage.and_then(|usage| usage.storage.as_ref()?.bytes().ok());
    let before = || previous.filter(|_| around.usage_as_of.is_none());
    told.or_else(|| before().and_then(last_used))
        .unwrap_or_default()
}

fn summary(object: &Object, around: &Around, storage: Share, used: u64) -> ResellerSummary {
    let column = |bytes: Option<u64>| bytes.map_or_else(|| "unlimited".into(), consumption::shown);
    ResellerSummary {
        level: Some(object.settings.text("level").unwrap_or(NOTHING).to_owned()),
        allotted: Some(column(storage.allotted)),
        granted: Some(consumption::shown(storage.granted)),
        free: Some(column(storage.free())),
        used: Some(consumption::shown(used)),
        parent: Some(around.parent.clone().unwrap_or_else(|| NOTHING.into())),
        active: Some(yes_no(object.active())),
    }
}

/// What was in use according to the last figures.
fn last_used(status: &ResellerStatus) -> Option<u64> {
    let storage = status.allotment.as_ref()?.storage.as_ref()?;
    storage.used.as_ref()?.bytes().ok()
}

/// V3's figures of each measure.
struct Shares {
    storage: Share,
    licences: Share,
    clients: Share,
    credits: Share,
}

impl Shares {
    fn of(settings: &Settings, around: &Around) -> Self {
        let milli = |settings: &Settings, path: &str| {
            settings
                .thousandths(path)
                .and_then(|milli| u64::try_from(milli).ok())
        };
        let whole = |measure, limit| share(settings, around, measure, limit, Settings::whole);
        Self {
            storage: whole(Measure::Storage, "limits.storage"),
            licences: whole(Measure::Licences, "limits.licences.count"),
            clients: whole(Measure::Clients, "limits.clients"),
            credits: share(settings, around, Measure::Credits, "limits.credits", milli),
        }
    }

    fn shown(&self, used: u64, usage: Option<&Usage>) -> AllotmentStatus {
        let size = |bytes: Option<u64>| bytes.map(Size::from_bytes);
        let count = |share: Share| CountShare {
            allotted: share.allotted.map(Count::from_count),
            granted: Some(Count::from_count(share.granted)),
            free: share.free().map(Count::from_count),
            used: None,
        };
        let amount = |milli: u64| Credits::from_milli(i64::try_from(milli).unwrap_or(i64::MAX));
        let (licences, clients, credits) = (self.licences, self.clients, self.credits);
        AllotmentStatus {
            storage: Some(StorageShare {
                allotted: size(self.storage.allotted),
                granted: size(Some(self.storage.granted)),
                free: size(self.storage.free()),
                used: size(Some(used)),
            }),
            licences: licences.allotted.is_some().then(|| count(licences)),
            clients: clients.allotted.is_some().then(|| count(clients)),
            credits: credits.allotted.map(|allotted| CreditShare {
                allotted: Some(amount(allotted)),
                granted: Some(amount(credits.granted)),
                free: credits.free().map(amount),
                used: usage.and_then(|usage| usage.credits.clone()),
            }),
        }
    }
}

/// V3's figures of one resource.
#[derive(Clone, Copy)]
struct Share {
    allotted: Option<u64>,
    granted: u64,
}

impl Share {
    fn free(self) -> Option<u64> {
        self.allotted
            .map(|allotted| allotted.saturating_sub(self.granted))
    }
}

/// What is allotted, and what customers and resellers directly below were granted of it.
fn share(
    settings: &Settings,
    around: &Around,
    measure: Measure,
    limit: &str,
    figure: impl Fn(&Settings, &str) -> Option<u64>,
) -> Share {
    let allotment = measure.setting(Kind::Reseller).unwrap_or_default();
    let customers = around
        .children
        .iter()
        .filter_map(|customer| figure(&customer.settings, limit));
    let resellers = around
        .resellers
        .iter()
        .filter_map(|reseller| figure(&reseller.settings, allotment));
    Share {
        allotted: figure(settings, allotment),
        granted: match around.granted {
            Some(granted) => granted[measure as usize],
            None => customers.chain(resellers).fold(0, u64::saturating_add),
        },
    }
}
