//! Resources that the API server holds and Holdfast can't read: stored under another version of our definitions. They get a
//! status all the same, from metadata and what else can be read, and are released where nothing has to be done for that.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
    core::{ApiResource, DynamicObject},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{clock, context::Context, error::PassError, watches::Legibility};
use crate::{
    api::{
        BackupPlatform, ConditionType, Customer, Kind, Reason, Reseller, ServicePlan, Tenant,
        bounds::shortened, names,
    },
    planner::retry_delay,
    survey::{AnyRef, Managed, PlatformKey, ResourceRef},
};

/// Requeue interval of a resource that doesn't change.
const PAUSE: Duration = Duration::from_secs(60);
/// Longest message about what can't be read.
const LONGEST: usize = 512;

/// What a watch has seen of a resource: whether it can be read, or that it is gone.
pub fn note(context: &Arc<Context>, resource: AnyRef, seen: Legibility) {
    let unreadable = &context.survey.stores.unreadable;
    let managed = managed(&resource);
    match seen {
        Legibility::Unreadable(why, metadata) => {
            if let Some(managed) = &managed {
                context.survey.note_unread(managed, &metadata);
            }
            let news = unreadable.note(resource.clone(), why);
            if resource.kind == "BackupPlatform" && news {
                context.platform_gone(&key(&resource));
            }
            attend(context, resource);
        }
        Legibility::Readable => {
            if unreadable.clear(&resource) {
                match &managed {
                    Some(managed) => {
                        context.wake(managed);
                        context.wake_referrers(managed);
                    }
                    None => context.wake_platform(&key(&resource)),
                }
            }
        }
        Legibility::Gone => {
            if unreadable.clear(&resource) {
                match &managed {
                    Some(managed) => context.gone(managed),
                    None => context.platform_gone(&key(&resource)),
                }
            }
        }
    }
}

/// Maintains one until it can be read or is gone.
fn attend(context: &Arc<Context>, resource: AnyRef) {
    let mut attended = context
        .attended
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if let Some(again) = attended.get(&resource) {
        again.notify_one();
        return;
    }
    let again = Arc::new(Notify::new());
    attended.insert(resource.clone(), again.clone());
    drop(attended);
    let context = context.clone();
    tokio::spawn(async move {
        let mut failures = 0;
        loop {
            let pause = match look(&context, &resource).await {
                Ok(true) => PAUSE,
                Ok(false) if context.dismiss(&resource) => return,
                // The watch has just reported that it can't be read after all.
                Ok(false) => continue,
                Err(error) => {
                    failures += 1;
                    tracing::warn!(%resource, %error, "a resource that can't be read isn't reconciled");
                    retry_delay(failures)
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = again.notified() => {}
            }
        }
    });
}

impl Context {
    /// Stops maintaining one, unless it can't be read again.
    fn dismiss(&self, resource: &AnyRef) -> bool {
        let attended = &self.attended;
        let mut attended = attended.lock().unwrap_or_else(PoisonError::into_inner);
        let (kind, unreadable) = (&resource.kind, &self.survey.stores.unreadable);
        let why = unreadable.why(kind, &resource.namespace, &resource.name);
        if why.is_none() {
            attended.remove(resource);
        }
        why.is_none()
    }
}

/// One pass. False when there is nothing to maintain any more.
async fn look(context: &Arc<Context>, resource: &AnyRef) -> Result<bool, PassError> {
    let api = api(context, resource);
    let Some(object) = api.get_opt(&resource.name).await? else {
        note(context, resource.clone(), Legibility::Gone);
        return Ok(false);
    };
    let document = serde_json::to_value(&object)?;
    // The watch reports when it can be read again.
    let Some(why) = trouble(&resource.kind, &document) else {
        note(context, resource.clone(), Legibility::Readable);
        return Ok(false);
    };
    context
        .survey
        .stores
        .unreadable
        .note(resource.clone(), why.clone());
    if !leads(context, resource, &document) {
        return Ok(true);
    }
    let deleted = object.metadata.deletion_timestamp.is_some();
    let ours = |finalizer: &String| finalizer == names::FINALIZER;
    let finalizer = object.finalizers().iter().position(ours);
    let mut blocked = None;
    if let Some(position) = finalizer.filter(|_| deleted) {
        blocked = held(context, resource, &document, &why);
        if blocked.is_none() {
            release(&api, &object, position).await?;
            tracing::info!(%resource, outcome = "Done", "released a resource that can't be read");
            return Ok(true);
        }
    }
    let conditions = conditions(&object, &document, &why, blocked);
    match managed(resource) {
        Some(managed) => {
            let platform = document.pointer("/status/platform");
            let platform = platform.and_then(Value::as_str);
            context
                .metrics
                .conditions
                .note(&managed, platform, &conditions);
        }
        None => context
            .metrics
            .conditions
            .note(&key(resource), None, &conditions),
    }
    write_status(&api, resource, &object, &document, &conditions).await?;
    Ok(true)
}

/// Whether this process reports on a resource that can't be read: it is under the Lease of its platform, as far as that can be
/// read.
fn leads(context: &Context, resource: &AnyRef, document: &Value) -> bool {
    let text = |field: &str| document.pointer(field).and_then(Value::as_str);
    let name = match resource.kind.as_str() {
        "BackupPlatform" => Some(resource.name.as_str()),
        _ => text("/status/platform").or_else(|| text("/spec/platformRef/name")),
    };
    let account = name.and_then(|name| {
        let (namespace, name) = (resource.namespace.clone(), name.to_owned());
        context.duties.account(&PlatformKey { namespace, name })
    });
    account.map_or_else(
        || context.leads_unassigned(),
        |account| account.tenure.leads(),
    )
}

/// Why the deletion of a resource that can't be read is held, if it is. A release needs nothing from the platform.
fn held(context: &Context, resource: &AnyRef, document: &Value, why: &str) -> Option<String> {
    if resource.kind == "BackupPlatform" {
        let waiting = deleted_on(context, &key(resource))?;
        return Some(format!(
            "{waiting} is being deleted and refers to this BackupPlatform, which can't be read: {why}. Correct this BackupPlatform, or set deletionPolicy: Retain on {waiting}."
        ));
    }
    let said = |field: &str| {
        document
            .pointer(&format!("/spec/{field}"))
            .unwrap_or(&Value::Null)
    };
    let retains = matches!(said("deletionPolicy").as_str(), None | Some("Retain"))
        && (said("deletionPolicy").is_null() || said("deletionPolicy").is_string());
    let looks_on = matches!(said("management").as_str(), Some("Observe" | "Paused"));
    let suspended = document.pointer("/status/deletion/suspended");
    let suspended = suspended.and_then(Value::as_str);
    let asked = document
        .pointer("/metadata/annotations")
        .and_then(|annotations| annotations.get(names::RELEASE_SUSPENDED_ANNOTATION));
    if let Some(id) = suspended.filter(|id| asked != Some(&(*id).into())) {
        return Some(format!(
            "Holdfast suspended {id} for its deletion, and can't activate it while the spec can't be read: {why}. Correct the spec; or, to release it suspended, annotate the resource with {}={id}.",
            names::RELEASE_SUSPENDED_ANNOTATION
        ));
    }
    (!retains && !looks_on).then(|| {
        format!(
            "The resource can't be read: {why}. The remote object can't be deleted until then. Correct the spec; or set deletionPolicy: Retain to release it unchanged."
        )
    })
}

/// A resource on a platform with a deletion that waits for Holdfast.
fn deleted_on(context: &Context, key: &PlatformKey) -> Option<ResourceRef> {
    let (survey, stores) = (&context.survey, &context.survey.stores);
    waiting(survey, &stores.tenants, key)
        .or_else(|| waiting(survey, &stores.customers, key))
        .or_else(|| waiting(survey, &stores.plans, key))
        .or_else(|| waiting(survey, &stores.resellers, key))
}

fn waiting<K: Managed>(
    survey: &crate::survey::Survey,
    store: &crate::survey::Store<K>,
    key: &PlatformKey,
) -> Option<ResourceRef> {
    let objects = store.all();
    let found = objects.iter().find(|object| {
        object.meta().deletion_timestamp.is_some() && survey.lives_on(&***object, key)
    });
    found.map(|object| crate::survey::resource_ref(&**object))
}

/// The part of a resource that can't be read: the field, and what is wrong with it. `None` when it can be.
fn trouble(kind: &str, document: &Value) -> Option<String> {
    match kind {
        "BackupPlatform" => field_of::<BackupPlatform>(document),
        "Reseller" => field_of::<Reseller>(document),
        "ServicePlan" => field_of::<ServicePlan>(document),
        "Customer" => field_of::<Customer>(document),
        _ => field_of::<Tenant>(document),
    }
}

fn field_of<K: DeserializeOwned>(document: &Value) -> Option<String> {
    let error = serde_json::from_value::<K>(document.clone()).err()?;
    let reads = |document: &Value| serde_json::from_value::<K>(document.clone()).is_ok();
    let field = culprit(document, "", &reads).unwrap_or_else(|| "/spec".to_owned());
    let field = field.trim_start_matches('/').replace('/', ".");
    Some(shortened(&format!("{field}: {error}"), LONGEST))
}

/// The narrowest part of the document without which it can be read.
fn culprit(document: &Value, above: &str, reads: &dyn Fn(&Value) -> bool) -> Option<String> {
    let members = document.pointer(above)?.as_object()?;
    // The API server itself reads metadata, however much there is of it.
    let ours = |name: &&String| !above.is_empty() || *name != "metadata";
    members.keys().filter(ours).find_map(|name| {
        let mut without = document.clone();
        without.pointer_mut(above)?.as_object_mut()?.remove(name);
        let place = format!("{above}/{}", name.replace('~', "~0").replace('/', "~1"));
        let deeper = || culprit(document, &place, reads);
        if reads(&without) {
            return Some(deeper().unwrap_or(place));
        }
        deeper()
    })
}

fn conditions(
    object: &DynamicObject,
    document: &Value,
    why: &str,
    blocked: Option<String>,
) -> Vec<Condition> {
    let message = format!(
        "The resource can't be read: {why}. Holdfast doesn't reconcile it, and it keeps its remote object. Correct the field; reconciliation then continues."
    );
    let said = [
        Some((ConditionType::Ready, "False", message.clone())),
        Some((ConditionType::Stalled, "True", message)),
        blocked.map(|blocked| (ConditionType::DeletionBlocked, "True", blocked)),
    ];
    let before: Vec<Condition> = document
        .pointer("/status/conditions")
        .and_then(|conditions| serde_json::from_value(conditions.clone()).ok())
        .unwrap_or_default();
    let now = clock::now();
    let dated = |(kind, status, message): (ConditionType, &str, String)| {
        let last = before
            .iter()
            .find(|last| last.type_ == kind.as_str() && last.status == status);
        Condition {
            type_: kind.as_str().to_owned(),
            status: status.to_owned(),
            reason: Reason::InvalidSpec.as_str().to_owned(),
            message,
            last_transition_time: last.map_or(Time(now), |last| last.last_transition_time.clone()),
            observed_generation: object.metadata.generation,
        }
    };
    said.into_iter().flatten().map(dated).collect()
}

/// The other fields of status stay; unless the current definitions refuse them.
async fn write_status(
    api: &Api<DynamicObject>,
    resource: &AnyRef,
    object: &DynamicObject,
    document: &Value,
    conditions: &[Condition],
) -> Result<(), PassError> {
    let before = document.get("status").cloned().unwrap_or_else(|| json!({}));
    let mut status = before.clone();
    if let Value::Object(members) = &mut status {
        members.insert("conditions".into(), json!(conditions));
        members.insert(
            "observedGeneration".into(),
            json!(object.metadata.generation),
        );
    }
    if status == before {
        return Ok(());
    }
    let mut least = status.clone();
    if let Value::Object(members) = &mut least {
        let kept = [
            "conditions",
            "observedGeneration",
            "externalId",
            "claim",
            "platform",
        ];
        members.retain(|name, _| kept.contains(&name.as_str()));
    }
    let params = PatchParams::apply(names::FIELD_MANAGER).force();
    let patch = |status: &Value| {
        Patch::Apply(json!({
            "apiVersion": names::API_VERSION,
            "kind": resource.kind,
            "metadata": {"name": resource.name, "uid": object.uid(), "resourceVersion": object.resource_version()},
            "status": status,
        }))
    };
    match api
        .patch_status(&resource.name, &params, &patch(&status))
        .await
    {
        Err(kube::Error::Api(refusal)) if refusal.code == 422 => {
            api.patch_status(&resource.name, &params, &patch(&least))
                .await?;
        }
        written => drop(written?),
    }
    Ok(())
}

/// Removes our finalizer, if it still is at its known position.
async fn release(
    api: &Api<DynamicObject>,
    object: &DynamicObject,
    position: usize,
) -> Result<(), PassError> {
    let path = format!("/metadata/finalizers/{position}");
    let patch: json_patch::Patch = serde_json::from_value(json!([
        {"op": "test", "path": "/metadata/uid", "value": object.uid()},
        {"op": "test", "path": path, "value": names::FINALIZER},
        {"op": "remove", "path": path},
        {"op": "add", "path": "/metadata/resourceVersion", "value": object.resource_version()},
    ]))?;
    api.patch(
        &object.name_any(),
        &PatchParams::default(),
        &Patch::<DynamicObject>::Json(patch),
    )
    .await?;
    Ok(())
}

fn api(context: &Context, resource: &AnyRef) -> Api<DynamicObject> {
    let plural = managed(resource).map_or("backupplatforms", |resource| resource.kind.plural());
    let kind = ApiResource {
        group: names::GROUP.into(),
        version: names::VERSION.into(),
        api_version: names::API_VERSION.into(),
        kind: resource.kind.clone(),
        plural: plural.into(),
    };
    Api::namespaced_with(context.client.clone(), &resource.namespace, &kind)
}

fn managed(resource: &AnyRef) -> Option<ResourceRef> {
    let kind: Kind = resource.kind.parse().ok()?;
    Some(ResourceRef {
        kind,
        namespace: resource.namespace.clone(),
        name: resource.name.clone(),
    })
}

fn key(resource: &AnyRef) -> PlatformKey {
    PlatformKey {
        namespace: resource.namespace.clone(),
        name: resource.name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(spec: Value) -> Value {
        json!({"apiVersion": names::API_VERSION, "kind": "Tenant", "metadata": {"name": "t", "namespace": "n"}, "spec": spec})
    }

    #[test]
    fn the_field_that_can_not_be_read_is_named() {
        let good = json!({"customerRef": {"name": "c"}, "product": "HybridWorkloads"});
        assert_eq!(trouble("Tenant", &tenant(good.clone())), None);
        for (path, odd, field) in [
            ("quota", json!({"credits": []}), "spec.quota.credits: "),
            (
                "state",
                json!("Sleeping"),
                "spec.state: unknown variant `Sleeping`",
            ),
            (
                "workloads",
                json!([{"name": "x", "users": -1}]),
                "spec.workloads: ",
            ),
            ("product", json!(7), "spec: "),
        ] {
            let mut spec = good.clone();
            spec[path] = odd;
            let told = trouble("Tenant", &tenant(spec)).expect("it can't be read");
            assert!(told.starts_with(field), "{told}");
        }
    }
}
