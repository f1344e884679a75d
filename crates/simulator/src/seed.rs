//! What a fresh estate holds.

use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::{Map, Value, json};

use super::{
    Kind, fleet,
    item::{Item, Load, Protection},
    random, rows, simulation,
    store::StoreError,
};

/// Countries by storage location. Some countries have none, so that a location must be chosen there.
const LOCATIONS: &[(&str, &str, &[&str])] = &[
    ("us-1", "Virginia", &["US"]),
    ("br-1", "São Paulo", &["BR"]),
    ("ca-1", "Montreal", &["CA"]),
    ("au-1", "Sydney", &["AU", "NZ"]),
    ("gb-1", "London", &["GB", "IE"]),
    ("de-1", "Frankfurt", &["DE", "AT"]),
    ("nl-1", "Amsterdam", &["NL", "BE", "LU"]),
    ("ch-1", "Zurich", &["CH", "LI"]),
    ("fr-1", "Paris", &["FR"]),
    ("it-1", "Milan", &["IT"]),
    ("no-1", "Oslo", &["NO"]),
    ("za-1", "Johannesburg", &["ZA"]),
];
/// Cloud regions: chosen for a product, never by country.
const REGIONS: &[(&str, &str)] = &[
    ("us-east-1", "US East"),
    ("us-west-2", "US West"),
    ("ca-central-1", "Canada Central"),
    ("sa-east-1", "South America East"),
    ("eu-central-1", "EU Central"),
    ("eu-west-1", "EU West"),
    ("eu-west-2", "UK South"),
    ("ap-southeast-2", "Asia Pacific Southeast"),
];
/// Machines that nobody has listed yet.
const UNASSIGNED: &[(&str, &str)] = &[
    ("pc-17", "Endpoints"),
    ("pc-18", "Endpoints"),
    ("pc-19", "Endpoints"),
    ("srv-03", "FileServers"),
    ("srv-04", "MSSQL"),
];
/// Licences of the server.
const LICENCES: u64 = 500;
/// Storage of the server, in bytes: 4 PiB.
const STORAGE: u64 = 4 << 50;

/// Puts into a new estate what every estate starts with. One that has been started before stays as it is.
pub(super) fn plant(
    connection: &Connection,
    account_name: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    if rows::meta(connection, "account")?.is_some() {
        return Ok(());
    }
    rows::set_meta(connection, "account", &random::uuid())?;
    rows::set_meta(connection, "accountName", account_name)?;
    rows::set_meta(connection, "licences", &LICENCES.to_string())?;
    rows::set_meta(connection, "storage", &STORAGE.to_string())?;
    let put = |kind, protection, id: &str, settings: Value| {
        put(connection, kind, protection, id, settings, now)
    };
    let customer = put(
        Kind::Customer,
        Protection::Default,
        "",
        json!({"name": "Default Customer", "active": true}),
    )?;
    let reseller = json!({"name": "Default Reseller", "level": "Reseller", "active": true});
    let reseller = put(Kind::Reseller, Protection::Default, "", reseller)?;
    let plan = put(Kind::Plan, Protection::Default, "", default_plan())?;
    let sandbox = put(
        Kind::Customer,
        Protection::Sandbox,
        "",
        json!({"name": "Sandbox", "active": true, "country": "DE", "storageLocation": "de-1"}),
    )?;
    rows::set_meta(connection, "defaultCustomer", &customer.id)?;
    rows::set_meta(connection, "defaultReseller", &reseller.id)?;
    rows::set_meta(connection, "defaultPlan", &plan.id)?;
    for product in ["HybridWorkloads", "SaaSAppsAndEndpoints"] {
        let settings = json!({
            "customerId": sandbox.id, "planId": plan.id, "product": product, "type": "Sandbox", "active": true,
            "storageRegions": ["eu-central-1"], "quota": {"credits": 10},
        });
        let tenant = put(Kind::Tenant, Protection::Sandbox, "", settings)?;
        fleet::attach(connection, &sandbox, &tenant, &plan, now)?;
    }
    for (id, workload) in UNASSIGNED {
        let size = 20 + simulation::hash(id) % 200;
        let load = Load {
            workload: (*workload).to_owned(),
            storage: size << 30,
            credits: size * 500,
        };
        fleet::insert(connection, &customer.id, None, id, id, load, now)?;
    }
    for (id, name, countries) in LOCATIONS {
        put(
            Kind::Location,
            Protection::None,
            id,
            json!({"name": name, "countries": countries, "products": []}),
        )?;
    }
    for (id, name) in REGIONS {
        let settings = json!({"name": name, "countries": [], "products": ["HybridWorkloads", "SaaSAppsAndEndpoints"]});
        put(Kind::Location, Protection::None, id, settings)?;
    }
    for address in ["ops@msp.example", "night-shift@msp.example"] {
        put(
            Kind::Administrator,
            Protection::None,
            "",
            json!({"name": address, "email": address, "active": true}),
        )?;
    }
    Ok(())
}

fn default_plan() -> Value {
    json!({
        "name": "Default plan",
        "usageReport": "Monthly",
        "products": [
            {"product": "HybridWorkloads", "edition": "Enterprise",
             "workloads": ["FileServers", "MSSQL", "NAS", "Oracle", "VMware", "HyperV"]},
            {"product": "SaaSAppsAndEndpoints", "edition": "Enterprise",
             "workloads": ["Microsoft365", "GoogleWorkspace", "Salesforce", "Endpoints"]},
        ],
    })
}

fn put(
    connection: &Connection,
    kind: Kind,
    protection: Protection,
    id: &str,
    settings: Value,
    now: Timestamp,
) -> Result<Item, StoreError> {
    let settings: Map<String, Value> = serde_json::from_value(settings)?;
    let mut item = Item {
        protection,
        id: id.to_owned(),
        ..Item::new(kind, settings, now)
    };
    rows::insert(connection, &mut item)?;
    Ok(item)
}
