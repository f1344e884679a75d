//! Pages of the console for what the interface can't do. Source: Create and Manage Customers; View Customer Details page;
//! Role-based access; Create and manage administrators.

use std::collections::BTreeMap;

use crate::{
    api::Kind,
    estate::{CREATE, DELETE},
};

/// Known also where the interface accepts limits: not of a sandbox. Source: help articles 14752405 and 13933662.
const QUOTAS: &str = "Quota Management (Druva's support enables it)";

/// Where a person sets a field, by kind and field of the spec.
pub(super) fn pages() -> BTreeMap<Kind, BTreeMap<String, String>> {
    let pages = |entries: &[(&str, &str)]| {
        let page = |(field, page): &(&str, &str)| {
            let page = format!("Managed Services Center > {page}");
            ((*field).to_owned(), page)
        };
        entries.iter().map(page).collect()
    };
    BTreeMap::from([
        (
            Kind::Customer,
            pages(&[
                (DELETE, "Customers > the customer > Delete"),
                (
                    "contacts",
                    "Customers > the customer > Contacts > Add Contact, or Edit",
                ),
                ("limits.storage", QUOTAS),
                ("limits.clients", QUOTAS),
            ]),
        ),
        (
            Kind::ServicePlan,
            pages(&[
                (CREATE, "Service Plans > Add Service Plan"),
                (DELETE, "Service Plans > the plan > Delete"),
                ("products", "Service Plans > the plan > Edit"),
                (
                    "usageReport",
                    "Service Plans > the plan > Edit > Usage report",
                ),
            ]),
        ),
        (
            Kind::Tenant,
            pages(&[(DELETE, "Customers > the customer > Products > Delete")]),
        ),
    ])
}
