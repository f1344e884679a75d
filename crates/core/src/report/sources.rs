//! Data sources as status names them, those that missed their objective first.

use std::cmp::Reverse;

use super::facts::Facts;
use crate::api::{
    Customer, Tenant,
    shared::{DataSource, Health},
};

/// One data source in a report.
#[derive(Debug, Clone)]
pub struct Source {
    /// The customer's namespace.
    pub namespace: String,
    /// Name of the customer's resource.
    pub name: String,
    /// Name of the customer.
    pub customer: String,
    /// The reseller in charge.
    pub reseller: Option<String>,
    /// The platform.
    pub platform: Option<String>,
    /// The product that it belongs to.
    pub product: Option<String>,
    /// The data source.
    pub source: DataSource,
}

/// The data sources of a customer: of its tenants' status, which names ten of each, or of its own.
pub fn of(customer: &Customer, facts: &Facts, tenants: &[&Tenant]) -> Vec<Source> {
    let known = |tenant: &&Tenant| {
        let health = tenant.status.as_ref()?.health.clone()?;
        Some((Some(tenant.spec.product.to_string()), health))
    };
    let mut healths: Vec<(Option<String>, Health)> = tenants.iter().filter_map(known).collect();
    if healths.is_empty() {
        let own = customer
            .status
            .as_ref()
            .and_then(|status| status.health.clone());
        healths.extend(own.map(|health| (None, health)));
    }
    let each = healths.into_iter().flat_map(|(product, health)| {
        let sources = health.worst.into_iter();
        sources.map(move |source| (product.clone(), source))
    });
    each.map(|(product, source)| Source {
        namespace: facts.namespace.clone(),
        name: facts.name.clone(),
        customer: facts.customer.clone(),
        reseller: facts.reseller().map(ToOwned::to_owned),
        platform: facts.platform.clone(),
        product,
        source,
    })
    .collect()
}

/// Those first that missed their objective, then those whose last backup didn't succeed; among them the longest without one.
pub fn order(sources: &mut [Source]) {
    sources.sort_by(|one, other| {
        let key = |source: &Source| {
            let last = source.source.last_status.as_deref();
            (
                Reverse(source.source.missed.len()),
                last.is_none_or(|status| status == "Successful"),
                source.source.last_success_at,
                source.namespace.clone(),
                source.name.clone(),
                source.source.name.clone(),
            )
        };
        key(one).cmp(&key(other))
    });
}
