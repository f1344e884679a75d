//! Cove end to end: the operator against the dialect of its interface, with the real API server and kubectl. R-N5, R-N12.

use crate::{
    HOLDFAST,
    cove_crash::{set_back, ten_minutes_later},
};
use std::collections::BTreeSet;

use holdfast_testkit::{
    cove::{Cove, PARTNER, PASSWORD, USERNAME, secret, server_with_database},
    operator::{Stage, eventually, repository},
    resources::merge,
};
use serde_json::{Value, json};

/// The examples, in the stage's namespace and against this platform.
fn examples(stage: &Stage, cove: &Cove) -> String {
    let mut manifests = Vec::new();
    for file in [
        "01-platform",
        "02-resellers",
        "03-customers",
        "04-service-level",
    ] {
        let path = repository().join(format!("examples/cove/{file}.yaml"));
        manifests.push(std::fs::read_to_string(path).expect("an example"));
    }
    let endpoint = cove.endpoint();
    let own = manifests
        .join("---\n")
        .replace(
            "namespace: cove",
            &format!("namespace: {}", stage.namespace()),
        )
        .replace(
            "credentialsRef: {name: cove} #",
            &format!("endpoint: \"{endpoint}\"\n    credentialsRef: {{name: cove}} #"),
        )
        .replace("partner: replace-me", &format!("partner: \"{PARTNER}\""))
        .replace("username: replace-me", &format!("username: {USERNAME}"))
        .replace("password: replace-me", &format!("password: {PASSWORD}"))
        .replace(
            "rateLimit: {requestsPerSecond: 5, burst: 10}",
            "rateLimit: {requestsPerSecond: 200, burst: 200}\n  usageInterval: 5s\n  safety: {deletionDelay: 0s}",
        );
    // The stage has its namespace already.
    let namespace = "apiVersion: v1\nkind: Namespace";
    let documents = own
        .split("---\n")
        .filter(|document| !document.contains(namespace));
    documents.collect::<Vec<_>>().join("---\n")
}

const OBJECTS: [&str; 8] = [
    "backupplatform/cove",
    "reseller/nordic",
    "reseller/northwind",
    "reseller/southridge",
    "customer/fabrikam",
    "customer/wingtip",
    "serviceplan/gold",
    "tenant/fabrikam-servers",
];

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

pub async fn living(prefix: &str) -> (Stage, Cove) {
    let (stage, cove) = (
        Stage::start(HOLDFAST, prefix).await,
        Cove::start(HOLDFAST).await,
    );
    stage.apply(&examples(&stage, &cove));
    stage.await_ready(&OBJECTS).await;
    (stage, cove)
}

// R-S1, R-S4, R-S20, R-N5, R-N12: three levels, each partner made once, a move, trial to production, and every gap said.
#[tokio::test(flavor = "multi_thread")]
async fn the_examples_live_on_cove() {
    let (stage, cove) = living("cove").await;
    assert_eq!(cove.count("AddPartner"), 5, "{:#?}", cove.writes());
    let fabrikam = cove.partner("Fabrikam GmbH").await;
    let code = fabrikam["ExternalCode"].as_str().unwrap_or_default();
    let claim = stage.get("customer/fabrikam")["status"]["claim"].clone();
    assert_eq!(
        code,
        format!("CWM:4711|{}", claim.as_str().unwrap_or_default())
    );
    assert_eq!(fabrikam["LocationId"], 6);
    let northwind = cove.partner("Northwind IT").await;
    assert_eq!(fabrikam["ParentId"], northwind["Id"]);
    assert_eq!(
        northwind["ParentId"],
        cove.partner("Nordic Distribution").await["Id"]
    );
    assert!(!stage.get("customer/fabrikam")["status"]["trialEndsAt"].is_null());

    // It moves to another reseller, and out of its trial.
    merge(
        &stage,
        "customer/fabrikam",
        &json!({"spec": {"resellerRef": {"name": "southridge"}, "stage": "Production"}}),
    );
    let southridge = cove.partner("Southridge Systems").await;
    eventually("it has moved", || async {
        let fabrikam = cove.partner("Fabrikam GmbH").await;
        fabrikam["ParentId"] == southridge["Id"] && fabrikam["State"] == "InProduction"
    })
    .await;
    stage.await_ready(&["customer/fabrikam"]).await;
    assert!(stage.get("customer/fabrikam")["status"]["trialEndsAt"].is_null());
    merge(
        &stage,
        "customer/fabrikam",
        &json!({"spec": {"stage": "Trial"}}),
    );
    stage
        .await_condition("customer/fabrikam", "Ready", "False")
        .await;
    let said = stage.message("customer/fabrikam", "Ready");
    assert!(said.contains("stage"), "{said}");
    merge(
        &stage,
        "customer/fabrikam",
        &json!({"spec": {"stage": "Production"}}),
    );
    stage.await_ready(&["customer/fabrikam"]).await;

    // Contacts are edited at the console: that is said again, and nothing is sent.
    let writes = cove.writes().len();
    let contacts = json!({"spec": {"contacts": [{"name": "Ada Berger", "email": "ada.berger@fabrikam.example"}]}});
    merge(&stage, "customer/fabrikam", &contacts);
    eventually("the step is for this spec", || async {
        let customer = stage.get("customer/fabrikam");
        customer["status"]["observedGeneration"] == customer["metadata"]["generation"]
    })
    .await;
    let steps = stage.get("customer/fabrikam")["status"]["manualSteps"].to_string();
    assert!(
        steps.contains("contacts") && steps.contains("Contacts"),
        "{steps}"
    );
    assert_eq!(cove.writes().len(), writes, "{:#?}", cove.writes());

    // Every gap is said, and listed.
    stage
        .await_condition(
            "customer/fabrikam",
            "ManualStepPending",
            "True/ConsoleStepRequired",
        )
        .await;
    let todo = HOLDFAST.run(&["todo", "-n", stage.namespace()]);
    let todo = String::from_utf8_lossy(&todo.stdout);
    assert!(
        todo.contains("Contacts") && todo.contains("Customer/fabrikam"),
        "{todo}"
    );

    // Nothing moves by itself, and nobody learns a secret.
    let before = cove.writes().len();
    cove.sweep(&stage, "cove").await;
    assert_eq!(cove.writes().len(), before, "{:#?}", cove.writes());
    assert!(!stage.log().contains(PASSWORD));
}

// R-D15, R-D16, R-N10, R-V5, R-S3, R-D6: figures from devices, one of which moves; a removal is refused with devices and done without.
#[tokio::test(flavor = "multi_thread")]
async fn devices_give_figures_move_and_hold_a_removal_back() {
    let (stage, cove) = living("covedev").await;
    let customer = cove.partner("Fabrikam GmbH").await["Id"].clone();
    let week = now() - 7 * 86_400;
    let device = json!([{"Name": "srv01", "PartnerId": customer, "columns": server_with_database(now(), (2, week))}]);
    let id = cove.add_devices(device).await[0];
    stage
        .await_condition("customer/fabrikam", "BackupHealthy", "False")
        .await;
    let status = stage.get("customer/fabrikam")["status"].clone();
    let worst = status["health"]["worst"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    assert!(
        worst.len() == 1 && worst[0]["workload"] == "MSSQL",
        "{worst:?}"
    );
    assert_eq!(status["health"]["dataSources"]["total"], 2);
    assert!(status["health"]["jobs"].is_null(), "Cove counts no jobs");
    // Of the day that its plan promises the database has missed six; the total is an hour old.
    assert_eq!(status["health"]["dataSources"]["meetingObjective"], 1);
    let missed = stage.message("customer/fabrikam", "ServiceLevelMet");
    assert!(missed.starts_with("1 of 2 data sources meet"), "{missed}");
    assert_eq!(status["usage"]["storage"], "49Gi", "{}", status["usage"]);

    let lists = json!({"spec": {"deletionPolicy": "Delete", "clients": {"ids": [id.to_string()]}}});
    merge(&stage, "customer/wingtip", &lists);
    let wingtip = cove.partner("Wingtip Toys").await["Id"].clone();
    let owner = || async {
        let state = cove.state().await;
        state["devices"][0]["PartnerId"].clone()
    };
    eventually("the device has moved", || async {
        owner().await == wingtip
    })
    .await;
    stage.await_ready(&["customer/wingtip"]).await;

    // With a device it stays.
    stage.show(&["delete", "customer", "wingtip", "--wait=false"]);
    for _ in 0..2 {
        stage
            .await_condition("customer/wingtip", "DeletionBlocked", "True")
            .await;
        let said = stage.message("customer/wingtip", "DeletionBlocked");
        assert!(said.contains("1 client"), "{said}");
        cove.sweep(&stage, "cove").await;
        assert_eq!(cove.count("RemovePartner"), 0);
    }
    assert_eq!(owner().await, wingtip);
    let back = json!([{"Id": id, "PartnerId": customer}]);
    cove.add_devices(back).await;
    cove.sweep(&stage, "cove").await;
    eventually("the customer is gone", || async {
        stage.sweep("cove");
        cove.partner("Wingtip Toys").await.is_null()
    })
    .await;
    assert_eq!(cove.count("RemovePartner"), 1);
    eventually("the resource is gone", || async {
        !stage
            .kubectl(&["get", "customer", "wingtip"], "")
            .status
            .success()
    })
    .await;
}

// R-S2: data would be kept in another country than was asked for.
#[tokio::test(flavor = "multi_thread")]
async fn a_location_that_wasnt_asked_for_is_refused() {
    let (stage, cove) = living("coveloc").await;
    cove.modes(json!({"forcedLocation": 18})).await;
    stage.apply("apiVersion: holdfast.dev/v1alpha1\nkind: Customer\nmetadata: {name: adatum}\nspec: {resellerRef: {name: northwind}, displayName: Adatum, country: \"DE\"}\n");
    stage
        .await_condition("customer/adatum", "Stalled", "True")
        .await;
    let said = stage.message("customer/adatum", "Stalled");
    assert!(said.contains("\"18\"") && said.contains("\"6\""), "{said}");
    let held = cove.state().await;
    let names: Vec<&Value> = held["partners"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|partner| &partner["Name"])
        .collect();
    assert!(
        !names.contains(&&json!("Adatum")),
        "it isn't finished: {names:?}"
    );
    assert_eq!(cove.count("AddPartner"), 6);
}

// R-N9: a wrong token stalls everything on the credential after one attempt, and a new Secret mends it.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_is_tried_once_until_the_secret_changes() {
    let (stage, cove) = (
        Stage::start(HOLDFAST, "covelogin").await,
        Cove::start(HOLDFAST).await,
    );
    let wrong = cove.manifest("cove", "").replace(PASSWORD, "another");
    stage.apply(&wrong);
    stage
        .await_condition("backupplatform/cove", "Stalled", "True/CredentialsInvalid")
        .await;
    let said = stage.message("backupplatform/cove", "Stalled");
    assert!(said.contains("2100"), "{said}");
    for _ in 0..3 {
        stage.sweep("cove");
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    assert_eq!(cove.count("Login"), 1);
    stage.apply(&secret("cove", PASSWORD));
    stage.await_ready(&["backupplatform/cove"]).await;
    assert_eq!(cove.count("Login"), 2);
}

// R-N9, F1, F2, I1: answers are lost and the operator is killed amid creating; each customer is there once, under its own name.
#[tokio::test(flavor = "multi_thread")]
async fn thirty_customers_are_made_once_although_answers_are_lost_and_the_operator_is_killed() {
    let (mut stage, cove) = (
        Stage::start(HOLDFAST, "covecrash").await,
        Cove::start(HOLDFAST).await,
    );
    stage.apply(&cove.manifest("cove", ""));
    stage.await_ready(&["backupplatform/cove"]).await;
    cove.faults(
        "[{when: {route: /jsonapi/AddPartner, skip: 2, times: 3}, then: {drop: after}}, {when: {route: /jsonapi/ModifyPartner, skip: 4, times: 3}, then: {drop: after}}, {when: {route: /jsonapi/GetPartnerInfoById, skip: 9, times: 3}, then: {drop: before}}]",
    );
    let manifests: Vec<String> = (0..30)
        .map(|number| format!("apiVersion: holdfast.dev/v1alpha1\nkind: Customer\nmetadata: {{name: c{number:02}}}\nspec: {{platformRef: {{name: cove}}, displayName: Customer {number:02}, country: \"DE\"}}\n"))
        .collect();
    stage.apply(&manifests.join("---\n"));
    eventually("it is amid creating", || async {
        cove.count("AddPartner") > 8
    })
    .await;
    stage.kill();
    stage.run().await;
    // A creation that was noted and perhaps not sent is looked for ten minutes before it is sent once more: that is told.
    let settled = |name: &str| {
        let ready = stage.condition(name, "Ready");
        ready.starts_with("True") || ready.ends_with("CreateOutcomeUnknown")
    };
    eventually(
        "each is made, or waits for what was perhaps sent",
        || async { (0..30).all(|number| settled(&format!("customer/c{number:02}"))) },
    )
    .await;
    let state = cove.state().await;
    let partners = state["partners"].as_array().cloned().unwrap_or_default();
    let held: Vec<&str> = partners
        .iter()
        .filter_map(|partner| partner["Name"].as_str())
        .filter(|name| name.starts_with("Customer"))
        .collect();
    let distinct: BTreeSet<&str> = held.iter().copied().collect();
    assert_eq!(distinct.len(), held.len(), "none twice: {held:?}");
    // A request of the process that was killed may have come to nothing.
    let sent = cove.count("AddPartner");
    let objects: Vec<String> = (0..30)
        .map(|number| format!("customer/c{number:02}"))
        .collect();
    let ready = |name: &String| stage.condition(name, "Ready").starts_with("True");
    let waiting = objects.iter().filter(|name| !ready(name));
    let waiting: Vec<&String> = waiting.collect();
    assert!(waiting.len() <= 15, "{waiting:?}");
    for name in &waiting {
        set_back(&stage, name);
    }
    for name in &waiting {
        ten_minutes_later(&stage, name, async || ready(name)).await;
    }
    let objects: Vec<&str> = objects.iter().map(String::as_str).collect();
    stage.await_ready(&objects).await;
    assert_eq!(held.len() + waiting.len(), 30, "{waiting:?} of {held:?}");
    let again = cove.count("AddPartner") - sent;
    assert_eq!(again, waiting.len(), "once more where it was lost");
    let state = cove.state().await;
    let partners = state["partners"].as_array().cloned().unwrap_or_default();
    let mut held: Vec<&str> = partners
        .iter()
        .filter_map(|partner| partner["Name"].as_str())
        .filter(|name| name.starts_with("Customer"))
        .collect();
    held.sort_unstable();
    let all: Vec<String> = (0..30)
        .map(|number| format!("Customer {number:02}"))
        .collect();
    assert_eq!(held, all, "each once, under its own name");
}
