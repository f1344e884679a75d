//! Who uses what was allotted to a reseller: the customers below it, also those below resellers further down.

use std::collections::BTreeSet;

use super::{Managed, Survey, declared::resource_ref};
use crate::{
    api::Kind,
    estate::{Object, ObjectId},
    inventory::Inventory,
};

/// The customers below a reseller, each once and in order. Where the platform has no resellers, those whose resources are below it
/// in the cluster.
pub fn customers_below<K: Managed>(
    survey: &Survey,
    reseller: &K,
    inventory: &Inventory,
    object: &Object,
) -> Vec<ObjectId> {
    let below: BTreeSet<ObjectId> = if object.id.as_str().is_empty() {
        let referrers = survey.referrers.all_of(&resource_ref(reseller));
        let customers = referrers
            .iter()
            .filter(|referrer| referrer.kind == Kind::Customer);
        customers
            .filter_map(|customer| survey.index.held_by(customer))
            .collect()
    } else {
        on_platform(inventory, object)
    };
    below.into_iter().collect()
}

/// By the platform's own chain. Resellers that a platform shows in a circle are gone through once. Customers that belong to the
/// platform itself or to another tool aren't counted; below a reseller of theirs may be some of ours.
fn on_platform(inventory: &Inventory, reseller: &Object) -> BTreeSet<ObjectId> {
    let (mut customers, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let mut next = vec![reseller.id.clone()];
    while let Some(id) = next.pop() {
        let ours = inventory
            .children(Kind::Customer, &id)
            .filter(|child| !child.is_anothers());
        customers.extend(ours.map(|child| child.id.clone()));
        let resellers = inventory.children(Kind::Reseller, &id);
        let resellers = resellers.map(|child| child.id.clone());
        next.extend(resellers.filter(|child| seen.insert(child.clone())));
    }
    customers
}
