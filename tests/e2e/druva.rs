//! Druva end to end: the operator against the dialect of its interface, with the real API server and kubectl. R-N5, R-N12.

use crate::HOLDFAST;
use holdfast_testkit::{
    druva::{Druva, SECRET_KEY, customer, tenant, with_plans, writes},
    operator::{Stage, eventually, repository},
    resources::{events, merge},
};
use reqwest::Method;
use serde_json::{Value, json};

/// The examples, in the stage's namespace and against this platform.
fn examples(stage: &Stage, druva: &Druva) -> String {
    let mut manifests = Vec::new();
    for file in [
        "01-platform",
        "02-plan-and-reseller",
        "03-fabrikam",
        "04-hidden-name",
    ] {
        let path = repository().join(format!("examples/druva/{file}.yaml"));
        manifests.push(std::fs::read_to_string(path).expect("an example"));
    }
    let endpoint = druva.endpoint();
    let own = manifests
        .join("---\n")
        .replace(
            "namespace: druva",
            &format!("namespace: {}", stage.namespace()),
        )
        .replace(
            "credentialsRef: {name: druva} #",
            &format!("endpoint: \"{endpoint}\"\n    credentialsRef: {{name: druva}} #"),
        )
        .replace("clientId: replace-me", "clientId: client-of-the-tests")
        .replace("secretKey: replace-me", &format!("secretKey: {SECRET_KEY}"))
        .replace(
            "requestsPerSecond: 5, burst: 10",
            "requestsPerSecond: 200, burst: 200",
        );
    // The stage has its namespace already.
    let namespace = "apiVersion: v1\nkind: Namespace";
    let documents = own
        .split("---\n")
        .filter(|document| !document.contains(namespace));
    documents.collect::<Vec<_>>().join("---\n")
}

const OBJECTS: [&str; 8] = [
    "backupplatform/druva",
    "reseller/northwind",
    "serviceplan/gold",
    "serviceplan/silver",
    "customer/fabrikam",
    "customer/c-4711",
    "tenant/fabrikam-servers",
    "tenant/fabrikam-office",
];

#[allow(
    clippy::too_many_lines,
    reason = "one stage serves one story, told in order"
)]
// R-D1, R-D2, R-D30, R-D31, R-N5, R-N12: the examples, from nothing to figures, and every gap said.
#[tokio::test(flavor = "multi_thread")]
async fn the_examples_live_on_druva() {
    let (stage, druva) = (
        Stage::start(HOLDFAST, "druva").await,
        with_plans(HOLDFAST).await,
    );
    stage.apply(&examples(&stage, &druva));
    stage.await_ready(&OBJECTS).await;
    let made = writes(&druva).await;
    assert_eq!(
        made.len(),
        4,
        "two customers, two tenants, each once: {made:#?}"
    );

    // The plan and the quota change; off and on again.
    merge(
        &stage,
        "tenant/fabrikam-servers",
        &json!({"spec": {"servicePlanRef": {"name": "silver"}, "quota": {"credits": 60}}}),
    );
    stage.await_ready(&["tenant/fabrikam-servers"]).await;
    let shown = stage.show(&["get", "tenant", "fabrikam-servers"]);
    assert!(shown.contains("silver") && shown.contains("60"), "{shown}");
    for (state, shows) in [("Suspended", "Suspended"), ("Active", "Active")] {
        merge(
            &stage,
            "tenant/fabrikam-servers",
            &json!({"spec": {"state": state}}),
        );
        eventually(&format!("it is {state}"), || async {
            stage.get("tenant/fabrikam-servers")["status"]["phase"] == shows
        })
        .await;
        stage.await_ready(&["tenant/fabrikam-servers"]).await;
    }

    // Every gap is said, and listed.
    let described = stage.show(&["describe", "customer", "fabrikam"]);
    assert!(
        described.contains("Contacts") && described.contains("ConsoleStepRequired"),
        "{described}"
    );
    merge(
        &stage,
        "serviceplan/gold",
        &json!({"spec": {"usageReport": "Monthly"}}),
    );
    stage
        .await_condition(
            "serviceplan/gold",
            "ManualStepPending",
            "True/ConsoleStepRequired",
        )
        .await;
    let todo = HOLDFAST.run(&["todo", "-n", stage.namespace()]);
    let todo = String::from_utf8_lossy(&todo.stdout);
    for words in [
        "Customers > the customer > Contacts",
        "Customer/fabrikam",
        "Service Plans > the plan > Edit > Usage report",
        "ServicePlan/gold",
    ] {
        assert!(todo.contains(words), "{words} isn't in {todo}");
    }

    // Somebody whom the account doesn't have isn't silently left out.
    let stranger = json!({"spec": {"administrators": [{"email": "nobody@fabrikam.example"}]}});
    merge(&stage, "customer/fabrikam", &stranger);
    stage
        .await_condition("customer/fabrikam", "Stalled", "True/PlatformRefused")
        .await;
    let message = stage.message("customer/fabrikam", "Stalled");
    assert!(message.contains("nobody@fabrikam.example"), "{message}");
    let nobody = json!({"spec": {"administrators": null}});
    merge(&stage, "customer/fabrikam", &nobody);
    stage.await_ready(&["customer/fabrikam"]).await;
    let plan = stage.get("serviceplan/gold");
    assert!(!plan["status"]["externalId"].is_null(), "bound by its name");
    assert_eq!(
        stage.condition("reseller/northwind", "Ready"),
        "True/ClusterOnly"
    );
    let share = &stage.get("reseller/northwind")["status"]["allotment"]["credits"];
    assert_eq!(share["granted"], "100", "{share}");

    // What the ledger shares out holds on Druva too.
    merge(
        &stage,
        "customer/fabrikam",
        &json!({"spec": {"limits": {"credits": 80}}}),
    );
    merge(
        &stage,
        "tenant/fabrikam-office",
        &json!({"spec": {"quota": {"credits": 40}}}),
    );
    stage
        .await_condition(
            "tenant/fabrikam-office",
            "QuotaExceeded",
            "True/QuotaExceeded",
        )
        .await;
    merge(
        &stage,
        "customer/fabrikam",
        &json!({"spec": {"limits": {"credits": 100}}}),
    );
    stage.await_ready(&["tenant/fabrikam-office"]).await;

    // Limits are quotas, and a size that none is says which would be.
    let limited = |storage: &str| json!({"spec": {"limits": {"storage": storage, "clients": 25}}});
    merge(&stage, "customer/fabrikam", &limited("5Ti"));
    eventually("the size is refused", || async {
        stage
            .message("customer/fabrikam", "Ready")
            .contains("`5.5T`")
    })
    .await;
    let before = writes(&druva).await.len();
    merge(&stage, "customer/fabrikam", &limited("5.5T"));
    stage.await_ready(&["customer/fabrikam"]).await;
    let made = writes(&druva).await;
    assert_eq!(made.len(), before + 1, "both limits at once: {made:#?}");
    assert!(made[before].ends_with("/products/1/configurations"));

    // A name that nobody may learn.
    let everything = [
        druva
            .console
            .list("customers")
            .await
            .iter()
            .map(Value::to_string)
            .collect::<String>(),
        stage.log(),
        stage.metrics().await,
        format!("{:?}", events(&stage, "customer/c-4711")),
        stage.get("customer/c-4711")["status"].to_string(),
        stage.get("customer/c-4711")["metadata"]["labels"].to_string(),
    ];
    for output in &everything {
        assert!(!output.contains("Proseware"), "{output}");
        assert!(!output.contains(SECRET_KEY));
    }

    // Deleting is for the console; letting go is always possible.
    merge(
        &stage,
        "customer/c-4711",
        &json!({"spec": {"deletionPolicy": "Delete"}}),
    );
    let refused = stage.kubectl(&["delete", "customer/c-4711", "--wait=false"], "");
    assert!(
        refused.status.success(),
        "{}",
        String::from_utf8_lossy(&refused.stderr)
    );
    stage
        .await_condition(
            "customer/c-4711",
            "DeletionBlocked",
            "True/CapabilityMissing",
        )
        .await;
    let message = stage.message("customer/c-4711", "DeletionBlocked");
    assert!(message.contains("Retain"), "{message}");
    merge(
        &stage,
        "customer/c-4711",
        &json!({"spec": {"deletionPolicy": "Retain"}}),
    );
    stage.show(&["wait", "--for=delete", "customer/c-4711", "--timeout=60s"]);

    // Figures, after the next sweep.
    druva.sweep(&stage, "druva").await;
    eventually("figures arrive", || async {
        let status = stage.get("tenant/fabrikam-servers")["status"].clone();
        !status["usage"]["asOf"].is_null() && !status["health"]["asOf"].is_null()
    })
    .await;
    // And then nothing.
    let before = writes(&druva).await.len();
    for _ in 0..3 {
        druva.sweep(&stage, "druva").await;
    }
    assert_eq!(
        writes(&druva).await.len(),
        before,
        "{:#?}",
        writes(&druva).await
    );
}

// R-N4, R-N5, R-N9: a living estate is taken over without a write.
#[tokio::test(flavor = "multi_thread")]
async fn fifty_customers_are_adopted_without_one_write() {
    let (stage, druva) = (
        Stage::start(HOLDFAST, "adopts").await,
        with_plans(HOLDFAST).await,
    );
    for number in 0..50 {
        let name = format!("Customer {number:02}");
        let customer = json!({"name": name, "accountName": format!("acct-{number:02}"), "profile": {"phone": "+49 30 5550100", "address": {"text": "Hauptstrasse 1"}}});
        druva
            .make("customers", &format!("c{number:02}"), customer)
            .await;
    }
    stage.apply(&druva.manifest("druva", ""));
    stage.await_ready(&["backupplatform/druva"]).await;
    let folder = tempfile::TempDir::new().expect("a folder");
    let folder = folder.path().to_str().expect("a path");
    let exported = HOLDFAST.run(&[
        "export",
        "--platform",
        "druva",
        "-n",
        stage.namespace(),
        "-o",
        folder,
    ]);
    assert!(
        exported.status.success(),
        "{}",
        String::from_utf8_lossy(&exported.stderr)
    );
    let planned = HOLDFAST.run(&["plan", "-f", folder, "-n", stage.namespace()]);
    let planned = String::from_utf8_lossy(&planned.stdout);
    assert!(
        planned.contains("Nothing changes on the platform"),
        "{planned}"
    );
    stage.show(&["apply", "-f", folder]);
    eventually("all fifty are Ready", || async {
        let list: Value =
            serde_json::from_str(&stage.show(&["get", "customers", "-o", "json"])).expect("JSON");
        let items = list["items"].as_array().cloned().unwrap_or_default();
        let ready = items.iter().filter(|item| {
            let conditions = item["status"]["conditions"].as_array();
            conditions.is_some_and(|conditions| {
                conditions
                    .iter()
                    .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
            })
        });
        ready.count() >= 50
    })
    .await;
    druva.sweep(&stage, "druva").await;
    assert_eq!(writes(&druva).await, Vec::<String>::new());
}

// F2, F4, I1: the answer to a creation is lost. Nothing is made twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_makes_no_second_customer_and_no_second_tenant() {
    let (stage, druva) = (
        Stage::start(HOLDFAST, "lostdruva").await,
        with_plans(HOLDFAST).await,
    );
    let plan = "apiVersion: holdfast.dev/v1alpha1\nkind: ServicePlan\nmetadata: {name: gold}\nspec: {platformRef: {name: druva}, planName: Gold}\n";
    stage.apply(
        &[&druva.manifest("druva", ""), plan]
            .map(ToOwned::to_owned)
            .join("---\n"),
    );
    stage
        .await_ready(&["backupplatform/druva", "serviceplan/gold"])
        .await;
    druva.faults(
        "[{when: {method: POST, route: /msp/v3/customers, times: 1}, then: {drop: after}}]",
    );
    stage.apply(&customer("fabrikam"));
    stage.await_ready(&["customer/fabrikam"]).await;
    druva.faults(
        "[{when: {method: POST, route: /msp/v3/customers, times: 1}, then: {drop: after}}]",
    );
    stage.apply(&tenant("fabrikam-servers", "fabrikam"));
    stage.await_ready(&["tenant/fabrikam-servers"]).await;
    let made = writes(&druva).await;
    assert_eq!(made.len(), 2, "{made:#?}");

    // It never arrived: a tenant isn't sent again by itself, until somebody has looked.
    stage.apply(&customer("contoso"));
    stage.await_ready(&["customer/contoso"]).await;
    druva.faults(
        "[{when: {method: POST, route: /msp/v3/customers, times: 1}, then: {drop: before}}]",
    );
    stage.apply(&tenant("contoso-servers", "contoso"));
    let object = "tenant/contoso-servers";
    stage
        .await_condition(object, "Reconciling", "True/CreateOutcomeUnknown")
        .await;
    let intent = &stage.get(object)["status"]["intent"];
    assert_eq!(intent["names"], json!(["HybridWorkloads"]));
    for _ in 0..2 {
        druva.sweep(&stage, "druva").await;
    }
    let tenants = druva.console.list("tenants").await;
    let ours = tenants
        .iter()
        .filter(|tenant| tenant["type"] == "Commercial");
    assert_eq!(ours.count(), 1, "not sent a second time: {tenants:#?}");
    // What it was to make appears after all: it is found by its place, and taken for what it is.
    let customers = druva.console.list("customers").await;
    let contoso = customers
        .iter()
        .find(|item| item["accountName"] == "contoso");
    let contoso = contoso.expect("a customer")["id"].clone();
    let plan = druva.console.named("plans", "Gold").await["id"].clone();
    let late = json!({"customerId": contoso, "planId": plan, "product": "HybridWorkloads", "type": "Commercial", "storageRegions": ["eu-central-1"], "licenceExpiresAt": "2028-12-31T00:00:00Z"});
    druva.make("tenants", "late", late).await;
    stage.show(&["annotate", object, "holdfast.dev/reconcile-at=1"]);
    stage.await_ready(&[object]).await;
    let made = writes(&druva).await;
    let tenants = made.iter().filter(|line| line.ends_with("/tenants"));
    assert_eq!(tenants.count(), 1, "{made:#?}");
}

// F16, R-D41: credentials that stop working are said, nothing is asked in a hurry, and a rotated secret heals it.
#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_credential_is_said_and_a_rotated_one_taken_up() {
    let (stage, druva) = (
        Stage::start(HOLDFAST, "rotates").await,
        with_plans(HOLDFAST).await,
    );
    stage.apply(&druva.manifest("druva", ""));
    stage.apply(&holdfast_testkit::druva::secret("druva", "of-last-year"));
    stage
        .await_condition(
            "backupplatform/druva",
            "CredentialsValid",
            "False/CredentialsInvalid",
        )
        .await;
    stage.apply(&holdfast_testkit::druva::secret("druva", SECRET_KEY));
    stage.await_ready(&["backupplatform/druva"]).await;
    assert!(!stage.log().contains("of-last-year"));
    let account = druva
        .console
        .call(Method::GET, "/v1/capabilities", None)
        .await;
    assert!(!account.is_null());
}
