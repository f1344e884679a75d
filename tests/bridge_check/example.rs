//! The minimal bridge of `examples/bridge/` passes.

use holdfast_testkit::example_bridge::ExampleBridge;

use crate::Checked;

// R-N19
#[tokio::test(flavor = "multi_thread")]
async fn the_minimal_bridge_passes_and_offers_customers_only() {
    let bridge = ExampleBridge::start().await;
    let checked = Checked::run(&bridge.url, &bridge.token).await;
    checked.assert_passed(&["create-secret", "guard", "health", "pool", "trail"]);
}

#[test]
fn the_minimal_bridge_is_minimal() {
    let source = include_str!("../../examples/bridge/main.go");
    let lines = source.lines().count();
    assert!(lines < 300, "{lines} lines");
}
