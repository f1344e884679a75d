//! `holdfast report --live` and `--against`: what the platforms themselves say, and what an exported estate says, of which nothing is
//! in the cluster's status.

use holdfast_testkit::{
    cove::{Cove, server_with_database},
    druva::Druva,
    operator::{Stage, embedded_platform, eventually},
};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    HOLDFAST,
    report::{ESTATE, FILTERS, OTHER},
};

/// Devices of the customer on Cove, each with two data sources.
const DEVICES: usize = 7;

/// Runs a report in the stage's namespace.
fn run(stage: &Stage, arguments: &[&str]) -> std::process::Output {
    let console = stage.console("msp");
    let mut command = HOLDFAST.command();
    command
        .env("PLATFORM_URL", &console.url)
        .env("PLATFORM_TOKEN", &console.token)
        .arg("report")
        .args(arguments)
        .args(["-n", stage.namespace()]);
    command.output().expect("the command runs")
}

fn document(output: &std::process::Output) -> Value {
    let error = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no JSON: {error}"))
}

fn json(stage: &Stage, arguments: &[&str]) -> Value {
    let output = run(stage, &[arguments, &["-o", "json"]].concat());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
    document(&output)
}

/// Name of the customer and platform, of each row.
fn rows(report: &Value) -> Vec<(String, String)> {
    let items = report["items"].as_array().cloned().unwrap_or_default();
    let text = |item: &Value, name: &str| item[name].as_str().unwrap_or_default().to_owned();
    items
        .iter()
        .map(|item| (text(item, "customer"), text(item, "platform")))
        .collect()
}

/// Three vendors side by side: an embedded platform with the estate of the other reports, Druva with its sandbox customer, and Cove
/// with a customer that no resource manages.
async fn staged() -> (Stage, Druva, Cove) {
    let (stage, druva, cove) = (
        Stage::start(HOLDFAST, "live").await,
        Druva::start(HOLDFAST).await,
        Cove::start(HOLDFAST).await,
    );
    let customer = json!([{"Name": "Fabrikam GmbH", "ExternalCode": "CWM:1", "Company": {"PhoneNumber": "+49 30 1"}}]);
    let customer = cove.add_partners(customer).await[0];
    let now = jiff::Timestamp::now().as_second();
    let devices = (0..DEVICES).map(|at| {
        json!({"Name": format!("srv{at:02}"), "PartnerId": customer, "columns": server_with_database(now, (2, now - 7 * 86_400))})
    });
    cove.add_devices(devices.collect()).await;
    let platforms = [
        embedded_platform("msp"),
        ESTATE.to_owned(),
        druva.manifest("druva", ""),
        cove.manifest("cove", ""),
    ];
    stage.apply(&platforms.join("---\n"));
    let objects = [
        "customer/fabrikam",
        "customer/contoso",
        "tenant/fabrikam-hybrid",
        "backupplatform/cove",
        "backupplatform/druva",
    ];
    stage.await_ready(&objects).await;
    (stage, druva, cove)
}

// R-N5, R-D7, R-D15, R-D16: several platforms in one table, read from the platforms themselves, with all their data sources; and a
// platform that can't be read hides no other.
#[tokio::test(flavor = "multi_thread")]
async fn reports_of_several_platforms_are_read_from_the_platforms() {
    let (stage, _druva, cove) = staged().await;
    figures_are_the_platforms(&stage).await;
    every_data_source_is_listed(&stage).await;
    let writes = cove.writes();
    assert_eq!(writes, Vec::<String>::new(), "a report only reads");
    stage.apply(OTHER);
    stage.await_ready(&["tenant/contoso-hybrid"]).await;
    filters_tell_two_apart(|filter, text| json(&stage, &["customers", "--live", filter, text]));
    let below = json(&stage, &["usage", "--live", "--reseller", "nordic"]);
    assert_eq!(names(&below), ["fabrikam"], "below the reseller below");
    a_platform_that_cannot_be_read_is_named(&stage, cove);
}

fn names(report: &Value) -> Vec<&str> {
    let items = report["items"].as_array().expect("items");
    let names = items.iter().filter_map(|item| item["name"].as_str());
    names.collect()
}

/// Each filter finds one of the two customers and not the other; it may find others of the platforms.
fn filters_tell_two_apart(report: impl Fn(&str, &str) -> Value) {
    for (filter, of_fabrikam, of_contoso) in FILTERS {
        for (text, found, other) in [
            (of_fabrikam, "fabrikam", "contoso"),
            (of_contoso, "contoso", "fabrikam"),
        ] {
            let report = report(filter, text);
            let names = names(&report);
            assert!(
                names.contains(&found) && !names.contains(&other),
                "{filter} {text}: {names:?}"
            );
        }
    }
}

async fn figures_are_the_platforms(stage: &Stage) {
    // The simulated clients of a new tenant come after it.
    let console = stage.console("msp");
    let own = || async {
        let usage = console.call(Method::GET, "/v1/usage?days=90", None).await;
        let rows = usage["items"].as_array().cloned().unwrap_or_default();
        let fabrikam = console.named("customers", "=SUM(A1) <b>Fabrikam</b>").await["id"].clone();
        let mut own = rows
            .into_iter()
            .filter(|row| row["customerId"] == fabrikam && row["tenantId"].is_null());
        own.next().unwrap_or_default()
    };
    eventually("the platform has figures", || async {
        own().await["storageBytes"].as_u64() > Some(0)
    })
    .await;
    let usage = json(stage, &["usage", "--live", "--all-columns"]);
    assert_eq!(
        (&usage["source"], &usage["version"]),
        (&json!("platforms"), &json!(1))
    );
    let found = rows(&usage);
    for row in [
        ("=SUM(A1) <b>Fabrikam</b>", "msp"),
        ("Contoso AG", "msp"),
        ("Fabrikam GmbH", "cove"),
        ("Sandbox", "druva"),
    ] {
        assert!(
            found.contains(&(row.0.to_owned(), row.1.to_owned())),
            "{row:?}: {found:?}"
        );
    }
    let of = |customer: &str| {
        let items = usage["items"].as_array().cloned().unwrap_or_default();
        items
            .into_iter()
            .find(|item| item["customer"] == customer)
            .unwrap_or_default()
    };
    let told = own().await;
    assert_eq!(
        of("=SUM(A1) <b>Fabrikam</b>")["storage"],
        told["storageBytes"]
    );
    assert_eq!(
        of("=SUM(A1) <b>Fabrikam</b>")["credits"].as_f64(),
        told["credits"].as_f64()
    );
    assert_eq!(of("=SUM(A1) <b>Fabrikam</b>")["plan"], json!(["gold"]));
    // 49 GiB a device, as the device says.
    let stored = of("Fabrikam GmbH")["storage"].as_u64();
    assert_eq!(stored, Some(DEVICES as u64 * (49 << 30)), "{usage:#}");
    let platforms: Vec<&Value> = usage["byPlatform"]
        .as_array()
        .expect("sums")
        .iter()
        .map(|sum| &sum["name"])
        .collect();
    assert_eq!(platforms, ["cove", "druva", "msp"]);
    let absent = run(stage, &["usage", "--live", "--platform", "typo"]);
    let error = String::from_utf8_lossy(&absent.stderr).into_owned();
    assert_eq!(absent.status.code(), Some(1), "{error}");
    assert!(
        error.contains("Choose one of: cove, druva, msp."),
        "{error}"
    );
    let table = run(stage, &["usage", "--live"]);
    let table = String::from_utf8_lossy(&table.stdout).into_owned();
    assert!(
        table.contains("PLATFORM") && table.contains("cove"),
        "{table}"
    );
    let one = json(stage, &["customers", "--live", "--platform", "cove"]);
    assert!(
        rows(&one).iter().all(|(_, platform)| platform == "cove"),
        "{one:#}"
    );
}

async fn every_data_source_is_listed(stage: &Stage) {
    let all = json(stage, &["health", "--by", "source", "--live"]);
    let sources = all["dataSources"].as_array().expect("data sources");
    let on = |platform: &str| {
        let here = sources
            .iter()
            .filter(|source| source["platform"] == platform);
        here.count() as u64
    };
    assert_eq!(
        on("cove"),
        2 * DEVICES as u64,
        "status would name ten: {all:#}"
    );
    let console = stage.console("msp");
    let health = console.call(Method::GET, "/v1/health?days=30", None).await;
    let rows = health["items"].as_array().cloned().unwrap_or_default();
    let counted = rows
        .iter()
        .filter_map(|row| row["dataSources"].as_array())
        .map(Vec::len);
    assert_eq!(on("msp"), counted.sum::<usize>() as u64);
    // What a tenant's plan promises is known in the cluster only.
    let health = json(stage, &["health", "--live"]);
    let fabrikam = health["items"].as_array().and_then(|items| {
        items
            .iter()
            .find(|item| item["name"] == "fabrikam")
            .cloned()
    });
    assert!(
        fabrikam.is_some_and(|item| item["dataSourcesMeeting"].is_u64()),
        "{health:#}"
    );
}

fn a_platform_that_cannot_be_read_is_named(stage: &Stage, cove: Cove) {
    drop(cove);
    let output = run(stage, &["usage", "--live", "-o", "json"]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{error}");
    let place = format!(
        "BackupPlatform {}/cove can't be read, and its rows are missing: ",
        stage.namespace()
    );
    assert!(error.contains(&place), "{error}");
    let shown = rows(&document(&output));
    assert!(
        !shown.is_empty() && shown.iter().all(|(_, platform)| platform != "cove"),
        "{shown:?}"
    );
}

// R-D7, R-D9, R-N4: an exported estate can be reported on without a cluster; what it doesn't hold is unknown, not zero.
#[tokio::test(flavor = "multi_thread")]
async fn an_exported_estate_is_reported_on_without_a_cluster() {
    let stage = Stage::start(HOLDFAST, "exported").await;
    stage.apply(&[&embedded_platform("msp"), ESTATE, OTHER].join("---\n"));
    stage
        .await_ready(&[
            "customer/fabrikam",
            "customer/contoso",
            "tenant/fabrikam-hybrid",
            "tenant/contoso-hybrid",
        ])
        .await;
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().display().to_string();
    let console = stage.console("msp");
    let mut export = HOLDFAST.command();
    let exported = export
        .env("PLATFORM_URL", &console.url)
        .env("PLATFORM_TOKEN", &console.token)
        .args([
            "export",
            "--platform",
            "msp",
            "-o",
            &path,
            "-n",
            stage.namespace(),
        ])
        .output()
        .expect("it runs");
    assert!(
        exported.status.success(),
        "{}",
        String::from_utf8_lossy(&exported.stderr)
    );

    let against = |arguments: &[&str], path: &str| {
        let mut command = HOLDFAST.command();
        command
            .env("KUBECONFIG", "/nowhere")
            .arg("report")
            .args(arguments)
            .args(["--against", path]);
        command.output().expect("it runs")
    };
    let customers = against(&["customers", "--search", "contoso", "-o", "json"], &path);
    assert!(
        customers.status.success(),
        "{}",
        String::from_utf8_lossy(&customers.stderr)
    );
    let customers = document(&customers);
    assert_eq!(customers["source"], "file");
    assert_eq!(customers["items"][0]["name"], "contoso");
    assert_eq!(customers["items"][0]["country"], "DE");
    filters_tell_two_apart(|filter, text| {
        document(&against(&["customers", filter, text, "-o", "json"], &path))
    });
    let file = format!("{path}/msp.estate");
    let usage = against(&["usage", "--reseller", "nordic", "-o", "json"], &file);
    let error = String::from_utf8_lossy(&usage.stderr).into_owned();
    assert_eq!(
        error,
        format!("holdfast: {file} holds no figures: they are unknown, not zero\n")
    );
    let usage = document(&usage);
    assert_eq!(usage["items"][0]["limit"].as_u64(), Some(1 << 40));
    assert_eq!(
        (&usage["items"][0]["storage"], &usage["items"][0]["credits"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(usage["total"]["withFigures"], 0);
    let health = against(&["health"], &file);
    let table = String::from_utf8_lossy(&health.stdout).into_owned();
    assert!(
        table.contains("An exported estate holds no data sources."),
        "{table}"
    );
    let refused = against(&["usage", "--live"], &file);
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && error.contains("cannot be used with"),
        "{error}"
    );
    let refused = against(&["usage"], "/nowhere.estate");
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && error.contains("/nowhere.estate can't be read"),
        "{error}"
    );
}
