//! Sandboxes on the embedded platform behind Druva's wire.

use holdfast_api::Kind;
use holdfast_core::estate::Protection;
use holdfast_platforms::Reports as _;

use crate::dialect::Stage;

#[tokio::test]
async fn sandboxes_have_credits_though_nothing_of_them_is_itemised() {
    let stage = Stage::set().await;
    let observation = stage.observe().await;
    let usage = stage.druva.usage(90).await.unwrap();
    let sandbox = |kind: Kind| {
        let objects = observation.objects.iter();
        objects
            .filter(move |object| object.kind == kind && object.protection == Protection::Sandbox)
    };
    let customer = &sandbox(Kind::Customer).next().unwrap().id;
    let mut sum = 0.0;
    for tenant in sandbox(Kind::Tenant) {
        let row = usage
            .rows
            .iter()
            .find(|row| row.tenant_id.as_ref() == Some(&tenant.id))
            .unwrap();
        assert_eq!(&row.customer_id, customer);
        assert!(row.credits > Some(0.0));
        assert_eq!((row.storage_bytes, row.months.len()), (0, 0));
        sum += row.credits.unwrap_or_default();
    }
    let mut totals = usage.rows.iter().filter(|row| row.tenant_id.is_none());
    let total = totals.find(|row| row.customer_id == *customer).unwrap();
    assert!((total.credits.unwrap_or_default() - sum).abs() < 1e-9 && sum > 0.0);
    let asked = stage.relay.lines();
    let count = |report: &str| asked.iter().filter(|line| line.ends_with(report)).count();
    assert_eq!(
        (count("mspGlobalUsage"), count("consumptionItemized")),
        (1, 1)
    );
}
