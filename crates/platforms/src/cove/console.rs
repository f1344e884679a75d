//! Places in the console for what the interface can't do, or for what its public documents don't say how; the names of its
//! menus may differ from version to version. Source: "Customer
//! management in Management Console", "Users", "Retention policies".

use std::collections::BTreeMap;

use crate::api::Kind;

/// What a person does for a reseller or a customer, by field of the spec.
const PAGES: [(&str, &str); 6] = [
    (
        "displayName",
        "Users: they log in under the customer's new name from now on, API users too; tell them",
    ),
    ("contacts", "Customers > the customer > Contacts"),
    ("communications", "Customers > the customer > Contacts"),
    ("branding", "Customers > the customer > Branding"),
    ("webAccess", "Users > Add, with the customer and a role"),
    (
        "administrators",
        "Users > Add, with the customer and the role Administrator",
    ),
];

/// What a person does for the devices of a tenant's customer. Products, retention policies and profiles belong to devices, and no
/// published member of a partner names one.
const OF_TENANTS: [(&str, &str); 2] = [
    (
        "servicePlanRef",
        "Retention policies: give the customer's devices the one that the plan stands for (an older product: Products)",
    ),
    (
        "workloads",
        "Profiles: give the customer's devices one that backs up these workloads",
    ),
];

/// Where a person sets a field.
pub(super) fn pages() -> BTreeMap<Kind, BTreeMap<String, String>> {
    let named = |pages: &[(&str, &str)]| {
        let page = |(field, page): &(&str, &str)| {
            let page = format!("Cove console > Management > {page}");
            ((*field).to_owned(), page)
        };
        pages.iter().map(page).collect()
    };
    BTreeMap::from([
        (Kind::Reseller, named(&PAGES)),
        (Kind::Customer, named(&PAGES)),
        (Kind::Tenant, named(&OF_TENANTS)),
    ])
}
