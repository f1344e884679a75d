//! Whatever the API server lets into a spec, we can read.

use holdfast_api::{self, BackupPlatform, Customer, Reseller, ServicePlan, Tenant};
use holdfast_testkit::Cluster;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Odd values for a field by what the schema says of it.
fn oddities(schema: &Value) -> Vec<Value> {
    let mut odd = vec![Value::Null];
    if schema["x-kubernetes-int-or-string"] == true {
        let texts = [
            "",
            "0",
            "-0",
            "-5",
            "1e3",
            "1E3",
            "5e-1",
            "0.0005",
            "12.5",
            "1k",
            "1.5Ti",
            "999999999999P",
            "+5",
            "1Ki",
        ];
        odd.extend(texts.map(Value::from));
        odd.extend([
            json!(0),
            json!(-1),
            json!(1.0),
            json!(1.5),
            json!(i64::MAX),
            json!(u64::MAX),
        ]);
        return odd;
    }
    match schema["type"].as_str() {
        Some("integer") => odd.extend([
            json!(0),
            json!(-1),
            json!(1.0),
            json!(1.5),
            json!(4_294_967_296_u64),
            json!(i64::MAX),
            json!(u64::MAX),
        ]),
        Some("boolean") => odd.extend([json!(true), json!("true"), json!(0)]),
        Some("string") if schema["enum"].is_array() => {
            odd.extend(schema["enum"].as_array().into_iter().flatten().cloned());
            odd.extend(["", "Off", "off"].map(Value::from));
        }
        Some("string") if schema["format"].is_string() => odd.extend(
            [
                "",
                "9999-12-31T23:59:59Z",
                "9999-12-31T23:59:59.9999999Z",
                "9999-12-31T23:59:59+00:00",
                "2026-12-01T09:00:00+26:30",
                "2026-12-01T09:00:00-99:99",
                "2026-12-01T09:00:00.1234567891Z",
                "2026-12-01T09:00:00,5Z",
                "2026-12-01t09:00:00z",
                "2026-12-01T09:00:00Ztail",
                "0000-01-01T00:00:00Z",
                "0000-01-01T00:00:00+99:99",
                "2026-12-01",
            ]
            .map(Value::from),
        ),
        Some("string") => odd.extend(
            [
                "",
                "a",
                "A",
                "5m",
                "1.5h",
                "9999999999999999999999999999h",
                "0.000000000000000000000000001ns",
                "1h1h",
                "1µs",
                "24:00",
                "23:59",
                "#abc",
                "a@b.example",
                "http://x.example/",
                "https://[::1]:99999/",
                "https://x.example/%zz",
                "Europe/Nowhere",
                "ÄÖ",
                "\u{1F600}",
                "\u{0}",
                "DE",
                "ZZ",
                "5b0c1d7e-0000-0000-0000-000000000000",
                "a.b",
            ]
            .map(Value::from),
        ),
        Some("array") => odd.push(json!([])),
        Some("object") => odd.push(json!({})),
        _ => {}
    }
    odd
}

/// Every field below a schema: where it is, and how it may be written oddly. In a list it is the only entry.
fn fields(place: &mut Vec<String>, schema: &Value, found: &mut Vec<(Vec<String>, Value)>) {
    for odd in oddities(schema) {
        found.push((place.clone(), odd));
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        place.push(name.clone());
        fields(place, property, found);
        place.pop();
    }
    if schema["items"].is_object() {
        place.push("[]".into());
        fields(place, &schema["items"], found);
        place.pop();
    }
}

fn put(spec: &mut Value, place: &[String], value: &Value) {
    match place {
        [] => *spec = value.clone(),
        [first, rest @ ..] if first == "[]" => {
            if spec.as_array().is_none_or(|items| items.len() != 1) {
                *spec = json!([null]);
            }
            put(&mut spec[0], rest, value);
        }
        [first, rest @ ..] => {
            if !spec.is_object() {
                *spec = json!({});
            }
            put(&mut spec[first], rest, value);
        }
    }
}

async fn all_is_read<K: DeserializeOwned>(cluster: &Cluster, kind: &str, good: Value) {
    let crds = holdfast_api::crds();
    let crd = crds
        .iter()
        .find(|crd| crd.spec.names.kind == kind)
        .expect("a kind");
    let crd = serde_json::to_value(crd).expect("JSON");
    let spec = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    let mut found = Vec::new();
    fields(&mut Vec::new(), spec, &mut found);
    let (mut accepted, all) = (0, found.len());
    for (place, odd) in found.into_iter().filter(|(place, _)| !place.is_empty()) {
        let mut spec = good.clone();
        put(&mut spec, &place, &odd);
        let manifest = json!({"apiVersion": "holdfast.dev/v1alpha1", "kind": kind, "metadata": {"name": "odd"}, "spec": spec});
        let Ok(stored) = cluster.try_out(&manifest.to_string()).await else {
            continue;
        };
        accepted += 1;
        if let Err(error) = serde_json::from_value::<K>(stored) {
            panic!(
                "{kind} spec.{} = {odd}: accepted, and {error}",
                place.join(".")
            );
        }
    }
    assert!(accepted > all / 20, "{kind}: {accepted} of {all} accepted");
}

// F24
#[tokio::test]
async fn whatever_the_api_server_lets_into_a_spec_can_be_read() {
    let cluster = Cluster::start("readable").await;
    let platform = json!({"ownerId": "5b0c1d7e-0000-0000-0000-000000000000", "embedded": {}});
    all_is_read::<BackupPlatform>(&cluster, "BackupPlatform", platform).await;
    let reseller = json!({"platformRef": {"name": "msp"}, "displayName": "x"});
    all_is_read::<Reseller>(&cluster, "Reseller", reseller.clone()).await;
    all_is_read::<Customer>(&cluster, "Customer", reseller).await;
    let plan = json!({"platformRef": {"name": "msp"}, "planName": "Gold", "products": [{"product": "HybridWorkloads", "edition": "Elite"}]});
    all_is_read::<ServicePlan>(&cluster, "ServicePlan", plan).await;
    let tenant = json!({"customerRef": {"name": "c"}, "product": "HybridWorkloads", "workloads": [{"name": "x"}]});
    all_is_read::<Tenant>(&cluster, "Tenant", tenant).await;
}
