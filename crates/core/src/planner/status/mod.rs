//! What each kind's status says beyond the shared part: figures, counts and the short words of its columns.

mod attainment;
mod consumption;
mod customer;
mod forecast;
mod health;
mod labels;
mod limits;
mod plan;
mod platform;
mod reseller;
mod sources;
mod tenant;

pub use consumption::{credits, last_known, remembering};
pub use customer::customer;
pub use labels::{fitting, labels};
pub use limits::Warned;
pub use plan::plan;
pub use platform::{PlatformHealth, PlatformSummary, platform, unreadable_note};
pub use reseller::reseller;
pub use sources::every_source;
pub use tenant::{next_change, tenant};

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    api::{ConditionType, Reason, plan::ServiceLevel, shared::ManagedStatus},
    estate::{Consumption, DataSources, Object, ObjectId, Settings},
    rules::Level,
};

/// The value of an empty column: never `<none>`.
const NOTHING: &str = "-";

/// A plan as resources know it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PlanName {
    /// Name of the resource, or the plan's own where there is none.
    pub name: String,
    /// The service level of the plan.
    pub service_level: Option<ServiceLevel>,
}

/// The context of a remote object: its parent, its children, and the reports about it.
#[derive(Debug, Clone, Default)]
pub struct Around {
    /// Name of the resource above; where there is none, the remote object's own name.
    pub parent: Option<String>,
    /// Tenants of a customer or a plan; customers of a reseller.
    pub children: Vec<Arc<Object>>,
    /// Resellers of a reseller.
    pub resellers: Vec<Arc<Object>>,
    /// What the ledger has granted below, by measure, where the platform itself doesn't hold it.
    pub granted: Option<[u64; 4]>,
    /// What a customer is promised by the plans of its tenants, where tenants exist in the cluster only: figures name none then.
    pub promised: Vec<ServiceLevel>,
    /// Plans by remote id.
    pub plans: BTreeMap<ObjectId, PlanName>,
    /// Plans by tenant's id, where the platform itself has none.
    pub kept_plans: BTreeMap<ObjectId, PlanName>,
    /// What the spec of a tenant says of its quota, where the platform itself keeps none.
    pub quota: Option<Settings>,
    /// When the platform's consumption figures are from.
    pub usage_as_of: Option<jiff::Timestamp>,
    /// Consumption of this object; for a reseller, of each customer below, also below resellers further down.
    pub usage: Vec<Arc<Consumption>>,
    /// When the platform's health figures are from.
    pub health_as_of: Option<jiff::Timestamp>,
    /// The last day before it on which a report was seen.
    pub health_seen: Option<jiff::civil::Date>,
    /// Health, one row a tenant.
    pub health: Vec<Arc<DataSources>>,
    /// Where throttling and branding may come from: the object itself, then what is above it, the platform last.
    pub levels: Vec<Level>,
}

impl Around {
    /// The service level that applies to a row about data sources: its tenant's, or what is promised to the customer where rows
    /// name no tenant.
    fn level_of(&self, row: &DataSources) -> Option<ServiceLevel> {
        let Some(id) = &row.tenant_id else {
            return plan::strictest(&self.promised);
        };
        let tenant = self.children.iter().find(|tenant| tenant.id == *id)?;
        self.plan_of(tenant)?.service_level.clone()
    }

    /// The plan of a tenant.
    fn plan_of(&self, tenant: &Object) -> Option<&PlanName> {
        match tenant.settings.text("planId") {
            Some(id) => self.plans.get(&ObjectId::new(id)),
            None => self.kept_plans.get(&tenant.id),
        }
    }
}

/// A condition about backup health: type, whether it holds, reason, message.
pub type HealthCondition = (ConditionType, bool, Reason, String);

/// Whether a status is about this object, and not about one that it has replaced.
fn is_of(status: &ManagedStatus, object: &Object) -> bool {
    let id = status.external_id.as_deref();
    id.is_none_or(|id| id == object.id.as_str())
}

/// Texts as one, in order and without repetition, or a dash.
fn joined<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let distinct: std::collections::BTreeSet<&str> =
        texts.into_iter().filter(|text| !text.is_empty()).collect();
    if distinct.is_empty() {
        NOTHING.to_owned()
    } else {
        distinct.into_iter().collect::<Vec<_>>().join(",")
    }
}

/// `yes` or `no`.
fn yes_no(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}
