//! Usage and health.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::{Platform, id};

async fn rows(platform: &Platform, report: &str) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = platform
            .get(&format!("/v1/{report}?limit=2{cursor}"))
            .await
            .expect(200);
        rows.extend(page["items"].as_array().expect("rows").clone());
        let Some(next) = page["next"].as_str() else {
            return rows;
        };
        cursor = format!("&cursor={next}");
    }
}

fn of<'a>(rows: &'a [Value], customer: &Value, tenant: &Value) -> &'a Value {
    rows.iter()
        .find(|row| row["customerId"] == customer["id"] && row["tenantId"] == *tenant)
        .expect("a row")
}

async fn customer_with_tenants(platform: &Platform) -> (Value, Vec<Value>) {
    let limits = json!({"storage": 500_u64 << 30, "credits": 50});
    let customer = platform
        .create(
            "customers",
            "hf-1",
            json!({"name": "Fabrikam GmbH", "limits": limits}),
        )
        .await;
    let mut tenants = Vec::new();
    for product in ["HybridWorkloads", "SaaSAppsAndEndpoints"] {
        let body = json!({"customerId": id(&customer), "planId": platform.plan().await, "product": product});
        tenants.push(
            platform
                .create("tenants", &format!("hf-{product}"), body)
                .await,
        );
    }
    (customer, tenants)
}

#[tokio::test]
async fn usage_adds_up_and_is_in_proportion() {
    // R-D15, R-N6
    let platform = Platform::start().await;
    let (customer, tenants) = customer_with_tenants(&platform).await;
    let rows = rows(&platform, "usage").await;
    let total = of(&rows, &customer, &Value::Null);
    let parts: Vec<_> = tenants
        .iter()
        .map(|tenant| of(&rows, &customer, &tenant["id"]))
        .collect();
    let number = |row: &Value, field: &str| row[field].as_f64().expect("a number");
    let sum: f64 = parts.iter().map(|row| number(row, "storageBytes")).sum();
    assert!((sum - number(total, "storageBytes")).abs() < 1.0);
    let percent = number(total, "storageBytes") / f64::from(500 << 20) / 1024.0 * 100.0;
    assert!((30.0..90.0).contains(&percent), "{percent}");
    let credits = number(total, "credits") / 50.0 * 100.0;
    assert!((30.0..90.0).contains(&credits), "{credits}");
    let months: Vec<_> = total["months"]
        .as_array()
        .expect("months")
        .iter()
        .map(|month| month["month"].as_str().unwrap_or_default())
        .collect();
    assert_eq!(months, ["2026-08", "2026-09", "2026-10", "2026-11"]);
    assert!(rows.iter().any(|row| row["customerId"] == "1"
        && row["storageBytes"].as_u64().is_some_and(|bytes| bytes > 0)));
}

#[tokio::test]
async fn health_has_a_row_a_tenant_with_all_its_data_sources() {
    // R-D16, R-N10
    let platform = Platform::start().await;
    let (customer, tenants) = customer_with_tenants(&platform).await;
    let rows = rows(&platform, "health").await;
    assert_eq!(
        rows.iter()
            .filter(|row| row["customerId"] == customer["id"])
            .count(),
        2
    );
    let row = of(&rows, &customer, &tenants[0]["id"]);
    let sources = row["dataSources"].as_array().expect("data sources");
    assert!((2..=6).contains(&sources.len()));
    assert_eq!(
        row["jobs"]["total"].as_u64(),
        Some(30 * sources.len() as u64)
    );
    assert_eq!(sources[0]["organisation"], "Fabrikam GmbH");
    assert_eq!(sources[0]["lastRunAt"], "2026-11-22T00:00:00Z");
    assert!(
        rows.iter()
            .any(|row| row["customerId"] == "1" && row["tenantId"].is_null())
    );
}

#[tokio::test]
async fn figures_stand_still_within_a_day_and_move_with_it() {
    let platform = Platform::start().await;
    customer_with_tenants(&platform).await;
    let (usage, health) = (
        rows(&platform, "usage").await,
        rows(&platform, "health").await,
    );
    platform.clock.advance(SignedDuration::from_hours(11));
    assert_eq!(
        (
            rows(&platform, "usage").await,
            rows(&platform, "health").await
        ),
        (usage.clone(), health)
    );
    platform.clock.advance(SignedDuration::from_hours(2));
    assert_ne!(rows(&platform, "usage").await, usage);
}

#[tokio::test]
async fn what_is_switched_off_stops_backing_up() {
    // R-V8, R-D31
    let platform = Platform::start().await;
    let (customer, tenants) = customer_with_tenants(&platform).await;
    platform
        .act("tenants", &tenants[0], "deactivate")
        .await
        .expect(200);
    platform.clock.advance(SignedDuration::from_hours(24 * 10));
    let rows = rows(&platform, "health").await;
    let (off, on) = (
        of(&rows, &customer, &tenants[0]["id"]),
        of(&rows, &customer, &tenants[1]["id"]),
    );
    let jobs = |row: &Value| {
        row["jobs"]["total"].as_u64().unwrap_or_default()
            / row["dataSources"].as_array().map_or(1, Vec::len) as u64
    };
    assert_eq!((jobs(off), jobs(on)), (20, 30));
    assert_eq!(off["dataSources"][0]["lastRunAt"], "2026-11-22T00:00:00Z");
    platform
        .act("tenants", &tenants[0], "activate")
        .await
        .expect(200);
    platform.clock.advance(SignedDuration::from_hours(24));
    let again = platform.get("/v1/health?days=1").await.expect(200);
    let again = again["items"]
        .as_array()
        .expect("rows")
        .iter()
        .find(|row| row["tenantId"] == tenants[0]["id"])
        .expect("a row");
    assert_eq!(jobs(again), 1);
}
