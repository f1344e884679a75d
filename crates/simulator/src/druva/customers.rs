//! Customers: what is asked for, and whether Druva takes it.

use std::collections::BTreeMap;

use rusqlite::Connection;
use serde_json::{Map, Value, json};

use super::{
    body::{Body, needed},
    dialect::Dialect,
    effects,
    extra::{Extra, Feature, Phase},
    features::SECURITY_POSTURE,
    refusal::{refuse, ruled_out},
    tasks::{Order, Work},
    view::{DATA_ACCESS, LICENCE_MANAGEMENT, Views, address, is_shown},
};
use crate::{
    Kind,
    changes::Change,
    item::{Item, Protection},
    problem::{Problem, Slug},
    rows,
};

type Result<T> = std::result::Result<T, Problem>;

/// Most characters of a phone number.
const LONGEST_PHONE: usize = 30;

/// The customer with an id of Druva's.
pub(super) fn find(
    connection: &Connection,
    dialect: &Dialect,
    id: &str,
    status: u16,
) -> Result<Item> {
    let known = dialect.ids.customer_of(id);
    let found = known
        .map(|id| rows::get(connection, Kind::Customer, &id))
        .transpose()?
        .flatten()
        .filter(is_shown);
    found.ok_or_else(|| refuse(status, format!("there is no customer {id}")))
}

/// What a creation asks for: the customer appears at once, and is ready when its task has ended.
/// Source: Druva OpenAPI, `CreateCustomerV3`.
pub(super) fn create(change: &Change<'_>, dialect: &Dialect, body: &Body) -> Result<Order> {
    let account = filled("accountName", body)?;
    let name = filled("customerName", body)?;
    let attributes = attributes(body)?;
    if attributes
        .get(DATA_ACCESS)
        .is_some_and(|value| value != "1")
    {
        return Err(refuse(400, format!("{DATA_ACCESS} is 1 at creation")));
    }
    filled("address", body)?;
    filled("phone", body)?;
    let views = Views::new(change.connection, &dialect.ids)?;
    let mut settings = Map::new();
    settings.insert("name".into(), json!(name));
    settings.insert("accountName".into(), json!(account));
    settings.insert("profile".into(), profile(None, body)?);
    settings.extend(
        administrators(&views, None, body)?.map(|admins| ("administrators".to_owned(), admins)),
    );
    let mut item = Item::new(Kind::Customer, settings, change.now);
    *item.state.druva = Extra {
        phase: Some(Phase::Pending),
        features: features(body)?,
        attributes,
        ..Extra::default()
    };
    match change.whole(|| change.add(item)) {
        Ok(customer) => Ok(Order::new(&customer.id, None, Work::CreateCustomer)),
        Err(problem) if problem.slug == Slug::Conflict => {
            Ok(Order::doomed("customerCreate", "", &problem))
        }
        Err(problem) => Err(ruled_out(400)(problem)),
    }
}

/// What an update asks for; it takes effect when its task ends. Source: Druva OpenAPI, `UpdateCustomerV3ForDoc`.
pub(super) fn update(
    change: &Change<'_>,
    dialect: &Dialect,
    id: &str,
    body: &Body,
) -> Result<Order> {
    let customer = find(change.connection, dialect, id, 404)?;
    let name = filled("customerName", body)?;
    writable(&customer)?;
    check_replacement(&customer, body)?;
    let views = Views::new(change.connection, &dialect.ids)?;
    let mut patch = Map::new();
    patch.insert("name".into(), json!(name));
    patch.insert("profile".into(), profile(Some(&customer), body)?);
    if let Some(administrators) = administrators(&views, Some(&customer), body)? {
        patch.insert("administrators".into(), administrators);
    }
    let extra = Extra {
        features: features(body)?,
        ..Extra::default()
    };
    let rehearsed =
        change.rehearse(|| effects::update_customer(change, &customer.id, &patch, &extra));
    let order = Order::new(&customer.id, None, Work::UpdateCustomer { patch, extra });
    match rehearsed {
        Ok(_) => Ok(order),
        Err(problem) if problem.slug == Slug::Conflict => Ok(order.failing(&problem)),
        Err(problem) => Err(ruled_out(400)(problem)),
    }
}

/// What has to come along again, and what stays as it is.
fn check_replacement(customer: &Item, body: &Body) -> Result<()> {
    let wanted = attributes(body)?;
    if !body.has("attributes") {
        return Err(refuse(400, "attributes is missing"));
    }
    let known = |name: &str| {
        let attributes = &customer.state.druva.attributes;
        attributes.get(name).map_or("1", String::as_str)
    };
    if let Some((name, _)) = wanted.iter().find(|(name, value)| known(name) != *value) {
        return Err(refuse(400, format!("{name} doesn't change here")));
    }
    if known(LICENCE_MANAGEMENT) == "1" {
        filled("address", body)?;
        filled("phone", body)?;
    }
    let account = customer.text("accountName").unwrap_or(customer.name());
    match body.text("accountName")? {
        Some(given) if !given.is_empty() && given != account => {
            Err(refuse(400, "accountName doesn't change"))
        }
        _ => Ok(()),
    }
}

/// Refuses to write what isn't ready, or what Druva keeps for itself.
pub(super) fn writable(customer: &Item) -> Result<()> {
    if customer.state.druva.phase == Some(Phase::Pending) {
        return Err(refuse(400, "the customer's creation isn't finished"));
    }
    if customer.protection == Protection::Sandbox {
        return Err(refuse(400, "the sandbox customer stays as it is"));
    }
    Ok(())
}

fn filled(member: &str, body: &Body) -> Result<String> {
    let text = needed(member, body.text(member))?;
    if text.is_empty() {
        return Err(refuse(400, format!("{member} is empty")));
    }
    Ok(text)
}

/// Phone and address; an address that is shown as it is asked for keeps its parts.
fn profile(current: Option<&Item>, body: &Body) -> Result<Value> {
    let phone = body.text("phone")?.unwrap_or_default();
    if phone.chars().count() > LONGEST_PHONE {
        return Err(refuse(
            400,
            format!("phone has at most {LONGEST_PHONE} characters"),
        ));
    }
    let text = body.text("address")?.unwrap_or_default();
    let mut profile = json!({"phone": phone});
    if current.is_none_or(|current| address(current) != text) {
        profile["address"] = json!({"text": text, "street": null, "postalCode": null, "city": null, "state": null, "country": null});
    }
    Ok(profile)
}

/// The desired set: whom the list leaves out isn't an administrator any more. Nothing where it is so already.
fn administrators(views: &Views<'_>, current: Option<&Item>, body: &Body) -> Result<Option<Value>> {
    let wanted = body.wholes("tenantAdmins")?.unwrap_or_default();
    let same = |customer: &Item| {
        let known = views.admins_of(customer);
        known.len() == wanted.len() && known.iter().all(|id| wanted.contains(id))
    };
    if current.is_some_and(same) {
        return Ok(None);
    }
    views.administrators(&wanted).map(Some)
}

fn features(body: &Body) -> Result<Vec<Feature>> {
    let listed = body.objects("features")?.unwrap_or_default();
    let feature = |entry: &Body| {
        let feature = entry.feature()?;
        if feature.name == SECURITY_POSTURE {
            Ok(feature)
        } else {
            Err(refuse(400, "features has one that customers don't have"))
        }
    };
    listed.iter().map(feature).collect()
}

/// Only the two that there are, as "0" or "1".
fn attributes(body: &Body) -> Result<BTreeMap<String, String>> {
    let mut attributes = BTreeMap::new();
    for entry in body.objects("attributes")?.unwrap_or_default() {
        let name = needed("attributes.name", entry.text("name"))?;
        let value = needed("attributes.value", entry.text("value"))?;
        if ![LICENCE_MANAGEMENT, DATA_ACCESS].contains(&name.as_str())
            || !["0", "1"].contains(&value.as_str())
        {
            return Err(refuse(400, "attributes has one that customers don't have"));
        }
        attributes.insert(name, value);
    }
    Ok(attributes)
}
