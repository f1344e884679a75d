//! Druva's routes, and what lies around every request. Source: Druva OpenAPI, paths.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};

use super::{
    console,
    dialect::Dialect,
    effects, events, lists, quota,
    refusal::{Answered, Refusal, refuse},
    reports, writes,
};
use crate::{
    http::{self, Shared},
    problem::{Problem, Slug},
};

/// The dialect on its own wire, and the bridge's routes as the console of the same estate.
pub(super) fn router(dialect: Arc<Dialect>, shared: Arc<Shared>) -> Router {
    let console = console::routes(&dialect).merge(http::routes());
    let console = http::guard(console.layer(from_fn(only_the_console)), &shared);
    let wire = wire()
        .method_not_allowed_fallback(no_such_operation)
        .layer(from_fn_with_state(Arc::clone(&dialect), authenticate))
        .route("/msp/auth/v1/token", post(token))
        .with_state(Arc::clone(&dialect));
    let all = console.merge(wire);
    http::surround(all.layer(from_fn_with_state(dialect, settle)), shared)
}

fn wire() -> Router<Arc<Dialect>> {
    Router::new()
        .route(
            "/msp/v3/customers",
            get(lists::customers).post(writes::create_customer),
        )
        .route(
            "/msp/v3/customers/{customerID}",
            get(lists::customer).put(writes::update_customer),
        )
        .route(
            "/msp/v3/customers/{customerID}/tenants",
            post(writes::create_tenant),
        )
        .route(
            "/msp/v3/customers/{customerID}/tenants/{tenantID}",
            get(lists::tenant).patch(writes::update_tenant),
        )
        .route(
            "/msp/v2/customers/{customerID}/tenants/{tenantID}/suspend",
            post(writes::suspend),
        )
        .route(
            "/msp/v2/customers/{customerID}/tenants/{tenantID}/unsuspend",
            post(writes::unsuspend),
        )
        .route(
            "/msp/v3/customers/{customerID}/events",
            get(events::of_customer),
        )
        .route(
            "/msp/v2/customers/{customerID}/token",
            post(lists::customer_token),
        )
        .route("/msp/v3/tenants", get(lists::tenants))
        .route("/msp/v3/servicePlans", get(lists::service_plans))
        .route(
            "/msp/v3/servicePlans/{servicePlanID}",
            get(lists::service_plan),
        )
        .route("/msp/v2/admins", get(lists::admins))
        .route("/msp/v2/storage-regions", get(lists::storage_regions))
        .route("/msp/v2/tasks/{taskID}", get(lists::task))
        .route("/msp/v2/events", get(events::events))
        .route("/msp/quota/v1/customers/configurations", get(quota::list))
        .route(
            "/msp/quota/v1/customers/{customerId}/products/{productId}/configurations",
            put(quota::replace),
        )
        .route(
            "/msp/quota/v1/warningThreshold",
            get(quota::threshold).put(quota::set_threshold),
        )
        .route(
            "/msp/reporting/{version}/reports/{name}",
            post(reports::report),
        )
}

async fn no_such_operation() -> Refusal {
    refuse(405, "there is no such operation").into()
}

async fn token(State(dialect): State<Arc<Dialect>>, headers: HeaderMap, form: String) -> Answered {
    let now = dialect.estate.clock().now();
    Ok(Json(dialect.door.exchange(
        now,
        authorization(&headers),
        &form,
    )?))
}

fn authorization(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
}

/// Refuses a request without a token, or with one that has expired.
async fn authenticate(
    State(dialect): State<Arc<Dialect>>,
    request: Request,
    next: Next,
) -> Response {
    let now = dialect.estate.clock().now();
    if dialect.door.admits(now, authorization(request.headers())) {
        next.run(request).await
    } else {
        Refusal(refuse(401, "the token is missing, unknown or expired")).into_response()
    }
}

/// The bridge's routes stand for the console here, and nobody may take them for the platform's interface.
async fn only_the_console(request: Request, next: Next) -> Response {
    let actor = request.headers().get("x-actor");
    if actor.is_some_and(|actor| actor == "console") {
        return next.run(request).await;
    }
    Problem {
        status: 403,
        ..Problem::new(
            Slug::Unsupported,
            "on this server these routes are the console",
        )
    }
    .remedy("Send X-Actor: console, or use Druva's routes below /msp")
    .into_response()
}

/// Lets tasks whose time has come take effect before anybody looks.
async fn settle(State(dialect): State<Arc<Dialect>>, request: Request, next: Next) -> Response {
    if dialect.agenda.is_due(dialect.estate.clock().now()) {
        let (agenda, ids) = (dialect.agenda.clone(), dialect.ids.clone());
        let settled = dialect
            .estate
            .work(move |change| effects::settle(change, &agenda, &ids));
        if let Err(problem) = settled.await {
            return Refusal(problem).into_response();
        }
    }
    next.run(request).await
}
