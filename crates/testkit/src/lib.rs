//! What tests of Holdfast share: a namespace for each test on a real API server, the operator as a process, platforms with
//! their consoles, and validators of contracts. It knows the typed API and nothing else of ours: tests pass in what is under
//! test.

pub mod bridge;
pub mod console;
pub mod cove;
pub mod cove_contract;
mod dialect;
pub mod druva;
pub mod druva_contract;
pub mod example_bridge;
pub mod history;
pub mod local;
pub mod mutate;
pub mod operator;
pub mod plans;
pub mod policies;
mod program;
pub mod relay;
pub mod resources;
pub mod rule_cases;
pub mod tap;
pub mod versions;
pub mod wait;

pub use program::Program;

use std::{
    env,
    io::Write,
    process::{Command, Output, Stdio},
    time::Duration,
};

use holdfast_api as api;
use k8s_openapi::{
    api::core::v1::Namespace,
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api, Client, ResourceExt,
    api::{Patch, PatchParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
    core::{DynamicObject, GroupVersionKind, Request},
    runtime::wait::{await_condition, conditions::is_crd_established},
};
use serde::Deserialize;
use serde_json::Value;

/// A namespace of its own on the API server that KUBECONFIG names, with the CRDs installed.
pub struct Cluster {
    /// A client for everything.
    pub client: Client,
    /// The namespace.
    pub namespace: String,
}

impl Cluster {
    /// Connects, installs the CRDs where they are missing, and makes a namespace with a name that begins with `prefix`.
    pub async fn start(prefix: &str) -> Self {
        let path = env::var_os("KUBECONFIG")
            .expect("this test needs an API server: run it through make test");
        let kubeconfig = Kubeconfig::read_from(path).expect("KUBECONFIG is readable");
        let config =
            kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
                .await
                .expect("KUBECONFIG is usable");
        let client = Client::try_from(config).expect("the client fits its configuration");
        install_crds(&client).await;
        let wanted: Namespace = read(&format!("metadata: {{generateName: {prefix}-}}"));
        let made = Api::all(client.clone())
            .create(&PostParams::default(), &wanted)
            .await
            .expect("a namespace");
        Self {
            client,
            namespace: made.name_any(),
        }
    }

    /// Sends a manifest as `kubectl create --dry-run=server --validate=strict` does; returns the server's result, or why it
    /// refused.
    pub async fn try_out(&self, manifest: &str) -> Result<Value, kube::Error> {
        let object: DynamicObject = read(manifest);
        let types = object.types.as_ref().expect("a manifest says what it is");
        let group = GroupVersionKind::try_from(types).expect("an apiVersion");
        let kind = api::Kind::ALL
            .iter()
            .find(|kind| kind.as_str() == types.kind);
        let plural = kind.map_or("backupplatforms", |kind| kind.plural());
        let path = format!(
            "/apis/{}/{}/namespaces/{}/{plural}",
            group.group, group.version, self.namespace
        );
        let parameters = PostParams {
            dry_run: true,
            field_manager: None,
        };
        let body = serde_json::to_vec(&object).expect("YAML is JSON");
        let mut request = Request::new(path)
            .create(&parameters, body)
            .expect("a request");
        *request.uri_mut() = format!("{}&fieldValidation=Strict", request.uri())
            .parse()
            .expect("a URL");
        self.client.request(request).await
    }

    /// Asserts that the server accepts the manifest.
    pub async fn accepts(&self, manifest: &str) -> Value {
        self.try_out(manifest)
            .await
            .unwrap_or_else(|error| panic!("refused: {manifest}\n{error}"))
    }

    /// Asserts that the server refuses the manifest, with `part` in its message.
    pub async fn rejects(&self, manifest: &str, part: &str) {
        match self.try_out(manifest).await {
            Ok(_) => panic!("accepted, though {part:?} was expected: {manifest}"),
            Err(kube::Error::Api(status)) => {
                assert!(
                    status.message.contains(part),
                    "{part:?} is not in the refusal of {manifest}\n{}",
                    status.message
                );
            }
            Err(error) => panic!("{manifest}\n{error}"),
        }
    }
}

/// Runs the real kubectl with this input.
pub fn kubectl(arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new("kubectl");
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .expect("kubectl is on the PATH: run this test through make test");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(input.as_bytes())
        .expect("kubectl reads its input");
    child.wait_with_output().expect("kubectl ends")
}

/// Reads one YAML document.
pub fn read<T: for<'de> Deserialize<'de>>(yaml: &str) -> T {
    serde_yaml::from_str(yaml).unwrap_or_else(|error| panic!("{error}:\n{yaml}"))
}

async fn install_crds(client: &Client) {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    for crd in api::crds() {
        let parameters = PatchParams::apply("holdfast-tests").force();
        definitions
            .patch(&crd.name_any(), &parameters, &Patch::Apply(&crd))
            .await
            .expect("the API server takes the CRD");
    }
    for crd in api::crds() {
        let name = crd.name_any();
        let established = await_condition(definitions.clone(), &name, is_crd_established());
        tokio::time::timeout(Duration::from_secs(30), established)
            .await
            .expect("the CRD is served within 30 s")
            .expect("the CRD can be watched");
    }
}
