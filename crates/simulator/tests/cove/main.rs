//! Cove's dialect by itself, called as anybody calls it: what the sources say of the service, and what they leave open. R-N5

mod deployment;
mod faults;
mod support;

use serde_json::{Value, json};
use support::{Platform, ROOT, number, refusal};

const FORBIDDEN: i64 = 13501;

#[tokio::test]
async fn external_code_at_creation_is_taken_or_ignored_by_mode() {
    let platform = Platform::start().await;
    for taken in [false, true] {
        platform
            .cove
            .set_modes(|modes| modes.external_code_at_creation = taken);
        let mut info = customer(&format!("taken {taken}"), ROOT);
        info["ExternalCode"] = "CWM:1".into();
        let id = platform.add(info).await;
        let expected = if taken { json!("CWM:1") } else { Value::Null };
        assert_eq!(platform.read(id).await["ExternalCode"], expected);
        // A modification takes it in any case.
        let code = json!({"partnerInfo": {"Id": id, "ExternalCode": "CWM:2"}});
        let changed = platform.call("ModifyPartner", code).await;
        assert_eq!(changed.get("result"), Some(&Value::Null), "{changed}");
        assert_eq!(platform.read(id).await["ExternalCode"], "CWM:2");
    }
}

// R-S3
#[tokio::test]
async fn removal_is_refused_with_devices_and_with_customers() {
    let platform = Platform::start().await;
    let reseller = platform.add(partner("Northwind", "Reseller", ROOT)).await;
    let fabrikam = platform.add(customer("Fabrikam", reseller)).await;
    let device = json!({"accountInfo": {"Name": "srv01", "PartnerId": fabrikam}});
    let device = platform.call("AddAccount", device).await;
    let device = number(&device["result"]["result"]["Id"]);
    let remove = |id: i64| platform.call("RemovePartner", json!({"partnerId": id}));
    for id in [reseller, fabrikam, ROOT] {
        let refused = remove(id).await;
        assert_eq!(refusal(&refused), Some(90_003), "{id}: {refused}");
        assert_eq!(number(&platform.read(id).await["Id"]), id);
    }
    let gone = platform.call("RemoveAccount", json!({"accountId": device}));
    assert_eq!(gone.await.get("result"), Some(&Value::Null));
    for id in [fabrikam, reseller] {
        let removed = remove(id).await;
        assert_eq!(removed.get("result"), Some(&Value::Null), "{removed}");
        assert_eq!(refusal(&remove(id).await), Some(90_001), "only once");
    }
}

// R-S20: and only the documented ones can be written.
#[tokio::test]
async fn a_level_must_be_below_its_parents() {
    let platform = Platform::start().await;
    let reseller = platform.add(partner("Northwind", "Reseller", ROOT)).await;
    let fabrikam = platform.add(customer("Fabrikam", reseller)).await;
    // Levels may be skipped.
    platform.add(customer("Contoso", ROOT)).await;
    for (level, parent) in [
        ("Distributor", ROOT),
        ("Reseller", reseller),
        ("SubDistributor", reseller),
        ("EndCustomer", fabrikam),
    ] {
        let refused = platform.call("AddPartner", added(partner("x", level, parent)));
        let refused = refused.await;
        assert_eq!(refusal(&refused), Some(90_004), "{level}: {refused}");
    }
    for level in [
        "Root",
        "SubRoot",
        "ServiceOrganization",
        "Site",
        "Galaxy",
        "endCustomer",
    ] {
        let refused = platform.call("AddPartner", added(partner("x", level, fabrikam)));
        assert_eq!(refusal(&refused.await), Some(90_004), "{level}");
        let changed = json!({"partnerInfo": {"Id": fabrikam, "Level": level}});
        let refused = platform.call("ModifyPartner", changed).await;
        assert_eq!(refusal(&refused), Some(90_004), "{level}: {refused}");
    }
    let moved = json!({"partnerInfo": {"Id": reseller, "ParentId": fabrikam}});
    let refused = platform.call("ModifyPartner", moved).await;
    assert_eq!(refusal(&refused), Some(90_004), "{refused}");
    assert_eq!(platform.read(fabrikam).await["Level"], "EndCustomer");
}

// R-S2
#[tokio::test]
async fn the_country_decides_once() {
    let platform = Platform::start().await;
    for (name, member, country, location) in [
        ("a", "DeviceCountry", "DE", 6),
        ("b", "Country", "Netherlands", 7),
    ] {
        let mut info = customer(name, ROOT);
        info.as_object_mut()
            .expect("an object")
            .remove("LocationId");
        info[member] = country.into();
        let id = platform.add(info).await;
        assert_eq!(platform.read(id).await["LocationId"], location);
        for later in [
            json!({"DeviceCountry": "CH"}),
            json!({"Country": "CH"}),
            json!({"LocationId": 8}),
        ] {
            let mut info = later;
            info["Id"] = id.into();
            let changed = platform.call("ModifyPartner", json!({"partnerInfo": info}));
            assert_eq!(changed.await.get("result"), Some(&Value::Null));
            assert_eq!(platform.read(id).await["LocationId"], location);
        }
    }
    let mut nowhere = customer("c", ROOT);
    nowhere
        .as_object_mut()
        .expect("an object")
        .remove("LocationId");
    let refused = platform.call("AddPartner", added(nowhere)).await;
    assert_eq!(refusal(&refused), Some(90_004), "{refused}");
}

#[tokio::test]
async fn children_are_null_without_a_range() {
    let platform = Platform::start().await;
    for name in ["a", "b", "c"] {
        platform.add(customer(name, ROOT)).await;
    }
    let ask = |more: Value| {
        let mut params = json!({"partnerId": ROOT, "fields": [0], "partnerFilter": {}});
        let more = more.as_object().expect("an object").clone();
        params.as_object_mut().expect("an object").extend(more);
        platform.call("EnumerateChildPartners", params)
    };
    let counted = ask(json!({})).await["result"]["result"].clone();
    assert_eq!(counted["ActualChildCount"], 3, "{counted}");
    assert_eq!(counted.get("Children"), Some(&Value::Null));
    let page = ask(json!({"range": {"Offset": 1, "Size": 5}})).await["result"]["result"].clone();
    let names: Vec<&Value> = page["Children"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|child| &child["Info"]["Name"])
        .collect();
    assert_eq!(names, ["b", "c"]);
    assert_eq!(page["ActualChildCount"], 3);
    // The keys are exactly these.
    let none = ask(json!({"range": {"offset": 0, "size": 5}})).await;
    assert_eq!(none["result"]["result"]["Children"], json!([]), "{none}");
}

// R-N13: so that it can be tested that nobody keeps them.
#[tokio::test]
async fn reads_of_devices_bring_secrets() {
    let platform = Platform::start().await;
    let fabrikam = platform.add(customer("Fabrikam", ROOT)).await;
    let info = json!({"accountInfo": {"Name": "srv01", "PartnerId": fabrikam}});
    let made = platform.call("AddAccount", info).await["result"]["result"].clone();
    let (password, token) = (&made["Password"], &made["Token"]);
    assert!(password.is_string() && token.is_string(), "{made}");
    let one = platform.call("GetAccountInfoById", json!({"accountId": made["Id"]}));
    let one = one.await["result"]["result"].clone();
    let listed = platform.call("EnumerateAccounts", json!({"partnerId": fabrikam}));
    let listed = listed.await["result"]["result"][0].clone();
    for read in [one, listed] {
        assert_eq!((&read["Password"], &read["Token"]), (password, token));
    }
    let query = |column: &str| {
        let query = json!({"PartnerId": ROOT, "SelectionMode": "Merged", "StartRecordNumber": 0, "RecordsCount": 5,
            "OrderBy": "I1 ASC", "Columns": [column]});
        platform.call("EnumerateAccountStatistics", json!({"query": query}))
    };
    let rows = query("I3").await["result"]["result"].clone();
    assert_eq!(rows[0]["Settings"], json!([{"I3": password}]));
    let rows = query("I1").await["result"]["result"].to_string();
    let secret = password.as_str().expect("a text");
    assert!(!rows.contains(secret), "only who asks for it");
}

// R-S3
#[tokio::test]
async fn a_removed_partner_is_listed_below_its_parent_only() {
    let platform = Platform::start().await;
    let nordic = platform
        .add(partner("Nordic", "SubDistributor", ROOT))
        .await;
    let northwind = platform.add(partner("Northwind", "Reseller", nordic)).await;
    let southridge = platform.add(partner("Southridge", "Reseller", ROOT)).await;
    let fabrikam = platform.add(customer("Fabrikam", northwind)).await;
    for id in [fabrikam, northwind] {
        let removed = platform.call("RemovePartner", json!({"partnerId": id}));
        assert_eq!(removed.await.get("result"), Some(&Value::Null));
    }
    let below = |parent: i64, start: i64| {
        let params =
            json!({"parentPartnerId": parent, "startTime": start, "endTime": i64::from(u32::MAX)});
        let asked = platform.call("EnumerateRemovedPartners", params);
        async move {
            let answer = asked.await;
            let rows = answer["result"]["result"].as_array().cloned();
            let rows = rows.unwrap_or_else(|| panic!("{answer}"));
            rows.iter()
                .map(|row| number(&row["Id"]))
                .collect::<Vec<_>>()
        }
    };
    // Also where what stood between has gone too.
    assert_eq!(below(ROOT, 1).await, [northwind, fabrikam]);
    assert_eq!(below(nordic, 1).await, [northwind, fabrikam]);
    assert_eq!(below(southridge, 1).await, [0; 0]);
    assert_eq!(below(ROOT, i64::from(u32::MAX)).await, [0; 0]);
}

#[tokio::test]
async fn a_creation_names_its_parent_and_level_and_no_member_that_nobody_knows() {
    let platform = Platform::start().await;
    let without = |member: &str| {
        let mut info = customer("x", ROOT);
        info.as_object_mut().expect("an object").remove(member);
        info
    };
    // Source: "required ids missing" is one of the things that 13501 stands for.
    let refused = platform
        .call("AddPartner", added(without("ParentId")))
        .await;
    assert_eq!(refusal(&refused), Some(FORBIDDEN), "{refused}");
    for member in ["Name", "Level", "ServiceType"] {
        let refused = platform.call("AddPartner", added(without(member))).await;
        assert!(refused["error"].is_object(), "{member}: {refused}");
    }
    let unknown = json!({"Nickname": "x", "externalCode": "x", "CreationTime": 1, "Uid": "x",
        "Company": {"phoneNumber": "x", "FaxNumber": "1", "PostAddress": {"Zip": "x", "City": "Ulm"}}});
    let unknown = unknown.as_object().expect("an object").clone();
    let mut info = customer("Fabrikam", ROOT);
    info.as_object_mut()
        .expect("an object")
        .extend(unknown.clone());
    let made = platform.add(info).await;
    let mut change = json!({"Id": made});
    change.as_object_mut().expect("an object").extend(unknown);
    let company = json!({"FaxNumber": "1", "PostAddress": {"City": "Ulm"}});
    for _ in 0..2 {
        // Dropped without a word.
        let held = platform.held(made).await;
        assert_eq!(held["Company"], company);
        for member in ["Nickname", "externalCode"] {
            assert_eq!(held.get(member), None, "{held}");
        }
        assert!(held["CreationTime"].as_i64() > Some(1) && held["Uid"] != "x");
        let changed = platform.call("ModifyPartner", added(change.clone())).await;
        assert_eq!(changed.get("result"), Some(&Value::Null), "{changed}");
    }
}

fn partner(name: &str, level: &str, parent: i64) -> Value {
    json!({
        "ParentId": parent, "Name": name, "Level": level, "ServiceType": "AllInclusive",
        "ChildServiceTypes": ["AllInclusive"], "State": "InProduction", "LocationId": 6,
    })
}

fn customer(name: &str, parent: i64) -> Value {
    partner(name, "EndCustomer", parent)
}

/// The parameters of a write.
fn added(info: Value) -> Value {
    json!({"partnerInfo": info})
}
