//! Looking up the context of a remote object: its parents, its children, and the reports about it.

use std::{collections::BTreeMap, sync::Arc};

use kube::ResourceExt;

use super::{
    Managed, Named, PlatformView, ResourceRef, Survey, below::customers_below,
    declared::resource_ref, inherited, stand_in::note_referrers,
};
use crate::{
    api::{Kind, plan::ServiceLevel},
    estate::{Consumption, Object, ObjectId, Settings},
    inventory::Inventory,
    planner::{self, Around, PlanName},
};

/// The context of a resource's remote object.
pub fn around<K: Managed>(
    survey: &Survey,
    resource: &K,
    site: &PlatformView,
    object: Option<&Arc<Object>>,
) -> Around {
    let Some(object) = object else {
        return Around::default();
    };
    let inventory = site.inventory();
    let account = inventory
        .surroundings()
        .map(|surroundings| surroundings.capabilities.account.id.clone())
        .unwrap_or_default();
    let list = |kind: Kind| {
        inventory
            .children(kind, &object.id)
            .cloned()
            .collect::<Vec<_>>()
    };
    let mut around = Around {
        parent: parent(survey, resource, &inventory, &account, object),
        ..Around::default()
    };
    match object.kind {
        Kind::Customer => around.children = list(Kind::Tenant),
        Kind::Reseller | Kind::ServicePlan if object.id.as_str().is_empty() => {
            note_referrers(survey, resource, &inventory, &mut around);
        }
        Kind::Reseller => {
            (around.children, around.resellers) = (list(Kind::Customer), list(Kind::Reseller));
        }
        Kind::ServicePlan => {
            around.children = inventory.referring_to_plan(&object.id).cloned().collect();
        }
        Kind::Tenant => {}
    }
    let tenants = if object.kind == Kind::Tenant {
        std::slice::from_ref(object)
    } else {
        around.children.as_slice()
    };
    let surroundings = inventory.surroundings();
    let knows_tenants = surroundings.is_none_or(|around| around.capabilities.knows(Kind::Tenant));
    if object.kind == Kind::Customer && !knows_tenants {
        around.promised = promised(survey, resource);
    }
    if matches!(object.kind, Kind::Customer | Kind::Tenant) {
        around.plans = plans(survey, resource, &inventory, &account, tenants);
        around.kept_plans = kept_plans(survey, &account, tenants);
    }
    let keeps_quotas = surroundings.is_some_and(|around| around.capabilities.leaves_quotas_to_us());
    if object.kind == Kind::Tenant && keeps_quotas {
        let spec = resource.spec_document().ok();
        around.quota = spec.and_then(|spec| Settings::from_document(Kind::Tenant, &spec).ok());
    }
    around.levels = inherited::levels(survey, resource, site, &inventory, Some(object));
    let below = if object.kind == Kind::Reseller {
        customers_below(survey, resource, &inventory, object)
    } else {
        Vec::new()
    };
    drop(inventory);
    report(site, object, &mut around);
    around
        .usage
        .extend(usage_of(survey, site, &account, &below));
    around
}

/// The name of the resource above; the remote object's own where no resource manages it.
fn parent<K: Managed>(
    survey: &Survey,
    resource: &K,
    inventory: &Inventory,
    account: &str,
    object: &Object,
) -> Option<String> {
    if let Some((_, reference)) = resource.parent_ref() {
        return Some(reference.name.clone());
    }
    let kind = if object.kind == Kind::Tenant {
        Kind::Customer
    } else {
        Kind::Reseller
    };
    let id = object.parent()?;
    let holder = survey
        .index
        .by_id(account, kind, &id)
        .map(|holder| holder.name);
    holder.or_else(|| inventory.get(kind, &id).map(|parent| parent.name.clone()))
}

/// The plans of tenants, by the names of their resources where there are such.
fn plans<K: Managed>(
    survey: &Survey,
    resource: &K,
    inventory: &Inventory,
    account: &str,
    tenants: &[Arc<Object>],
) -> BTreeMap<ObjectId, PlanName> {
    let namespace = resource.namespace().unwrap_or_default();
    let mut plans = BTreeMap::new();
    for id in tenants
        .iter()
        .filter_map(|tenant| tenant.settings.text("planId"))
        .map(ObjectId::new)
    {
        let holder = survey
            .index
            .by_id(account, Kind::ServicePlan, &id)
            .filter(|holder| holder.namespace == namespace);
        let plan = match holder {
            Some(holder) => {
                let stored = survey.stores.plans.get(&namespace, &holder.name);
                PlanName {
                    name: holder.name,
                    service_level: stored.and_then(|plan| plan.spec.service_level.clone()),
                }
            }
            None => PlanName {
                name: inventory
                    .get(Kind::ServicePlan, &id)
                    .map(|plan| plan.name.clone())
                    .unwrap_or_default(),
                service_level: None,
            },
        };
        plans.insert(id, plan);
    }
    plans
}

/// The service levels of the plans that a customer's tenants name.
fn promised<K: Managed>(survey: &Survey, customer: &K) -> Vec<ServiceLevel> {
    let referrers = survey
        .referrers
        .of(&Named::Resource(resource_ref(customer)));
    let tenants = referrers
        .iter()
        .filter(|referrer| referrer.kind == Kind::Tenant);
    let level = |tenant: &ResourceRef| {
        let stores = &survey.stores;
        let tenant = stores.tenants.get(&tenant.namespace, &tenant.name)?;
        let plan = tenant.spec.service_plan_ref.as_ref()?;
        let plan = stores.plans.get(&tenant.namespace()?, &plan.name)?;
        plan.spec.service_level.clone()
    };
    tenants.filter_map(level).collect()
}

/// The plans that the resources of tenants name, where the tenants on the platform have none.
fn kept_plans(
    survey: &Survey,
    account: &str,
    tenants: &[Arc<Object>],
) -> BTreeMap<ObjectId, PlanName> {
    let plan = |tenant: &Arc<Object>| {
        let holder = survey.index.by_id(account, Kind::Tenant, &tenant.id)?;
        let resource = survey.stores.tenants.get(&holder.namespace, &holder.name)?;
        let name = resource.spec.service_plan_ref.as_ref()?.name.clone();
        let plan = survey.stores.plans.get(&holder.namespace, &name)?;
        let service_level = plan.spec.service_level.clone();
        let plan = PlanName {
            name,
            service_level,
        };
        Some((tenant.id.clone(), plan))
    };
    let without = tenants
        .iter()
        .filter(|tenant| tenant.settings.text("planId").is_none());
    without.filter_map(plan).collect()
}

/// What the customers below a reseller use, with the months that their status still has. One that the newest report leaves out
/// counts with what its status says. Where that says nothing either, it uses nothing if the report could be read whole, since some
/// platforms leave out who uses nothing; otherwise the sum isn't known, and there is none of it.
fn usage_of(
    survey: &Survey,
    site: &PlatformView,
    account: &str,
    below: &[ObjectId],
) -> Vec<Arc<Consumption>> {
    let reports = site.reports();
    let row = |id: &ObjectId| reports.usage.get(&(id.clone(), None));
    let keeps_months = below
        .iter()
        .filter_map(row)
        .any(|row| !row.months.is_empty());
    let of = |id: &ObjectId| {
        let holder = survey.index.by_id(account, Kind::Customer, id);
        let customers = &survey.stores.customers;
        let customer = holder.and_then(|holder| customers.get(&holder.namespace, &holder.name));
        let known = customer
            .as_ref()
            .and_then(|customer| customer.status.as_ref()?.usage.as_ref());
        let row = match row(id) {
            Some(row) => planner::remembering(row, known),
            None => planner::last_known(id, known?, keeps_months)?,
        };
        Some(Arc::new(row))
    };
    let rows: Vec<_> = below.iter().filter_map(of).collect();
    let is_whole = reports.unread[0].count() == 0;
    if rows.len() < below.len() && !is_whole {
        return Vec::new();
    }
    rows
}

fn report(site: &PlatformView, object: &Object, around: &mut Around) {
    let reports = site.reports();
    around.usage_as_of = reports.usage_as_of;
    around.health_as_of = reports.health_as_of;
    around.health_seen = reports.health_seen;
    let usage = |customer: &ObjectId, tenant: Option<&ObjectId>| {
        reports
            .usage
            .get(&(customer.clone(), tenant.cloned()))
            .cloned()
    };
    let health = |customer: &ObjectId| reports.health.get(customer).cloned().unwrap_or_default();
    match object.kind {
        Kind::Customer => {
            around.usage = usage(&object.id, None).into_iter().collect();
            around.health = health(&object.id);
        }
        Kind::Tenant => {
            let Some(customer) = object.parent() else {
                return;
            };
            around.usage = usage(&customer, Some(&object.id)).into_iter().collect();
            around.health = health(&customer)
                .into_iter()
                .filter(|row| row.tenant_id.as_ref() == Some(&object.id))
                .collect();
        }
        Kind::Reseller | Kind::ServicePlan => {}
    }
}
