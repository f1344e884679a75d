//! Where a gateway is reached, and where it stores: TLS with a certificate of one's own, and placements as regions.

use holdfast_testkit::{
    operator::{Stage, eventually, free_port},
    resources::merge,
};
use serde_json::json;

use crate::{
    HOLDFAST, customer,
    gateway::{Gateway, Keys},
    life::{access, login},
    uid,
};

const CONTOSO: Keys = Keys {
    name: "contoso-of-the-places",
    secret: "secret-of-contoso-of-the-places",
};

// R-V1, R-N18: a gateway over TLS is trusted by the bundle that its platform names, and by nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_over_tls_is_trusted_by_the_bundle_that_its_platform_names() {
    let Some(mut gateway) = Gateway::find().await else {
        return;
    };
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let certificate = made.cert.pem();
    let port = free_port();
    gateway.serve_tls(port, &certificate, &made.signing_key.serialize_pem());
    gateway.endpoint = format!("https://127.0.0.1:{port}");

    let stage = Stage::start(HOLDFAST, "tls").await;
    stage.apply(&gateway.manifest("tls", ""));
    stage
        .await_condition("backupplatform/tls", "PlatformReachable", "False")
        .await;
    let said = stage.message("backupplatform/tls", "PlatformReachable");
    assert!(said.contains("issuer of the TLS certificate"), "{said}");

    let map = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "gateway-ca"},
        "data": {"ca.crt": certificate},
    });
    stage.apply(&map.to_string());
    let bundle = ", caBundleRef: {name: gateway-ca, key: ca.crt}";
    stage.apply(&gateway.manifest("tls", bundle));
    stage.apply(&customer("fabrikam-tls", "tls", ", limits: {storage: 1Gi}"));
    stage.await_ready(&["customer/fabrikam-tls"]).await;
    let user = gateway.user(&uid(&stage, "fabrikam-tls"));
    assert_eq!(user["user_quota"]["max_size"], 1 << 30, "{user}");
}

// R-D10, R-D30, R-N18: what the spec calls regions are the gateway's placements: shown, chosen by customers and tenants, and where
// buckets are then stored.
#[tokio::test(flavor = "multi_thread")]
async fn regions_are_placements_and_buckets_are_stored_there() {
    let Some(gateway) = Gateway::find().await else {
        return;
    };
    gateway.add_placement("archive");
    let stage = Stage::start(HOLDFAST, "places").await;
    let regions = json!([
        {"id": "de-1", "placement": "default-placement"},
        {"id": "de-archive", "placement": "archive"},
    ]);
    let platform = gateway.manifest("places", "");
    let named = format!("credentialsRef: {{name: places}}, regions: {regions}");
    stage.apply(&platform.replace("credentialsRef: {name: places}", &named));
    stage.apply(&login("contoso-places", CONTOSO));
    let keys = access("contoso-places", CONTOSO);
    stage.apply(
        &[
            customer("contoso-places", "places", &format!(", storageLocation: de-archive{keys}")),
            customer("northwind-places", "places", ""),
            customer("tailspin-places", "places", ", storageLocation: de-7"),
            "apiVersion: holdfast.dev/v1alpha1\nkind: Tenant\nmetadata: {name: northwind-storage}\nspec: {customerRef: {name: northwind-places}, product: ObjectStorage, storageRegions: [de-archive]}\n".to_owned(),
        ]
        .join("---\n"),
    );
    let objects = [
        "customer/contoso-places",
        "customer/northwind-places",
        "tenant/northwind-storage",
    ];
    stage.await_ready(&objects).await;
    let shown = stage.get("backupplatform/places")["status"]["storageLocations"].clone();
    let ids = shown
        .as_array()
        .unwrap()
        .iter()
        .map(|place| place["id"].clone());
    assert_eq!(
        ids.collect::<Vec<_>>(),
        [json!("de-1"), json!("de-archive")]
    );

    let status = stage.get("customer/contoso-places")["status"].clone();
    assert_eq!(status["storageLocation"], "de-archive", "{status}");
    for name in ["contoso-places", "northwind-places"] {
        let user = gateway.user(&uid(&stage, name));
        assert_eq!(user["default_placement"], "archive", "{user}");
    }
    eventually("the tenant's region is shown", || async {
        let status = stage.get("tenant/northwind-storage")["status"].clone();
        status["summary"]["regions"] == "de-archive"
    })
    .await;

    // Where restic's bucket is, says the gateway itself.
    gateway.repository(CONTOSO, "contoso-archive").await;
    let bucket = gateway.admin(&["bucket", "stats", "--bucket", "contoso-archive"]);
    assert_eq!(bucket["placement_rule"], "archive", "{bucket}");

    // A region that isn't named is refused, and the others are told.
    stage
        .await_condition("customer/tailspin-places", "Ready", "False")
        .await;
    let said = stage.message("customer/tailspin-places", "Ready");
    assert!(
        said.contains("\"de-7\"") && said.contains("de-1, de-archive"),
        "{said}"
    );
    let somewhere = json!({"spec": {"storageLocation": "de-1"}});
    merge(&stage, "customer/tailspin-places", &somewhere);
    stage.await_ready(&["customer/tailspin-places"]).await;
    let tailspin = uid(&stage, "tailspin-places");
    let user = gateway.user(&tailspin);
    assert_eq!(user["default_placement"], "default-placement", "{user}");

    // A region that is refused keeps no window open: backups end first.
    stage.apply("apiVersion: holdfast.dev/v1alpha1\nkind: Tenant\nmetadata: {name: tailspin-storage}\nspec: {customerRef: {name: tailspin-places}, product: ObjectStorage, storageRegions: [de-archive], quota: {credits: 0}}\n");
    eventually("backups have ended", || async {
        gateway.user(&tailspin)["op_mask"] == "read"
    })
    .await;
    stage
        .await_condition("tenant/tailspin-storage", "Ready", "False")
        .await;
    let said = stage.message("tenant/tailspin-storage", "Ready");
    assert!(said.contains("name one region"), "{said}");
}
