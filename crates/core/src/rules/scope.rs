//! What may be written where.

use crate::{
    api::Kind,
    estate::{Capabilities, Capability, Difference},
};

/// Splits differences into those that may be written and those that only a person at the console can make. Serves R-N12.
pub fn writable(
    capabilities: &Capabilities,
    kind: Kind,
    differing: Vec<Difference>,
) -> (Vec<Difference>, Vec<Difference>) {
    differing.into_iter().partition(|difference| {
        let needed = match (kind, difference.field) {
            (kind, "active") => Capability::suspend(kind),
            (Kind::Customer, "resellerId") => Some(Capability::MoveCustomer),
            (Kind::Reseller, "parentId") => Some(Capability::MoveReseller),
            (kind, _) => Some(Capability::update(kind)),
        };
        needed.is_some_and(|capability| capabilities.can(capability))
    })
}
