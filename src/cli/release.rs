//! `holdfast release`: lets go of objects without touching the platform, with or without a running operator.

use kube::{
    ResourceExt,
    api::{ApiResource, DynamicObject, Patch, PatchParams},
};
use serde_json::json;

use super::{Failure, objects::Cluster};
use crate::api::names;

/// What `holdfast release` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  holdfast release customer/fabrikam -n backup
  holdfast release --all

What is released is set to deletionPolicy: Retain and management: Paused, and loses our finalizer;
then it can be deleted, and the CRDs with it, and nothing happens on the platform. It works with and
without a running operator. To take it up again, remove management: Paused, or apply your YAML.")]
pub struct Arguments {
    /// The object; KIND is tenant, customer, serviceplan or reseller, or its short name
    #[arg(
        value_name = "KIND/NAME",
        required_unless_present = "all",
        conflicts_with = "all"
    )]
    object: Option<String>,
    /// Everything, in all namespaces: before uninstalling
    #[arg(long)]
    all: bool,
    /// Its namespace; the kubeconfig's when absent
    #[arg(short, long, value_name = "NS", conflicts_with = "all")]
    namespace: Option<String>,
}

/// Releases one object or all.
pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    let cluster = Cluster::connect(arguments.namespace).await?;
    let objects = match &arguments.object {
        Some(reference) => vec![cluster.get(reference).await?],
        None => cluster.everything().await?,
    };
    for (resource, object) in &objects {
        release(&cluster, resource, object).await?;
        println!(
            "{}/{} released",
            resource.kind.to_lowercase(),
            object.name_any()
        );
    }
    if objects.is_empty() {
        println!("nothing to release");
    }
    Ok(())
}

/// First the word that nothing may be written any more, then the finalizer: an operator that is running won't put it back.
async fn release(
    cluster: &Cluster,
    resource: &ApiResource,
    object: &DynamicObject,
) -> Result<(), Failure> {
    let api = cluster.api_of(resource, object);
    let name = object.name_any();
    let spec = json!({"metadata": {"uid": object.uid()}, "spec": {"deletionPolicy": "Retain", "management": "Paused"}});
    let paused = match api
        .patch(&name, &PatchParams::default(), &Patch::Merge(spec))
        .await
    {
        Ok(paused) => paused,
        // Somebody deletes at the same time, and it is gone already.
        Err(kube::Error::Api(status)) if status.code == 404 => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let Some(position) = paused
        .finalizers()
        .iter()
        .position(|finalizer| finalizer == names::FINALIZER)
    else {
        return Ok(());
    };
    // Tests what it removes instead of naming a version: a running operator writes status at the same time.
    let path = format!("/metadata/finalizers/{position}");
    let removal = json!([
        {"op": "test", "path": "/metadata/uid", "value": paused.uid()},
        {"op": "test", "path": path, "value": names::FINALIZER},
        {"op": "remove", "path": path},
    ]);
    let removal = Patch::<DynamicObject>::Json(serde_json::from_value(removal)?);
    match api.patch(&name, &PatchParams::default(), &removal).await {
        Ok(_) => Ok(()),
        // It was waiting for deletion, and the first patch let it go.
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(error) => Err(error.into()),
    }
}
