//! Faults on Cove's wire. F1, F2

use holdfast_simulator::Faults;
use serde_json::json;

use crate::support::Platform;

/// Two partners, and what a list of them shows while a file orders this.
async fn listed_under(order: &str) -> usize {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("faults.yaml");
    std::fs::write(&path, order).expect("written");
    let platform = Platform::start_with(Faults::from_file(&path)).await;
    for name in ["a", "b"] {
        platform.add(crate::customer(name, crate::ROOT)).await;
    }
    let params =
        json!({"parentPartnerId": crate::ROOT, "fetchRecursively": true, "fields": [0, 1]});
    let answer = platform.call("EnumeratePartners", params).await;
    answer["result"]["result"].as_array().expect("a list").len()
}

// A story that orders what this wire can't do would pass for nothing.
#[tokio::test]
async fn a_file_with_a_fault_that_this_wire_doesnt_have_is_refused_whole() {
    let known = "- when: {route: /jsonapi/EnumeratePartners}\n  then: {list: half}\n";
    assert_eq!(listed_under(known).await, 1);
    for unknown in [
        "then: {list: loop}",
        "then: {list: incomplete}",
        "then: {list: secondPageFails}",
        "then: {hide: {for: 5s}}",
        "then: {task: {fails: 4711}}",
        "then: {merge: {Name: x}}",
        "when: {route: /v1/customers}\n  then: {truncate: 1}",
    ] {
        let order = format!("{known}- {unknown}\n");
        assert_eq!(listed_under(&order).await, 2, "{unknown}");
    }
}
