//! Every rule by its name: what it demands, which requirements it serves, and where it is told. `docs/rules.md` is made of it.

use std::fmt::Write as _;

use crate::api::conditions::Reason;

/// Where a rule is told, from the earliest on. The planner has the last word on all of them but those of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The API server refuses it by the definition of the kind.
    Schema,
    /// The API server refuses it by an admission policy.
    Admission,
    /// The planner refuses it before any call to the platform.
    Planner,
}

/// One rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its stable name.
    pub name: &'static str,
    /// The requirements that it serves.
    pub serves: &'static [&'static str],
    /// What it demands, in one sentence.
    pub demands: &'static str,
    /// The reason in conditions when the planner refuses.
    pub reason: Reason,
    /// Where it is told.
    pub told: &'static [Place],
}

/// A rule's "no": which field, why, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The rule.
    pub rule: &'static Rule,
    /// The field of the spec; empty where the object as a whole is meant.
    pub field: String,
    /// What is wrong, without a full stop.
    pub message: String,
    /// What to do, without a full stop.
    pub remedy: String,
}

impl Refusal {
    /// A refusal about one field.
    pub fn new(
        rule: &'static Rule,
        field: impl Into<String>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            rule,
            field: field.into(),
            message: message.into(),
            remedy: remedy.into(),
        }
    }

    /// The refusal as people read it: field, what is wrong, what to do, and the rule's name.
    pub fn text(&self) -> String {
        let Self {
            rule,
            field,
            message,
            remedy,
        } = self;
        let colon = if field.is_empty() { "" } else { ": " };
        format!("{field}{colon}{message}. {remedy} (rule {}).", rule.name)
    }
}

macro_rules! rules {
    ($($constant:ident = $name:literal, [$($serves:literal),+], $reason:ident, [$($place:ident),+], $demands:literal;)+) => {
        $(
            #[doc = $demands]
            pub static $constant: Rule = Rule {
                name: $name,
                serves: &[$($serves),+],
                demands: $demands,
                reason: Reason::$reason,
                told: &[$(Place::$place),+],
            };
        )+

        /// Every rule, by family.
        pub static ALL: &[&Rule] = &[$(&$constant),+];
    };
}

rules! {
    PLATFORM_FIXED = "platform-fixed", ["N3"], FixedField, [Admission, Planner], "An object stays on the platform where it was created.";
    OWNER_ID_FIXED = "owner-id-fixed", ["N11"], FixedField, [Admission], "The owner id of a `BackupPlatform` stays once its account is known: every claim is made with it.";
    PLAN_NAME_FIXED = "plan-name-fixed", ["D20"], FixedField, [Admission, Planner], "The name of a plan stays once the plan exists.";
    ACCOUNT_NAME_FIXED = "account-name-fixed", ["D2"], FixedField, [Admission, Planner], "The account name of a customer stays once the customer exists.";
    HIDE_NAME_FIXED = "hide-name-fixed", ["D2"], FixedField, [Admission, Planner], "Whether a customer's name is hidden is decided when the customer is created.";
    HIDDEN_NAME_TELLTALE = "hidden-name-telltale", ["D2"], InvalidSpec, [Schema, Admission, Planner], "A field that would disclose a hidden name is refused, and a hidden name requires an account name.";
    CUSTOMER_FIXED = "customer-fixed", ["D30"], FixedField, [Admission, Planner], "A tenant stays with its customer.";
    PRODUCT_FIXED = "product-fixed", ["D30"], FixedField, [Admission, Planner], "The product of a tenant stays.";
    FIXED_BY_PLATFORM = "fixed-by-platform", ["S20", "V1"], FixedField, [Planner], "A setting that the platform fixes at creation, such as the name of a reseller, isn't changed.";
    STORAGE_LOCATION_FIXED = "storage-location-fixed", ["S2", "V2"], LocationMismatch, [Admission, Planner], "Data stays where it was placed; a later change of country moves nothing.";
    ONE_RESOURCE_PER_OBJECT = "one-resource-per-object", ["D1", "N9"], OwnedByAnother, [Planner], "A remote object has one owner; of two resources the older one keeps it.";
    ONE_TENANT_PER_PRODUCT = "one-tenant-per-product", ["D30"], OwnedByAnother, [Planner], "A customer has one tenant of a product.";

    LOCATION_UNKNOWN = "location-unknown", ["S2", "S8"], LocationUnknown, [Planner], "A storage location is one that the platform has.";
    LOCATION_OF_COUNTRY = "location-of-country", ["S2"], LocationMismatch, [Planner], "Where the platform hosts the country, the country decides the storage location.";
    LOCATION_REQUIRED = "location-required", ["S2"], LocationRequired, [Planner], "Where the platform doesn't host the country, the storage location is stated.";
    LOCATION_ANSWERED = "location-answered", ["S2"], LocationMismatch, [Planner], "When the platform creates a customer or reseller in another location than requested, nothing more is sent to it.";
    REGIONS_ADD_ONLY = "regions-add-only", ["D12", "D30"], FixedField, [Admission], "A storage region can be added and never removed.";

    LEVEL_BELOW_PARENT = "level-below-parent", ["S20", "S4"], HierarchyRefused, [Planner], "A reseller has a lower level than its parent, and a higher one than the resellers below it.";
    NO_CYCLE = "no-cycle", ["S20"], ReferenceInvalid, [Planner], "Parent references form no cycle.";
    SERVICE_TYPE_PASSED_ON = "service-type-passed-on", ["S4"], HierarchyRefused, [Planner], "A service type is one that the reseller above may pass on; a type that resources below have can't be removed from the list.";
    SAME_PLATFORM = "same-platform", ["S20"], ReferenceInvalid, [Planner], "A resource refers only to resources on the same platform.";

    STORAGE_OVERCOMMIT = "storage-overcommit", ["V3", "V20", "N6"], QuotaExceeded, [Admission, Planner], "No more storage is granted below a reseller than is allotted to it.";
    LICENCES_OVERCOMMIT = "licences-overcommit", ["V7", "V20", "N6"], QuotaExceeded, [Admission, Planner], "No more licences are granted than there are: in the platform's pool, and in a reseller's allotment.";
    CLIENTS_OVERCOMMIT = "clients-overcommit", ["V6", "V20", "N6"], QuotaExceeded, [Admission, Planner], "No more clients are granted below a reseller than are allotted to it.";
    CREDITS_OVERCOMMIT = "credits-overcommit", ["V20", "N6"], QuotaExceeded, [Admission, Planner], "No more credits are granted below a reseller than are allotted to it.";
    TENANT_CREDITS_OVERCOMMIT = "tenant-credits-overcommit", ["V20", "N6", "D33"], QuotaExceeded, [Planner], "A customer's tenants have no more credits together than the customer.";
    ALLOTMENT_BELOW_GRANTED = "allotment-below-granted", ["V20", "N6"], QuotaBelowUsage, [Admission, Planner], "An allotment doesn't shrink below what is granted of it.";
    LIMIT_BELOW_USE = "limit-below-use", ["V3", "V6"], QuotaBelowUsage, [Planner], "A customer's limit isn't set below what is in use.";
    LIMIT_REQUIRED = "limit-required", ["N14"], LimitRequired, [Admission, Planner], "A customer has the limits that the resellers above it and the platform require (`requireLimits`).";
    ENTRIES_DISTINCT = "entries-distinct", ["D4", "S6"], InvalidSpec, [Planner], "Entries of a list aren't one and the same to the platform, which ignores case and blanks around.";
    TIME_ZONE_EXISTS = "time-zone-exists", ["V9"], InvalidSpec, [Planner], "A time zone is one of the IANA's.";
    COUNTRY_EXISTS = "country-exists", ["S2"], InvalidSpec, [Planner], "A country is one of ISO 3166-1.";
    QUOTA_DATES_IN_ORDER = "quota-dates-in-order", ["D33"], InvalidSpec, [Schema, Admission, Planner], "A quota begins before it ends, and doesn't outlast the licence.";

    PROTECTED_FIELDS = "protected-fields", ["D12"], Protected, [Planner], "An object that the platform reserves, or that another tool manages, isn't written.";
    SANDBOX_FIELDS = "sandbox-fields", ["D12"], Protected, [Admission, Planner], "Of a sandbox only plan, quota with its dates, added regions, and workloads with their seats may change.";
    SANDBOX_STATE = "sandbox-state", ["D13"], Protected, [Admission, Planner], "A sandbox is neither suspended nor activated.";
    SANDBOX_TYPE = "sandbox-type", ["D13"], Protected, [Admission, Planner], "A sandbox stays one, and nothing becomes one.";
    SANDBOX_NEVER_CREATED = "sandbox-never-created", ["D11", "D30"], Protected, [Admission, Planner], "A sandbox is adopted and never created.";
    DEFAULT_FIELDS = "default-fields", ["D11", "V4"], Protected, [Admission, Planner], "A default object keeps its name and its level, and isn't switched off.";

    PLAN_COVERS_PRODUCT = "plan-covers-product", ["D30", "D32"], PlanMismatch, [Planner], "A tenant's plan contains its product, and keeps it while a tenant has it.";
    WORKLOAD_IN_PLAN = "workload-in-plan", ["D32"], PlanMismatch, [Planner], "Each workload of a tenant is one of its plan's for the product, and stays in the plan while a tenant uses it.";
    EDITION_LIMITS = "edition-limits", ["D20", "D32"], PlanMismatch, [Planner], "A workload that the edition Business doesn't offer (Endpoints, D365, Okta) is in no plan of that edition, and no tenant of such a plan has it.";
    PRODUCT_OFFERED = "product-offered", ["D30"], CapabilityMissing, [Planner], "A tenant's product is one that the platform offers.";
    OBJECT_STORAGE_BARE = "object-storage-bare", ["D20", "D30"], InvalidSpec, [Schema, Admission, Planner], "Object storage has neither edition nor workloads.";
    COMMERCIAL_STAYS_COMMERCIAL = "commercial-stays-commercial", ["D30"], FixedField, [Admission, Planner], "A Commercial tenant never becomes an Evaluation again.";
    TRIAL_NOT_AGAIN = "trial-not-again", ["S1"], FixedField, [Admission, Planner], "A customer or reseller in Production never becomes a Trial again.";
    LAST_ADMINISTRATOR = "last-administrator", ["D41"], PlatformRefused, [Admission, Planner], "A customer that has administrators keeps at least one.";

    DELETION_UNSUPPORTED = "deletion-unsupported", ["N12"], CapabilityMissing, [Planner], "A deletion that the platform's API doesn't offer isn't attempted.";
    DELETION_PROTECTED = "deletion-protected", ["D13", "D22"], Protected, [Admission, Planner], "Sandbox and default objects, and objects of other owners, are never deleted.";
    DELETION_HAS_DEPENDENTS = "deletion-has-dependents", ["D6", "S3", "V5", "N7"], HasDependents, [Admission, Planner], "An object that still has dependents isn't deleted.";
    DELETION_PLAN_IN_USE = "deletion-plan-in-use", ["D22", "N7"], HasDependents, [Admission, Planner], "A plan in use isn't deleted.";
    DELETION_DELAYED = "deletion-delayed", ["N7"], DeletionDelayed, [Planner], "A deletion waits for the platform's deletionDelay, suspended where that is possible.";
    DELETION_BREAKER = "deletion-breaker", ["N7"], TooManyDeletions, [Planner], "At most safety.maxDeletionsPerHour deletions begin within an hour on a platform. A deletion begins when Holdfast suspends the remote object, or deletes it without suspending it first.";
}

/// The text of `docs/rules.md`.
pub fn document() -> String {
    let mut text = String::from(
        "# Rules\n\n\
         Made by `cargo test` from `crates/core/src/rules/registry.rs`; edit there (`UPDATE=1 cargo test -p holdfast-core --test docs_rules` writes this file).\n\n\
         A rule's name stands in the message of the API server that refuses at `kubectl apply` or `kubectl delete`, in the \
         condition of a resource that got past it, in its event, in the metric `holdfast_refusals_total`, and in the output of \
         `holdfast plan`. *Schema* and *admission* refuse at once; the *planner* refuses before any call to the platform, since \
         admission can be bypassed, raced or absent, and doesn't see the platform.\n\n\
         | Rule | It demands | Serves | Told by | Reason |\n|---|---|---|---|---|\n",
    );
    for rule in ALL {
        let told: Vec<String> = rule
            .told
            .iter()
            .map(|place| format!("{place:?}").to_lowercase())
            .collect();
        // Writing to a String never fails.
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | `{}` |",
            rule.name,
            rule.demands,
            rule.serves.join(" "),
            told.join(", "),
            rule.reason
        );
    }
    text
}
