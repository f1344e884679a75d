//! Changes, moves and marks. R-S1, R-S4, R-S5, R-V5

use std::time::{Duration, Instant};

use holdfast_api::Kind;
use holdfast_core::estate::ObjectId;
use holdfast_platforms::{Clients as _, Platform, ProblemKind, Written};
use holdfast_simulator::Action;
use serde_json::json;

use crate::stage::{Stage, by_id, claim, map, problem};

#[tokio::test]
async fn a_mark_is_appended_and_what_others_wrote_stays_byte_for_byte() {
    let stage = Stage::set().await;
    let foreign = " CWM:4711 | PSA 7 ";
    let ids = stage
        .enter(
            "partners",
            json!([{"Name": "Living", "ExternalCode": foreign}]),
        )
        .await;
    let id = ObjectId::new(&ids[0].to_string());
    let living = stage.cove.read(Kind::Customer, &id).await.unwrap().unwrap();
    assert_eq!((living.claim, living.facts.provisional), (None, false));
    let mark = claim("Living");
    let patch = map(json!({"profile": {"phone": "+49 30 1"}}));
    let marked = stage
        .cove
        .update(Kind::Customer, &id, None, Some(&mark), patch)
        .await;
    assert_eq!(crate::stage::done(marked).claim, Some(mark.clone()));
    let held = stage.held(&id).await;
    assert_eq!(held["ExternalCode"], format!("{foreign}|{mark}"));
    // The spec's own number replaces the foreign text, and the mark stays.
    let living = stage.cove.read(Kind::Customer, &id).await.unwrap().unwrap();
    stage
        .change(&living, json!({"reference": "CWM:1"}))
        .await
        .unwrap();
    let held = stage.held(&id).await;
    assert_eq!(held["ExternalCode"], format!("CWM:1|{mark}"));
    // Another owner's mark is never replaced.
    let other = stage
        .cove
        .update(
            Kind::Customer,
            &id,
            None,
            Some(&claim("else")),
            map(json!({})),
        )
        .await;
    assert_eq!(problem(other).kind, ProblemKind::PreconditionFailed);
}

// R-S5: sent whole, so that it is right whether Cove replaces or merges.
#[tokio::test]
async fn the_company_profile_is_whole_after_a_change_of_one_member() {
    for replaced in [false, true] {
        let stage = Stage::set_with(|options| options.modes.company_is_replaced = replaced).await;
        let made = stage.customer("Fabrikam", None).await;
        let profile = json!({"profile": {"phone": "+49 30 1", "website": "fabrikam.example",
            "billing": {"legalName": "Fabrikam GmbH", "vatNumber": "DE1"},
            "address": {"street": "Hauptstr. 1", "city": "Ulm", "country": "DE"}}});
        stage.change(&made, profile).await.unwrap();
        let changed = stage
            .change(
                &made,
                json!({"profile": {"phone": "+49 30 2", "address": {"city": "Berlin"}}}),
            )
            .await
            .unwrap();
        let text = |path: &str| changed.settings.text(path).map(str::to_owned);
        assert_eq!(text("profile.phone").as_deref(), Some("+49 30 2"));
        assert_eq!(text("profile.website").as_deref(), Some("fabrikam.example"));
        assert_eq!(text("profile.address.city").as_deref(), Some("Berlin"));
        assert_eq!(
            text("profile.address.street").as_deref(),
            Some("Hauptstr. 1")
        );
        assert_eq!(text("profile.address.country").as_deref(), Some("DE"));
        // Cleared by leaving it out; where Cove merges, it stays, and that is seen.
        let cleared = stage
            .change(&made, json!({"profile": {"website": null}}))
            .await
            .unwrap();
        let left = cleared.settings.text("profile.website");
        assert_eq!(left.is_some(), !replaced);
    }
}

// R-S1
#[tokio::test]
async fn a_trial_becomes_production_and_no_other_state_is_written() {
    let stage = Stage::set().await;
    let made = stage.customer("Fabrikam", None).await;
    let changed = stage
        .change(&made, json!({"stage": "Production"}))
        .await
        .unwrap();
    assert_eq!(changed.settings.text("stage"), Some("Production"));
    assert_eq!(changed.facts.trial_ends_at, None);
    let writes = stage.writes().len();
    let back = stage.change(&made, json!({"stage": "Trial"})).await;
    assert_eq!(problem(back).field.as_deref(), Some("stage"));
    let ids = stage
        .enter("partners", json!([{"Name": "Odd", "State": "Registered"}]))
        .await;
    let id = ObjectId::new(&ids[0].to_string());
    let odd = stage.cove.read(Kind::Customer, &id).await.unwrap().unwrap();
    assert_eq!(odd.settings.text("stage"), None);
    let refused = stage.change(&odd, json!({"stage": "Production"})).await;
    assert!(problem(refused).detail.contains("Registered"));
    assert_eq!(stage.writes().len(), writes);
}

// R-S4
#[tokio::test]
async fn a_move_drops_values_of_custom_columns_only_where_that_is_allowed() {
    let stage = Stage::set().await;
    let (one, two) = (
        stage.reseller("One", "Reseller", None).await,
        stage.reseller("Two", "Reseller", None).await,
    );
    let made = stage.customer("Fabrikam", Some(&one.id)).await;
    stage
        .platform
        .set_modes(|modes| modes.custom_columns_in_scope = true);
    let to = json!({"resellerId": two.id.as_str()});
    let refused = problem(stage.change(&made, to.clone()).await);
    assert!(
        refused.detail.contains("custom columns"),
        "{}",
        refused.detail
    );
    let remedy = refused.remedy.unwrap();
    assert!(remedy.contains("cove.customColumns: Drop"), "{remedy}");
    let patch = map(to);
    let dropping = stage.dropping();
    let forced = dropping.update(made.kind, &made.id, None, None, patch);
    let Written::Done(moved) = forced.await.unwrap() else {
        panic!("Cove has no operations that end later");
    };
    assert_eq!(moved.parent(), Some(two.id.clone()));
    stage
        .platform
        .set_modes(|modes| modes.custom_columns_in_scope = false);
    let back = json!({"resellerId": one.id.as_str()});
    let moved = stage.change(&moved, back).await.unwrap();
    assert_eq!(moved.parent(), Some(one.id.clone()));
    let renamed = stage
        .change(&moved, json!({"name": "Fabrikam AG"}))
        .await
        .unwrap();
    assert_eq!(renamed.name, "Fabrikam AG");
}

// R-V5
#[tokio::test]
async fn a_device_moves_by_its_id_and_is_never_read_with_its_secrets() {
    let stage = Stage::set().await;
    let (from, to) = (
        stage.customer("From", None).await,
        stage.customer("To", None).await,
    );
    let partner: i64 = from.id.as_str().parse().unwrap();
    let ids = stage
        .enter("devices", json!([{"Name": "srv", "PartnerId": partner}]))
        .await;
    let device = ObjectId::new(&ids[0].to_string());
    let before = stage.with_clients().await;
    assert_eq!(by_id(&before, &from.id).facts.clients, Some(1));
    assert_eq!(before.clients[0].customer_id, from.id);
    let in_scope = |lost| {
        stage
            .platform
            .set_modes(|modes| modes.custom_columns_in_scope = lost);
    };
    in_scope(true);
    let refused = problem(stage.cove.move_client(&device, None, &to.id).await);
    let remedy = refused.remedy.unwrap();
    assert!(remedy.contains("cove.customColumns: Drop"), "{remedy}");
    in_scope(false);
    let moved = stage.cove.move_client(&device, None, &to.id).await.unwrap();
    assert_eq!(moved.customer_id, to.id);
    in_scope(true);
    let dropping = stage.dropping();
    dropping.move_client(&device, None, &from.id).await.unwrap();
    dropping.move_client(&device, None, &to.id).await.unwrap();
    in_scope(false);
    let after = stage.with_clients().await;
    assert_eq!(by_id(&after, &from.id).facts.clients, Some(0));
    assert_eq!(by_id(&after, &to.id).facts.client_ids, [device.to_string()]);
    let reads = ["GetAccountInfoById", "EnumerateAccounts"];
    assert!(
        stage
            .called()
            .iter()
            .all(|method| !reads.contains(&method.as_str()))
    );
    let heard = stage.tap.heard();
    assert!(
        heard
            .iter()
            .all(|heard| !heard.answer.to_string().contains("Password"))
    );
}

// R-V5, R-N4: nor is one moved from or to what isn't ours.
#[tokio::test]
async fn a_device_of_another_tools_customer_or_from_outside_isnt_moved() {
    let stage = Stage::set().await;
    let reseller = stage.reseller("Northwind", "Reseller", None).await;
    let to = stage.customer("To", Some(&reseller.id)).await;
    let managed = json!([
        {"Name": "Managed", "ParentId": crate::stage::number(&reseller.id), "ExternalCode": "0123456789ab - 0f8fad5b-d9cb-469f-a165-70867728950e"},
        {"Name": "Outside"},
    ]);
    let partners = stage.enter("partners", managed).await;
    let devices =
        json!([{"Name": "a", "PartnerId": partners[0]}, {"Name": "b", "PartnerId": partners[1]}]);
    let devices = stage.enter("devices", devices).await;
    let below = stage.below("Northwind");
    for (device, kind) in [
        (devices[0], ProblemKind::Protected),
        (devices[1], ProblemKind::Invalid),
    ] {
        let device = ObjectId::new(&device.to_string());
        let refused = below.move_client(&device, None, &to.id).await;
        assert_eq!(problem(refused).kind, kind);
    }
    assert_eq!(stage.count("ModifyAccount"), 0);
}

// R-V5: the tree of the last sweep doesn't have it yet.
#[tokio::test]
async fn a_device_moves_to_a_customer_that_was_made_since_the_last_sweep() {
    let stage = Stage::set().await;
    let from = stage.customer("From", None).await;
    let device = json!([{"Name": "srv", "PartnerId": crate::stage::number(&from.id)}]);
    let device = ObjectId::new(&stage.enter("devices", device).await[0].to_string());
    stage.with_clients().await;
    let to = stage.customer("To", None).await;
    let moved = stage.cove.move_client(&device, None, &to.id).await.unwrap();
    assert_eq!(moved.customer_id, to.id);
}

// R-V5, R-N4: where it was at the last sweep says nothing of whose it is now.
#[tokio::test]
async fn a_device_that_somebody_has_moved_meanwhile_stays_where_it_is() {
    let stage = Stage::set().await;
    let (from, to) = (
        stage.customer("From", None).await,
        stage.customer("To", None).await,
    );
    let device = json!([{"Name": "srv", "PartnerId": crate::stage::number(&from.id)}]);
    let device = stage.enter("devices", device).await[0];
    let managed = json!([{"Name": "Managed", "ExternalCode": "0123456789ab - 0f8fad5b-d9cb-469f-a165-70867728950e"}]);
    let managed = stage.enter("partners", managed).await[0];
    stage.with_clients().await;
    let info = json!({"accountInfo": {"Id": device, "PartnerId": managed}, "forceRemoveCustomColumnValuesInOldScope": false});
    let taken = stage.call("ModifyAccount", info).await;
    assert!(taken.get("error").is_none(), "{taken}");
    let device = ObjectId::new(&device.to_string());
    let refused = problem(stage.cove.move_client(&device, None, &to.id).await);
    assert_eq!(refused.kind, ProblemKind::PreconditionFailed);
    assert_eq!(stage.count("ModifyAccount"), 0);
}

// R-S1
#[tokio::test]
async fn a_trial_that_somebody_has_converted_meanwhile_needs_no_change() {
    let stage = Stage::set().await;
    let made = stage.customer("Fabrikam", None).await;
    let info =
        json!({"partnerInfo": {"Id": crate::stage::number(&made.id), "State": "InProduction"}});
    let converted = stage.call("ModifyPartner", info).await;
    assert!(converted.get("error").is_none(), "{converted}");
    let patch = json!({"stage": "Production", "name": "Fabrikam Inc"});
    assert_eq!(
        stage.change(&made, patch).await.unwrap().name,
        "Fabrikam Inc"
    );
}

// R-S4, R-S20: where the parent is the partner at the top, nothing above it tells the level.
#[tokio::test]
async fn a_change_of_level_or_a_move_to_the_top_stays_below_its_level() {
    let stage = Stage::set().await;
    let nordic = stage.reseller("Nordic", "SubDistributor", None).await;
    let inner = stage.reseller("Inner", "Reseller", Some(&nordic.id)).await;
    let below = stage.below("Nordic");
    let writes = stage.writes().len();
    let patch = map(json!({"level": "SubDistributor"}));
    let refused = below.update(Kind::Reseller, &inner.id, None, None, patch);
    assert_eq!(problem(refused.await).field.as_deref(), Some("level"));
    assert_eq!(stage.writes().len(), writes);
}

// R-S1
#[tokio::test]
async fn where_nothing_is_left_to_change_nothing_is_sent() {
    let stage = Stage::set().await;
    let made = stage.customer("Fabrikam", None).await;
    let info =
        json!({"partnerInfo": {"Id": crate::stage::number(&made.id), "State": "InProduction"}});
    stage.call("ModifyPartner", info).await;
    let writes = stage.writes().len();
    let same = stage.change(&made, json!({"stage": "Production"})).await;
    assert_eq!(same.unwrap().settings.text("stage"), Some("Production"));
    assert_eq!(stage.writes().len(), writes);
}

// R-N9: the list of a large tree, or of all devices, takes its time; an edit goes on meanwhile.
#[tokio::test]
async fn an_edit_doesnt_wait_for_the_list_of_a_sweep() {
    let stage = Stage::set().await;
    let made = stage.customer("Fabrikam", None).await;
    stage.with_clients().await;
    for (method, phone) in [
        ("EnumeratePartners", "1"),
        ("EnumerateAccountStatistics", "2"),
    ] {
        let listed = stage.count(method);
        stage.befall(method, Action::Delay(Duration::from_secs(4)));
        let edit = async {
            while stage.count(method) == listed {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            let began = Instant::now();
            let patch = json!({"profile": {"phone": phone}});
            stage.change(&made, patch).await.unwrap();
            assert_eq!(stage.find("Fabrikam").await.len(), 1);
            began.elapsed()
        };
        let (_, took) = futures::join!(stage.with_clients(), edit);
        assert!(took < Duration::from_secs(3), "{method}: {took:?}");
    }
}

// R-V5: a list that was begun before a device moved has it where it was.
#[tokio::test]
async fn a_device_that_moves_while_all_are_listed_is_where_it_went() {
    let stage = Stage::set().await;
    let (from, to) = (
        stage.customer("Fabrikam", None).await,
        stage.customer("Wingtip", None).await,
    );
    let owner = crate::stage::number(&from.id);
    let device = |name: &str| json!({"Name": name, "PartnerId": owner});
    let devices = ["srv1", "srv2", "srv3"].map(device);
    let ids = stage.enter("devices", json!(devices)).await;
    let first = ObjectId::new(&ids[0].to_string());
    stage.with_clients().await;
    // The first page has the device where it was; the second takes its time.
    stage.platform.set_modes(|modes| modes.largest_page = 2);
    let list = "EnumerateAccountStatistics";
    stage.platform.faults().add(holdfast_simulator::Fault {
        name: String::new(),
        when: holdfast_simulator::When {
            route: Some(format!("/jsonapi/{list}")),
            skip: 1,
            times: Some(1),
            ..Default::default()
        },
        then: Action::Delay(Duration::from_secs(2)),
    });
    let listed = stage.count(list);
    let moving = async {
        while stage.count(list) < listed + 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let moved = stage.cove.move_client(&first, None, &to.id).await;
        moved.unwrap();
    };
    futures::join!(stage.with_clients(), moving);
    let swept = stage.observe().await;
    let clients = |id: &ObjectId| by_id(&swept, id).facts.clients;
    assert_eq!((clients(&from.id), clients(&to.id)), (Some(2), Some(1)));
}
