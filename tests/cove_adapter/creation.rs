//! Creations: two requests, and one partner whatever is lost in between. R-D1, I1

use holdfast_api::Kind;
use holdfast_platforms::{Beside as _, ByClaim as _, Platform, PlatformError, ProblemKind};
use holdfast_simulator::{Action, Moment, Names};
use serde_json::json;

use crate::stage::{Stage, by_id, claim, done, map, number, problem};

#[tokio::test]
async fn a_customer_is_created_with_the_claim_in_its_name_and_then_gets_name_and_mark() {
    let stage = Stage::set().await;
    let made = stage.begin("Fabrikam GmbH", None).await;
    assert!(made.facts.provisional);
    assert_eq!(made.claim, Some(claim("Fabrikam GmbH")));
    assert_eq!(made.settings.text("storageLocation"), Some("6"));
    assert_eq!(made.settings.text("stage"), Some("Trial"));
    assert!(made.facts.trial_ends_at.is_some());
    let finished = stage.finish(&made, "Fabrikam GmbH").await;
    assert!(!finished.facts.provisional);
    assert_eq!(finished.name, "Fabrikam GmbH");
    let held = stage.held(&made.id).await;
    assert_eq!(held["ExternalCode"], claim("Fabrikam GmbH").as_str());
    let writes = stage.writes();
    assert_eq!(writes.len(), 2, "{writes:#?}");
    let creation = &writes[0]["params"];
    assert_eq!(creation["createDefaultAccount"], false);
    // Whether it is taken at creation isn't known, so nothing relies on it.
    assert!(creation["partnerInfo"].get("ExternalCode").is_none());
    // It is the same for another process.
    let found = stage.find("Fabrikam GmbH").await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].id, made.id);
}

#[tokio::test]
async fn a_creation_without_an_answer_is_found_by_its_claim() {
    let stage = Stage::set().await;
    stage.cove.identify().await.unwrap();
    let document = || map(json!({"name": "Fabrikam", "storageLocation": "6"}));
    stage.befall("AddPartner", Action::Drop(Moment::After));
    let lost = stage
        .cove
        .create(Kind::Customer, &claim("Fabrikam"), document())
        .await;
    assert!(
        matches!(lost, Err(PlatformError::Unreachable(_))),
        "{lost:?}"
    );
    let found = stage.find("Fabrikam").await;
    assert!(found.len() == 1 && found[0].facts.provisional, "{found:?}");
    // The answer came, and the read after it didn't: the outcome is open as well.
    stage.befall("GetPartnerInfoById", Action::Drop(Moment::Before));
    let lost = stage
        .cove
        .create(Kind::Customer, &claim("Contoso"), document())
        .await;
    assert!(
        matches!(lost, Err(PlatformError::Unreachable(_))),
        "{lost:?}"
    );
    assert_eq!(stage.find("Contoso").await.len(), 1);
    // One that never arrived is found nowhere.
    stage.befall("AddPartner", Action::Drop(Moment::Before));
    let lost = stage
        .cove
        .create(Kind::Customer, &claim("Adatum"), document())
        .await;
    assert!(
        matches!(lost, Err(PlatformError::Unreachable(_))),
        "{lost:?}"
    );
    assert_eq!(stage.find("Adatum").await.len(), 0);
}

#[tokio::test]
async fn two_partners_of_one_claim_are_both_found() {
    let stage = Stage::set().await;
    stage.begin("Fabrikam", None).await;
    stage.begin("Fabrikam", None).await;
    assert_eq!(stage.find("Fabrikam").await.len(), 2);
}

// R-D1, I1, F2: a proxy gives up, and the service carries it out all the same; or it doesn't.
#[tokio::test]
async fn a_creation_answered_5xx_or_504_is_open_and_found_by_its_claim() {
    let stage = Stage::set().await;
    stage.cove.identify().await.unwrap();
    let create = async |name: &str| {
        let document = map(json!({"name": name, "storageLocation": "6"}));
        let claim = claim(name);
        stage.cove.create(Kind::Customer, &claim, document).await
    };
    for code in [500, 502, 503] {
        let status = Action::Status {
            code,
            content_type: None,
            body: None,
            retry_after: None,
        };
        stage.befall("AddPartner", status);
        let lost = create("Contoso").await;
        assert!(
            matches!(lost, Err(PlatformError::Unreachable(_))),
            "{code}: {lost:?}"
        );
        assert_eq!(stage.find("Contoso").await.len(), 0);
    }
    let late = std::time::Duration::from_millis(500);
    stage.befall("AddPartner", Action::Late(late));
    let sent = stage.count("AddPartner");
    let lost = create("Fabrikam").await;
    assert!(
        matches!(lost, Err(PlatformError::Unreachable(_))),
        "{lost:?}"
    );
    assert_eq!(stage.find("Fabrikam").await.len(), 0, "not yet");
    tokio::time::sleep(late * 2).await;
    let found = stage.find("Fabrikam").await;
    assert!(found.len() == 1 && found[0].facts.provisional, "{found:?}");
    stage.finish(&found[0], "Fabrikam").await;
    let snapshot = stage.observe().await;
    assert_eq!(snapshot.objects.len(), 1);
    assert_eq!(snapshot.objects[0].name, "Fabrikam");
    assert_eq!(stage.count("AddPartner"), sent + 1);
}

// R-D1, I1: whether names are unique, and how far, isn't known.
#[tokio::test]
async fn names_may_collide_or_be_refused_and_neither_makes_a_second_partner() {
    for names in [Names::Collide, Names::UniqueUnderParent, Names::Unique] {
        for elsewhere in [false, true] {
            let stage = Stage::set_with(|options| options.modes.names = names).await;
            let reseller = stage.reseller("Northwind", "Reseller", None).await;
            let first = stage.customer("Fabrikam", None).await;
            let mut document = json!({"name": "Fabrikam", "storageLocation": "6"});
            if elsewhere {
                document["resellerId"] = reseller.id.as_str().into();
            }
            let other = claim("other");
            let made = stage.cove.create(Kind::Customer, &other, map(document));
            // The name that carries the claim is free; where the true one isn't, the second request says so.
            let made = done(made.await);
            let name = map(json!({"name": "Fabrikam"}));
            let finished = stage
                .cove
                .update(Kind::Customer, &made.id, None, Some(&other), name);
            let finished = finished.await;
            let told = format!("{names:?}, elsewhere: {elsewhere}");
            let is_taken = match names {
                Names::Collide => false,
                Names::UniqueUnderParent => !elsewhere,
                Names::Unique => true,
            };
            if is_taken {
                assert_eq!(problem(finished).kind, ProblemKind::Other, "{told}");
            } else {
                assert_eq!(done(finished).name, "Fabrikam", "{told}");
            }
            let found = stage.find("other").await;
            assert_eq!(found.len(), 1, "{told}");
            assert_eq!(found[0].facts.provisional, is_taken, "{told}");
            let held = stage.held(&first.id).await;
            assert_eq!(held["ExternalCode"], claim("Fabrikam").as_str(), "{told}");
            assert_eq!(held["Name"], "Fabrikam", "{told}");
            assert_eq!(stage.count("AddPartner"), 3, "{told}");
        }
    }
}

// R-S2
#[tokio::test]
async fn a_customer_without_a_location_isnt_created() {
    let stage = Stage::set().await;
    let refused = stage
        .cove
        .create(Kind::Customer, &claim("a"), map(json!({"name": "a"})))
        .await;
    assert_eq!(problem(refused).kind, ProblemKind::LocationRequired);
    assert_eq!(stage.writes().len(), 0);
}

// R-S2, R-S8
#[tokio::test]
async fn locations_are_the_platforms_and_a_location_answered_is_told() {
    let stage = Stage::set_with(|options| options.modes.forced_location = Some(7)).await;
    let snapshot = stage.observe().await;
    let germany = snapshot
        .locations
        .iter()
        .find(|location| location.countries == ["DE"])
        .unwrap();
    assert_eq!(
        (germany.id.as_str(), germany.name.as_str()),
        ("6", "Germany")
    );
    let made = stage.begin("Fabrikam", None).await;
    assert_eq!(made.settings.text("storageLocation"), Some("7"));
}

// R-S8: the vendor's guide names countries, and no ids; the estate is looked after all the same.
#[tokio::test]
async fn locations_that_cove_doesnt_list_are_told_with_the_countries_of_the_guide() {
    let stage = Stage::set_with(|options| {
        options.modes.refused_methods = vec!["EnumerateLocations".into()];
    })
    .await;
    stage.enter("partners", json!([{"Name": "Living"}])).await;
    let snapshot = stage.observe().await;
    assert_eq!((snapshot.objects.len(), snapshot.locations.len()), (1, 0));
    let told = &snapshot.unreadable.named[0].why;
    assert!(
        told.contains("AU, BR, CA, CH, DE, FR, GB, IT, NL, NO, US, ZA") && told.contains("17.12"),
        "{told}"
    );
}

// R-S20
#[tokio::test]
async fn levels_stand_below_each_other_and_below_the_top() {
    let stage = Stage::set().await;
    let nordic = stage.reseller("Nordic", "SubDistributor", None).await;
    let northwind = stage
        .reseller("Northwind", "Reseller", Some(&nordic.id))
        .await;
    let fabrikam = stage.customer("Fabrikam", Some(&northwind.id)).await;
    let snapshot = stage.observe().await;
    let of = |id| by_id(&snapshot, id);
    assert_eq!(of(&nordic.id).parent(), None);
    assert_eq!(of(&northwind.id).parent(), Some(nordic.id.clone()));
    assert_eq!(of(&fabrikam.id).parent(), Some(northwind.id.clone()));
    assert_eq!(
        (
            of(&nordic.id).facts.resellers,
            of(&northwind.id).facts.customers
        ),
        (1, 1)
    );
    let writes = stage.writes().len();
    let too_high = stage
        .cove
        .create(
            Kind::Reseller,
            &claim("b"),
            map(json!({"name": "b", "level": "Distributor"})),
        )
        .await;
    assert_eq!(problem(too_high).field.as_deref(), Some("level"));
    assert_eq!(stage.writes().len(), writes);
    let beside = stage
        .cove
        .beside(
            Kind::Customer,
            &map(json!({"resellerId": northwind.id.as_str()})),
        )
        .await;
    assert_eq!(beside.unwrap().len(), 1);
    assert_eq!(number(&fabrikam.id).to_string(), fabrikam.id.as_str());
}

// R-D1, I1: where a list leaves one out, the platform itself counts more, and nothing is made until both agree.
#[tokio::test]
async fn a_leaf_that_a_list_leaves_out_is_never_made_again() {
    let stage = Stage::set().await;
    stage.customer("Fabrikam", None).await;
    stage.platform.set_modes(|modes| modes.partial_lists = true);
    assert_eq!(
        stage.find("Fabrikam").await.len(),
        0,
        "the list looks whole"
    );
    let document = map(json!({"name": "Fabrikam"}));
    let looked = stage.cove.beside(Kind::Customer, &document).await;
    let Err(PlatformError::Garbled(told)) = looked else {
        panic!("{looked:?}");
    };
    assert!(
        told.contains("0 partners below 70010") && told.contains("1 of them"),
        "{told}"
    );
    stage
        .platform
        .set_modes(|modes| modes.partial_lists = false);
    let looked = stage.cove.beside(Kind::Customer, &document).await;
    assert_eq!(looked.unwrap().len(), 1);
}

// R-S1: what happens at the end of a trial isn't documented, so none begins unasked.
#[tokio::test]
async fn a_new_partner_begins_in_production_unless_a_trial_is_asked_for() {
    let stage = Stage::set().await;
    for (kind, stated, expected) in [
        (Kind::Customer, None, "Production"),
        (Kind::Customer, Some("Trial"), "Trial"),
        (Kind::Reseller, None, "Production"),
    ] {
        let name = format!("{kind:?} {stated:?}");
        let mut document = map(json!({"name": name, "storageLocation": "6"}));
        document.extend(stated.map(|stage| ("stage".to_owned(), json!(stage))));
        let made = done(stage.cove.create(kind, &claim(&name), document).await);
        assert_eq!(made.settings.text("stage"), Some(expected), "{name}");
    }
}

// R-D1: one strange row elsewhere stops no creation, as long as it can't be the one that is looked for.
#[tokio::test]
async fn a_claim_is_looked_up_past_a_row_without_a_place_that_carries_another() {
    let stage = Stage::set().await;
    let made = stage.begin("Fabrikam", None).await;
    let strange = json!([{"Name": "Strange"}]);
    stage.enter("partners", strange).await;
    stage
        .spoilt
        .store(true, std::sync::atomic::Ordering::Relaxed);
    let without = |name: &str| {
        let (placed, unplaced) = (
            format!(r#""Name":"{name}","ParentId":70010"#),
            format!(r#""Name":"{name}","ParentId":null"#),
        );
        stage.tap.spoil(Some((&placed, &unplaced)));
    };
    without("Strange");
    assert_eq!(stage.find("Fabrikam").await.len(), 1);
    without(&made.name);
    let lookup = stage.cove.find(Kind::Customer, &claim("Fabrikam")).await;
    assert!(
        matches!(lookup, Err(PlatformError::Garbled(_))),
        "{lookup:?}"
    );
}

// R-S2: of country and location the one that isn't said is told by the other, so that Cove never chooses; what is said stays.
#[tokio::test]
async fn a_new_partner_is_sent_with_country_and_location_whichever_is_said() {
    let stage = Stage::set().await;
    let countries = [
        (Kind::Customer, json!({"storageLocation": "7"}), ("NL", 7)),
        (Kind::Reseller, json!({"country": "CH"}), ("CH", 8)),
        (
            Kind::Reseller,
            json!({"storageLocation": "7", "country": "SE"}),
            ("SE", 7),
        ),
    ];
    for (place, (kind, said, expected)) in countries.into_iter().enumerate() {
        let name = format!("Fabrikam {place}");
        let mut document = map(said);
        document.insert("name".into(), name.clone().into());
        let made = done(stage.cove.create(kind, &claim(&name), document).await);
        let sent = stage.writes();
        let sent = &sent.last().unwrap()["params"]["partnerInfo"];
        let (country, location) = expected;
        assert_eq!(
            (&sent["DeviceCountry"], &sent["LocationId"]),
            (&json!(country), &json!(location))
        );
        assert_eq!(
            made.settings.text("storageLocation"),
            Some(location.to_string().as_str())
        );
    }
    // What Cove has no location for is sent as it is said.
    let abroad = map(json!({"name": "Abroad", "country": "SE"}));
    let refused = stage
        .cove
        .create(Kind::Reseller, &claim("Abroad"), abroad)
        .await;
    assert!(refused.is_err(), "this dialect refuses it then");
    let sent = stage.writes();
    let sent = sent.last().unwrap()["params"]["partnerInfo"]
        .as_object()
        .unwrap();
    assert!(
        sent["DeviceCountry"] == "SE" && !sent.contains_key("LocationId"),
        "{sent:?}"
    );
}
