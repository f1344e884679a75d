//! What the operator can do in one step, and the settlement at the end of a pass.

use std::time::Duration;

use serde_json::{Map, Value};

use super::marks::Marks;
use crate::{
    api::{
        conditions::Reason,
        shared::{ChangeStep, Drift, Intent, ManualStep},
    },
    estate::{Claim, ObjectId},
    rules::Refusal,
};

/// One step: at most one outbound request. The operator performs it, records the outcome, and asks the planner again.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Put our finalizer on the resource, before any remote object can exist.
    Finalize,
    /// Write our annotation and labels on the resource.
    Mark(Marks),
    /// Record what is about to be sent, so that a crash at any moment leaves a trace of it.
    RecordIntent(Intent),
    /// Read the object that carries our claim.
    LookUp(Claim),
    /// Read afresh what stands where a creation of this document would put its object.
    LookBeside(Map<String, Value>),
    /// Read one object afresh.
    Read(ObjectId),
    /// Create the object.
    Create {
        /// The claim that it will carry.
        claim: Claim,
        /// Its initial settings; the operator adds secrets.
        document: Map<String, Value>,
        /// Its initial fields, for the change log.
        fields: Vec<String>,
    },
    /// Change settings.
    Update {
        /// Which object.
        id: ObjectId,
        /// The version that the patch was made for.
        etag: Option<String>,
        /// Our claim, where the object carries none yet: it is sent with the first write after an adoption.
        mark: Option<Claim>,
        /// RFC 7396 merge patch; the operator adds secrets.
        patch: Map<String, Value>,
        /// The fields it changes, for the change log.
        fields: Vec<String>,
        /// Whether the platform had drifted, rather than the spec changed.
        reverting: bool,
    },
    /// Switch the object on or off.
    SetActive {
        /// Which object.
        id: ObjectId,
        /// On or off.
        active: bool,
        /// The field of the spec that says so.
        field: String,
        /// Whether the platform had drifted, rather than the spec changed.
        reverting: bool,
    },
    /// Move a listed client to this customer.
    MoveClient {
        /// Which client.
        client: ObjectId,
        /// The version that was seen.
        etag: Option<String>,
        /// The customer that receives it.
        customer: ObjectId,
    },
    /// Mail the account details, once.
    SendWelcomeMail(ObjectId),
    /// Poll an accepted operation.
    CheckOperation(String),
    /// Ask what a deletion would take away.
    RehearseDeletion(ObjectId),
    /// Take one of the permits for a deletion that the platform's limit allows within the hour.
    TakeDeletionPermit(u32),
    /// Delete what was rehearsed.
    Delete {
        /// Which object.
        id: ObjectId,
        /// The rehearsal's token.
        confirmation: String,
    },
    /// Make sure that the deleted object is gone.
    ConfirmGone(ObjectId),
    /// Remove our finalizer: Kubernetes may delete the resource.
    Release,
    /// Nothing more to do in this pass.
    Settle(Box<Settlement>),
}

impl Step {
    /// What the step changes on the platform, if it does: its name in the change log, and the fields.
    pub fn mutation(&self) -> Option<(ChangeStep, Vec<String>)> {
        match self {
            Self::Create { fields, .. } => Some((ChangeStep::Create, fields.clone())),
            Self::Update { fields, .. } => Some((ChangeStep::Update, fields.clone())),
            Self::SetActive { active, field, .. } => {
                let step = if *active {
                    ChangeStep::Activate
                } else {
                    ChangeStep::Suspend
                };
                Some((step, vec![field.clone()]))
            }
            Self::MoveClient { client, .. } => Some((
                ChangeStep::MoveClient,
                vec![format!("clients.ids[{client}]")],
            )),
            Self::SendWelcomeMail(_) => {
                Some((ChangeStep::SendWelcomeMail, vec!["welcomeMail".into()]))
            }
            Self::Delete { .. } => Some((ChangeStep::Delete, Vec::new())),
            Self::Finalize
            | Self::Mark(_)
            | Self::RecordIntent(_)
            | Self::LookUp(_)
            | Self::LookBeside(_)
            | Self::Read(_)
            | Self::CheckOperation(_)
            | Self::RehearseDeletion(_)
            | Self::TakeDeletionPermit(_)
            | Self::ConfirmGone(_)
            | Self::Release
            | Self::Settle(_) => None,
        }
    }

    /// Whether the step moves a client, or notes that it will be moved.
    pub fn moves_a_client(&self) -> bool {
        match self {
            Self::MoveClient { .. } => true,
            Self::RecordIntent(intent) => intent.step == ChangeStep::MoveClient,
            _ => false,
        }
    }

    /// Whether the step corrects drift rather than follows an edit.
    pub fn is_reverting(&self) -> bool {
        matches!(
            self,
            Self::Update {
                reverting: true,
                ..
            } | Self::SetActive {
                reverting: true,
                ..
            }
        )
    }

    /// The step's name in the change log, metrics and logs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Finalize => "Finalize",
            Self::Mark(_) => "Mark",
            Self::RecordIntent(_) => "RecordIntent",
            Self::LookUp(_) => "LookUp",
            Self::LookBeside(_) => "LookBeside",
            Self::Read(_) => "Read",
            Self::Create { .. } => "Create",
            Self::Update { .. } => "Update",
            Self::SetActive { active: true, .. } => "Activate",
            Self::SetActive { active: false, .. } => "Suspend",
            Self::MoveClient { .. } => "MoveClient",
            Self::SendWelcomeMail(_) => "SendWelcomeMail",
            Self::CheckOperation(_) => "CheckOperation",
            Self::RehearseDeletion(_) => "RehearseDeletion",
            Self::TakeDeletionPermit(_) => "TakeDeletionPermit",
            Self::Delete { .. } => "Delete",
            Self::ConfirmGone(_) => "ConfirmGone",
            Self::Release => "Release",
            Self::Settle(_) => "Settle",
        }
    }
}

/// The state of a resource at the end of a pass.
#[derive(Debug, Clone, PartialEq)]
pub struct Settlement {
    /// In one word and one sentence.
    pub verdict: Verdict,
    /// Fields that differ and aren't written.
    pub drift: Vec<Drift>,
    /// Steps that only a person at the console can perform.
    pub manual_steps: Vec<ManualStep>,
    /// Fields that no code acts on yet.
    pub not_acted_on: Vec<String>,
    /// The rule that refuses, if one does.
    pub rule: Option<&'static str>,
    /// When to requeue even if nothing changes.
    pub again: Option<Duration>,
}

/// The state of a resource.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// The platform holds what the spec says.
    InSync,
    /// The platform has no objects of this kind: the resource exists in the cluster alone.
    ClusterOnly(String),
    /// Holdfast only observes; the drift list says what differs.
    Observing,
    /// Holdfast doesn't observe.
    Paused,
    /// Too early for a verdict: the earlier status stays, and nothing is written.
    NotLookedYet,
    /// The operator or the platform will make progress without help.
    Waiting(Reason, String),
    /// The platform can't be reached: the last known state stays in status.
    Unreachable(String),
    /// A person must act.
    Stalled(Reason, String),
    /// The platform has nothing left to grant.
    OverQuota(String),
    /// Accepted for deletion, and held.
    DeletionBlocked(Reason, String),
    /// Released; there is no status to write any more.
    Released,
}

impl Verdict {
    /// Whether the deletion is held by the limit to how many there may be within an hour.
    pub fn is_held_by_limit(&self) -> bool {
        matches!(self, Self::DeletionBlocked(Reason::TooManyDeletions, _))
    }

    /// Whether another resource, or what stands on the platform, is in the way: when that changes, this one may proceed.
    pub fn waits_for_another(&self) -> bool {
        matches!(
            self,
            Self::Stalled(
                Reason::OwnedByAnother
                    | Reason::NameConflict
                    | Reason::ClientConflict
                    | Reason::DuplicateTenant
                    | Reason::NotFoundById
                    | Reason::VanishedOnPlatform,
                _
            )
        )
    }
}

/// How long a resource backs off after a permanent refusal when nothing changes.
pub const LONG_BACKOFF: Duration = Duration::from_secs(600);

impl Settlement {
    /// A settlement without drift or manual steps.
    pub fn of(verdict: Verdict, again: Option<Duration>) -> Self {
        Self {
            verdict,
            drift: Vec::new(),
            manual_steps: Vec::new(),
            not_acted_on: Vec::new(),
            rule: None,
            again,
        }
    }
}

/// The end of a pass without drift or manual steps.
pub fn settle(verdict: Verdict, again: Option<Duration>) -> Step {
    Step::Settle(Box::new(Settlement::of(verdict, again)))
}

/// Names the rule that a settlement follows from.
pub fn under_rule(mut step: Step, refusal: &Refusal) -> Step {
    if let Step::Settle(settlement) = &mut step {
        settlement.rule = Some(refusal.rule.name);
    }
    step
}

/// Whether a deletion may begin now, as far as the platform's limit goes. A deletion begins with its first effect, the
/// suspension or the deletion itself, and takes one permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeletionPermit {
    /// It may: the time from which it counts.
    Granted(jiff::Timestamp),
    /// As many as the limit allows have begun within the hour; when the next may, if ever.
    Refused(Option<jiff::Timestamp>),
}
