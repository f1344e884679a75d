//! Where the platform has no objects of a kind: the object that a resource's spec would make, and what refers to it in the
//! cluster.

use std::sync::Arc;

use super::{Managed, Named, ResourceRef, Survey, declared::resource_ref};
use crate::{
    api::Kind,
    estate::{Facts, Object, ObjectId, Protection, Settings},
    inventory::Inventory,
    planner::{self, Around},
};

/// The object that a spec would create. It has no id, since the platform has assigned none.
pub fn stand_in(kind: Kind, spec: &serde_json::Value) -> Object {
    let name = planner::remote_name(kind, spec).unwrap_or_default();
    // A spec that can't be read contributes nothing; the planner reports what is wrong with it.
    let mut settings = Settings::from_document(kind, spec).unwrap_or_default();
    if kind == Kind::Reseller && settings.text("level").is_none() {
        settings.set(kind, "level", "Reseller".into());
    }
    Object {
        kind,
        id: ObjectId::new(""),
        name: name.to_owned(),
        claim: None,
        etag: None,
        protection: Protection::None,
        created_at: None,
        unreadable: None,
        settings,
        facts: Facts::default(),
    }
}

/// Notes what refers to a resource instead of what is below its object.
pub fn note_referrers<K: Managed>(
    survey: &Survey,
    resource: &K,
    inventory: &Inventory,
    around: &mut Around,
) {
    let this = resource_ref(resource);
    for referrer in survey.referrers.of(&Named::Resource(this)) {
        match referrer.kind {
            Kind::Customer => {
                let held = survey.index.held_by(&referrer);
                let object = held.and_then(|id| inventory.get(Kind::Customer, &id));
                around.children.extend(object.cloned());
            }
            Kind::Reseller => {
                let below = survey
                    .stores
                    .resellers
                    .get(&referrer.namespace, &referrer.name);
                let spec = below.and_then(|below| below.spec_document().ok());
                let object = spec.map(|spec| Arc::new(stand_in(Kind::Reseller, &spec)));
                around.resellers.extend(object);
            }
            Kind::Tenant => around.children.extend(tenant(survey, &referrer, inventory)),
            Kind::ServicePlan => {}
        }
    }
}

/// A tenant's object; on a platform without tenants, the one that its spec would make.
fn tenant(survey: &Survey, tenant: &ResourceRef, inventory: &Inventory) -> Option<Arc<Object>> {
    let surroundings = inventory.surroundings();
    if surroundings.is_none_or(|around| around.capabilities.knows(Kind::Tenant)) {
        let held = survey.index.held_by(tenant)?;
        return inventory.get(Kind::Tenant, &held).cloned();
    }
    let resource = survey.stores.tenants.get(&tenant.namespace, &tenant.name)?;
    let spec = resource.spec_document().ok()?;
    Some(Arc::new(stand_in(Kind::Tenant, &spec)))
}
