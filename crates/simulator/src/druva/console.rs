//! What only a person at Druva's console does: mark a tenant for deletion, cancel that, hand it to another account.
//! Everything else that the console can do are the bridge's routes on the same server.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::post,
};
use jiff::SignedDuration;

use super::{
    dialect::Dialect,
    effects,
    extra::Phase,
    refusal::{Refusal, refuse},
    tasks, tenants,
    writes::{Request, write},
};
use crate::{Kind, changes::Change, estate::Answer, item::Item, problem::Problem, rows};

/// How long a tenant that is marked for deletion stays; Druva's own alert names 168 hours.
const STAY: SignedDuration = SignedDuration::from_hours(168);

/// Below `/console`, with the console's token.
pub(super) fn routes(dialect: &Arc<Dialect>) -> Router {
    Router::new()
        .route("/console/tenants/{id}/{action}", post(act))
        .with_state(Arc::clone(dialect))
}

async fn act(
    State(dialect): State<Arc<Dialect>>,
    Path((id, action)): Path<(String, String)>,
    request: Request,
) -> Result<StatusCode, Refusal> {
    write(
        dialect,
        "POST",
        request,
        None,
        move |change, dialect, _, _| {
            let tenant = find(change, dialect, &id)?;
            match action.as_str() {
                "delete" => delete(change, dialect, tenant)?,
                "cancel-deletion" => cancel_deletion(change, tenant)?,
                "migrate" => mark(change, tenant, Some(Phase::Migrated))?,
                _ => return Err(refuse(404, format!("the console doesn't know {action}"))),
            }
            Ok(Answer {
                status: 204,
                body: None,
            })
        },
    )
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// By the estate's id or by Druva's.
fn find(change: &Change<'_>, dialect: &Dialect, id: &str) -> Result<Item, Problem> {
    let own = dialect.ids.tenant_of(id);
    let tenant = rows::get(
        change.connection,
        Kind::Tenant,
        own.as_deref().unwrap_or(id),
    )?;
    tenant.ok_or_else(|| refuse(404, format!("there is no tenant {id}")))
}

fn delete(change: &Change<'_>, dialect: &Dialect, tenant: Item) -> Result<(), Problem> {
    let at = change.now.saturating_add(STAY).unwrap_or(change.now);
    let tenant = tenants::mark_deleted(change, tenant, at)?;
    tasks::schedule_deletion(change, &dialect.agenda, &tenant, at)
}

fn cancel_deletion(change: &Change<'_>, tenant: Item) -> Result<(), Problem> {
    if tenant.state.druva.phase != Some(Phase::Deleted) {
        return Err(refuse(400, "the tenant isn't marked for deletion"));
    }
    tasks::cancel_deletion(change, &tenant)?;
    mark(change, tenant, None)
}

fn mark(change: &Change<'_>, tenant: Item, phase: Option<Phase>) -> Result<(), Problem> {
    effects::touch(change, tenant, |extra| {
        extra.phase = phase;
        extra.delete_date = None;
    })
    .map(|_| ())
}
