//! One pass over one resource: gather, decide, perform, again; at the end, say how things stand.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use futures::StreamExt;
use kube::{
    ResourceExt,
    runtime::{
        controller::{Action, Controller},
        reflector::{ObjectRef, Store},
    },
};
use tokio::time::Instant;

use super::{
    context::Context,
    events,
    gather::{Gathered, gather},
    metrics::{KindLabels, RuleLabels},
    perform::perform,
    platforms::Handle,
    status::store,
    writes::PassError,
};
use crate::{
    api::{Kind, Reason},
    planner::{self, Note, Progress, Settlement, Step, Verdict, View},
    survey::{Managed, ResourceRef, resource_ref},
};

/// Steps that one pass may take; a longer way is gone in several passes.
const STEPS: usize = 24;
/// Passes of one kind under way at a time.
const CONCURRENCY: u16 = 32;
/// Wait after trouble with the cluster.
const CLUSTER_TROUBLE: Duration = Duration::from_secs(2);

/// Runs the controller of one kind until the operator stops.
pub async fn run<K: Managed>(
    context: Arc<Context>,
    store: Store<K>,
    trigger: impl futures::Stream<Item = Result<K, kube::runtime::watcher::Error>> + Send + 'static,
    wake: impl futures::Stream<Item = ObjectRef<K>> + Send + 'static,
    stop: impl Future<Output = ()> + Send + Sync + 'static,
) {
    let cache = store.clone();
    let forgetful = context.clone();
    // After the cache has it, and not before.
    let trigger = trigger.inspect(move |event| {
        let cached = event
            .as_ref()
            .ok()
            .and_then(|object| cache.get(&ObjectRef::from_obj(object)));
        if let Some(cached) = cached {
            forgetful.recent.caught_up(&*cached);
        }
    });
    let cache = store.clone();
    Controller::for_stream(trigger, store)
        .with_config(kube::runtime::controller::Config::default().concurrency(CONCURRENCY))
        .reconcile_on(wake)
        .graceful_shutdown_on(stop)
        .run(
            move |object, context| reconcile(cache.clone(), object, context),
            |object, error, context| on_error(&*object, error, &context),
            context,
        )
        .for_each(|_| std::future::ready(()))
        .await;
}

fn on_error<K: Managed>(object: &K, error: &PassError, context: &Context) -> Action {
    if error.is_conflict() {
        return Action::requeue(Duration::from_millis(100));
    }
    let resource = resource_ref(object);
    tracing::warn!(%resource, %error, "the reconciliation didn't finish");
    let delay = if error.is_lasting() {
        planner::retry_delay(context.memory.note_unfinished(&resource))
    } else {
        CLUSTER_TROUBLE
    };
    Action::requeue(delay.max(CLUSTER_TROUBLE))
}

async fn reconcile<K: Managed>(
    cache: Store<K>,
    object: Arc<K>,
    context: Arc<Context>,
) -> Result<Action, PassError> {
    if !context.filling.is_done() {
        // No word about what isn't there before everything is; everybody is woken then.
        return Ok(Action::await_change());
    }
    let started = Instant::now();
    // What the cache has of it is from when it could be read.
    if context.survey.is_unreadable(&resource_ref(&*object)) {
        return Ok(Action::await_change());
    }
    // The cache may have moved on since the pass was asked for.
    let cached = cache.get(&ObjectRef::from_obj(&*object));
    let cached = cached.filter(|cached| cached.uid() == object.uid());
    let object = context.recent.newest(cached.unwrap_or(object));
    let resource = resource_ref(&*object);
    let outcome = pass(&context, object).await;
    if outcome.is_ok() {
        context.memory.note_finished(&resource);
    }
    let labels = KindLabels {
        kind: K::KIND.as_str().into(),
    };
    context
        .metrics
        .reconcile_seconds
        .get_or_create(&labels)
        .observe(started.elapsed().as_secs_f64());
    outcome
}

/// Steps until there is nothing more to do now. A permit for a deletion that was taken for nothing goes back.
async fn pass<K: Managed>(context: &Context, object: Arc<K>) -> Result<Action, PassError> {
    let mut progress = object.managed().map(Progress::resumed).unwrap_or_default();
    let mut handle = None;
    let outcome = steps(context, object, &mut progress, &mut handle).await;
    // After any other error the cluster may hold what was to be written.
    let is_certain = outcome
        .as_ref()
        .map_or_else(PassError::is_conflict, |_| true);
    let account = handle
        .as_ref()
        .and_then(|handle: &Arc<Handle>| handle.writer.account());
    if let (Some(account), Some(taken_at), true) = (account, progress.unused_permit(), is_certain) {
        account.give_back(taken_at);
    }
    outcome
}

async fn steps<K: Managed>(
    context: &Context,
    mut object: Arc<K>,
    progress: &mut Progress,
    handle: &mut Option<Arc<Handle>>,
) -> Result<Action, PassError> {
    let resource = resource_ref(&*object);
    let failures = context.memory.failures(&resource);
    for _ in 0..STEPS {
        let gathered = gather(context, &*object).await?;
        handle.clone_from(&gathered.handle);
        let of = state_of(&*object);
        let insisted = insisted(context, &*object, &resource, &gathered).await;
        let view = View {
            hold: gathered.handle.as_ref().and_then(|handle| handle.hold()),
            rest: context.memory.resting(&resource, of),
            insisted,
            failures,
            ..gathered.sight.view(progress, jiff::Timestamp::now())
        };
        if gathered.sight.took {
            context.wake_referrers(&resource);
        }
        match planner::next(&view) {
            Step::Settle(settlement) => {
                return settle(context, &object, &resource, &view, &gathered, *settlement).await;
            }
            step => {
                let released = step == Step::Release;
                let suspended = planner::left_suspended(&view);
                object = perform(context, object, &gathered, step, progress).await?;
                if released {
                    events::released(&context.events, &*object, progress, suspended).await;
                    context.wake_referenced(&*object);
                    return Ok(forget::<K>(context, &resource, &object));
                }
            }
        }
    }
    Err(PassError::TooManySteps(STEPS))
}

/// Writes status when it differs, says what is new in events, and comes back when the settlement says so.
async fn settle<K: Managed>(
    context: &Context,
    object: &Arc<K>,
    resource: &ResourceRef,
    view: &View<'_>,
    gathered: &Gathered,
    settlement: Settlement,
) -> Result<Action, PassError> {
    if settlement.verdict == Verdict::Released {
        return Ok(forget::<K>(context, resource, object));
    }
    let again = looked_at_again(view, gathered, &settlement);
    if settlement.verdict == Verdict::NotLookedYet {
        return Ok(again.map_or_else(Action::await_change, Action::requeue));
    }
    note_outcome(context, &**object, resource, view, &settlement);
    let waits = settlement.verdict.waits_for_another();
    context.memory.note_waiting(resource, waits);
    if let Some(handle) = &gathered.handle
        && !object.listed_clients().is_empty()
        && !handle.site.inventory().has_clients()
    {
        handle.sweep_now.notify_one();
    }
    if let Some(handle) = &gathered.handle {
        let held = matches!(
            settlement.verdict,
            Verdict::DeletionBlocked(Reason::TooManyDeletions, _)
        );
        if context.memory.note_held(&handle.site.key, resource, held) {
            context.memory.wake_platform_later(handle.site.key.clone());
        }
    }
    let remote = planner::remote_object(&gathered.sight.declared, &gathered.sight.remote);
    let (own, health) = object.own_status(
        gathered.sight.readable().map(|object| &**object),
        &gathered.sight.around,
        view.now,
    );
    let shared = planner::managed_status(view, &settlement, health);
    let notes = planner::notes(&gathered.sight.declared.status, &shared, view.progress);
    let returned = planner::returned(&gathered.sight.declared.status, &shared);
    let conditions = shared.conditions.clone();
    let status = own.with(shared)?;
    let previous = object.status_document()?;
    let mut put_off = None;
    if previous != status {
        put_off = store(context, object, &status).await?.put_off();
        count_refusal(context, K::KIND, settlement.rule);
        let labels = KindLabels {
            kind: K::KIND.as_str().into(),
        };
        let returns = context.metrics.drift_returns.get_or_create(&labels);
        returns.inc_by(returned);
        // R-V9: those below inherit it, and those below them are woken by their own passes.
        if K::KIND == Kind::Reseller && previous.get("effective") != status.get("effective") {
            context.wake_referrers(resource);
        }
    }
    if put_off.is_none() {
        context
            .memory
            .note_conditions(&context.metrics, resource, &conditions);
        events::publish(&context.events, &**object, notes).await;
    }
    if settlement.verdict == Verdict::InSync
        && !view.progress.performed.is_empty()
        && let (Some(handle), Some(remote)) = (&gathered.handle, remote)
    {
        context.wake_above(handle, remote.kind, &remote.id);
        if view.progress.gave_up() {
            context.wake_each(&context.memory.waiting());
        }
        // What rules refused below may be allowed now.
        if matches!(remote.kind, Kind::Reseller | Kind::ServicePlan) {
            context.wake_referrers(resource);
        }
    }
    let again = again.into_iter().chain(put_off).min();
    Ok(again.map_or_else(Action::await_change, Action::requeue))
}

/// When the resource is looked at again: as the settlement says, and at the latest when a hold ends of which it is known when.
fn looked_at_again(
    view: &View<'_>,
    gathered: &Gathered,
    settlement: &Settlement,
) -> Option<Duration> {
    let handle = gathered.handle.as_ref().filter(|_| view.hold.is_some());
    let opens = handle.and_then(|handle| handle.writer.opens_at());
    let opens = opens.map(|at| at.saturating_duration_since(Instant::now()));
    match (settlement.again, opens) {
        (Some(again), Some(opens)) => Some(again.min(opens)),
        (again, _) => again,
    }
}

fn count_refusal(context: &Context, kind: Kind, rule: Option<&'static str>) {
    if let Some(rule) = rule {
        let labels = RuleLabels {
            kind: kind.as_str().into(),
            rule: rule.into(),
        };
        context.metrics.refusals.get_or_create(&labels).inc();
    }
}

/// What of a resource may end a rest by changing: all that a person can change.
fn state_of<K: Managed>(object: &K) -> u64 {
    let mut hasher = DefaultHasher::new();
    let meta = object.meta();
    (meta.generation, &meta.uid, &meta.annotations).hash(&mut hasher);
    meta.deletion_timestamp.is_some().hash(&mut hasher);
    hasher.finish()
}

/// Marks that somebody writes again after we have written over them. They are left, and that is said once: nobody wins a fight
/// with a tool that applies its manifest again and again.
async fn insisted<K: Managed>(
    context: &Context,
    object: &K,
    resource: &ResourceRef,
    gathered: &Gathered,
) -> BTreeSet<String> {
    let marks = &gathered.sight.declared.marks;
    let insisted = context.memory.insisted(resource, marks);
    for name in insisted
        .iter()
        .filter_map(|(name, news)| news.then_some(name))
    {
        let message = format!(
            "{name} is maintained by Holdfast and was set again by another client, so Holdfast doesn't change it again. Remove it from the manifest that sets it: the value may be wrong."
        );
        tracing::warn!(%resource, "{message}");
        let (warning, reason) = (true, "MarkLeft".to_owned());
        let note = Note {
            warning,
            reason,
            message,
        };
        events::publish(&context.events, object, vec![note]).await;
    }
    insisted.into_keys().collect()
}

/// Counts failed passes, and has a resource rest after one.
fn note_outcome<K: Managed>(
    context: &Context,
    object: &K,
    resource: &ResourceRef,
    view: &View<'_>,
    settlement: &Settlement,
) {
    let failed = view.progress.failure.is_some();
    let rests = view.rest.as_ref();
    if !failed && rests.is_some_and(|rest| rest.verdict == settlement.verdict) {
        return;
    }
    context.memory.note_outcome(resource, failed);
    match settlement.again.filter(|_| failed) {
        Some(again) => {
            let verdict = settlement.verdict.clone();
            let of = state_of(object);
            context.memory.rest(resource, of, verdict, again);
        }
        None => context.memory.rouse(resource),
    }
}

/// The resource is gone for us.
fn forget<K: Managed>(context: &Context, resource: &ResourceRef, object: &Arc<K>) -> Action {
    context.forget(resource);
    if let Some(uid) = object.uid() {
        context.recent.forget::<K>(&uid);
    }
    context.wake_referrers(resource);
    Action::await_change()
}
