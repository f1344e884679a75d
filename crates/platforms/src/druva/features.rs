//! The features of a tenant: those that its plan forces on it, those that are requested, and extras that are left unchanged.

use serde_json::Value;

use super::{
    invalid,
    sent::SwitchedFeature,
    wire::{Feature, FeatureAttribute, PlanFeature, ServicePlan, Tenant},
    words::{self, Workload},
};
use crate::Problem;

const FIELD: &str = "workloads";

/// The settings of one workload in a document.
struct Stated {
    workload: &'static Workload,
    users: Option<u64>,
    preserved_users: Option<u64>,
}

/// The settings of a product in a plan.
struct Offer<'a>(&'a [PlanFeature]);

impl Offer<'_> {
    /// What the plan switches on for every tenant, and no tenant can switch off.
    fn forced(&self) -> impl Iterator<Item = &str> {
        let features = self.0.iter().filter(|feature| feature.is_enabled);
        features
            .map(|feature| &*feature.name)
            .filter(|name| words::is_for_tenants(name))
    }

    fn forces(&self, feature: &str) -> bool {
        self.forced().any(|name| name.eq_ignore_ascii_case(feature))
    }

    /// Whether the plan switches a feature off for every tenant.
    fn forbids(&self, feature: &str) -> bool {
        let mut named = self.0.iter();
        named.any(|other| !other.is_enabled && other.name.eq_ignore_ascii_case(feature))
    }
}

/// The features of a new tenant: all that the plan forces, each with its attributes, and the requested ones.
/// Source: Druva OpenAPI, `CreateTenantV3`.
///
/// # Errors
/// A plan without the product, a forced workload that the document leaves out, or one without its seats.
pub(super) fn of_new_tenant(
    plan: &ServicePlan,
    product: i64,
    workloads: Option<&Value>,
) -> Result<Vec<Feature>, Problem> {
    let offer = offer(plan, product)?;
    let stated = workloads.map(parse).transpose()?;
    if let Some(stated) = &stated {
        check_forced(&offer, stated, plan)?;
    }
    let stated = stated.unwrap_or_default();
    let mut features = Vec::new();
    for name in offer.forced() {
        let attrs = attributes(name, &stated, Vec::new())?;
        features.push(feature(name, attrs));
    }
    for other in stated
        .iter()
        .filter(|stated| !offer.forces(stated.workload.feature))
    {
        let name = other.workload.feature;
        features.push(feature(name, attributes(name, &stated, Vec::new())?));
    }
    if features.is_empty() {
        let product = words::product(product);
        let detail = format!("plan {:?} switches nothing on for {product}", plan.name);
        return Err(invalid(Some("planId"), detail));
    }
    Ok(features)
}

/// Every feature that a tenant is to have afterwards, and those to remove: all are sent, since the effect on a feature that
/// isn't named isn't documented. Source: Druva OpenAPI, `PatchTenantFeatures`.
///
/// # Errors
/// As for [`of_new_tenant`].
pub(super) fn of_changed_tenant(
    held: &Tenant,
    plan: Option<&ServicePlan>,
    workloads: Option<&Value>,
) -> Result<Vec<SwitchedFeature>, Problem> {
    let offer = match plan {
        Some(plan) => offer(plan, held.product_id)?,
        None => Offer(&[]),
    };
    let stated = workloads.map(parse).transpose()?;
    if let (Some(stated), Some(plan)) = (&stated, plan) {
        check_forced(&offer, stated, plan)?;
    }
    let wanted = |name: &str| match (&stated, words::workload_of(name)) {
        (Some(stated), Some(workload)) => find(stated, workload).is_some(),
        _ => !offer.forbids(name),
    };
    let held_features = held.features.as_deref().unwrap_or_default();
    let asked = stated
        .iter()
        .flatten()
        .map(|stated| stated.workload.feature);
    let mut names: Vec<&str> = held_features.iter().map(|feature| &*feature.name).collect();
    for name in offer.forced().chain(asked) {
        if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            names.push(name);
        }
    }
    let stated = stated.as_deref().unwrap_or_default();
    let switched = names.into_iter().map(|name| {
        let mut before = held_features.iter();
        let before = before.find(|feature| feature.name == name);
        let before = before.map_or_else(Vec::new, |feature| feature.attrs.clone());
        let before = before.into_iter().map(FeatureAttribute::strict).collect();
        let is_enabled = wanted(name);
        Ok(SwitchedFeature {
            name: name.to_owned(),
            is_enabled,
            attrs: if is_enabled {
                attributes(name, stated, before)?
            } else {
                before
            },
        })
    });
    switched.collect()
}

fn offer(plan: &ServicePlan, product: i64) -> Result<Offer<'_>, Problem> {
    let mut products = plan.products.iter();
    let entry = products.find(|entry| entry.product_id == product);
    let entry = entry.ok_or_else(|| {
        let product = words::product(product);
        let detail = format!("plan {:?} doesn't contain {product}", plan.name);
        invalid(Some("planId"), detail)
    })?;
    Ok(Offer(&entry.features))
}

fn check_forced(offer: &Offer<'_>, stated: &[Stated], plan: &ServicePlan) -> Result<(), Problem> {
    let forced = offer.forced().filter_map(words::workload_of);
    let missing: Vec<&str> = forced
        .filter(|workload| find(stated, workload).is_none())
        .map(|workload| workload.word)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let (missing, name) = (missing.join(", "), &plan.name);
    let detail = format!("plan {name:?} switches {missing} on for each of its tenants");
    Err(Problem {
        remedy: Some(
            "List it with its seats, or choose a plan without it; leave the field out to take what the plan has"
                .to_owned(),
        ),
        ..invalid(Some(FIELD), detail)
    })
}

fn find<'a>(stated: &'a [Stated], workload: &Workload) -> Option<&'a Stated> {
    stated
        .iter()
        .find(|stated| stated.workload.word == workload.word)
}

/// All attributes of a feature: the existing ones, with the seats that are stated.
fn attributes(
    name: &str,
    stated: &[Stated],
    mut attributes: Vec<FeatureAttribute>,
) -> Result<Vec<FeatureAttribute>, Problem> {
    let Some(workload) = words::workload_of(name) else {
        return Ok(attributes);
    };
    let stated = find(stated, workload);
    let mut set =
        |name: &str, count: u64| match attributes.iter_mut().find(|known| known.name == name) {
            Some(known) => known.value = count.into(),
            None => attributes.push(FeatureAttribute::count(name, count)),
        };
    if let Some(users) = stated.and_then(|stated| stated.users) {
        set(words::USERS, users);
    }
    if let Some(preserved) = stated.and_then(|stated| stated.preserved_users) {
        set(words::PRESERVED_USERS, preserved);
    }
    let has = |attributes: &[FeatureAttribute], name: &str| {
        attributes.iter().any(|attribute| attribute.name == name)
    };
    if workload.has_seats && !has(&attributes, words::USERS) {
        let detail = format!("the platform asks how many users {} is for", workload.word);
        return Err(Problem {
            remedy: Some(format!(
                "State workloads: an entry named {} with users",
                workload.word
            )),
            ..invalid(Some(FIELD), detail)
        });
    }
    if workload.has_seats && !has(&attributes, words::PRESERVED_USERS) {
        attributes.push(FeatureAttribute::count(words::PRESERVED_USERS, 0));
    }
    Ok(attributes)
}

fn feature(name: &str, attrs: Vec<FeatureAttribute>) -> Feature {
    Feature {
        name: name.to_owned(),
        attrs,
    }
}

fn parse(workloads: &Value) -> Result<Vec<Stated>, Problem> {
    let entries = workloads.as_array().map(Vec::as_slice).unwrap_or_default();
    let stated = entries.iter().map(|entry| {
        let name = entry
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let workload = words::workload_named(name).ok_or_else(|| {
            let known = words::workload_words();
            let detail = format!("{name:?} isn't a workload of this platform, which has {known}");
            invalid(Some(FIELD), detail)
        })?;
        let count = |member: &str| entry.get(member).and_then(Value::as_u64);
        Ok(Stated {
            workload,
            users: count("users"),
            preserved_users: count("preservedUsers"),
        })
    });
    stated.collect()
}
