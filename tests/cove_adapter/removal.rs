//! Removals: only what is empty, and looked at again right before. R-S3, R-D6, I2

use holdfast_api::Kind;
use holdfast_core::estate::{Object, ObjectId};
use holdfast_platforms::{Deletion as _, Platform, PlatformError, ProblemKind};
use holdfast_simulator::{Action, Moment};
use serde_json::json;

use crate::stage::{Stage, number, problem};

/// Rehearses and removes.
pub async fn remove(stage: &Stage, object: &Object) -> Result<(), PlatformError> {
    let rehearsal = stage
        .cove
        .rehearse_deletion(object.kind, &object.id)
        .await?;
    let confirmation = rehearsal.confirmation;
    stage
        .cove
        .delete(object.kind, &object.id, &confirmation)
        .await
}

#[tokio::test]
async fn a_customer_with_devices_is_refused_and_its_devices_are_told() {
    let stage = Stage::set().await;
    let made = stage.customer("Fabrikam", None).await;
    let device =
        json!([{"Name": "srv", "PartnerId": number(&made.id), "columns": {"I14": "1000"}}]);
    stage.enter("devices", device).await;
    let refused = problem(remove(&stage, &made).await);
    assert_eq!(refused.kind, ProblemKind::HasDependents);
    assert!(
        refused.detail.contains("1 devices with 1000 bytes"),
        "{}",
        refused.detail
    );
    assert!(refused.detail.contains("0 customers"), "{}", refused.detail);
    // What isn't known isn't left out of the sum.
    let silent = json!([{"Name": "srv2", "PartnerId": number(&made.id)}]);
    stage.enter("devices", silent).await;
    let refused = problem(remove(&stage, &made).await);
    assert!(
        refused
            .detail
            .contains("2 devices with an unknown number of bytes"),
        "{}",
        refused.detail
    );
    assert_eq!(stage.count("RemovePartner"), 0);
}

#[tokio::test]
async fn devices_at_a_site_and_customers_of_its_own_hold_a_removal_back() {
    let stage = Stage::set().await;
    let reseller = stage.reseller("Northwind", "Reseller", None).await;
    let made = stage.customer("Fabrikam", Some(&reseller.id)).await;
    assert_eq!(
        problem(remove(&stage, &reseller).await).kind,
        ProblemKind::HasDependents
    );
    let site = json!([{"Name": "Site", "Level": "Site", "ParentId": number(&made.id)}]);
    let site = stage.enter("partners", site).await[0];
    assert_eq!(
        problem(remove(&stage, &made).await).kind,
        ProblemKind::HasDependents
    );
    stage
        .enter("devices", json!([{"Name": "srv", "PartnerId": site}]))
        .await;
    let snapshot = stage.with_clients().await;
    let seen = crate::stage::by_id(&snapshot, &made.id);
    assert_eq!(
        seen.facts.clients,
        Some(1),
        "what is at a site is its customer's"
    );
    assert_eq!(stage.count("RemovePartner"), 0);
}

#[tokio::test]
async fn a_device_that_appears_after_the_rehearsal_is_seen_before_the_removal() {
    let stage = Stage::set().await;
    let made = stage.customer("Fabrikam", None).await;
    let rehearsal = stage
        .cove
        .rehearse_deletion(Kind::Customer, &made.id)
        .await
        .unwrap();
    stage
        .enter(
            "devices",
            json!([{"Name": "srv", "PartnerId": number(&made.id)}]),
        )
        .await;
    let removed = stage
        .cove
        .delete(Kind::Customer, &made.id, &rehearsal.confirmation)
        .await;
    assert_eq!(problem(removed).kind, ProblemKind::HasDependents);
    assert_eq!(stage.count("RemovePartner"), 0);
}

#[tokio::test]
async fn a_confirmation_is_for_the_partner_as_it_was() {
    let stage = Stage::set().await;
    let made = stage.customer("Fabrikam", None).await;
    let rehearsal = stage
        .cove
        .rehearse_deletion(Kind::Customer, &made.id)
        .await
        .unwrap();
    stage
        .change(&made, json!({"name": "Fabrikam AG"}))
        .await
        .unwrap();
    let removed = stage
        .cove
        .delete(Kind::Customer, &made.id, &rehearsal.confirmation)
        .await;
    assert_eq!(problem(removed).kind, ProblemKind::ConfirmationRequired);
}

#[tokio::test]
async fn an_empty_customer_is_removed_and_is_gone() {
    let stage = Stage::set().await;
    let made = stage.customer("Fabrikam", None).await;
    remove(&stage, &made).await.unwrap();
    let gone = stage.cove.read(Kind::Customer, &made.id).await.unwrap();
    assert_eq!(gone, None);
    assert_eq!(stage.observe().await.objects.len(), 0);
    // Without an answer it isn't known whether it is.
    let made = stage.customer("Contoso", None).await;
    stage.befall("RemovePartner", Action::Drop(Moment::After));
    let lost = remove(&stage, &made).await;
    assert!(
        matches!(lost, Err(PlatformError::Unreachable(_))),
        "{lost:?}"
    );
    let gone = stage.cove.read(Kind::Customer, &made.id).await.unwrap();
    assert_eq!(gone, None);
}

// Looked at again right before, and then Cove itself refuses.
#[tokio::test]
async fn a_device_that_appears_during_the_removal_keeps_the_partner() {
    let stage = Stage::set().await;
    let made = stage.customer("Fabrikam", None).await;
    let a_second = std::time::Duration::from_secs(1);
    stage.befall("RemovePartner", Action::Delay(a_second));
    let meanwhile = async {
        while stage.count("RemovePartner") == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let device = json!([{"Name": "srv", "PartnerId": number(&made.id)}]);
        stage.enter("devices", device).await
    };
    let (removed, device) = futures::join!(remove(&stage, &made), meanwhile);
    let refused = problem(removed);
    assert!(
        refused.detail.contains("RemovePartner"),
        "{}",
        refused.detail
    );
    assert_eq!(stage.count("RemovePartner"), 1);
    let read = stage.cove.read(Kind::Customer, &made.id).await.unwrap();
    assert_eq!(read.unwrap().id, made.id);
    let snapshot = stage.with_clients().await;
    assert_eq!(snapshot.clients[0].id.as_str(), device[0].to_string());
    // From now on it is known beforehand.
    let refused = problem(remove(&stage, &made).await);
    assert_eq!(refused.kind, ProblemKind::HasDependents);
    assert_eq!(stage.count("RemovePartner"), 1);
}

// I2: where a refusal says nothing, Cove has to list it as removed: those of the last weeks are few, and are asked for first.
#[tokio::test]
async fn what_was_removed_is_looked_for_among_the_last_weeks_first() {
    let stage = Stage::set_with(|options| options.modes.unknown_is_forbidden = true).await;
    let made = stage.customer("Fabrikam", None).await;
    let by_somebody_else = json!({"partnerId": number(&made.id)});
    stage.call("RemovePartner", by_somebody_else).await;
    let windows = || {
        let heard = stage.tap.heard();
        let bodies = heard.into_iter().map(|heard| heard.body);
        let asked = bodies.filter(|body| body["method"] == "EnumerateRemovedPartners");
        let time = |body: &serde_json::Value, name: &str| body["params"][name].as_i64().unwrap();
        let window = |body| (time(&body, "startTime"), time(&body, "endTime"));
        asked.map(window).collect::<Vec<_>>()
    };
    let gone = stage.cove.read(Kind::Customer, &made.id).await.unwrap();
    assert_eq!(gone, None);
    let asked = windows();
    assert!(
        asked.len() == 1 && asked[0].1 - asked[0].0 == 35 * 86_400,
        "{asked:?}"
    );
    // What isn't among those is looked for among the earlier ones.
    let never = stage.cove.read(Kind::Customer, &ObjectId::new("5")).await;
    assert!(problem(never).detail.contains("13501"));
    let asked = windows();
    assert!(asked.len() == 3 && asked[2] == (1, asked[1].0), "{asked:?}");
}
