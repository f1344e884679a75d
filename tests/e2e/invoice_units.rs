//! Invoice lines of credits, seats and clients, from the platform's figures to the line, and from the days kept of a month to the lines
//! of that month.

use holdfast_testkit::{
    operator::{Stage, embedded_platform, eventually},
    resources::declared,
};
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::{
    HOLDFAST,
    invoice::{items, kept, printed, today},
};

/// One customer a unit, the one with credits below a reseller.
fn estate() -> String {
    let plan = |unit: &str, product: &str, included: u32| {
        let name = unit.to_lowercase();
        declared(
            "ServicePlan",
            &name,
            &format!(
                "platformRef: {{name: msp}}, planName: {unit}, products: [{product}], billing: {{sku: HF-{unit}, unit: {unit}, included: {included}}}"
            ),
        )
    };
    let customer = |unit: &str, above: &str| {
        let name = unit.to_lowercase();
        declared(
            "Customer",
            &name,
            &format!("{above}, displayName: By {unit}, country: \"DE\", reference: \"CWM:{unit}\""),
        )
    };
    let tenant = |unit: &str, more: &str| {
        let name = unit.to_lowercase();
        declared(
            "Tenant",
            &format!("{name}-tenant"),
            &format!(
                "customerRef: {{name: {name}}}, servicePlanRef: {{name: {name}}}, type: Commercial, storageRegions: [eu-central-1], {more}"
            ),
        )
    };
    let hybrid = "{product: HybridWorkloads, edition: Enterprise, workloads: [FileServers, MSSQL]}";
    let saas = "{product: SaaSAppsAndEndpoints, edition: Enterprise, workloads: [Microsoft365, Endpoints]}";
    [
        embedded_platform("msp"),
        declared("Reseller", "northwind", "platformRef: {name: msp}, displayName: Northwind IT, level: Reseller, allotment: {storage: 10Ti, credits: 1000}"),
        plan("Credit", hybrid, 5),
        plan("Seat", saas, 50),
        plan("Client", hybrid, 1),
        customer("Credit", "resellerRef: {name: northwind}"),
        customer("Seat", "platformRef: {name: msp}"),
        customer("Client", "platformRef: {name: msp}"),
        tenant("Credit", "product: HybridWorkloads, quota: {credits: 50}"),
        tenant("Seat", "product: SaaSAppsAndEndpoints, workloads: [{name: Microsoft365, users: 120, preservedUsers: 10}, {name: Endpoints, users: 80}]"),
        tenant("Client", "product: HybridWorkloads"),
    ]
    .join("---\n")
}

/// The line of a unit.
fn line(stage: &Stage, month: &str, unit: &str) -> Value {
    let lines = items(stage, month);
    let mut of_unit = lines.into_iter().filter(|line| line["unit"] == unit);
    let found = of_unit.next().unwrap_or_default();
    assert!(of_unit.next().is_none(), "one line a unit");
    found
}

/// An operator that begins to keep months when the platform's figures of all three are known: of a day the first figure counts.
async fn staged() -> Stage {
    let mut stage = Stage::start(HOLDFAST, "invoice-units").await;
    stage.apply(&estate());
    let customers = ["customer/credit", "customer/seat", "customer/client"];
    stage.await_ready(&customers).await;
    stage
        .await_ready(&[
            "tenant/credit-tenant",
            "tenant/seat-tenant",
            "tenant/client-tenant",
        ])
        .await;
    stage.sweep("msp");
    eventually("figures are known", || async {
        let told = |name: &str| stage.get(name)["status"].clone();
        let clients = told("customer/client")["clients"]["total"].as_u64();
        clients > Some(0) && told("customer/credit")["usage"].is_object()
    })
    .await;
    stage.kill();
    let namespace = stage.namespace().to_owned();
    stage
        .environment
        .push(("HOLDFAST_INVOICES_NAMESPACE", namespace.into()));
    stage.run().await;
    let (month, _) = today();
    eventually("the day is noted", || async {
        items(&stage, &month).len() == 3
    })
    .await;
    stage
}

// R-N15: credits, seats and clients count as the platform tells them, each under its SKU; a month that is over counts the sum of the
// credits and the highest day of the others.
#[tokio::test(flavor = "multi_thread")]
async fn credits_seats_and_clients_are_billed_as_the_platform_counts_them() {
    let mut stage = staged().await;
    today_is_what_the_platform_counts(&stage).await;
    stage.kill();
    // Customers whose names hash alike share a part.
    let today_in = kept(&stage, &today().0);
    let today_in = today_in.as_array().expect("parts");
    for part in today_in {
        stage.apply(&february(&stage, part).to_string());
    }
    stage.run().await;
    eventually("the month is frozen", || async {
        let parts = kept(&stage, "2020-02")
            .as_array()
            .cloned()
            .unwrap_or_default();
        parts.len() == today_in.len() && parts.iter().all(|part| part["immutable"] == true)
    })
    .await;
    let csv = printed(&stage, "2020-02", "csv").stdout;
    let text = String::from_utf8_lossy(&csv);
    for line in [
        // 1.5 on the first day, then 0.25 on each of 28.
        "credit,CWM:Credit,msp,northwind,HF-Credit,Credit,8.5,5,3.5,29,,final",
        "seat,CWM:Seat,msp,,HF-Seat,Seat,230,50,180,29,,final",
        "client,CWM:Client,msp,,HF-Client,Client,9,1,8,29,,final",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let page = printed(&stage, "2020-02", "html");
    let page = String::from_utf8_lossy(&page.stdout).into_owned();
    assert!(
        page.contains("<h2>By reseller</h2>")
            && page.contains("3 lines of 2020-02, of which 0 aren"),
        "{page}"
    );
    let again = printed(&stage, "2020-02", "html");
    assert_eq!(
        page,
        String::from_utf8_lossy(&again.stdout),
        "the same bytes for ever"
    );
    filters_choose_lines(&stage);
}

/// `report invoice` of the month that is over, with more.
fn asked(stage: &Stage, more: &[&str]) -> std::process::Output {
    let (namespace, kept) = (stage.namespace(), stage.namespace());
    let common = ["report", "invoice", "--month", "2020-02", "-n", namespace];
    HOLDFAST.run(&[&common[..], &["--invoices-namespace", kept], more].concat())
}

fn filters_choose_lines(stage: &Stage) {
    for (filter, name, found) in [
        ("--platform", "msp", &["Client", "Credit", "Seat"][..]),
        ("--reseller", "northwind", &["Credit"]),
        ("--customer", "seat", &["Seat"]),
    ] {
        let output = asked(stage, &[filter, name, "-o", "json"]);
        let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let items = document["items"].as_array().expect("lines").iter();
        let units: Vec<&str> = items.filter_map(|line| line["unit"].as_str()).collect();
        assert_eq!(units, found, "{filter} {name}");
    }
    let csv = asked(stage, &["--columns", "toBill,reference,sku", "-o", "csv"]);
    assert_eq!(
        String::from_utf8_lossy(&csv.stdout),
        "toBill,reference,sku\r\n8,CWM:Client,HF-Client\r\n3.5,CWM:Credit,HF-Credit\r\n180,CWM:Seat,HF-Seat\r\n"
    );
    for (filter, name, said) in [
        ("--platform", "cove", "Choose one of: msp."),
        ("--reseller", "nordic", "Choose one of: northwind."),
        (
            "--customer",
            "nobody",
            "Choose one of: client, credit, seat.",
        ),
        ("--columns", "price", "Choose of: month, namespace, name"),
        ("--edition", "Enterprise", "unexpected argument '--edition'"),
    ] {
        let output = asked(stage, &[filter, name]);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{filter}: {error}");
        assert!(
            error.contains(said) && output.stdout.is_empty(),
            "{filter}: {error}"
        );
    }
}

async fn today_is_what_the_platform_counts(stage: &Stage) {
    let (month, _) = today();
    let console = stage.console("msp");
    let seat = line(stage, &month, "Seat");
    assert_eq!(
        (&seat["quantity"], &seat["toBill"]),
        (&json!(200), &json!(150)),
        "those who left don't count: {seat:#}"
    );

    let client = line(stage, &month, "Client");
    let customer = console.named("customers", "By Client").await;
    let clients = console.list("clients").await;
    let own = clients
        .iter()
        .filter(|client| client["customerId"] == customer["id"])
        .count();
    assert_eq!(
        (&client["quantity"], &client["toBill"]),
        (&json!(own), &json!(own - 1)),
        "{client:#}"
    );

    let credit = line(stage, &month, "Credit");
    assert_eq!(
        (&credit["reseller"], &credit["sku"]),
        (&json!("northwind"), &json!("HF-Credit"))
    );
    let usage = console.call(Method::GET, "/v1/usage?days=90", None).await;
    let id = console.named("customers", "By Credit").await["id"].clone();
    let rows = usage["items"].as_array().cloned().unwrap_or_default();
    let row = rows
        .iter()
        .find(|row| row["customerId"] == id && row["tenantId"].is_string());
    let months = row
        .and_then(|row| row["months"].as_array())
        .cloned()
        .unwrap_or_default();
    let own = months.iter().find(|other| other["month"] == month.as_str());
    let told = own.and_then(|own| own["credits"].as_f64());
    assert!(told > Some(0.0), "{rows:#?}");
    assert_eq!(credit["quantity"].as_f64(), told, "{credit:#}");
}

/// What is kept of today as what would be kept of a month before, as an operator left it that was killed before that ended.
fn february(stage: &Stage, part: &Value) -> Value {
    let (month, _) = today();
    let mut before = part.clone();
    let name = part["metadata"]["name"].as_str().expect("a name");
    let mut labels = part["metadata"]["labels"].clone();
    labels["invoice.holdfast.dev/month"] = json!("2020-02");
    before["metadata"] = json!({"name": name.replace(&format!(".{month}."), ".2020-02."), "namespace": stage.namespace(), "labels": labels});
    let text = part["data"]["month.json"].as_str().expect("text");
    let mut document: Value = serde_json::from_str(text).expect("JSON");
    let kept = &mut document["month"];
    kept["month"] = json!("2020-02");
    kept["seen"] = json!((1..=29).collect::<Vec<u8>>());
    for customer in kept["customers"]
        .as_object_mut()
        .expect("customers")
        .values_mut()
    {
        for counted in customer["counted"].as_array_mut().expect("days") {
            let days = |usual: u64, special: u8, then: u64| -> Map<String, Value> {
                let day = |day: u8| {
                    (
                        day.to_string(),
                        json!(if day == special { then } else { usual }),
                    )
                };
                (1..=29).map(day).collect()
            };
            let days = match counted["unit"].as_str() {
                Some("Credit") => days(250, 1, 1500),
                Some("Seat") => days(200, 5, 230),
                _ => days(3, 7, 9),
            };
            counted["days"] = days.into();
        }
    }
    before["data"]["month.json"] = json!(document.to_string());
    before
}
