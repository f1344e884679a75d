//! How a request to a platform can fail, by what it means for us.

use std::time::Duration;

use thiserror::Error;

/// The platform's reasoned refusal, in our terms.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{detail}")]
pub struct Problem {
    /// Which refusal it is.
    pub kind: ProblemKind,
    /// The field it is about, when the platform says.
    pub field: Option<String>,
    /// The platform's sentence.
    pub detail: String,
    /// What the platform says to do.
    pub remedy: Option<String>,
    /// The object that is in the way, for a conflict.
    pub conflicting_id: Option<String>,
}

impl Problem {
    /// What this interface has no way to do.
    pub fn unsupported(detail: &str) -> Self {
        Self {
            kind: ProblemKind::Unsupported,
            field: None,
            detail: detail.to_owned(),
            remedy: None,
            conflicting_id: None,
        }
    }
}

/// The refusals that we tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProblemKind {
    /// An object carries this claim already: our own earlier creation.
    AlreadyExists,
    /// The object has changed since we read it.
    PreconditionFailed,
    /// There is no such object.
    NotFound,
    /// The name, or the customer's product, is taken.
    Conflict,
    /// The platform doesn't take this value.
    Invalid,
    /// The country hosts no data; a location must be named.
    LocationRequired,
    /// More than the parent has left to give.
    QuotaExceeded,
    /// Something still hangs under the object.
    HasDependents,
    /// A backup is running under the object.
    BackupActive,
    /// The platform keeps the object for itself.
    Protected,
    /// The platform can't do this at all.
    Unsupported,
    /// The deletion's confirmation is missing or out of date.
    ConfirmationRequired,
    /// The platform is still working on the object.
    Busy,
    /// A refusal of a type that we don't know.
    Other,
}

/// Why a request to a platform brought nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlatformError {
    /// The platform understood and refused.
    #[error(transparent)]
    Refused(#[from] Problem),
    /// The credential isn't good (any more).
    #[error("the platform rejects the credentials: {0}")]
    Unauthorised(String),
    /// The budget is used up, ours or the platform's.
    #[error("the platform throttles requests and asks to wait {} s before the next one", .retry_after.as_secs())]
    Throttled {
        /// How long to wait.
        retry_after: Duration,
    },
    /// No answer: whether the request was carried out isn't known.
    #[error("no answer from the platform: {0}")]
    Unreachable(String),
    /// The platform says that it can't serve now, or said so a moment ago and isn't asked again yet.
    #[error("{0}")]
    Unavailable(String),
    /// An answer that can't be trusted: HTML, a truncated body, a list that never ends.
    #[error("the platform's answer can't be used: {0}")]
    Garbled(String),
    /// This process may not write: another process holds the account, or this one is stopping.
    #[error("this process may not write to the platform now: {0}")]
    NotWriter(String),
}

impl PlatformError {
    /// Whether the same request may succeed later without any action by a person.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Throttled { .. }
            | Self::Unreachable(_)
            | Self::Unavailable(_)
            | Self::Garbled(_)
            | Self::NotWriter(_) => true,
            Self::Refused(problem) => matches!(
                problem.kind,
                ProblemKind::AlreadyExists
                    | ProblemKind::PreconditionFailed
                    | ProblemKind::BackupActive
                    | ProblemKind::Busy
                    | ProblemKind::ConfirmationRequired
                    | ProblemKind::HasDependents
                    | ProblemKind::QuotaExceeded
            ),
            Self::Unauthorised(_) => false,
        }
    }

    /// Whether the failure concerns the platform as a whole, not this request.
    pub fn is_about_platform(&self) -> bool {
        !matches!(self, Self::Refused(_))
    }

    /// A short word for metrics.
    pub fn outcome(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Unauthorised(_) => "unauthorised",
            Self::Throttled { .. } => "throttled",
            Self::Unreachable(_) => "unreachable",
            Self::Unavailable(_) => "unavailable",
            Self::Garbled(_) => "garbled",
            Self::NotWriter(_) => "not-writer",
        }
    }
}
