//! `holdfast release`: releases objects without changes on the platform, with or without a running operator.

use std::time::Duration;

use kube::{
    Api, Resource, ResourceExt,
    api::{ApiResource, DynamicObject, Patch, PatchParams},
};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Failure, objects::Cluster, terminal};
use crate::api::names;

/// How long the operator has for activating objects again.
const PATIENCE: Duration = Duration::from_secs(60);
/// The interval at which that is checked.
const PAUSE: Duration = Duration::from_millis(500);

/// What `holdfast release` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  holdfast release customer/fabrikam -n backup
  holdfast release --all                   all namespaces
  holdfast release --all -n backup         one that its own operator serves

What is released is set to deletionPolicy: Retain and management: Paused, and loses Holdfast's finalizer;
then it can be deleted, and the CRDs with it, and nothing happens on the platform. The command works
with or without a running operator, with one exception: if Holdfast suspended a remote object for its
deletion, the operator must activate it before it is released. To adopt anything again, take
management: Paused off each resource and each BackupPlatform; applying your YAML doesn't, since the
field isn't in it:
  kubectl patch customer fabrikam -n backup --type=merge -p '{\"spec\":{\"management\":null}}'")]
pub struct Arguments {
    /// The object; KIND is tenant, customer, serviceplan or reseller, or its short name
    #[arg(
        value_name = "KIND/NAME",
        required_unless_present = "all",
        conflicts_with = "all"
    )]
    object: Option<String>,
    /// Everything, in all namespaces or in the one that is named: before uninstalling
    #[arg(long)]
    all: bool,
    /// One namespace; when absent the kubeconfig's, with --all every one
    #[arg(short, long, value_name = "NS")]
    namespace: Option<String>,
    /// Don't wait for the operator to activate what it suspended for a deletion: it stays suspended
    #[arg(long)]
    leave_suspended: bool,
}

/// Releases one object or all.
pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    let everywhere = arguments.namespace.is_none();
    let cluster = Cluster::connect(arguments.namespace).await?;
    if arguments.all && !everywhere {
        cluster.expect_namespace(cluster.namespace()).await?;
    }
    let objects = match &arguments.object {
        Some(reference) => vec![cluster.get(reference).await?],
        None => cluster.everything(everywhere).await?,
    };
    release_each(&cluster, &objects, arguments.leave_suspended).await?;
    let mut platforms = Vec::new();
    if arguments.all {
        // Only now: on a paused platform the operator activates nothing.
        platforms = cluster.platforms(everywhere).await?;
        release_each(&cluster, &platforms, arguments.leave_suspended).await?;
    }
    if objects.is_empty() && platforms.is_empty() {
        println!("nothing to release");
    }
    Ok(())
}

async fn release_each(
    cluster: &Cluster,
    objects: &[(ApiResource, DynamicObject)],
    leave_suspended: bool,
) -> Result<(), Failure> {
    let mut suspended = Vec::new();
    for (resource, object) in objects {
        let title = format!("{}/{}", resource.kind.to_lowercase(), object.name_any());
        let api = cluster.api_of(resource, object);
        if release(&api, resource, object, leave_suspended).await? {
            println!("{title} released");
        } else {
            suspended.push((title, api, object));
        }
    }
    await_activation(suspended).await
}

/// Waits until the operator has activated what it suspended for deletions, and released it.
async fn await_activation(
    mut suspended: Vec<(String, Api<DynamicObject>, &DynamicObject)>,
) -> Result<(), Failure> {
    if !suspended.is_empty() {
        let count = suspended.len();
        eprintln!("waiting for the operator to activate what it suspended for a deletion: {count}");
    }
    let until = Instant::now() + PATIENCE;
    let mut kept = Vec::new();
    while !suspended.is_empty() {
        let late = Instant::now() >= until;
        let mut left = Vec::new();
        for (title, api, object) in suspended {
            let now = api.get_opt(&object.name_any()).await?;
            let ours = |name: &String| name == names::FINALIZER;
            let held = |now: &DynamicObject| {
                now.uid() == object.uid() && now.finalizers().iter().any(ours)
            };
            match now.filter(held) {
                None => println!("{title} released"),
                Some(now) if late => kept.push(terminal::line(&format!("{title}: {}", said(&now)))),
                Some(_) => left.push((title, api, object)),
            }
        }
        suspended = left;
        tokio::time::sleep(PAUSE).await;
    }
    if kept.is_empty() {
        return Ok(());
    }
    Err(Failure(format!(
        "not released because it would stay suspended on the platform:\n  {}\nLet the operator run until it has activated them, and repeat this; or add --leave-suspended.",
        kept.join("\n  ")
    )))
}

/// First the setting that forbids any further write, then the finalizer: a running operator won't add it again. False where
/// the object would stay suspended: the operator has to activate it first.
async fn release(
    api: &Api<DynamicObject>,
    resource: &ApiResource,
    object: &DynamicObject,
    leave_suspended: bool,
) -> Result<bool, Failure> {
    let mut spec = json!({"management": "Paused"});
    if resource.kind != "BackupPlatform" {
        // A request that the operator hasn't recorded by now isn't sent any more: its note has an outdated version.
        let retained = if leave_suspended {
            retain_as_it_is(api, object).await?
        } else {
            patch(api, object, json!({"spec": {"deletionPolicy": "Retain"}})).await?
        };
        let Some(retained) = retained else {
            return Ok(true);
        };
        if suspended(&retained).is_some() {
            return Ok(false);
        }
        spec["deletionPolicy"] = "Retain".into();
    }
    if let Some(paused) = patch(api, object, json!({"spec": spec})).await? {
        take_off_finalizer(api, &paused).await?;
    }
    Ok(true)
}

/// Sets `deletionPolicy: Retain`, and in the same write says that what is suspended may stay so: between two writes, the
/// operator would activate it.
async fn retain_as_it_is(
    api: &Api<DynamicObject>,
    object: &DynamicObject,
) -> Result<Option<DynamicObject>, Failure> {
    loop {
        let now = api.get_opt(&object.name_any()).await?;
        let Some(now) = now.filter(|now| now.uid() == object.uid()) else {
            return Ok(None);
        };
        let mut document = json!({
            "metadata": {"resourceVersion": now.resource_version()},
            "spec": {"deletionPolicy": "Retain"},
        });
        if let Some(id) = suspended(&now) {
            document["metadata"]["annotations"] = json!({names::RELEASE_SUSPENDED_ANNOTATION: id});
        }
        match try_patch(api, object, document).await {
            // Somebody else wrote it meanwhile: it may be suspended by now.
            Err(kube::Error::Api(status)) if status.code == 409 => tokio::time::sleep(PAUSE).await,
            patched => return Ok(patched?),
        }
    }
}

/// The object that the operator suspended for the deletion of this resource.
fn suspended(object: &DynamicObject) -> Option<String> {
    object.meta().deletion_timestamp.as_ref()?;
    let id = object
        .data
        .pointer("/status/deletion/suspended")?
        .as_str()?;
    let asked = object
        .annotations()
        .get(names::RELEASE_SUSPENDED_ANNOTATION);
    (asked.map(String::as_str) != Some(id)).then(|| id.to_owned())
}

/// The deletion in the resource's status.
fn said(object: &DynamicObject) -> String {
    let conditions = object.data.pointer("/status/conditions");
    let mut conditions = conditions.and_then(Value::as_array).into_iter().flatten();
    let held = conditions.find(|condition| condition["type"] == "DeletionBlocked");
    let message = held.and_then(|condition| condition["message"].as_str());
    message.unwrap_or("the operator isn't running").to_owned()
}

/// Applies a merge patch; `None` when the object was deleted meanwhile.
async fn patch(
    api: &Api<DynamicObject>,
    object: &DynamicObject,
    document: Value,
) -> Result<Option<DynamicObject>, Failure> {
    Ok(try_patch(api, object, document).await?)
}

async fn try_patch(
    api: &Api<DynamicObject>,
    object: &DynamicObject,
    mut document: Value,
) -> kube::Result<Option<DynamicObject>> {
    document["metadata"]["uid"] = json!(object.uid());
    let patch = Patch::Merge(document);
    let parameters = PatchParams::default();
    match api.patch(&object.name_any(), &parameters, &patch).await {
        Ok(patched) => Ok(Some(patched)),
        // Another client deletes at the same time, and the object is gone already.
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
        Err(error) => Err(error),
    }
}

async fn take_off_finalizer(
    api: &Api<DynamicObject>,
    object: &DynamicObject,
) -> Result<(), Failure> {
    let Some(position) = object
        .finalizers()
        .iter()
        .position(|finalizer| finalizer == names::FINALIZER)
    else {
        return Ok(());
    };
    // Tests what it removes instead of naming a version: a running operator writes status at the same time.
    let path = format!("/metadata/finalizers/{position}");
    let removal = json!([
        {"op": "test", "path": "/metadata/uid", "value": object.uid()},
        {"op": "test", "path": path, "value": names::FINALIZER},
        {"op": "remove", "path": path},
    ]);
    let removal = Patch::<DynamicObject>::Json(serde_json::from_value(removal)?);
    let name = object.name_any();
    match api.patch(&name, &PatchParams::default(), &removal).await {
        Ok(_) => Ok(()),
        // It was waiting for deletion, and the first patch released it.
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(error) => Err(error.into()),
    }
}
