//! What people do at Cove's own console, and what devices report by themselves: for tests and trials.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::{
    modes::CoveModes,
    shared::Shared,
    world::{Document, ROOT, Table},
};
use crate::random;

type Reply = Result<Json<Value>, (StatusCode, String)>;

fn admit(shared: &Shared, headers: &HeaderMap) -> Result<(), (StatusCode, String)> {
    let given = headers.get(header::AUTHORIZATION);
    let expected = format!("Bearer {}", shared.token.expose_secret());
    if given.is_some_and(|given| given.as_bytes() == expected.as_bytes()) {
        return Ok(());
    }
    Err((
        StatusCode::UNAUTHORIZED,
        "the console's token is missing".to_owned(),
    ))
}

/// Everything, and the requests so far.
pub(super) async fn state(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Reply {
    admit(&shared, &headers)?;
    let inner = shared.inner();
    let all = |table| {
        inner
            .world
            .all(table)
            .map(|(_, document)| document)
            .collect::<Vec<_>>()
    };
    Ok(Json(json!({
        "partners": all(Table::Partner), "devices": all(Table::Device), "requests": inner.counts,
        "refusedLogins": inner.door.refused,
    })))
}

/// Puts partners in as they are: any level, any customer reference. Members that are missing are filled in.
pub(super) async fn partners(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Json(rows): Json<Vec<Document>>,
) -> Reply {
    admit(&shared, &headers)?;
    let now = shared.clock.now().as_second();
    put(&shared, Table::Partner, rows, |row, _| {
        for (member, value) in [
            ("ParentId", json!(ROOT)),
            ("Level", json!("EndCustomer")),
            ("ServiceType", json!("AllInclusive")),
            ("State", json!("InProduction")),
            ("LocationId", json!(6)),
            ("CreationTime", json!(now)),
        ] {
            row.entry(member).or_insert(value);
        }
    })
}

/// Puts devices in, with the values of their columns under `columns`. With an `Id` that exists, changes it.
pub(super) async fn devices(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Json(rows): Json<Vec<Document>>,
) -> Reply {
    admit(&shared, &headers)?;
    put(&shared, Table::Device, rows, |row, id| {
        row.entry("Name")
            .or_insert_with(|| format!("device-{id}").into());
        row.entry("Password")
            .or_insert_with(|| random::token().into());
        row.entry("Token").or_insert_with(|| random::uuid().into());
    })
}

fn put(
    shared: &Shared,
    table: Table,
    rows: Vec<Document>,
    fill: impl Fn(&mut Document, i64),
) -> Reply {
    let mut inner = shared.inner();
    let mut ids = Vec::new();
    let mut filled = Vec::new();
    for mut row in rows {
        let id = row.get("Id").and_then(Value::as_i64);
        let id = id.unwrap_or_else(|| inner.world.fresh_id());
        let mut document = inner.world.get(table, id).cloned().unwrap_or_default();
        document.append(&mut row);
        document.insert("Id".into(), id.into());
        fill(&mut document, id);
        ids.push(id);
        filled.push((id, document));
    }
    let written = inner.world.put_all(table, filled);
    written.map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    Ok(Json(json!(ids)))
}

/// Replaces the modes.
pub(super) async fn modes(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Json(modes): Json<CoveModes>,
) -> Reply {
    admit(&shared, &headers)?;
    shared.inner().modes = modes;
    Ok(Json(Value::Null))
}
