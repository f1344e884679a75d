//! A benchmark that prints figures; asserts counts only.

use std::time::Instant;

use futures::{StreamExt as _, stream};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Platform, id};

const CUSTOMERS: usize = 10_000;

/// Sends creations, 16 in flight, and gives back the ids.
async fn create(platform: &Platform, kind: &str, bodies: Vec<Value>) -> Vec<String> {
    let started = Instant::now();
    let number = bodies.len();
    let ids: Vec<String> = stream::iter(bodies.into_iter().enumerate())
        .map(|(index, body)| async move {
            let path = format!("/v1/{kind}/by-ref/hf-{index}");
            let request = platform
                .request(Method::PUT, &path)
                .header("If-None-Match", "*")
                .json(&body);
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status().as_u16(), 201);
            let item: Value =
                serde_json::from_str(&answer.text().await.expect("text")).expect("JSON");
            id(&item).to_owned()
        })
        .buffered(16)
        .collect()
        .await;
    println!("{number} {kind} created in {:?}", started.elapsed());
    ids
}

async fn read(platform: &Platform, path: &str) {
    let started = Instant::now();
    let (mut rows, mut pages, mut cursor) = (0, 0, String::new());
    let mut longest = std::time::Duration::ZERO;
    loop {
        let page = Instant::now();
        let request = platform.request(Method::GET, &format!("{path}{cursor}"));
        let answer = request
            .send()
            .await
            .expect("an answer")
            .text()
            .await
            .expect("text");
        longest = longest.max(page.elapsed());
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        rows += answer["items"].as_array().expect("rows").len();
        pages += 1;
        let Some(next) = answer["next"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    println!(
        "{path}: {rows} rows on {pages} pages in {:?}, longest page {longest:?}",
        started.elapsed()
    );
}

fn resident() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .unwrap_or_default()
        .to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a benchmark of ten thousand customers"]
async fn ten_thousand_customers_and_tenants() {
    let platform = Platform::start().await;
    println!("fresh: {}", resident());
    let reseller = platform
        .create(
            "resellers",
            "hf-r",
            json!({"name": "R", "allotment": {"storage": 1_u64 << 52}}),
        )
        .await;
    let plan = platform.plan().await;
    let customer = |number| json!({"name": format!("Customer {number}"), "country": "DE", "resellerId": id(&reseller), "limits": {"storage": 100_u64 << 30}});
    let mut ids = create(&platform, "customers", (0..1000).map(customer).collect()).await;
    println!("after 1,000: {}", resident());
    let rest: Vec<Value> = (1000..CUSTOMERS).map(customer).collect();
    let started = Instant::now();
    let more = stream::iter(rest.into_iter().enumerate())
        .map(|(index, body)| {
            let platform = &platform;
            async move {
                id(&platform
                    .put("customers", &format!("hf-more-{index}"), body)
                    .await
                    .body)
                .to_owned()
            }
        })
        .buffered(16);
    ids.extend(more.collect::<Vec<_>>().await);
    println!(
        "{} more customers in {:?} (answers checked against the contract)",
        CUSTOMERS - 1000,
        started.elapsed()
    );
    let tenants = ids.iter().map(
        |customer| json!({"customerId": customer, "planId": plan, "product": "HybridWorkloads"}),
    );
    create(&platform, "tenants", tenants.collect()).await;
    for path in [
        "/v1/customers?limit=100",
        "/v1/tenants?limit=100",
        "/v1/clients?limit=500",
        "/v1/usage?limit=100",
        "/v1/health?limit=100",
    ] {
        read(&platform, path).await;
    }
    println!("at the end: {}", resident());
}
