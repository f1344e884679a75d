//! The controller of `BackupPlatform`: keeps a handle with its sweep and its Lease for each, and says how it does.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use futures::StreamExt;
use kube::{
    Api, Resource, ResourceExt,
    api::{Patch, PatchParams},
    runtime::{
        PredicateConfig, WatchStreamExt,
        controller::{Action, Config, Controller},
        reflector::{ObjectRef, Store},
    },
};
use serde_json::json;

use super::{
    connect::{Connection, Unconnectable, resolve},
    context::Context,
    events,
    lease::{Keeper, Tenure, lease_name},
    metrics::{KindLabels, PlatformLabels},
    platforms::{Handle, Trouble},
    sweeper,
    writes::PassError,
};
use crate::{
    api::{
        BackupPlatform, Kind, Reason, names,
        platform::{ObjectCounts, RemoteName, UnmanagedObject},
    },
    estate::{Unread, Unreadable},
    inventory::Inventory,
    planner::{self, PlatformHealth, PlatformSummary},
    survey::{PlatformKey, Terms},
};

/// Wait after trouble with the cluster, or with what the spec refers to.
const TROUBLE: Duration = Duration::from_secs(15);

/// Runs the controller until the operator stops.
pub async fn run(
    context: Arc<Context>,
    store: Store<BackupPlatform>,
    trigger: impl futures::Stream<Item = Result<BackupPlatform, kube::runtime::watcher::Error>>
    + Send
    + 'static,
    wake: impl futures::Stream<Item = ObjectRef<BackupPlatform>> + Send + 'static,
    stop: impl Future<Output = ()> + Send + Sync + 'static,
) {
    let trigger = trigger.predicate_filter(calls_for_a_pass, PredicateConfig::default());
    Controller::for_stream(trigger, store)
        .with_config(Config::default().concurrency(4))
        .reconcile_on(wake)
        .graceful_shutdown_on(stop)
        .run(reconcile, on_error, context)
        .for_each(|_| std::future::ready(()))
        .await;
}

/// What calls for a pass: a change of anything but the counts in status. They move with every new customer, so that our own
/// write of them would call for the next one for as long as customers are made. That comes once a second, when it is woken.
fn calls_for_a_pass(platform: &BackupPlatform) -> Option<u64> {
    let mut platform = platform.clone();
    platform.metadata.resource_version = None;
    if let Some(status) = platform.status.as_mut() {
        status.objects = None;
        status.unmanaged.clear();
        status.unreadable.clear();
    }
    let mut hasher = DefaultHasher::new();
    serde_json::to_vec(&platform).ok()?.hash(&mut hasher);
    Some(hasher.finish())
}

fn on_error(platform: Arc<BackupPlatform>, error: &PassError, _: Arc<Context>) -> Action {
    let conflict = matches!(error, PassError::Cluster(kube::Error::Api(status)) if status.code == 409 || status.code == 404);
    if conflict {
        return Action::requeue(Duration::from_millis(100));
    }
    tracing::warn!(platform = platform.name_any(), %error, "the pass didn't finish");
    Action::requeue(TROUBLE)
}

async fn reconcile(
    platform: Arc<BackupPlatform>,
    context: Arc<Context>,
) -> Result<Action, PassError> {
    let platform = context.recent.newest(platform);
    let key = PlatformKey::of(&platform);
    let unreadable = &context.survey.unreadable;
    if unreadable
        .why("BackupPlatform", &key.namespace, &key.name)
        .is_some()
    {
        return Ok(Action::await_change());
    }
    if platform.meta().deletion_timestamp.is_some() {
        context.platform_gone(&key);
        return Ok(Action::await_change());
    }
    let resolved = resolve(&context, &platform).await;
    // The API server's trouble is no word about the Secret: what was good before still is.
    let unread = matches!(&resolved, Err(problem) if problem.reason == Reason::ReferenceNotReady);
    let connected = match resolved {
        Ok(connection) => connect(&context, &platform, connection),
        Err(problem) if unread => context.platforms.get(&key).ok_or(problem),
        Err(problem) => Err(problem),
    };
    let (health, summary, again) = match &connected {
        Err(problem) => {
            context.platform_gone(&key);
            (
                PlatformHealth::Unconfigured(problem.reason, problem.message.clone()),
                None,
                Some(TROUBLE),
            )
        }
        Ok(handle) => {
            sweep_on_demand(&context, &platform, handle);
            let lease_due = handle.site.facts().is_some();
            if lease_due {
                keep_lease(&context, &platform, handle);
            }
            let again = unread.then_some(TROUBLE);
            (health(handle), summary(&context, handle), again)
        }
    };
    let generation = platform.meta().generation.unwrap_or_default();
    let now = jiff::Timestamp::now();
    let status = planner::platform(
        &platform.spec,
        generation,
        platform.status.as_ref(),
        &health,
        summary.as_ref(),
        now,
    );
    if platform.status.as_ref() != Some(&status) {
        write_status(&context, &platform, &status).await?;
        let note = planner::unreadable_note(platform.status.as_ref(), &status);
        events::publish(&context.events, &*platform, note.into_iter().collect()).await;
    }
    Ok(again.map_or_else(Action::await_change, Action::requeue))
}

/// The handle in place, or a new one when anything changed that the adapter is built from.
fn connect(
    context: &Arc<Context>,
    platform: &BackupPlatform,
    connection: Connection,
) -> Result<Arc<Handle>, Unconnectable> {
    let key = PlatformKey::of(platform);
    let terms = Terms::of(platform);
    if let Some(handle) = context
        .platforms
        .get(&key)
        .filter(|handle| handle.fingerprint == connection.fingerprint)
    {
        if handle.site.set_terms(terms) {
            context.wake_all(&key);
        }
        return Ok(handle);
    }
    let tenure = Arc::new(Tenure::default());
    let fingerprint = connection.fingerprint.clone();
    let (driver, endpoint) = (connection.driver, connection.endpoint.clone());
    let adapter = connection.open(context, key.to_string(), tenure.clone())?;
    let handle = Handle::new(key, fingerprint, (driver, endpoint), adapter, tenure, terms);
    let status = platform.status.as_ref();
    if let Some(recent) = status.and_then(|status| status.recent_deletions.as_ref()) {
        handle.deletions.resume(recent.count, recent.last);
    }
    context.platforms.put(handle.clone());
    handle.own(tokio::spawn(sweeper::run(context.clone(), handle.clone())).abort_handle());
    Ok(handle)
}

/// `holdfast.dev/reconcile-at` on a `BackupPlatform` means: sweep now.
fn sweep_on_demand(context: &Context, platform: &BackupPlatform, handle: &Handle) {
    let asked = platform
        .annotations()
        .get(names::RECONCILE_AT_ANNOTATION)
        .cloned();
    if context.memory.is_new_request(&handle.site.key, asked) {
        handle.sweep_now.notify_one();
    }
}

/// Starts keeping the account's Lease, once the account is known.
fn keep_lease(context: &Arc<Context>, platform: &BackupPlatform, handle: &Arc<Handle>) {
    let Some(facts) = handle.site.facts().filter(|_| handle.start_lease()) else {
        return;
    };
    let (driver, endpoint) = handle.origin();
    let account = &facts.capabilities.account.id;
    let woken = context.clone();
    let key = PlatformKey::of(platform);
    let keeper = Keeper {
        client: context.client.clone(),
        namespace: context.lease_namespace.clone(),
        name: lease_name(driver, endpoint, account),
        identity: context.identity.clone(),
        tenure: handle.tenure.clone(),
        changed: Box::new(move |leads| {
            let labels = PlatformLabels {
                platform: key.to_string(),
            };
            woken
                .metrics
                .leader
                .get_or_create(&labels)
                .set(i64::from(leads));
            woken.wake_all(&key);
            woken.wake_platform(&key);
        }),
    };
    context.memory.note_lease(keeper.name.clone());
    handle.own(tokio::spawn(keeper.run()).abort_handle());
}

fn health(handle: &Handle) -> PlatformHealth {
    match handle.trouble() {
        Some(Trouble::Credentials(message)) => PlatformHealth::CredentialsRefused(message),
        Some(Trouble::Unreachable(message)) => PlatformHealth::Unreachable(message),
        None if handle.site.facts().is_some() => PlatformHealth::Reachable,
        None => PlatformHealth::Unobserved,
    }
}

/// Counts what the platform holds, and lists what no resource declares.
fn summary(context: &Context, handle: &Handle) -> Option<PlatformSummary> {
    let inventory = handle.site.inventory();
    let surroundings = inventory.surroundings()?.clone();
    let account = surroundings.capabilities.account.id.clone();
    let mut counts: BTreeMap<Kind, u64> = BTreeMap::new();
    let mut unmanaged = Vec::new();
    for object in inventory.objects() {
        *counts.entry(object.kind).or_default() += 1;
        if context.survey.index.holder(&account, object).is_none() {
            unmanaged.push(UnmanagedObject {
                kind: object.kind,
                external_id: object.id.to_string(),
                name: Some(object.name.clone()),
                protection: Some(object.protection),
            });
        }
    }
    let unread = unread(handle, &inventory);
    let count = |kind: Kind| counts.get(&kind).copied().unwrap_or_default();
    let named = |id: &crate::estate::ObjectId| RemoteName {
        external_id: id.to_string(),
        name: inventory
            .get(Kind::Customer, id)
            .map(|customer| customer.name.clone()),
    };
    Some(PlatformSummary {
        objects: ObjectCounts {
            resellers: count(Kind::Reseller),
            customers: count(Kind::Customer),
            tenants: count(Kind::Tenant),
            service_plans: count(Kind::ServicePlan),
            unmanaged: unmanaged.len() as u64,
            unreadable: unread.count(),
        },
        unread,
        unmanaged,
        default_customer: surroundings
            .capabilities
            .default_customer
            .as_ref()
            .map(named),
        surroundings,
        account_mismatch: handle.site.account_mismatch(),
        recent_deletions: handle.deletions.summary(jiff::Timestamp::now()),
        held_deletions: context.memory.held_deletions(&handle.site.key),
    })
}

/// What can't be read: objects first, then what was met in lists and reports.
fn unread(handle: &Handle, inventory: &Inventory) -> Unread {
    let mut objects: Vec<Unreadable> = inventory
        .objects()
        .filter_map(|object| {
            Some(Unreadable {
                kind: object.kind.into(),
                id: Some(object.id.to_string()),
                why: object.unreadable.clone()?,
            })
        })
        .collect();
    objects.sort();
    let mut unread = Unread::default();
    for object in objects {
        unread.note(object);
    }
    if let Some(surroundings) = inventory.surroundings() {
        unread.add(surroundings.unreadable.clone());
    }
    unread.add(handle.site.reports().unreadable());
    unread
}

async fn write_status(
    context: &Context,
    platform: &Arc<BackupPlatform>,
    status: &crate::api::BackupPlatformStatus,
) -> Result<(), PassError> {
    let api: Api<BackupPlatform> = Api::namespaced(
        context.client.clone(),
        &platform.namespace().unwrap_or_default(),
    );
    let patch = json!({
        "apiVersion": names::API_VERSION,
        "kind": "BackupPlatform",
        "metadata": {"name": platform.name_any(), "uid": platform.uid(), "resourceVersion": platform.resource_version()},
        "status": status,
    });
    let params = PatchParams::apply(names::FIELD_MANAGER).force();
    let written = api
        .patch_status(&platform.name_any(), &params, &Patch::Apply(patch))
        .await?;
    context
        .metrics
        .status_writes
        .get_or_create(&KindLabels {
            kind: "BackupPlatform".into(),
        })
        .inc();
    context.recent.keep(Arc::new(written));
    Ok(())
}
