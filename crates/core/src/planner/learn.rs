//! What a step's outcome teaches: the one place where an answer becomes knowledge. The operator, `holdfast plan` and the crash
//! model perform steps in their own ways and all learn here.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{DeletionPermit, Marks, Step};
use crate::{
    api::{
        Kind,
        shared::{Change, ChangeOutcome, ChangeStep, Intent, ManagedStatus},
    },
    estate::{Client, Object, ObjectId},
    inventory::Inventory,
    reply::{OperationState, PlatformError, ProblemKind, Rehearsal, Written},
};

/// What this pass has learned or done so far.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a fact that a pass learns by itself"
)]
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// The finalizer was written in this pass.
    pub finalized: bool,
    /// The marks that were written last in this pass.
    pub marked: Option<Marks>,
    /// The platform says outright that no object carries our claim.
    pub unclaimed: bool,
    /// What stands where the object would be, as it was read last in this pass, and how often in a row it read the same.
    pub beside: Option<(BTreeSet<ObjectId>, usize)>,
    /// How often it was read.
    pub looks_beside: usize,
    /// An object read afresh in this pass.
    pub fresh: Option<ObjectId>,
    /// How many mutations this pass had performed when it read an object last.
    pub seen: usize,
    /// The platform says outright that there is no object of this id.
    pub gone: Option<ObjectId>,
    /// Whether the deletion may begin.
    pub permit: Option<DeletionPermit>,
    /// The deletion was rehearsed; this is the token.
    pub rehearsal: Option<Rehearsal>,
    /// The deletion was carried out.
    pub deleted: Option<ObjectId>,
    /// What is recorded as about to be sent.
    pub intent: Option<Intent>,
    /// How many mutations this pass had performed when a creation was recorded.
    pub before_intent: usize,
    /// An operation that the platform accepted and hasn't finished.
    pub operation: Option<String>,
    /// The object that a creation without a claim created, as the platform says.
    pub made: Option<ObjectId>,
    /// An operation has ended in this pass: the inventory may be older.
    pub concluded: bool,
    /// The operation was polled in this pass.
    pub operation_checked: bool,
    /// The operation waits for a person at the platform.
    pub waiting_for_human: bool,
    /// The failure of the last request.
    pub failure: Option<PlatformError>,
    /// Outbound mutations of this pass, oldest first.
    pub performed: Vec<Change>,
    /// How many of them the change log of status contains already.
    pub logged: usize,
    /// Fields that were written to correct drift.
    pub reverted: Vec<String>,
}

/// The result of a step that succeeded.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The cluster accepted what was written.
    Stored,
    /// Whether the deletion may begin.
    Permit(DeletionPermit),
    /// Every object that carries the claim.
    Claimed(Vec<Object>),
    /// The object that was asked for, or that there is none.
    Found(Option<Box<Object>>),
    /// What stands where a creation would put its object.
    Beside(Vec<Object>),
    /// A write was carried out, or accepted.
    Written(Written),
    /// A client was moved.
    Moved(Client),
    /// How far an operation is.
    Operation(OperationState),
    /// What a deletion would take away.
    Rehearsed(Rehearsal),
    /// The object was deleted.
    Deleted,
}

/// One step and what came of it.
pub struct Lesson<'a> {
    /// The kind of the resource.
    pub kind: Kind,
    /// The step.
    pub step: &'a Step,
    /// What came of it.
    pub outcome: Result<Answer, PlatformError>,
    /// What status had noted as about to be sent when the pass began.
    pub noted: Option<&'a Intent>,
    /// When, to the second.
    pub at: Timestamp,
}

impl Progress {
    /// The state at the start of a pass: with the operation that is still open, or with the note that a crash has left. How
    /// that request ended isn't known; the current state of the platform is read afresh.
    pub fn resumed(status: &ManagedStatus) -> Self {
        let intent = status.intent.as_ref();
        let lost = intent
            .filter(|intent| intent.operation.is_none())
            .map(|intent| Change {
                at: intent.at,
                step: intent.step,
                fields: intent.fields.clone(),
                outcome: ChangeOutcome::Unknown,
            });
        Self {
            operation: intent.and_then(|intent| intent.operation.clone()),
            performed: lost.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Adds the changes of an earlier pass that weren't recorded because writing status failed. How they ended is known better
    /// than from the note of them. I8, F3.
    pub fn recall(&mut self, unlogged: Vec<Change>, status: &ManagedStatus) {
        let is_same = |one: &Change, other: &Change| {
            (one.step, &one.fields) == (other.step, &other.fields) && one.at >= other.at
        };
        let noted = std::mem::take(&mut self.performed);
        let recalled = unlogged.into_iter();
        self.performed = recalled
            .filter(|change| !status.changes.contains(change))
            .collect();
        let is_recalled = |noted: &Change| {
            let mut recalled = self.performed.iter();
            recalled.any(|recalled| is_same(recalled, noted))
        };
        let unknown: Vec<Change> = noted
            .into_iter()
            .filter(|noted| !is_recalled(noted))
            .collect();
        self.performed.extend(unknown);
    }
}

impl Progress {
    /// How often in a row the same stood where the object would be.
    pub fn seen_beside(&self) -> usize {
        self.beside.as_ref().map_or(0, |(_, times)| *times)
    }

    /// The mutations of this pass that the change log doesn't contain yet.
    pub fn unlogged(&self) -> &[Change] {
        self.performed.get(self.logged..).unwrap_or_default()
    }

    /// Whether this pass released what another resource may wait for: a name, a place or a client. A creation releases
    /// nothing, nor does a setting that doesn't identify an object: the waiting resources would only be retried in vain.
    pub fn gave_up(&self) -> bool {
        let telling = [
            "displayName",
            "accountName",
            "planName",
            "parentRef",
            "resellerRef",
            "customerRef",
            "product",
        ];
        self.performed.iter().any(|change| match change.step {
            ChangeStep::MoveClient => true,
            ChangeStep::Update => {
                let mut fields = change.fields.iter();
                fields.any(|field| telling.contains(&field.as_str()))
            }
            _ => false,
        })
    }
}

impl Progress {
    /// Records what a step brought, in this pass's progress and in the inventory. Returns the change as it was carried out or
    /// failed, when the step was one.
    pub fn learn(
        &mut self,
        lesson: Lesson<'_>,
        inventory: Option<&mut Inventory>,
    ) -> Option<Change> {
        let Lesson {
            kind,
            step,
            outcome,
            noted,
            at,
        } = lesson;
        let outcome = match outcome {
            Ok(Answer::Stored) => {
                self.learn_stored(step);
                return None;
            }
            Ok(Answer::Permit(permit)) => {
                self.permit = Some(permit);
                return None;
            }
            Ok(Answer::Operation(state)) => self.learn_operation(Ok(state), noted),
            Err(error) if matches!(step, Step::CheckOperation(_)) => {
                self.learn_operation(Err(error), noted)
            }
            Ok(answer) => {
                if let Some(inventory) = inventory {
                    self.learn_answer(kind, step, answer, inventory);
                }
                Ok(())
            }
            Err(error) => Err(error),
        };
        let change = self.change(step, &outcome, at);
        // A write that was held before it was sent is no change.
        let held_back = matches!(
            outcome,
            Err(PlatformError::NotWriter(_) | PlatformError::Throttled { .. })
        );
        if !held_back {
            self.performed.extend(change.clone());
        }
        if let Some(change) = change
            .as_ref()
            .filter(|_| outcome.is_ok() && step.is_reverting())
        {
            self.reverted.extend(change.fields.iter().cloned());
        }
        self.failure = outcome.err();
        change
    }

    /// Records that an object was read afresh, after everything that this pass has done so far.
    pub(super) fn note_read(&mut self, id: &ObjectId) {
        self.fresh = Some(id.clone());
        self.seen = self.performed.len();
    }

    /// What the cluster has accepted.
    fn learn_stored(&mut self, step: &Step) {
        match step {
            Step::Finalize => self.finalized = true,
            Step::Mark(marks) => self.marked = Some(Marks::clone(marks)),
            Step::RecordIntent(intent) => {
                self.logged = self.performed.len();
                if intent.operation.is_none() {
                    self.before_intent = self.performed.len();
                }
                self.intent = Some(intent.clone());
            }
            _ => {}
        }
    }

    /// What the platform has said or done.
    fn learn_answer(&mut self, kind: Kind, step: &Step, answer: Answer, inventory: &mut Inventory) {
        match (step, answer) {
            (_, Answer::Claimed(objects)) => {
                self.unclaimed = objects.is_empty();
                for object in objects {
                    inventory.record(object);
                }
            }
            (_, Answer::Found(Some(object))) => {
                self.note_read(&object.id);
                inventory.record(*object);
            }
            (Step::Read(id) | Step::ConfirmGone(id), Answer::Found(None)) => {
                inventory.forget(kind, id);
                self.gone = Some(id.clone());
            }
            (_, Answer::Beside(objects)) => {
                let ids = objects.iter().map(|object| object.id.clone()).collect();
                let before = self.beside.take().filter(|(before, _)| *before == ids);
                self.beside = Some((ids, before.map_or(1, |(_, times)| times + 1)));
                self.looks_beside += 1;
                for object in objects {
                    inventory.record(object);
                }
            }
            (_, Answer::Written(Written::Done(object))) => {
                if matches!(step, Step::Create { .. }) && object.claim.is_none() {
                    self.made = Some(object.id.clone());
                }
                inventory.record(*object);
            }
            (_, Answer::Written(Written::Pending(operation))) => self.operation = Some(operation),
            (_, Answer::Moved(client)) => inventory.record_client(client),
            (_, Answer::Rehearsed(rehearsal)) => self.rehearsal = Some(rehearsal),
            (Step::Delete { id, .. }, Answer::Deleted) => {
                self.deleted = Some(id.clone());
                self.fresh = None;
            }
            _ => {}
        }
    }

    /// The state of an operation. The outcome of one that the platform no longer knows is open.
    fn learn_operation(
        &mut self,
        state: Result<OperationState, PlatformError>,
        noted: Option<&Intent>,
    ) -> Result<(), PlatformError> {
        match state {
            Ok(OperationState::Done(made)) => {
                self.made = made.or(self.made.take());
                self.conclude(noted, ChangeOutcome::Done);
            }
            Ok(OperationState::Running) => self.operation_checked = true,
            Ok(OperationState::WaitingForHuman) => {
                (self.operation_checked, self.waiting_for_human) = (true, true);
            }
            Ok(OperationState::Failed(problem)) => {
                self.conclude(noted, ChangeOutcome::Refused);
                return Err(problem.into());
            }
            Err(PlatformError::Refused(problem)) if problem.kind == ProblemKind::NotFound => {
                self.conclude(noted, ChangeOutcome::Unknown);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// An operation has ended: the change log records how, and the inventory may be older.
    fn conclude(&mut self, noted: Option<&Intent>, outcome: ChangeOutcome) {
        self.operation = None;
        self.concluded = true;
        let sent = |change: &&mut Change| change.outcome == ChangeOutcome::Sent;
        if let Some(change) = self.performed.last_mut().filter(sent) {
            change.outcome = outcome;
            self.logged = self.logged.min(self.performed.len() - 1);
        } else if let Some(intent) = noted {
            self.performed.push(Change {
                at: intent.at,
                step: intent.step,
                fields: intent.fields.clone(),
                outcome,
            });
        }
    }

    /// The step as the change log records it, if it changes something on the platform.
    fn change(
        &self,
        step: &Step,
        outcome: &Result<(), PlatformError>,
        at: Timestamp,
    ) -> Option<Change> {
        let (step, fields) = step.mutation()?;
        let outcome = match outcome {
            Ok(()) if self.operation.is_some() => ChangeOutcome::Sent,
            Ok(()) => ChangeOutcome::Done,
            Err(PlatformError::Refused(_)) => ChangeOutcome::Refused,
            Err(PlatformError::Unreachable(_) | PlatformError::Garbled(_)) => {
                ChangeOutcome::Unknown
            }
            Err(_) => ChangeOutcome::Failed,
        };
        Some(Change {
            at,
            step,
            fields,
            outcome,
        })
    }
}
