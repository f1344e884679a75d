//! The end of a pass: status, events, which other resources to reconcile, and when to requeue this one.

use std::{sync::Arc, time::Duration};

use kube::{ResourceExt, runtime::controller::Action};
use tokio::time::Instant;

use super::{
    clock,
    context::Context,
    error::PassError,
    events,
    gather::{Gathered, gather},
    memory::state_of,
    metrics::{KindLabels, RuleLabels},
    status::store,
};
use crate::{
    api::{Kind, Reason},
    planner::{self, Progress, Settlement, Verdict, View},
    survey::{Managed, ResourceRef, resource_ref},
};

/// The shortest time after which a resource is reconciled again.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);

/// Writes status when it differs, reports news as events, and requeues the resource when the settlement says so.
///
/// # Errors
/// A write that the cluster doesn't accept.
pub async fn settle<K: Managed>(
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
    let mut again = to_reconcile_again(view, gathered, &settlement);
    if settlement.verdict != Verdict::NotLookedYet {
        remember(context, &**object, resource, view, gathered, &settlement);
        let (put_off, effective_changed) =
            tell(context, object, resource, view, gathered, &settlement).await?;
        again = again.into_iter().chain(put_off).min();
        for wake in planner::wakes_of_settlement(view, &settlement, effective_changed) {
            context.enqueue(&**object, gathered.handle.as_deref(), wake);
        }
    }
    // Never for this very instant: what is due then is seen an instant later.
    let again = again.map(|again| again.max(SHORTEST_PAUSE));
    Ok(again.map_or_else(Action::await_change, Action::requeue))
}

/// Reports on the object that a pass over it failed by an error of Holdfast. Other objects aren't affected, and it is retried.
///
/// # Errors
/// A write that the cluster doesn't accept.
pub async fn tell_unfinished<K: Managed>(
    context: &Context,
    object: &Arc<K>,
    error: &PassError,
) -> Result<(), PassError> {
    let (resource, gathered) = (resource_ref(&**object), gather(context, &**object).await?);
    let progress = Progress::default();
    let view = gathered.observation.view(&progress, clock::timeline());
    let message = format!(
        "{error}. This is a fault of Holdfast, not of the spec: the operator's log has more. Holdfast retries with a growing backoff."
    );
    let verdict = Verdict::Waiting(Reason::InternalError, message);
    let settlement = Settlement::of(verdict, None);
    tell(context, object, &resource, &view, &gathered, &settlement).await?;
    Ok(())
}

/// When the resource is reconciled again: as the settlement says, and at the latest when a hold with a known end ends.
fn to_reconcile_again(
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

/// What the operator remembers of a resource until its next pass.
fn remember<K: Managed>(
    context: &Context,
    object: &K,
    resource: &ResourceRef,
    view: &View<'_>,
    gathered: &Gathered,
    settlement: &Settlement,
) {
    note_outcome(context, object, resource, view, settlement);
    let waits = settlement.verdict.waits_for_another();
    context.memory.note_waiting(resource, waits);
    if let Some(handle) = &gathered.handle {
        let (key, held) = (&handle.site.key, settlement.verdict.is_held_by_limit());
        if context.memory.note_held(key, resource, held) {
            context.memory.enqueue_platform_later(key.clone());
        }
    }
}

/// Writes status and publishes events. Returns how long the write is delayed, if it is; and whether the settings that those
/// below inherit have changed.
async fn tell<K: Managed>(
    context: &Context,
    object: &Arc<K>,
    resource: &ResourceRef,
    view: &View<'_>,
    gathered: &Gathered,
    settlement: &Settlement,
) -> Result<(Option<Duration>, bool), PassError> {
    let declared = &gathered.observation.declared;
    let readable = gathered.observation.readable().map(|object| &**object);
    let (own, health) = object.own_status(readable, &gathered.observation.around, view.now());
    let shared = planner::managed_status(view, settlement, health);
    let notes = planner::notes(&declared.status, &shared, view.progress);
    let returned = planner::returned(&declared.status, &shared);
    let conditions = shared.conditions.clone();
    let platform = shared.platform.clone();
    let status = own.with(shared)?;
    let previous = object.status_document()?;
    let mut put_off = None;
    if previous != status {
        put_off = store(context, object, &status).await?.put_off();
        count(context, K::KIND, settlement.rule, returned);
    }
    if put_off.is_none() {
        let tally = &context.metrics.conditions;
        tally.note(resource, platform.as_deref(), &conditions);
        events::publish(&context.events, &**object, notes).await;
    }
    let effective_changed = previous.get("effective") != status.get("effective");
    Ok((put_off, effective_changed))
}

fn count(context: &Context, kind: Kind, rule: Option<&'static str>, returned: u64) {
    let labels = KindLabels {
        kind: kind.as_str().into(),
    };
    let returns = context.metrics.drift_returns.get_or_create(&labels);
    returns.inc_by(returned);
    if let Some(rule) = rule {
        let labels = RuleLabels {
            kind: kind.as_str().into(),
            rule: rule.into(),
        };
        context.metrics.refusals.get_or_create(&labels).inc();
    }
}

/// Counts failed passes, and has a resource back off after one.
fn note_outcome<K: Managed>(
    context: &Context,
    object: &K,
    resource: &ResourceRef,
    view: &View<'_>,
    settlement: &Settlement,
) {
    let failed = view.progress.failure.is_some();
    let backoff = view.backoff.as_ref();
    if !failed && backoff.is_some_and(|backoff| backoff.verdict == settlement.verdict) {
        return;
    }
    context.memory.note_outcome(resource, failed);
    match settlement.again.filter(|_| failed) {
        Some(again) => {
            let verdict = settlement.verdict.clone();
            let of = state_of(object);
            context.memory.back_off(resource, of, verdict, again);
        }
        None => context.memory.reset_backoff(resource),
    }
}

/// The operator forgets the resource.
pub fn forget<K: Managed>(context: &Context, resource: &ResourceRef, object: &Arc<K>) -> Action {
    context.forget(resource);
    if let Some(uid) = object.uid() {
        context.recent.forget::<K>(&uid);
    }
    for wake in planner::wakes_of_release() {
        context.enqueue(&**object, None, wake);
    }
    Action::await_change()
}
