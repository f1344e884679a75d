//! Events of the account and of its customers.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::Uri,
};
use serde_json::{Value, json};

use super::{
    customers,
    dialect::Dialect,
    lists::{page, read},
    moment::seconds,
    paging::{Asked, Cursor},
    refusal::Answered,
};
use crate::{Kind, item::Item, problem::Problem, rows};

/// Largest and usual page.
const PAGE: i64 = 500;

/// What has come into being, oldest first. The cursor is one of a tail: it always leads on, and once there is nothing new
/// to an empty page. Source: Druva OpenAPI, `GetMSPEvents`.
pub(super) async fn events(State(dialect): State<Arc<Dialect>>, uri: Uri) -> Answered {
    let cursor = cursor(&uri)?;
    let answer = read(dialect, move |connection, dialect| {
        let (mut cursor, mut shown) = (cursor, Vec::new());
        // One that is filtered out must not make a page look like the end.
        while shown.is_empty() {
            let items = rows::by_age(connection, cursor.after, cursor.size)?;
            let Some(last) = items.last() else { break };
            cursor.after = last.sequence;
            let events = items.iter().filter_map(|item| event(dialect, item));
            shown = events.filter(|event| fits(&cursor.only, event)).collect();
        }
        Ok(page("events", shown, Some(cursor)))
    });
    Ok(answer.await?)
}

/// The same of one customer, whose events have their time as a text. Source: Druva OpenAPI, `GetCustomerEvents`.
pub(super) async fn of_customer(
    State(dialect): State<Arc<Dialect>>,
    Path(id): Path<String>,
    uri: Uri,
) -> Answered {
    let cursor = cursor(&uri)?;
    let answer = read(dialect, move |connection, dialect| {
        let customer = customers::find(connection, dialect, &id, 404)?;
        let mut items = rows::of_customer(connection, Kind::Tenant, &customer.id)?;
        items.insert(0, customer.clone());
        items.retain(|item| item.sequence > cursor.after);
        let after = items.last().map_or(cursor.after, |item| item.sequence);
        let show = |item: &Item| {
            let mut event = event(dialect, item)?;
            event["globalID"] = json!(id);
            event["customerName"] = json!(customer.name());
            event["timeStamp"] = seconds(item.created_at);
            Some(event)
        };
        let shown = items.iter().filter_map(show);
        let shown = shown.filter(|event| fits(&cursor.only, event)).collect();
        Ok(page("events", shown, Some(Cursor { after, ..cursor })))
    });
    Ok(answer.await?)
}

fn cursor(uri: &Uri) -> Result<Cursor, Problem> {
    let asked = Asked::of(uri)?;
    let narrowing = ["category", "type", "syslogSeverity"];
    let alone = [&narrowing[..], &["pageSize"]].concat();
    if let Some(cursor) = asked.cursor("events", &alone)? {
        return Ok(cursor);
    }
    let only = narrowing.map(|name| (name.to_owned(), json!(asked.text(name))));
    Ok(Cursor {
        only: Value::Object(only.into_iter().collect()),
        ..Cursor::first("events", asked.size(PAGE, PAGE)?)
    })
}

fn fits(only: &Value, event: &Value) -> bool {
    ["category", "type", "syslogSeverity"].iter().all(|member| {
        let number = || event[member].to_string();
        let text = event[member].as_str().map_or_else(number, str::to_owned);
        only[member].is_null() || only[member] == text
    })
}

fn event(dialect: &Dialect, item: &Item) -> Option<Value> {
    let (feature, kind, details) = match item.kind {
        Kind::Administrator => ("Admin", "AdminCreated", json!({"adminId": item.id})),
        Kind::Plan => (
            "ServicePlan",
            "ServicePlanCreated",
            json!({"servicePlanId": item.sequence}),
        ),
        Kind::Customer => {
            let details = json!({"customerGlobalId": dialect.ids.customer(item), "customerName": item.name()});
            ("Customer", "CustomerCreated", details)
        }
        Kind::Tenant => (
            "Tenant",
            "TenantCreated",
            json!({"tenantId": dialect.ids.tenant(item)}),
        ),
        _ => return None,
    };
    Some(json!({
        "category": "AUDIT",
        "type": kind,
        "feature": feature,
        "globalID": dialect.ids.msp(),
        "timeStamp": item.created_at.as_second(),
        "syslogFacility": 14,
        "syslogSeverity": 6,
        "details": details,
    }))
}
