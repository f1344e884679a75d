//! What a platform may answer, in our terms. Plain data: the drivers make it, the planner learns from it.

mod error;

pub use error::{PlatformError, Problem, ProblemKind};

use crate::estate::{Object, ObjectId};

/// The result of a write.
#[derive(Debug, Clone, PartialEq)]
pub enum Written {
    /// Done; the object as it is now.
    Done(Box<Object>),
    /// Accepted, to be finished later under this operation id.
    Pending(String),
}

/// The outcome of an operation that was accepted earlier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OperationState {
    /// Still queued or running.
    Running,
    /// A person at the platform has to act.
    WaitingForHuman,
    /// Finished; with the object that it created, where it created one and the platform says which.
    Done(Option<ObjectId>),
    /// Failed, with the platform's words.
    Failed(Problem),
}

/// What a deletion would do, before it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsal {
    /// The token that lets this very deletion through.
    pub confirmation: String,
    /// Clients that would go.
    pub clients: u64,
    /// Bytes that would go.
    pub bytes: u64,
}
