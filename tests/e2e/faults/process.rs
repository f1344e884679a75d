//! F25, F26, F30 and F31: slow platforms, processes that end, and specs that wander.

use crate::HOLDFAST;
use holdfast_testkit::{
    bridge::Bridge,
    mutate::Chance,
    operator::{customer, eventually},
    resources::declared,
};
use serde_json::{Value, json};

use super::stage_with_platform;

// F25: a platform that takes half a minute to answer keeps nobody else waiting.
#[tokio::test(flavor = "multi_thread")]
async fn f25_a_slow_platform_keeps_nobody_else_waiting() {
    let (stage, quick) = stage_with_platform("slow").await;
    let slow = Bridge::start(HOLDFAST, "slow").await;
    let crowd: Vec<String> = (0..40).map(|number| format!("slow-{number}")).collect();
    stage.apply(&[slow.manifest(), customer("slow-0", "slow", "")].join("---\n"));
    stage.await_ready(&["customer/slow-0"]).await;
    slow.faults("[{when: {route: /v1/customers}, then: {delay: 30s}}]");
    let manifests: Vec<String> = crowd
        .iter()
        .map(|name| customer(name, "slow", ", profile: {phone: \"25\"}"))
        .collect();
    stage.apply(&manifests.join("---\n"));
    stage.apply(&customer("bystander", "msp", ", profile: {phone: \"25\"}"));
    stage.await_ready(&["customer/bystander"]).await;
    let waiting = crowd
        .iter()
        .filter(|name| {
            !stage
                .condition(&format!("customer/{name}"), "Ready")
                .starts_with("True")
        })
        .count();
    assert!(
        waiting > 0,
        "the quick platform is served while the slow one is waited for"
    );
    quick
        .assert_nothing_strange(&stage, &["customer/bystander"])
        .await;
}

// F25: nor does one that answers within the deadline, however many of its own resources wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn f25_a_platform_with_many_that_wait_keeps_nobody_else_waiting() {
    let (stage, quick) = stage_with_platform("many").await;
    let slow = Bridge::start(HOLDFAST, "many-slow").await;
    stage.apply(&[slow.manifest(), customer("many-0", "many-slow", "")].join("---\n"));
    stage.await_ready(&["customer/many-0"]).await;
    slow.faults("[{when: {route: /v1/customers}, then: {delay: 4s}}]");
    let crowd: Vec<String> = (1..130).map(|number| format!("many-{number}")).collect();
    let manifests = crowd.iter().map(|name| customer(name, "many-slow", ""));
    stage.apply(&manifests.collect::<Vec<_>>().join("---\n"));
    stage.apply(&customer("bystander", "msp", ", profile: {phone: \"25\"}"));
    stage.await_ready(&["customer/bystander"]).await;
    let ready = |name: &&String| {
        let ready = stage.condition(&format!("customer/{name}"), "Ready");
        ready.starts_with("True")
    };
    let ready = crowd.iter().filter(ready).count();
    assert!(
        ready < crowd.len() / 2,
        "{ready} of those before it were ready"
    );
    quick
        .assert_nothing_strange(&stage, &["customer/bystander"])
        .await;
}

// F30, R-N9: a process that ends in the middle of a sweep, as one does that is out of memory, leaves nothing half known.
#[tokio::test(flavor = "multi_thread")]
async fn f30_a_process_that_ends_amid_a_sweep_goes_on_where_it_was() {
    let (mut stage, bridge) = stage_with_platform("amid").await;
    let names: Vec<String> = (0..30).map(|number| format!("c{number:02}")).collect();
    let crowd = |phone: &str| {
        let more = format!(", profile: {{phone: \"{phone}\"}}");
        let manifests = names.iter().map(|name| customer(name, "msp", &more));
        manifests.collect::<Vec<_>>().join("---\n")
    };
    stage.apply(&crowd("1"));
    let mut objects: Vec<String> = names
        .iter()
        .map(|name| format!("customer/{name}"))
        .collect();
    objects.push("customer/bystander".to_owned());
    let objects: Vec<&str> = objects.iter().map(String::as_str).collect();
    stage.await_ready(&objects).await;
    let before = bridge.console.mutations().await.len();
    bridge.faults("[{when: {method: GET, route: /v1/plans}, then: {delay: 2s}}]");
    stage.apply(&crowd("2"));
    for _ in 0..3 {
        let lists = bridge.requests("GET /v1/customers").await;
        stage.sweep("msp");
        eventually("a sweep is under way", || async {
            bridge.requests("GET /v1/customers").await > lists
        })
        .await;
        stage.kill();
        stage.run().await;
    }
    bridge.faults("[]");
    stage.await_ready(&objects).await;
    eventually("every edit has arrived", || async {
        bridge.console.mutations().await.len() == before + names.len()
    })
    .await;
    bridge.assert_silent(&stage, &objects).await;
    bridge.assert_nothing_strange(&stage, &objects).await;
    assert_eq!(bridge.console.mutations().await.len(), before + names.len());
}

/// A spec, by a number: which fields are there, and their values.
fn wandering(number: u64) -> Value {
    let pick = |shift: u32, of: u64| (number >> shift) % of;
    let mut spec = json!({"profile": {"phone": pick(0, 5).to_string(), "website": ""}, "active": pick(3, 4) != 0});
    if pick(5, 3) > 0 {
        let contacts: Vec<Value> = (0..pick(7, 4))
            .map(|contact| json!({"email": format!("c{contact}@fabrikam.example"), "name": format!("Name {}", pick(9, 3))}))
            .collect();
        spec["contacts"] = contacts.into();
    }
    if pick(11, 2) == 0 {
        spec["limits"] =
            json!({"storage": format!("{}Gi", 10 + pick(13, 7)), "clients": 1 + pick(16, 3)});
    }
    if pick(18, 2) == 0 {
        spec["reports"] = json!({"email": pick(19, 2) == 0, "consolidated": {"frequency": "Weekly", "recipients": ["a@fabrikam.example"]}});
    }
    spec
}

// F31, R-D5: whatever way a spec has taken, the object is the same as one that was created with the last of it.
#[tokio::test(flavor = "multi_thread")]
async fn f31_the_way_that_a_spec_takes_leaves_no_trace_on_the_object() {
    let (stage, bridge) = stage_with_platform("wanders").await;
    let mut chance = Chance::new(31);
    let mut number = || chance.below(1 << 20) as u64;
    let document = |name: &str, spec: &Value| {
        let mut spec = spec.clone();
        spec["platformRef"] = json!({"name": "msp"});
        spec["displayName"] = json!(format!("Customer {name}"));
        spec["country"] = json!("DE");
        json!({"apiVersion": "holdfast.dev/v1alpha1", "kind": "Customer", "metadata": {"name": name}, "spec": spec})
            .to_string()
    };
    for walk in 0..4 {
        let (name, object) = (format!("walker-{walk}"), format!("customer/walker-{walk}"));
        for _ in 0..6 {
            stage.apply(&document(&name, &wandering(number())));
            stage.await_ready(&[&object]).await;
        }
        // Every field is stated: what a spec leaves out stays as it was.
        let mut last = wandering(0);
        last["contacts"] = json!([{"email": "c1@fabrikam.example", "name": "Name"}]);
        last["profile"]["phone"] = json!(walk.to_string());
        stage.apply(&document(&name, &last));
        stage.await_ready(&[&object]).await;
        let fresh = format!("fresh-{walk}");
        stage.apply(&document(&fresh, &last));
        stage.await_ready(&[&format!("customer/{fresh}")]).await;
        let settings = async |name: &str| {
            let title = format!("Customer {name}");
            let mut object = bridge.console.named("customers", &title).await;
            let own = [
                "id",
                "name",
                "accountName",
                "externalRef",
                "etag",
                "createdAt",
                "updatedAt",
                "facts",
            ];
            let members = object.as_object_mut().expect("it is there");
            members.retain(|member, _| !own.contains(&member.as_str()));
            object
        };
        assert_eq!(settings(&name).await, settings(&fresh).await, "walk {walk}");
    }
}

// F26, R-N9: what an older version has written says less; nothing is sent to the platform for it, and each is written to once.
#[tokio::test(flavor = "multi_thread")]
async fn f26_a_status_from_an_older_version_costs_no_request_that_changes_anything() {
    const KEPT: [&str; 5] = [
        "account",
        "claim",
        "conditions",
        "externalId",
        "observedGeneration",
    ];
    let (mut stage, bridge) = stage_with_platform("older").await;
    let tenant = "customerRef: {name: fabrikam}, servicePlanRef: {name: gold}, product: HybridWorkloads, quota: {credits: 20}";
    let plan = "platformRef: {name: msp}, planName: Gold, products: [{product: HybridWorkloads, edition: Enterprise, workloads: [NAS]}]";
    let reseller = "platformRef: {name: msp}, displayName: Northwind, allotment: {storage: 10Ti, credits: 100}";
    let customer = "resellerRef: {name: northwind}, displayName: Fabrikam, country: \"DE\", welcomeMail: true, limits: {storage: 1Ti, credits: 50}";
    stage.apply(
        &[
            declared("Reseller", "northwind", reseller),
            declared("ServicePlan", "gold", plan),
            declared("Customer", "fabrikam", customer),
            declared("Tenant", "hybrid", tenant),
        ]
        .join("---\n"),
    );
    let objects = [
        "customer/bystander",
        "reseller/northwind",
        "serviceplan/gold",
        "customer/fabrikam",
        "tenant/hybrid",
    ];
    stage.await_ready(&objects).await;
    bridge.assert_silent(&stage, &objects).await;
    let before = bridge.console.mutations().await;

    stage.kill();
    for object in objects {
        let mut status = stage.get(object)["status"].clone();
        let members = status.as_object_mut().expect("a status");
        members.retain(|member, _| KEPT.contains(&member.as_str()));
        let patch = json!([{"op": "replace", "path": "/status", "value": status}]).to_string();
        stage.show(&[
            "patch",
            object,
            "--subresource=status",
            "--type=json",
            "-p",
            &patch,
        ]);
    }
    stage.run().await;
    stage.await_ready(&["backupplatform/msp"]).await;
    stage.await_ready(&objects).await;
    bridge.assert_silent(&stage, &objects).await;
    assert_eq!(bridge.console.mutations().await, before);
    let writes = stage.measured("holdfast_status_writes_total", "").await;
    assert!(writes < 20.0, "{writes} status writes");
}
