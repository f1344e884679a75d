//! What the platform keeps for itself, its sandbox and its default objects, with the policies absent: here the planner alone
//! stands in the way. (With policies: `tests/api_server/admission.rs`, on the same rules.)

use crate::HOLDFAST;
use holdfast_testkit::{
    bridge::Bridge,
    operator::{Console, Stage, embedded_platform, eventually},
    resources::{declared, merge},
};
use serde_json::{Value, json};

const GOLD: &str = "platformRef: {name: msp}, planName: Gold, products: [{product: HybridWorkloads, edition: Business, workloads: [FileServers, NAS]}, {product: SaaSAppsAndEndpoints, edition: Enterprise, workloads: [Microsoft365, Endpoints]}]";

/// Resources for the sandbox customer, found by its id, and its product for servers, found by its place.
fn sandbox(id: &str) -> String {
    [
        declared("ServicePlan", "gold", GOLD),
        declared("Customer", "sandbox", &format!("platformRef: {{name: msp}}, displayName: Sandbox, adopt: ById, externalId: \"{id}\"")),
        declared("Tenant", "sandbox-hybrid", "customerRef: {name: sandbox}, product: HybridWorkloads, adopt: Matching"),
    ]
    .join("---\n")
}

/// The tenant of a customer for a product.
async fn product(console: &Console, customer: &str, product: &str) -> Value {
    let customer = console.named("customers", customer).await["id"].clone();
    let tenants = console.list("tenants").await;
    let found = tenants
        .into_iter()
        .find(|item| item["customerId"] == customer && item["product"] == product);
    found.unwrap_or(Value::Null)
}

/// Every edit is refused by its rule, and put back; the platform isn't asked for anything.
async fn refused(stage: &Stage, console: &Console, edits: &[(&str, Value, &str)]) {
    let sent = console.mutations().await.len();
    for (object, edit, rule) in edits {
        let mut before = edit.clone();
        for (field, value) in before.as_object_mut().expect("fields") {
            *value = stage.get(object)["spec"][field].clone();
        }
        merge(stage, object, &json!({ "spec": edit }));
        let rule = format!("(rule {rule})");
        eventually(
            &format!("{object}: {edit} is refused by {rule}"),
            || async { stage.message(object, "Ready").contains(&rule) },
        )
        .await;
        assert_eq!(stage.condition(object, "Stalled"), "True/Protected");
        merge(stage, object, &json!({ "spec": before }));
    }
    assert_eq!(console.mutations().await.len(), sent, "nothing was sent");
}

// R-D11, R-D12, R-D13
#[tokio::test(flavor = "multi_thread")]
async fn of_the_sandbox_plan_quota_regions_and_seats_reach_the_platform_and_nothing_else_does() {
    let stage = Stage::start(HOLDFAST, "sandbox").await;
    stage.apply(&embedded_platform("msp"));
    stage.await_ready(&["backupplatform/msp"]).await;
    let console = stage.console("msp");
    let customer = console.named("customers", "Sandbox").await["id"].clone();
    stage.apply(&sandbox(customer.as_str().expect("an id")));
    let tenant = "tenant/sandbox-hybrid";
    stage
        .await_ready(&["serviceplan/gold", "customer/sandbox", tenant])
        .await;
    assert_eq!(stage.get(tenant)["status"]["protection"], "Sandbox");
    let gold = console.named("plans", "Gold").await["id"].clone();
    let quota = json!({"credits": 20, "effectiveAt": "2026-01-01T00:00:00Z", "endsAt": "2099-01-01T00:00:00Z"});
    for (edit, setting, wanted) in [
        (json!({"servicePlanRef": {"name": "gold"}}), "/planId", gold),
        (
            json!({ "quota": quota }),
            "/quota/endsAt",
            quota["endsAt"].clone(),
        ),
        (
            json!({"storageRegions": ["eu-central-1", "eu-west-1"]}),
            "/storageRegions",
            json!(["eu-central-1", "eu-west-1"]),
        ),
    ] {
        merge(&stage, tenant, &json!({ "spec": edit }));
        eventually(&format!("{edit} arrives"), || async {
            let found = product(&console, "Sandbox", "HybridWorkloads").await;
            found.pointer(setting) == Some(&wanted)
        })
        .await;
        stage.await_ready(&[tenant]).await;
    }
    refused(
        &stage,
        &console,
        &[
            (tenant, json!({"state": "Suspended"}), "sandbox-state"),
            (tenant, json!({"type": "Commercial"}), "sandbox-type"),
            (
                tenant,
                json!({"licenceExpiresAt": "2099-06-01T00:00:00Z"}),
                "sandbox-fields",
            ),
            (
                "customer/sandbox",
                json!({"active": false}),
                "sandbox-state",
            ),
            (
                "customer/sandbox",
                json!({"profile": {"phone": "1"}}),
                "sandbox-fields",
            ),
            (
                "customer/sandbox",
                json!({"limits": {"storage": "1Ti"}}),
                "sandbox-fields",
            ),
            (
                "customer/sandbox",
                json!({"displayName": "Playground"}),
                "sandbox-fields",
            ),
        ],
    )
    .await;
    never_deleted(&stage, &console, &[tenant, "customer/sandbox"]).await;
}

/// With `deletionPolicy: Delete` it is held; nothing is sent, and `Retain` lets go.
async fn never_deleted(stage: &Stage, console: &Console, objects: &[&str]) {
    let before = console.mutations().await.len();
    for object in objects {
        merge(
            stage,
            object,
            &json!({"spec": {"deletionPolicy": "Delete"}}),
        );
        stage.show(&["delete", object, "--wait=false"]);
        stage
            .await_condition(object, "DeletionBlocked", "True/Protected")
            .await;
        merge(
            stage,
            object,
            &json!({"spec": {"deletionPolicy": "Retain"}}),
        );
        stage.show(&["wait", "--for=delete", object, "--timeout=60s"]);
    }
    assert_eq!(console.mutations().await.len(), before, "nothing was sent");
}

// R-D12
#[tokio::test(flavor = "multi_thread")]
async fn a_product_that_the_sandbox_lacks_can_be_added_and_its_seats_set() {
    let mut bridge = Bridge::start(HOLDFAST, "msp").await;
    let lost = product(&bridge.console, "Sandbox", "SaaSAppsAndEndpoints").await;
    bridge
        .lose_tenant(lost["id"].as_str().expect("an id"))
        .await;
    let customer = bridge.console.named("customers", "Sandbox").await["id"].clone();
    let stage = Stage::start(HOLDFAST, "sandbox-more").await;
    stage.apply(&bridge.manifest());
    stage.apply(&sandbox(customer.as_str().expect("an id")));
    let spec = |users: u32| {
        declared(
            "Tenant",
            "sandbox-saas",
            &format!(
                "customerRef: {{name: sandbox}}, servicePlanRef: {{name: gold}}, product: SaaSAppsAndEndpoints, workloads: [{{name: Microsoft365, users: {users}}}]"
            ),
        )
    };
    stage.apply(&spec(5));
    stage.await_ready(&["tenant/sandbox-saas"]).await;
    let made = product(&bridge.console, "Sandbox", "SaaSAppsAndEndpoints").await;
    assert_eq!(made["type"], "Sandbox");
    stage.apply(&spec(10));
    eventually("the seats arrive", || async {
        let found = product(&bridge.console, "Sandbox", "SaaSAppsAndEndpoints").await;
        found["workloads"][0]["users"] == 10
    })
    .await;
    stage.await_ready(&["tenant/sandbox-saas"]).await;
    let mutations = bridge.console.mutations().await;
    let accepted = mutations.iter().all(|item| item["outcome"] == "accepted");
    assert!(accepted, "{mutations:#?}");
}

// R-D11, R-V4, R-V21
#[tokio::test(flavor = "multi_thread")]
async fn default_objects_keep_their_name_and_stay_on_and_the_rest_of_them_is_edited_freely() {
    let stage = Stage::start(HOLDFAST, "defaults").await;
    stage.apply(&embedded_platform("msp"));
    stage.await_ready(&["backupplatform/msp"]).await;
    let console = stage.console("msp");
    let id = async |kind: &str, name: &str| console.named(kind, name).await["id"].clone();
    let adopted = |kind: &str, name: &str, title: &str, id: &Value| {
        declared(
            kind,
            name,
            &format!(
                "platformRef: {{name: msp}}, displayName: {title}, adopt: ById, externalId: {id}"
            ),
        )
    };
    let customer = id("customers", "Default Customer").await;
    let reseller = id("resellers", "Default Reseller").await;
    stage.apply(
        &[
            adopted("Customer", "fallback", "Default Customer", &customer),
            adopted("Reseller", "house", "Default Reseller", &reseller),
        ]
        .join("---\n"),
    );
    let objects = ["customer/fallback", "reseller/house"];
    stage.await_ready(&objects).await;
    for (object, kind, name) in [
        (objects[0], "customers", "Default Customer"),
        (objects[1], "resellers", "Default Reseller"),
    ] {
        merge(
            &stage,
            object,
            &json!({"spec": {"profile": {"phone": "7"}}}),
        );
        eventually(&format!("{object} follows"), || async {
            console.named(kind, name).await["profile"]["phone"] == "7"
        })
        .await;
    }
    stage.await_ready(&objects).await;
    refused(
        &stage,
        &console,
        &[
            (objects[0], json!({"active": false}), "default-fields"),
            (objects[1], json!({"active": false}), "default-fields"),
            (
                objects[1],
                json!({"level": "Distributor"}),
                "default-fields",
            ),
            (
                objects[0],
                json!({"displayName": "Everyone"}),
                "default-fields",
            ),
            (
                objects[1],
                json!({"displayName": "Everyone"}),
                "default-fields",
            ),
        ],
    )
    .await;
    never_deleted(&stage, &console, &objects).await;
}
