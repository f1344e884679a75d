//! The examples are taken by the API server as they are, and say what the types say.

use std::{
    fs,
    path::{Path, PathBuf},
};

use holdfast_api::{BackupPlatform, Customer, ManagedKind, Reseller, ServicePlan, Tenant};
use holdfast_testkit::{Cluster, kubectl};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn examples() -> Vec<PathBuf> {
    let in_folder = |folder: &str| {
        fs::read_dir(root().join(folder))
            .expect(folder)
            .map(|entry| entry.expect("a folder can be listed").path())
    };
    let mut files: Vec<_> = in_folder("examples")
        .chain(in_folder("examples/platforms"))
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    files
}

/// Reads a document as its type and compares what the type would write with what stood there.
fn keeps_every_field<K: DeserializeOwned + Serialize>(document: &Value) {
    let typed: K = serde_json::from_value(document.clone())
        .unwrap_or_else(|error| panic!("{error}: {document}"));
    let written = serde_json::to_value(&typed).expect("a resource is JSON");
    assert_eq!(paths(&written["spec"]), paths(&document["spec"]));
}

/// The dotted paths of all leaves.
fn paths(value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) => {
            let mut found: Vec<_> = fields
                .iter()
                .flat_map(|(name, below)| {
                    paths(below)
                        .into_iter()
                        .map(move |path| format!("{name}.{path}"))
                })
                .collect();
            found.sort();
            found
        }
        Value::Array(items) => items.iter().flat_map(paths).collect(),
        _ => vec![String::new()],
    }
}

#[test]
fn the_types_know_every_field_of_the_examples() {
    let mut seen = Vec::new();
    for path in examples() {
        let text = fs::read_to_string(&path).expect("an example is text");
        for document in serde_yaml::Deserializer::from_str(&text) {
            let document: Value = serde::Deserialize::deserialize(document)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let kind = document["kind"].as_str().unwrap_or_default().to_owned();
            match kind.as_str() {
                "BackupPlatform" => keeps_every_field::<BackupPlatform>(&document),
                "Reseller" => keeps_every_field::<Reseller>(&document),
                "ServicePlan" => keeps_every_field::<ServicePlan>(&document),
                "Customer" => keeps_every_field::<Customer>(&document),
                "Tenant" => keeps_every_field::<Tenant>(&document),
                _ => {}
            }
            seen.push(kind);
        }
    }
    for kind in [
        "BackupPlatform",
        Reseller::KIND.as_str(),
        ServicePlan::KIND.as_str(),
        Customer::KIND.as_str(),
        Tenant::KIND.as_str(),
    ] {
        assert!(seen.iter().any(|seen| seen == kind), "no example of {kind}");
    }
}

// R-N1
#[tokio::test]
async fn kubectl_applies_the_examples() {
    let cluster = Cluster::start("examples").await;
    for path in examples() {
        let text = fs::read_to_string(&path)
            .expect("an example is text")
            .replace(
                "namespace: backup",
                &format!("namespace: {}", cluster.namespace),
            );
        let output = kubectl(&["apply", "--dry-run=server", "-f", "-"], &text);
        assert!(
            output.status.success(),
            "{}: {}",
            path.display(),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[tokio::test]
async fn kubectl_reads_a_bare_country_as_false_and_is_told_so() {
    let cluster = Cluster::start("country").await;
    let customer = format!(
        "apiVersion: holdfast.dev/v1alpha1\nkind: Customer\nmetadata: {{name: a, namespace: {}}}\nspec: {{platformRef: {{name: msp}}, displayName: A, country: NO}}\n",
        cluster.namespace
    );
    let output = kubectl(&["apply", "-f", "-"], &customer);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success()
            && message.contains("spec.country in body must be of type string: \"boolean\""),
        "{message}"
    );
}
