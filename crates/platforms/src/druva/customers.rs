//! Customers in the platform's format: complete, since a change replaces everything.

use serde_json::{Map, Value};

use super::{
    document::{clears, irremovable, stated, text},
    invalid,
    mapping::{administrator_id, full_name},
    sent::{NewCustomer, WholeCustomer},
    wire::{Admin, Customer, CustomerAttribute},
    words,
};
use crate::{Problem, ProblemKind};

const ADDRESS: &str = "profile.address.text";
const PHONE: &str = "profile.phone";
const ADMINISTRATORS: &str = "administrators";
/// The longest phone number. Source: Druva OpenAPI, `CreateCustomerV3Request`.
const LONGEST_PHONE: usize = 30;

/// The e-mail addresses of the administrators that a document names.
pub(super) fn administrators(document: &Map<String, Value>) -> Option<Vec<&str>> {
    let entries = stated(document, ADMINISTRATORS)?.as_array();
    let entries = entries.into_iter().flatten();
    Some(
        entries
            .filter_map(|entry| entry.get("email")?.as_str())
            .collect(),
    )
}

/// A new customer; the provider manages its products itself and has access to its data: other terms are agreed upon with the
/// vendor at the console. Source: Druva OpenAPI, `CreateCustomerV3`.
///
/// # Errors
/// A required value that the document doesn't state.
pub(super) fn created(
    document: &Map<String, Value>,
    admins: &[Admin],
) -> Result<NewCustomer, Problem> {
    let needed = |path: &str, what: &str| {
        let text = text(document, path).map(str::to_owned);
        text.ok_or_else(|| missing(path, what))
    };
    let name = needed("name", "a name")?;
    let attribute = |name: &str| CustomerAttribute {
        name: name.to_owned(),
        value: "1".to_owned(),
    };
    Ok(NewCustomer {
        account_name: text(document, "accountName").unwrap_or(&name).to_owned(),
        customer_name: name,
        address: needed(ADDRESS, "an address")?,
        phone: phone(&needed(PHONE, "a phone number")?)?,
        tenant_admins: match stated(document, ADMINISTRATORS) {
            Some(entries) => resolved(entries, admins)?,
            None => Vec::new(),
        },
        attributes: vec![
            attribute(words::LICENCES_MANAGED),
            attribute(words::DATA_ACCESS),
        ],
    })
}

/// The current customer in the format of a write.
pub(super) fn held(customer: &Customer) -> Option<WholeCustomer> {
    Some(WholeCustomer {
        account_name: customer.account_name.clone(),
        customer_name: customer.name.clone()?,
        address: customer.address.clone(),
        phone: customer.phone.clone(),
        features: customer.features.clone(),
        tenant_admins: customer.tenant_admins.clone(),
        attributes: customer.attributes.clone(),
    })
}

/// The customer with the changes of a patch; everything else is sent back as it was read. Source: Druva OpenAPI,
/// `UpdateCustomerV3`.
///
/// # Errors
/// A value that the platform can't clear or change.
pub(super) fn changed(
    held: &WholeCustomer,
    patch: &Map<String, Value>,
    admins: &[Admin],
) -> Result<WholeCustomer, Problem> {
    let mut next = held.clone();
    if clears(patch, "name") {
        return Err(missing("name", "a name"));
    }
    if let Some(name) = text(patch, "name") {
        name.clone_into(&mut next.customer_name);
    }
    if stated(patch, "accountName").is_some()
        && text(patch, "accountName") != held.account_name.as_deref()
    {
        let detail = "is fixed on this platform once the customer exists";
        return Err(invalid(Some("accountName"), detail));
    }
    for (path, what) in [(ADDRESS, "an address"), (PHONE, "a phone number")] {
        if clears(patch, path) {
            return Err(missing(path, what));
        }
    }
    if let Some(address) = text(patch, ADDRESS) {
        next.address = Some(address.to_owned());
    }
    if let Some(number) = text(patch, PHONE) {
        next.phone = Some(phone(number)?);
    }
    if let Some(entries) = stated(patch, ADMINISTRATORS) {
        let ids = resolved(entries, admins)?;
        let before = held.tenant_admins.as_deref().unwrap_or_default();
        let same = ids.len() == before.len() && ids.iter().all(|id| before.contains(id));
        if !same {
            next.tenant_admins = Some(ids);
        }
    }
    Ok(next)
}

/// Whether the vendor manages the customer's products itself.
pub(super) fn is_the_vendors(customer: &Customer) -> bool {
    customer
        .attributes
        .iter()
        .any(|attribute| attribute.name == words::LICENCES_MANAGED && attribute.value == "0")
}

/// The administrators' ids: an unknown administrator is reported, never ignored.
fn resolved(entries: &Value, admins: &[Admin]) -> Result<Vec<i64>, Problem> {
    let entries = entries.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut ids = Vec::new();
    for entry in entries {
        let member = |member: &str| entry.get(member).and_then(Value::as_str).map(str::trim);
        let email = member("email").unwrap_or_default();
        let id = administrator_id(email, admins).ok_or_else(|| unknown(email))?;
        let name = admins
            .iter()
            .find(|admin| admin.id == id)
            .and_then(full_name);
        let differs = member("name").is_some_and(|stated| Some(stated) != name.as_deref());
        if differs {
            let detail = format!("the name of {email} can't be changed through this API");
            return Err(Problem {
                kind: ProblemKind::Unsupported,
                remedy: Some(
                    "Change it at the console under Administrators, or leave the name out"
                        .to_owned(),
                ),
                ..invalid(Some(ADMINISTRATORS), detail)
            });
        }
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

fn unknown(email: &str) -> Problem {
    Problem {
        remedy: Some(
            "Add the administrator at the console under Administrators, or correct the address"
                .to_owned(),
        ),
        ..invalid(
            Some(ADMINISTRATORS),
            format!("{email:?} isn't an administrator of the account"),
        )
    }
}

fn phone(number: &str) -> Result<String, Problem> {
    if number.chars().count() > LONGEST_PHONE {
        let detail = format!("the platform takes at most {LONGEST_PHONE} characters");
        return Err(invalid(Some(PHONE), detail));
    }
    Ok(number.to_owned())
}

fn missing(path: &str, what: &str) -> Problem {
    Problem {
        detail: format!("the platform needs {what}"),
        remedy: Some("State it".to_owned()),
        ..irremovable(path)
    }
}

/// Whether a customer is known to the platform by one of these names.
pub(super) fn is_called(customer: &Customer, names: &[&str]) -> bool {
    let own = [&customer.account_name, &customer.name];
    let mut own = own.into_iter().flatten();
    own.any(|own| names.iter().any(|name| own.trim() == name.trim()))
}
