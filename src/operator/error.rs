//! Why a pass had to stop.

use thiserror::Error;

/// Why a pass had to stop: an error of the cluster, not of the platform.
#[derive(Debug, Error)]
pub enum PassError {
    /// The API server refused or didn't answer.
    #[error("the API server: {0}")]
    Cluster(#[from] kube::Error),
    /// A resource couldn't be turned into a document.
    #[error("encoding {0}")]
    Encoding(#[from] serde_json::Error),
    /// The planner requested a platform that isn't there.
    #[error("the step needs a platform, but none is known")]
    NoPlatform,
    /// A permit for a deletion can't be recorded.
    #[error("the permit for the deletion can't be written on the Lease {0:?}; nothing was deleted")]
    PermitNotRecorded(String),
    /// A request that would leave no trace may not be sent.
    #[error("the intent can't be recorded in status, so nothing is sent")]
    Unrecorded,
    /// The resource or its platform was changed while a request waited for its turn: nothing was sent.
    #[error("the spec was changed while the request waited for its turn; it was not sent")]
    Overtaken,
    /// Neither a status nor its replacement was accepted.
    #[error("the API server rejects every status: {0}")]
    StatusRefused(String),
    /// More steps than a pass may take; contains the last of them.
    #[error("the reconciliation had no end after {0} steps, the last of them {1}")]
    TooManySteps(usize, &'static str),
    /// An error of Holdfast. Its message may contain values, so it is in the log alone.
    #[error("the reconciliation stopped unexpectedly")]
    Panicked,
}

impl PassError {
    /// The API server has understood what was written, and refuses it.
    pub fn is_invalid(&self) -> bool {
        matches!(self, Self::Cluster(kube::Error::Api(status)) if status.code == 422)
    }

    /// Why the API server refuses, always in the same order.
    pub fn causes(&self) -> String {
        let Self::Cluster(kube::Error::Api(status)) = self else {
            return self.to_string();
        };
        let causes = status.details.iter().flat_map(|details| &details.causes);
        let mut causes: Vec<String> = causes
            .map(|cause| format!("{}: {}", cause.field, cause.message))
            .collect();
        causes.sort_unstable();
        if causes.is_empty() {
            status.message.clone()
        } else {
            causes.join("; ")
        }
    }

    /// Another writer was faster, or the resource is gone: the next pass sees it.
    pub fn is_conflict(&self) -> bool {
        match self {
            Self::Cluster(kube::Error::Api(status)) => matches!(status.code, 404 | 409),
            Self::Overtaken => true,
            _ => false,
        }
    }

    /// The API server has refused the write, so nothing of it is there.
    pub fn left_nothing(&self) -> bool {
        match self {
            Self::Cluster(kube::Error::Api(status)) => {
                (400..500).contains(&status.code) && status.code != 408
            }
            Self::Unrecorded | Self::StatusRefused(_) => true,
            _ => false,
        }
    }

    /// An immediate retry would have the same result.
    pub fn is_lasting(&self) -> bool {
        match self {
            Self::Cluster(kube::Error::Api(status)) => {
                (400..500).contains(&status.code) && status.code != 429
            }
            Self::Cluster(_) | Self::PermitNotRecorded(_) | Self::Overtaken => false,
            Self::Encoding(_)
            | Self::NoPlatform
            | Self::Unrecorded
            | Self::StatusRefused(_)
            | Self::TooManySteps(..)
            | Self::Panicked => true,
        }
    }

    /// The error is Holdfast's own, and is reported on the object.
    pub fn is_ours(&self) -> bool {
        matches!(self, Self::TooManySteps(..) | Self::Panicked)
    }

    /// A short word for metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TooManySteps(..) => "steps",
            Self::Panicked => "panic",
            _ if self.is_conflict() => "conflict",
            _ => "cluster",
        }
    }
}
