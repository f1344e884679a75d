//! What tasks do once they are due, and what is taken back when they fail.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use serde_json::{Map, Value, json};

use super::{
    extra::{Extra, Phase},
    ids::Ids,
    tasks::{Agenda, Failure, Job, Work, failure_of},
};
use crate::{
    Kind, StoreError, changes::Change, deletion::Removal, item::Item, problem::Problem, rows,
};

type Result<T> = std::result::Result<T, Problem>;

/// A task whose time has come.
struct Due {
    id: String,
    customer: String,
    tenant: Option<String>,
    job: String,
}

fn due(connection: &Connection, now: Timestamp) -> Result<Vec<Due>> {
    let sql = "SELECT id, customer, tenant, job FROM druva_tasks WHERE applied_at IS NULL AND due_at <= ?1 ORDER BY due_at, created_at";
    let read = |row: &Row<'_>| {
        Ok(Due {
            id: row.get(0)?,
            customer: row.get(1)?,
            tenant: row.get(2)?,
            job: row.get(3)?,
        })
    };
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([now.as_millisecond()], read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Carries out what is due.
pub(super) fn settle(change: &Change<'_>, agenda: &Agenda, ids: &Ids) -> Result<()> {
    for task in due(change.connection, change.now)? {
        let output = carry_out(change, &task, ids)?;
        let sql = "UPDATE druva_tasks SET applied_at = ?2, output = ?3 WHERE id = ?1";
        change.connection.prepare_cached(sql)?.execute(params![
            task.id,
            change.now.as_millisecond(),
            output.to_string()
        ])?;
    }
    let sql = "SELECT coalesce(min(due_at), ?1) FROM druva_tasks WHERE applied_at IS NULL";
    let next = change
        .connection
        .query_row(sql, [i64::MAX], |row| row.get(0))?;
    agenda.set(next);
    Ok(())
}

fn carry_out(change: &Change<'_>, task: &Due, ids: &Ids) -> Result<Value> {
    let job: Job = serde_json::from_str(&task.job).map_err(StoreError::from)?;
    let outcome = match job.failure {
        Some(failure) => Err(failure),
        None => change
            .whole(|| apply(change, task, &job.work, ids))
            .map_err(|problem| failure_of(&problem)),
    };
    match outcome {
        Ok(entity) => Ok(json!({"failed": 0, "successResp": {"entityId": entity}})),
        Err(Failure { code, message }) => {
            undo(change, task, &job.work)?;
            Ok(json!({"failed": 1, "errorResp": {"code": code, "message": message}}))
        }
    }
}

/// What a task does; gives back the id of what it did it to.
fn apply(change: &Change<'_>, task: &Due, work: &Work, ids: &Ids) -> Result<String> {
    let customer = || change.get(Kind::Customer, &task.customer);
    let tenant = || change.get(Kind::Tenant, task.tenant.as_deref().unwrap_or_default());
    match work {
        Work::Nothing => Ok(String::new()),
        Work::CreateCustomer => Ok(ids.customer(&touch(change, customer()?, Extra::settle)?)),
        Work::UpdateCustomer { patch, extra } => {
            Ok(ids.customer(&update_customer(change, &task.customer, patch, extra)?))
        }
        Work::CreateTenant => Ok(ids.tenant(&touch(change, tenant()?, Extra::settle)?)),
        Work::UpdateTenant { patch, extra } => {
            let id = tenant()?.id;
            Ok(ids.tenant(&update_tenant(change, &id, patch, extra)?))
        }
        Work::Switch { active } => {
            let switched = change.switch(Kind::Tenant, &tenant()?.id, None, *active)?;
            Ok(ids.tenant(&touch(change, switched, Extra::settle)?))
        }
        Work::DeleteTenant => {
            let tenant = tenant()?;
            let removal = Removal {
                retain: false,
                confirm: None,
                force: true,
                if_match: None,
            };
            change.remove(Kind::Tenant, &tenant.id, &removal)?;
            Ok(ids.tenant(&tenant))
        }
    }
}

/// Replaces what a customer is. Also used to see beforehand whether that would be refused.
pub(super) fn update_customer(
    change: &Change<'_>,
    id: &str,
    patch: &Map<String, Value>,
    extra: &Extra,
) -> Result<Item> {
    let customer = change.patch(Kind::Customer, id, Some("*"), patch)?;
    touch(change, customer, |known| {
        known.features.clone_from(&extra.features);
    })
}

/// Changes a tenant. Also used to see beforehand whether that would be refused.
pub(super) fn update_tenant(
    change: &Change<'_>,
    id: &str,
    patch: &Map<String, Value>,
    extra: &Extra,
) -> Result<Item> {
    let tenant = change.patch(Kind::Tenant, id, Some("*"), patch)?;
    touch(change, tenant, |known| {
        known.settle();
        known.features.clone_from(&extra.features);
    })
}

/// Takes back what stood for a change under way.
fn undo(change: &Change<'_>, task: &Due, work: &Work) -> Result<()> {
    let tenant = task.tenant.as_deref().unwrap_or_default();
    let pending = match work {
        Work::CreateCustomer => rows::get(change.connection, Kind::Customer, &task.customer)?,
        Work::CreateTenant => rows::get(change.connection, Kind::Tenant, tenant)?,
        Work::UpdateTenant { .. } | Work::Switch { .. } => {
            if let Some(tenant) = rows::get(change.connection, Kind::Tenant, tenant)? {
                touch(change, tenant, Extra::settle)?;
            }
            None
        }
        Work::Nothing | Work::UpdateCustomer { .. } | Work::DeleteTenant => None,
    };
    pending.map_or(Ok(()), |pending| change.cascade(&pending, false))
}

/// Changes what only Druva knows of an item.
pub(super) fn touch(
    change: &Change<'_>,
    mut item: Item,
    edit: impl FnOnce(&mut Extra),
) -> Result<Item> {
    let before = item.state.druva.clone();
    edit(&mut item.state.druva);
    if item.state.druva != before {
        item.version += 1;
        item.updated_at = change.now;
        rows::update(change.connection, &item)?;
    }
    Ok(item)
}

/// Marks a tenant as being changed.
pub(super) fn mark_updating(change: &Change<'_>, tenant: Item) -> Result<Item> {
    touch(change, tenant, |extra| extra.phase = Some(Phase::Updating))
}
