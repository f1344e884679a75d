//! Pages of the console for what the interface can't do, or for what its public documents don't say how. Source: "Customer
//! management in Management Console", "Users", "Retention policies".

use std::collections::BTreeMap;

use crate::api::Kind;

/// What a person does for a reseller or a customer, by field of the spec.
const PAGES: [(&str, &str); 8] = [
    ("contacts", "Customers > the customer > Edit > Contacts"),
    (
        "communications",
        "Customers > the customer > Edit > Contacts > Notes",
    ),
    (
        "branding",
        "Customers > the customer > Edit > Custom branding",
    ),
    (
        "webAccess",
        "Users > Add user, with the customer and a role",
    ),
    (
        "administrators",
        "Users > Add user, with the customer and the role Administrator",
    ),
    ("reports", "Customers > the customer > Scheduled emails"),
    (
        "clients.admission",
        "Customers > the customer > Edit > Automatic deployment",
    ),
    ("welcomeMail", "Users > the user > Send invitation"),
];

/// Where a person sets a field.
pub(super) fn pages() -> BTreeMap<Kind, BTreeMap<String, String>> {
    let pages = || {
        let page = |(field, page): &(&str, &str)| {
            let page = format!("Cove console (backup.management) > {page}");
            ((*field).to_owned(), page)
        };
        PAGES.iter().map(page).collect()
    };
    BTreeMap::from([(Kind::Reseller, pages()), (Kind::Customer, pages())])
}
