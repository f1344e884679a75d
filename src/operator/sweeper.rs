//! The sweep of one platform: one bulk observation an interval, compared with the last; only a change enqueues its resource.

use std::{
    collections::{BTreeSet, HashMap},
    panic::AssertUnwindSafe,
    sync::Arc,
    time::Duration,
};

use futures::FutureExt;
use tokio::time::{Instant, sleep_until};

use super::{
    clock,
    context::Context,
    metrics::{ObjectLabels, PlatformLabels},
    platforms::{Handle, Trouble},
};
use crate::{api::Kind, estate::Scope, planner::retry_delay, platform::PlatformError};

/// The minimum time between two sweeps.
const SHORTEST: Duration = Duration::from_millis(200);

/// Objects that are asked for one by one with each sweep.
const LOOKS: usize = 50;

/// Sweeps a platform until the handle is retired.
pub async fn run(context: Arc<Context>, handle: Arc<Handle>) {
    context.filling.done().await;
    let mut failures = 0;
    loop {
        let started = Instant::now();
        let sweeping = AssertUnwindSafe(sweep(&context, &handle)).catch_unwind();
        let outcome = sweeping.await.unwrap_or_else(|_| {
            let fault = "a fault of Holdfast stopped the sweep; the operator's log has more";
            Err(PlatformError::Garbled(fault.into()))
        });
        let retry = match outcome {
            Ok(()) => {
                failures = 0;
                None
            }
            Err(error) => {
                failures += 1;
                note_trouble(&context, &handle, &error);
                Some(match error {
                    PlatformError::Throttled { retry_after } => {
                        retry_after.max(retry_delay(failures))
                    }
                    _ => retry_delay(failures).min(handle.site.terms().sweep_interval),
                })
            }
        };
        until_due(&handle, started, retry).await;
    }
}

/// Waits until the next sweep is due, or requested. A change of the interval takes effect at once.
async fn until_due(handle: &Handle, started: Instant, retry: Option<Duration>) {
    let mut terms = handle.terms_changed.subscribe();
    loop {
        let pause = retry.unwrap_or_else(|| handle.site.terms().sweep_interval);
        tokio::select! {
            () = sleep_until(started + pause.max(SHORTEST)) => return,
            () = handle.sweep_now.notified() => return,
            _ = terms.changed() => {}
        }
    }
}

async fn sweep(context: &Context, handle: &Handle) -> Result<(), PlatformError> {
    let started = Instant::now();
    context.prune();
    let ticket = handle.site.inventory_mut().begin_sweep();
    let scope = Scope {
        clients: context.survey.lists_clients(&handle.site.key),
    };
    let observation = handle.adapter.observe(scope).await?;
    let changes = handle.site.install(ticket, observation, scope.clients);
    let first = handle.site.facts().is_none();
    let timeline = clock::timeline();
    let woken = if first {
        context.survey.open(&handle.site, &timeline)
    } else {
        if changes.surroundings {
            handle.site.refresh_facts();
        }
        let changed: Vec<_> = changes.objects.iter().map(|(key, _)| key.clone()).collect();
        ask_for_left_out(context, handle).await;
        context.survey.note_sweep(&handle.site, &changed, &timeline)
    };
    context.admit(handle);
    context.wake_each(&woken);
    handle.set_swept();
    if first {
        handle.report_now.notify_one();
    }
    let recovered = handle.set_trouble(None);
    measure(context, handle, started.elapsed());
    tracing::debug!(platform = %handle.site.key, changed = changes.objects.len(), milliseconds = started.elapsed().as_millis(), "swept");
    if first || recovered {
        context.wake_all(&handle.site.key);
    } else {
        // What no resource holds may have been in the way of one.
        let mut foreign = BTreeSet::new();
        for ((kind, id), claim) in &changes.objects {
            if !context.wake_object(handle, *kind, id, claim.as_ref()) {
                foreign.insert(*kind);
            }
        }
        for kind in foreign {
            context.retry_waiting(kind);
        }
        if changes.surroundings {
            context.wake_all(&handle.site.key);
        }
    }
    if first || recovered || changes.surroundings || !changes.objects.is_empty() {
        context.wake_platform(&handle.site.key);
    }
    Ok(())
}

/// Asks for what counts although no resource manages it, and what the list left out: until the platform says that it is gone,
/// nobody else gets what it takes. A few with each sweep, so that a purge at the console costs no burst.
async fn ask_for_left_out(context: &Context, handle: &Handle) {
    let left_out = context.survey.left_out(&handle.site);
    for (kind, id) in left_out.into_iter().take(LOOKS) {
        match handle.adapter.read(kind, &id).await {
            Ok(Some(object)) => handle.site.inventory_mut().record(object),
            Ok(None) => handle.site.inventory_mut().forget(kind, &id),
            Err(error) => {
                tracing::info!(platform = %handle.site.key, %kind, %id, %error, "what the list left out can't be asked for now");
                return;
            }
        }
    }
}

/// A failed sweep changes nothing that is known; it is only reported.
fn note_trouble(context: &Context, handle: &Handle, error: &PlatformError) {
    // It answers, and asks for patience: what is known stays known.
    if matches!(error, PlatformError::Throttled { .. }) {
        tracing::info!(platform = %handle.site.key, %error, "the sweep is put off");
        return;
    }
    let trouble = match error {
        PlatformError::Unauthorised(_) => Trouble::Credentials(error.to_string()),
        _ => Trouble::Unreachable(error.to_string()),
    };
    if handle.set_trouble(Some(trouble)) {
        tracing::warn!(platform = %handle.site.key, %error, "the sweep failed");
        context.wake_platform(&handle.site.key);
        if !handle.site.inventory().is_complete() {
            context.wake_all(&handle.site.key);
        }
    }
}

fn measure(context: &Context, handle: &Handle, duration: Duration) {
    let platform = handle.site.key.to_string();
    context
        .metrics
        .sweep_seconds
        .get_or_create(&PlatformLabels {
            platform: platform.clone(),
        })
        .observe(duration.as_secs_f64());
    let mut counts: HashMap<(Kind, &str), i64> = HashMap::new();
    for kind in Kind::ALL {
        counts.insert((*kind, "managed"), 0);
        counts.insert((*kind, "unmanaged"), 0);
    }
    let account = handle
        .site
        .facts()
        .map(|facts| facts.capabilities.account.id.clone())
        .unwrap_or_default();
    for object in handle.site.inventory().objects() {
        let state = if context.survey.index.holder(&account, object).is_some() {
            "managed"
        } else {
            "unmanaged"
        };
        *counts.entry((object.kind, state)).or_default() += 1;
    }
    for ((kind, state), count) in counts {
        let labels = ObjectLabels {
            platform: platform.clone(),
            kind: kind.as_str().into(),
            state: state.into(),
        };
        context.metrics.objects.get_or_create(&labels).set(count);
    }
}
