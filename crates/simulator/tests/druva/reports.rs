//! Reports on Druva's wire.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::{Platform, saas, workloads};

/// A platform with a customer that has both products.
async fn stocked() -> (Platform, String) {
    let platform = Platform::start().await;
    let plan = platform.plan().await;
    let customer = platform.customer("Acme").await;
    platform.tenant(&customer, workloads(plan)).await;
    platform.tenant(&customer, saas(plan)).await;
    (platform, customer)
}

fn filter(field: &str, operator: &str, value: Value) -> Value {
    json!({"fieldName": field, "operator": operator, "value": value})
}

// R-D15
#[tokio::test]
async fn consumption_is_itemised_by_day_and_module() {
    let (platform, customer) = stocked().await;
    let rows = platform
        .report("v3/reports/consumptionItemized", json!({"pageSize": 500}))
        .await;
    let dates: std::collections::BTreeSet<&str> =
        rows.iter().filter_map(|row| row["date"].as_str()).collect();
    assert_eq!(dates.len(), 90);
    // Noon of the 22nd: figures lag between one and two days.
    assert_eq!(dates.last().copied(), Some("2026-11-21T00:00:00.000Z"));
    assert!(
        rows.iter()
            .all(|row| row["customerGlobalId"] == customer.as_str()),
        "sandboxes aren't itemised"
    );
    let keys: std::collections::BTreeSet<&str> = rows
        .iter()
        .filter_map(|row| row["dcpUniqueKey"].as_str())
        .collect();
    assert_eq!(keys.len(), rows.len());

    let day = json!([
        filter("date", "GTE", json!("2026-11-20T00:00:00.000Z")),
        filter("productId", "EQUAL", json!(1)),
    ]);
    let rows = platform
        .report(
            "v3/reports/consumptionItemized",
            json!({"pageSize": 1, "filterBy": day}),
        )
        .await;
    assert_eq!(rows.len(), 2);
    assert_eq!(
        (&rows[0]["productModuleName"], &rows[0]["usageUnit"]),
        (&json!("Enterprise Workloads"), &json!("Bytes"))
    );
    assert!(
        rows[0]["cuConsumed"]
            .as_f64()
            .is_some_and(|consumed| consumed > 0.0)
    );
    let users = platform
        .report("v3/reports/consumptionItemized", json!({"filterBy": [filter("date", "EQUAL", json!("2026-11-20T00:00:00Z")), filter("usageDescription", "CONTAINS", json!(["Total Active Users"]))]}))
        .await;
    assert!(users.iter().all(|row| row["usageUnit"] == "Users"));
}

#[tokio::test]
async fn the_first_call_decides_for_the_whole_walk() {
    let (platform, _) = stocked().await;
    let path = "/msp/reporting/v3/reports/consumptionItemized";
    let first = platform
        .post(path, json!({"filters": {"pageSize": 10}, "pageToken": ""}))
        .await
        .expect(200);
    assert_eq!(first["filters"]["pageSize"], 10);
    assert_eq!(first["lastSyncTimestamp"], "2026-11-21T00:00:00.000Z");
    let next = first["nextPageToken"].as_str().expect("a token");
    let second = platform
        .post(
            path,
            json!({"filters": {"pageSize": 500}, "pageToken": next}),
        )
        .await
        .expect(200);
    assert_eq!(second["data"].as_array().map(Vec::len), Some(10));
    assert_ne!(first["data"], second["data"]);
    let other = "/msp/reporting/v3/reports/quotaItemized";
    platform
        .post(other, json!({"pageToken": next}))
        .await
        .expect(400);
    for filters in [
        json!({"pageSize": 501}),
        json!({"filterBy": [filter("colour", "EQUAL", json!(1))]}),
        json!({"filterBy": [filter("date", "LIKE", json!(1))]}),
    ] {
        let body = json!({"filters": filters});
        platform
            .wrong(reqwest::Method::POST, path, Some(body))
            .await
            .expect(400);
    }
}

// R-D33
#[tokio::test]
async fn quotas_are_itemised_while_there_is_one() {
    let (platform, _) = stocked().await;
    let rows = platform
        .report("v3/reports/quotaItemized", json!({"pageSize": 500}))
        .await;
    // From the first of October on; the other tenant has none.
    assert_eq!(rows.len(), 31 + 21);
    assert!(
        rows.iter()
            .all(|row| row["cuConsumed"] == 25.0 && row["productId"] == 1)
    );
}

// R-D40
#[tokio::test]
async fn all_usage_is_a_row_a_module() {
    let (platform, _) = stocked().await;
    let rows = platform
        .report(
            "v3/reports/mspGlobalUsage",
            json!({"filterBy": [filter("accountName", "EQUAL", json!("Acme"))]}),
        )
        .await;
    let modules: Vec<&str> = rows
        .iter()
        .filter_map(|row| row["productModule"].as_str())
        .collect();
    assert!(
        modules.contains(&"Enterprise Workloads") && modules.len() > 1,
        "{modules:?}"
    );
    let all = platform
        .report("v3/reports/mspGlobalUsage", json!({}))
        .await;
    assert!(all.iter().any(|row| row["tenantType"] == "Sandbox"));
}

// R-D16, R-N10
#[tokio::test]
async fn activity_is_that_of_the_last_day_unless_a_filter_reaches_further() {
    let (platform, customer) = stocked().await;
    let mine = filter("customerGlobalId", "EQUAL", json!(customer));
    let month = filter("lastUpdatedTime", "GTE", json!("2026-10-01T00:00:00.000Z"));
    let resources = platform
        .report(
            "v1/reports/mspEWResourceStatus",
            json!({"filterBy": [mine]}),
        )
        .await;
    assert!((2..=6).contains(&resources.len()));
    assert!(resources.iter().all(|row| row["backupEnabled"] == "Yes"));
    let day = platform
        .report(
            "v1/reports/mspEWBackupActivity",
            json!({"filterBy": [mine]}),
        )
        .await;
    assert_eq!(day.len(), resources.len());
    let all = platform
        .report(
            "v1/reports/mspEWBackupActivity",
            json!({"pageSize": 7, "filterBy": [mine, month]}),
        )
        .await;
    assert_eq!(all.len(), 30 * resources.len());
    let successful = all
        .iter()
        .filter(|row| row["status"] == "Successful")
        .count();
    assert!(
        successful * 10 > all.len() * 8,
        "{successful} of {}",
        all.len()
    );
    let failed = all.len() - successful;
    let alerts = platform
        .report(
            "v1/reports/mspEWAlertHistory",
            json!({"pageSize": 500, "filterBy": [mine, month]}),
        )
        .await;
    assert_eq!(alerts.len(), failed);
    platform
        .report(
            "v1/reports/mspEWRestoreActivity",
            json!({"filterBy": [mine, month]}),
        )
        .await;
}

#[tokio::test]
async fn a_page_of_activity_leads_on_for_five_minutes() {
    let (platform, _) = stocked().await;
    let path = "/msp/reporting/v1/reports/mspEWBackupActivity";
    let first = platform
        .post(path, json!({"filters": {"pageSize": 1}}))
        .await
        .expect(200);
    let next = json!({"pageToken": first["nextPageToken"]});
    platform.clock.advance(SignedDuration::from_mins(4));
    platform.post(path, next.clone()).await.expect(200);
    platform.clock.advance(SignedDuration::from_mins(2));
    platform.post(path, next).await.expect(400);
}
