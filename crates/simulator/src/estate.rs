//! One estate: its file, its clock and its counters, and the transaction around every request.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{
    Clock, Kind,
    admission::meta_number,
    audit::{self, Entry},
    changes::Change,
    contract::Contract,
    figures::Figures,
    problem::Problem,
    rows::{self, Filter},
    seed,
    store::{Store, StoreError},
    view::Views,
};

/// An open estate.
pub(super) struct Estate {
    store: Store,
    clock: Clock,
    since: Timestamp,
    requests: Mutex<BTreeMap<String, u64>>,
}

/// What a change answers: status, the item's document if there is one.
pub(super) struct Answer {
    pub status: u16,
    pub body: Option<Value>,
}

/// A page of rows, and where the next one starts.
pub(super) struct Page {
    pub rows: Vec<Value>,
    pub next: Option<i64>,
}

impl Estate {
    /// Opens an estate's file, and plants a new one. Blocks.
    pub fn open(path: &Path, account_name: &str, clock: Clock) -> Result<Self, StoreError> {
        let now = clock.now();
        let store = Store::open(path, |connection| {
            seed::plant(connection, account_name, now)
        })?;
        Ok(Self {
            store,
            clock,
            since: now,
            requests: Mutex::default(),
        })
    }

    /// The platform's clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Finishes what is under way and closes the file. Blocks.
    pub fn close(&self) {
        self.store.close();
    }

    /// Counts a request for the statistics.
    pub fn count(&self, route: String) {
        *self
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(route)
            .or_default() += 1;
    }

    /// Requests since the estate was opened, by method and route.
    pub fn statistics(&self) -> Value {
        json!({"since": self.since, "requests": *self.requests.lock().unwrap_or_else(PoisonError::into_inner)})
    }

    /// Runs one change: all of it or nothing, and its line in the trail either way.
    pub async fn change(
        &self,
        mut entry: Entry,
        job: impl FnOnce(&Change<'_>, &mut Entry) -> Result<Answer, Problem> + Send + 'static,
    ) -> Result<Answer, Problem> {
        let clock = self.clock.clone();
        let console = entry.actor == "console";
        let changed = self.store.write(move |connection| {
            let change = Change {
                connection,
                now: clock.now(),
                console,
            };
            connection.execute_batch("SAVEPOINT change")?;
            let mut answer = job(&change, &mut entry);
            if answer.is_err() {
                connection.execute_batch("ROLLBACK TO change")?;
            }
            let status = match &answer {
                Ok(answer) => answer.status,
                Err(problem) => problem.status,
            };
            if let Err(error) = audit::record(connection, &entry, status, change.now) {
                // No change without its line in the trail.
                connection.execute_batch("ROLLBACK TO change")?;
                answer = Err(error.into());
            }
            connection.execute_batch("RELEASE change")?;
            answer
        });
        changed.await?
    }

    /// Runs work of the platform's own: all of it or nothing, and no line in the trail.
    pub async fn work<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Change<'_>) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let clock = self.clock.clone();
        let worked = self.store.write(move |connection| {
            let change = Change {
                connection,
                now: clock.now(),
                console: true,
            };
            change.whole(|| job(&change))
        });
        worked.await?
    }

    /// Runs a reading job on one consistent state.
    pub async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection, Timestamp) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let now = self.clock.now();
        self.store
            .read(move |connection| job(connection, now))
            .await?
    }

    /// One page of items.
    pub async fn list(
        &self,
        kind: Kind,
        filter: Filter,
        after: i64,
        limit: i64,
    ) -> Result<Page, Problem> {
        let show = move |connection: &Connection, now| {
            let views = Views::new(connection, now);
            let mut items = rows::list(connection, kind, &filter, after, limit + 1)?;
            let next = cut(&mut items, limit).map(|item| item.sequence);
            let rows = items
                .iter()
                .map(|item| views.show(item))
                .collect::<Result<_, _>>()?;
            Ok(Page { rows, next })
        };
        self.read(show).await
    }

    /// One item by id, or by its mark.
    pub async fn get(&self, kind: Kind, key: String, by_reference: bool) -> Result<Value, Problem> {
        let find = move |connection: &Connection, now| {
            let item = if by_reference {
                rows::by_reference(connection, kind, &key)
            } else {
                rows::get(connection, kind, &key)
            };
            let item = item?.ok_or_else(|| Problem::not_found(kind, &key))?;
            Ok(Views::new(connection, now).show(&item)?)
        };
        self.read(find).await
    }

    /// One page of the trail.
    pub async fn audit(&self, after: i64, limit: i64) -> Result<Page, Problem> {
        let list = move |connection: &Connection, _| {
            let mut entries = audit::list(connection, after, limit + 1)?;
            let next = cut(&mut entries, limit).map(|(seq, _)| *seq);
            Ok(Page {
                rows: entries.into_iter().map(|(_, entry)| entry).collect(),
                next,
            })
        };
        self.read(list).await
    }

    /// One page of usage or health: the rows of so many customers, and the moment that they are of.
    pub async fn figures(
        &self,
        report: Report,
        days: i64,
        after: i64,
        limit: i64,
    ) -> Result<(Timestamp, Page), Problem> {
        let add_up = move |connection: &Connection, now| {
            let figures = Figures::new(connection, now)?;
            let mut customers = rows::list(
                connection,
                Kind::Customer,
                &Filter::default(),
                after,
                limit + 1,
            )?;
            let next = cut(&mut customers, limit).map(|customer| customer.sequence);
            let mut rows = Vec::new();
            for customer in &customers {
                rows.extend(match report {
                    Report::Usage => figures.usage(customer, days)?,
                    Report::Health => figures.health(customer, days)?,
                });
            }
            Ok((figures.as_of(), Page { rows, next }))
        };
        self.read(add_up).await
    }

    /// What the server has to give.
    pub async fn pool(&self) -> Result<Value, Problem> {
        let add_up = |connection: &Connection, _| {
            let licences = meta_number(connection, "licences")?;
            let fixed = rows::fixed_licences(connection)?;
            let (storage, allotted) = (
                meta_number(connection, "storage")?,
                rows::allotted_storage(connection)?,
            );
            Ok(json!({
                "licences": {"total": licences, "free": licences.saturating_sub(fixed)},
                "storage": {"total": storage, "allotted": allotted},
            }))
        };
        self.read(add_up).await
    }

    /// What this platform can do, and which account it is.
    pub async fn capabilities(&self) -> Result<Value, Problem> {
        let describe = |connection: &Connection, _| {
            let meta = |key: &str| rows::meta(connection, key);
            let contract = Contract::get();
            Ok(json!({
                "contractVersion": "1",
                "mode": "apply",
                "account": {"id": meta("account")?, "name": meta("accountName")?},
                "verbs": VERBS,
                "fields": {
                    "resellers": contract.fields(Kind::Reseller),
                    "customers": contract.fields(Kind::Customer),
                    "tenants": contract.fields(Kind::Tenant),
                    "plans": contract.fields(Kind::Plan),
                },
                "units": {"storage": "bytes", "rate": "bits/s"},
                "limits": {"pageSize": 500},
                "repeatableCreate": true,
                "defaultCustomerId": meta("defaultCustomer")?,
                "defaultResellerId": meta("defaultReseller")?,
                "defaultPlanId": meta("defaultPlan")?,
            }))
        };
        self.read(describe).await
    }
}

/// The two bulk reports.
#[derive(Debug, Clone, Copy)]
pub(super) enum Report {
    Usage,
    Health,
}

const VERBS: [&str; 23] = [
    "CreateReseller",
    "UpdateReseller",
    "DeleteReseller",
    "SuspendReseller",
    "MoveReseller",
    "CreateCustomer",
    "UpdateCustomer",
    "DeleteCustomer",
    "SuspendCustomer",
    "MoveCustomer",
    "CreateTenant",
    "UpdateTenant",
    "DeleteTenant",
    "SuspendTenant",
    "SuspendKeepsData",
    "CreateServicePlan",
    "UpdateServicePlan",
    "DeleteServicePlan",
    "MoveClient",
    "SendWelcomeMail",
    "ReadUsage",
    "ReadHealth",
    "ReadLicences",
];

/// Cuts a list that was read one longer than a page; the last that stays, if there is more.
fn cut<T>(rows: &mut Vec<T>, limit: i64) -> Option<&T> {
    let limit = usize::try_from(limit).unwrap_or(0);
    let more = rows.len() > limit;
    rows.truncate(limit);
    rows.last().filter(|_| more)
}
