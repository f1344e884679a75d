//! What tenants consumed, and what they may.

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    super::{features::product_name, view::tenant_type},
    Context, Result, Subject, moment,
};
use crate::{
    rules::plan_fit,
    simulation::{self, Client, Day},
};

/// What the report of all usage can be filtered by.
pub(super) const GLOBAL_FIELDS: &[&str] = &[
    "accountName",
    "cuConsumption",
    "customerName",
    "edition",
    "productModule",
    "servicePlan",
    "tenantType",
    "mspGlobalId",
    "mspName",
];
/// What the itemised reports can be filtered by.
pub(super) const ITEMIZED_FIELDS: &[&str] = &[
    "customerGlobalId",
    "accountName",
    "tenantId",
    "productId",
    "productModuleId",
    "date",
    "editionName",
    "servicePlanId",
    "usageDescription",
    "mspGlobalId",
    "mspName",
];
/// Days that itemised reports reach back.
const DAYS: Day = 90;

/// The modules that reports know, each with the estate's workload; the first one takes every workload of its product.
const MODULES: [(i64, &str, &str); 4] = [
    (1, "Enterprise Workloads", ""),
    (2, "Microsoft 365", "Microsoft365"),
    (3, "Endpoints", "Endpoints"),
    (4, "Google Workspace", "GoogleWorkspace"),
];

/// The module of a client. Of what reports have no module for, nothing is itemised.
fn module(product: i64, workload: &str) -> Option<i64> {
    let fits = |(number, _, of): &&(i64, &str, &str)| match product {
        1 => *number == 1,
        _ => *of == workload,
    };
    MODULES.iter().find(fits).map(|(number, ..)| *number)
}

fn module_name(number: i64) -> &'static str {
    let found = MODULES.iter().find(|(known, ..)| *known == number);
    found.map_or("", |(_, name, _)| name)
}

/// Bytes stored and millionths of a credit consumed.
type Amounts = (u64, u64);

/// What the clients of each module did on some days.
fn by_module(
    clients: &[Client<'_>],
    product: i64,
    days: std::ops::RangeInclusive<Day>,
) -> Vec<(i64, Amounts)> {
    let mut sums: Vec<(i64, Amounts)> = Vec::new();
    for client in clients {
        let Some(module) = module(product, &client.load.workload) else {
            continue;
        };
        let amounts = (
            client.stored(*days.end()),
            days.clone().map(|day| client.consumed(day)).sum::<u64>(),
        );
        match sums.iter_mut().find(|(known, _)| *known == module) {
            Some((_, sum)) => *sum = (sum.0 + amounts.0, sum.1 + amounts.1),
            None => sums.push((module, amounts)),
        }
    }
    sums
}

/// One row a tenant and module: what it consumed in all the days that there are.
pub(super) fn global(context: &Context<'_>, subject: &Subject<'_>) -> Result<Vec<Value>> {
    let group = context.figures.group(subject.tenant)?;
    let clients: Vec<_> = context
        .figures
        .simulated(&group)
        .map(|(_, client)| client)
        .collect();
    let days = context.last - DAYS + 1..=context.last;
    let row = |(module, (_, consumed)): (i64, Amounts)| {
        let mut row = json!({
            "accountName": subject.account_name(),
            "customerName": subject.customer.name(),
            "cuConsumption": credits(consumed),
            "productModule": module_name(module),
            "tenantType": type_name(subject),
            "mspGlobalId": context.ids.msp(),
            "mspName": context.account_name,
            "dcpUniqueKey": key(&format!("{} {module}", context.ids.tenant(subject.tenant))),
        });
        if let Some(plan) = subject.plan {
            row["servicePlan"] = json!(plan.name());
        }
        if let Some(edition) = edition(subject) {
            row["edition"] = json!(edition.to_lowercase());
        }
        row
    };
    Ok(by_module(&clients, subject.product(), days)
        .into_iter()
        .map(row)
        .collect())
}

/// One row a day, module and measure. Sandboxes aren't itemised.
pub(super) fn consumption(context: &Context<'_>, subject: &Subject<'_>) -> Result<Vec<Value>> {
    if tenant_type(subject.tenant) == 1 {
        return Ok(Vec::new());
    }
    let days = wanted_days(context);
    if days.is_empty() {
        return Ok(Vec::new());
    }
    let group = context.figures.group(subject.tenant)?;
    let clients: Vec<_> = context
        .figures
        .simulated(&group)
        .map(|(_, client)| client)
        .collect();
    let mut rows = Vec::new();
    for day in days {
        for (module, (stored, consumed)) in by_module(&clients, subject.product(), day..=day) {
            let mut row = itemized(context, subject, day, module, "Frontend Source Storage");
            row["usageAmount"] = json!(stored);
            row["usageUnit"] = json!("Bytes");
            row["cuConsumed"] = json!(credits(consumed));
            rows.push(row);
            if let Some(users) = users(subject, module) {
                let mut row = itemized(context, subject, day, module, "Total Active Users");
                row["usageAmount"] = json!(users);
                row["usageUnit"] = json!("Users");
                row["cuConsumed"] = json!(0.0);
                rows.push(row);
            }
        }
    }
    Ok(rows)
}

/// One row a day of what a tenant may consume; none without a quota.
pub(super) fn quota(context: &Context<'_>, subject: &Subject<'_>) -> Vec<Value> {
    let quota = subject
        .tenant
        .value("quota.credits")
        .and_then(Value::as_f64);
    let Some(quota) = quota.filter(|quota| *quota > 0.0 && tenant_type(subject.tenant) != 1) else {
        return Vec::new();
    };
    let start = subject
        .tenant
        .text("quota.effectiveAt")
        .and_then(|at| at.parse::<Timestamp>().ok());
    let start = simulation::day(start.unwrap_or(subject.tenant.created_at));
    let module = if subject.product() == 1 { 1 } else { 2 };
    let days = wanted_days(context).into_iter().filter(|day| *day >= start);
    days.map(|day| {
        let mut row = itemized(context, subject, day, module, "Quota");
        row["cuConsumed"] = json!(quota);
        row
    })
    .collect()
}

/// The days that there are figures of and that the filters want.
fn wanted_days(context: &Context<'_>) -> Vec<Day> {
    (context.last - DAYS + 1..=context.last)
        .filter(|day| {
            context
                .filters
                .admit("date", &moment(simulation::midnight(*day)))
        })
        .collect()
}

fn itemized(
    context: &Context<'_>,
    subject: &Subject<'_>,
    day: Day,
    module: i64,
    what: &str,
) -> Value {
    let tenant = context.ids.tenant(subject.tenant);
    let product = subject.product();
    let mut row = json!({
        "customerGlobalId": context.ids.customer(subject.customer),
        "mspGlobalId": context.ids.msp(),
        "mspName": context.account_name,
        "accountName": subject.account_name(),
        "tenantId": tenant,
        "productId": product,
        "productName": if product == 1 { "Enterprise Workloads" } else { "SaaS Apps and Endpoints" },
        "productModuleId": module,
        "productModuleName": module_name(module),
        "tenantType": type_name(subject),
        "date": moment(simulation::midnight(day)),
        "usageDescription": what,
        "dcpUniqueKey": key(&format!("{tenant} {module} {day} {what}")),
    });
    if let Some(plan) = subject.plan {
        row["servicePlanId"] = json!(plan.sequence);
        row["servicePlanName"] = json!(plan.name());
    }
    if let Some(edition) = edition(subject) {
        row["editionName"] = json!(edition);
    }
    row
}

fn users(subject: &Subject<'_>, module: i64) -> Option<i64> {
    let (_, _, workload) = MODULES.iter().find(|(number, ..)| *number == module)?;
    let listed = subject.tenant.value("workloads")?.as_array()?;
    listed.iter().find(|entry| entry["name"] == *workload)?["users"].as_i64()
}

fn edition<'a>(subject: &Subject<'a>) -> Option<&'a str> {
    let product = product_name(subject.product())?;
    plan_fit::entry(subject.plan?, product)?["edition"].as_str()
}

fn type_name(subject: &Subject<'_>) -> &'static str {
    match tenant_type(subject.tenant) {
        1 => "Sandbox",
        3 => "Commercial",
        _ => "Evaluation",
    }
}

fn key(text: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(text))
}

#[allow(
    clippy::cast_precision_loss,
    reason = "credits stay far below 2^53 millionths"
)]
fn credits(millionths: u64) -> f64 {
    millionths as f64 / 1_000_000.0
}
