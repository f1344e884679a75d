//! What the API server refuses by the policies in `manifests/policies`: every case of the shared table, tried on a real one,
//! and what the policies must never stand in the way of. Needs an API server: run through `make test`.

mod held;
mod way_through;

use std::{collections::BTreeMap, time::Duration};

use futures::{StreamExt, stream};
use holdfast_testkit::{
    Cluster, kubectl, policies,
    rule_cases::{self, Case, Sort, Verdict},
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams},
    core::{ApiResource, DynamicObject, Status},
};
use serde_json::{Value, json};

/// Every rule that the table has to speak of.
const RULES: [&str; 29] = [
    "hidden-name-telltale",
    "quota-dates-in-order",
    "object-storage-bare",
    "platform-fixed",
    "plan-name-fixed",
    "account-name-fixed",
    "hide-name-fixed",
    "customer-fixed",
    "product-fixed",
    "owner-id-fixed",
    "storage-location-fixed",
    "regions-add-only",
    "commercial-stays-commercial",
    "trial-not-again",
    "sandbox-never-created",
    "sandbox-fields",
    "sandbox-state",
    "sandbox-type",
    "default-fields",
    "deletion-protected",
    "deletion-has-dependents",
    "deletion-plan-in-use",
    "storage-overcommit",
    "licences-overcommit",
    "clients-overcommit",
    "credits-overcommit",
    "allotment-below-granted",
    "limit-required",
    "last-administrator",
];
/// Attempts at once.
const AT_ONCE: usize = 8;

/// A case with a namespace and everything in it but the attempt.
struct Stage {
    case: Case,
    api: Api<DynamicObject>,
    namespace: String,
}

fn resource(kind: &str) -> ApiResource {
    ApiResource {
        group: "holdfast.dev".into(),
        version: "v1alpha1".into(),
        api_version: "holdfast.dev/v1alpha1".into(),
        kind: kind.into(),
        plural: format!("{}s", kind.to_lowercase()),
    }
}

fn manifest(kind: &str, name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "holdfast.dev/v1alpha1", "kind": kind,
        "metadata": { "name": name }, "spec": spec,
    })
}

/// The API server with the policies acting in the test's own namespace.
async fn start(prefix: &str) -> Cluster {
    let cluster = Cluster::start(prefix).await;
    policies::install(&cluster.client).await;
    let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(cluster.client.clone());
    let label = json!({ "metadata": { "labels": { policies::LABEL: "on" } } });
    namespaces
        .patch(
            &cluster.namespace,
            &PatchParams::default(),
            &Patch::Merge(&label),
        )
        .await
        .expect("a label");
    cluster
}

fn api(cluster: &Cluster, namespace: &str, kind: &str) -> Api<DynamicObject> {
    Api::namespaced_with(cluster.client.clone(), namespace, &resource(kind))
}

/// Makes a resource with the status that the operator would have written.
async fn make(api: &Api<DynamicObject>, mut object: Value, status: Option<&Value>) {
    // As `kubectl apply` would have made it, so that leaving a field out later removes it.
    let applied = object.to_string();
    object["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] =
        applied.into();
    let object: DynamicObject = serde_json::from_value(object).expect("an object");
    let made = api.create(&PostParams::default(), &object).await;
    made.unwrap_or_else(|error| panic!("{}: {error}", object.name_any()));
    if let Some(status) = status {
        set_status(api, &object.name_any(), status).await;
    }
}

async fn set_status(api: &Api<DynamicObject>, name: &str, status: &Value) {
    let patch = json!({ "status": status });
    api.patch_status(name, &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .unwrap_or_else(|error| panic!("status of {name}: {error}"));
}

async fn prepare(cluster: &Cluster, number: usize, case: Case) -> Stage {
    let namespace = format!("{}-{number}", cluster.namespace);
    let wanted = json!({ "metadata": { "name": namespace, "labels": { policies::LABEL: "on" } } });
    let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(cluster.client.clone());
    let wanted = serde_json::from_value(wanted).expect("a namespace");
    namespaces
        .create(&PostParams::default(), &wanted)
        .await
        .expect("a namespace");
    for other in &case.with {
        let object = manifest(&other.kind, &other.name, &other.spec);
        make(
            &api(cluster, &namespace, &other.kind),
            object,
            other.status.as_ref(),
        )
        .await;
    }
    let api = api(cluster, &namespace, &case.kind);
    if let Some(before) = &case.before {
        let mut object = manifest(&case.kind, &case.name, before);
        object["metadata"]["annotations"] = case.annotations.clone().into();
        make(&api, object, case.status.as_ref()).await;
    }
    Stage {
        case,
        api,
        namespace,
    }
}

impl Stage {
    fn said(&self, what: &str) -> String {
        format!("{} ({}): {what}", self.case.rule, self.case.title)
    }

    fn is_update(&self) -> bool {
        self.case.before.is_some() && !self.case.delete
    }

    fn attempted(&self) -> Value {
        let spec = self.case.after.as_ref().expect("a spec to try");
        let mut object = manifest(&self.case.kind, &self.case.name, spec);
        object["metadata"]["namespace"] = self.namespace.clone().into();
        object
    }

    async fn attempt(&self, dry_run: bool) -> Result<(), Box<Status>> {
        let parameters = PostParams {
            dry_run,
            field_manager: None,
        };
        let outcome = if self.case.delete {
            let parameters = DeleteParams {
                dry_run,
                ..DeleteParams::default()
            };
            let deleted = self.api.delete(&self.case.name, &parameters).await;
            deleted.map(|_| ())
        } else if self.case.before.is_some() {
            let mut object = self.current().await;
            object.data["spec"] = self.case.after.clone().expect("a spec to try");
            let replaced = self.api.replace(&self.case.name, &parameters, &object);
            replaced.await.map(|_| ())
        } else {
            let object = serde_json::from_value(self.attempted()).expect("an object");
            self.api.create(&parameters, &object).await.map(|_| ())
        };
        match outcome {
            Ok(()) => Ok(()),
            Err(kube::Error::Api(status)) => Err(status),
            Err(error) => panic!("{}", self.said(&error.to_string())),
        }
    }

    async fn current(&self) -> DynamicObject {
        let found = self.api.get(&self.case.name).await;
        found.unwrap_or_else(|error| panic!("{}", self.said(&error.to_string())))
    }

    /// Tries until it is refused: policies and their parameters take a moment to act.
    async fn refusal(&self) -> Box<Status> {
        for _ in 0..600 {
            if let Err(status) = self.attempt(true).await {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{}", self.said("went through"));
    }

    async fn is_refused(&self) {
        let status = self.refusal().await;
        let message = &status.message;
        let rule = format!("(rule {})", self.case.rule);
        for part in self.case.says.iter().chain([&rule]) {
            assert!(
                message.contains(part),
                "{}",
                self.said(&format!("{part:?} isn't in {message}"))
            );
        }
        assert!(!message.contains("immutable"), "{}", self.said(message));
        // What a schema refuses is Invalid. That is harmless where there is nothing yet that could be deleted for it.
        let forbidden = status.reason == "Forbidden" && status.code == 403;
        assert!(
            forbidden || self.case.before.is_none() && status.reason == "Invalid",
            "{}",
            self.said(&format!("{} {}", status.code, status.reason))
        );
        let status = self.attempt(false).await;
        assert!(status.is_err(), "{}", self.said("went through, not dry"));
    }

    async fn goes_through(&self) {
        if let Err(status) = self.attempt(false).await {
            panic!("{}", self.said(&status.message));
        }
    }
}

/// `kubectl apply --force` deletes and makes anew upon the reason Invalid. Upon Forbidden it must leave everything alone.
async fn survive_force(stages: &[Stage]) {
    let mut before = Vec::new();
    let mut documents = Vec::new();
    for stage in stages.iter().filter(|stage| stage.is_update()) {
        before.push((stage, stage.current().await));
        documents.push(stage.attempted());
    }
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": documents });
    let output = kubectl(&["apply", "--force", "-f", "-"], &list.to_string());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    for (stage, before) in before {
        let after = stage.current().await;
        assert!(
            after.uid() == before.uid() && after.data["spec"] == before.data["spec"],
            "{}",
            stage.said("kubectl apply --force made its way")
        );
        assert!(
            said.contains(&format!("(rule {})", stage.case.rule)),
            "{}",
            stage.said(&said)
        );
    }
}

// R-D2, R-D6, R-D12, R-D13, R-D20, R-D22, R-D33, R-D41, R-S2, R-S3, R-V3, R-V6, R-V7, R-V20, R-N7, R-N14
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_of_the_table_gets_its_verdict_and_force_changes_nothing() {
    let cluster = start("rules").await;
    let cases = rule_cases::all().into_iter().enumerate();
    let stages: Vec<Stage> = stream::iter(cases)
        .map(|(number, case)| prepare(&cluster, number, case))
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let (refused, allowed): (Vec<Stage>, Vec<Stage>) = stages
        .into_iter()
        .partition(|stage| stage.case.admission == Verdict::Refused);
    // These first: once they are refused, what goes through does so in spite of the policies, not ahead of them.
    stream::iter(&refused)
        .for_each_concurrent(AT_ONCE, Stage::is_refused)
        .await;
    survive_force(&refused).await;
    policies::be_strict(&cluster.client).await;
    stream::iter(&allowed)
        .for_each_concurrent(AT_ONCE, Stage::goes_through)
        .await;
    policies::install(&cluster.client).await;
    println!("{} refused, {} went through", refused.len(), allowed.len());
}

#[test]
fn each_rule_has_an_accepted_a_refused_and_a_boundary_case() {
    let mut sorts: BTreeMap<String, Vec<Sort>> = BTreeMap::new();
    for case in rule_cases::all() {
        let attempt = case.after.is_some() != case.delete;
        assert!(attempt, "{}: either after or delete", case.title);
        let told = case.admission != Verdict::Refused || !case.says.is_empty();
        assert!(told, "{}: a refusal says something", case.title);
        sorts.entry(case.rule).or_default().push(case.sort);
    }
    for rule in RULES {
        let found = sorts.remove(rule).unwrap_or_default();
        for sort in [Sort::Accepted, Sort::Refused, Sort::Boundary] {
            assert!(found.contains(&sort), "{rule} has no case {sort:?}");
        }
    }
    assert!(sorts.is_empty(), "unknown rules: {:?}", sorts.keys());
}

#[test]
fn every_refusal_is_forbidden_and_names_a_rule_of_the_table() {
    let mut named = Vec::new();
    for document in policies::documents() {
        assert!(!document.to_string().contains("immutable"));
        // Only what needs another kind may be passed over: see the comment in quota.yaml.
        let spec = &document["spec"];
        let expected = match (&spec["paramKind"], &spec["policyName"]) {
            (Value::Null, Value::Null) => json!("Fail"),
            (_, Value::Null) => json!("Ignore"),
            _ => Value::Null,
        };
        assert_eq!(spec["failurePolicy"], expected, "{document}");
        for validation in document["spec"]["validations"]
            .as_array()
            .into_iter()
            .flatten()
        {
            assert_eq!(validation["reason"], "Forbidden", "{validation}");
            let message = [&validation["message"], &validation["messageExpression"]];
            let message = message.into_iter().find_map(Value::as_str);
            let message = message.expect("a message");
            let rules = message.split("(rule ").skip(1);
            named.extend(rules.filter_map(|rest| rest.split(')').next().map(str::to_owned)));
        }
    }
    // The schema's own, and those that a policy puts together.
    let elsewhere = |rule: &str| rule == "sandbox-never-created" || rule.ends_with("-overcommit");
    for rule in RULES.iter().filter(|rule| !elsewhere(rule)) {
        assert!(
            named.iter().any(|name| name == rule),
            "{rule} has no policy"
        );
    }
    for rule in named {
        assert!(RULES.contains(&rule.as_str()), "{rule} isn't in the table");
    }
}
