//! Writes are tasks: what was asked for waits its time, then takes effect, or fails.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{extra::Extra, ids::Ids, moment::seconds, refusal::refuse};
use crate::{
    StoreError,
    changes::Change,
    estate::Answer,
    faults::{Fate, Moment},
    item::Item,
    problem::{Problem, Slug},
    random,
};

type Result<T> = std::result::Result<T, Problem>;

/// Another customer has the name; the only number that Druva publishes.
const NAME_TAKEN: i64 = 2304;
/// The customer has the product already. The number is ours, far from what Druva's may be.
const PRODUCT_TAKEN: i64 = 990_001;
/// Anything else that the estate refuses once the time has come. The number is ours.
const RULED_OUT: i64 = 990_002;

/// What a task does in the end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Work {
    Nothing,
    CreateCustomer,
    UpdateCustomer {
        patch: Map<String, Value>,
        extra: Extra,
    },
    CreateTenant,
    UpdateTenant {
        patch: Map<String, Value>,
        extra: Extra,
    },
    Switch {
        active: bool,
    },
    DeleteTenant,
}

impl Work {
    const fn name(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::CreateCustomer => "customerCreate",
            Self::UpdateCustomer { .. } => "customerUpdate",
            Self::CreateTenant => "tenantCreate",
            Self::UpdateTenant { .. } => "tenantUpdate",
            Self::Switch { active: false } => "tenantSuspend",
            Self::Switch { active: true } => "tenantUnsuspend",
            Self::DeleteTenant => "tenantDelete",
        }
    }
}

/// How a task fails.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Failure {
    pub code: i64,
    pub message: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Job {
    pub work: Work,
    pub failure: Option<Failure>,
}

/// A change as it is asked for, before it is a task.
pub(super) struct Order {
    pub name: &'static str,
    pub customer: String,
    pub tenant: Option<String>,
    pub work: Work,
    failure: Option<Failure>,
}

impl Order {
    pub fn new(customer: &str, tenant: Option<&str>, work: Work) -> Self {
        Self {
            name: work.name(),
            customer: customer.to_owned(),
            tenant: tenant.map(str::to_owned),
            work,
            failure: None,
        }
    }

    /// One that will fail, since the estate refuses it already.
    pub fn doomed(name: &'static str, customer: &str, problem: &Problem) -> Self {
        Self {
            name,
            failure: Some(failure_of(problem)),
            ..Self::new(customer, None, Work::Nothing)
        }
    }

    /// The same change, which will fail.
    pub fn failing(self, problem: &Problem) -> Self {
        Self {
            failure: Some(failure_of(problem)),
            ..self
        }
    }
}

/// The number and words for what the estate refuses.
pub(super) fn failure_of(problem: &Problem) -> Failure {
    let code = match (problem.slug, problem.field.as_deref()) {
        (Slug::Conflict, Some("product")) => PRODUCT_TAKEN,
        (Slug::Conflict, _) => NAME_TAKEN,
        _ => RULED_OUT,
    };
    Failure {
        code,
        message: problem.detail.clone(),
    }
}

/// When the next task is due, so that a request which finds nothing to do costs nothing.
#[derive(Debug, Clone)]
pub(super) struct Agenda(Arc<AtomicI64>);

impl Agenda {
    /// Unknown yet: the first request looks.
    pub fn new() -> Self {
        Self(Arc::new(AtomicI64::new(i64::MIN)))
    }

    pub fn is_due(&self, now: Timestamp) -> bool {
        self.0.load(Ordering::Acquire) <= now.as_millisecond()
    }

    /// Only the estate's one writer calls this and `set`, so that neither outruns the other.
    fn add(&self, due: i64) {
        self.0.fetch_min(due, Ordering::AcqRel);
    }

    pub fn set(&self, due: i64) {
        self.0.store(due, Ordering::Release);
    }
}

/// Makes a task of an order, and answers with its id. Source: Druva OpenAPI, `TaskCreatedResponse`.
pub(super) fn start(
    change: &Change<'_>,
    agenda: &Agenda,
    delay: Duration,
    order: Order,
    fate: Option<&Fate>,
) -> Result<Answer> {
    let id = random::uuid();
    let mut failure = order.failure;
    let (mut delay, mut silent) = (Some(delay), false);
    match fate {
        Some(Fate::Takes(longer)) => delay = Some(*longer),
        Some(Fate::Lost(Moment::Before)) => delay = None,
        Some(Fate::Lost(Moment::After)) => silent = true,
        Some(Fate::Fails(code)) => {
            failure = Some(Failure {
                code: *code,
                message: "a fault that was ordered".to_owned(),
            });
        }
        None => {}
    }
    let created = change.now.as_millisecond();
    let due = delay.map_or(i64::MAX, |delay| {
        created.saturating_add(i64::try_from(delay.as_millis()).unwrap_or(i64::MAX))
    });
    let job = Job {
        work: order.work,
        failure,
    };
    let job = serde_json::to_string(&job).map_err(StoreError::from)?;
    let sql = "INSERT INTO druva_tasks VALUES (?1, ?2, ?3, ?4, ?5, ?6, NULL, ?7, ?8, NULL)";
    let values = params![
        id,
        order.name,
        order.customer,
        order.tenant,
        created,
        due,
        silent,
        job
    ];
    change.connection.prepare_cached(sql)?.execute(values)?;
    agenda.add(due);
    Ok(Answer {
        status: 200,
        body: Some(json!({"task": {"id": id}})),
    })
}

/// Lets a tenant go at a moment, unless that is cancelled.
pub(super) fn schedule_deletion(
    change: &Change<'_>,
    agenda: &Agenda,
    tenant: &Item,
    at: Timestamp,
) -> Result<()> {
    let customer = tenant.text("customerId").unwrap_or_default();
    let order = Order::new(customer, Some(&tenant.id), Work::DeleteTenant);
    let wait = at.duration_since(change.now).unsigned_abs();
    start(change, agenda, wait, order, None).map(|_| ())
}

/// Cancels what was scheduled.
pub(super) fn cancel_deletion(change: &Change<'_>, tenant: &Item) -> Result<()> {
    let sql = "DELETE FROM druva_tasks WHERE tenant = ?1 AND name = 'tenantDelete' AND applied_at IS NULL";
    change.connection.execute(sql, [&tenant.id])?;
    Ok(())
}

/// The estate's ids of customers whose tenants are being worked on.
pub(super) fn busy_customers(connection: &Connection) -> Result<HashSet<String>> {
    let sql = "SELECT DISTINCT customer FROM druva_tasks WHERE applied_at IS NULL AND tenant IS NOT NULL AND name <> 'tenantDelete'";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A task as it is. Source: Druva OpenAPI, `GetTask`.
pub(super) fn show(connection: &Connection, ids: &Ids, id: &str, now: Timestamp) -> Result<Value> {
    let sql = "SELECT name, created_at, due_at, applied_at, silent, output FROM druva_tasks WHERE id = ?1";
    let read = |row: &Row<'_>| {
        let (created, due): (i64, i64) = (row.get(1)?, row.get(2)?);
        let applied: Option<i64> = row.get(3)?;
        let (silent, output): (bool, Option<String>) = (row.get(4)?, row.get(5)?);
        let age = now.as_millisecond().saturating_sub(created);
        let (status, updated) = match applied {
            Some(at) if !silent => (4, at),
            None if age < due.saturating_sub(created) / 3 => (1, created),
            _ => (2, created),
        };
        let mut task = json!({
            "id": id,
            "name": row.get::<_, String>(0)?,
            "entityType": "MSP",
            "entityId": ids.msp(),
            "status": status,
            "createdOn": seconds(instant(created)),
            "updatedOn": seconds(instant(updated)),
        });
        if status == 4 {
            task["output"] = output
                .and_then(|text| serde_json::from_str(&text).ok())
                .unwrap_or_default();
        }
        Ok(task)
    };
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row([id], read).optional()?;
    // Druva declares no 404 for tasks.
    found.ok_or_else(|| refuse(400, format!("there is no task {id}")))
}

fn instant(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}
