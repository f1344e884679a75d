//! Tenants in the platform's format: complete when new, afterwards the changes.

use jiff::{Timestamp, ToSpan, tz::TimeZone};
use serde_json::{Map, Value};

use super::{
    document::{clears, instant, irremovable, stated, text},
    features, invalid,
    sent::{ChangedTenant, NewTenant, date},
    wire::{ProductRegions, Region, ServicePlan, Tenant},
    words,
};
use crate::{
    api::{Instant, Moment},
    {Problem, ProblemKind},
};

const LICENCE: &str = "licenceExpiresAt";
const REGIONS: &str = "storageRegions";
const CREDITS: &str = "quota.credits";

/// The plan that a document names.
///
/// # Errors
/// An id that no plan of this platform can have.
pub(super) fn plan_id(document: &Map<String, Value>) -> Result<Option<i64>, Problem> {
    if clears(document, "planId") {
        return Err(irremovable("planId"));
    }
    let Some(id) = text(document, "planId") else {
        return Ok(None);
    };
    let id = id.parse().ok().filter(|id| *id >= 0);
    let wrong = || invalid(Some("planId"), "isn't the id of a plan on this platform");
    id.map(Some).ok_or_else(wrong)
}

/// The product that a document names.
///
/// # Errors
/// None, or another platform's.
pub(super) fn product_id(document: &Map<String, Value>) -> Result<i64, Problem> {
    let word = text(document, "product").unwrap_or_default();
    words::product_id(word)
        .ok_or_else(|| invalid(Some("product"), "the platform has no such product"))
}

/// The names of the regions that a document states.
pub(super) fn regions(document: &Map<String, Value>) -> Vec<&str> {
    let names = stated(document, REGIONS).and_then(Value::as_array);
    names
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// A new tenant. Source: Druva OpenAPI, `CreateTenantV3Request`.
///
/// # Errors
/// A required value that the document doesn't state, or one that the platform doesn't accept.
pub(super) fn created(
    document: &Map<String, Value>,
    plan: &ServicePlan,
    known: &[ProductRegions],
    now: Timestamp,
) -> Result<NewTenant, Problem> {
    let product = product_id(document)?;
    let expires = instant(document, LICENCE)?;
    let expires = expires.ok_or_else(|| needed(LICENCE, "when the licence expires"))?;
    check_licence(product, &expires, now)?;
    let names = regions(document);
    if names.is_empty() {
        return Err(needed(REGIONS, "at least one storage region"));
    }
    let kind = tenant_type(document)?;
    Ok(NewTenant {
        product_id: product,
        service_plan_id: plan.id,
        tenant_type: kind.ok_or_else(|| needed("type", "Evaluation or Commercial"))?,
        license_expiry_date: date(&expires),
        storage_regions: grown(&[], &names, product, known)?.unwrap_or_default(),
        features: features::of_new_tenant(plan, product, stated(document, "workloads"))?,
        quota: credits(document)?,
        quota_start_date: instant(document, "quota.effectiveAt")?.as_ref().map(date),
        quota_end_date: instant(document, "quota.endsAt")?.as_ref().map(date),
    })
}

/// The changes of a tenant. Source: Druva OpenAPI, `PatchTenantRequest`.
///
/// # Errors
/// A value that the platform can't change or revert.
pub(super) fn changed(
    held: &Tenant,
    patch: &Map<String, Value>,
    plan: Option<&ServicePlan>,
    known: &[ProductRegions],
    now: Timestamp,
) -> Result<ChangedTenant, Problem> {
    check_fixed(held, patch)?;
    let expires = instant(patch, LICENCE)?;
    if let Some(expires) = &expires {
        check_licence(held.product_id, expires, now)?;
    }
    let moved = plan_id(patch)?.filter(|id| Some(*id) != held.service_plan_id);
    let workloads = stated(patch, "workloads");
    let features = if moved.is_some() || workloads.is_some() {
        Some(features::of_changed_tenant(held, plan, workloads)?)
    } else {
        None
    };
    let kind = tenant_type(patch)?.filter(|kind| Some(*kind) != held.kind);
    Ok(ChangedTenant {
        license_expiry_date: expires.as_ref().map(date),
        quota: credits(patch)?,
        quota_start_date: instant(patch, "quota.effectiveAt")?.as_ref().map(date),
        quota_end_date: instant(patch, "quota.endsAt")?.as_ref().map(date),
        service_plan_id: moved,
        tenant_type: kind,
        storage_regions: grown(
            &held.storage_regions,
            &regions(patch),
            held.product_id,
            known,
        )?,
        features,
    })
}

/// Customer and product of a tenant can't change.
fn check_fixed(held: &Tenant, patch: &Map<String, Value>) -> Result<(), Problem> {
    let product = words::product(held.product_id);
    for (path, is) in [("customerId", &held.customer_id), ("product", &product)] {
        if stated(patch, path).is_some() && text(patch, path) != Some(is) {
            let detail = "is fixed on this platform once the tenant exists";
            return Err(invalid(Some(path), detail));
        }
    }
    if stated(patch, "active").is_some() {
        return Err(Problem {
            field: Some("active".to_owned()),
            ..Problem::unsupported(
                "a tenant is suspended or activated separately, not together with other changes",
            )
        });
    }
    Ok(())
}

fn tenant_type(document: &Map<String, Value>) -> Result<Option<i64>, Problem> {
    if clears(document, "type") {
        return Err(irremovable("type"));
    }
    let Some(word) = text(document, "type") else {
        return Ok(None);
    };
    let detail = "the platform accepts Evaluation or Commercial, and creates the sandbox itself";
    let kind = words::tenant_type_id(word);
    kind.map(Some).ok_or_else(|| invalid(Some("type"), detail))
}

/// Source: Druva OpenAPI, `CreateTenantV3`: eight years for product 1, three for product 2.
fn check_licence(product: i64, expires: &Instant, now: Timestamp) -> Result<(), Problem> {
    let Some(years) = words::longest_licence(product) else {
        return Ok(());
    };
    let now = now.to_zoned(TimeZone::UTC);
    let Ok(latest) = now.checked_add(years.years()) else {
        return Ok(());
    };
    if expires.moment() <= Some(Moment::At(latest.timestamp())) {
        return Ok(());
    }
    let product = words::product(product);
    let detail = format!("a licence for {product} runs for at most {years} years on this platform");
    Err(invalid(Some(LICENCE), detail))
}

fn credits(document: &Map<String, Value>) -> Result<Option<f64>, Problem> {
    match stated(document, CREDITS) {
        None => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or_else(|| irremovable(CREDITS)),
    }
}

/// The regions with the added ones; `None` when none is added. All are sent, since whether the call expects the whole set or
/// the additions isn't documented, and none can be removed either way.
fn grown(
    held: &[Region],
    names: &[&str],
    product: i64,
    known: &[ProductRegions],
) -> Result<Option<Vec<Region>>, Problem> {
    let mut regions = held.to_vec();
    for name in names {
        if regions
            .iter()
            .any(|region| region.name.eq_ignore_ascii_case(name))
        {
            continue;
        }
        let region = region(name, product, known);
        regions.push(region.cloned().ok_or_else(|| {
            let has = of_product(product, known).map(|region| &*region.name);
            let has = has.collect::<Vec<_>>().join(", ");
            let product = words::product(product);
            let detail =
                format!("{name:?} isn't a region of the account for {product}; it has {has}");
            invalid(Some(REGIONS), detail)
        })?);
    }
    Ok((regions.len() > held.len()).then_some(regions))
}

/// A region of the account by name.
pub(super) fn region<'a>(
    name: &str,
    product: i64,
    known: &'a [ProductRegions],
) -> Option<&'a Region> {
    of_product(product, known).find(|region| region.name.eq_ignore_ascii_case(name))
}

fn of_product(product: i64, known: &[ProductRegions]) -> impl Iterator<Item = &Region> {
    let entries = known
        .iter()
        .filter(move |entry| entry.product_id == product);
    entries.flat_map(|entry| &entry.regions)
}

fn needed(path: &str, what: &str) -> Problem {
    Problem {
        kind: ProblemKind::Invalid,
        remedy: Some("State it".to_owned()),
        ..invalid(Some(path), format!("the platform requires {what}"))
    }
}
