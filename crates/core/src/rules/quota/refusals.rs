//! What the ledger's figures forbid, in words.

use super::{Amounts, Measure, Shortage};
use crate::{
    api::Kind,
    estate::{Difference, Settings},
    rules::registry::{self, Refusal, Rule},
};

fn overcommit_rule(kind: Kind, measure: Measure) -> &'static Rule {
    match measure {
        Measure::Storage => &registry::STORAGE_OVERCOMMIT,
        Measure::Licences => &registry::LICENCES_OVERCOMMIT,
        Measure::Clients => &registry::CLIENTS_OVERCOMMIT,
        Measure::Credits if kind == Kind::Tenant => &registry::TENANT_CREDITS_OVERCOMMIT,
        Measure::Credits => &registry::CREDITS_OVERCOMMIT,
    }
}

/// The first shortage, in words; pools are named as people know them, such as `Reseller northwind`.
pub fn overcommit(kind: Kind, shortages: &[Shortage<String>]) -> Option<Refusal> {
    let Shortage {
        pool,
        measure,
        wanted,
        has,
        free,
        allotted,
    } = shortages.first()?;
    let shown = |amount: u64| measure.shown(amount);
    let has = if *has > 0 {
        format!(" and has {}", shown(*has))
    } else {
        String::new()
    };
    let message = format!(
        "it asks for {}{has}, and {pool} has {} of its {} {} left",
        shown(*wanted),
        shown(*free),
        shown(*allotted),
        measure.as_str()
    );
    let room = match kind {
        Kind::Tenant => format!("limits.credits of {pool}"),
        _ => format!("the allotment of {pool}"),
    };
    let remedy = format!(
        "Ask for less, free some elsewhere, or raise {room}; it is granted as soon as there is room"
    );
    let field = measure.setting(kind).unwrap_or_default();
    Some(Refusal::new(
        overcommit_rule(kind, *measure),
        field,
        message,
        remedy,
    ))
}

/// Settings that wait for the ledger's decision: those that ask for an amount, and those that move an object into another
/// pool.
pub fn held_back(setting: &str) -> bool {
    const PREFIXES: [&str; 3] = ["limits.", "allotment.", "quota."];
    matches!(setting, "resellerId" | "parentId")
        || PREFIXES.iter().any(|prefix| setting.starts_with(prefix))
}

/// The first allotment that would shrink below what is taken of it. Serves R-V20.
pub fn below_granted(
    kind: Kind,
    differing: &[Difference],
    desired: &Amounts,
    held: &Amounts,
    taken: [u64; 4],
) -> Option<Refusal> {
    Measure::ALL.into_iter().find_map(|measure| {
        let at = measure as usize;
        let setting = measure.setting(kind)?;
        differing
            .iter()
            .find(|difference| difference.field == setting)?;
        let desired = desired[at]?;
        let shrinks = held[at].is_none_or(|held| desired < held);
        if !shrinks || desired >= taken[at] {
            return None;
        }
        let message = format!(
            "{} would be less than the {} granted of it below",
            measure.shown(desired),
            measure.shown(taken[at])
        );
        let remedy = format!(
            "State at least {}, or lower what was granted first",
            measure.shown(taken[at])
        );
        let rule = &registry::ALLOTMENT_BELOW_GRANTED;
        Some(Refusal::new(rule, setting, message, remedy))
    })
}

/// The first limit of a customer that would be set below what is in use. Serves R-V3, R-V6.
pub fn below_use(
    differing: &[Difference],
    desired: &Settings,
    held: &Settings,
    used: &Amounts,
) -> Option<Refusal> {
    [Measure::Storage, Measure::Clients]
        .into_iter()
        .find_map(|measure| {
            let setting = measure.setting(Kind::Customer)?;
            differing
                .iter()
                .find(|difference| difference.field == setting)?;
            let (limit, used) = (desired.whole(setting)?, used[measure as usize]?);
            let shrinks = held.whole(setting).is_none_or(|held| limit < held);
            if !shrinks || limit >= used {
                return None;
            }
            let enough = measure.shown(measure.rounded_up(used));
            let message = format!(
                "{} would be less than the {enough} in use",
                measure.shown(limit)
            );
            let remedy = format!("State at least {enough}, or free some first");
            let rule = &registry::LIMIT_BELOW_USE;
            Some(Refusal::new(rule, setting, message, remedy))
        })
}
