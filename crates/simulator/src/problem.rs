//! Refusals, as the contract's problem documents (RFC 9457).

use serde_json::{Map, Value, json};

use super::{Kind, store::StoreError};

/// The short list of what can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slug {
    NotFound,
    Conflict,
    PreconditionFailed,
    Invalid,
    LocationRequired,
    QuotaParentExceeded,
    HasDependents,
    Protected,
    Unsupported,
    Throttled,
    BackendUnavailable,
    Unauthorized,
    ConfirmationRequired,
}

impl Slug {
    const fn name(self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::Conflict => "conflict",
            Self::PreconditionFailed => "precondition-failed",
            Self::Invalid => "invalid",
            Self::LocationRequired => "location-required",
            Self::QuotaParentExceeded => "quota-parent-exceeded",
            Self::HasDependents => "has-dependents",
            Self::Protected => "protected",
            Self::Unsupported => "unsupported",
            Self::Throttled => "throttled",
            Self::BackendUnavailable => "backend-unavailable",
            Self::Unauthorized => "unauthorized",
            Self::ConfirmationRequired => "confirmation-required",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::NotFound => "Not found",
            Self::Conflict => "Already taken",
            Self::PreconditionFailed => "Changed since it was read",
            Self::Invalid => "Not a value that the platform takes",
            Self::LocationRequired => "A storage location must be chosen",
            Self::QuotaParentExceeded => "No room left above",
            Self::HasDependents => "Still in use",
            Self::Protected => "Kept by the platform",
            Self::Unsupported => "Not something this platform does",
            Self::Throttled => "Too many requests",
            Self::BackendUnavailable => "The platform can't serve just now",
            Self::Unauthorized => "No valid token",
            Self::ConfirmationRequired => "Confirm the deletion first",
        }
    }

    const fn status(self) -> u16 {
        match self {
            Self::NotFound => 404,
            Self::Conflict
            | Self::QuotaParentExceeded
            | Self::HasDependents
            | Self::ConfirmationRequired => 409,
            Self::PreconditionFailed => 412,
            Self::Invalid | Self::LocationRequired => 422,
            Self::Protected => 403,
            Self::Unsupported => 501,
            Self::Throttled => 429,
            Self::BackendUnavailable => 503,
            Self::Unauthorized => 401,
        }
    }
}

/// One refusal: what was refused and why, which field it is about, and what to do.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Problem {
    pub slug: Slug,
    pub status: u16,
    pub detail: String,
    pub field: Option<String>,
    pub remedy: Option<String>,
    pub conflicting_id: Option<String>,
}

impl Problem {
    pub fn new(slug: Slug, detail: impl Into<String>) -> Self {
        Self {
            slug,
            status: slug.status(),
            detail: detail.into(),
            field: None,
            remedy: None,
            conflicting_id: None,
        }
    }

    pub fn not_found(kind: Kind, id: &str) -> Self {
        Self::new(Slug::NotFound, format!("there is no {} {id}", kind.noun()))
    }

    /// A value that doesn't fit.
    pub fn invalid(field: &str, detail: impl Into<String>) -> Self {
        Self::new(Slug::Invalid, detail).field(field)
    }

    /// A request that can't be read at all (400).
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self {
            status: 400,
            ..Self::new(Slug::Invalid, detail)
        }
    }

    pub fn field(mut self, field: &str) -> Self {
        self.field = Some(field.to_owned());
        self
    }

    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    pub fn conflicting(mut self, id: &str) -> Self {
        self.conflicting_id = Some(id.to_owned());
        self
    }

    /// The document that goes out.
    pub fn document(&self) -> Value {
        let mut document = Map::new();
        document.insert(
            "type".into(),
            json!(format!("urn:holdfast:problem:{}", self.slug.name())),
        );
        document.insert("title".into(), json!(self.slug.title()));
        document.insert("status".into(), json!(self.status));
        document.insert("detail".into(), json!(self.detail));
        let optional = [
            ("field", &self.field),
            ("remedy", &self.remedy),
            ("conflictingId", &self.conflicting_id),
        ];
        for (member, value) in optional {
            if let Some(value) = value {
                document.insert(member.into(), json!(value));
            }
        }
        Value::Object(document)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the embedded platform's estate can't be read or written");
        Self::new(
            Slug::BackendUnavailable,
            "the estate can't be read or written just now",
        )
        .remedy("Try again; the platform's log says why")
    }
}

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Self {
        StoreError::from(error).into()
    }
}
