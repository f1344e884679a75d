//! The account's events.

use std::sync::Arc;

use axum::{extract::State, http::Uri};
use serde_json::{Value, json};

use super::{
    dialect::Dialect,
    lists::{page, read},
    paging::{Asked, Cursor},
    refusal::Answered,
};
use crate::embedded::{Kind, item::Item, rows};

/// Largest and usual page.
const PAGE: i64 = 500;

/// What has come into being, oldest first. The cursor is one of a tail: it always leads on, and once there is nothing new
/// to an empty page. Source: Druva OpenAPI, `GetMSPEvents`.
pub(super) async fn events(State(dialect): State<Arc<Dialect>>, uri: Uri) -> Answered {
    let asked = Asked::of(&uri)?;
    let alone = ["pageSize", "category", "type", "syslogSeverity"];
    let cursor = match asked.cursor("events", &alone)? {
        Some(cursor) => cursor,
        None => Cursor {
            only: json!({"category": asked.text("category"), "type": asked.text("type"), "syslogSeverity": asked.text("syslogSeverity")}),
            ..Cursor::first("events", asked.size(PAGE, PAGE)?)
        },
    };
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
