//! The status of a `Customer`.

use super::{
    Around, HealthCondition, NOTHING, consumption, health, is_of, joined,
    limits::{self, Quotas, Warned},
    yes_no,
};
use crate::{
    api::{
        customer::{CustomerClients, CustomerStatus, CustomerSummary, CustomerTenants},
        shared::{ManagedStatus, Product},
        tenant::TenantType,
    },
    estate::Object,
    rules,
};

/// Clients named in status.
const CLIENTS_SHOWN: usize = 50;

/// A customer's own part of the status, and its health conditions. Serves R-D14, R-D15, R-D16, R-N16.
pub fn customer(
    object: Option<&Object>,
    around: &Around,
    previous: Option<&CustomerStatus>,
    warned: Warned,
) -> (CustomerStatus, Vec<HealthCondition>) {
    let Some(object) = object else {
        let kept = previous.map(|previous| CustomerStatus {
            managed: ManagedStatus::default(),
            ..previous.clone()
        });
        return (kept.unwrap_or_default(), Vec::new());
    };
    let quotas = Quotas::of(&object.settings, warned.settled);
    let limit = quotas.storage;
    let known = previous.filter(|previous| is_of(&previous.managed, object));
    let known = known.and_then(|previous| previous.usage.as_ref());
    let row = around.usage.first();
    let row = row.map(|row| consumption::remembering(row, known));
    let usage = consumption::usage(known, row.as_ref(), around.usage_as_of, quotas);
    let (health, mut conditions) = health::health(
        previous.and_then(|previous| previous.health.as_ref()),
        previous.map(|previous| &previous.managed),
        around,
        |row| around.level_of(row),
    );
    conditions.extend(limits::near(
        usage.as_ref(),
        quotas,
        warned.at,
        &limits::LIMITS,
    ));
    let tenants = tenants(around);
    let storage = usage
        .as_ref()
        .and_then(|usage| usage.storage.as_ref()?.bytes().ok());
    let summary = CustomerSummary {
        reseller: Some(around.parent.clone().unwrap_or_else(|| NOTHING.into())),
        plan: Some(joined(tenants.plans.iter().map(String::as_str))),
        product: Some(joined(
            tenants.products.iter().map(|product| product.as_str()),
        )),
        storage: Some(storage.map_or_else(|| NOTHING.into(), consumption::shown)),
        limit: Some(limit.map_or_else(|| "unlimited".into(), consumption::shown)),
        used_percent: Some(
            usage
                .as_ref()
                .and_then(|usage| usage.storage_percent)
                .map_or_else(|| NOTHING.into(), |percent| format!("{percent}%")),
        ),
        location: Some(
            object
                .settings
                .text("storageLocation")
                .unwrap_or(NOTHING)
                .to_owned(),
        ),
        types: Some(joined(tenants.types.iter().map(|kind| kind.as_str()))),
        active: Some(yes_no(object.active())),
        health: Some(health::success(health.as_ref())),
    };
    let status = CustomerStatus {
        managed: ManagedStatus::default(),
        account_name: object.settings.text("accountName").map(ToOwned::to_owned),
        storage_location: object
            .settings
            .text("storageLocation")
            .map(ToOwned::to_owned),
        tenants: Some(tenants),
        clients: object.facts.clients.map(|total| CustomerClients {
            total: total.into(),
            ids: object
                .facts
                .client_ids
                .iter()
                .take(CLIENTS_SHOWN)
                .cloned()
                .collect(),
        }),
        trial_ends_at: object.facts.trial_ends_at.clone(),
        usage,
        health,
        effective: Some(rules::effective(&around.levels)),
        welcome_mail_sent_at: object.facts.welcome_mail_sent_at.clone(),
        summary: Some(summary),
    };
    (status, conditions)
}

/// What the customer subscribes to, in a few words.
fn tenants(around: &Around) -> CustomerTenants {
    let mut tenants = CustomerTenants {
        total: around.children.len() as u64,
        ..CustomerTenants::default()
    };
    for tenant in &around.children {
        let settings = &tenant.settings;
        tenants.products.extend(
            settings
                .text("product")
                .and_then(|product| product.parse::<Product>().ok()),
        );
        tenants.types.extend(
            settings
                .text("type")
                .and_then(|kind| kind.parse::<TenantType>().ok()),
        );
        tenants
            .plans
            .extend(around.plan_of(tenant).map(|plan| plan.name.clone()));
        let regions = settings
            .get("storageRegions")
            .and_then(serde_json::Value::as_array);
        tenants.regions.extend(
            regions
                .into_iter()
                .flatten()
                .filter_map(|region| region.as_str().map(ToOwned::to_owned)),
        );
    }
    tenants.products.sort_unstable();
    tenants.products.dedup();
    tenants.types.sort_unstable();
    tenants.types.dedup();
    tenants.plans.sort_unstable();
    tenants.plans.dedup();
    tenants.regions.sort_unstable();
    tenants.regions.dedup();
    tenants
}
