//! The controller of `BackupPlatform`: keeps a handle with its sweep and its Lease for each, and reports its state.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    panic::AssertUnwindSafe,
    sync::Arc,
    time::Duration,
};

use super::{
    account::Writer,
    clock,
    context::Context,
    error::PassError,
    events,
    metrics::UnfinishedLabels,
    platform_deletion,
    platforms::{Handle, Trouble},
    reach::{open, reach},
    reporter,
    status::store,
    sweeper,
    writes::finalize_platform,
};
use crate::{
    api::{
        BackupPlatform, Kind, Reason, names,
        platform::{ObjectCounts, RemoteName, UnmanagedObject},
        shared::Management,
        status_document,
    },
    connect::{Connection, Unconnectable},
    estate::{Unread, Unreadable},
    inventory::Inventory,
    planner::{self, PlatformHealth, PlatformSummary},
    survey::{PlatformKey, Terms},
};
use futures::{FutureExt, StreamExt};
use kube::{
    Resource, ResourceExt,
    runtime::{
        PredicateConfig, WatchStreamExt,
        controller::{Action, Config, Controller},
        reflector::{ObjectRef, Store},
    },
};

/// Backoff after an error of the cluster, or of an object that the spec refers to.
const TROUBLE: Duration = Duration::from_secs(15);

/// Backoff after a conflict: the next pass sees the other write.
const CONFLICT: Duration = Duration::from_secs(1);

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
        // They are few, and one that answers slowly holds up no other.
        .with_config(Config::default().concurrency(0))
        .reconcile_on(wake)
        .graceful_shutdown_on(stop)
        .run(reconcile, on_error, context)
        .for_each(|_| std::future::ready(()))
        .await;
}

/// What triggers a pass: a change of anything but the counts in status. They change with every new customer, so that each
/// write of them would trigger the next one for as long as customers are created. The counts are written once a second, when
/// the platform is enqueued.
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

fn on_error(platform: Arc<BackupPlatform>, error: &PassError, context: Arc<Context>) -> Action {
    let labels = UnfinishedLabels {
        kind: "BackupPlatform".into(),
        reason: error.reason().into(),
    };
    let unfinished = &context.metrics.unfinished_passes;
    unfinished.get_or_create(&labels).inc();
    if error.is_conflict() {
        return Action::requeue(CONFLICT);
    }
    tracing::warn!(platform = platform.name_any(), %error, "the reconciliation didn't finish");
    Action::requeue(TROUBLE)
}

async fn reconcile(
    platform: Arc<BackupPlatform>,
    context: Arc<Context>,
) -> Result<Action, PassError> {
    let passing = AssertUnwindSafe(pass(platform, context)).catch_unwind();
    passing.await.unwrap_or(Err(PassError::Panicked))
}

async fn pass(platform: Arc<BackupPlatform>, context: Arc<Context>) -> Result<Action, PassError> {
    if !context.filling.is_done() {
        return Ok(Action::await_change());
    }
    let mut platform = context.recent.newest(platform);
    let key = PlatformKey::of(&platform);
    let unreadable = &context.survey.stores.unreadable;
    if unreadable
        .why("BackupPlatform", &key.namespace, &key.name)
        .is_some()
    {
        return Ok(Action::await_change());
    }
    let deleting = platform.meta().deletion_timestamp.is_some();
    let finalized = platform
        .finalizers()
        .iter()
        .any(|name| name == names::FINALIZER);
    if deleting && !finalized {
        context.platform_gone(&key);
        return Ok(Action::await_change());
    }
    if !context.leads_platform(&platform) {
        return Ok(Action::await_change());
    }
    // `holdfast release --all` pauses the objects from which it removes the finalizer.
    if !finalized && platform.spec.management != Some(Management::Paused) {
        platform = finalize_platform(&context, &platform).await?;
    }
    let mut departure = None;
    if deleting {
        departure = platform_deletion::step(&context, &platform).await?;
        if departure.is_none() {
            return Ok(Action::await_change());
        }
    }
    // Whether its Secret can be read or not: who calls a halt is heard.
    if let Some(handle) = context.platforms.get(&key) {
        heed(&context, &platform, &handle);
    }
    let resolved = reach(&context, &platform).await;
    // An error of the API server says nothing about the Secret: a Secret that was valid before still is.
    let unread = matches!(&resolved, Err(problem) if problem.reason == Reason::ReferenceNotReady);
    let connected = match resolved {
        Ok(connection) => connect(&context, &platform, connection),
        Err(problem) if unread => context.platforms.get(&key).ok_or(problem),
        // The credential in memory is used until everything on the platform is deleted.
        Err(problem) if deleting => revive(&context, &key).ok_or(problem),
        Err(problem) => Err(problem),
    };
    let (health, summary, mut again) = match &connected {
        Err(problem) => {
            context.platform_parked(&key, &problem.message);
            (
                PlatformHealth::Unconfigured(problem.reason, problem.message.clone()),
                None,
                Some(TROUBLE),
            )
        }
        Ok(handle) => {
            heed(&context, &platform, handle);
            sweep_on_demand(&context, &platform, handle);
            let again = unread.then_some(TROUBLE);
            (health(handle), summary(&context, handle), again)
        }
    };
    let generation = platform.meta().generation.unwrap_or_default();
    let now = clock::now();
    let status = planner::platform(
        &platform.spec,
        generation,
        platform.status.as_ref(),
        &health,
        summary.as_ref(),
        departure
            .as_ref()
            .and_then(|(message, _)| message.as_deref()),
        now,
    );
    let note = planner::unreadable_note(platform.status.as_ref(), &status);
    let conditions = status.conditions.clone();
    let status = status_document("BackupPlatform", &status)?;
    let previous = serde_json::to_value(&platform.status)?;
    if previous != status {
        let put_off = store(&context, &platform, &status).await?.put_off();
        again = again.into_iter().chain(put_off).min();
        events::publish(&context.events, &*platform, note.into_iter().collect()).await;
    }
    context.metrics.conditions.note(&key, None, &conditions);
    if let Some((_, again)) = departure {
        return Ok(again);
    }
    Ok(again.map_or_else(Action::await_change, Action::requeue))
}

/// What the spec says of the platform as a whole is in force from now on.
fn heed(context: &Arc<Context>, platform: &BackupPlatform, handle: &Arc<Handle>) {
    if handle.site.set_terms(Terms::of(platform)) {
        handle.terms_changed.send_replace(());
        context.wake_all(&handle.site.key);
    }
}

/// The current handle, or a new one when any input of the adapter changed.
fn connect(
    context: &Arc<Context>,
    platform: &BackupPlatform,
    connection: Connection,
) -> Result<Arc<Handle>, Unconnectable> {
    let key = PlatformKey::of(platform);
    let lease = context
        .duties
        .account(&key)
        .map(|account| account.lease.clone());
    let fits = |handle: &Arc<Handle>| {
        let written_under = handle.writer.account().map(|account| account.lease.clone());
        // After another account was confirmed, the one before guards nothing here any more.
        let of_another = written_under.is_some() && written_under != lease;
        handle.fingerprint == connection.fingerprint && !of_another
    };
    if let Some(handle) = context.platforms.get(&key).filter(fits) {
        return Ok(handle);
    }
    let writer = Arc::new(Writer::default());
    let fingerprint = connection.fingerprint.clone();
    let origin = connection.origin.clone();
    let adapter = open(connection, context, key.to_string(), writer.clone())?;
    let terms = Terms::of(platform);
    let handle = Handle::new(key, fingerprint, origin, adapter, writer, terms);
    start(context, &handle);
    Ok(handle)
}

/// Starts to use a handle.
fn start(context: &Arc<Context>, handle: &Arc<Handle>) {
    context.platforms.put(handle.clone());
    handle.own(tokio::spawn(sweeper::run(context.clone(), handle.clone())).abort_handle());
    handle.own(tokio::spawn(reporter::run(context.clone(), handle.clone())).abort_handle());
}

/// The handle in use, or the one that was retired when its Secret was deleted.
fn revive(context: &Arc<Context>, key: &PlatformKey) -> Option<Arc<Handle>> {
    let parked = || {
        let handle = context.platforms.parked(key)?;
        start(context, &handle);
        Some(handle)
    };
    context.platforms.get(key).or_else(parked)
}

/// `holdfast.dev/reconcile-at` on a `BackupPlatform` means: sweep now.
fn sweep_on_demand(context: &Context, platform: &BackupPlatform, handle: &Handle) {
    let asked = platform
        .annotations()
        .get(names::RECONCILE_AT_ANNOTATION)
        .cloned();
    if context.memory.is_new_request(&handle.site.key, asked) {
        handle.adapter.probe_now();
        handle.sweep_now.notify_one();
        handle.report_now.notify_one();
    }
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
        // A part of another's record isn't something left over: that record is listed.
        if !object.facts.facet && context.survey.index.holder(&account, object).is_none() {
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
        held_deletions: context.memory.held_deletions(&handle.site.key),
    })
}

/// What can't be read: objects first, then entries of lists and reports.
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
