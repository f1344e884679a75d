//! What the YAML says is what the platform holds, in both directions.

use crate::HOLDFAST;
use serde_json::{Value, json};

use super::estate::{OBJECTS, estate, events, meddle, merge, remote, settled};
use holdfast_testkit::operator::{Stage, customer, eventually};

// R-N1, R-N3, R-N13, R-D5, R-D20, R-D30, R-D31, R-S4, I2: one mutation per edit, one per drift, an event that names the field.
#[tokio::test(flavor = "multi_thread")]
async fn every_kind_is_made_and_follows_edits_and_is_set_back_when_the_platform_drifts() {
    let (stage, console) = settled("life", "").await;
    let made = console.mutations().await;
    assert_eq!(made.len(), 4, "one creation each, nothing else: {made:#?}");
    assert!(made.iter().all(|item| item["method"] == "PUT"));

    let edits = [
        (
            "reseller/northwind",
            json!({"profile": {"phone": "2"}}),
            "/profile/phone",
            json!("2"),
        ),
        (
            "serviceplan/gold",
            json!({"usageReport": "Quarterly"}),
            "/usageReport",
            json!("Quarterly"),
        ),
        (
            "customer/fabrikam",
            json!({"limits": {"storage": "2Ti"}}),
            "/limits/storage",
            json!(2u64 << 40),
        ),
        (
            "tenant/fabrikam-hybrid",
            json!({"quota": {"credits": "62.5"}}),
            "/quota/credits",
            json!(62.5),
        ),
    ];
    for (object, spec, ..) in &edits {
        merge(&stage, object, &json!({ "spec": spec }));
    }
    for (object, _, path, value) in &edits {
        eventually(&format!("{object} follows its edit"), || async {
            remote(&stage, &console, object).await.pointer(path) == Some(value)
        })
        .await;
    }
    stage.await_ready(&OBJECTS).await;
    assert_eq!(console.mutations().await.len(), 8, "one update each");

    let drifts = [
        (
            "resellers",
            "reseller/northwind",
            json!({"profile": {"phone": "3"}}),
            "profile.phone",
        ),
        (
            "plans",
            "serviceplan/gold",
            json!({"usageReport": "Yearly"}),
            "usageReport",
        ),
        (
            "customers",
            "customer/fabrikam",
            json!({"limits": {"storage": 3u64 << 40}}),
            "limits.storage",
        ),
        (
            "tenants",
            "tenant/fabrikam-hybrid",
            json!({"quota": {"credits": 70}}),
            "quota.credits",
        ),
    ];
    for (kind, object, patch, _) in &drifts {
        meddle(&stage, &console, kind, object, patch.clone()).await;
    }
    stage.sweep("msp");
    for (object, _, path, value) in &edits {
        eventually(&format!("{object} is set back"), || async {
            remote(&stage, &console, object).await.pointer(path) == Some(value)
        })
        .await;
    }
    for (_, object, _, field) in &drifts {
        eventually(&format!("an event names {field}"), || async {
            let said = events(&stage, object);
            said.iter()
                .any(|(reason, note, _)| reason == "Reverted" && note.contains(field))
        })
        .await;
    }
    stage.await_ready(&OBJECTS).await;
    assert_eq!(console.mutations().await.len(), 12, "one correction each");

    read_back(&stage, &drifts.map(|(_, object, _, field)| (object, field)));
}

/// R-N13, I8: everything can be read back. Events once per change, never one per sweep.
fn read_back(stage: &Stage, drifts: &[(&str, &str)]) {
    for (object, field) in drifts {
        stage.sweep("msp");
        let said = events(stage, object);
        for reason in ["Created", "Updated", "Reverted"] {
            let times: u64 = said
                .iter()
                .filter(|(word, ..)| word == reason)
                .map(|(.., count)| count)
                .sum();
            assert_eq!(times, 1, "{object} {reason}: {said:#?}");
        }
        let history = HOLDFAST.run(&["history", object, "-n", stage.namespace()]);
        assert!(history.status.success());
        let history = String::from_utf8(history.stdout).expect("UTF-8");
        for word in ["Create", "Update", "Done", field] {
            assert!(history.contains(word), "{word} is missing:\n{history}");
        }
        let output = ["history", object, "-n", stage.namespace(), "-o", "json"];
        let changes: Value = serde_json::from_slice(&HOLDFAST.run(&output).stdout).expect("JSON");
        assert_eq!(changes.as_array().map(Vec::len), Some(3), "{changes:#}");
    }
}

// I3, R-D5: three ways to keep hands off, each counted by the platform's own audit log.
#[tokio::test(flavor = "multi_thread")]
async fn ignored_fields_and_observed_and_paused_resources_are_never_written() {
    let (stage, console) = settled("handsoff", "").await;
    merge(
        &stage,
        "customer/fabrikam",
        &json!({"spec": {"ignore": ["profile.phone"]}}),
    );
    merge(
        &stage,
        "tenant/fabrikam-hybrid",
        &json!({"spec": {"management": "Observe"}}),
    );
    merge(
        &stage,
        "reseller/northwind",
        &json!({"spec": {"management": "Paused"}}),
    );
    stage
        .await_condition("tenant/fabrikam-hybrid", "Ready", "True/Observing")
        .await;
    stage
        .await_condition("reseller/northwind", "Paused", "True")
        .await;
    stage.await_ready(&["customer/fabrikam"]).await;
    let before = console.mutations().await.len();

    meddle(
        &stage,
        &console,
        "customers",
        "customer/fabrikam",
        json!({"profile": {"phone": "9"}}),
    )
    .await;
    meddle(
        &stage,
        &console,
        "tenants",
        "tenant/fabrikam-hybrid",
        json!({"quota": {"credits": 70}}),
    )
    .await;
    meddle(
        &stage,
        &console,
        "resellers",
        "reseller/northwind",
        json!({"profile": {"phone": "9"}}),
    )
    .await;
    merge(
        &stage,
        "reseller/northwind",
        &json!({"spec": {"profile": {"phone": "4"}}}),
    );
    stage.sweep("msp");
    stage
        .await_condition("tenant/fabrikam-hybrid", "DriftDetected", "True")
        .await;
    let drift = stage.get("tenant/fabrikam-hybrid")["status"]["drift"].clone();
    assert_eq!(
        drift,
        json!([{"field": "quota.credits", "desired": "50", "observed": "70"}])
    );
    // A paused resource whose spec has moved on doesn't say that it is applied.
    stage
        .await_condition("reseller/northwind", "Ready", "Unknown/Paused")
        .await;
    assert_eq!(stage.condition("customer/fabrikam", "Ready"), "True/InSync");
    assert_eq!(console.mutations().await.len(), before);

    // Deleting what is observed or paused lets go, also where the policy says Delete.
    merge(
        &stage,
        "tenant/fabrikam-hybrid",
        &json!({"spec": {"deletionPolicy": "Delete"}}),
    );
    stage.show(&["delete", "tenant/fabrikam-hybrid", "--timeout=60s"]);
    assert_eq!(console.mutations().await.len(), before);

    // Managed again, what differs is written at once.
    merge(
        &stage,
        "reseller/northwind",
        &json!({"spec": {"management": "Manage"}}),
    );
    merge(
        &stage,
        "customer/fabrikam",
        &json!({"spec": {"ignore": null}}),
    );
    eventually("both are written", || async {
        remote(&stage, &console, "reseller/northwind").await["profile"]["phone"] == "4"
            && remote(&stage, &console, "customer/fabrikam").await["profile"]["phone"] == "1"
    })
    .await;
    assert_eq!(console.mutations().await.len(), before + 2);
}

// R-V8, R-D31, N-absent: what is switched off is off on the platform, and on again; dropping the field moves nothing.
#[tokio::test(flavor = "multi_thread")]
async fn customers_tenants_and_resellers_are_switched_off_and_on() {
    let (stage, console) = settled("switch", "").await;
    let switches = [
        (
            "customer/fabrikam",
            json!({"active": false}),
            json!({"active": true}),
            json!({"active": null}),
        ),
        (
            "tenant/fabrikam-hybrid",
            json!({"state": "Suspended"}),
            json!({"state": "Active"}),
            json!({"state": null}),
        ),
        (
            "reseller/northwind",
            json!({"active": false}),
            json!({"active": true}),
            json!({"active": null}),
        ),
    ];
    let is_active = async |object: &str| remote(&stage, &console, object).await["active"] == true;
    for (object, off, on, absent) in switches {
        merge(&stage, object, &json!({ "spec": off }));
        eventually(&format!("{object} is off"), || async {
            !is_active(object).await
        })
        .await;
        stage.await_ready(&[object]).await;
        let before = console.mutations().await.len();
        merge(&stage, object, &json!({ "spec": absent }));
        stage.await_ready(&[object]).await;
        assert!(
            !is_active(object).await,
            "dropping the field must not switch {object} back on"
        );
        assert_eq!(console.mutations().await.len(), before);
        merge(&stage, object, &json!({ "spec": on }));
        eventually(&format!("{object} is on"), || async {
            is_active(object).await
        })
        .await;
        let reasons: Vec<_> = events(&stage, object)
            .into_iter()
            .map(|(reason, ..)| reason)
            .collect();
        assert!(reasons.contains(&"Suspended".to_owned()), "{reasons:?}");
    }
    // R-V8: what is above stops what is below, and the tenant says so.
    merge(
        &stage,
        "reseller/northwind",
        &json!({"spec": {"active": false}}),
    );
    eventually("the tenant stands still", || async {
        remote(&stage, &console, "tenant/fabrikam-hybrid").await["facts"]["phase"] == "Stopped"
    })
    .await;
}

// Absent means not managed, empty means clear. R-D4, R-S6, R-D12, R-V9.
#[tokio::test(flavor = "multi_thread")]
async fn absent_leaves_alone_and_empty_clears_and_some_lists_only_grow() {
    let stage = Stage::start(HOLDFAST, "absent").await;
    let rest = r#", profile: {phone: "1", fax: "2", notes: "x"}, contacts: [{email: a@fabrikam.example, name: A}, {email: b@fabrikam.example, name: B}], communications: [{id: one, at: "2026-09-14T08:00:00Z", kind: Call, note: first}]"#;
    stage.apply(&estate(""));
    stage.apply(&customer("coho", "msp", rest));
    stage.await_ready(&OBJECTS).await;
    stage.await_ready(&["customer/coho"]).await;
    let console = stage.console("msp");
    let coho = async || remote(&stage, &console, "customer/coho").await;

    // Dropped from the YAML: stays as it is.
    stage.apply(&customer(
        "coho",
        "msp",
        r#", profile: {fax: "2", notes: ""}"#,
    ));
    eventually("empty clears", || async {
        coho().await["profile"]["notes"].is_null()
    })
    .await;
    let now = coho().await;
    assert_eq!(now["profile"]["phone"], "1", "absent isn't cleared");
    assert_eq!(
        now["contacts"].as_array().map(Vec::len),
        Some(2),
        "nor is a list"
    );
    assert_eq!(now["communications"].as_array().map(Vec::len), Some(1));

    // A contact that is dropped from the list is removed; an empty list removes all of them.
    stage.apply(&customer(
        "coho",
        "msp",
        ", contacts: [{email: b@fabrikam.example, name: B}]",
    ));
    eventually("the contact is gone", || async {
        coho().await["contacts"].as_array().map(Vec::len) == Some(1)
    })
    .await;
    stage.apply(&customer("coho", "msp", ", contacts: []"));
    eventually("no contact is left", || async {
        coho().await["contacts"].is_null()
    })
    .await;

    // R-S6: a communication that is dropped stays on the platform; a new one is added.
    let second =
        r#", communications: [{id: two, at: "2026-10-14T08:00:00Z", kind: Meeting, note: second}]"#;
    stage.apply(&customer("coho", "msp", second));
    eventually("both are there", || async {
        coho().await["communications"].as_array().map(Vec::len) == Some(2)
    })
    .await;

    // R-D12: regions are added, and a dropped one stays, without being written for ever.
    let tenant = "tenant/fabrikam-hybrid";
    let regions = async || {
        remote(&stage, &console, tenant).await["storageRegions"]
            .as_array()
            .map(Vec::len)
    };
    merge(
        &stage,
        tenant,
        &json!({"spec": {"storageRegions": ["eu-central-1", "eu-west-1"]}}),
    );
    eventually("the region is added", || async {
        regions().await == Some(2)
    })
    .await;
    merge(
        &stage,
        tenant,
        &json!({"spec": {"storageRegions": ["eu-west-1"]}}),
    );
    stage.await_ready(&[tenant, "customer/coho"]).await;
    assert_eq!(regions().await, Some(2));
    let before = console.mutations().await.len();
    stage.sweep("msp");
    stage.await_ready(&[tenant, "customer/coho"]).await;
    assert_eq!(console.mutations().await.len(), before);
}
