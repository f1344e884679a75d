//! One function a route: reads the request, lets the estate do the work.

use std::sync::Arc;

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{Path, rejection::BytesRejection},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    paging::{self, AuditQuery, DeleteQuery, ListQuery, Mode, ReportQuery, query},
    surroundings::Below,
};
use crate::{
    Kind,
    audit::Entry,
    changes::{Change, Created},
    deletion::Removal,
    documents,
    estate::{Answer, Estate, Report},
    item::Item,
    problem::{Problem, Slug},
    view::Views,
};

type Here = Extension<Arc<Estate>>;
type Answered = Result<Response, Problem>;

/// Most field names in a line of the trail.
const MOST_FIELDS: usize = 200;

/// The part of the path that names a kind.
#[derive(Debug, Deserialize)]
pub(super) struct OfKind {
    kind: String,
}

/// The part of the path that names an item.
#[derive(Debug, Deserialize)]
pub(super) struct OfItem {
    kind: String,
    id: String,
}

/// The part of the path that names an item by its mark.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OfReference {
    kind: String,
    external_ref: String,
}

fn kind_of(plural: &str) -> Result<Kind, Problem> {
    Kind::from_plural(plural)
        .ok_or_else(|| Problem::new(Slug::NotFound, format!("there is nothing called {plural}")))
}

pub(super) async fn capabilities(Extension(estate): Here) -> Answered {
    Ok(Json(estate.capabilities().await?).into_response())
}

pub(super) async fn pool(Extension(estate): Here) -> Answered {
    Ok(Json(estate.pool().await?).into_response())
}

pub(super) async fn statistics(Extension(estate): Here) -> Json<Value> {
    Json(estate.statistics())
}

/// This platform works at once and so has no operations to watch.
pub(super) async fn operation(Path(path): Path<OperationPath>) -> Problem {
    Problem::new(Slug::NotFound, format!("there is no operation {}", path.id))
}

/// The part of the path that names an operation.
#[derive(Debug, Deserialize)]
pub(super) struct OperationPath {
    id: String,
}

pub(super) async fn usage(Extension(estate): Here, uri: Uri) -> Answered {
    let (days, after, limit) = query::<ReportQuery>(&uri)?.page(90, 400)?;
    report(&estate, Report::Usage, days, after, limit).await
}

pub(super) async fn health(Extension(estate): Here, uri: Uri) -> Answered {
    let (days, after, limit) = query::<ReportQuery>(&uri)?.page(30, 90)?;
    report(&estate, Report::Health, days, after, limit).await
}

async fn report(estate: &Estate, report: Report, days: i64, after: i64, limit: i64) -> Answered {
    let (as_of, page) = estate.figures(report, days, after, limit).await?;
    let mut document = paging::document(page);
    document["asOf"] = json!(as_of);
    Ok(Json(document).into_response())
}

pub(super) async fn audit(Extension(estate): Here, uri: Uri) -> Answered {
    let (after, limit) = query::<AuditQuery>(&uri)?.page()?;
    Ok(Json(paging::numbered(estate.audit(after, limit).await?)).into_response())
}

pub(super) async fn list(Extension(estate): Here, Path(path): Path<OfKind>, uri: Uri) -> Answered {
    let kind = kind_of(&path.kind)?;
    let (after, limit, filter) = query::<ListQuery>(&uri)?.page()?;
    if filter.customer.is_some() && !matches!(kind, Kind::Tenant | Kind::Client) {
        return Err(Problem {
            status: 400,
            ..Problem::invalid(
                "customerId",
                format!("{kind}s can't be filtered by customer"),
            )
        });
    }
    Ok(Json(paging::document(
        estate.list(kind, filter, after, limit).await?,
    ))
    .into_response())
}

pub(super) async fn get(Extension(estate): Here, Path(path): Path<OfItem>) -> Answered {
    Ok(shown(
        StatusCode::OK,
        Some(estate.get(kind_of(&path.kind)?, path.id, false).await?),
    ))
}

pub(super) async fn get_by_reference(
    Extension(estate): Here,
    Path(path): Path<OfReference>,
) -> Answered {
    Ok(shown(
        StatusCode::OK,
        Some(
            estate
                .get(kind_of(&path.kind)?, path.external_ref, true)
                .await?,
        ),
    ))
}

pub(super) async fn create(
    Extension(estate): Here,
    Extension(below): Extension<Below>,
    Path(path): Path<OfReference>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answered {
    let kind = kind_of(&path.kind)?;
    let only_new = text(&headers, header::IF_NONE_MATCH.as_str()).is_some();
    let body = received(body)?;
    let mut entry = entry("PUT", below, &headers);
    entry.external_ref = Some(path.external_ref.clone());
    let answer = estate.change(entry, move |change, entry| {
        let body = object(&body)?;
        entry.fields = names(&body);
        match change.create(kind, &path.external_ref, only_new, body)? {
            Created::New(item) => answer(change, 201, &item),
            Created::Existing(item) => answer(change, 200, &item),
        }
    });
    Ok(finished(answer.await?))
}

pub(super) async fn patch(
    Extension(estate): Here,
    Extension(below): Extension<Below>,
    Path(path): Path<OfItem>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answered {
    let kind = kind_of(&path.kind)?;
    let if_match = text(&headers, header::IF_MATCH.as_str());
    let body = received(body)?;
    let answer = estate.change(entry("PATCH", below, &headers), move |change, entry| {
        let patch = object(&body)?;
        entry.fields = names(&patch);
        entry.external_ref = change.get(kind, &path.id)?.external_ref;
        let item = change.patch(kind, &path.id, if_match.as_deref(), &patch)?;
        entry.external_ref.clone_from(&item.external_ref);
        answer(change, 200, &item)
    });
    Ok(finished(answer.await?))
}

pub(super) async fn act(
    Extension(estate): Here,
    Extension(below): Extension<Below>,
    Path(path): Path<OfItem>,
    headers: HeaderMap,
) -> Answered {
    let kind = kind_of(&path.kind)?;
    let if_match = text(&headers, header::IF_MATCH.as_str());
    let Some((id, verb)) = path
        .id
        .rsplit_once(':')
        .map(|(id, verb)| (id.to_owned(), verb.to_owned()))
    else {
        return Err(Problem {
            status: 405,
            ..Problem::new(Slug::Unsupported, "this route doesn't take this method")
        });
    };
    let answer = estate.change(entry("POST", below, &headers), move |change, entry| {
        entry.external_ref = change.get(kind, &id)?.external_ref;
        let if_match = if_match.as_deref();
        let item = match (verb.as_str(), kind) {
            ("activate" | "deactivate", _) => {
                entry.fields = vec!["active".into()];
                change.switch(kind, &id, if_match, verb == "activate")?
            }
            ("send-welcome-mail", Kind::Customer) => change.send_welcome_mail(&id, if_match)?,
            _ => {
                return Err(Problem::new(
                    Slug::Unsupported,
                    format!("a {kind} doesn't know {verb}"),
                ));
            }
        };
        answer(change, 200, &item)
    });
    Ok(finished(answer.await?))
}

pub(super) async fn remove(
    Extension(estate): Here,
    Extension(below): Extension<Below>,
    Path(path): Path<OfItem>,
    headers: HeaderMap,
    uri: Uri,
) -> Answered {
    let kind = kind_of(&path.kind)?;
    let query: DeleteQuery = query(&uri)?;
    let retain = query.mode == Mode::Retain;
    let if_match = text(&headers, header::IF_MATCH.as_str());
    let removal = Removal {
        retain,
        confirm: query.confirm,
        force: query.force,
        if_match,
    };
    if query.dry_run {
        let preview = estate.read(move |connection, now| {
            Change {
                connection,
                now,
                console: false,
            }
            .preview(kind, &path.id, &removal)
        });
        return Ok(Json(preview.await?).into_response());
    }
    let answer = estate.change(entry("DELETE", below, &headers), move |change, entry| {
        entry.fields = vec![if retain { "retain" } else { "purge" }.into()];
        entry.fields.extend(removal.force.then(|| "force".into()));
        entry.external_ref = change.get(kind, &path.id)?.external_ref;
        change.remove(kind, &path.id, &removal)?;
        Ok(Answer {
            status: 204,
            body: None,
        })
    });
    Ok(finished(answer.await?))
}

/// A line of the trail for a request, as far as it is known before it is looked at.
pub(crate) fn entry(method: &'static str, below: Below, headers: &HeaderMap) -> Entry {
    let actor = text(headers, "x-actor")
        .filter(|actor| !actor.is_empty())
        .unwrap_or_else(|| "api".into());
    let actor = actor.chars().take(64).collect();
    Entry {
        actor,
        method,
        path: below.0,
        external_ref: None,
        fields: Vec::new(),
    }
}

fn answer(change: &Change<'_>, status: u16, item: &Item) -> Result<Answer, Problem> {
    Ok(Answer {
        status,
        body: Some(Views::new(change.connection, change.now).show(item)?),
    })
}

fn finished(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    shown(status, answer.body)
}

fn shown(status: StatusCode, item: Option<Value>) -> Response {
    let Some(item) = item else {
        return status.into_response();
    };
    let etag = item["etag"]
        .as_str()
        .and_then(|etag| HeaderValue::from_str(&format!("\"{etag}\"")).ok());
    let mut response = (status, Json(item)).into_response();
    if let Some(etag) = etag {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned)
}

pub(crate) fn received(body: Result<Bytes, BytesRejection>) -> Result<Bytes, Problem> {
    body.map_err(|rejection| Problem {
        status: rejection.status().as_u16(),
        ..Problem::malformed(rejection.body_text())
    })
}

/// The body as an object. What is wrong with it is told without quoting it.
pub(crate) fn object(body: &[u8]) -> Result<Map<String, Value>, Problem> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Problem::malformed("the body isn't a JSON object")),
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            Err(Problem::malformed(format!(
                "the body isn't JSON from line {line}, column {column} on"
            )))
        }
    }
}

pub(crate) fn names(body: &Map<String, Value>) -> Vec<String> {
    let mut names = documents::paths(body);
    names.truncate(MOST_FIELDS);
    names
}
