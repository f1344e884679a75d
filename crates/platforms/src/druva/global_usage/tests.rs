use tokio::time::Instant;

use super::*;
use crate::druva::wire::{Customer, Tenant};

fn customer(id: &str, account: &str) -> Customer {
    serde_json::from_value(json!({"id": id, "accountName": account})).unwrap()
}

fn tenant(id: &str, customer: &str, product: i64) -> Tenant {
    serde_json::from_value(json!({"id": id, "customerID": customer, "productID": product})).unwrap()
}

/// One customer with both products, one with two tenants of one, and two of one account name.
fn known() -> Known {
    let known = Known::default();
    known.note_customers(&[
        customer("c-1", "fabrikam"),
        customer("c-2", "contoso"),
        customer("c-3", "twin"),
        customer("c-4", "twin"),
    ]);
    let tenants = [
        tenant("t-1", "c-1", 1),
        tenant("t-2", "c-1", 2),
        tenant("t-3", "c-2", 1),
        tenant("t-4", "c-2", 1),
        tenant("t-5", "c-3", 1),
    ];
    known.note_all(Instant::now(), &tenants);
    known
}

fn credits(rows: &[(&str, &str, f64)]) -> Vec<(String, f64)> {
    let (known, mut global) = (known(), GlobalUsage::default());
    for (account, module, credits) in rows {
        let row =
            json!({"accountName": account, "productModule": module, "cuConsumption": credits});
        global.add(&serde_json::from_value(row).unwrap(), &known);
    }
    let credits = global.credits.into_iter();
    credits
        .map(|((customer, tenant), credits)| (format!("{customer}/{tenant}"), credits))
        .collect()
}

#[test]
fn modules_are_added_up_by_the_tenant_of_their_product() {
    let rows = [
        ("fabrikam", "Enterprise Workloads", 1.0),
        ("fabrikam", "Hybrid Workloads", 0.5),
        ("fabrikam", "Microsoft 365", 2.0),
        ("fabrikam", "endpoints", 0.25),
        ("fabrikam", "Google Workspace", 0.0),
    ];
    let wanted = [("c-1/t-1".to_owned(), 1.5), ("c-1/t-2".to_owned(), 2.25)];
    assert_eq!(credits(&rows), wanted);
}

#[test]
fn what_could_be_anothers_is_left_out() {
    let rows = [
        ("twin", "Enterprise Workloads", 1.0),
        ("contoso", "Enterprise Workloads", 1.0),
        ("contoso", "Endpoints", 1.0),
        ("nobody", "Endpoints", 1.0),
        ("Fabrikam", "Endpoints", 1.0),
        ("fabrikam", "Something New", 1.0),
        ("", "Endpoints", 1.0),
    ];
    assert_eq!(credits(&rows), []);
    let (known, mut global) = (known(), GlobalUsage::default());
    for row in [
        json!({}),
        json!({"accountName": "fabrikam", "productModule": "Endpoints", "cuConsumption": null}),
    ] {
        global.add(&serde_json::from_value(row).unwrap(), &known);
    }
    assert!(global.credits.is_empty());
}
