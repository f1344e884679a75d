//! Places in the console for what the interface can't do, or for what its public documents don't say how; the names of its
//! menus may differ from version to version. Source: "Customer
//! management in Management Console", "Users", "Retention policies".

use std::collections::BTreeMap;

use crate::api::Kind;

/// What a person does for a reseller or a customer, by field of the spec.
const PAGES: [(&str, &str); 6] = [
    ("contacts", "Customers > the customer > Contacts"),
    ("communications", "Customers > the customer > Contacts"),
    ("branding", "Customers > the customer > Branding"),
    ("webAccess", "Users > Add, with the customer and a role"),
    (
        "administrators",
        "Users > Add, with the customer and the role Administrator",
    ),
    (
        "clients.admission",
        "Customers > the customer > Edit > Automatic deployment",
    ),
];

/// Where a person sets a field.
pub(super) fn pages() -> BTreeMap<Kind, BTreeMap<String, String>> {
    let pages = || {
        let page = |(field, page): &(&str, &str)| {
            let page = format!("Cove console > Management > {page}");
            ((*field).to_owned(), page)
        };
        PAGES.iter().map(page).collect()
    };
    BTreeMap::from([(Kind::Reseller, pages()), (Kind::Customer, pages())])
}
