//! Refusals in Druva's form. Source: Druva OpenAPI, `APIError`.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::{
    problem::{Problem, Slug},
    store::StoreError,
};

/// A problem that goes out as Druva's code and message.
#[derive(Debug)]
pub(crate) struct Refusal(pub Problem);

/// What a handler gives back.
pub(super) type Answered = Result<Json<Value>, Refusal>;

/// A request that Druva doesn't take.
pub(crate) fn refuse(status: u16, message: impl Into<String>) -> Problem {
    let slug = match status {
        401 => Slug::Unauthorized,
        404 => Slug::NotFound,
        429 => Slug::Throttled,
        500.. => Slug::BackendUnavailable,
        _ => Slug::Invalid,
    };
    Problem {
        status,
        ..Problem::new(slug, message)
    }
}

/// What the estate's rules refuse, with the status that the operation declares for it.
pub(super) fn ruled_out(status: u16) -> impl Fn(Problem) -> Problem {
    move |problem| {
        let own = problem.slug == Slug::BackendUnavailable;
        Problem {
            status: if own { 500 } else { status },
            ..problem
        }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Problem { status, detail, .. } = self.0;
        let body = json!({"code": status.to_string(), "message": detail});
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(body)).into_response()
    }
}
