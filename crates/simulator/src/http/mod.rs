//! The contract over HTTP: routes, and what lies around every request.

mod faulty;
mod handlers;
mod paging;
pub(crate) mod surroundings;
mod wire;

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::DefaultBodyLimit,
    http::{HeaderValue, StatusCode, header},
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use secrecy::SecretString;

pub(super) use handlers::{entry, names, object, received};

use super::{
    Faults,
    estate::Estate,
    problem::{Problem, Slug},
};

/// Largest request body, in bytes.
pub(super) const LARGEST_BODY: usize = 1 << 20;

/// What all requests of one server share.
pub(super) struct Shared {
    pub estates: Box<dyn Directory>,
    pub token: SecretString,
    pub latency: Option<Duration>,
    pub faults: Faults,
}

/// Finds the estate that a request is for.
pub(super) trait Directory: Send + Sync {
    /// The estate at a place; `None` as place for a server with a single estate.
    fn find(&self, place: Option<(&str, &str)>) -> Option<Arc<Estate>>;
}

/// A server of many estates, each below `/estates/{namespace}/{name}`.
pub(super) fn many(shared: Arc<Shared>) -> Router {
    finish(
        Router::new().nest("/estates/{namespace}/{name}", routes()),
        shared,
    )
}

/// A server of a single estate.
pub(super) fn single(shared: Arc<Shared>) -> Router {
    finish(routes(), shared)
}

/// The contract's routes, without what lies around them.
pub(super) fn routes() -> Router {
    Router::new()
        .route("/v1/capabilities", get(handlers::capabilities))
        .route("/v1/usage", get(handlers::usage))
        .route("/v1/health", get(handlers::health))
        .route("/v1/pool", get(handlers::pool))
        .route("/v1/audit", get(handlers::audit))
        .route("/v1/stats", get(handlers::statistics))
        .route("/v1/operations/{id}", get(handlers::operation))
        .route("/v1/{kind}", get(handlers::list))
        .route(
            "/v1/{kind}/{id}",
            get(handlers::get)
                .patch(handlers::patch)
                .delete(handlers::remove)
                .post(handlers::act),
        )
        .route(
            "/v1/{kind}/by-ref/{externalRef}",
            get(handlers::get_by_reference).put(handlers::create),
        )
}

fn finish(router: Router, shared: Arc<Shared>) -> Router {
    let guarded = guard(router, &shared);
    surround(guarded, shared)
}

/// Asks for the bridge's token.
pub(super) fn guard(router: Router, shared: &Arc<Shared>) -> Router {
    router
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(
            Arc::clone(shared),
            surroundings::authenticate,
        ))
}

/// What lies around every request of any wire. Layers run from the last to the first: find the estate and count, faults,
/// and then the router with its tokens.
pub(super) fn surround(router: Router, shared: Arc<Shared>) -> Router {
    router
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(from_fn_with_state(Arc::clone(&shared), faulty::strike))
        .layer(from_fn_with_state(
            Arc::clone(&shared),
            surroundings::locate,
        ))
        .fallback(no_such_route)
        .layer(from_fn(surroundings::never_cached))
}

async fn no_such_route() -> Problem {
    Problem::new(Slug::NotFound, "there is nothing at this path")
        .remedy("See the contract (bridge.openapi.yaml) for the routes")
}

async fn method_not_allowed() -> Problem {
    Problem {
        status: 405,
        ..Problem::new(Slug::Unsupported, "this route doesn't take this method")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self.document())).into_response();
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if self.slug == Slug::Unauthorized {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
