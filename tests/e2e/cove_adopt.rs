//! A living estate of Cove is taken over without one write; what nobody declares stays as it is.

use crate::HOLDFAST;

use holdfast_testkit::{
    cove::Cove,
    operator::{Stage, eventually},
};
use serde_json::{Value, json};

// R-N4, R-N11: a living tree is taken over, by name and equal settings, without one write.
#[tokio::test(flavor = "multi_thread")]
async fn three_hundred_partners_are_adopted_without_a_write() {
    let (stage, cove) = (
        Stage::start(HOLDFAST, "coveadopt").await,
        Cove::start(HOLDFAST).await,
    );
    let resellers: Value = (0..30)
        .map(|number| json!({"Name": format!("Reseller {number:02}"), "Level": "Reseller"}))
        .collect();
    let parents = cove.add_partners(resellers).await;
    let customers: Value = (0..270)
        .map(|number| json!({"Name": format!("Customer {number:03}"), "ParentId": parents[number % 30], "ExternalCode": format!("CWM:{number}"),
            "Company": {"PhoneNumber": "+49 30 1"}}))
        .collect();
    let customers = cove.add_partners(customers).await;
    let foreign = foreign_partners(&cove, parents[0], customers[5]).await;
    stage.apply(&cove.manifest("cove", ", adopt: Matching"));
    stage.await_ready(&["backupplatform/cove"]).await;
    let header = "apiVersion: holdfast.dev/v1alpha1\nkind:";
    let mut manifests: Vec<String> = (0..30)
        .map(|number| format!("{header} Reseller\nmetadata: {{name: r{number:02}}}\nspec: {{platformRef: {{name: cove}}, displayName: Reseller {number:02}, level: Reseller}}\n"))
        .collect();
    // Where several have the name, only the id tells which is meant.
    let which = |number: usize| {
        let meant = NAMESAKES.contains(&number).then(|| customers[number]);
        meant.map_or_else(String::new, |id| {
            format!(", adopt: ById, externalId: \"{id}\"")
        })
    };
    manifests.extend((0..270).map(|number| {
        format!("{header} Customer\nmetadata: {{name: c{number:03}}}\nspec: {{resellerRef: {{name: r{:02}}}, displayName: Customer {number:03}, reference: \"CWM:{number}\", stage: Production, country: \"DE\", profile: {{phone: \"+49 30 1\"}}{}}}\n", number % 30, which(number))
    }));
    stage.apply(&manifests.join("---\n"));
    eventually("all are Ready", || async {
        let labels = |kind: &str| format!(r#"kind="{kind}",type="Ready",status="True""#);
        let customers = stage
            .measured("holdfast_condition", &labels("Customer"))
            .await;
        let resellers = stage
            .measured("holdfast_condition", &labels("Reseller"))
            .await;
        customers >= 270.0 && resellers >= 30.0
    })
    .await;
    assert_eq!(cove.writes(), Vec::<String>::new());
    // Each resource has taken its own.
    for (kind, letter, entered) in [("reseller", 'r', &parents), ("customer", 'c', &customers)] {
        let width = if letter == 'r' { 2 } else { 3 };
        for (number, id) in entered.iter().enumerate() {
            let object = format!("{kind}/{letter}{number:0width$}");
            let taken = stage.get(&object)["status"]["externalId"].clone();
            assert_eq!(taken, id.to_string(), "{object}");
        }
    }
    for _ in 0..2 {
        cove.sweep(&stage, "cove").await;
    }
    assert_eq!(cove.writes(), Vec::<String>::new());
    // What nobody declares is shown, and as it was.
    let unmanaged = stage.get("backupplatform/cove")["status"]["unmanaged"].to_string();
    let state = cove.state().await;
    let held = state["partners"].as_array().cloned().unwrap_or_default();
    assert_eq!(held.len(), 301 + foreign.len());
    for (id, name) in &foreign {
        let partner = held.iter().find(|partner| partner["Id"] == *id);
        assert_eq!(partner.expect("it is there")["Name"], *name);
        assert!(unmanaged.contains(&id.to_string()), "{id}: {unmanaged}");
    }
}

/// Customers whose names others have, too.
const NAMESAKES: [usize; 2] = [7, 8];

/// What no resource declares: a recycle bin, a customer that N-central manages, a site, an organization, and namesakes below
/// another reseller. Ids and names.
async fn foreign_partners(cove: &Cove, reseller: i64, customer: i64) -> Vec<(i64, String)> {
    let other = json!([{"Name": "Reseller of another", "Level": "Reseller"}]);
    let other = cove.add_partners(other).await[0];
    let mut rows = vec![
        json!({"Name": "001-acme - Recycle Bin"}),
        json!({"Name": "Managed", "ParentId": reseller, "ExternalCode": "0123456789ab - 0f8fad5b-d9cb-469f-a165-70867728950e"}),
        json!({"Name": "Head office", "Level": "Site", "ParentId": customer}),
        json!({"Name": "Organization", "Level": "ServiceOrganization", "ParentId": reseller}),
    ];
    rows.extend(
        NAMESAKES.map(|number| json!({"Name": format!("Customer {number:03}"), "ParentId": other})),
    );
    let names: Vec<String> = rows
        .iter()
        .map(|row| row["Name"].as_str().unwrap_or_default().to_owned())
        .collect();
    let ids = cove.add_partners(rows.into()).await;
    let mut foreign: Vec<(i64, String)> = ids.into_iter().zip(names).collect();
    foreign.push((other, "Reseller of another".to_owned()));
    foreign
}
