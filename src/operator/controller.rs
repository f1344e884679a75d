//! The controller of one kind: what calls for a pass, and what follows from how it ended.

use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use kube::{
    ResourceExt,
    runtime::{
        controller::{Action, Controller},
        reflector::{ObjectRef, Store},
    },
};
use tokio::time::Instant;

use super::{context::Context, metrics::KindLabels, pass::pass, writes::PassError};
use crate::{
    planner,
    survey::{Managed, resource_ref},
};

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
    tracing::warn!(%resource, %error, "the pass didn't finish");
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
