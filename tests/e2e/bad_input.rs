//! What people get wrong in manifests: refused or said in words that help, nobody else is affected, and it heals.

use crate::HOLDFAST;
use holdfast_testkit::{
    Cluster,
    bridge::legible_conditions,
    kubectl,
    operator::{Stage, customer, embedded_platform},
    resources::declared,
};

/// What kubectl says when it refuses a manifest of this kind and spec.
fn refusal(cluster: &Cluster, kind: &str, spec: &str) -> String {
    let manifest = declared(kind, "it", spec);
    let namespace = ["apply", "--namespace", &cluster.namespace, "-f", "-"];
    let output = kubectl(&namespace, &manifest);
    assert!(!output.status.success(), "taken: {manifest}");
    String::from_utf8(output.stderr).expect("UTF-8")
}

// R-V3, R-D30, R-D33: what can be seen from the manifest alone never gets in, and kubectl says which field and what to write.
#[tokio::test]
async fn kubectl_says_at_once_what_is_wrong_with_a_manifest() {
    let cluster = Cluster::start("refusals").await;
    let customer = "platformRef: {name: msp}, displayName: Fabrikam";
    let tenant = "customerRef: {name: fabrikam}, product: HybridWorkloads";
    for (kind, spec, words) in [
        (
            "Customer",
            format!("{customer}, maxStorage: 5Gi"),
            "unknown field \"spec.maxStorage\"",
        ),
        (
            "Customer",
            format!("{customer}, limits: {{storge: 5Gi}}"),
            "unknown field \"spec.limits.storge\"",
        ),
        (
            "Customer",
            format!("{customer}, stage: Productoin"),
            "spec.stage: Unsupported value: \"Productoin\": supported values: \"Trial\", \"Production\"",
        ),
        (
            "Customer",
            format!("{customer}, limits: {{storage: -5Gi}}"),
            "not from 0 to 8P, which is what is accepted: write a size in bytes such as 500Gi, 1.5Ti or 20T",
        ),
        (
            "Customer",
            format!("{customer}, limits: {{storage: lots}}"),
            "not from 0 to 8P, which is what is accepted: write a size in bytes such as 500Gi, 1.5Ti or 20T",
        ),
        (
            "Customer",
            format!("{customer}, country: NO"),
            "spec.country in body must be of type string: \"boolean\"",
        ),
        (
            "Tenant",
            format!(
                "{tenant}, quota: {{credits: 5, effectiveAt: \"2027-02-01T00:00:00Z\", endsAt: \"2027-01-01T00:00:00Z\"}}"
            ),
            "quota.effectiveAt is not before quota.endsAt, so the quota would never be in effect: begin it earlier, or end it later",
        ),
        (
            "Tenant",
            format!("{tenant}, workloads: [{{name: Microsoft365, users: -1}}]"),
            "spec.workloads[0].users in body should be greater than or equal to 0",
        ),
    ] {
        let said = refusal(&cluster, kind, &spec);
        assert!(said.contains(words), "{words:?} isn't in:\n{said}");
    }
}

// R-S2, R-V11, R-N1: each of these names its field and says what to do, holds up nobody else, and heals when what it names
// comes.
#[allow(
    clippy::too_many_lines,
    reason = "one stage serves one story, told in order"
)]
#[tokio::test(flavor = "multi_thread")]
async fn what_a_manifest_names_and_is_not_there_is_said_and_heals() {
    let stage = Stage::start(HOLDFAST, "dangling").await;
    let with_password = |name: &str, secret: &str| {
        let access = format!(
            ", webAccess: {{username: {name}, passwordRef: {{name: {secret}, key: password}}}}"
        );
        customer(name, "msp", &access)
    };
    stage.apply(
        &[
            embedded_platform("msp"),
            customer("bystander", "msp", ""),
            customer("no-platform", "absent", ""),
            declared("Customer", "no-reseller", "resellerRef: {name: absent}, displayName: No reseller"),
            declared("Reseller", "no-parent", "platformRef: {name: msp}, parentRef: {name: absent}, level: Reseller, displayName: No parent"),
            declared("ServicePlan", "no-platform", "platformRef: {name: absent}, planName: Nowhere, products: [{product: HybridWorkloads, edition: Business}]"),
            declared("Tenant", "no-customer", "customerRef: {name: absent}, servicePlanRef: {name: absent}, product: HybridWorkloads"),
            declared("Tenant", "no-plan", "customerRef: {name: bystander}, servicePlanRef: {name: absent}, product: HybridWorkloads"),
            declared("Tenant", "far", "customerRef: {name: no-reseller}, product: HybridWorkloads"),
            with_password("no-secret", "absent"),
            with_password("no-key", "keyless"),
            with_password("bad-value", "garbled"),
            customer("nowhere", "msp", ", storageLocation: atlantis"),
            customer("unhosted", "msp", "").replace("\"DE\"", "\"AQ\""),
            "apiVersion: v1\nkind: Secret\nmetadata: {name: keyless}\nstringData: {passwd: correct-horse-battery}\n".to_owned(),
            "apiVersion: v1\nkind: Secret\nmetadata: {name: garbled}\ndata: {password: /////w==}\n".to_owned(),
        ]
        .join("---\n"),
    );
    let troubled = [
        (
            "customer/no-platform",
            "PlatformMissing",
            "platformRef names BackupPlatform \"absent\", which doesn't exist in namespace",
        ),
        (
            "customer/no-reseller",
            "ReferenceNotFound",
            "resellerRef names \"absent\", which doesn't exist in namespace",
        ),
        (
            "reseller/no-parent",
            "ReferenceNotFound",
            "parentRef names \"absent\", which doesn't exist in namespace",
        ),
        (
            "serviceplan/no-platform",
            "PlatformMissing",
            "platformRef names BackupPlatform \"absent\", which doesn't exist in namespace",
        ),
        (
            "tenant/no-customer",
            "ReferenceNotFound",
            "customerRef names \"absent\", which doesn't exist in namespace",
        ),
        (
            "tenant/no-plan",
            "ReferenceNotFound",
            "servicePlanRef names \"absent\", which doesn't exist in namespace",
        ),
        (
            "tenant/far",
            "ReferenceNotFound",
            "customerRef names a resource whose resellerRef leads to \"absent\", which doesn't exist in namespace",
        ),
        (
            "customer/no-secret",
            "SecretMissing",
            "webAccess.passwordRef: Secret \"absent\" doesn't exist in namespace",
        ),
        (
            "customer/no-key",
            "SecretMissing",
            "webAccess.passwordRef: Secret \"keyless\" has no key \"password\". Add it.",
        ),
        (
            "customer/bad-value",
            "SecretMalformed",
            "webAccess.passwordRef: key \"password\" of Secret \"garbled\" isn't UTF-8 text. Correct it; it is read again at once.",
        ),
        (
            "customer/nowhere",
            "LocationUnknown",
            "storageLocation: \"atlantis\" is not one of the platform's locations. Choose an id of status.storageLocations of the BackupPlatform: us-1",
        ),
        (
            "customer/unhosted",
            "LocationRequired",
            "the platform hosts no data in country \"AQ\", so storageLocation must be stated. Choose an id of status.storageLocations of the BackupPlatform: us-1",
        ),
    ];
    stage
        .await_ready(&["backupplatform/msp", "customer/bystander"])
        .await;
    for (object, reason, words) in troubled {
        stage
            .await_condition(object, "Stalled", &format!("True/{reason}"))
            .await;
        let said = stage.message(object, "Ready");
        assert!(
            said.contains(words),
            "{object}: {words:?} isn't in {said:?}"
        );
    }
    let objects = troubled.map(|(object, ..)| object);
    legible_conditions(&stage, &objects, &["correct-horse-battery"]);
    let made = stage.console("msp").mutations().await;
    assert_eq!(made.len(), 1, "only the bystander was made: {made:?}");

    heal_by_what_was_missing(&stage);
    stage.await_ready(&objects).await;
    assert!(!stage.log().contains("correct-horse-battery"), "I5");
}

/// Adds what was missing, and corrects only what can't come by itself.
fn heal_by_what_was_missing(stage: &Stage) {
    let password = |name: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\nstringData: {{password: correct-horse-battery}}\n"
        )
    };
    stage.apply(
        &[
            embedded_platform("absent"),
            declared("Reseller", "absent", "platformRef: {name: msp}, level: Distributor, displayName: Now here"),
            declared("Customer", "absent", "platformRef: {name: msp}, displayName: Now here too"),
            declared("ServicePlan", "absent", "platformRef: {name: msp}, planName: Gold, products: [{product: HybridWorkloads, edition: Business, workloads: [FileServers]}]"),
            password("absent"),
            password("keyless"),
            customer("nowhere", "msp", ", storageLocation: de-1"),
            customer("unhosted", "msp", ", storageLocation: de-1").replace("\"DE\"", "\"AQ\""),
        ]
        .join("---\n"),
    );
    stage.show(&[
        "patch",
        "secret/garbled",
        "--type=merge",
        "-p",
        r#"{"stringData":{"password":"correct-horse-battery"}}"#,
    ]);
    stage.show(&[
        "patch",
        "tenant/far",
        "--type=merge",
        "-p",
        r#"{"spec":{"servicePlanRef":{"name":"absent"}}}"#,
    ]);
}

// R-V3, R-V20, N9: a name that somebody else has and an allotment that isn't there are said in the platform's figures; what
// exists stays as it is.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_platform_refuses_is_said_in_its_words_and_heals() {
    let stage = Stage::start(HOLDFAST, "refused").await;
    stage.apply(
        &[
            embedded_platform("msp"),
            declared(
                "Reseller",
                "northwind",
                "platformRef: {name: msp}, displayName: Northwind, allotment: {storage: 100Gi}",
            ),
            declared(
                "Customer",
                "first",
                "resellerRef: {name: northwind}, displayName: First, limits: {storage: 80Gi}",
            ),
        ]
        .join("---\n"),
    );
    stage
        .await_ready(&["reseller/northwind", "customer/first"])
        .await;
    let console = stage.console("msp");
    console
        .call(
            reqwest::Method::PUT,
            "/v1/customers/by-ref/somebody-else",
            Some(serde_json::json!({"name": "Customer taken"})),
        )
        .await;
    let before = console.named("customers", "Customer taken").await;
    stage.apply(
        &[
            customer("taken", "msp", ""),
            declared(
                "Customer",
                "second",
                "resellerRef: {name: northwind}, displayName: Second, limits: {storage: 30Gi}",
            ),
        ]
        .join("---\n"),
    );
    stage
        .await_condition("customer/taken", "Stalled", "True/NameConflict")
        .await;
    stage
        .await_condition("customer/second", "QuotaExceeded", "True")
        .await;
    let objects = [
        "customer/taken",
        "customer/second",
        "customer/first",
        "reseller/northwind",
    ];
    legible_conditions(&stage, &objects, &[]);
    let id = before["id"].as_str().expect("an id");
    assert!(
        stage.message("customer/taken", "Ready").contains(id),
        "which one is in the way"
    );
    assert!(
        stage.message("customer/second", "Ready").contains(
            "it asks for 30Gi, and Reseller northwind has 20Gi of its 100Gi storage left"
        )
    );
    stage.await_ready(&["customer/first"]).await;
    assert_eq!(
        console.named("customers", "Customer taken").await,
        before,
        "untouched"
    );

    stage.apply(
        &[
            customer("taken", "msp", "").replace("Customer taken", "Customer free"),
            declared(
                "Reseller",
                "northwind",
                "platformRef: {name: msp}, displayName: Northwind, allotment: {storage: 200Gi}",
            ),
        ]
        .join("---\n"),
    );
    stage.await_ready(&objects).await;
}
