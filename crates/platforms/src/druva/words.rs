//! The platform's figures and names, and our words for them.

/// Products. Source: Druva OpenAPI, `productID`.
pub(super) const ENTERPRISE_WORKLOADS: i64 = 1;
pub(super) const SAAS_APPS_AND_ENDPOINTS: i64 = 2;

/// Types of tenants. Source: Druva OpenAPI, `TenantTypeForV3`.
pub(super) const SANDBOX: i64 = 1;
const EVALUATION: i64 = 2;
const COMMERCIAL: i64 = 3;

/// States of a customer. Source: Druva OpenAPI, `GetCustomerV3Response`.
const CUSTOMER_READY: i64 = 1;

/// Roles of administrators of single customers, and of read-only administrators. Source: Druva OpenAPI, `AdminV2Response`.
const LESSER_ROLES: [i64; 2] = [3, 4];

/// The seats of a workload.
pub(super) const USERS: &str = "userCount";
/// The seats of users who left.
pub(super) const PRESERVED_USERS: &str = "preservedUserCount";

/// Whether the provider manages the customer's products itself (`1`), or the vendor does (`0`). The contract's prose spells it
/// differently than its schema and the attribute table do. Source: MSP product and attribute values.
pub(super) const LICENCES_MANAGED: &str = "licenseManagementAllowed";
/// Whether the provider has access to the customer's data (`1`). Source: MSP product and attribute values.
pub(super) const DATA_ACCESS: &str = "dataAccessAllowed";

/// A feature that protects data: plans and tenants call it a workload here. Other features are extras that are chosen at the
/// console, sent back unchanged, and never switched by Holdfast.
pub(super) struct Workload {
    /// The platform's name.
    pub(super) feature: &'static str,
    /// Our word, which can be part of a label.
    pub(super) word: &'static str,
    /// Whether it has seats that must be stated.
    pub(super) has_seats: bool,
}

const fn workload(feature: &'static str, word: &'static str, has_seats: bool) -> Workload {
    Workload {
        feature,
        word,
        has_seats,
    }
}

/// Source: MSP product and attribute values; Druva OpenAPI, `ServicePlanProductFeaturesV3`, for those without seats in product
/// 2, which has undocumented attributes.
static WORKLOADS: [Workload; 9] = [
    workload("Enterprise Workloads", "EnterpriseWorkloads", false),
    workload("M365", "Microsoft365", true),
    workload("Google Workspace", "GoogleWorkspace", true),
    workload("Endpoints", "Endpoints", true),
    workload("D365", "D365", false),
    workload("Salesforce", "Salesforce", false),
    workload("Entra ID", "EntraID", false),
    workload("Okta", "Okta", false),
    workload("Active Directory", "ActiveDirectory", false),
];

/// Options of a plan that aren't features of a tenant. Source: Druva OpenAPI, plans; MSP product and attribute values, which
/// lists neither for tenants.
const PLAN_OPTIONS: [&str; 2] = ["storage", "sensitivedatagovernance"];

/// The workload of a feature.
pub(super) fn workload_of(feature: &str) -> Option<&'static Workload> {
    WORKLOADS
        .iter()
        .find(|workload| workload.feature.eq_ignore_ascii_case(feature))
}

/// The workload of a word of ours.
pub(super) fn workload_named(word: &str) -> Option<&'static Workload> {
    WORKLOADS
        .iter()
        .find(|workload| workload.word.eq_ignore_ascii_case(word))
}

/// Every word for a workload, for messages.
pub(super) fn workload_words() -> String {
    let words: Vec<&str> = WORKLOADS.iter().map(|workload| workload.word).collect();
    words.join(", ")
}

/// Whether a feature of a plan is one of its tenants as well.
pub(super) fn is_for_tenants(plan_feature: &str) -> bool {
    !PLAN_OPTIONS
        .iter()
        .any(|option| option.eq_ignore_ascii_case(plan_feature))
}

/// A product in our words; an unknown one as its number.
pub(super) fn product(id: i64) -> String {
    match id {
        ENTERPRISE_WORKLOADS => "HybridWorkloads".to_owned(),
        SAAS_APPS_AND_ENDPOINTS => "SaaSAppsAndEndpoints".to_owned(),
        other => other.to_string(),
    }
}

/// Modules and their products. Source: Druva OpenAPI, `productModuleName`, and its prose on reports for the last three.
const MODULES: [(&str, i64); 7] = [
    ("Enterprise Workloads", ENTERPRISE_WORKLOADS),
    ("Microsoft 365", SAAS_APPS_AND_ENDPOINTS),
    ("Endpoints", SAAS_APPS_AND_ENDPOINTS),
    ("Google Workspace", SAAS_APPS_AND_ENDPOINTS),
    // The older word for the first one.
    ("Hybrid Workloads", ENTERPRISE_WORKLOADS),
    ("D365", SAAS_APPS_AND_ENDPOINTS),
    ("SFDC", SAAS_APPS_AND_ENDPOINTS),
];

/// The product of a module, by the module's name in reports.
pub(super) fn product_of_module(module: &str) -> Option<i64> {
    let mut modules = MODULES.iter();
    let known = modules.find(|(name, _)| name.eq_ignore_ascii_case(module));
    known.map(|(_, product)| *product)
}

/// The platform's number of a product.
pub(super) fn product_id(word: &str) -> Option<i64> {
    match word {
        "HybridWorkloads" => Some(ENTERPRISE_WORKLOADS),
        "SaaSAppsAndEndpoints" => Some(SAAS_APPS_AND_ENDPOINTS),
        _ => None,
    }
}

/// How many years a licence of a product may run. Source: Druva OpenAPI, `CreateTenantV3`.
pub(super) fn longest_licence(product_id: i64) -> Option<i64> {
    match product_id {
        ENTERPRISE_WORKLOADS => Some(8),
        SAAS_APPS_AND_ENDPOINTS => Some(3),
        _ => None,
    }
}

/// A tenant's type in our words; none for a type that isn't known here.
pub(super) fn tenant_type(id: Option<i64>) -> Option<&'static str> {
    match id? {
        SANDBOX => Some("Sandbox"),
        EVALUATION => Some("Evaluation"),
        COMMERCIAL => Some("Commercial"),
        _ => None,
    }
}

/// The platform's number of a type that may be requested; only the platform itself creates the sandbox's type.
pub(super) fn tenant_type_id(word: &str) -> Option<i64> {
    match word {
        "Evaluation" => Some(EVALUATION),
        "Commercial" => Some(COMMERCIAL),
        _ => None,
    }
}

/// An edition in our words.
pub(super) fn edition(word: &str) -> String {
    match word.to_ascii_lowercase().as_str() {
        "business" => "Business".to_owned(),
        "enterprise" => "Enterprise".to_owned(),
        "elite" => "Elite".to_owned(),
        _ => word.to_owned(),
    }
}

/// The state of a tenant in our words, and the reason for not writing to it. Source: Druva OpenAPI, `GetTenantV3Response`,
/// `status`.
pub(super) fn tenant_state(status: Option<i64>, goes: Option<jiff::Timestamp>) -> State {
    let state = |phase: &'static str, busy: Option<String>| State { phase, busy };
    match status {
        Some(0) => state("Creating", Some("is still being created".to_owned())),
        Some(1) => state("Active", None),
        Some(2) => state("Suspended", None),
        Some(3) => {
            let when = goes.map_or_else(String::new, |day| format!(" on {day}"));
            let words = format!(
                "is marked for deletion and will be removed{when}; only the console can cancel that"
            );
            state("Deleting", Some(words))
        }
        Some(4) => state("Migrating", Some("is being migrated".to_owned())),
        Some(5) => state("Updating", Some("is being updated".to_owned())),
        other => state("Unknown", Some(unknown(other))),
    }
}

/// The reason for not writing to a customer. Source: Druva OpenAPI, `GetCustomerV3Response`, `status`.
pub(super) fn customer_busy(status: Option<i64>) -> Option<String> {
    match status {
        Some(CUSTOMER_READY) => None,
        Some(0) => Some("is still being created".to_owned()),
        Some(2) => Some("waits for one of its products to be processed".to_owned()),
        other => Some(unknown(other)),
    }
}

fn unknown(status: Option<i64>) -> String {
    match status {
        Some(status) => format!("is in state {status}, which Holdfast doesn't know"),
        None => "has no state".to_owned(),
    }
}

/// A tenant's state.
pub(super) struct State {
    pub(super) phase: &'static str,
    pub(super) busy: Option<String>,
}

/// Whether an administrator administers the account as a whole, and not single customers alone; an unknown role counts.
pub(super) fn administers_account(role: Option<i64>) -> bool {
    role.is_none_or(|role| !LESSER_ROLES.contains(&role))
}
