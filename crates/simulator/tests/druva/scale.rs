//! A benchmark that prints figures; asserts counts only.

use std::time::{Duration, Instant};

use futures::{StreamExt as _, stream};
use holdfast_simulator::{Clock, DruvaOptions};
use serde_json::{Value, json};

use crate::support::{Platform, customer, workloads};

const CUSTOMERS: usize = 2_000;

/// Sends a write and asks for its task until it has ended.
async fn carried_out(platform: &Platform, path: &str, body: Value) -> String {
    let answer = platform.post(path, body).await.expect(200);
    let id = answer["task"]["id"].as_str().expect("a task");
    loop {
        let task = platform.task(id).await;
        if task["status"] == 4 {
            let entity = &task["output"]["successResp"]["entityId"];
            return entity.as_str().expect("an id").to_owned();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a benchmark of two thousand customers"]
async fn two_thousand_customers_and_tenants() {
    let platform = Platform::start_with(|options| DruvaOptions {
        clock: Clock::system(),
        ..options
    })
    .await;
    let plan = platform.plan().await;
    let started = Instant::now();
    let made: Vec<String> = stream::iter(0..CUSTOMERS)
        .map(|number| {
            let platform = &platform;
            async move {
                let name = format!("Customer {number}");
                let id = carried_out(platform, "/msp/v3/customers", customer(&name)).await;
                let path = format!("/msp/v3/customers/{id}/tenants");
                carried_out(platform, &path, workloads(plan)).await
            }
        })
        .buffered(32)
        .collect()
        .await;
    println!("{} of each created in {:?}", made.len(), started.elapsed());
    for (path, list) in [
        ("/msp/v3/customers?includeFeatures=true", "customers"),
        ("/msp/v3/tenants?includeFeatures=true", "tenants"),
    ] {
        let started = Instant::now();
        let read = platform.all(path, list).await.len();
        println!("{path}: {read} in {:?}", started.elapsed());
        assert!(read > CUSTOMERS);
    }
    let yesterday =
        json!([{"fieldName": "date", "operator": "GTE", "value": Platform::yesterday()}]);
    for (path, filter_by) in [
        ("v3/reports/consumptionItemized", yesterday),
        ("v1/reports/mspEWBackupActivity", json!([])),
    ] {
        let started = Instant::now();
        let filters = json!({"pageSize": 500, "filterBy": filter_by});
        let rows = platform.report(path, filters).await.len();
        println!("{path}: {rows} rows in {:?}", started.elapsed());
        assert!(rows >= CUSTOMERS);
    }
}
