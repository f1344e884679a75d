//! What can't be read, on either side, stops nothing else, and is said on itself.

use crate::HOLDFAST;
use std::time::Duration;

use holdfast_api as api;
use holdfast_testkit::{
    console::Served,
    operator::{Stage, customer, embedded_platform, eventually},
    tap::Tap,
};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};

fn tenant(name: &str, customer: &str, more: &str) -> String {
    format!(
        "apiVersion: holdfast.dev/v1alpha1\nkind: Tenant\nmetadata: {{name: {name}}}\nspec: {{customerRef: {{name: {customer}}}, product: HybridWorkloads, servicePlanRef: {{name: gold}}{more}}}\n"
    )
}

const PLAN: &str = "apiVersion: holdfast.dev/v1alpha1\nkind: ServicePlan\nmetadata: {name: gold}\nspec: {platformRef: {name: lab}, planName: Gold, products: [{product: HybridWorkloads, edition: Enterprise, workloads: [MSSQL]}]}\n";

fn patch(stage: &Stage, object: &str, patch: &str) {
    let (kind, name) = object.split_once('/').expect("KIND/NAME");
    stage.show(&["patch", kind, name, "--type", "merge", "-p", patch]);
}

/// Installs our definitions, with one more word where `odd` says so: what another version of them would let through.
async fn install(stage: &Stage, odd: Option<&str>) {
    let definitions: Api<CustomResourceDefinition> = Api::all(stage.cluster.client.clone());
    for crd in api::crds() {
        let mut document = serde_json::to_value(&crd).expect("JSON");
        let name = document["metadata"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let schema = &mut document["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let field = match name.as_str() {
            "tenants.holdfast.dev" => "state",
            _ => "management",
        };
        if let (Some(odd), Some(words)) = (
            odd,
            schema["properties"]["spec"]["properties"][field]["enum"].as_array_mut(),
        ) {
            words.push(odd.into());
        }
        let parameters = PatchParams::apply("holdfast-tests").force();
        definitions
            .patch(&name, &parameters, &Patch::Apply(&document))
            .await
            .expect("the API server takes the definition");
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
}

/// Edits as another version of our definitions lets it. Other tests install those of today, whenever they begin.
async fn patch_oddly(stage: &Stage, object: &str, patch: &str) {
    let (kind, name) = object.split_once('/').expect("KIND/NAME");
    for _ in 0..20 {
        install(stage, Some("Hibernating")).await;
        let arguments = ["patch", kind, name, "--type", "merge", "-p", patch];
        if stage.kubectl(&arguments, "").status.success() {
            return;
        }
    }
    panic!("{object} can't be made unreadable");
}

// F24: a resource that another version of our definitions let through still gets its status, holds what it holds, and goes.
#[allow(
    clippy::too_many_lines,
    reason = "one stage serves one story, told in order"
)]
#[tokio::test(flavor = "multi_thread")]
async fn f24_a_resource_that_can_not_be_read_says_so_and_can_be_let_go_of() {
    let mut stage = Stage::start(HOLDFAST, "illegible").await;
    let manifest = [
        embedded_platform("lab"),
        PLAN.to_owned(),
        customer("c", "lab", ""),
        customer("d", "lab", ""),
        customer("e", "lab", ""),
        tenant("t", "c", ""),
        tenant("u", "d", ""),
    ];
    stage.apply(&manifest.join("---\n"));
    stage
        .await_ready(&["tenant/t", "tenant/u", "customer/e"])
        .await;
    patch_oddly(&stage, "tenant/t", r#"{"spec":{"state":"Hibernating"}}"#).await;
    patch_oddly(
        &stage,
        "customer/d",
        r#"{"spec":{"management":"Hibernating"}}"#,
    )
    .await;
    for object in ["tenant/t", "customer/d"] {
        stage
            .await_condition(object, "Stalled", "True/InvalidSpec")
            .await;
        stage
            .await_condition(object, "Ready", "False/InvalidSpec")
            .await;
        let held = stage.get(object);
        assert_eq!(
            held["metadata"]["generation"],
            held["status"]["observedGeneration"]
        );
        assert!(held["status"]["externalId"].is_string(), "{held:#}");
    }
    let id = stage.get("tenant/t")["status"]["externalId"].clone();
    let message = stage.message("tenant/t", "Stalled");
    assert!(
        message.contains("spec.state") && message.contains("Hibernating"),
        "{message}"
    );
    install(&stage, None).await;
    // After a restart nothing is known of them but that they are there.
    let mutations = stage.console("lab").mutations().await.len();
    stage.kill();
    stage.run().await;
    patch(
        &stage,
        "customer/e",
        r#"{"spec":{"profile":{"phone":"+49 1"}}}"#,
    );
    stage
        .await_ready(&["customer/e", "customer/c", "tenant/u"])
        .await;
    assert_eq!(stage.console("lab").mutations().await.len(), mutations + 1);
    // Held with Delete, gone with Retain, and untouched.
    patch(
        &stage,
        "tenant/t",
        r#"{"spec":{"deletionPolicy":"Delete"}}"#,
    );
    stage.show(&["delete", "tenant", "t", "--wait=false"]);
    stage
        .await_condition("tenant/t", "DeletionBlocked", "True/InvalidSpec")
        .await;
    assert!(
        stage
            .message("tenant/t", "DeletionBlocked")
            .contains("Retain")
    );
    patch(
        &stage,
        "tenant/t",
        r#"{"spec":{"deletionPolicy":"Retain"}}"#,
    );
    eventually("the tenant is let go of", || async {
        stage.get("tenant/t").is_null()
    })
    .await;
    let tenants = stage.console("lab").list("tenants").await;
    assert!(tenants.iter().any(|tenant| tenant["id"] == id), "untouched");
    // Mended, all goes on by itself.
    patch(
        &stage,
        "customer/d",
        r#"{"spec":{"management":"Manage","profile":{"phone":"+49 2"}}}"#,
    );
    stage.await_ready(&["customer/d", "tenant/u"]).await;
    assert_eq!(stage.condition("customer/d", "Stalled"), "");
    // The platform itself: what is on it waits.
    patch_oddly(
        &stage,
        "backupplatform/lab",
        r#"{"spec":{"management":"Hibernating"}}"#,
    )
    .await;
    stage
        .await_condition("backupplatform/lab", "Stalled", "True/InvalidSpec")
        .await;
    let waits = "False/PlatformUnreachable";
    stage
        .await_condition("customer/e", "PlatformReachable", waits)
        .await;
    let ready = stage.condition("customer/e", "Ready");
    assert!(ready.starts_with("True"), "as last known: {ready}");
    patch(
        &stage,
        "backupplatform/lab",
        r#"{"spec":{"management":"Manage"}}"#,
    );
    stage
        .await_ready(&["backupplatform/lab", "customer/e", "tenant/u"])
        .await;
    install(&stage, None).await;
}

// What most vendors write for never, from a person and from a platform.
#[tokio::test(flavor = "multi_thread")]
async fn a_licence_that_never_expires_is_like_any_other() {
    let stage = Stage::start(HOLDFAST, "never").await;
    let manifest = [
        embedded_platform("lab"),
        PLAN.to_owned(),
        customer("c", "lab", ""),
        customer("d", "lab", ""),
        tenant("c", "c", ", licenceExpiresAt: \"9999-12-31T23:59:59Z\""),
        tenant("d", "d", ""),
    ];
    stage.apply(&manifest.join("---\n"));
    stage
        .await_ready(&["tenant/c", "tenant/d", "backupplatform/lab"])
        .await;
    let console = stage.console("lab");
    let id = stage.get("tenant/c")["status"]["externalId"]
        .as_str()
        .expect("an id")
        .to_owned();
    let held = |tenants: &[Value]| {
        tenants
            .iter()
            .find(|tenant| tenant["id"] == *id)
            .cloned()
            .expect("the tenant")
    };
    assert_eq!(
        held(&console.list("tenants").await)["licenceExpiresAt"],
        "9999-12-31T23:59:59Z"
    );
    let before = console.mutations().await.len();
    console
        .change(
            "tenants",
            &id,
            json!({"licenceExpiresAt": "9999-12-31T23:59:59.9999999Z"}),
        )
        .await;
    stage.sweep("lab");
    patch(
        &stage,
        "customer/d",
        r#"{"spec":{"profile":{"phone":"+49 1"}}}"#,
    );
    stage
        .await_ready(&["customer/d", "tenant/c", "backupplatform/lab"])
        .await;
    let ours = console.mutations().await.len() - before;
    assert!(
        ours <= 2,
        "the console's change and ours, and none that writes never over never: {ours}"
    );
    assert_eq!(
        held(&console.list("tenants").await)["licenceExpiresAt"],
        "9999-12-31T23:59:59.9999999Z"
    );
    for odd in [
        "2026-12-01T09:00:00.1234567891Z",
        "2026-12-01T09:00:00+26:30",
        "9999-12-31T23:59:59+00:00",
    ] {
        patch(
            &stage,
            "tenant/d",
            &json!({"spec": {"licenceExpiresAt": odd}}).to_string(),
        );
        stage.await_ready(&["tenant/d"]).await;
    }
}

// One item of a platform's that can't be read: named, left alone, and nobody else is held up.
#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_the_platform_shows_oddly_holds_up_no_other() {
    let stage = Stage::start(HOLDFAST, "odd").await;
    let served = Served::start(HOLDFAST).await;
    let tap = Tap::before(&served.console.url).await;
    let manifest = [
        served
            .manifest("msp")
            .replace(&served.console.url, &tap.url)
            .replace("sweepInterval: 60s", "sweepInterval: 2s"),
        customer("odd", "msp", ", limits: {storage: 7Gi}"),
        customer("good", "msp", ", limits: {storage: 8Gi}"),
    ];
    stage.apply(&manifest.join("---\n"));
    stage
        .await_ready(&["customer/odd", "customer/good", "backupplatform/msp"])
        .await;
    let id = stage.get("customer/odd")["status"]["externalId"].clone();
    tap.spoil(Some(("7516192768", "-7516192768")));
    stage.sweep("msp");
    stage
        .await_condition("customer/odd", "Stalled", "True/PlatformAnswerInvalid")
        .await;
    stage
        .await_condition(
            "backupplatform/msp",
            "ObjectsUnreadable",
            "True/PlatformAnswerInvalid",
        )
        .await;
    let status = stage.get("backupplatform/msp")["status"].clone();
    assert_eq!(status["objects"]["unreadable"], 1, "{status:#}");
    assert_eq!(status["unreadable"][0]["externalId"], id);
    assert_eq!(status["unreadable"][0]["kind"], "Customer");
    let message = status["unreadable"][0]["message"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert!(
        message.contains("limits.storage") && message.contains("-7516192768"),
        "{message}"
    );
    assert_eq!(
        stage.condition("backupplatform/msp", "Ready"),
        "True/Applied"
    );
    // It isn't written to, and isn't taken for gone; the other one is.
    let before = served.console.mutations().await.len();
    patch(
        &stage,
        "customer/odd",
        r#"{"spec":{"profile":{"phone":"+49 1"}}}"#,
    );
    patch(
        &stage,
        "customer/good",
        r#"{"spec":{"profile":{"phone":"+49 2"}}}"#,
    );
    stage.await_ready(&["customer/good"]).await;
    stage
        .await_condition("customer/odd", "Stalled", "True/PlatformAnswerInvalid")
        .await;
    assert_eq!(served.console.mutations().await.len(), before + 1);
    // With Delete it is held, and goes on once it can be read.
    patch(
        &stage,
        "customer/odd",
        r#"{"spec":{"deletionPolicy":"Delete"}}"#,
    );
    stage.show(&["delete", "customer", "odd", "--wait=false"]);
    stage
        .await_condition(
            "customer/odd",
            "DeletionBlocked",
            "True/PlatformAnswerInvalid",
        )
        .await;
    tap.spoil(None);
    stage.sweep("msp");
    eventually("it is deleted", || async {
        stage.get("customer/odd").is_null()
    })
    .await;
    eventually("nothing is unreadable", || async {
        stage
            .condition("backupplatform/msp", "ObjectsUnreadable")
            .is_empty()
    })
    .await;
}
