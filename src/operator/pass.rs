//! One pass over one resource: gather, decide, perform, repeat; at the end, settle.

use std::{collections::BTreeSet, sync::Arc};

use kube::runtime::controller::Action;

use super::{
    clock,
    context::Context,
    error::PassError,
    events,
    gather::{Gathered, gather},
    memory::state_of,
    perform::perform,
    platforms::Handle,
    settle::{forget, settle},
};
use crate::{
    planner::{self, Note, Progress, Step, View},
    survey::{Managed, ResourceRef, resource_ref},
};

/// Steps that one pass may take; longer sequences are split into several passes.
const STEPS: usize = 24;
/// Steps for clients beside those: a customer lists 500 at most, and each is noted and moved.
const MOVES: usize = 1000;

/// Performs steps until there is nothing more to do now. A permit for a deletion that wasn't used is returned.
///
/// # Errors
/// A write that the cluster doesn't accept, or steps that don't end.
pub async fn pass<K: Managed>(context: &Context, object: Arc<K>) -> Result<Action, PassError> {
    let mut progress = object.managed().map(Progress::resumed).unwrap_or_default();
    let resource = resource_ref(&*object);
    let uid = object.meta().uid.clone().unwrap_or_default();
    let status = object.managed().cloned();
    let mut unlogged = context.memory.take_unlogged(&resource);
    let mut left_open = context.memory.left_open(&resource, &uid);
    let may_come = |at| clock::timeline().age(at) < planner::LATE;
    left_open.retain(|creation| may_come(creation.at) && !unlogged.contains(creation));
    unlogged.append(&mut left_open);
    if !unlogged.is_empty() {
        progress.recall(unlogged, &status.clone().unwrap_or_default());
    }
    let mut handle = None;
    let outcome = steps(context, object, &mut progress, &mut handle).await;
    let open = planner::unanswered_creations(status.as_ref(), &progress, &clock::timeline());
    context.memory.note_open(&resource, uid, open);
    if outcome.is_err() {
        let unlogged = progress.unlogged().to_vec();
        context.memory.keep_unlogged(&resource, unlogged);
    }
    give_back(&progress, handle.as_ref(), &outcome);
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
    let (mut last, mut taken) = ("none", 0);
    for _ in 0..STEPS + MOVES {
        if taken == STEPS {
            break;
        }
        let gathered = gather(context, &*object).await?;
        handle.clone_from(&gathered.handle);
        let view = View {
            hold: gathered.handle.as_ref().and_then(|handle| handle.hold()),
            taken_over: (gathered.handle.as_ref())
                .map_or_else(Vec::new, |handle| handle.writer.taken_over()),
            backoff: context.memory.backoff(&resource, state_of(&*object)),
            insisted: insisted(context, &*object, &resource, &gathered).await,
            failures,
            ..gathered.observation.view(progress, clock::timeline())
        };
        match planner::next(&view) {
            Step::Settle(settlement) => {
                return settle(context, &object, &resource, &view, &gathered, *settlement).await;
            }
            Step::Release => {
                let (suspended, facet) = (planner::left_suspended(&view), planner::is_facet(&view));
                let object = perform(context, object, &gathered, Step::Release, progress).await?;
                events::released(&context.events, &*object, progress, suspended, facet).await;
                return Ok(forget::<K>(context, &resource, &object));
            }
            step => {
                last = step.name();
                // A customer may list more clients than a pass has steps; each moves once.
                taken += usize::from(!step.moves_a_client());
                object = perform(context, object, &gathered, step, progress).await?;
            }
        }
    }
    Err(PassError::TooManySteps(STEPS, last))
}

/// Returns a permit that wasn't used. After most errors the cluster may contain what was to be written.
fn give_back(
    progress: &Progress,
    handle: Option<&Arc<Handle>>,
    outcome: &Result<Action, PassError>,
) {
    let is_certain = match outcome {
        Ok(_) => true,
        Err(error) => error.is_conflict() || error.left_nothing(),
    };
    let account = handle.and_then(|handle| handle.writer.account());
    if let (Some(account), Some(taken_at), true) = (account, progress.unused_permit(), is_certain) {
        account.give_back(taken_at);
    }
}

/// Marks that another writer sets again after Holdfast has overwritten them. They are left unchanged, and that is reported
/// once: a fight with a tool that applies its manifest again and again can't be won.
async fn insisted<K: Managed>(
    context: &Context,
    object: &K,
    resource: &ResourceRef,
    gathered: &Gathered,
) -> BTreeSet<String> {
    let marks = &gathered.observation.declared.marks;
    let insisted = context.memory.insisted(resource, marks);
    for name in insisted
        .iter()
        .filter_map(|(name, news)| news.then_some(name))
    {
        let message = format!(
            "{name} is managed by Holdfast, but another client overwrote it again. Holdfast no longer corrects it, so its value may be wrong. Remove it from the manifest that sets it."
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
