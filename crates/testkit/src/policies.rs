//! The admission policies, bound to some namespaces only: others on the same API server aren't disturbed.

use super::operator::repository;
use std::{fs, time::Duration};

use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, Patch, PatchParams},
    core::{ApiResource, DynamicObject},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// The label of the namespaces in which the policies act.
pub const LABEL: &str = "tests.holdfast.dev/policies";

/// Every policy and binding in `manifests/policies`, in the order in which they are installed.
pub fn documents() -> Vec<Value> {
    let folder = repository().join("manifests/policies");
    let read = |name: &str| fs::read_to_string(folder.join(name)).expect("a readable file");
    let list: Value = serde_yaml::from_str(&read("kustomization.yaml")).expect("YAML");
    let files = list["resources"].as_array().expect("a list of files");
    files
        .iter()
        .map(|file| read(file.as_str().expect("a name")))
        .flat_map(|text| {
            serde_yaml::Deserializer::from_str(&text)
                .map(|document| Value::deserialize(document).expect("YAML"))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Installs the policies for namespaces with [`LABEL`].
pub async fn install(client: &Client) {
    for mut document in documents() {
        if document["kind"] == "ValidatingAdmissionPolicyBinding" {
            document["spec"]["matchResources"] =
                json!({ "namespaceSelector": { "matchLabels": { LABEL: "on" } } });
        }
        apply(client, document).await;
    }
}

/// Lets no policy pass over a mistake in its expressions, which an allowed case would hide.
pub async fn be_strict(client: &Client) {
    for mut document in documents() {
        if document["spec"]["failurePolicy"] == "Ignore" {
            document["spec"]["failurePolicy"] = "Fail".into();
            apply(client, document).await;
        }
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
}

/// Applies one cluster-wide object.
pub async fn apply(client: &Client, document: Value) {
    let (api, object) = addressed(client, document);
    let parameters = PatchParams::apply("holdfast-tests").force();
    api.patch(&object.name_any(), &parameters, &Patch::Apply(&object))
        .await
        .unwrap_or_else(|error| panic!("{}: {error}", object.name_any()));
}

/// Deletes one cluster-wide object.
pub async fn remove(client: &Client, document: Value) {
    let (api, object) = addressed(client, document);
    api.delete(&object.name_any(), &DeleteParams::default())
        .await
        .unwrap_or_else(|error| panic!("{}: {error}", object.name_any()));
}

fn addressed(client: &Client, document: Value) -> (Api<DynamicObject>, DynamicObject) {
    let object: DynamicObject = serde_json::from_value(document).expect("an object");
    let types = object.types.clone().expect("an object says what it is");
    let (group, version) = types
        .api_version
        .split_once('/')
        .expect("a group and a version");
    let resource = ApiResource {
        group: group.to_owned(),
        version: version.to_owned(),
        api_version: types.api_version.clone(),
        plural: match types.kind.as_str() {
            "ValidatingAdmissionPolicy" => "validatingadmissionpolicies".to_owned(),
            other => format!("{}s", other.to_lowercase()),
        },
        kind: types.kind,
    };
    (Api::all_with(client.clone(), &resource), object)
}
