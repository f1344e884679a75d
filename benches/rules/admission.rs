//! The policies: how long an edit and a guarded deletion take at the API server, with and without them.

use std::time::{Duration, Instant};

use futures::{StreamExt, future::join_all, stream};
use holdfast_api::{Customer, CustomerSpec, Reseller, ResellerSpec};
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use serde_json::json;

const EDITS: usize = 200;
const DELETIONS: usize = 1_000;
/// Requests under way while customers are made.
const AT_ONCE: usize = 32;

/// Prints the figures for the API server that KUBECONFIG names, with the policies as they are installed there.
pub async fn measure() {
    let client = Client::try_default().await.expect("KUBECONFIG");
    let policies = std::env::var("POLICIES").unwrap_or_else(|_| "as installed".into());
    let wanted: Namespace = serde_json::from_value(json!({"metadata": {"generateName": "bench-"}}))
        .expect("a namespace");
    let namespace = Api::<Namespace>::all(client.clone())
        .create(&PostParams::default(), &wanted)
        .await
        .expect("a namespace")
        .name_any();
    let customers: Api<Customer> = Api::namespaced(client.clone(), &namespace);
    reseller(&Api::namespaced(client, &namespace)).await;
    let mut there = 0;
    for others in [0, 1_000, 5_000] {
        fill(&customers, there, others + 1).await;
        there = others + 1;
        let times = edits(&customers).await;
        println!(
            "policies {policies}: one edit beside {others} other customers in the namespace: {}",
            super::shown(times)
        );
    }
    deletions(&customers, &policies).await;
}

async fn reseller(api: &Api<Reseller>) {
    let spec: ResellerSpec = serde_json::from_value(json!({
        "platformRef": {"name": "msp"}, "displayName": "Northwind", "allotment": {"storage": "900Ti"},
    }))
    .expect("a spec");
    let reseller = Reseller::new("northwind", spec);
    api.create(&PostParams::default(), &reseller)
        .await
        .expect("a reseller");
    let status = json!({"status": {"externalId": "1", "platform": "msp", "allotment": {
        "storage": {"allotted": "900Ti", "granted": "100Ti", "free": "800Ti"}}}});
    api.patch_status("northwind", &PatchParams::default(), &Patch::Merge(status))
        .await
        .expect("a status");
}

fn name(number: usize) -> String {
    format!("customer-{number:05}")
}

async fn fill(api: &Api<Customer>, from: usize, to: usize) {
    let status =
        json!({"status": {"externalId": "1042", "platform": "msp", "tenants": {"total": 2}}});
    stream::iter(from..to)
        .for_each_concurrent(AT_ONCE, |number| {
            let status = &status;
            async move {
                let spec: CustomerSpec = serde_json::from_value(json!({
                    "resellerRef": {"name": "northwind"}, "displayName": name(number),
                    "deletionPolicy": "Delete", "limits": {"storage": "10Gi"},
                }))
                .expect("a spec");
                let customer = Customer::new(&name(number), spec);
                api.create(&PostParams::default(), &customer)
                    .await
                    .expect("a customer");
                api.patch_status(
                    &name(number),
                    &PatchParams::default(),
                    &Patch::Merge(status),
                )
                .await
                .expect("a status");
            }
        })
        .await;
}

async fn edits(api: &Api<Customer>) -> Vec<Duration> {
    let mut times = Vec::with_capacity(EDITS);
    for edit in 0..EDITS {
        let patch = json!({"spec": {"limits": {"storage": format!("{}Gi", 20 + edit)}}});
        let started = Instant::now();
        api.patch(&name(0), &PatchParams::default(), &Patch::Merge(patch))
            .await
            .expect("an edit that the policies allow");
        times.push(started.elapsed());
    }
    times
}

/// All at once; with the policies each is refused, without them each is carried out.
async fn deletions(api: &Api<Customer>, policies: &str) {
    let started = Instant::now();
    let all = (0..DELETIONS).map(|number| {
        let api = api.clone();
        async move {
            let started = Instant::now();
            let answer = api.delete(&name(number), &DeleteParams::default()).await;
            (answer.is_err(), started.elapsed())
        }
    });
    let answers = join_all(all).await;
    let refused = answers.iter().filter(|(refused, _)| *refused).count();
    let took = started.elapsed().as_secs_f64();
    let times = answers.into_iter().map(|(_, time)| time).collect();
    println!(
        "policies {policies}: {DELETIONS} guarded deletions at once, {refused} refused, in {took:.1} s: {}",
        super::shown(times)
    );
}
