//! What is allotted: amounts, the ledger that grants them, and the refusals that follow.
//!
//! Levels, from the top: the platform's pool of licences, resellers one below another, customers, tenants. Each level has what
//! the one above granted it, and can't grant more of it than that. Serves R-V3, R-V6, R-V7, R-V20, R-N6, R-D33.

#[cfg(test)]
mod histories;
mod ledger;
mod refusals;
mod share;
#[cfg(test)]
mod tests;
mod window;

use serde_json::Value;

pub use ledger::{Ledger, Outcome};
pub use refusals::{below_granted, below_use, held_back, overcommit};
pub use share::{Membership, Rank, Shortage};
pub use window::{Phase, Window};

use crate::{
    api::{
        Kind,
        quantity::{Count, Credits, Size},
    },
    estate::Settings,
};

/// A measure that can be allotted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Measure {
    /// Bytes.
    Storage,
    /// Licences.
    Licences,
    /// Machines that back up.
    Clients,
    /// Thousandths of a credit.
    Credits,
}

impl Measure {
    /// All of them, in the order of [`Amounts`].
    pub const ALL: [Self; 4] = [Self::Storage, Self::Licences, Self::Clients, Self::Credits];

    /// Its name in `allotment` and `limits`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Storage => "storage",
            Self::Licences => "licences",
            Self::Clients => "clients",
            Self::Credits => "credits",
        }
    }

    /// The setting of a kind that asks for it, if the kind does.
    pub fn setting(self, kind: Kind) -> Option<&'static str> {
        match (kind, self) {
            (Kind::Reseller, Self::Storage) => Some("allotment.storage"),
            (Kind::Reseller, Self::Licences) => Some("allotment.licences"),
            (Kind::Reseller, Self::Clients) => Some("allotment.clients"),
            (Kind::Reseller, Self::Credits) => Some("allotment.credits"),
            (Kind::Customer, Self::Storage) => Some("limits.storage"),
            (Kind::Customer, Self::Licences) => Some("limits.licences.count"),
            (Kind::Customer, Self::Clients) => Some("limits.clients"),
            (Kind::Customer, Self::Credits) => Some("limits.credits"),
            (Kind::Tenant, Self::Credits) => Some("quota.credits"),
            (Kind::Tenant | Kind::ServicePlan, _) => None,
        }
    }

    /// What people would ask for to cover an amount: bytes in whole Gi, or in whole Mi when there are few.
    pub fn rounded_up(self, amount: u64) -> u64 {
        let unit: u64 = match self {
            Self::Storage if amount >= 10 << 30 => 1 << 30,
            Self::Storage if amount >= 10 << 20 => 1 << 20,
            _ => 1,
        };
        amount.div_ceil(unit).saturating_mul(unit)
    }

    /// An amount as people write it.
    pub fn shown(self, amount: u64) -> String {
        match self {
            Self::Storage => Size::from_bytes(amount).as_str().to_owned(),
            Self::Licences | Self::Clients => Count::from_count(amount).as_str().to_owned(),
            Self::Credits => Credits::from_milli(i64::try_from(amount).unwrap_or(i64::MAX))
                .as_str()
                .to_owned(),
        }
    }
}

/// One amount for each measure. In an allotment `None` is no limit; in a claim it is nothing.
pub type Amounts = [Option<u64>; 4];

/// What settings ask for, or what a platform's object holds. A tenant's quota that is over holds nothing.
pub fn amounts(kind: Kind, settings: &Settings, now: jiff::Timestamp) -> Amounts {
    if kind == Kind::Tenant && Window::of(settings).phase(now) == Phase::Over {
        return [None; 4];
    }
    stated(kind, settings)
}

fn stated(kind: Kind, settings: &Settings) -> Amounts {
    Measure::ALL.map(|measure| {
        let setting = measure.setting(kind)?;
        match measure {
            Measure::Credits => settings
                .thousandths(setting)
                .and_then(|milli| u64::try_from(milli).ok()),
            _ => settings.whole(setting),
        }
    })
}

/// What a resource asks for: what its spec says, and what the platform holds where it says nothing.
pub fn wanted(
    kind: Kind,
    spec: &Settings,
    held: Option<&Settings>,
    now: jiff::Timestamp,
) -> Amounts {
    if kind == Kind::Tenant && Window::of_spec(spec, held).phase(now) == Phase::Over {
        return [None; 4];
    }
    let said = stated(kind, spec);
    let held = held.map_or([None; 4], |held| stated(kind, held));
    let mut wanted = Measure::ALL.map(|measure| {
        let setting = measure.setting(kind)?;
        match spec.get(setting) {
            None => held[measure as usize],
            Some(Value::Null) => None,
            Some(_) => said[measure as usize],
        }
    });
    if spec.text("limits.licences.mode") == Some("Automatic") {
        wanted[Measure::Licences as usize] = None;
    }
    wanted
}

/// The smaller of what a spec allots and what the platform has allotted: what isn't there yet, or not any more, is granted to
/// no level below. `None` is no limit.
pub fn allotment(spec: &Amounts, held: Option<&Amounts>) -> Amounts {
    let Some(held) = held else { return *spec };
    Measure::ALL.map(|measure| {
        let (spec, held) = (spec[measure as usize], held[measure as usize]);
        match (spec, held) {
            (Some(spec), Some(held)) => Some(spec.min(held)),
            (one, other) => one.or(other),
        }
    })
}
