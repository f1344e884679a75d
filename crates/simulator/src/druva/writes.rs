//! One function for each operation that writes: reads the request, leaves a line in the trail, starts a task.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{FromRequestParts, Path, State, rejection::BytesRejection},
    http::{HeaderMap, request::Parts},
};
use serde_json::{Map, Value};

use super::{
    body::Body,
    customers,
    dialect::Dialect,
    refusal::{Answered, Refusal},
    tasks::{self, Order},
    tenants,
};
use crate::{
    changes::Change,
    estate::Answer,
    faults::Fate,
    http::{self, surroundings::Below},
    problem::Problem,
};

type Here = State<Arc<Dialect>>;
pub(super) type Sent = Result<Bytes, BytesRejection>;
/// The ids in a tenant's path.
type OfTenant = Path<(String, String)>;

/// What every write has.
pub(super) struct Request {
    below: Below,
    fate: Option<Fate>,
    headers: HeaderMap,
}

impl<S: Sync> FromRequestParts<S> for Request {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let below = parts.extensions.get::<Below>().cloned();
        Ok(Self {
            below: below.unwrap_or_else(|| Below(parts.uri.path().to_owned())),
            fate: parts.extensions.get::<Fate>().cloned(),
            headers: parts.headers.clone(),
        })
    }
}

pub(super) async fn create_customer(
    State(dialect): Here,
    request: Request,
    sent: Sent,
) -> Answered {
    start(dialect, "POST", request, Some(sent), customers::create).await
}

pub(super) async fn update_customer(
    State(dialect): Here,
    Path(id): Path<String>,
    request: Request,
    sent: Sent,
) -> Answered {
    start(
        dialect,
        "PUT",
        request,
        Some(sent),
        move |change, dialect, body| customers::update(change, dialect, &id, body),
    )
    .await
}

pub(super) async fn create_tenant(
    State(dialect): Here,
    Path(customer): Path<String>,
    request: Request,
    sent: Sent,
) -> Answered {
    start(
        dialect,
        "POST",
        request,
        Some(sent),
        move |change, dialect, body| tenants::create(change, dialect, &customer, body),
    )
    .await
}

pub(super) async fn update_tenant(
    State(dialect): Here,
    Path((customer, tenant)): OfTenant,
    request: Request,
    sent: Sent,
) -> Answered {
    start(
        dialect,
        "PATCH",
        request,
        Some(sent),
        move |change, dialect, body| tenants::update(change, dialect, (&customer, &tenant), body),
    )
    .await
}

pub(super) async fn suspend(
    State(dialect): Here,
    Path(ids): OfTenant,
    request: Request,
) -> Answered {
    switch(dialect, ids, request, false).await
}

pub(super) async fn unsuspend(
    State(dialect): Here,
    Path(ids): OfTenant,
    request: Request,
) -> Answered {
    switch(dialect, ids, request, true).await
}

async fn switch(
    dialect: Arc<Dialect>,
    (customer, tenant): (String, String),
    request: Request,
    active: bool,
) -> Answered {
    start(dialect, "POST", request, None, move |change, dialect, _| {
        tenants::switch(change, dialect, (&customer, &tenant), active)
    })
    .await
}

/// Runs one write that starts a task.
async fn start(
    dialect: Arc<Dialect>,
    method: &'static str,
    request: Request,
    sent: Option<Sent>,
    order: impl FnOnce(&Change<'_>, &Dialect, &Body) -> Result<Order, Problem> + Send + 'static,
) -> Answered {
    let answer = write(
        dialect,
        method,
        request,
        sent,
        |change, dialect, body, fate| {
            let order = order(change, dialect, body)?;
            tasks::start(change, &dialect.agenda, dialect.task_delay, order, fate)
        },
    );
    Ok(Json(answer.await?.body.unwrap_or(Value::Null)))
}

/// Runs one write as one change of the estate, with its line in the trail.
pub(super) async fn write(
    dialect: Arc<Dialect>,
    method: &'static str,
    request: Request,
    sent: Option<Sent>,
    job: impl FnOnce(&Change<'_>, &Dialect, &Body, Option<&Fate>) -> Result<Answer, Problem>
    + Send
    + 'static,
) -> Result<Answer, Refusal> {
    let sent = sent.map(http::received).transpose()?;
    let Request {
        below,
        fate,
        headers,
    } = request;
    let entry = http::entry(method, below, &headers);
    let estate = Arc::clone(&dialect.estate);
    let answer = estate.change(entry, move |change, entry| {
        let body = sent.map_or_else(|| Ok(Map::new()), |sent| http::object(&sent))?;
        entry.fields = http::names(&body);
        job(change, &dialect, &Body(body), fate.as_ref())
    });
    Ok(answer.await?)
}
