//! Reports: rows that the simulation makes up, tenant by tenant, so that a page costs what is on it.

mod activity;
mod filters;
mod usage;

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State, rejection::BytesRejection},
};
use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{
    dialect::Dialect,
    extra::Phase,
    features::product_id,
    ids::Ids,
    paging::Cursor,
    refusal::{Answered, refuse},
};
use crate::{
    Kind,
    figures::Figures,
    http,
    item::Item,
    problem::Problem,
    rows::{self, Filter},
    simulation::{self, Day},
};
use filters::Filters;

type Result<T> = std::result::Result<T, Problem>;

/// Days that figures lag behind: what happened yesterday is the newest, so nothing is more than 48 hours late.
const LAG: Day = 1;
/// Largest and usual page.
const LARGEST: i64 = 500;
const USUAL: i64 = 100;
/// How long a page of an activity report leads on.
const TOKEN_LASTS: SignedDuration = SignedDuration::from_mins(5);
/// Tenants that are looked at together.
const CHUNK: i64 = 25;

/// The reports that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Report {
    GlobalUsage,
    Consumption,
    Quota,
    Backups,
    Restores,
    Resources,
    Alerts,
}

impl Report {
    fn named(version: &str, name: &str) -> Option<Self> {
        Some(match (version, name) {
            ("v3", "mspGlobalUsage") => Self::GlobalUsage,
            ("v3", "consumptionItemized") => Self::Consumption,
            ("v3", "quotaItemized") => Self::Quota,
            ("v1", "mspEWBackupActivity") => Self::Backups,
            ("v1", "mspEWRestoreActivity") => Self::Restores,
            ("v1", "mspEWResourceStatus") => Self::Resources,
            ("v1", "mspEWAlertHistory") => Self::Alerts,
            _ => return None,
        })
    }

    /// Whether it is about what machines of Enterprise Workloads did.
    const fn is_activity(self) -> bool {
        !matches!(self, Self::GlobalUsage | Self::Consumption | Self::Quota)
    }

    const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::GlobalUsage => usage::GLOBAL_FIELDS,
            Self::Consumption | Self::Quota => usage::ITEMIZED_FIELDS,
            Self::Backups => activity::BACKUP_FIELDS,
            Self::Restores => activity::RESTORE_FIELDS,
            Self::Resources => activity::RESOURCE_FIELDS,
            Self::Alerts => activity::ALERT_FIELDS,
        }
    }
}

/// What the rows of all tenants share.
struct Context<'a> {
    figures: Figures<'a>,
    ids: &'a Ids,
    filters: Filters,
    /// The newest day that there are figures of.
    last: Day,
    account_name: String,
}

/// A tenant and what its rows repeat.
struct Subject<'a> {
    tenant: &'a Item,
    customer: &'a Item,
    plan: Option<&'a Item>,
}

impl Subject<'_> {
    fn account_name(&self) -> &str {
        self.customer
            .text("accountName")
            .unwrap_or(self.customer.name())
    }

    fn product(&self) -> i64 {
        product_id(self.tenant.text("product").unwrap_or_default())
    }
}

/// A moment with milliseconds, as reports write it.
fn moment(at: Timestamp) -> Value {
    json!(format!("{at:.3}"))
}

/// Source: Druva OpenAPI, the operations below `/msp/reporting`.
pub(super) async fn report(
    State(dialect): State<Arc<Dialect>>,
    Path((version, name)): Path<(String, String)>,
    sent: std::result::Result<Bytes, BytesRejection>,
) -> Answered {
    let report = Report::named(&version, &name)
        .ok_or_else(|| refuse(404, format!("there is no report {name}")))?;
    let body = http::object(&http::received(sent)?)?;
    let now = dialect.estate.clock().now();
    let cursor = cursor(&Value::Object(body), &name, now, report)?;
    let estate = Arc::clone(&dialect.estate);
    let answer =
        estate.read(move |connection, now| page(connection, &dialect.ids, now, report, cursor));
    Ok(Json(answer.await?))
}

/// The first call says what is wanted and how much at once; later ones only go on.
fn cursor(body: &Value, name: &str, now: Timestamp, report: Report) -> Result<Cursor> {
    let token = body["pageToken"].as_str().filter(|token| !token.is_empty());
    if let Some(token) = token {
        let cursor = Cursor::read("report", token)?;
        let late = now.as_second() - cursor.made > TOKEN_LASTS.as_secs();
        let other = cursor.only["report"]
            .as_str()
            .is_some_and(|report| report != name);
        if other || (report.is_activity() && cursor.made > 0 && late) {
            return Err(refuse(
                400,
                "pageToken isn't one of this report, or has expired",
            ));
        }
        return Ok(Cursor {
            made: now.as_second(),
            ..cursor
        });
    }
    let filters = &body["filters"];
    let size = match &filters["pageSize"] {
        Value::Null => USUAL,
        size => size
            .as_i64()
            .filter(|size| (1..=LARGEST).contains(size))
            .ok_or_else(|| refuse(400, format!("pageSize is 1 to {LARGEST}")))?,
    };
    Ok(Cursor {
        only: json!({"report": name, "filterBy": filters["filterBy"]}),
        made: now.as_second(),
        ..Cursor::first("report", size)
    })
}

fn page(
    connection: &Connection,
    ids: &Ids,
    now: Timestamp,
    report: Report,
    cursor: Cursor,
) -> Result<Value> {
    let figures = Figures::new(connection, now)?;
    let last = figures.today() - LAG;
    let context = Context {
        figures,
        ids,
        filters: Filters::read(&cursor.only["filterBy"], report.fields())?,
        last,
        account_name: rows::meta(connection, "accountName")?.unwrap_or_default(),
    };
    let size = usize::try_from(cursor.size).unwrap_or(0);
    let (mut place, mut shown) = (cursor.clone(), Vec::new());
    let mut more = true;
    while more && shown.len() <= size {
        let tenants = rows::list(
            connection,
            Kind::Tenant,
            &Filter::default(),
            place.after,
            CHUNK,
        )?;
        more = !tenants.is_empty();
        for tenant in &tenants {
            let mut rows = rows_of(connection, &context, report, tenant)?;
            rows.drain(..place.skip.min(rows.len()));
            let room = size - shown.len();
            if rows.len() > room {
                rows.truncate(room);
                place.skip += room;
                shown.extend(rows);
                return Ok(document(&context, &cursor, shown, &place.token()));
            }
            shown.extend(rows);
            (place.after, place.skip) = (tenant.sequence, 0);
        }
    }
    Ok(document(&context, &cursor, shown, ""))
}

fn document(context: &Context<'_>, cursor: &Cursor, rows: Vec<Value>, next: &str) -> Value {
    let mut filters = json!({"pageSize": cursor.size});
    if cursor.only["filterBy"].is_array() {
        filters["filterBy"] = cursor.only["filterBy"].clone();
    }
    json!({
        "data": rows,
        "filters": filters,
        "lastSyncTimestamp": moment(simulation::midnight(context.last)),
        "nextPageToken": next,
    })
}

/// A tenant's rows that pass. What isn't there yet, or has nothing to do with the report, has none.
fn rows_of(
    connection: &Connection,
    context: &Context<'_>,
    report: Report,
    tenant: &Item,
) -> Result<Vec<Value>> {
    if tenant.state.druva.phase == Some(Phase::Pending) {
        return Ok(Vec::new());
    }
    let customer = tenant.text("customerId").unwrap_or_default();
    let Some(customer) = rows::get(connection, Kind::Customer, customer)? else {
        return Ok(Vec::new());
    };
    let id = json!(context.ids.customer(&customer));
    if !context.filters.admit("customerGlobalId", &id) {
        return Ok(Vec::new());
    }
    let plan = rows::get(
        connection,
        Kind::Plan,
        tenant.text("planId").unwrap_or_default(),
    )?;
    let subject = Subject {
        tenant,
        customer: &customer,
        plan: plan.as_ref(),
    };
    if report.is_activity() && subject.product() != 1 {
        return Ok(Vec::new());
    }
    let mut rows = match report {
        Report::GlobalUsage => usage::global(context, &subject)?,
        Report::Consumption => usage::consumption(context, &subject)?,
        Report::Quota => usage::quota(context, &subject),
        Report::Backups => activity::backups(context, &subject)?,
        Report::Restores => activity::restores(context, &subject)?,
        Report::Resources => activity::resources(context, &subject)?,
        Report::Alerts => activity::alerts(context, &subject)?,
    };
    rows.retain(|row| context.filters.pass(row));
    Ok(rows)
}
