//! Carries out faults around a request.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{LARGEST_BODY, Shared, surroundings::Below, wire::Wire};
use crate::{
    documents,
    druva::{Refusal, refuse},
    estate::Estate,
    faults::{Action, Lie, Moment, Place},
    problem::{Problem, Slug},
};

/// Largest answer that a fault rewrites, in bytes.
const LARGEST_ANSWER: usize = 64 << 20;

/// Lets a request through, or does to it what the faults say.
pub(super) async fn strike(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let below = request
        .extensions()
        .get::<Below>()
        .map(|below| below.0.clone())
        .unwrap_or_default();
    let actions = shared.faults.strike(request.method().as_str(), &below);
    if actions.is_empty() {
        return next.run(request).await;
    }
    let (mut request, asked) = match Asked::of(request).await {
        Ok(read) => read,
        Err(response) => return response,
    };
    let mut after = Vec::new();
    for action in actions {
        match action {
            Action::Delay(delay) => tokio::time::sleep(delay).await,
            Action::Status {
                code,
                content_type,
                body,
                retry_after,
            } => return status(asked.wire, code, content_type, body, retry_after),
            Action::Task(fate) => drop(request.extensions_mut().insert(fate)),
            Action::Drop(Moment::Before) => return dropped(),
            Action::Late(delay) => return late(request, next, delay).await,
            other => after.push(other),
        }
    }
    let mut response = next.run(request).await;
    for action in after {
        response = distort(response, action, &asked).await;
    }
    response
}

/// What the answer's distortion needs to know of the request.
struct Asked {
    method: Method,
    wire: Wire,
    cursor: Option<String>,
    now: Timestamp,
}

impl Asked {
    /// Reads the request, and gives it back whole.
    async fn of(request: Request) -> Result<(Request, Self), Response> {
        let wire = Wire::of(request.uri().path());
        let query = request.uri().query().unwrap_or_default();
        let cursor = query
            .split('&')
            .find_map(|pair| pair.strip_prefix(wire.cursor())?.strip_prefix('='))
            .map(str::to_owned);
        let now = request
            .extensions()
            .get::<Arc<Estate>>()
            .map_or(Timestamp::UNIX_EPOCH, |estate| estate.clock().now());
        let method = request.method().clone();
        let mut asked = Self {
            method,
            wire,
            cursor,
            now,
        };
        if wire == Wire::Bridge || asked.method != Method::POST {
            return Ok((request, asked));
        }
        // Druva's reports have it in the body.
        let (parts, body) = request.into_parts();
        let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
            return Err(dropped());
        };
        let document: Option<Value> = serde_json::from_slice(&body).ok();
        let token = document.and_then(|document| document["pageToken"].as_str().map(str::to_owned));
        asked.cursor = token.filter(|token| !token.is_empty());
        Ok((Request::from_parts(parts, Body::from(body)), asked))
    }
}

fn status(
    wire: Wire,
    code: u16,
    content_type: Option<String>,
    body: Option<String>,
    retry_after: Option<String>,
) -> Response {
    let mut response = match (&content_type, body) {
        (None, None) if wire == Wire::Druva => {
            Refusal(refuse(code, "a fault that was ordered")).into_response()
        }
        (None, None) => {
            let slug = match code {
                429 => Slug::Throttled,
                401 => Slug::Unauthorized,
                404 => Slug::NotFound,
                403 => Slug::Protected,
                _ => Slug::BackendUnavailable,
            };
            Problem {
                status: code,
                ..Problem::new(slug, "a fault that was ordered")
            }
            .into_response()
        }
        (_, body) => {
            let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, body.unwrap_or_default()).into_response()
        }
    };
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::RETRY_AFTER, retry_after),
    ];
    for (name, value) in headers {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// A body that fails before its first byte: the server then closes the connection with nothing sent.
fn dropped() -> Response {
    let lost = std::io::Error::new(
        std::io::ErrorKind::ConnectionReset,
        "a fault that was ordered",
    );
    Response::new(Body::from_stream(futures::stream::once(async {
        Err::<Bytes, _>(lost)
    })))
}

/// Answers now and carries the request out later.
async fn late(request: Request, next: Next, delay: Duration) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
        return dropped();
    };
    tokio::spawn(async move {
        tokio::time::sleep(delay).await;
        let _ = next.run(Request::from_parts(parts, Body::from(body))).await;
    });
    Problem {
        status: 504,
        ..Problem::new(Slug::BackendUnavailable, "a fault that was ordered")
    }
    .into_response()
}

async fn distort(response: Response, action: Action, asked: &Asked) -> Response {
    if action == Action::Drop(Moment::After) {
        return dropped();
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, LARGEST_ANSWER).await else {
        return dropped();
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    if let Action::Truncate(keep) = action {
        return Response::from_parts(parts, Body::from(bytes.slice(..keep.min(bytes.len()))));
    }
    let document = serde_json::from_slice::<Map<String, Value>>(&bytes)
        .ok()
        .filter(|_| parts.status.is_success());
    let Some(mut document) = document else {
        return Response::from_parts(parts, Body::from(bytes));
    };
    match action {
        Action::List(lie) => {
            if asked.cursor.is_some() && lie == Lie::SecondPageFails {
                return status(asked.wire, 500, None, None, None);
            }
            lie_about(&mut document, lie, asked);
        }
        Action::Hide { period, from } if !hide(&mut document, period, from, asked) => {
            return status(asked.wire, 404, None, None, None);
        }
        Action::Merge(Value::Object(patch)) => match asked.wire.items(&mut document) {
            Some(items) => items
                .iter_mut()
                .filter_map(Value::as_object_mut)
                .for_each(|item| documents::merge(item, &patch)),
            None => documents::merge(&mut document, &patch),
        },
        _ => {}
    }
    Response::from_parts(parts, Body::from(Value::Object(document).to_string()))
}

fn lie_about(document: &mut Map<String, Value>, lie: Lie, asked: &Asked) {
    let Some(items) = asked.wire.items(document) else {
        return;
    };
    let wire = asked.wire;
    match lie {
        Lie::Empty => {
            items.clear();
            wire.end(document);
        }
        Lie::Half => {
            let mut keep = false;
            items.retain(|_| {
                keep = !keep;
                keep
            });
        }
        Lie::Incomplete if wire == Wire::Bridge => {
            document.insert("complete".into(), json!(false));
        }
        // A wire that says nothing else of completeness only loses the way on.
        Lie::Incomplete => wire.end(document),
        Lie::SecondPageFails => {
            // Without a second page nothing could fail.
            let next = wire.next(document);
            wire.lead_on(document, next);
        }
        Lie::Loop => {
            let next = wire.next(document);
            wire.lead_on(document, asked.cursor.clone().unwrap_or(next));
        }
    }
}

/// Takes fresh items out of a list; false when the document is itself a fresh item.
fn hide(
    document: &mut Map<String, Value>,
    period: Duration,
    from: Option<Place>,
    asked: &Asked,
) -> bool {
    let fresh = |item: &Value| {
        let created = item[asked.wire.created()]
            .as_str()
            .and_then(|at| at.parse::<Timestamp>().ok());
        created.is_some_and(|created| {
            asked.now.duration_since(created)
                < jiff::SignedDuration::try_from(period).unwrap_or_default()
        })
    };
    if asked.method != Method::GET {
        return true;
    }
    match asked.wire.items(document) {
        Some(items) if from != Some(Place::Gets) => {
            items.retain(|item| !fresh(item));
            true
        }
        Some(_) => true,
        None => from == Some(Place::Lists) || !fresh(&Value::Object(document.clone())),
    }
}
