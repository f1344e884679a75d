//! What Druva says about tenants. Source: Druva OpenAPI, `CreateTenantV3` and `PatchTenant`.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    body::{Body, needed},
    extra::Feature,
    features::{self, FeatureKind, PREMIUM_SECURITY, RANSOMWARE_RECOVERY, SECURITY_POSTURE},
    refusal::refuse,
    view::{provider, tenant_type},
};
use crate::{item::Item, problem::Problem};

type Result<T> = std::result::Result<T, Problem>;

const SANDBOX: i64 = 1;
const COMMERCIAL: i64 = 3;
const AWS: i64 = 1;

/// A tenant as it is wanted, and what it is judged by.
pub(super) struct Wanted<'a> {
    /// Absent at creation.
    pub before: Option<&'a Item>,
    pub tenant: &'a Item,
    pub plan: &'a Item,
    pub customer: &'a Item,
    pub features: &'a [Feature],
    pub now: Timestamp,
}

/// Refuses what breaks a rule. Whoever answers sets the status.
pub(super) fn check(wanted: &Wanted<'_>) -> Result<()> {
    check_type(wanted)?;
    check_licence(wanted)?;
    check_regions(wanted)?;
    check_features(wanted)?;
    check_premium_security(wanted)
}

/// Sandbox tenants are the system's; what is commercial stays so.
fn check_type(wanted: &Wanted<'_>) -> Result<()> {
    let kind = tenant_type(wanted.tenant);
    let before = wanted.before.map(tenant_type);
    match before {
        None if kind == SANDBOX => Err(refuse(422, "a sandbox tenant isn't created here")),
        Some(before) if (before == SANDBOX) != (kind == SANDBOX) => Err(refuse(
            422,
            "a tenant neither becomes nor stops being a sandbox",
        )),
        Some(COMMERCIAL) if kind != COMMERCIAL => Err(refuse(
            422,
            "a commercial tenant doesn't become an evaluation",
        )),
        _ => Ok(()),
    }
}

/// Eight years of Enterprise Workloads, three of the others.
fn check_licence(wanted: &Wanted<'_>) -> Result<()> {
    let tenant = wanted.tenant;
    let unchanged = wanted
        .before
        .is_some_and(|before| before.value("licenceExpiresAt") == tenant.value("licenceExpiresAt"));
    let end = tenant
        .text("licenceExpiresAt")
        .and_then(|at| at.parse::<Timestamp>().ok());
    let years = if product(tenant) == 1 { 8 } else { 3 };
    // A day more than the leap years can add.
    let longest = SignedDuration::from_hours(24 * (365 * years + 3));
    match end {
        Some(end) if !unchanged && end.duration_since(wanted.now) > longest => Err(refuse(
            422,
            format!("licenseExpiryDate is at most {years} years away"),
        )),
        _ => Ok(()),
    }
}

/// Regions are only added; Enterprise Workloads needs AWS; Business has one region a provider.
fn check_regions(wanted: &Wanted<'_>) -> Result<()> {
    let names = |tenant: &Item| -> Vec<String> {
        let listed = tenant.value("storageRegions").and_then(Value::as_array);
        let listed = listed.into_iter().flatten().filter_map(Value::as_str);
        listed.map(str::to_owned).collect()
    };
    let regions = names(wanted.tenant);
    if let Some(before) = wanted.before {
        let before = names(before);
        if before == regions {
            return Ok(());
        }
        if before.iter().any(|region| !regions.contains(region)) {
            return Err(refuse(422, "storageRegions are added, never removed"));
        }
    }
    if regions.is_empty() {
        return Err(refuse(422, "storageRegions is empty"));
    }
    let of = |wanted: i64| {
        regions
            .iter()
            .filter(|region| provider(region) == wanted)
            .count()
    };
    if product(wanted.tenant) == 1 && of(AWS) == 0 {
        return Err(refuse(
            422,
            "Enterprise Workloads needs a storage region of AWS",
        ));
    }
    if is_business(wanted) && (of(AWS) > 1 || of(2) > 1) {
        return Err(refuse(
            422,
            "the edition Business has one storage region of a provider",
        ));
    }
    Ok(())
}

/// What the plan switches on is on and has its attributes; what it switches off stays off.
fn check_features(wanted: &Wanted<'_>) -> Result<()> {
    let product = wanted.tenant.text("product").unwrap_or_default();
    let forced = features::forced(wanted.plan, product);
    if wanted.features.is_empty() {
        return Err(refuse(422, "features is empty"));
    }
    for feature in wanted.features {
        let kind = features::named(&feature.name)
            .filter(|kind| kind.product == features::product_id(product));
        let Some(kind) = kind else {
            return Err(refuse(
                422,
                format!("the product has no feature {}", feature.name),
            ));
        };
        if features::lacks(is_business(wanted), kind.name) {
            return Err(refuse(
                422,
                format!("the edition Business doesn't have {}", kind.name),
            ));
        }
        if kind.of_plan && !forced.contains(&kind) {
            return Err(refuse(
                422,
                format!("the service plan has {} switched off", kind.name),
            ));
        }
        check_attributes(kind, feature)?;
    }
    let missing = forced.iter().find(|kind| {
        wanted
            .features
            .iter()
            .all(|feature| feature.name != kind.name)
    });
    match missing {
        Some(kind) => Err(refuse(
            422,
            format!(
                "the service plan has {} switched on; it must be sent with its attributes",
                kind.name
            ),
        )),
        None => Ok(()),
    }
}

fn check_attributes(kind: &FeatureKind, feature: &Feature) -> Result<()> {
    let has = |name: &str| feature.attrs.iter().any(|attribute| attribute.name == name);
    if let Some(name) = kind.needed.iter().find(|name| !has(name)) {
        return Err(refuse(
            422,
            format!("{} needs the attribute {name}", kind.name),
        ));
    }
    let known = |name: &str| kind.needed.contains(&name) || kind.allowed.contains(&name);
    match feature
        .attrs
        .iter()
        .find(|attribute| !known(&attribute.name) || attribute.value < 0)
    {
        Some(attribute) => Err(refuse(
            422,
            format!(
                "{} doesn't take this attribute {}",
                kind.name, attribute.name
            ),
        )),
        None => Ok(()),
    }
}

fn check_premium_security(wanted: &Wanted<'_>) -> Result<()> {
    let has = |name: &str| wanted.features.iter().any(|feature| feature.name == name);
    let posture = wanted.customer.state.druva.has(SECURITY_POSTURE);
    if has(PREMIUM_SECURITY) && !(posture && has(RANSOMWARE_RECOVERY)) {
        return Err(refuse(
            422,
            format!("{PREMIUM_SECURITY} needs {SECURITY_POSTURE} and {RANSOMWARE_RECOVERY}"),
        ));
    }
    Ok(())
}

/// The name of a region whose provider is the right one.
pub(super) fn region(entry: &Body, status: u16) -> Result<Value> {
    let name = needed("storageRegions.name", entry.text("name"))?;
    let given = needed(
        "storageRegions.storageProvider",
        entry.whole("storageProvider"),
    )?;
    if provider(&name) != given {
        return Err(refuse(
            status,
            format!("{name} isn't a region of storageProvider {given}"),
        ));
    }
    Ok(json!(name))
}

fn product(tenant: &Item) -> i64 {
    features::product_id(tenant.text("product").unwrap_or_default())
}

fn is_business(wanted: &Wanted<'_>) -> bool {
    features::is_business(
        wanted.plan,
        wanted.tenant.text("product").unwrap_or_default(),
    )
}
