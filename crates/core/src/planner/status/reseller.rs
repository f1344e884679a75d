//! The status of a `Reseller`.

use super::{Around, NOTHING, consumption, yes_no};
use crate::{
    api::{
        Kind,
        quantity::{Count, Credits, Size},
        reseller::{
            AllotmentStatus, CountShare, CreditShare, ResellerStatus, ResellerSummary, StorageShare,
        },
        shared::ManagedStatus,
    },
    estate::{Object, Settings},
    rules::{self, quota::Measure},
};

/// A reseller's own part of the status: its allotment, what it has, and what is left. Serves R-V3, R-V20, R-V21.
pub fn reseller(
    object: Option<&Object>,
    around: &Around,
    previous: Option<&ResellerStatus>,
) -> ResellerStatus {
    let Some(object) = object else {
        return previous
            .map(|previous| ResellerStatus {
                managed: ManagedStatus::default(),
                ..previous.clone()
            })
            .unwrap_or_default();
    };
    let storage = share(
        &object.settings,
        around,
        Measure::Storage,
        "limits.storage",
        Settings::whole,
    );
    let used = if around.usage_as_of.is_some() {
        let stored = around.usage.iter().map(|row| row.storage_bytes);
        stored.fold(0, u64::saturating_add)
    } else {
        previous.and_then(last_used).unwrap_or_default()
    };
    let licences = share(
        &object.settings,
        around,
        Measure::Licences,
        "limits.licences.count",
        Settings::whole,
    );
    let clients = share(
        &object.settings,
        around,
        Measure::Clients,
        "limits.clients",
        Settings::whole,
    );
    let milli = |settings: &Settings, path: &str| {
        settings
            .thousandths(path)
            .and_then(|milli| u64::try_from(milli).ok())
    };
    let credits = share(
        &object.settings,
        around,
        Measure::Credits,
        "limits.credits",
        milli,
    );
    let size = |bytes: Option<u64>| bytes.map(Size::from_bytes);
    let count = |share: Share| CountShare {
        allotted: share.allotted.map(Count::from_count),
        granted: Some(Count::from_count(share.granted)),
        free: share.free().map(Count::from_count),
        used: None,
    };
    let amount = |milli: u64| Credits::from_milli(i64::try_from(milli).unwrap_or(i64::MAX));
    let column = |bytes: Option<u64>| bytes.map_or_else(|| "unlimited".into(), consumption::shown);
    ResellerStatus {
        managed: ManagedStatus::default(),
        allotment: Some(AllotmentStatus {
            storage: Some(StorageShare {
                allotted: size(storage.allotted),
                granted: size(Some(storage.granted)),
                free: size(storage.free()),
                used: size(Some(used)),
            }),
            licences: licences.allotted.is_some().then(|| count(licences)),
            clients: clients.allotted.is_some().then(|| count(clients)),
            credits: credits.allotted.map(|allotted| CreditShare {
                allotted: Some(amount(allotted)),
                granted: Some(amount(credits.granted)),
                free: credits.free().map(amount),
                used: None,
            }),
        }),
        customers: Some(around.children.len() as u64),
        resellers: Some(around.resellers.len() as u64),
        effective: Some(rules::effective(&around.levels)),
        summary: Some(ResellerSummary {
            level: Some(object.settings.text("level").unwrap_or(NOTHING).to_owned()),
            allotted: Some(column(storage.allotted)),
            granted: Some(consumption::shown(storage.granted)),
            free: Some(column(storage.free())),
            used: Some(consumption::shown(used)),
            parent: Some(around.parent.clone().unwrap_or_else(|| NOTHING.into())),
            active: Some(yes_no(object.active())),
        }),
    }
}

/// What was in use according to the last figures.
fn last_used(status: &ResellerStatus) -> Option<u64> {
    let storage = status.allotment.as_ref()?.storage.as_ref()?;
    storage.used.as_ref()?.bytes().ok()
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
