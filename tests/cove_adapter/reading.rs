//! Sweeps: whole, or not at all; and what is shown and left alone. R-N4

use holdfast_api::Kind;
use holdfast_core::estate::{ObjectId, Protection, Scope};
use holdfast_platforms::{
    Clients as _, Deletion as _, Platform, PlatformError, Problem, ProblemKind,
};
use holdfast_simulator::{Action, Lie};
use serde_json::json;

use crate::stage::{ROOT, Stage, by_id, map, problem};

#[tokio::test]
async fn recycle_bins_n_central_and_unknown_levels_are_shown_and_left_alone() {
    let stage = Stage::set().await;
    let ids = stage
        .enter(
            "partners",
            json!([
                {"Name": "001-acme - Recycle Bin"},
                {"Name": "Managed", "ExternalCode": "0123456789ab - 0f8fad5b-d9cb-469f-a165-70867728950e"},
                {"Name": "Organisation", "Level": "ServiceOrganization"},
                {"Name": "New", "Level": "Galaxy"},
                {"Name": "Plain"},
                {"Name": "Managed and billed", "ExternalCode": "0123456789ab - 0f8fad5b-d9cb-469f-a165-70867728950e|CWM:4711"},
            ]),
        )
        .await;
    let site = stage
        .enter(
            "partners",
            json!([{"Name": "Site", "Level": "Site", "ParentId": ids[4]}]),
        )
        .await[0];
    let snapshot = stage.observe().await;
    let of = |id: i64| by_id(&snapshot, &ObjectId::new(&id.to_string())).clone();
    let protections: Vec<Protection> = ids.iter().map(|id| of(*id).protection).collect();
    assert_eq!(
        protections,
        [
            Protection::System,
            Protection::Foreign,
            Protection::Foreign,
            Protection::Foreign,
            Protection::None,
            Protection::Foreign
        ]
    );
    assert_eq!(of(site).protection, Protection::Foreign);
    assert_eq!(of(ids[2]).kind, Kind::Reseller);
    for id in [ids[0], ids[1], ids[3], ids[5], site] {
        let refused = stage
            .change(&of(id), json!({"profile": {"phone": "1"}}))
            .await;
        assert_eq!(problem(refused).kind, ProblemKind::Protected, "{id}");
    }
    assert_eq!(stage.writes().len(), 0);
}

// I2: an incomplete list is never absence.
#[tokio::test]
async fn a_partial_tree_fails_the_sweep() {
    let stage = Stage::set().await;
    let parents = stage
        .enter(
            "partners",
            json!([{"Name": "R1", "Level": "Reseller"}, {"Name": "R2", "Level": "Reseller"}]),
        )
        .await;
    for parent in parents {
        stage
            .enter(
                "partners",
                json!([{"Name": "C", "ParentId": parent}, {"Name": "D", "ParentId": parent}]),
            )
            .await;
    }
    assert_eq!(stage.observe().await.objects.len(), 6);
    stage.befall("EnumeratePartners", Action::List(Lie::Half));
    let swept = stage.cove.observe(Scope::default()).await;
    assert!(matches!(swept, Err(PlatformError::Garbled(_))), "{swept:?}");
}

// I2: a refusal alone proves nothing, nor does a list alone.
#[tokio::test]
async fn an_object_is_gone_when_it_is_refused_and_the_whole_tree_lacks_it() {
    let stage = Stage::set().await;
    let made = stage.customer("Fabrikam", None).await;
    let body = r#"{"jsonrpc": "2.0", "id": "holdfast-1", "error": {"code": -32603, "data": 7, "message": "no"}}"#;
    let anew = stage.anew();
    anew.identify().await.unwrap();
    let id = "holdfast-3";
    stage.befall(
        "GetPartnerInfoById",
        Action::Status {
            code: 200,
            content_type: None,
            body: Some(body.replace("holdfast-1", id)),
            retry_after: None,
        },
    );
    let read = anew.read(Kind::Customer, &made.id).await.unwrap();
    assert_eq!(read.unwrap().id, made.id, "the tree has it");
    let none = anew
        .read(Kind::Customer, &ObjectId::new("5"))
        .await
        .unwrap();
    assert_eq!(none, None);
    let not_a_number = anew
        .read(Kind::Customer, &ObjectId::new("x/y"))
        .await
        .unwrap();
    assert_eq!(not_a_number, None);
    // An object of another kind isn't gone.
    let other = anew.read(Kind::Reseller, &made.id).await;
    assert!(problem(other).detail.contains("EndCustomer"));
}

#[tokio::test]
async fn the_top_is_the_users_own_partner_or_the_one_named_exactly() {
    let stage = Stage::set().await;
    let capabilities = stage.cove.identify().await.unwrap();
    assert_eq!(capabilities.account.id, "70010");
    let reseller = stage.reseller("Northwind", "Reseller", None).await;
    let inside = stage.customer("Inside", Some(&reseller.id)).await;
    stage.customer("Outside", None).await;
    let below = stage.below("Northwind");
    let seen = below.observe(Scope::default()).await.unwrap();
    let ids: Vec<&ObjectId> = seen.objects.iter().map(|object| &object.id).collect();
    assert_eq!(ids, [&inside.id]);
    assert_eq!(seen.objects[0].parent(), None);
    assert_eq!(seen.capabilities.account.id, reseller.id.as_str());
    let wrong = problem(stage.below("northwind").identify().await);
    assert_eq!(wrong.field.as_deref(), Some("cove.rootPartner"));
}

// R-N4: the API user may see more than what is ours. Its own partner's name is part of its login.
#[tokio::test]
async fn what_isnt_below_the_top_is_neither_shown_nor_written() {
    let stage = Stage::set().await;
    let reseller = stage.reseller("Northwind", "Reseller", None).await;
    let inside = stage.customer("Inside", Some(&reseller.id)).await;
    let outside = stage.customer("Outside", None).await;
    let own = ObjectId::new(&ROOT.to_string());
    let writes = stage.writes().len();
    let below = stage.below("Northwind");
    let refusal = |refused: Problem| {
        assert_eq!(refused.kind, ProblemKind::Protected, "{}", refused.detail);
    };
    for (cove, kind, id) in [
        (&stage.cove, Kind::Reseller, &own),
        (&below, Kind::Reseller, &own),
        (&below, Kind::Reseller, &reseller.id),
        (&below, Kind::Customer, &outside.id),
    ] {
        refusal(problem(cove.read(kind, id).await));
        let patch = map(json!({"name": "Other"}));
        refusal(problem(cove.update(kind, id, None, None, patch).await));
        refusal(problem(cove.rehearse_deletion(kind, id).await));
    }
    assert_eq!(stage.writes().len(), writes);
    assert!(
        below
            .read(Kind::Customer, &inside.id)
            .await
            .unwrap()
            .is_some()
    );
}

// R-S2: it isn't shown by every version, and can't be compared then.
#[tokio::test]
async fn a_country_that_isnt_shown_is_absent() {
    let stage = Stage::set_with(|options| options.modes.shows_undocumented_fields = false).await;
    let made = stage.customer("Fabrikam", None).await;
    assert_eq!(made.settings.text("country"), None);
    assert_eq!(made.facts.trial_ends_at, None);
    assert_eq!(made.settings.text("storageLocation"), Some("6"));
}

// R-N4: names may collide, and what is below the wrong one would be written.
#[tokio::test]
async fn a_top_whose_name_another_partner_has_too_is_refused() {
    let stage = Stage::set().await;
    let nordic = stage.reseller("Nordic", "SubDistributor", None).await;
    let northwind = stage.reseller("Northwind", "Reseller", None).await;
    let namesake = json!([{"Name": "Northwind", "Level": "Reseller", "ParentId": crate::stage::number(&nordic.id)}]);
    let namesake = stage.enter("partners", namesake).await[0];
    let refused = problem(stage.below("Northwind").identify().await);
    assert_eq!(refused.field.as_deref(), Some("cove.rootPartner"));
    assert!(
        refused.detail.contains(northwind.id.as_str())
            && refused.detail.contains(&namesake.to_string()),
        "{}",
        refused.detail
    );
    stage.below("Nordic").identify().await.unwrap();
}

// R-N4: an export writes what the resources take.
#[tokio::test]
async fn a_country_that_cant_be_read_and_an_undefined_service_are_absent() {
    let stage = Stage::set().await;
    let address = json!({"Country": "Deutschland", "City": "Ulm"});
    let reseller = json!([{
        "Name": "Northwind", "Level": "Reseller", "ChildServiceTypes": ["Undefined", "AllInclusive"],
        "Company": {"PostAddress": address},
    }, {"Name": "Nordic", "Level": "Reseller", "ChildServiceTypes": ["Undefined"]}]);
    let ids = stage.enter("partners", reseller).await;
    let id = ObjectId::new(&ids[0].to_string());
    let snapshot = stage.observe().await;
    let read = by_id(&snapshot, &id).clone();
    assert_eq!(read.unreadable, None);
    assert_eq!(read.settings.text("profile.address.city"), Some("Ulm"));
    assert_eq!(read.settings.text("profile.address.country"), None);
    let passed_on =
        |object: &holdfast_core::estate::Object| object.settings.get("childServiceTypes").cloned();
    assert_eq!(passed_on(&read), Some(json!(["AllInclusive"])));
    let nordic = by_id(&snapshot, &ObjectId::new(&ids[1].to_string()));
    assert_eq!(passed_on(nordic), None);
    // What isn't ours to read stays as it is.
    let patch = json!({"profile": {"address": {"city": "Berlin"}}});
    stage.change(&read, patch).await.unwrap();
    let held = stage.held(&id).await;
    assert_eq!(
        held["Company"]["PostAddress"],
        json!({"Country": "Deutschland", "City": "Berlin"})
    );
}

// I2, R-N4: somebody moves it to where the API user sees nothing. A refusal for lack of rights says nothing of what is there.
#[tokio::test]
async fn a_partner_moved_out_of_reach_isnt_gone() {
    for unknown_is_forbidden in [false, true] {
        let stage = Stage::set().await;
        stage
            .platform
            .set_modes(|modes| modes.unknown_is_forbidden = unknown_is_forbidden);
        let made = stage.customer("Fabrikam", None).await;
        let outside = json!([{"Id": crate::stage::number(&made.id), "ParentId": 1}]);
        stage.enter("partners", outside).await;
        let writes = stage.writes().len();
        for cove in [&stage.cove, &stage.anew()] {
            let snapshot = cove.observe(Scope::default()).await.unwrap();
            assert_eq!(snapshot.objects.len(), 0);
            let refused = problem(cove.read(Kind::Customer, &made.id).await);
            assert!(refused.detail.contains("13501"), "{}", refused.detail);
            let refused = problem(cove.rehearse_deletion(Kind::Customer, &made.id).await);
            assert!(refused.detail.contains("13501"), "{}", refused.detail);
        }
        assert_eq!(stage.writes().len(), writes);
    }
}

// R-N4: what Cove has parked there belongs to nobody.
#[tokio::test]
async fn devices_and_partners_in_the_recycle_bin_are_nobodys() {
    let stage = Stage::set().await;
    let living = stage.customer("Fabrikam", None).await;
    let bin = json!([{"Name": "001-acme - Recycle Bin", "Level": "Reseller"}]);
    let bin = stage.enter("partners", bin).await[0];
    let within = json!([{"Name": "Contoso", "ParentId": bin}]);
    let within = stage.enter("partners", within).await[0];
    let devices = json!([
        {"Name": "srv01", "PartnerId": crate::stage::number(&living.id)},
        {"Name": "srv02", "PartnerId": bin}, {"Name": "srv03", "PartnerId": within},
    ]);
    let devices = stage.enter("devices", devices).await;
    let devices: Vec<ObjectId> = devices
        .iter()
        .map(|id| ObjectId::new(&id.to_string()))
        .collect();
    let snapshot = stage.with_clients().await;
    let clients: Vec<&ObjectId> = snapshot.clients.iter().map(|client| &client.id).collect();
    assert_eq!(clients, [&devices[0]]);
    let within = ObjectId::new(&within.to_string());
    for id in [&ObjectId::new(&bin.to_string()), &within] {
        let seen = by_id(&snapshot, id);
        assert_eq!(seen.protection, Protection::System);
        assert_eq!(seen.facts.clients, Some(0), "{id}");
        let refused = stage.cove.rehearse_deletion(seen.kind, id).await;
        assert_eq!(problem(refused).kind, ProblemKind::Protected);
        let refused = stage.change(seen, json!({"name": "Other"})).await;
        assert_eq!(problem(refused).kind, ProblemKind::Protected);
    }
    let writes = stage.writes().len();
    for (device, to) in [
        (&devices[1], &living.id),
        (&devices[2], &living.id),
        (&devices[0], &within),
    ] {
        problem(stage.cove.move_client(device, None, to).await);
    }
    assert_eq!(stage.writes().len(), writes);
}

// R-V5, R-D14: a page that doesn't go on where the one before ended may have passed a device over.
#[tokio::test]
async fn a_list_of_devices_that_moves_is_read_again() {
    let stage = Stage::set_with(|options| options.modes.largest_page = 2).await;
    let made = stage.customer("Fabrikam", None).await;
    let device = |name: &str| json!({"Name": name, "PartnerId": crate::stage::number(&made.id)});
    let names = ["srv1", "srv2", "srv3", "srv4", "srv5"].map(device);
    let mut entered = stage.enter("devices", json!(names)).await;
    let queries = || {
        let heard = stage.tap.heard();
        let mut queries: Vec<serde_json::Value> = Vec::new();
        queries.extend(heard.into_iter().map(|heard| heard.body));
        queries.retain(|body| body["method"] == "EnumerateAccountStatistics");
        queries
    };
    let before = queries().len();
    let when = holdfast_simulator::When {
        route: Some("/jsonapi/EnumerateAccountStatistics".into()),
        skip: 1,
        times: Some(1),
        ..Default::default()
    };
    stage.platform.faults().add(holdfast_simulator::Fault {
        name: String::new(),
        when,
        then: Action::Delay(std::time::Duration::from_secs(1)),
    });
    let first = entered.remove(0);
    let meanwhile = async {
        while queries().len() < before + 2 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        // Each of the others moves up by a place.
        let gone = json!({"accountId": first});
        stage.call("RemoveAccount", gone).await
    };
    let (snapshot, removed) = futures::join!(stage.with_clients(), meanwhile);
    assert_eq!(removed.get("result"), Some(&serde_json::Value::Null));
    let mut seen: Vec<i64> = snapshot
        .clients
        .iter()
        .map(|client| crate::stage::number(&client.id))
        .collect();
    seen.sort_unstable();
    assert_eq!(seen, entered);
    let begun = |body: &&serde_json::Value| body["params"]["query"]["StartRecordNumber"] == 0;
    let all = queries();
    assert_eq!(
        all[before..].iter().filter(begun).count(),
        2,
        "from the start"
    );
}
