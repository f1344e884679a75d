//! Tenants: what is asked for, and whether Druva takes it.

use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::{Map, Value, json};

use super::{
    body::{Body, needed},
    customers,
    dialect::Dialect,
    effects,
    extra::{Extra, Feature, Phase},
    features::{self, product_name},
    refusal::{refuse, ruled_out},
    rules::{self, Wanted},
    tasks::{Order, Work},
    view::{Views, tenant_status, tenant_type},
};
use crate::{
    Kind,
    changes::Change,
    documents,
    item::{Item, Protection},
    problem::{Problem, Slug},
    rows,
};

type Result<T> = std::result::Result<T, Problem>;

/// The tenant of a customer with ids of Druva's.
pub(super) fn find(
    connection: &Connection,
    dialect: &Dialect,
    (customer, tenant): (&str, &str),
    status: u16,
) -> Result<(Item, Item)> {
    let customer = customers::find(connection, dialect, customer, status)?;
    let found = dialect
        .ids
        .tenant_of(tenant)
        .map(|id| rows::get(connection, Kind::Tenant, &id))
        .transpose()?
        .flatten()
        .filter(|tenant| tenant.text("customerId") == Some(&customer.id));
    let found = found.ok_or_else(|| refuse(status, format!("there is no tenant {tenant}")))?;
    Ok((customer, found))
}

/// What a creation asks for: the tenant appears at once, and is ready when its task has ended.
/// Source: Druva OpenAPI, `CreateTenantV3`.
pub(super) fn create(
    change: &Change<'_>,
    dialect: &Dialect,
    customer: &str,
    body: &Body,
) -> Result<Order> {
    let customer = customers::find(change.connection, dialect, customer, 400)?;
    customers::writable(&customer)?;
    let product = needed("productID", body.whole("productID"))?;
    let product = product_name(product).ok_or_else(|| refuse(422, "there is no such productID"))?;
    needed("servicePlanID", body.whole("servicePlanID"))?;
    needed("tenantType", body.whole("tenantType"))?;
    needed("licenseExpiryDate", body.moment("licenseExpiryDate"))?;
    needed("storageRegions", body.objects("storageRegions"))?;
    let listed = needed("features", body.objects("features"))?;
    let listed = listed
        .iter()
        .map(Body::feature)
        .collect::<Result<Vec<_>>>()?;
    let views = Views::new(change.connection, &dialect.ids)?;
    let mut settings = settings(change, body, 422)?;
    settings.insert("customerId".into(), json!(customer.id));
    settings.insert("product".into(), json!(product));
    let plan = plan_of(&views, &settings)?;
    settings.insert("workloads".into(), workloads(plan, product, &listed));
    let mut item = Item::new(Kind::Tenant, settings, change.now);
    rules::check(&Wanted {
        before: None,
        tenant: &item,
        plan,
        customer: &customer,
        features: &listed,
        now: change.now,
    })
    .map_err(ruled_out(422))?;
    *item.state.druva = Extra {
        phase: Some(Phase::Pending),
        features: listed,
        ..Extra::default()
    };
    match change.whole(|| change.add(item)) {
        Ok(tenant) => Ok(Order::new(
            &customer.id,
            Some(&tenant.id),
            Work::CreateTenant,
        )),
        Err(problem) if problem.slug == Slug::Conflict => {
            Ok(Order::doomed("tenantCreate", &customer.id, &problem))
        }
        Err(problem) => Err(ruled_out(422)(problem)),
    }
}

/// What a change asks for; it takes effect when its task ends. Source: Druva OpenAPI, `PatchTenant`.
pub(super) fn update(
    change: &Change<'_>,
    dialect: &Dialect,
    ids: (&str, &str),
    body: &Body,
) -> Result<Order> {
    let (customer, tenant) = find(change.connection, dialect, ids, 400)?;
    at_rest(&tenant)?;
    if body.has("productID") {
        return Err(refuse(400, "productID doesn't change"));
    }
    let views = Views::new(change.connection, &dialect.ids)?;
    let mut patch = settings(change, body, 400)?;
    let product = tenant.text("product").unwrap_or_default();
    let mut after = tenant.clone();
    documents::merge(&mut after.settings, &patch);
    let plan = plan_of(&views, &after.settings)?;
    let listed = merged(remaining(&views, &tenant, plan, product), body)?;
    // A sandbox keeps its workloads; its numbers of users stay with the features.
    let counted = tenant.protection != Protection::Sandbox;
    if counted && (body.has("features") || body.has("servicePlanID")) {
        patch.insert("workloads".into(), workloads(plan, product, &listed));
    }
    rules::check(&Wanted {
        before: Some(&tenant),
        tenant: &after,
        plan,
        customer: &customer,
        features: &listed,
        now: change.now,
    })
    .map_err(ruled_out(400))?;
    let extra = Extra {
        features: listed,
        ..Extra::default()
    };
    change
        .rehearse(|| effects::update_tenant(change, &tenant.id, &patch, &extra))
        .map_err(ruled_out(400))?;
    let order = Order::new(
        &customer.id,
        Some(&tenant.id),
        Work::UpdateTenant { patch, extra },
    );
    effects::mark_updating(change, tenant)?;
    Ok(order)
}

/// Switches a tenant off or on. A repeat changes nothing. Source: Druva OpenAPI, `SuspendTenant`, `UnsuspendTenant`.
pub(super) fn switch(
    change: &Change<'_>,
    dialect: &Dialect,
    ids: (&str, &str),
    active: bool,
) -> Result<Order> {
    let (customer, tenant) = find(change.connection, dialect, ids, 400)?;
    at_rest(&tenant)?;
    if tenant.protection == Protection::Sandbox {
        return Err(refuse(
            400,
            "a sandbox tenant is neither suspended nor activated",
        ));
    }
    let order = Order::new(&customer.id, Some(&tenant.id), Work::Switch { active });
    effects::mark_updating(change, tenant)?;
    Ok(order)
}

/// Refuses to write a tenant that something else is being done to.
fn at_rest(tenant: &Item) -> Result<()> {
    match tenant_status(tenant) {
        1 | 2 => Ok(()),
        status => Err(refuse(400, format!("the tenant's status is {status}"))),
    }
}

/// What a body says, as the estate's settings.
fn settings(change: &Change<'_>, body: &Body, status: u16) -> Result<Map<String, Value>> {
    let mut settings = Map::new();
    if let Some(plan) = body.whole("servicePlanID")? {
        let known = rows::get(change.connection, Kind::Plan, &plan.to_string())?;
        let plan = known.ok_or_else(|| refuse(status, "there is no such servicePlanID"))?;
        settings.insert("planId".into(), json!(plan.id));
    }
    if let Some(kind) = body.whole("tenantType")? {
        let name = match kind {
            1 => "Sandbox",
            2 => "Evaluation",
            3 => "Commercial",
            _ => return Err(refuse(status, "there is no such tenantType")),
        };
        settings.insert("type".into(), json!(name));
    }
    if let Some(regions) = body.objects("storageRegions")? {
        let names = regions.iter().map(|region| rules::region(region, status));
        settings.insert("storageRegions".into(), names.collect::<Result<_>>()?);
    }
    if let Some(at) = body.moment("licenseExpiryDate")? {
        settings.insert("licenceExpiresAt".into(), json!(at));
    }
    let mut quota = Map::new();
    if let Some(credits) = body.number("quota")? {
        quota.insert("credits".into(), json!(credits));
    }
    for (member, setting) in [
        ("quotaStartDate", "effectiveAt"),
        ("quotaEndDate", "endsAt"),
    ] {
        if let Some(at) = body.moment(member)? {
            quota.insert(setting.into(), json!(at));
        }
    }
    if !quota.is_empty() {
        settings.insert("quota".into(), Value::Object(quota));
    }
    Ok(settings)
}

fn plan_of<'a>(views: &'a Views<'_>, settings: &Map<String, Value>) -> Result<&'a Item> {
    let id = settings.get("planId").and_then(Value::as_str);
    id.and_then(|id| views.plan(id))
        .ok_or_else(|| refuse(400, "servicePlanID is missing"))
}

/// The features that a tenant keeps under a plan: what only the earlier plan switched on goes with it.
fn remaining(views: &Views<'_>, tenant: &Item, plan: &Item, product: &str) -> Vec<Feature> {
    let earlier = views.plan(tenant.text("planId").unwrap_or_default());
    let forced = features::forced(plan, product);
    let mut kept = Views::features(tenant, earlier, product);
    kept.retain(|feature| match features::named(&feature.name) {
        Some(kind) if kind.of_plan => forced.contains(&kind),
        _ => true,
    });
    kept
}

/// The features as they will be: those that the body names, over those that there are.
fn merged(mut after: Vec<Feature>, body: &Body) -> Result<Vec<Feature>> {
    for entry in body.objects("features")?.unwrap_or_default() {
        let feature = entry.feature()?;
        let enabled = entry.0.get("isEnabled").and_then(Value::as_bool);
        let enabled = enabled.ok_or_else(|| refuse(400, "features.isEnabled is missing"))?;
        after.retain(|known| known.name != feature.name);
        if enabled {
            after.push(feature);
        }
    }
    Ok(after)
}

/// The estate's workloads with the numbers of users that features carry; none where nothing is counted.
fn workloads(plan: &Item, product: &str, listed: &[Feature]) -> Value {
    let forced = features::forced(plan, product);
    let entry = |feature: &Feature| {
        let kind = forced.iter().find(|kind| kind.name == feature.name)?;
        let count = |name: &str| {
            let found = feature
                .attrs
                .iter()
                .find(|attribute| attribute.name == name);
            found.map(|attribute| attribute.value)
        };
        let mut entry = json!({"name": kind.workload?});
        for (member, name) in [
            ("users", "userCount"),
            ("preservedUsers", "preservedUserCount"),
        ] {
            if let Some(count) = count(name) {
                entry[member] = json!(count);
            }
        }
        Some(entry)
    };
    listed.iter().filter_map(entry).collect()
}

/// Marks a tenant for deletion, as a person at the console does.
pub(super) fn mark_deleted(change: &Change<'_>, tenant: Item, at: Timestamp) -> Result<Item> {
    if tenant_type(&tenant) == 1 {
        return Err(refuse(400, "a sandbox tenant isn't deleted"));
    }
    effects::touch(change, tenant, |extra| {
        extra.phase = Some(Phase::Deleted);
        extra.delete_date = Some(at);
    })
}
