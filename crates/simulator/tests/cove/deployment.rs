//! Automatic deployment. R-V4

use serde_json::json;

use crate::support::{Platform, ROOT};

// R-V4
#[tokio::test]
async fn automatic_deployment_takes_two_words_and_is_shown_by_no_read_of_a_partner() {
    let platform = Platform::start().await;
    let id = platform
        .add(json!({"ParentId": ROOT, "Name": "Fabrikam", "Level": "EndCustomer", "ServiceType": "AllInclusive", "DeviceCountry": "DE"}))
        .await;
    let state = || platform.call("GetAutoDeploymentPartnerState", json!({"partnerId": id}));
    let set = |word: &str| {
        let params = json!({"partnerId": id, "autoDeploymentState": word});
        platform.call("ModifyAutoDeploymentPartnerState", params)
    };
    assert_eq!(state().await["result"]["result"], "Unspecified");
    assert!(set("Unspecified").await["error"].is_object());
    assert!(set("enable").await["error"].is_object(), "words are exact");
    let done = set("Enable").await;
    assert!(
        done["result"].is_null() && done.get("error").is_none(),
        "{done}"
    );
    assert_eq!(state().await["result"]["result"], "Enable");
    assert!(!platform.read(id).await.to_string().contains("Enable"));
    let elsewhere = platform.call("GetAutoDeploymentPartnerState", json!({"partnerId": 1}));
    assert!(elsewhere.await["error"].is_object());
}
