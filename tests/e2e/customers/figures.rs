//! What a customer uses and how its backups do, as the platform reports it.

use crate::HOLDFAST;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

use super::look::remote_id;
use holdfast_testkit::operator::{Console, Stage, customer, embedded_platform, eventually};

const TENANT: &str = r#"apiVersion: holdfast.dev/v1alpha1
kind: ServicePlan
metadata: {name: gold}
spec:
  platformRef: {name: msp}
  planName: Gold
  products: [{product: HybridWorkloads, edition: Enterprise, workloads: [FileServers, MSSQL]}]
  serviceLevel: {recoveryPointObjective: 48h, minimumSuccessPercent: 50, restoreTestInterval: 240h}
---
apiVersion: holdfast.dev/v1alpha1
kind: Tenant
metadata: {name: fabrikam-hybrid}
spec:
  customerRef: {name: fabrikam}
  servicePlanRef: {name: gold}
  product: HybridWorkloads
  type: Commercial
  storageRegions: [eu-central-1]
  quota: {credits: 50}
  licenceExpiresAt: "2031-01-01T00:00:00Z"
"#;

/// The rows of one of the platform's reports that are about a customer.
async fn rows(console: &Console, report: &str, customer: &str) -> Vec<Value> {
    let path = format!("/v1/{report}");
    let page = console.call(Method::GET, &path, None).await;
    let rows = page["items"].as_array().cloned().unwrap_or_default();
    rows.into_iter()
        .filter(|row| row["customerId"] == customer)
        .collect()
}

/// The sum of a member over rows.
fn sum(rows: &[Value], pointer: &str) -> u64 {
    let values = rows.iter().filter_map(|row| row.pointer(pointer)?.as_u64());
    values.sum()
}

/// Bytes stored, by the metric.
async fn stored(stage: &Stage) -> f64 {
    let customer = r#"customer="fabrikam""#;
    stage
        .measured("holdfast_customer_storage_bytes", customer)
        .await
}

async fn staged(prefix: &str) -> (Stage, Console, String) {
    let stage = Stage::start(HOLDFAST, prefix).await;
    let more = r#", accountName: acct-4711, limits: {storage: 1Ti}, profile: {phone: "+49 30 5550100", address: {city: Berlin}}, administrators: [{email: ops@fabrikam.example}]"#;
    let manifests = [
        embedded_platform("msp"),
        customer("fabrikam", "msp", more),
        TENANT.to_owned(),
    ];
    stage.apply(&manifests.join("---\n"));
    stage
        .await_ready(&["customer/fabrikam", "tenant/fabrikam-hybrid"])
        .await;
    stage.sweep("msp");
    eventually("figures are shown", || async {
        let status = stage.get("customer/fabrikam")["status"].clone();
        status["usage"]["storagePercent"].as_u64() > Some(0) && status["health"].is_object()
    })
    .await;
    let console = stage.console("msp");
    let id = remote_id(&stage, &console, "fabrikam").await;
    (stage, console, id)
}

// R-D15, R-N8: storage and credits of 90 days in status and as metrics are what the platform reports.
#[tokio::test(flavor = "multi_thread")]
async fn usage_of_90_days_is_in_status_as_the_platform_reports_it() {
    let (stage, console, id) = staged("usage").await;
    let rows = rows(&console, "usage", &id).await;
    let whole = rows.iter().find(|row| row["tenantId"].is_null());
    let whole = whole.expect("a row for the whole customer");
    let bytes = whole["storageBytes"].as_f64().expect("bytes");
    let status = stage.get("customer/fabrikam")["status"].clone();
    let usage = &status["usage"];
    assert_eq!(usage["days"], 90);
    assert!(usage["asOf"].is_string());
    assert!(bytes > 0.0);
    let percent = (bytes * 100.0 / f64::from(1u32 << 20) / f64::from(1u32 << 20)).floor();
    assert_eq!(usage["storagePercent"].as_f64(), Some(percent), "{usage:#}");
    assert_eq!(status["summary"]["usedPercent"], format!("{percent}%"));
    let months = usage["months"].as_array().expect("months");
    assert_eq!(
        months.len(),
        whole["months"].as_array().map_or(0, Vec::len),
        "{usage:#}"
    );
    let credits: f64 = usage["credits"]
        .as_str()
        .and_then(|credits| credits.parse().ok())
        .unwrap_or_else(|| usage["credits"].as_f64().expect("credits"));
    let reported = whole["credits"].as_f64().expect("credits");
    assert!((credits - reported).abs() < 0.001, "{credits} {reported}");
    eventually("the metrics say the same", || async {
        (stored(&stage).await - bytes).abs() < 0.5
    })
    .await;
    let credits = stage
        .measured("holdfast_customer_credits", r#"customer="fabrikam""#)
        .await;
    assert!((credits - reported).abs() < 0.001, "{credits} {reported}");
}

/// Whether a data source was last restored from more than ten days ago, or never.
fn is_untested(source: &Value) -> bool {
    let restored = source["lastRestoreAt"].as_str();
    let restored = restored.map(|at| at.parse::<Timestamp>().expect("an instant"));
    restored.is_none_or(|at| Timestamp::now().duration_since(at) > SignedDuration::from_hours(240))
}

fn misses(source: &Value, part: &str) -> bool {
    let missed = source["missed"].as_array();
    missed.is_some_and(|missed| missed.contains(&part.into()))
}

// R-D16, R-N10, R-N17: jobs, restores, alerts and data sources of 30 days are what the platform reports, held against the plan.
#[tokio::test(flavor = "multi_thread")]
async fn health_of_30_days_is_in_status_as_the_platform_reports_it() {
    let (stage, console, id) = staged("health").await;
    let rows = rows(&console, "health", &id).await;
    let status = stage.get("customer/fabrikam")["status"].clone();
    let health = &status["health"];
    assert!(sum(&rows, "/jobs/total") > 0, "{rows:#?}");
    for figure in [
        "/jobs/total",
        "/jobs/successful",
        "/jobs/failed",
        "/restores/total",
        "/restores/successful",
        "/alerts/critical",
        "/alerts/warning",
    ] {
        let shown = health.pointer(figure).and_then(Value::as_u64);
        assert_eq!(shown, Some(sum(&rows, figure)), "{figure}: {health:#}");
    }
    let sources: Vec<&Value> = rows
        .iter()
        .filter_map(|row| row["dataSources"].as_array())
        .flatten()
        .collect();
    assert_eq!(health["dataSources"]["total"], sources.len());
    let meeting = health["dataSources"]["meetingObjective"].as_u64();
    assert!(meeting.is_some_and(|meeting| meeting <= sources.len() as u64));
    one_day_is_attained(health);
    let failing = sources
        .iter()
        .filter(|source| source["lastStatus"] != "Successful")
        .count();
    let worst = health["worst"].as_array().cloned().unwrap_or_default();
    assert!(worst.len() >= failing.min(10), "{health:#}");
    let healthy = if failing == 0 { "True" } else { "False" };
    stage
        .await_condition("customer/fabrikam", "BackupHealthy", healthy)
        .await;
    let late = sources.iter().filter(|source| is_untested(source)).count();
    let told = worst
        .iter()
        .filter(|source| misses(source, "RestoreTest"))
        .count();
    assert_eq!(told, late.min(10), "{health:#}\n{sources:#?}");
    let level = stage.condition("customer/fabrikam", "ServiceLevelMet");
    let met = if meeting == Some(sources.len() as u64) {
        "True/ObjectiveMet"
    } else {
        "False/ObjectiveMissed"
    };
    assert_eq!(level, met);
    assert_eq!(stage.condition("customer/fabrikam", "Ready"), "True/InSync");
}

/// R-N10: the first day of a month's attainment is what the data sources that are held to the plan keep today.
fn one_day_is_attained(health: &Value) {
    let sources = &health["dataSources"];
    let (meeting, held) = (&sources["meetingObjective"], &sources["heldToObjective"]);
    let share = |part: &Value, whole: &Value| part.as_u64().zip(whole.as_u64());
    let percent = share(meeting, held).map(|(part, whole)| part * 100 / whole);
    let day = &health["asOf"].as_str().expect("a date")[..10];
    let wanted = json!([{
        "month": day[..7], "meeting": meeting, "total": held, "percent": percent, "days": 1, "until": day,
    }]);
    assert_eq!(health["attainment"], wanted);
}

// R-D14: everything that a console's summary page shows can be read from the resources.
#[tokio::test(flavor = "multi_thread")]
async fn the_summary_of_a_customer_and_its_products_can_be_read_with_kubectl() {
    let (stage, _, id) = staged("summary").await;
    let fabrikam = stage.get("customer/fabrikam");
    let (spec, status) = (&fabrikam["spec"], &fabrikam["status"]);
    assert_eq!(spec["displayName"], "Customer fabrikam");
    assert_eq!(spec["profile"]["address"]["city"], "Berlin");
    assert_eq!(status["externalId"], id);
    assert_eq!(status["accountName"], "acct-4711");
    assert_eq!(status["storageLocation"], "de-1");
    let subscribed = json!({
        "total": 1, "products": ["HybridWorkloads"], "plans": ["gold"], "regions": ["eu-central-1"], "types": ["Commercial"],
    });
    eventually("its products are shown", || async {
        stage.get("customer/fabrikam")["status"]["tenants"] == subscribed
    })
    .await;
    let clients = &status["clients"];
    let ids = clients["ids"].as_array().expect("ids");
    assert!(clients["total"].as_u64() >= Some(2), "{clients}");
    assert_eq!(clients["total"], ids.len());
    let tenant = &stage.get("tenant/fabrikam-hybrid")["status"];
    assert_eq!(tenant["edition"], "Enterprise");
    assert_eq!(tenant["phase"], "Active");
    assert_eq!(tenant["quota"]["inEffect"], true);
    let described = stage.show(&["describe", "customer/fabrikam", "tenant/fabrikam-hybrid"]);
    for words in [
        "acct-4711",
        "+49 30 5550100",
        "ops@fabrikam.example",
        "HybridWorkloads",
        "gold",
        "eu-central-1",
        "Commercial",
        "2031-01-01T00:00:00Z",
        "Enterprise",
    ] {
        assert!(described.contains(words), "{words} isn't in\n{described}");
    }
}

// R-D15, R-N4: creations bring the reports forward once an interval, however many sweeps follow; a person who asks gets them.
#[tokio::test(flavor = "multi_thread")]
async fn the_reports_keep_their_own_interval() {
    let stage = Stage::start(HOLDFAST, "reports").await;
    let platform = embedded_platform("msp")
        .replace("usageInterval: 10s", "usageInterval: 1h")
        .replace("sweepInterval: 60s", "sweepInterval: 1s");
    stage.apply(&platform);
    stage.await_ready(&["backupplatform/msp"]).await;
    let console = stage.console("msp");
    let read = || console.requests("GET /v1/usage");
    eventually("the first reports are read", || async { read().await == 1 }).await;
    for round in 0..4 {
        let name = format!("c{round}");
        stage.apply(&customer(&name, "msp", ""));
        stage.await_ready(&[&format!("customer/{name}")]).await;
        let swept = console.requests("GET /v1/customers").await;
        eventually("two sweeps pass", || async {
            console.requests("GET /v1/customers").await >= swept + 2
        })
        .await;
    }
    eventually("creations have brought them forward", || async {
        read().await == 2
    })
    .await;
    stage.sweep("msp");
    eventually("a person asks for them", || async { read().await == 3 }).await;
    eventually("the other report follows", || async {
        console.requests("GET /v1/health").await == 3
    })
    .await;
    // A shorter interval holds at once.
    stage.apply(&platform.replace("usageInterval: 1h", "usageInterval: 1s"));
    eventually("they are read every second", || async { read().await > 5 }).await;
}
