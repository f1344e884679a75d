//! The operator dies amid a creation on Cove, which takes no mark at creation: one partner comes of it, whatever the service does
//! where its documents are silent. R-N9, F1, F2, I1.

use crate::HOLDFAST;

use holdfast_testkit::{
    cove::Cove,
    operator::{Stage, eventually},
    resources::merge,
};
use serde_json::{Value, json};

/// Requests amid which the operator dies: the look beside the new partner, the creation, the look at what was made, and the name
/// and mark.
const DEATHS: [&str; 4] = [
    "EnumerateChildPartners",
    "AddPartner",
    "GetPartnerInfoById",
    "ModifyPartner",
];
/// Amid these the partner is there already, under the name that carries the claim.
const MADE: [&str; 2] = ["GetPartnerInfoById", "ModifyPartner"];

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

fn delay(cove: &Cove, method: &str) {
    cove.faults(&format!(
        "[{{when: {{route: /jsonapi/{method}, times: 1}}, then: {{delay: 20s}}}}]"
    ));
}

/// Makes the note of a creation that was perhaps sent eleven minutes old, which is longer than Holdfast looks for its partner.
pub fn set_back(stage: &Stage, object: &str) {
    let intent = stage.get(object)["status"]["intent"].clone();
    let id = intent["id"].as_str().unwrap_or_default();
    if id.is_empty() || id.ends_with("-again") {
        return;
    }
    let then = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(11);
    let then = then.round(jiff::Unit::Second).expect("an instant");
    let note = json!([
        {"op": "test", "path": "/status/intent/id", "value": id},
        {"op": "replace", "path": "/status/intent/at", "value": then},
    ]);
    let (patch, note) = (
        ["patch", object, "--subresource=status", "--type=json", "-p"],
        note.to_string(),
    );
    // The creation may be over by now: then there is nothing to set back.
    stage.kubectl(&[&patch[..], &[&note]].concat(), "");
}

/// After ten minutes a creation that was perhaps not carried out is sent once more, under the same claim.
pub async fn ten_minutes_later(stage: &Stage, object: &str, is_over: impl AsyncFn() -> bool) {
    eventually("what was perhaps sent is sent once more", || async {
        if is_over().await {
            return true;
        }
        set_back(stage, object);
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        is_over().await
    })
    .await;
}

/// Nothing came of two creations, as far as the platform tells: a person looks, and says so.
async fn is_said_by_a_person(stage: &Stage, object: &str) {
    let reason = "True/CreateOutcomeUnknown";
    stage.await_condition(object, "Stalled", reason).await;
    let id = stage.get(object)["status"]["intent"]["id"].clone();
    let id = id.as_str().unwrap_or_default();
    let said = stage.message(object, "Stalled");
    let annotation = format!("holdfast.dev/retry-create={id}");
    assert!(
        id.ends_with("-again") && said.contains(&annotation),
        "{said}"
    );
    stage.show(&["annotate", object, &annotation]);
}

/// Dies amid a request of a creation, and once more amid the same request of the process that goes on. Where the partner is there
/// already, somebody makes another of that name meanwhile, below another parent.
async fn dies_twice(stage: &mut Stage, cove: &Cove, method: &str, elsewhere: i64) {
    let name = format!("dies-amid-{}", method.to_lowercase());
    let object = format!("customer/{name}");
    stage.await_ready(&["backupplatform/cove"]).await;
    let before = cove.count(method);
    delay(cove, method);
    stage.apply(&customer(&name));
    let under_way = async |times: usize| {
        eventually(&format!("{method} is under way"), || async {
            cove.count(method) >= before + times
        })
        .await;
    };
    under_way(1).await;
    stage.kill();
    if MADE.contains(&method) {
        let namesake = json!([{"Name": name, "ParentId": elsewhere}]);
        cove.add_partners(namesake).await;
    }
    delay(cove, method);
    stage.run().await;
    if method == "AddPartner" {
        let reason = "False/CreateOutcomeUnknown";
        stage.await_condition(&object, "Ready", reason).await;
        assert_eq!(cove.count(method), before + 1, "it is looked for first");
        assert_eq!(partners(cove, &name).await, [json!(null); 0]);
        ten_minutes_later(stage, &object, async || cove.count(method) > before + 1).await;
    }
    under_way(2).await;
    stage.kill();
    cove.faults("[]");
    stage.run().await;
    if method == "AddPartner" {
        is_said_by_a_person(stage, &object).await;
    }
}

/// What has come of it: one partner with our mark and its name; where that name is taken, one under its first name.
async fn one_has_come(stage: &Stage, cove: &Cove, method: &str, elsewhere: i64, unique: bool) {
    let name = format!("dies-amid-{}", method.to_lowercase());
    let object = format!("customer/{name}");
    let is_refused = unique && MADE.contains(&method);
    if is_refused {
        stage.await_condition(&object, "Stalled", "True").await;
        let said = stage.message(&object, "Stalled");
        assert!(said.contains("The name is taken"), "{method}: {said}");
        // Nor does it go on by itself.
        cove.sweep(stage, "cove").await;
    } else {
        stage.await_ready(&[&object]).await;
    }
    let claim = stage.get(&object)["status"]["claim"].clone();
    let claim = claim.as_str().unwrap_or_default();
    assert!(claim.starts_with("hf-"), "{claim}");
    let (others, ours): (Vec<Value>, Vec<Value>) = partners(cove, &name)
        .await
        .into_iter()
        .partition(|partner| partner["ParentId"] == elsewhere);
    assert_eq!(ours.len(), 1, "{method}: {ours:?}");
    if is_refused {
        assert_eq!(ours[0]["Name"], format!("{name} [{claim}]"));
    } else {
        assert_eq!(ours[0]["Name"], name, "{method}");
        assert_eq!(
            ours[0]["ExternalCode"],
            format!("CWM:1|{claim}"),
            "{method}"
        );
    }
    assert_eq!(others.len(), usize::from(MADE.contains(&method)));
    let marked = |other: &Value| !other["ExternalCode"].is_null();
    assert!(!others.iter().any(marked), "{others:?}");
}

/// One of that name below another parent, known before: nothing is sent at all.
async fn a_namesake_holds_a_creation_back(stage: &Stage, cove: &Cove, elsewhere: i64) {
    let namesake = json!([{"Name": "already-there", "ParentId": elsewhere}]);
    cove.add_partners(namesake).await;
    cove.sweep(stage, "cove").await;
    let writes = cove.writes().len();
    stage.apply(&customer("already-there"));
    let (object, reason) = ("customer/already-there", "True/NameConflict");
    stage.await_condition(object, "Stalled", reason).await;
    cove.sweep(stage, "cove").await;
    assert_eq!(cove.writes().len(), writes, "{:#?}", cove.writes());
    let held = partners(cove, "already-there").await;
    assert!(
        held.len() == 1 && held[0]["ExternalCode"].is_null(),
        "{held:?}"
    );
}

/// Dies amid each request of a creation.
async fn dies_everywhere(prefix: &str, modes: Value) {
    let (mut stage, cove) = (
        Stage::start(HOLDFAST, prefix).await,
        Cove::start(HOLDFAST).await,
    );
    let unique = modes["names"] == "unique";
    cove.modes(modes).await;
    let elsewhere = json!([{"Name": "Elsewhere", "Level": "Reseller"}]);
    let elsewhere = cove.add_partners(elsewhere).await[0];
    stage.apply(&cove.manifest("cove", ""));
    stage.await_ready(&["backupplatform/cove"]).await;
    for method in DEATHS {
        let adds = cove.count("AddPartner");
        dies_twice(&mut stage, &cove, method, elsewhere).await;
        one_has_come(&stage, &cove, method, elsewhere, unique).await;
        // Once; or twice as Holdfast does by itself, and then as a person has said.
        let sent = if method == "AddPartner" { 3 } else { 1 };
        assert_eq!(cove.count("AddPartner"), adds + sent, "{method}");
    }
    a_namesake_holds_a_creation_back(&stage, &cove, elsewhere).await;
    // What was made goes on living.
    merge(
        &stage,
        "customer/dies-amid-addpartner",
        &json!({"spec": {"profile": {"phone": "2"}}}),
    );
    eventually("it is written to", || async {
        let partner = cove.partner("dies-amid-addpartner").await;
        partner["Company"]["PhoneNumber"] == "2"
    })
    .await;
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
