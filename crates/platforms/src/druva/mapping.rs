//! The platform's records as objects of ours.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    known::Holdings,
    lenient::as_whole,
    quotas::limits,
    sent::date,
    wire::{Admin, Customer, Feature, ProductRegions, Quota, ServicePlan, Tenant},
    words,
};
use crate::{
    api::Kind,
    estate::{
        Administrator, Facts, Object, ObjectId, Protection, Settings, StorageLocation, is_empty,
    },
    rows::Lost,
};

/// Settings of customers that every account stores.
pub(super) const CUSTOMER_FIELDS: [&str; 5] = [
    "name",
    "accountName",
    "profile.phone",
    "profile.address.text",
    "administrators",
];
/// Settings of tenants that the platform stores.
pub(super) const TENANT_FIELDS: [&str; 11] = [
    "customerId",
    "planId",
    "product",
    "type",
    "storageRegions",
    "workloads",
    "quota.credits",
    "quota.effectiveAt",
    "quota.endsAt",
    "licenceExpiresAt",
    "active",
];
/// Settings of plans that the platform shows.
pub(super) const PLAN_FIELDS: [&str; 2] = ["name", "products"];

/// Stands for an administrator that isn't in the platform's own list: a name that identifies the entry, in a domain that can't
/// exist.
const UNLISTED: &str = "@unlisted.invalid";

/// How an administrator is written in a customer's settings.
pub(super) fn administrator(id: i64, admins: &[Admin]) -> Value {
    let listed = admins.iter().find(|admin| admin.id == id);
    let Some((admin, email)) = listed.and_then(|admin| Some((admin, admin.email.as_ref()?))) else {
        return json!({"email": format!("id-{id}{UNLISTED}")});
    };
    match full_name(admin) {
        None => json!({"email": email}),
        Some(name) => json!({"email": email, "name": name}),
    }
}

/// The administrator that is written so.
pub(super) fn administrator_id(email: &str, admins: &[Admin]) -> Option<i64> {
    let email = email.trim();
    let is_meant = |admin: &&Admin| {
        let known = admin.email.as_deref();
        known.is_some_and(|known| known.eq_ignore_ascii_case(email))
    };
    let listed = admins.iter().find(is_meant).map(|admin| admin.id);
    listed.or_else(|| {
        email
            .strip_prefix("id-")?
            .strip_suffix(UNLISTED)?
            .parse()
            .ok()
    })
}

/// An administrator's name as one text.
pub(super) fn full_name(admin: &Admin) -> Option<String> {
    let parts = [&admin.first_name, &admin.last_name];
    let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// A customer. Its sandbox is recognised by its content, since no field says so.
///
/// # Errors
/// An id that can't be one.
pub(super) fn customer(
    customer: &Customer,
    admins: &[Admin],
    holdings: Holdings,
    quotas: &[Quota],
) -> Result<Object, Lost> {
    let ids = customer.tenant_admins.iter().flatten();
    let administrators: Vec<Value> = ids.map(|id| administrator(*id, admins)).collect();
    let document = json!({
        "name": customer.name,
        "accountName": customer.account_name,
        "profile": {"phone": customer.phone, "address": {"text": customer.address}},
        "administrators": administrators,
        "limits": limits(quotas),
    });
    let facts = Facts {
        tenants: holdings.tenants,
        busy: words::customer_busy(customer.status),
        ..Facts::default()
    };
    Ok(Object {
        protection: sandbox(holdings.sandbox),
        created_at: customer.created_on,
        facts,
        ..object(
            Kind::Customer,
            &customer.id,
            customer.name.as_deref().unwrap_or_default(),
            customer.odd.as_ref(),
            document,
        )?
    })
}

/// A tenant. A tenant of a type or product that isn't known here, and one that the vendor provisions itself, is left
/// unchanged.
///
/// # Errors
/// As for [`customer`].
pub(super) fn tenant(tenant: &Tenant) -> Result<Object, Lost> {
    let state = words::tenant_state(tenant.status, tenant.delete_date);
    let kind = words::tenant_type(tenant.kind);
    let product = words::product(tenant.product_id);
    let regions: Vec<&str> = tenant
        .storage_regions
        .iter()
        .map(|region| &*region.name)
        .collect();
    let document = json!({
        "customerId": tenant.customer_id,
        "planId": tenant.service_plan_id.filter(|id| *id >= 0).map(|id| id.to_string()),
        "product": product,
        "type": kind,
        "storageRegions": regions,
        "workloads": tenant.features.as_deref().map(workloads),
        "quota": {
            "credits": tenant.quota.map(credits),
            "effectiveAt": tenant.quota_start_date.as_ref().map(date),
            "endsAt": tenant.quota_end_date.as_ref().map(date),
        },
        "licenceExpiresAt": tenant.license_expiry_date.as_ref().map(date),
        "active": !matches!(state.phase, "Suspended" | "Deleting"),
    });
    let unknown = kind.is_none() || words::product_id(&product).is_none();
    let vendors_own = tenant.service_plan_id.is_some_and(|id| id < 0);
    let protection = if unknown || vendors_own {
        Protection::Foreign
    } else {
        sandbox(kind == Some("Sandbox"))
    };
    let facts = Facts {
        edition: tenant.edition.as_deref().map(words::edition),
        phase: Some(state.phase.to_owned()),
        busy: state.busy,
        ..Facts::default()
    };
    Ok(Object {
        protection,
        created_at: tenant.created_on,
        facts,
        ..object(
            Kind::Tenant,
            &tenant.id,
            &product,
            tenant.odd.as_ref(),
            document,
        )?
    })
}

/// A service plan.
///
/// # Errors
/// As for [`customer`].
pub(super) fn plan(plan: &ServicePlan, tenants: u32) -> Result<Object, Lost> {
    let products: Vec<Value> = plan
        .products
        .iter()
        .map(|product| {
            let offered = product.features.iter().filter(|feature| feature.is_enabled);
            let offered = offered.filter_map(|feature| words::workload_of(&feature.name));
            json!({
                "product": words::product(product.product_id),
                "edition": product.edition.as_deref().map(words::edition),
                "workloads": offered.map(|workload| workload.word).collect::<Vec<_>>(),
            })
        })
        .collect();
    let document = json!({"name": plan.name, "products": products});
    let facts = Facts {
        tenants,
        ..Facts::default()
    };
    Ok(Object {
        facts,
        ..object(
            Kind::ServicePlan,
            &plan.id.to_string(),
            &plan.name,
            plan.odd.as_ref(),
            document,
        )?
    })
}

fn workloads(features: &[Feature]) -> Vec<Value> {
    let known = features
        .iter()
        .filter_map(|feature| Some((feature, words::workload_of(&feature.name)?)));
    known
        .map(|(feature, workload)| {
            let count = |name: &str| {
                let mut attributes = feature.attrs.iter();
                let attribute = attributes.find(|attribute| attribute.name == name)?;
                as_whole(&attribute.value)
            };
            let mut entry = json!({"name": workload.word});
            for (member, attribute) in [
                ("users", words::USERS),
                ("preservedUsers", words::PRESERVED_USERS),
            ] {
                if let Some(count) = count(attribute) {
                    entry[member] = count.into();
                }
            }
            entry
        })
        .collect()
}

/// Credits to a thousandth, the precision of ours.
#[allow(
    clippy::cast_possible_truncation,
    reason = "credits stay far below 2^53"
)]
fn credits(quota: f64) -> Value {
    let rounded = (quota * 1000.0).round() / 1000.0;
    if rounded.fract() == 0.0 {
        (rounded as i64).into()
    } else {
        rounded.into()
    }
}

fn sandbox(is_sandbox: bool) -> Protection {
    if is_sandbox {
        Protection::Sandbox
    } else {
        Protection::None
    }
}

fn object(
    kind: Kind,
    id: &str,
    name: &str,
    odd: Option<&String>,
    mut document: Value,
) -> Result<Object, Lost> {
    if !crate::wire::is_usable_id(id) {
        return Err(Lost {
            id: None,
            why: format!("{id:?} can't be an id"),
        });
    }
    prune(&mut document);
    let (settings, odd_settings) = Settings::salvage(kind, &document);
    let odd_settings = odd_settings.iter().map(ToString::to_string);
    let odd: Vec<String> = odd.cloned().into_iter().chain(odd_settings).collect();
    Ok(Object {
        kind,
        id: ObjectId::new(id),
        name: name.to_owned(),
        claim: None,
        etag: None,
        protection: Protection::None,
        created_at: None::<Timestamp>,
        settings,
        facts: Facts::default(),
        unreadable: (!odd.is_empty()).then(|| odd.join("; ")),
    })
}

/// Removes empty entries.
fn prune(document: &mut Value) {
    match document {
        Value::Array(items) => items.iter_mut().for_each(prune),
        Value::Object(members) => {
            members.values_mut().for_each(prune);
            members.retain(|_, value| !is_empty(value));
        }
        _ => {}
    }
}

/// Every region, with the products that may use it.
pub(super) fn locations(regions: &[ProductRegions]) -> Vec<StorageLocation> {
    let mut locations: Vec<StorageLocation> = Vec::new();
    for (entry, region) in regions
        .iter()
        .flat_map(|entry| entry.regions.iter().map(move |region| (entry, region)))
    {
        let product = words::product(entry.product_id);
        match locations.iter_mut().find(|known| known.id == region.name) {
            Some(known) => known.products.push(product),
            None => locations.push(StorageLocation {
                id: region.name.clone(),
                name: region.name.clone(),
                countries: Vec::new(),
                products: vec![product],
            }),
        }
    }
    locations
}

/// The administrators of the account as a whole.
pub(super) fn administrators(admins: &[Admin]) -> Vec<Administrator> {
    let admins = admins
        .iter()
        .filter(|admin| words::administers_account(admin.role));
    admins
        .map(|admin| Administrator {
            id: admin.id.to_string(),
            active: admin.active,
        })
        .collect()
}
