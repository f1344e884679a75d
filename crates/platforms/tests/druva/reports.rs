//! Consumption and health, put together from the vendor's reports.

use holdfast_core::estate::{Consumption, ObjectId, Scope};
use holdfast_platforms::Reports as _;
use holdfast_platforms::{Platform, PlatformError};
use serde_json::{Value, json};

use crate::{
    estate::{CUSTOMER, SAAS_TENANT, TENANT, healthy},
    server::{Fake, Reply, Seen},
};

pub fn row(
    tenant: &str,
    day: &str,
    module: i64,
    what: &str,
    unit: &str,
    amount: f64,
    credits: f64,
) -> Value {
    json!({"customerGlobalId": CUSTOMER, "tenantId": tenant, "date": format!("{day}T00:00:00.000Z"), "productModuleId": module,
        "usageDescription": what, "usageUnit": unit, "usageAmount": amount, "cuConsumed": credits})
}

/// Two pages of consumption, the second older.
fn consumption(seen: &Seen) -> Reply {
    if !seen.path.ends_with("consumptionItemized") {
        return healthy(seen);
    }
    if seen.body["pageToken"] == "two" {
        return Reply::ok(
            &json!({"nextPageToken": "", "lastSyncTimestamp": "2026-11-19T00:00:00.000Z", "data": [
                row(SAAS_TENANT, "2026-11-02", 2, "Total Active Users", "Users", 40.0, 4.0),
                row(SAAS_TENANT, "2026-10-30", 2, "Backend Source + Change Storage", "Bytes", 900.0, 1.0),
                {"usageAmount": 1, "cuConsumed": 99},
            ]}),
        );
    }
    Reply::ok(
        &json!({"nextPageToken": "two", "lastSyncTimestamp": "2026-11-20T00:00:00.000Z", "data": [
            row(TENANT, "2026-10-31", 1, "Backend Cloud Storage", "Bytes", 500.0, 0.5),
            row(TENANT, "2026-11-01", 1, "Backend Cloud Storage", "Bytes", 300.0, 0.25),
            row(TENANT, "2026-11-01", 1, "Accelerated Ransomware Recovery", "Bytes", 200.0, 0.25),
            row(TENANT, "2026-11-02", 1, "Backend Cloud Storage", "Bytes", 400.0, 0.25),
        ]}),
    )
}

#[tokio::test]
async fn consumption_is_added_up_by_tenant_customer_and_month() {
    let fake = Fake::start(consumption).await;
    let usage = fake.druva().usage(90).await.unwrap();
    assert_eq!(
        usage.as_of.to_string(),
        "2026-11-19T00:00:00Z",
        "as old as its oldest page"
    );
    let of = |tenant: Option<&str>| -> &Consumption {
        let tenant = tenant.map(ObjectId::new);
        usage
            .rows
            .iter()
            .find(|row| row.tenant_id == tenant)
            .unwrap()
    };
    let months = |row: &Consumption| -> Vec<(String, u64, f64)> {
        let months = row.months.iter();
        months
            .map(|month| (month.month.clone(), month.storage_max_bytes, month.credits))
            .collect()
    };
    let workloads = of(Some(TENANT));
    assert_eq!(
        (workloads.storage_bytes, workloads.credits),
        (400, Some(1.25))
    );
    assert_eq!(
        months(workloads),
        [
            ("2026-10".to_owned(), 500, 0.5),
            ("2026-11".to_owned(), 400, 0.75)
        ]
    );
    let saas = of(Some(SAAS_TENANT));
    assert_eq!(
        (saas.storage_bytes, saas.credits),
        (900, Some(5.0)),
        "three days back still counts"
    );
    let total = of(None);
    assert_eq!(
        (
            total.customer_id.as_str(),
            total.storage_bytes,
            total.credits
        ),
        (CUSTOMER, 1300, Some(6.25))
    );
    assert_eq!(
        months(total),
        [
            ("2026-10".to_owned(), 900, 1.5),
            ("2026-11".to_owned(), 400, 4.75)
        ]
    );

    let questions: Vec<Value> = fake.seen().into_iter().map(|seen| seen.body).collect();
    assert_eq!(questions[0]["filters"]["pageSize"], 500);
    let filter = &questions[0]["filters"]["filterBy"][0];
    assert_eq!(
        (&filter["fieldName"], &filter["operator"]),
        (&json!("date"), &json!("GTE"))
    );
    assert!(
        filter["value"]
            .as_str()
            .unwrap()
            .ends_with("T00:00:00.000Z")
    );
    assert_eq!(questions[1], json!({"pageToken": "two"}));
}

fn backup(set: &str, id: i64, status: &str, ended: &str) -> Value {
    json!({"customerGlobalId": CUSTOMER, "organization": "org-1", "backupSet": set, "jobID": id, "status": status,
        "ended": ended, "workloads": "Files", "backupPolicy": "nightly", "vm": "NA", "deviceName": "NA"})
}

fn activity(seen: &Seen) -> Reply {
    let Some((_, report)) = seen.path.split_once("/v1/reports/") else {
        return healthy(seen);
    };
    let resource = |set: &str, enabled: &str| {
        json!({"customerGlobalId": CUSTOMER, "organization": "org-1", "backupset": set, "backupEnabled": enabled,
            "backupsetType": "MSSQL", "backupPolicy": "hourly", "resourceName": "srv"})
    };
    let alert = |severity: &str, resolved: &str| json!({"customerGlobalId": CUSTOMER, "severity": severity, "resolved": resolved});
    let (member, rows, as_of) = match report {
        "mspEWResourceStatus" => (
            "data::",
            json!([
                resource("srv#idle", "Yes"),
                resource("srv#off", "No"),
                resource("srv#a", "Yes")
            ]),
            "2026-11-20T00:00:00Z",
        ),
        "mspEWBackupActivity" => (
            "data",
            json!([
                backup("srv#a", 3, "Failed", "2026-11-19T03:00:00Z"),
                backup("srv#a", 1, "Successful", "2026-11-18T03:00:00Z"),
                backup("srv#a", 4, "Running", "2026-11-20T03:00:00Z"),
                backup("srv#b", 5, "Successful with errors", "2026-11-19T03:00:00Z"),
                backup("srv#c", 6, "Skipped", "2026-11-19T03:00:00Z"),
            ]),
            "2026-11-20T06:00:00Z",
        ),
        "mspEWRestoreActivity" => (
            "data",
            json!([
                {"customerGlobalId": CUSTOMER, "organization": "org-1", "source": "srv#a", "status": "Successful", "ended": "2026-11-10T00:00:00Z"},
                {"customerGlobalId": CUSTOMER, "organization": "org-1", "source": "NA", "status": "Failed"},
            ]),
            "2026-11-20T06:00:00Z",
        ),
        _ => (
            "data",
            json!([
                alert("Critical", "No"),
                alert("Warning", "3"),
                alert("Warning", "Yes"),
                alert("Information", "No")
            ]),
            "2026-11-19T18:00:00Z",
        ),
    };
    Reply::ok(&json!({member: rows, "lastSyncTimestamp": as_of, "nextPageToken": null}))
}

#[tokio::test]
async fn health_is_put_together_from_four_reports() {
    let fake = Fake::start(activity).await;
    let druva = fake.druva();
    druva.observe(Scope::default()).await.unwrap();
    let health = druva.health(30).await.unwrap();
    assert_eq!(health.as_of.to_string(), "2026-11-19T18:00:00Z");
    let [row] = &health.rows[..] else {
        panic!("{:?}", health.rows)
    };
    assert_eq!(
        (
            row.customer_id.as_str(),
            row.tenant_id.as_ref().unwrap().as_str()
        ),
        (CUSTOMER, TENANT)
    );
    assert_eq!(
        row.jobs
            .map(|jobs| (jobs.total, jobs.successful, jobs.failed)),
        Some((4, 1, 1)),
        "one still runs"
    );
    let restores = row.restores.unwrap();
    assert_eq!((restores.total, restores.successful), (2, 1));
    let alerts = row.alerts.unwrap();
    assert_eq!(
        (alerts.critical, alerts.warning),
        (1, 1),
        "what isn't understood counts as open"
    );
    let status = |name: &str| {
        let source = row.data_sources.iter().find(|source| source.name == name);
        source.map(|source| source.last_status.clone().unwrap())
    };
    assert_eq!(status("srv#a").as_deref(), Some("Failed"));
    assert_eq!(status("srv#b").as_deref(), Some("Successful with errors"));
    assert_eq!(status("srv#c").as_deref(), Some("Missed"));
    assert_eq!(
        status("srv#idle").as_deref(),
        Some("Missed"),
        "no job in all these days"
    );
    assert_eq!(status("srv#off"), None);
    let source = row
        .data_sources
        .iter()
        .find(|source| source.name == "srv#a")
        .unwrap();
    assert_eq!(
        source.last_success_at.unwrap().to_string(),
        "2026-11-18T03:00:00Z"
    );
    assert_eq!(
        (
            source.last_job_id.as_deref(),
            source.last_success_job_id.as_deref()
        ),
        (Some("3"), Some("1"))
    );
    assert_eq!(
        source.last_restore_at.unwrap().to_string(),
        "2026-11-10T00:00:00Z"
    );
    assert_eq!(
        (source.organisation.as_deref(), source.workload.as_deref()),
        (Some("org-1"), Some("Files"))
    );
    let asked = fake
        .seen()
        .into_iter()
        .filter(|seen| seen.path.contains("/v1/reports/"));
    for seen in asked {
        assert_eq!(
            seen.body["filters"]["filterBy"][0]["fieldName"], "lastUpdatedTime",
            "else it is about one day"
        );
    }
}

#[tokio::test]
async fn a_report_that_is_not_whole_is_an_error() {
    let circle = |seen: &Seen| {
        if seen.path.contains("/reporting/") {
            return Reply::ok(&json!({"data": [], "nextPageToken": "again"}));
        }
        healthy(seen)
    };
    let fake = Fake::start(circle).await;
    let druva = fake.druva();
    let usage = druva.usage(90).await;
    assert!(matches!(usage, Err(PlatformError::Garbled(_))), "{usage:?}");
    let health = druva.health(30).await;
    assert!(
        matches!(health, Err(PlatformError::Garbled(_))),
        "{health:?}"
    );
}

#[tokio::test]
async fn a_report_that_does_not_say_its_age_is_two_days_old() {
    let fake = Fake::start(|seen: &Seen| {
        if seen.path.contains("/reporting/") {
            return Reply::ok(&json!({"data": null, "nextPageToken": null}));
        }
        healthy(seen)
    })
    .await;
    let usage = fake.druva().usage(90).await.unwrap();
    let age = jiff::Timestamp::now().duration_since(usage.as_of);
    assert_eq!((age.as_hours(), usage.rows.len()), (48, 0));
}

#[tokio::test]
async fn a_report_that_took_long_to_read_is_not_read_again_at_once() {
    let slow = |seen: &Seen| {
        if seen.path.contains("/reporting/") {
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        healthy(seen)
    };
    let fake = Fake::start(slow).await;
    let druva = fake.druva();
    for _ in 0..3 {
        druva.usage(90).await.unwrap();
    }
    assert_eq!(fake.lines().len(), 1);
    druva.usage(30).await.unwrap();
    assert_eq!(fake.lines().len(), 2, "another question");
}
