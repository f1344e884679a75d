//! What status says is on the page, what it doesn't say isn't.

use serde_json::{Value, json};

use super::*;

/// The lines of the page about a metric.
fn lines(metrics: &Metrics, metric: &str) -> Vec<String> {
    let page = metrics.render().expect("a page");
    let about = |line: &&str| line.split(['{', ' ']).next() == Some(metric);
    page.lines().filter(about).map(ToOwned::to_owned).collect()
}

fn of<Kind: serde::de::DeserializeOwned>(spec: Value, status: Value) -> Kind {
    let object = json!({
        "apiVersion": "holdfast.dev/v1alpha1", "kind": "", "metadata": {"namespace": "backup", "name": "it"},
        "spec": spec, "status": status,
    });
    serde_json::from_value(object).expect("a resource")
}

const LATE: &str = "holdfast_customer_data_sources_without_recent_backup";

fn late(counts: Value) -> Vec<String> {
    let metrics = Metrics::new();
    let status = json!({"platform": "msp", "health": {"dataSources": counts}});
    of_customer(
        &metrics,
        &of(
            json!({"displayName": "It", "platformRef": {"name": "msp"}}),
            status,
        ),
    );
    lines(&metrics, LATE)
}

// R-N8
#[test]
fn data_sources_without_a_recent_backup_are_on_the_page_where_that_is_known() {
    let labels = r#"{platform="msp",namespace="backup",customer="it"}"#;
    let counted = late(json!({"total": 20, "missingRecoveryPoint": 12}));
    assert_eq!(counted, [format!("{LATE}{labels} 12")]);
    let none = late(json!({"total": 20, "missingRecoveryPoint": 0}));
    assert_eq!(none, [format!("{LATE}{labels} 0")]);
    let unknown = late(json!({"total": 20, "heldToObjective": 20, "meetingObjective": 3}));
    assert!(unknown.is_empty(), "{unknown:?}");
}

// R-N8
#[test]
fn usage_that_is_not_known_is_not_zero() {
    let metrics = Metrics::new();
    let spec = json!({"displayName": "It", "platformRef": {"name": "msp"}});
    let status = json!({"platform": "msp", "usage": {"storage": "3Gi"}});
    of_customer(&metrics, &of(spec, status));
    assert_eq!(lines(&metrics, "holdfast_customer_storage_bytes").len(), 1);
    let credits = lines(&metrics, "holdfast_customer_credits");
    assert!(credits.is_empty(), "{credits:?}");
}

// R-N8, R-V7
#[test]
fn a_pool_of_licences_is_on_the_page_where_there_is_one_and_for_one_page() {
    let metrics = Metrics::new();
    let pool = |metrics: &Metrics| {
        let all = lines(metrics, "holdfast_licences");
        [all, lines(metrics, "holdfast_licences_free")].concat()
    };
    of_platform(
        &metrics,
        &of(
            json!({"ownerId": "0b5f7a52-3c1e-4b7a-9f43-5f2f1a2b3c4d", "embedded": {}}),
            json!({}),
        ),
    );
    assert!(pool(&metrics).is_empty(), "{:?}", pool(&metrics));
    let status = json!({"licences": {"total": "500", "free": "0"}});
    of_platform(
        &metrics,
        &of(
            json!({"ownerId": "0b5f7a52-3c1e-4b7a-9f43-5f2f1a2b3c4d", "embedded": {}}),
            status,
        ),
    );
    let expected = [
        r#"holdfast_licences{platform="backup/it"} 500"#,
        r#"holdfast_licences_free{platform="backup/it"} 0"#,
    ];
    assert_eq!(pool(&metrics), expected);
    metrics.forget_figures();
    assert!(pool(&metrics).is_empty(), "{:?}", pool(&metrics));
}
