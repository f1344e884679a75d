//! Looking up what the rules need to know of the objects around a resource.

use std::sync::Arc;

use kube::ResourceExt;

use super::{
    Managed, Named, Observation, PlatformView, ResourceRef, Survey, inherited,
    quotas::QuotaDecision, resource_ref,
};
use crate::{
    api::{Kind, ManagedKind},
    estate::{Object, ObjectId},
    inventory::Inventory,
    planner::{self, Neighbours, Reference},
    rules::{self, quota::Measure},
};

/// Levels that a chain of parents may have.
const DEPTH: usize = 16;

/// The surroundings of a resource, with the ledger's decision.
pub fn neighbours<K: Managed>(
    survey: &Survey,
    object: &K,
    site: &PlatformView,
    observation: &Observation,
    decision: QuotaDecision,
) -> Neighbours {
    let remote = planner::remote_object(&observation.declared, &observation.remote);
    let inventory = site.inventory();
    let referred = |field: &str| match observation.references.get(field) {
        Some((_, Reference::Found { id: Some(id), .. })) => Some(id.clone()),
        _ => None,
    };
    let parent = object
        .references()
        .into_iter()
        .find(|(_, kind, _)| *kind != Kind::ServicePlan)
        .and_then(|(field, _, _)| referred(field));
    let dependents = dependents(survey, observation, &inventory);
    let mut neighbours = Neighbours {
        above: above(&inventory, parent),
        below: remote.map_or_else(Vec::new, |object| below(&inventory, object)),
        dependents: dependents.iter().map(|(name, _)| name.clone()).collect(),
        facets: u32::try_from(dependents.iter().filter(|(_, facet)| *facet).count())
            .unwrap_or(u32::MAX),
        plan: referred("servicePlanRef")
            .and_then(|id| inventory.get(Kind::ServicePlan, &id).cloned()),
        customer: referred("customerRef")
            .and_then(|id| inventory.get(Kind::Customer, &id).cloned()),
        circle: circle(survey, object),
        shortages: decision.shortages,
        granted_below: decision.granted_below,
        used: [None; 4],
        requirements: Vec::new(),
    };
    if K::KIND == Kind::Customer {
        let levels = inherited::levels(survey, object, site, &inventory, remote);
        neighbours.requirements = rules::requirements(&levels);
    }
    drop(inventory);
    if let Some(customer) = remote.filter(|_| K::KIND == Kind::Customer) {
        let usage = site.reports();
        let usage = usage.usage.get(&(customer.id.clone(), None));
        let stored = usage.map(|usage| usage.storage_bytes);
        neighbours.used = [stored, None, customer.facts.clients.map(u64::from), None];
    }
    if let Some(tenant) = remote.filter(|_| K::KIND == Kind::Tenant)
        && let Some(customer) = tenant.parent()
    {
        let reports = site.reports();
        let usage = reports.usage.get(&(customer, Some(tenant.id.clone())));
        neighbours.used[Measure::Credits as usize] = usage
            .and_then(|usage| u64::try_from(planner::credits(usage.credits?).milli().ok()?).ok());
    }
    neighbours
}

/// The chain of resellers from an id on upwards.
fn above(inventory: &Inventory, start: Option<ObjectId>) -> Vec<Arc<Object>> {
    let mut chain = Vec::new();
    let mut next = start;
    while let Some(object) = next
        .take()
        .and_then(|id| inventory.get(Kind::Reseller, &id))
        .filter(|_| chain.len() < DEPTH)
    {
        chain.push(object.clone());
        next = object.parent();
    }
    chain
}

/// What depends on an object.
fn below(inventory: &Inventory, object: &Object) -> Vec<Arc<Object>> {
    let children = |kind| inventory.children(kind, &object.id).cloned();
    match object.kind {
        Kind::Reseller => children(Kind::Reseller)
            .chain(children(Kind::Customer))
            .collect(),
        Kind::ServicePlan => inventory.referring_to_plan(&object.id).cloned().collect(),
        Kind::Customer | Kind::Tenant => Vec::new(),
    }
}

/// Resources below a reseller that are being deleted and find their platform through it. In a circle of parents none waits:
/// each would wait for the other.
pub fn deleting_below<K: Managed>(survey: &Survey, object: &K) -> Vec<String> {
    if K::KIND != Kind::Reseller
        || object.meta().deletion_timestamp.is_none()
        || circle(survey, object).is_some()
    {
        return Vec::new();
    }
    let this = Named::Resource(resource_ref(object));
    let below = survey.referrers.of(&this).into_iter();
    let deleting = below.filter(|resource| survey.stores.is_being_deleted(resource));
    deleting.map(|resource| resource.to_string()).collect()
}

/// Which resources below a resource that is being deleted still hold something on the platform, and whether that is a facet of
/// another object.
fn dependents(
    survey: &Survey,
    observation: &Observation,
    inventory: &Inventory,
) -> Vec<(String, bool)> {
    let declared = &observation.declared;
    if !declared.deleting {
        return Vec::new();
    }
    let this = ResourceRef {
        kind: declared.kind,
        namespace: declared.namespace.clone(),
        name: declared.name.clone(),
    };
    let referrers = survey.referrers.of(&Named::Resource(this));
    let is_facet = |kind, id: &ObjectId| {
        let object = inventory.get(kind, id);
        object.is_some_and(|object| object.facts.facet)
    };
    let mut holding: Vec<(String, bool)> = referrers
        .iter()
        .filter_map(|referrer| {
            let held = survey.index.held_by(referrer)?;
            let name = format!("{} {}", referrer.kind.as_str(), referrer.name);
            Some((name, is_facet(referrer.kind, &held)))
        })
        .collect();
    holding.sort_unstable();
    holding
}

/// The circle that the parents of a reseller form, if they do.
fn circle<K: Managed>(survey: &Survey, object: &K) -> Option<String> {
    if K::KIND != Kind::Reseller {
        return None;
    }
    let namespace = object.namespace().unwrap_or_default();
    let start = object.name_any();
    let mut names = vec![start.clone()];
    let mut next = object
        .parent_ref()
        .map(|(_, reference)| reference.name.clone());
    while let Some(name) = next.filter(|_| names.len() <= DEPTH) {
        names.push(name.clone());
        if name == start {
            return Some(names.join(" > "));
        }
        let above = survey.stores.resellers.get(&namespace, &name)?;
        next = above
            .parent_ref()
            .map(|(_, reference)| reference.name.clone());
    }
    None
}
