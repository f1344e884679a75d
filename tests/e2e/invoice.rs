//! `holdfast report invoice`: days that survive a restart, months that are frozen, and customers that left.

use holdfast_testkit::{
    operator::{Stage, embedded_platform, eventually},
    resources::declared,
};
use serde_json::{Value, json};

use crate::HOLDFAST;

/// An operator that keeps months in its own namespace, where a test may.
async fn staged(prefix: &str, namespace: Option<&str>) -> Stage {
    let mut stage =
        Stage::without_operator(HOLDFAST, holdfast_testkit::Cluster::start(prefix).await);
    let kept = namespace.unwrap_or(stage.namespace()).to_owned();
    stage
        .environment
        .push(("HOLDFAST_INVOICES_NAMESPACE", kept.into()));
    stage.run().await;
    stage
}

pub fn estate() -> String {
    [
        embedded_platform("msp"),
        declared(
            "ServicePlan",
            "gold",
            "platformRef: {name: msp}, planName: Gold, products: [{product: HybridWorkloads, edition: Enterprise, workloads: [FileServers, MSSQL]}], billing: {sku: HF-GOLD, unit: GiBMonth, included: 1}",
        ),
        declared(
            "Customer",
            "fabrikam",
            "platformRef: {name: msp}, displayName: Fabrikam, country: \"DE\", reference: \"CWM:4711\"",
        ),
        declared(
            "Tenant",
            "fabrikam-hybrid",
            "customerRef: {name: fabrikam}, servicePlanRef: {name: gold}, product: HybridWorkloads, type: Commercial, storageRegions: [eu-central-1]",
        ),
    ]
    .join("---\n")
}

/// Month and day of now, in UTC.
pub fn today() -> (String, u8) {
    let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC);
    let day = now.day().unsigned_abs();
    (now.strftime("%Y-%m").to_string(), day)
}

pub fn printed(stage: &Stage, month: &str, format: &str) -> std::process::Output {
    let arguments = [
        "report",
        "invoice",
        "--month",
        month,
        "-n",
        stage.namespace(),
        "--invoices-namespace",
        stage.namespace(),
        "-o",
        format,
    ];
    HOLDFAST.run(&arguments)
}

pub fn items(stage: &Stage, month: &str) -> Vec<Value> {
    let output = printed(stage, month, "json");
    let document: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    document["items"].as_array().cloned().unwrap_or_default()
}

pub fn kept(stage: &Stage, month: &str) -> Value {
    let selector = format!("invoice.holdfast.dev/month={month}");
    let list = stage.show(&["get", "configmaps", "-l", &selector, "-o", "json"]);
    let list: Value = serde_json::from_str(&list).expect("JSON");
    list["items"].clone()
}

/// R-N15: the current day is noted, once; it survives the operator's death; and a month that is over is frozen and gives the same
/// bytes for ever, also after its customer left.
#[tokio::test(flavor = "multi_thread")]
async fn the_days_of_a_month_are_kept_and_a_month_that_is_over_stays_as_it_is() {
    let mut stage = staged("invoice", None).await;
    stage.apply(&estate());
    stage
        .await_ready(&["customer/fabrikam", "tenant/fabrikam-hybrid"])
        .await;
    let (month, day) = today();
    eventually("the day is noted", || async {
        items(&stage, &month).len() == 1
    })
    .await;
    let line = items(&stage, &month).remove(0);
    assert_eq!(line["sku"], "HF-GOLD", "{line:#}");
    assert_eq!(line["reference"], "CWM:4711");
    assert_eq!(
        (&line["unit"], &line["state"]),
        (&json!("GiBMonth"), &json!("open"))
    );
    assert_eq!(line["days"], 1);

    // A month before, as an operator left it that was killed before it ended.
    stage.kill();
    let noted = kept(&stage, &month);
    let mut before = noted[0].clone();
    let name = format!("{}.msp.2020-02", stage.namespace());
    before["metadata"] = json!({
        "name": before["metadata"]["name"].as_str().expect("a name").replace(&format!("{}.msp.{month}", stage.namespace()), &name),
        "labels": before["metadata"]["labels"],
    });
    before["metadata"]["labels"]["invoice.holdfast.dev/month"] = json!("2020-02");
    let mut days: Value =
        serde_json::from_str(before["data"]["month.json"].as_str().expect("text")).expect("JSON");
    let kept_month = &mut days["month"];
    kept_month["month"] = json!("2020-02");
    kept_month["seen"] = json!((1..=29).collect::<Vec<u8>>());
    let customer = format!("{}/fabrikam", stage.namespace());
    let all: serde_json::Map<String, Value> = (1..=29)
        .map(|day: u8| (day.to_string(), json!(3_u64 << 30)))
        .collect();
    kept_month["customers"][&customer]["counted"][0]["days"] = all.into();
    before["data"]["month.json"] = json!(days.to_string());
    stage.apply(&before.to_string());
    closed_only_by_its_platform(&stage, &before);

    stage.run().await;
    eventually("the month is frozen", || async {
        kept(&stage, "2020-02")[0]["immutable"] == true
    })
    .await;
    // What was noted before it was killed is still there, and nothing was written for the same day again.
    let version = |list: &Value| list[0]["metadata"]["resourceVersion"].clone();
    assert_eq!(version(&kept(&stage, &month)), version(&noted));
    assert_eq!(items(&stage, &month)[0]["days"], 1);
    assert!(day > 0);
    let [csv, json] = ["csv", "json"].map(|format| printed(&stage, "2020-02", format).stdout);
    let text = String::from_utf8_lossy(&csv);
    assert!(
        text.contains(",CWM:4711,msp,,HF-GOLD,GiBMonth,3,1,2,29,,final"),
        "{text}"
    );

    stage.show(&[
        "delete",
        "tenant/fabrikam-hybrid",
        "customer/fabrikam",
        "--timeout=60s",
    ]);
    stage.sweep("msp");
    assert_eq!(printed(&stage, "2020-02", "csv").stdout, csv);
    assert_eq!(printed(&stage, "2020-02", "json").stdout, json);
    one_part_that_cannot_be_read_hides_no_other(&stage, &before, &csv);
    another_namespace_is_told(&stage);
    let refused = printed(&stage, "2020-03", "csv");
    let error = String::from_utf8_lossy(&refused.stderr);
    assert!(
        !refused.status.success() && error.contains("nothing is kept of 2020-03"),
        "{error}"
    );
    assert!(
        error.contains("although earlier and later months are"),
        "{error}"
    );
}

/// R-N15: a month that is over stays open until its platform reports again; one whose platform is gone ends as it is.
fn closed_only_by_its_platform(stage: &Stage, before: &Value) {
    let mut orphan = before.clone();
    let name = before["metadata"]["name"].as_str().expect("a name");
    orphan["metadata"]["name"] = json!(name.replace(".msp.", ".gone."));
    orphan["metadata"]["labels"]["holdfast.dev/platform"] = json!("gone");
    stage.apply(&orphan.to_string());
    let states: Vec<Value> = items(stage, "2020-02")
        .iter()
        .map(|item| item["state"].clone())
        .collect();
    assert_eq!(states, [json!("final"), json!("open")]);
    let warned = printed(stage, "2020-02", "csv").stderr;
    let warned = String::from_utf8_lossy(&warned);
    assert!(warned.contains("stay open until it does"), "{warned}");
    stage.show(&["delete", "configmap", &name.replace(".msp.", ".gone.")]);
}

/// R-N15: the lines of one platform that can't be read are missing, with a warning; those of the others are there.
fn one_part_that_cannot_be_read_hides_no_other(stage: &Stage, before: &Value, csv: &[u8]) {
    let mut odd = before.clone();
    let name = before["metadata"]["name"].as_str().expect("a name");
    let name = name.replace(".msp.", ".odd.");
    odd["metadata"]["name"] = json!(name);
    odd["metadata"]["labels"]["holdfast.dev/platform"] = json!("odd");
    odd["data"]["month.json"] = json!("{");
    stage.apply(&odd.to_string());
    let printed = printed(stage, "2020-02", "csv");
    let error = String::from_utf8_lossy(&printed.stderr);
    assert_eq!(printed.status.code(), Some(1), "{error}");
    assert!(
        error.contains("/odd can't be read, and its lines are missing: "),
        "{error}"
    );
    assert_eq!(printed.stdout, csv);
    stage.show(&["delete", "configmap", &name]);
}

/// R-N15: no line in a namespace is no answer unless it is said which namespace that is.
fn another_namespace_is_told(stage: &Stage) {
    let printed = |namespace: &str| {
        let kept = ["--invoices-namespace", stage.namespace(), "-o", "csv"];
        let asked = ["report", "invoice", "--month", "2020-02", "-n", namespace];
        HOLDFAST.run(&[&asked[..], &kept].concat())
    };
    let empty = printed("default");
    let error = String::from_utf8_lossy(&empty.stderr).into_owned();
    assert!(empty.status.success(), "{error}");
    assert!(
        error.contains("in namespace default; with -A, in all"),
        "{error}"
    );
    let absent = printed("there-is-no-such-namespace");
    let error = String::from_utf8_lossy(&absent.stderr).into_owned();
    assert_eq!(absent.status.code(), Some(1), "{error}");
    assert!(error.contains("doesn't exist"), "{error}");
}

/// R-N15: where the cluster refuses the writes it is counted and logged, and nothing else waits.
#[tokio::test(flavor = "multi_thread")]
async fn months_that_cannot_be_kept_hold_nothing_up() {
    let stage = staged("invoice-refused", Some("there-is-no-such-namespace")).await;
    stage.apply(&estate());
    stage
        .await_ready(&["customer/fabrikam", "tenant/fabrikam-hybrid"])
        .await;
    let labels = format!("platform=\"{}/msp\"", stage.namespace());
    eventually("it is counted", || async {
        stage
            .measured("holdfast_invoice_write_failures_total", &labels)
            .await
            > 0.0
    })
    .await;
    let log = stage.log();
    assert!(
        log.contains("the month can't be kept for invoices"),
        "{log}"
    );
    eventually("figures are in status all the same", || async {
        stage.get("customer/fabrikam")["status"]["usage"].is_object()
    })
    .await;
}
