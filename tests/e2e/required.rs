//! Limits that a reseller above, or the platform, requires of customers.

use serde_json::json;
use tempfile::TempDir;

use crate::HOLDFAST;
use holdfast_testkit::{
    console::Served,
    operator::Stage,
    plans::{REFUSED, customer, plan, refusals},
    resources::{declared, merge},
};

/// R-N14: refused before anything is sent, at whatever level it is required; and looked at again when the customer states the
/// limit, or when it isn't required any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_without_a_required_limit_is_refused_until_it_has_one() {
    let (stage, served) = (
        Stage::start(HOLDFAST, "required").await,
        Served::start(HOLDFAST).await,
    );
    let nordic = declared(
        "Reseller",
        "nordic",
        "platformRef: {name: msp}, displayName: Nordic, level: Distributor, requireLimits: [storage]",
    );
    let northwind = declared(
        "Reseller",
        "northwind",
        "platformRef: {name: msp}, parentRef: {name: nordic}, displayName: Northwind",
    );
    let base = [served.manifest("msp"), nordic, northwind].join("---\n");
    stage.apply(&(base + &customer("fabrikam", "northwind", "")));
    stage.apply(&customer(
        "contoso",
        "northwind",
        ", limits: {storage: 1Gi}",
    ));
    stage.await_ready(&["customer/contoso"]).await;
    stage
        .await_condition("customer/fabrikam", "Stalled", "True/LimitRequired")
        .await;
    let message = stage.message("customer/fabrikam", "Stalled");
    assert!(message.contains("limits.storage"), "{message}");
    assert!(message.contains("Reseller/nordic"), "{message}");
    assert!(message.contains("(rule limit-required)"), "{message}");
    let names = served.console.list("customers").await;
    let made = names.iter().any(|item| item["name"] == "Customer fabrikam");
    assert!(!made, "nothing was sent for it");

    let folder = TempDir::new().expect("a folder");
    let another = customer("trey", "northwind", "");
    let (code, planned) = plan(&stage, &folder, &another, &[]);
    assert_eq!(code, REFUSED, "{planned:#}");
    let refused = ("trey".to_owned(), "limit-required".to_owned());
    assert!(refusals(&planned).contains(&refused), "{planned:#}");

    // The customer states it.
    merge(
        &stage,
        "customer/fabrikam",
        &json!({"spec": {"limits": {"storage": "2Gi"}}}),
    );
    stage.await_ready(&["customer/fabrikam"]).await;
    // Lifting it again is refused, and the platform keeps it.
    merge(
        &stage,
        "customer/fabrikam",
        &json!({"spec": {"limits": {"storage": ""}}}),
    );
    stage
        .await_condition("customer/fabrikam", "Stalled", "True/LimitRequired")
        .await;
    // The reseller's parent requires it no more: what is two levels below is woken.
    merge(
        &stage,
        "reseller/nordic",
        &json!({"spec": {"requireLimits": null}}),
    );
    stage.await_ready(&["customer/fabrikam"]).await;
    // The platform requires another.
    merge(
        &stage,
        "backupplatform/msp",
        &json!({"spec": {"requireLimits": ["clients"]}}),
    );
    for object in ["customer/fabrikam", "customer/contoso"] {
        stage
            .await_condition(object, "Stalled", "True/LimitRequired")
            .await;
        let message = stage.message(object, "Stalled");
        assert!(message.contains("limits.clients"), "{message}");
        assert!(message.contains("BackupPlatform/msp"), "{message}");
    }
}
