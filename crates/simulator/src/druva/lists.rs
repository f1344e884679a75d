//! What is only read: one function for each operation.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::Uri,
};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{
    customers,
    dialect::Dialect,
    features::product_id,
    moment::seconds,
    paging::{Asked, Cursor, cut},
    refusal::{Answered, refuse},
    tasks, tenants,
    view::{self, Views, is_shown},
};
use crate::{
    Kind,
    item::Item,
    problem::Problem,
    random,
    rows::{self, Filter},
};

type Here = State<Arc<Dialect>>;
type Result<T> = std::result::Result<T, Problem>;

/// Largest and usual page of customers, tenants and plans.
const PAGE: i64 = 100;
/// Largest page of admins.
const LARGE_PAGE: i64 = 500;
/// Usual page of admins.
const SMALL_PAGE: i64 = 10;
/// More locations or administrators than any estate has.
const ALL: i64 = 10_000;

/// Runs a reading job with Druva's views.
pub(super) async fn read<T: Send + 'static>(
    dialect: Arc<Dialect>,
    job: impl FnOnce(&Connection, &Dialect) -> Result<T> + Send + 'static,
) -> Result<T> {
    let estate = Arc::clone(&dialect.estate);
    estate
        .read(move |connection, _| job(connection, &dialect))
        .await
}

pub(super) fn page(name: &str, shown: Vec<Value>, next: Option<Cursor>) -> Json<Value> {
    let next = next.map(|cursor| cursor.token()).unwrap_or_default();
    Json(json!({name: shown, "nextPageToken": next}))
}

/// Source: Druva OpenAPI, `GetCustomersV3`.
pub(super) async fn customers(State(dialect): Here, uri: Uri) -> Answered {
    let asked = Asked::of(&uri)?;
    let cursor = match asked.cursor("customers", &["pageSize", "includeFeatures"])? {
        Some(cursor) => cursor,
        None => Cursor {
            features: asked.flag("includeFeatures")?,
            ..Cursor::first("customers", asked.size(PAGE, PAGE)?)
        },
    };
    let answer = read(dialect, move |connection, dialect| {
        let (items, next) = items(connection, Kind::Customer, Filter::default(), cursor)?;
        let views = Views::new(connection, &dialect.ids)?;
        let shown = items.iter();
        let shown = shown.map(|customer| views.customer(customer, next.features));
        Ok(page("customers", shown.collect(), next.more))
    });
    Ok(answer.await?)
}

/// Where a page ends.
struct Next {
    features: bool,
    more: Option<Cursor>,
}

fn items(
    connection: &Connection,
    kind: Kind,
    filter: Filter,
    cursor: Cursor,
) -> Result<(Vec<Item>, Next)> {
    // One more tells whether there is another page, and one may be hidden.
    let mut items = rows::list(connection, kind, &filter, cursor.after, cursor.size + 2)?;
    items.retain(is_shown);
    let place = cut(&mut items, cursor.size, |item| item.sequence);
    let features = cursor.features;
    let more = place.map(|after| Cursor { after, ..cursor });
    Ok((items, Next { features, more }))
}

/// Source: Druva OpenAPI, `GetCustomerV3`.
pub(super) async fn customer(State(dialect): Here, Path(id): Path<String>, uri: Uri) -> Answered {
    let features = Asked::of(&uri)?.flag("includeFeatures")?;
    let answer = read(dialect, move |connection, dialect| {
        let customer = customers::find(connection, dialect, &id, 404)?;
        Ok(Json(
            Views::new(connection, &dialect.ids)?.customer(&customer, features),
        ))
    });
    Ok(answer.await?)
}

/// A token for the customer's own API, of which nothing is here. Source: Druva OpenAPI, `GenerateAPIAccessToken`.
pub(super) async fn customer_token(State(dialect): Here, Path(id): Path<String>) -> Answered {
    let answer = read(dialect, move |connection, dialect| {
        customers::find(connection, dialect, &id, 404)?;
        let token = random::token();
        Ok(Json(
            json!({"access_token": token, "token_type": "bearer", "expires_in": 1800}),
        ))
    });
    Ok(answer.await?)
}

/// Source: Druva OpenAPI, `GetTenantsV3`.
pub(super) async fn tenants(State(dialect): Here, uri: Uri) -> Answered {
    let asked = Asked::of(&uri)?;
    let alone = ["pageSize", "includeFeatures", "customerIds"];
    let cursor = match asked.cursor("tenants", &alone)? {
        Some(cursor) => cursor,
        None => Cursor {
            features: asked.flag("includeFeatures")?,
            only: json!(asked.text("customerIds")),
            ..Cursor::first("tenants", asked.size(PAGE, PAGE)?)
        },
    };
    let answer = read(dialect, move |connection, dialect| {
        let mut filter = Filter::default();
        if let Some(id) = cursor.only.as_str() {
            if id.contains(',') {
                return Err(refuse(400, "customerIds takes one id"));
            }
            filter.customer = Some(customers::find(connection, dialect, id, 404)?.id);
        }
        let (items, next) = items(connection, Kind::Tenant, filter, cursor)?;
        let views = Views::new(connection, &dialect.ids)?;
        let shown = items
            .iter()
            .map(|tenant| views.tenant(tenant, next.features));
        Ok(page("tenants", shown.collect(), next.more))
    });
    Ok(answer.await?)
}

/// Source: Druva OpenAPI, `GetTenantV3`.
pub(super) async fn tenant(
    State(dialect): Here,
    Path((customer, tenant)): Path<(String, String)>,
    uri: Uri,
) -> Answered {
    let features = Asked::of(&uri)?.flag("includeFeatures")?;
    let answer = read(dialect, move |connection, dialect| {
        let (_, tenant) = tenants::find(connection, dialect, (&customer, &tenant), 404)?;
        Ok(Json(
            Views::new(connection, &dialect.ids)?.tenant(&tenant, features),
        ))
    });
    Ok(answer.await?)
}

/// Source: Druva OpenAPI, `ListServicePlansV3`.
pub(super) async fn service_plans(State(dialect): Here, uri: Uri) -> Answered {
    let asked = Asked::of(&uri)?;
    let cursor = match asked.cursor("servicePlans", &[])? {
        Some(cursor) => cursor,
        None => Cursor::first("servicePlans", asked.size(PAGE, PAGE)?),
    };
    let answer = read(dialect, move |connection, _| {
        let (items, next) = items(connection, Kind::Plan, Filter::default(), cursor)?;
        let shown = items.iter().map(Views::service_plan).collect();
        Ok(page("servicePlans", shown, next.more))
    });
    Ok(answer.await?)
}

/// Source: Druva OpenAPI, `GetServicePlanV3`.
pub(super) async fn service_plan(State(dialect): Here, Path(id): Path<String>) -> Answered {
    if id.parse::<i64>().is_err() {
        return Err(refuse(400, "servicePlanID is a number").into());
    }
    let answer = read(dialect, move |connection, _| {
        let plan = rows::get(connection, Kind::Plan, &id)?;
        let plan = plan.ok_or_else(|| refuse(404, format!("there is no service plan {id}")))?;
        Ok(Json(Views::service_plan(&plan)))
    });
    Ok(answer.await?)
}

/// Source: Druva OpenAPI, `ListAdminsV2`.
pub(super) async fn admins(State(dialect): Here, uri: Uri) -> Answered {
    let asked = Asked::of(&uri)?;
    let cursor = match asked.cursor("admins", &[])? {
        Some(cursor) => cursor,
        None => Cursor {
            only: json!({"id": asked.list("id"), "email": asked.list("email"), "role": asked.list("role")}),
            ..Cursor::first("admins", asked.size(SMALL_PAGE, LARGE_PAGE)?)
        },
    };
    let answer = read(dialect, move |connection, _| {
        let admins = rows::list(
            connection,
            Kind::Administrator,
            &Filter::default(),
            cursor.after,
            ALL,
        )?;
        let fits = |admin: &Value| {
            ["id", "email", "role"].iter().all(|member| {
                let text = admin[member]
                    .as_str()
                    .map_or_else(|| admin[member].to_string(), str::to_owned);
                let wanted = cursor.only[member].as_array();
                wanted.is_none_or(|wanted| wanted.iter().any(|value| *value == text))
            })
        };
        let mut shown: Vec<(i64, Value)> = admins
            .iter()
            .map(|admin| (admin.sequence, show_admin(admin)))
            .filter(|(_, admin)| fits(admin))
            .collect();
        let next = cut(&mut shown, cursor.size, |(place, _)| *place);
        let shown = shown.into_iter().map(|(_, admin)| admin).collect();
        Ok(page(
            "admins",
            shown,
            next.map(|after| Cursor { after, ..cursor }),
        ))
    });
    Ok(answer.await?)
}

/// All of the estate's administrators are the account's own (role 2).
fn show_admin(admin: &Item) -> Value {
    let email = admin.text("email").unwrap_or_default();
    json!({
        "id": admin.sequence,
        "email": email,
        "firstName": email.split('@').next(),
        "lastName": "",
        "phone": "",
        "timezone": "UTC",
        "role": 2,
        "status": 0,
        "active": admin.active(),
        "createdBy": admin.sequence,
        "lastLogin": seconds(admin.created_at),
    })
}

/// Source: Druva OpenAPI, `GetStorageRegions`.
pub(super) async fn storage_regions(State(dialect): Here) -> Answered {
    let answer = read(dialect, |connection, _| {
        let locations = rows::list(connection, Kind::Location, &Filter::default(), 0, ALL)?;
        let of = |product: &str| {
            let stores = |location: &&Item| {
                let products = location.value("products").and_then(Value::as_array);
                products.is_some_and(|products| products.iter().any(|stored| stored == product))
            };
            let regions = locations
                .iter()
                .filter(stores)
                .map(|location| view::region(&location.id));
            json!({"productID": product_id(product), "regions": regions.collect::<Vec<_>>()})
        };
        let products = ["HybridWorkloads", "SaaSAppsAndEndpoints"];
        Ok(Json(json!({"storageRegions": products.map(of)})))
    });
    Ok(answer.await?)
}

/// Source: Druva OpenAPI, `GetTask`.
pub(super) async fn task(State(dialect): Here, Path(id): Path<String>) -> Answered {
    let estate = Arc::clone(&dialect.estate);
    let answer =
        estate.read(move |connection, now| tasks::show(connection, &dialect.ids, &id, now));
    Ok(Json(answer.await?))
}
