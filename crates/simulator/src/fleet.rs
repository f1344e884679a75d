//! The simulated clients of a tenant: appear with it, and go with it.

use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::json;

use super::{
    Kind,
    item::{Item, Load},
    rows,
    rules::plan_fit,
    simulation,
    store::StoreError,
};

type Result<T> = std::result::Result<T, StoreError>;

const GIB: u64 = 1 << 30;

/// Gives a new tenant its clients: two to six, fewer where a limit says so.
pub(super) fn attach(
    connection: &Connection,
    customer: &Item,
    tenant: &Item,
    plan: &Item,
    now: Timestamp,
) -> Result<()> {
    let product = tenant.text("product").unwrap_or_default();
    let workloads = match plan_fit::listed(tenant) {
        listed if listed.is_empty() => plan_fit::workloads(plan, product),
        listed => listed,
    };
    let key = simulation::hash(&format!("{} {product}", customer.name()));
    let wanted = 2 + key % 5;
    let present = rows::count_of_customer(connection, Kind::Client, &customer.id)?;
    let most = [customer.whole("limits.clients"), customer.fixed_licences()]
        .into_iter()
        .flatten()
        .min();
    let number = most.map_or(wanted, |most| wanted.min(most.saturating_sub(present)));
    let (storage, credits) = (
        storage_of(customer, product, key),
        credits_of(customer, product, key),
    );
    // Uneven shares of the whole.
    let weight = |index| 50 + simulation::spread(key ^ index) % 101;
    let weights: u64 = (0..number).map(weight).sum();
    for index in 0..number {
        let workload = cycle(&workloads, index);
        let name = format!("{}{:02}", prefix(workload), index + 1);
        let share = |whole: u64| whole / weights * weight(index);
        let load = Load {
            workload: workload.to_owned(),
            storage: share(storage),
            credits: share(credits),
        };
        insert(
            connection,
            &customer.id,
            Some(&tenant.id),
            &format!("{name}-{}", tenant.id),
            &name,
            load,
            now,
        )?;
    }
    Ok(())
}

/// Puts one client in.
pub(super) fn insert(
    connection: &Connection,
    customer: &str,
    tenant: Option<&str>,
    id: &str,
    name: &str,
    load: Load,
    now: Timestamp,
) -> Result<()> {
    let mut settings = serde_json::Map::new();
    settings.insert("name".into(), json!(name));
    settings.insert("customerId".into(), json!(customer));
    if let Some(tenant) = tenant {
        settings.insert("tenantId".into(), json!(tenant));
    }
    let mut client = Item::new(Kind::Client, settings, now);
    id.clone_into(&mut client.id);
    client.state.load = Some(load);
    rows::insert(connection, &mut client)
}

/// Bytes of all clients of a tenant: within the customer's limit if it has one, otherwise 50 to 800 GiB.
fn storage_of(customer: &Item, product: &str, key: u64) -> u64 {
    match customer.whole("limits.storage") {
        Some(limit) => limit / 1000 * part(customer, product),
        None => (50 + simulation::spread(key) % 750) * GIB,
    }
}

/// Millionths of a credit a day: over 90 days within the customer's limit if it has one, otherwise 3 to 60 credits.
fn credits_of(customer: &Item, product: &str, key: u64) -> u64 {
    match customer.thousandths("limits.credits") {
        Some(limit) => limit * part(customer, product) / 90,
        None => (3_000_000 + simulation::spread(key ^ 1) % 57_000_000) / 90,
    }
}

/// Thousandths of a limit that a product takes; both together stay between 55 and 75 per cent.
fn part(customer: &Item, product: &str) -> u64 {
    let both = 550 + simulation::hash(customer.name()) % 200;
    both * if product == "HybridWorkloads" { 55 } else { 45 } / 100
}

fn cycle<'a>(workloads: &[&'a str], index: u64) -> &'a str {
    let place = usize::try_from(index)
        .unwrap_or(0)
        .checked_rem(workloads.len())
        .unwrap_or(0);
    workloads.get(place).copied().unwrap_or("FileServers")
}

fn prefix(workload: &str) -> &str {
    match workload {
        "FileServers" => "fs",
        "MSSQL" => "sql",
        "NAS" => "nas",
        "Oracle" => "ora",
        "VMware" => "vm",
        "HyperV" => "hv",
        "Microsoft365" => "m365-",
        "GoogleWorkspace" => "gws-",
        "Salesforce" => "sfdc-",
        "Endpoints" => "pc",
        _ => "srv",
    }
}
