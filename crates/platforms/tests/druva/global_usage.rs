//! Credits of tenants of which nothing is itemised, from the report of all usage.

use holdfast_core::estate::{ObjectId, Scope, UsageReport};
use holdfast_platforms::Reports as _;
use holdfast_platforms::{Platform, PlatformError};
use serde_json::{Value, json};

use crate::{
    estate::{SAAS_TENANT, TENANT, healthy},
    reports::row,
    server::{Fake, Reply, Seen},
};

const ALL_USAGE: &str = "/msp/reporting/v3/reports/mspGlobalUsage";

fn all_usage(account: &str, module: &str, credits: f64) -> Value {
    json!({"accountName": account, "customerName": "Fabrikam GmbH", "productModule": module, "cuConsumption": credits,
        "tenantType": "Evaluation", "edition": "business", "servicePlan": "Gold"})
}

/// One tenant is itemised. Of all usage there are two pages, with rows of nobody and of the tenant that is itemised.
fn partly_itemised(seen: &Seen) -> Reply {
    let Some((_, report)) = seen.path.split_once("/v3/reports/") else {
        return healthy(seen);
    };
    let (rows, as_of, next) = match (report, seen.body["pageToken"].as_str()) {
        ("mspGlobalUsage", Some("two")) => (
            json!([
                all_usage("fabrikam-001", "Endpoints", 0.5),
                all_usage("fabrikam-001", "Mainframes", 70.0),
            ]),
            "2026-11-18T12:00:00Z",
            "",
        ),
        ("mspGlobalUsage", _) => (
            json!([
                all_usage("fabrikam-001", "Hybrid Workloads", 90.0),
                all_usage("fabrikam-001", "Microsoft 365", 3.0),
                all_usage("somebody", "Microsoft 365", 80.0),
            ]),
            "2026-11-19T12:00:00Z",
            "two",
        ),
        _ => (
            json!([row(
                TENANT,
                "2026-11-02",
                1,
                "Backend Cloud Storage",
                "Bytes",
                400.0,
                0.25
            )]),
            "2026-11-19T00:00:00.000Z",
            "",
        ),
    };
    Reply::ok(&json!({"data": rows, "lastSyncTimestamp": as_of, "nextPageToken": next}))
}

/// Tenant, bytes, credits and number of months.
fn figures(usage: &UsageReport) -> Vec<(Option<&str>, u64, f64, usize)> {
    let rows = usage.rows.iter();
    rows.map(|row| {
        let tenant = row.tenant_id.as_ref().map(ObjectId::as_str);
        let credits = row.credits.unwrap_or(-1.0);
        (tenant, row.storage_bytes, credits, row.months.len())
    })
    .collect()
}

#[tokio::test]
async fn a_tenant_of_which_nothing_is_itemised_has_the_credits_of_all_usage() {
    let fake = Fake::start(partly_itemised).await;
    let druva = fake.druva();
    druva.observe(Scope::default()).await.unwrap();
    let before = fake.seen().len();
    let usage = druva.usage(90).await.unwrap();
    let wanted = [
        (Some(SAAS_TENANT), 0, 3.5, 0),
        (Some(TENANT), 400, 0.25, 1),
        (None, 400, 3.75, 1),
    ];
    assert_eq!(figures(&usage), wanted);
    assert_eq!(
        usage.as_of.to_string(),
        "2026-11-18T12:00:00Z",
        "as old as the oldest page of both"
    );
    let asked = fake.seen().split_off(before);
    let reports: Vec<&str> = asked
        .iter()
        .filter_map(|seen| seen.path.rsplit('/').next())
        .collect();
    assert_eq!(
        reports,
        ["mspGlobalUsage", "mspGlobalUsage", "consumptionItemized"],
        "nothing but the reports"
    );
    assert_eq!(asked[0].body["filters"]["pageSize"], 500);
    assert_eq!(asked[1].body, json!({"pageToken": "two"}));
}

/// The usage report, where the first tenant is itemised and all usage gets this answer; how often it was asked for, and how
/// many tokens were needed.
async fn without_all_usage(
    answer: impl Fn() -> Reply + Send + Sync + 'static,
) -> (Result<UsageReport, PlatformError>, usize, usize) {
    let fake = Fake::start(move |seen| match seen.path.as_str() {
        ALL_USAGE => answer(),
        _ => partly_itemised(seen),
    })
    .await;
    let druva = fake.druva();
    druva.observe(Scope::default()).await.unwrap();
    let usage = druva.usage(90).await;
    let asked = fake.seen().into_iter();
    let asked = asked.filter(|seen| seen.path == ALL_USAGE).count();
    (usage, asked, fake.tokens())
}

#[tokio::test]
async fn what_is_itemised_stays_usable_without_all_usage() {
    for answer in [
        || Reply::error(403, "not for you"),
        || Reply::error(400, "no such report"),
        || Reply::error(404, "no such report"),
        || Reply::html(404),
        || Reply::ok(&json!({"data": "none", "nextPageToken": ""})),
    ] {
        let (usage, asked, tokens) = without_all_usage(answer).await;
        let usage = usage.unwrap();
        assert_eq!(
            figures(&usage),
            [(Some(TENANT), 400, 0.25, 1), (None, 400, 0.25, 1)]
        );
        assert_eq!(usage.as_of.to_string(), "2026-11-19T00:00:00Z");
        assert_eq!((asked, tokens), (1, 1), "it isn't about the token");
    }
    let circle = || {
        let rows = json!([all_usage("fabrikam-001", "Microsoft 365", 3.0)]);
        Reply::ok(&json!({"data": rows, "nextPageToken": "again"}))
    };
    let (usage, ..) = without_all_usage(circle).await;
    assert_eq!(usage.unwrap().rows.len(), 2, "half a report is none");
}

#[tokio::test]
async fn figures_wait_for_all_usage_that_fails_for_now() {
    let (usage, ..) = without_all_usage(|| Reply::error(401, "who are you?")).await;
    assert!(
        matches!(usage, Err(PlatformError::Unauthorised(_))),
        "{usage:?}"
    );
    let (usage, ..) = without_all_usage(|| Reply::error(500, "later")).await;
    assert!(
        matches!(usage, Err(PlatformError::Unreachable(_))),
        "{usage:?}"
    );
    let throttled = || Reply::error(429, "slowly").with("retry-after", "0");
    let (usage, ..) = without_all_usage(throttled).await;
    assert!(
        matches!(usage, Err(PlatformError::Throttled { .. })),
        "{usage:?}"
    );
}
