//! What a customer's record holds beside its name, and what the platform's own record says: stage, profile, licences,
//! administrators.

use crate::HOLDFAST;
use reqwest::Method;
use serde_json::{Value, json};

use super::look::{merge, remote, swept};
use holdfast_testkit::{
    bridge::Bridge,
    operator::{Console, Stage, customer, embedded_platform, eventually},
    resources::declared,
};

/// A platform and one customer with more in its spec.
async fn staged(prefix: &str, more: &str) -> (Stage, Console) {
    let stage = Stage::start(HOLDFAST, prefix).await;
    stage.apply(&[embedded_platform("msp"), customer("fabrikam", "msp", more)].join("---\n"));
    stage
        .await_ready(&["backupplatform/msp", "customer/fabrikam"])
        .await;
    let console = stage.console("msp");
    (stage, console)
}

// R-S1: a trial of thirty days, counted by the platform; production has no end, and there is no way back.
#[tokio::test(flavor = "multi_thread")]
async fn a_trial_shows_when_it_ends_and_production_has_no_end() {
    let more = ", stage: Trial, serviceType: AllInclusive";
    let (stage, console) = staged("stage", more).await;
    let now = remote(&stage, &console, "fabrikam").await;
    assert_eq!(
        (&now["stage"], &now["serviceType"], &now["country"]),
        (&json!("Trial"), &json!("AllInclusive"), &json!("DE"))
    );
    let status = stage.get("customer/fabrikam")["status"].clone();
    assert!(now["storageLocation"].is_string(), "{now}");
    assert_eq!(status["storageLocation"], now["storageLocation"]);
    assert_eq!(status["trialEndsAt"], now["facts"]["trialEndsAt"]);
    let instant = |value: &Value| {
        let text = value.as_str().expect("a time");
        text.parse::<jiff::Timestamp>().expect("an instant")
    };
    let lasts = instant(&status["trialEndsAt"]).duration_since(instant(&now["createdAt"]));
    assert_eq!(lasts.as_hours(), 30 * 24);

    merge(
        &stage,
        "fabrikam",
        &json!({"spec": {"stage": "Production"}}),
    );
    eventually("it is in production", || async {
        let object = stage.get("customer/fabrikam");
        let on_platform = remote(&stage, &console, "fabrikam").await;
        on_platform["stage"] == "Production" && object["status"]["trialEndsAt"].is_null()
    })
    .await;
    stage.await_ready(&["customer/fabrikam"]).await;
    let before = console.mutations().await;
    merge(&stage, "fabrikam", &json!({"spec": {"stage": "Trial"}}));
    stage
        .await_condition("customer/fabrikam", "Ready", "False")
        .await;
    let message = stage.message("customer/fabrikam", "Ready");
    assert!(message.starts_with("stage: "), "{message}");
    assert_eq!(console.mutations().await, before);
}

// R-S5: address, web site and billing follow the YAML, member by member; what it leaves out stays, what it empties goes.
#[tokio::test(flavor = "multi_thread")]
async fn the_company_profile_follows_the_yaml_member_by_member() {
    let billing = "billing: {legalName: Fabrikam GmbH, vatNumber: DE123456789, registrationNumber: HRB 4711, email: bills@fabrikam.example}";
    let address =
        "address: {street: Hauptstr. 1, city: Berlin, postalCode: \"10115\", country: \"DE\"}";
    let more = format!(
        ", profile: {{website: \"https://fabrikam.example\", phone: \"+49 30 5550100\", {address}, {billing}}}"
    );
    let (stage, console) = staged("profile", &more).await;
    let profile = async || remote(&stage, &console, "fabrikam").await["profile"].clone();
    let made = profile().await;
    let billing = json!({"legalName": "Fabrikam GmbH", "vatNumber": "DE123456789", "registrationNumber": "HRB 4711", "email": "bills@fabrikam.example"});
    assert_eq!(made["website"], "https://fabrikam.example");
    assert_eq!(made["billing"], billing);
    assert_eq!(
        made["address"],
        json!({"street": "Hauptstr. 1", "city": "Berlin", "postalCode": "10115", "country": "DE"})
    );

    let edit = json!({"website": "", "billing": {"email": "accounts@fabrikam.example", "vatNumber": null}});
    merge(&stage, "fabrikam", &json!({"spec": {"profile": edit}}));
    eventually("the profile is edited", || async {
        let now = profile().await;
        now["billing"]["email"] == "accounts@fabrikam.example" && now["website"].is_null()
    })
    .await;
    stage.await_ready(&["customer/fabrikam"]).await;
    let edited = profile().await;
    assert_eq!(
        edited["billing"]["vatNumber"], "DE123456789",
        "left out, so it stays"
    );
    assert_eq!(edited["address"], made["address"]);

    let id = remote(&stage, &console, "fabrikam").await["id"].clone();
    let id = id.as_str().expect("an id");
    let drift = json!({"profile": {"billing": {"legalName": "Somebody Else"}}});
    console.change("customers", id, drift).await;
    swept(&stage).await;
    eventually("the legal name is set back", || async {
        profile().await["billing"]["legalName"] == "Fabrikam GmbH"
    })
    .await;
    assert_eq!(profile().await, edited);
}

// R-V7: the pool with what is free in it, before and after a fixed number is taken from it and given back.
#[tokio::test(flavor = "multi_thread")]
async fn the_pool_of_licences_is_shown_with_what_is_free() {
    let (stage, console) = staged("pool", ", limits: {licences: {mode: Automatic}}").await;
    let shown = async || {
        swept(&stage).await;
        let platform = stage.get("backupplatform/msp");
        let pool = console.call(Method::GET, "/v1/pool", None).await;
        let number = |member: &str| {
            let shown = &platform["status"]["licences"][member];
            let shown = shown.as_str().expect("a count");
            shown.parse::<u64>().expect("a number")
        };
        assert_eq!(pool["licences"]["total"], number("total"), "{pool}");
        let free = number("free");
        let column = &platform["status"]["summary"]["freeLicences"];
        assert_eq!(*column, free.to_string());
        free
    };
    let told = async || {
        let platform = stage.get("backupplatform/msp");
        let page = stage.metrics().await;
        let metrics = [
            ("holdfast_licences", "total"),
            ("holdfast_licences_free", "free"),
        ];
        metrics.iter().all(|(metric, member)| {
            let shown = platform["status"]["licences"][member].as_str();
            let shown = shown.expect("a count");
            let said = format!(
                "{metric}{{platform=\"{}/msp\"}} {shown}\n",
                stage.namespace()
            );
            page.contains(&said)
        })
    };
    let before = shown().await;
    eventually("the metrics say the same", told).await;
    let fixed = json!({"spec": {"limits": {"licences": {"mode": "Fixed", "count": 120}}}});
    merge(&stage, "fabrikam", &fixed);
    eventually("it holds 120 licences", || async {
        let now = remote(&stage, &console, "fabrikam").await;
        now["limits"]["licences"]["count"] == 120
    })
    .await;
    // A sweep that had begun before may end after.
    eventually("the pool has less", || async {
        shown().await == before - 120
    })
    .await;
    eventually("the metrics say the same", told).await;
    let columns = stage.show(&["get", "backupplatform/msp", "-o", "wide"]);
    assert!(columns.contains(&(before - 120).to_string()), "{columns}");
    let automatic = json!({"spec": {"limits": {"licences": {"mode": "Automatic", "count": null}}}});
    merge(&stage, "fabrikam", &automatic);
    eventually("it takes what it needs", || async {
        let now = remote(&stage, &console, "fabrikam").await;
        now["limits"]["licences"]["mode"] == "Automatic"
    })
    .await;
    eventually("the pool has it back", || async { shown().await == before }).await;
}

// R-D41: the loss of one login must not lock everybody out.
#[tokio::test(flavor = "multi_thread")]
async fn a_single_active_administrator_is_warned_about_until_there_is_another() {
    let stage = Stage::start(HOLDFAST, "administrators").await;
    let bridge = Bridge::start(HOLDFAST, "msp").await;
    stage.apply(&bridge.manifest());
    stage.await_ready(&["backupplatform/msp"]).await;
    let warned = || stage.condition("backupplatform/msp", "SingleAdministrator");
    assert_eq!(bridge.console.list("administrators").await.len(), 2);
    assert_eq!(warned(), "");

    // One of the two is no longer an administrator.
    bridge.faults("[{when: {method: GET, route: /v1/administrators}, then: {list: half}}]");
    swept(&stage).await;
    stage
        .await_condition(
            "backupplatform/msp",
            "SingleAdministrator",
            "True/SingleAdministrator",
        )
        .await;
    let message = stage.message("backupplatform/msp", "SingleAdministrator");
    assert!(message.contains("Add another one"), "{message}");
    let ready = stage.condition("backupplatform/msp", "Ready");
    assert!(ready.starts_with("True"), "{ready}");

    bridge.faults("[]");
    swept(&stage).await;
    eventually("the warning is gone", || async { warned().is_empty() }).await;
}

// R-V6: no more machines than allowed: the next one is refused with the numbers, and follows when there is room.
#[tokio::test(flavor = "multi_thread")]
async fn no_more_clients_move_here_than_are_allowed() {
    let more = ", limits: {clients: 1}, clients: {admission: Listed, ids: [pc-17]}";
    let (stage, console) = staged("clients-limit", more).await;
    let clients = async || {
        let now = remote(&stage, &console, "fabrikam").await;
        now["facts"]["clientIds"].clone()
    };
    eventually("the first is here", || async {
        clients().await == json!(["pc-17"])
    })
    .await;
    merge(
        &stage,
        "fabrikam",
        &json!({"spec": {"clients": {"ids": ["pc-17", "pc-18"]}}}),
    );
    stage
        .await_condition("customer/fabrikam", "Ready", "False")
        .await;
    let message = stage.message("customer/fabrikam", "Ready");
    assert!(message.contains('1'), "{message}");
    assert_eq!(clients().await, json!(["pc-17"]));
    merge(
        &stage,
        "fabrikam",
        &json!({"spec": {"limits": {"clients": 2}}}),
    );
    stage.await_ready(&["customer/fabrikam"]).await;
    assert_eq!(clients().await, json!(["pc-17", "pc-18"]));
}

// R-D32: a tenant gets the workloads of its plan and no others; nothing is sent before.
#[tokio::test(flavor = "multi_thread")]
async fn a_workload_outside_the_plan_is_refused_until_the_plan_has_it() {
    let (stage, console) = staged("workloads", "").await;
    let plan = |workloads: &str| {
        declared(
            "ServicePlan",
            "gold",
            &format!(
                "platformRef: {{name: msp}}, planName: Gold, products: [{{product: HybridWorkloads, edition: Enterprise, workloads: [{workloads}]}}]"
            ),
        )
    };
    let tenant = "customerRef: {name: fabrikam}, servicePlanRef: {name: gold}, product: HybridWorkloads, workloads: [{name: MSSQL}]";
    stage.apply(&plan("NAS"));
    stage.await_ready(&["serviceplan/gold"]).await;
    let before = console.mutations().await;
    stage.apply(&declared("Tenant", "hybrid", tenant));
    stage
        .await_condition("tenant/hybrid", "Ready", "False")
        .await;
    eventually("it says which", || async {
        stage.message("tenant/hybrid", "Ready").contains("MSSQL")
    })
    .await;
    assert_eq!(console.mutations().await, before);
    stage.apply(&plan("NAS, MSSQL"));
    stage.await_ready(&["tenant/hybrid"]).await;
}
