//! `holdfast report`: an estate of two resellers, asked for in every format.

use holdfast_testkit::operator::{Stage, embedded_platform, eventually};
use serde_json::Value;

use crate::HOLDFAST;

pub const ESTATE: &str = r#"apiVersion: holdfast.dev/v1alpha1
kind: ServicePlan
metadata: {name: gold}
spec:
  platformRef: {name: msp}
  planName: Gold
  products: [{product: HybridWorkloads, edition: Enterprise, workloads: [FileServers, MSSQL]}]
  serviceLevel: {recoveryPointObjective: 48h, minimumSuccessPercent: 100}
---
apiVersion: holdfast.dev/v1alpha1
kind: Reseller
metadata: {name: nordic}
spec: {platformRef: {name: msp}, displayName: Nordic, level: Distributor, allotment: {storage: 20Ti}}
---
apiVersion: holdfast.dev/v1alpha1
kind: Reseller
metadata: {name: northwind}
spec: {platformRef: {name: msp}, parentRef: {name: nordic}, displayName: Northwind IT, level: Reseller, allotment: {storage: 10Ti}}
---
apiVersion: holdfast.dev/v1alpha1
kind: Customer
metadata: {name: fabrikam}
spec: {resellerRef: {name: northwind}, displayName: "=SUM(A1) <b>Fabrikam</b>", country: "DE", limits: {storage: 1Ti, warnAtPercent: 20}, administrators: [{email: ops@fabrikam.example}]}
---
apiVersion: holdfast.dev/v1alpha1
kind: Tenant
metadata: {name: fabrikam-hybrid}
spec: {customerRef: {name: fabrikam}, servicePlanRef: {name: gold}, product: HybridWorkloads, type: Commercial, storageRegions: [eu-central-1], quota: {credits: 50}}
---
apiVersion: holdfast.dev/v1alpha1
kind: Customer
metadata: {name: contoso}
spec: {platformRef: {name: msp}, displayName: Contoso AG, country: "DE", limits: {storage: 1Ti}, administrators: [{email: ops@contoso.example}]}
"#;

/// A tenant that shares nothing with that of the other customer, so that each filter has somebody to leave out.
pub const OTHER: &str = r"apiVersion: holdfast.dev/v1alpha1
kind: ServicePlan
metadata: {name: silver}
spec: {platformRef: {name: msp}, planName: Silver, products: [{product: HybridWorkloads, edition: Business, workloads: [FileServers]}]}
---
apiVersion: holdfast.dev/v1alpha1
kind: Tenant
metadata: {name: contoso-hybrid}
spec: {customerRef: {name: contoso}, servicePlanRef: {name: silver}, product: HybridWorkloads, type: Evaluation, storageRegions: [eu-west-1]}
";

/// Each filter, with what chooses the customer `fabrikam` and leaves `contoso` out, and the other way round.
pub const FILTERS: [(&str, &str, &str); 7] = [
    ("--plan", "gold", "silver"),
    ("--type", "Commercial", "Evaluation"),
    ("--region", "eu-central-1", "eu-west-1"),
    ("--edition", "Enterprise", "Business"),
    ("--customer", "fabrikam", "contoso"),
    ("--search", "FABRI", "contoso a"),
    ("--administrator", "ops@fabrikam", "ops@contoso"),
];

/// The output of a report, which must succeed.
fn report(stage: &Stage, arguments: &[&str]) -> String {
    let output = run(stage, arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).expect("text")
}

fn run(stage: &Stage, arguments: &[&str]) -> std::process::Output {
    let all = [&["report"], arguments, &["-n", stage.namespace()]].concat();
    HOLDFAST.run(&all)
}

fn json(stage: &Stage, arguments: &[&str]) -> Value {
    let text = report(stage, &[arguments, &["-o", "json"]].concat());
    serde_json::from_str(&text).expect("JSON")
}

fn names(report: &Value) -> Vec<&str> {
    let items = report["items"].as_array().expect("items");
    items
        .iter()
        .filter_map(|item| item["name"].as_str())
        .collect()
}

async fn staged() -> Stage {
    let stage = Stage::start(HOLDFAST, "report").await;
    stage.apply(&format!("{}---\n{ESTATE}", embedded_platform("msp")));
    stage
        .await_ready(&[
            "customer/fabrikam",
            "customer/contoso",
            "tenant/fabrikam-hybrid",
        ])
        .await;
    stage.sweep("msp");
    eventually("figures are shown", || async {
        let told = |object: &str| stage.get(object)["status"].clone();
        let (customer, tenant) = (told("customer/fabrikam"), told("tenant/fabrikam-hybrid"));
        customer["usage"]["storagePercent"].as_u64() > Some(0)
            && customer["health"].is_object()
            && tenant["usage"].is_object()
            && tenant["health"].is_object()
    })
    .await;
    stage
}

// R-D7, R-D8, R-D9, R-D10, R-D15, R-D16, R-D40, R-N16: what the operator wrote into status comes out in every format, filtered and summed up.
#[tokio::test(flavor = "multi_thread")]
async fn reports_of_a_living_estate_come_in_every_format() {
    let stage = staged().await;
    usage_is_what_status_says(&stage);
    customers_are_found(&stage);
    health_names_who_missed(&stage);
    what_does_not_exist_is_refused(&stage);
    a_limit_that_is_near_is_told(&stage).await;
    what_tenants_have_tells_their_customers_apart(&stage).await;
}

// R-N16: the condition, its event, its metric, and the day on which the limit is used up.
async fn a_limit_that_is_near_is_told(stage: &Stage) {
    stage
        .await_condition("customer/fabrikam", "LimitNear", "True")
        .await;
    let message = stage.message("customer/fabrikam", "LimitNear");
    assert!(message.contains("Raise limits.storage,"), "{message}");
    assert_eq!(stage.condition("customer/fabrikam", "Ready"), "True/InSync");
    let contoso = stage.get("customer/contoso")["status"]["conditions"].to_string();
    assert!(!contoso.contains("LimitNear"), "nobody asked: {contoso}");
    let day = stage.get("customer/fabrikam")["status"]["usage"]["quotaExhaustedOn"].clone();
    assert!(day.as_str().is_some_and(|day| day > "2026-12"), "{day}");
    let usage = json(stage, &["usage", "--customer", "fabrikam"]);
    assert_eq!(usage["items"][0]["quotaExhaustedOn"], day);
    eventually("the event is there", || async {
        let events = stage.show(&["get", "events", "-o", "jsonpath={.items[*].reason}"]);
        events.contains("LimitReached")
    })
    .await;
    let labels = r#"kind="Customer",type="LimitNear",status="True""#;
    assert!((stage.measured("holdfast_condition", labels).await - 1.0).abs() < 0.1);
}

fn usage_is_what_status_says(stage: &Stage) {
    let usage = json(stage, &["usage", "--all-columns"]);
    assert_eq!(
        (&usage["version"], &usage["total"]["customers"]),
        (&1.into(), &2.into())
    );
    assert_eq!(names(&usage), ["fabrikam", "contoso"]);
    let status = stage.get("customer/fabrikam")["status"].clone();
    let item = &usage["items"][0];
    assert_eq!(item["usedPercent"], status["usage"]["storagePercent"]);
    let credits = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.as_f64(), |text| text.parse().ok())
    };
    assert_eq!(
        item["credits"].as_f64(),
        credits(&status["usage"]["credits"])
    );
    assert_eq!(
        (&item["edition"][0], &item["plan"][0]),
        (&"Enterprise".into(), &"gold".into())
    );
    assert_eq!(
        usage["byPlatform"][0]["sums"]["storage"],
        usage["total"]["sums"]["storage"]
    );
    let edition = json(
        stage,
        &["usage", "--edition", "Enterprise", "--reseller", "nordic"],
    );
    assert_eq!(names(&edition), ["fabrikam"], "below the reseller below");
    let future = json(stage, &["usage", "--from", "2099-01"]);
    assert_eq!(
        future["total"]["withFigures"], 0,
        "no month of then is known"
    );

    let table = report(stage, &["usage"]);
    assert!(
        table.contains("USED%") && table.contains("total of 2"),
        "{table}"
    );
    assert!(
        table.contains("northwind") && !table.contains('\u{1b}'),
        "{table}"
    );
    let csv = report(
        stage,
        &["usage", "--columns", "storage,customer", "-o", "csv"],
    );
    let stored = &item["storage"];
    assert_eq!(
        csv.lines().next(),
        Some("name,plan,product,storage,customer")
    );
    let row = format!("\r\nfabrikam,gold,HybridWorkloads,{stored},'=SUM(A1) <b>Fabrikam</b>\r\n");
    assert!(csv.contains(&row), "{csv}");
    let html = report(stage, &["usage", "-o", "html"]);
    assert!(html.starts_with("<!doctype html>") && html.contains("<svg role=\"img\""));
    assert!(html.contains("=SUM(A1) &lt;b&gt;Fabrikam&lt;/b&gt;") && !html.contains("<b>"));
}

fn customers_are_found(stage: &Stage) {
    for (filter, text, found) in [
        ("--search", "fabri", "fabrikam"),
        ("--search", "CONTOSO a", "contoso"),
        ("--administrator", "ops@fabrikam", "fabrikam"),
        ("--customer", "contoso", "contoso"),
    ] {
        assert_eq!(
            names(&json(stage, &["customers", filter, text])),
            [found],
            "{filter}"
        );
    }
    let nobody = report(stage, &["customers", "--search", "nobody"]);
    assert_eq!(nobody, "No customer matches.\n");
}

async fn what_tenants_have_tells_their_customers_apart(stage: &Stage) {
    stage.apply(OTHER);
    stage.await_ready(&["tenant/contoso-hybrid"]).await;
    eventually("its edition is known", || async {
        stage.get("tenant/contoso-hybrid")["status"]["edition"] == "Business"
    })
    .await;
    for (filter, of_fabrikam, of_contoso) in FILTERS {
        for (text, found) in [(of_fabrikam, "fabrikam"), (of_contoso, "contoso")] {
            assert_eq!(
                names(&json(stage, &["customers", filter, text])),
                [found],
                "{filter} {text}"
            );
        }
    }
}

fn health_names_who_missed(stage: &Stage) {
    let health = json(stage, &["health", "--all-columns"]);
    let status = stage.get("customer/fabrikam")["status"]["health"].clone();
    let item = &health["items"][0];
    assert_eq!(item["name"], "fabrikam");
    assert_eq!(item["jobs"], status["jobs"]["total"]);
    assert_eq!(item["dataSources"], status["dataSources"]["total"]);
    let counts = &status["dataSources"];
    let told = |name: &str| counts[name].as_u64().expect("a count");
    let named = health["dataSources"].as_array().expect("sources");
    let missing: Vec<bool> = named
        .iter()
        .map(|source| source["missed"] != Value::Array(Vec::new()))
        .collect();
    let missed = missing.iter().filter(|missing| **missing).count();
    assert_eq!(
        missed as u64,
        told("total") - told("meetingObjective"),
        "{health:#}"
    );
    assert!(
        missing.is_sorted_by(|one, next| one >= next),
        "they come first: {health:#}"
    );
    let csv = report(stage, &["health", "--by", "source", "-o", "csv"]);
    assert!(
        csv.starts_with("name,source,workload,policy,missed,"),
        "{csv}"
    );
    assert_eq!(csv.lines().count(), 1 + named.len(), "{csv}");
    let page = report(stage, &["health", "-o", "html"]);
    let caption = format!("{missed} of the {} data sources", named.len());
    assert!(page.contains(&caption), "{page}");
    assert!(report(stage, &["health"]).contains("MEETING"));
}

fn what_does_not_exist_is_refused(stage: &Stage) {
    for (arguments, said) in [
        (
            ["usage", "--reseller", "nobody"],
            "Choose one of: nordic, northwind.",
        ),
        (
            ["usage", "--columns", "price"],
            "this report has no column \"price\". Choose of: namespace, name",
        ),
        (
            ["customers", "--edition", "Gold"],
            "Business, Enterprise, Elite",
        ),
        (
            ["usage", "--from", "soon"],
            "\"soon\" is neither a month nor a day.",
        ),
        (
            ["customers", "--colour", "red"],
            "unexpected argument '--colour'",
        ),
        (
            ["customers", "--from", "2026-10"],
            "unexpected argument '--from'",
        ),
        (["health", "--to", "2026-10"], "unexpected argument '--to'"),
    ] {
        let output = run(stage, &arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {error}");
        assert!(
            error.contains(said) && output.stdout.is_empty(),
            "{arguments:?}: {error}"
        );
    }
}
