//! The controller of one kind: what triggers a pass, and what follows from its result.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::{FutureExt, StreamExt};
use kube::{
    ResourceExt,
    runtime::{
        controller::{Action, Controller},
        reflector::{ObjectRef, Store},
    },
};
use tokio::time::Instant;

use super::{
    bulkhead::Bulkhead,
    context::Context,
    error::PassError,
    metrics::{KindLabels, UnfinishedLabels},
    pass::pass,
    settle::tell_unfinished,
};
use crate::{
    planner,
    survey::{Managed, resource_ref},
};

/// Any number of passes of one kind may wait; [`Bulkhead`] says how many of them run.
const UNBOUNDED: u16 = 0;
/// Backoff after an error of the cluster.
const CLUSTER_TROUBLE: Duration = Duration::from_secs(2);
/// Backoff after the first conflict; each further one in a row doubles it.
const FIRST_CONFLICT: Duration = Duration::from_millis(100);
/// The longest backoff after conflicts.
const LONGEST_CONFLICT: Duration = Duration::from_secs(60);
/// Conflicts in a row from which on they are logged.
const PERSISTENT: u32 = 5;

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
    let (cache, bulkhead) = (store.clone(), Arc::<Bulkhead>::default());
    Controller::for_stream(trigger, store)
        .with_config(kube::runtime::controller::Config::default().concurrency(UNBOUNDED))
        .reconcile_on(wake)
        .graceful_shutdown_on(stop)
        .run(
            move |object, context| {
                let (cache, bulkhead) = (cache.clone(), bulkhead.clone());
                async move {
                    let platform = context.survey.stores.home_of(&*object);
                    let _place = bulkhead.enter(platform).await;
                    // What only waits has no room for all that a pass holds.
                    Box::pin(reconcile(cache, object, context)).await
                }
            },
            |object, error, context| on_error(&*object, error, &context),
            context,
        )
        .for_each(|_| std::future::ready(()))
        .await;
}

fn on_error<K: Managed>(object: &K, error: &PassError, context: &Context) -> Action {
    let resource = resource_ref(object);
    let labels = UnfinishedLabels {
        kind: K::KIND.as_str().into(),
        reason: error.reason().into(),
    };
    context
        .metrics
        .unfinished_passes
        .get_or_create(&labels)
        .inc();
    let times = context.memory.note_unfinished(&resource);
    if error.is_conflict() {
        if times >= PERSISTENT {
            tracing::warn!(%resource, %error, times, "reconciliation repeatedly failed with a conflict; requeued with backoff");
        }
        let delay = FIRST_CONFLICT * 2_u32.saturating_pow(times.saturating_sub(1).min(12));
        return Action::requeue(delay.min(LONGEST_CONFLICT));
    }
    tracing::warn!(%resource, %error, times, "the reconciliation didn't finish");
    let delay = if error.is_lasting() {
        planner::retry_delay(times)
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
        // While the caches are incomplete, a missing object isn't reported; everything is enqueued once they are filled.
        return Ok(Action::await_change());
    }
    let started = Instant::now();
    // The cached version dates from when it could be read.
    if context.survey.is_unreadable(&resource_ref(&*object)) {
        return Ok(Action::await_change());
    }
    if !context.leads(&*object) {
        return Ok(Action::await_change());
    }
    // The cache may have changed since the pass was enqueued.
    let cached = cache.get(&ObjectRef::from_obj(&*object));
    let cached = cached.filter(|cached| cached.uid() == object.uid());
    let object = context.recent.newest(cached.unwrap_or(object));
    let resource = resource_ref(&*object);
    let passing = AssertUnwindSafe(pass(&context, object.clone())).catch_unwind();
    let outcome = passing.await.unwrap_or(Err(PassError::Panicked));
    match &outcome {
        Ok(_) => context.memory.note_finished(&resource),
        Err(error) if error.is_ours() => {
            let telling = AssertUnwindSafe(tell_unfinished(&context, &object, error));
            // A panic here, too, has been logged, and there is nothing better to report.
            let _ = telling.catch_unwind().await;
        }
        Err(_) => {}
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
