//! Which customers a report is about.

use std::collections::BTreeSet;

use kube::ResourceExt;
use thiserror::Error;

use super::{
    facts::Facts,
    resources::{Resources, kind_of, plan_of},
};
use crate::api::{Tenant, shared::Edition, tenant::TenantType};

/// Names listed in an error.
const LISTED: usize = 20;

/// What a customer has to match; each that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// The namespace.
    pub namespace: Option<String>,
    /// The `BackupPlatform`.
    pub platform: Option<String>,
    /// The `Reseller`, or one above it.
    pub reseller: Option<String>,
    /// The `Customer`.
    pub customer: Option<String>,
    /// Part of an administrator's address or name.
    pub administrator: Option<String>,
    /// Part of the customer's name.
    pub search: Option<String>,
    /// The `ServicePlan` of a tenant.
    pub plan: Option<String>,
    /// The edition of a tenant.
    pub edition: Option<Edition>,
    /// A storage region of a tenant.
    pub region: Option<String>,
    /// The type of a tenant.
    pub tenant_type: Option<TenantType>,
}

/// A filter that names what isn't there.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("--{filter} {named:?}: there is no such {kind}. {known}")]
pub struct FilterError {
    filter: &'static str,
    named: String,
    kind: &'static str,
    known: String,
}

impl Filter {
    /// Refuses names of resources that don't exist: nothing found would be no answer.
    pub fn check(&self, estates: &[Resources]) -> Result<(), FilterError> {
        let within =
            |namespace: Option<String>| self.namespace.is_none() || namespace == self.namespace;
        let names = |found: Vec<(Option<String>, String)>| -> BTreeSet<String> {
            found
                .into_iter()
                .filter(|(namespace, _)| within(namespace.clone()))
                .map(|(_, name)| name)
                .collect()
        };
        let mut plans = names(all(estates, |estate| &estate.plans));
        let tenants = estates.iter().flat_map(|estate| &estate.tenants);
        plans.extend(tenants.filter_map(plan_of).map(ToOwned::to_owned));
        let platforms = names(all(estates, |estate| &estate.platforms));
        let resellers = names(all(estates, |estate| &estate.resellers));
        let customers = names(all(estates, |estate| &estate.customers));
        named(
            "platform",
            "BackupPlatform",
            self.platform.as_ref(),
            &platforms,
        )?;
        named("reseller", "Reseller", self.reseller.as_ref(), &resellers)?;
        named("customer", "Customer", self.customer.as_ref(), &customers)?;
        named("plan", "ServicePlan", self.plan.as_ref(), &plans)
    }

    /// Whether a customer matches in what it is itself.
    pub fn matches(&self, facts: &Facts) -> bool {
        let is = |wanted: &Option<String>, value: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| value == Some(wanted))
        };
        let part = |wanted: &Option<String>, values: &[&str]| {
            let Some(wanted) = wanted.as_deref().map(str::to_lowercase) else {
                return true;
            };
            values
                .iter()
                .any(|value| value.to_lowercase().contains(&wanted))
        };
        let people: Vec<&str> = facts.administrators.iter().map(String::as_str).collect();
        let above = |reseller: &String| facts.above.contains(reseller);
        is(&self.namespace, Some(&facts.namespace))
            && is(&self.platform, facts.platform.as_deref())
            && is(&self.customer, Some(&facts.name))
            && self.reseller.as_ref().is_none_or(above)
            && part(&self.administrator, &people)
            && part(
                &self.search,
                &[
                    &facts.customer,
                    &facts.name,
                    facts.account.as_deref().unwrap_or(""),
                ],
            )
    }

    /// Whether it asks for something that only tenants have.
    pub fn is_about_tenants(&self) -> bool {
        self.plan.is_some()
            || self.edition.is_some()
            || self.region.is_some()
            || self.tenant_type.is_some()
    }

    /// Whether a tenant matches.
    pub fn matches_tenant(&self, tenant: &Tenant) -> bool {
        let status = tenant.status.as_ref();
        let edition = status.and_then(|status| status.edition);
        let plan = plan_of(tenant);
        let kind = kind_of(tenant);
        let regions = tenant.spec.storage_regions.as_deref().unwrap_or_default();
        let shown = status
            .and_then(|status| status.summary.as_ref()?.regions.as_deref())
            .unwrap_or_default();
        self.plan
            .as_deref()
            .is_none_or(|wanted| plan == Some(wanted))
            && self.edition.is_none_or(|wanted| edition == Some(wanted))
            && self.tenant_type.is_none_or(|wanted| kind == Some(wanted))
            && self.region.as_ref().is_none_or(|wanted| {
                regions.contains(wanted) || shown.split(',').any(|region| region == wanted)
            })
    }

    /// As a person gave them, for the head of a report.
    pub fn told(&self) -> Vec<(&'static str, String)> {
        let given = [
            ("namespace", self.namespace.clone()),
            ("platform", self.platform.clone()),
            ("reseller", self.reseller.clone()),
            ("customer", self.customer.clone()),
            ("administrator", self.administrator.clone()),
            ("search", self.search.clone()),
            ("plan", self.plan.clone()),
            ("edition", self.edition.map(|edition| edition.to_string())),
            ("region", self.region.clone()),
            ("type", self.tenant_type.map(|kind| kind.to_string())),
        ];
        given
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }
}

/// Namespaces and names.
fn all<K: ResourceExt>(
    estates: &[Resources],
    of: impl Fn(&Resources) -> &Vec<K>,
) -> Vec<(Option<String>, String)> {
    let each = estates.iter().flat_map(of);
    each.map(|one| (one.namespace(), one.name_any())).collect()
}

fn named(
    filter: &'static str,
    kind: &'static str,
    wanted: Option<&String>,
    there: &BTreeSet<String>,
) -> Result<(), FilterError> {
    let Some(wanted) = wanted.filter(|wanted| !there.contains(*wanted)) else {
        return Ok(());
    };
    let listed: Vec<&str> = there.iter().take(LISTED).map(String::as_str).collect();
    let more = there.len().saturating_sub(LISTED);
    let known = match (listed.is_empty(), more) {
        (true, _) => "There is none; choose another namespace with -n, or all with -A.".to_owned(),
        (false, 0) => format!("Choose one of: {}.", listed.join(", ")),
        (false, more) => format!("Choose one of: {} and {more} more.", listed.join(", ")),
    };
    Err(FilterError {
        filter,
        named: wanted.clone(),
        kind,
        known,
    })
}
