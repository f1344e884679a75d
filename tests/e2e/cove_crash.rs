//! The operator dies amid a creation on Cove, which takes no mark at creation: one partner comes of it, whatever the service does
//! where its documents are silent. R-N9, F1, F2, I1.

use crate::HOLDFAST;

use holdfast_testkit::{
    cove::Cove,
    operator::{Stage, eventually},
};
use serde_json::{Value, json};

/// Requests amid which the operator dies: the creation, the look at what was made, and the name and mark.
const DEATHS: [&str; 3] = ["AddPartner", "GetPartnerInfoById", "ModifyPartner"];

fn customer(name: &str) -> String {
    format!(
        "apiVersion: holdfast.dev/v1alpha1\nkind: Customer\nmetadata: {{name: {name}}}\nspec: {{platformRef: {{name: cove}}, displayName: {name}, country: \"DE\", reference: \"CWM:1\", profile: {{phone: \"1\"}}}}\n"
    )
}

/// Partners whose name begins so: the true one, and the one that carries the claim.
async fn partners(cove: &Cove, name: &str) -> Vec<Value> {
    let state = cove.state().await;
    let partners = state["partners"].as_array().cloned().unwrap_or_default();
    let named = |partner: &Value| {
        let held = partner["Name"].as_str().unwrap_or_default();
        held == name || held.starts_with(&format!("{name} ["))
    };
    partners.into_iter().filter(named).collect()
}

/// Dies amid each request of a creation, and once more amid the same request of the process that goes on.
async fn dies_everywhere(prefix: &str, modes: Value) {
    let (mut stage, cove) = (
        Stage::start(HOLDFAST, prefix).await,
        Cove::start(HOLDFAST).await,
    );
    cove.modes(modes).await;
    stage.apply(&cove.manifest("cove", ""));
    stage.await_ready(&["backupplatform/cove"]).await;
    for method in DEATHS {
        let name = format!("dies-amid-{}", method.to_lowercase());
        let object = format!("customer/{name}");
        stage.await_ready(&["backupplatform/cove"]).await;
        let adds = cove.count("AddPartner");
        let before = cove.count(method);
        cove.faults(&format!(
            "[{{when: {{route: /jsonapi/{method}, times: 1}}, then: {{delay: 20s}}}}]"
        ));
        stage.apply(&customer(&name));
        eventually("the request is under way", || async {
            cove.count(method) > before
        })
        .await;
        stage.kill();
        cove.faults("[]");
        stage.run().await;
        // A creation that was perhaps not carried out is looked for ten minutes before it is sent again: that is told.
        eventually("it is made, or waits for what was perhaps sent", || async {
            let ready = stage.condition(&object, "Ready");
            ready.starts_with("True") || ready.ends_with("CreateOutcomeUnknown")
        })
        .await;
        assert_eq!(cove.count("AddPartner"), adds + 1, "{method}: sent once");
        let held = partners(&cove, &name).await;
        if stage.condition(&object, "Ready").starts_with("True") {
            assert_eq!(held.len(), 1, "{method}: {held:?}");
            assert_eq!(held[0]["Name"], name, "{method}");
            let claim = stage.get(&object)["status"]["claim"].clone();
            let mark = format!("CWM:1|{}", claim.as_str().unwrap_or_default());
            assert_eq!(held[0]["ExternalCode"], mark, "{method}");
        } else {
            assert_eq!(method, "AddPartner", "only its outcome may be open");
            assert!(held.is_empty(), "{held:?}");
        }
    }
}

// R-N9
#[tokio::test(flavor = "multi_thread")]
async fn dying_amid_each_request_of_a_creation_leaves_one_partner_with_its_name() {
    dies_everywhere("covedies", json!({})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_where_names_are_unique_marks_are_taken_at_creation_and_only_the_newest_visa_is_good() {
    let modes = json!({"externalCodeAtCreation": true, "names": "unique", "newestVisaOnly": true, "companyIsReplaced": true});
    dies_everywhere("coveuniq", modes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_where_what_is_unknown_is_forbidden_and_less_is_shown() {
    let modes = json!({"unknownIsForbidden": true, "names": "uniqueUnderParent", "showsUndocumentedFields": false});
    dies_everywhere("coveforb", modes).await;
}
