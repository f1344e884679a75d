//! Products, and the features that they have. Source: the developer guide's table of product and attribute values.

use serde_json::Value;

use super::extra::Attribute;
use crate::{item::Item, rules::plan_fit};

/// Attributes of what is counted by users.
const USERS: &[&str] = &["userCount", "preservedUserCount"];
const EDUCATION: &[&str] = &["educationLicenseState"];

/// A feature that Druva knows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FeatureKind {
    pub product: i64,
    pub name: &'static str,
    /// The plan decides whether it is on; otherwise the tenant does.
    pub of_plan: bool,
    /// The estate's workload that it stands for.
    pub workload: Option<&'static str>,
    /// Attributes that have to come along.
    pub needed: &'static [&'static str],
    /// Attributes that may come along.
    pub allowed: &'static [&'static str],
}

const fn of_plan(
    name: &'static str,
    workload: &'static str,
    needed: &'static [&'static str],
    allowed: &'static [&'static str],
) -> FeatureKind {
    FeatureKind {
        product: 2,
        name,
        of_plan: true,
        workload: Some(workload),
        needed,
        allowed,
    }
}

const fn beyond(product: i64, name: &'static str) -> FeatureKind {
    FeatureKind {
        product,
        name,
        of_plan: false,
        workload: None,
        needed: &[],
        allowed: &[],
    }
}

/// The one feature that every plan with Enterprise Workloads has.
const ENTERPRISE_WORKLOADS: FeatureKind = FeatureKind {
    of_plan: true,
    ..beyond(1, "Enterprise Workloads")
};
/// The add-on that Premium Security needs.
pub(super) const RANSOMWARE_RECOVERY: &str = "Enterprise Workloads Accelerated Ransomware Recovery";
/// The add-on with conditions.
pub(super) const PREMIUM_SECURITY: &str = "Premium Security";
/// The one feature that customers have.
pub(super) const SECURITY_POSTURE: &str = "Security Posture and Observability";

/// Every feature of a tenant. Attributes of the newer ones aren't known.
const FEATURES: &[FeatureKind] = &[
    ENTERPRISE_WORKLOADS,
    beyond(1, RANSOMWARE_RECOVERY),
    beyond(1, "Long Term Retention"),
    beyond(1, PREMIUM_SECURITY),
    of_plan("M365", "Microsoft365", USERS, EDUCATION),
    of_plan("Google Workspace", "GoogleWorkspace", USERS, EDUCATION),
    of_plan("Endpoints", "Endpoints", USERS, &[]),
    of_plan("Salesforce", "Salesforce", &[], USERS),
    of_plan("D365", "D365", &[], USERS),
    of_plan("Entra ID", "EntraID", &[], USERS),
    of_plan("Okta", "Okta", &[], USERS),
    of_plan("Active Directory", "ActiveDirectory", &[], USERS),
    beyond(2, "M365 Accelerated Ransomware Recovery"),
    beyond(2, "Endpoints Accelerated Ransomware Recovery"),
    beyond(2, "Google Workspace Accelerated Ransomware Recovery"),
];

/// What the edition Business doesn't have.
const NOT_IN_BUSINESS: [&str; 3] = ["Endpoints", "D365", "Okta"];

/// Druva's number of a product.
pub(super) fn product_id(name: &str) -> i64 {
    if name == "HybridWorkloads" { 1 } else { 2 }
}

/// The estate's name of a product.
pub(super) fn product_name(id: i64) -> Option<&'static str> {
    match id {
        1 => Some("HybridWorkloads"),
        2 => Some("SaaSAppsAndEndpoints"),
        _ => None,
    }
}

/// A feature by its exact name.
pub(super) fn named(name: &str) -> Option<&'static FeatureKind> {
    FEATURES.iter().find(|kind| kind.name == name)
}

/// The features of a product.
pub(super) fn of_product(product: i64) -> impl Iterator<Item = &'static FeatureKind> {
    FEATURES.iter().filter(move |kind| kind.product == product)
}

/// Whether the plan's edition for a product is Business.
pub(super) fn is_business(plan: &Item, product: &str) -> bool {
    plan_fit::entry(plan, product).is_some_and(|entry| entry["edition"] == "Business")
}

/// Whether an edition lacks a feature.
pub(super) fn lacks(business: bool, feature: &str) -> bool {
    business && NOT_IN_BUSINESS.contains(&feature)
}

/// What a plan forces on for every tenant of a product.
pub(super) fn forced(plan: &Item, product: &str) -> Vec<&'static FeatureKind> {
    if plan_fit::entry(plan, product).is_none() {
        return Vec::new();
    }
    let (covered, business) = (
        plan_fit::workloads(plan, product),
        is_business(plan, product),
    );
    of_product(product_id(product))
        .filter(|kind| kind.of_plan && !lacks(business, kind.name))
        .filter(|kind| {
            kind.workload
                .is_none_or(|workload| covered.contains(&workload))
        })
        .collect()
}

/// The numbers of users that the estate has for a feature, if it lists its workload.
pub(super) fn counts(tenant: &Item, kind: &FeatureKind) -> Vec<Attribute> {
    let listed = tenant.value("workloads").and_then(Value::as_array);
    let entry = listed.into_iter().flatten().find(|entry| {
        kind.workload
            .is_some_and(|workload| entry["name"] == workload)
    });
    let counted = [
        ("userCount", "users"),
        ("preservedUserCount", "preservedUsers"),
    ];
    counted
        .into_iter()
        .filter_map(|(name, member)| {
            let value = entry?[member].as_i64()?;
            Some(Attribute {
                value,
                ..unset(name)
            })
        })
        .collect()
}

/// An attribute that nobody has set.
pub(super) fn unset(name: &str) -> Attribute {
    Attribute {
        name: name.to_owned(),
        value: 0,
    }
}
