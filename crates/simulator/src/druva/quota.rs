//! Quotas for each consumption parameter, apart from a tenant's credits. Not every account may configure them.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::{StatusCode, Uri},
};
use serde_json::{Value, json};

use super::{
    body::{Body, needed},
    customers,
    dialect::Dialect,
    effects,
    lists::{page, read},
    paging::{Asked, Cursor, cut},
    refusal::{Answered, Refusal, refuse},
    view::is_shown,
    writes::{Request, Sent, write},
};
use crate::{
    Kind,
    estate::Answer,
    item::Item,
    problem::Problem,
    rows::{self, Filter},
};

type Here = State<Arc<Dialect>>;
type Result<T> = std::result::Result<T, Problem>;
type Written = std::result::Result<StatusCode, Refusal>;

/// Where the estate keeps the threshold.
const THRESHOLD: &str = "druvaWarningThreshold";
/// More customers than any estate has.
const ALL: i64 = 1_000_000;

/// Modules by number: 1 is Enterprise Workloads, the others belong to the other product.
const MODULE_1: &[&str] = &[
    "Archive Data Cloud Storage",
    "Archive Early Deletion Data",
    "Backend Cloud Storage",
    "Backend Source + Change Storage",
    "Frontend Source Storage",
    "LTR Data Cloud Storage",
    "LTR Early Deletion Data",
    "Total Active Devices or Backup sets",
    "Warm Tier Cloud Storage",
];
const MODULES_2_TO_4: &[&str] = &[
    "Total Active Users",
    "Total Active Preserved Users",
    "Frontend Source Storage",
    "Backend Source + Change Storage",
    "Billable Preserved Users",
];
const MODULE_2: &[&str] = &["Total Shared Mailbox", "Billable Shared Mailboxes"];

fn allowed(dialect: &Dialect) -> Result<()> {
    if dialect.quota_configurations {
        Ok(())
    } else {
        Err(refuse(
            403,
            "quota management isn't available to this account",
        ))
    }
}

/// Source: Druva OpenAPI, `ListQuotaConfigRequestForDoc`.
pub(super) async fn list(State(dialect): Here, uri: Uri) -> Answered {
    allowed(&dialect)?;
    let asked = Asked::of(&uri)?;
    let cursor = match asked.cursor("quotas", &["pageSize", "customerIds"])? {
        Some(cursor) => cursor,
        None => Cursor {
            only: json!(asked.list("customerIds")),
            ..Cursor::first("quotas", asked.size(50, 100)?)
        },
    };
    let answer = read(dialect, move |connection, dialect| {
        let wanted = cursor.only.as_array();
        let has = |customer: &Item| is_shown(customer) && !customer.state.druva.quotas.is_empty();
        let mut shown: Vec<(i64, Value)> = rows::list(
            connection,
            Kind::Customer,
            &Filter::default(),
            cursor.after,
            ALL,
        )?
        .iter()
        .filter(|customer| has(customer))
        .map(|customer| {
            (
                customer.sequence,
                show(customer, &dialect.ids.customer(customer)),
            )
        })
        .filter(|(_, shown)| {
            wanted.is_none_or(|wanted| wanted.contains(&shown["customerGlobalId"]))
        })
        .collect();
        let next = cut(&mut shown, cursor.size, |(place, _)| *place);
        let shown = shown.into_iter().map(|(_, shown)| shown).collect();
        Ok(page(
            "quotaConfigList",
            shown,
            next.map(|after| Cursor { after, ..cursor }),
        ))
    });
    Ok(answer.await?)
}

fn show(customer: &Item, id: &str) -> Value {
    let configured = customer.state.druva.quotas.iter();
    let entries = configured.flat_map(|(product, entries)| {
        entries.iter().map(move |entry| {
            let mut entry = entry.clone();
            entry["productId"] = json!(product);
            entry
        })
    });
    json!({"customerGlobalId": id, "quotaConfig": entries.collect::<Vec<_>>()})
}

/// Replaces the whole set of a customer and product, at once. Source: Druva OpenAPI, `SaveQuotaConfigRequestForDoc`.
pub(super) async fn replace(
    State(dialect): Here,
    Path((customer, product)): Path<(String, i64)>,
    request: Request,
    sent: Sent,
) -> Written {
    allowed(&dialect)?;
    write(
        dialect,
        "PUT",
        request,
        Some(sent),
        move |change, dialect, body, _| {
            let customer = customers::find(change.connection, dialect, &customer, 404)?;
            if ![1, 2].contains(&product) {
                return Err(refuse(404, "there is no such product"));
            }
            let config = needed("config", body.objects("config"))?;
            let entries = config
                .iter()
                .map(|entry| configuration(product, entry))
                .collect::<Result<Vec<_>>>()?;
            effects::touch(change, customer, |extra| {
                if entries.is_empty() {
                    extra.quotas.remove(&product);
                } else {
                    extra.quotas.insert(product, entries);
                }
            })?;
            Ok(done())
        },
    )
    .await?;
    Ok(StatusCode::OK)
}

/// One parameter's quota as it is kept: written as `quota`, shown as `quotaLimit`.
fn configuration(product: i64, entry: &Body) -> Result<Value> {
    let module = needed("productModuleId", entry.whole("productModuleId"))?;
    let parameter = needed("consumptionParameter", entry.text("consumptionParameter"))?;
    let quota = needed("quota", entry.number("quota"))?;
    let unit = needed("unit", entry.text("unit"))?;
    let fits = match module {
        1 => product == 1 && MODULE_1.contains(&parameter.as_str()),
        2..=4 => {
            let of_microsoft = module == 2 && MODULE_2.contains(&parameter.as_str());
            product == 2 && (of_microsoft || MODULES_2_TO_4.contains(&parameter.as_str()))
        }
        _ => false,
    };
    if !fits {
        return Err(refuse(
            400,
            "the product has no such productModuleId and consumptionParameter",
        ));
    }
    let within = match unit.as_str() {
        "TB" => (0.01..1_000_000.0).contains(&quota),
        "Count" => (1.0..=999_999.0).contains(&quota) && quota.fract() == 0.0,
        _ => return Err(refuse(400, "unit is TB or Count")),
    };
    if !within {
        return Err(refuse(400, "quota is out of bounds for its unit"));
    }
    let mut kept = json!({"productModuleId": module, "consumptionParameter": parameter, "quotaLimit": quota, "unit": unit});
    if let Some(Value::Object(settings)) = entry.0.get("incrementSettings") {
        kept["incrementSettings"] = increments(&Body(settings.clone()))?;
    }
    Ok(kept)
}

fn increments(settings: &Body) -> Result<Value> {
    let by = needed("incrementBy", settings.number("incrementBy"))?;
    let frequency = needed("frequency", settings.whole("frequency"))?;
    let till = needed("incrementTill", settings.moment("incrementTill"))?;
    if !(1..=4).contains(&frequency) {
        return Err(refuse(400, "frequency is 1 to 4"));
    }
    let mut kept = json!({"incrementBy": by, "frequency": frequency, "incrementTill": till});
    if let Some(skip) = settings.0.get("skipNextIncrement").and_then(Value::as_bool) {
        kept["skipNextIncrement"] = json!(skip);
    }
    Ok(kept)
}

/// Source: Druva OpenAPI, `GetWarningThresholdRequestForDoc`.
pub(super) async fn threshold(State(dialect): Here) -> Answered {
    allowed(&dialect)?;
    let answer = read(dialect, |connection, _| {
        let kept = rows::meta(connection, THRESHOLD)?;
        let percent: Option<i64> = kept.and_then(|percent| percent.parse().ok());
        Ok(Json(json!({"thresholdPercentage": percent})))
    });
    Ok(answer.await?)
}

/// Null clears it. Source: Druva OpenAPI, `SetWarningThresholdRequestForDoc`.
pub(super) async fn set_threshold(State(dialect): Here, request: Request, sent: Sent) -> Written {
    allowed(&dialect)?;
    write(dialect, "PUT", request, Some(sent), |change, _, body, _| {
        let percent = body.whole("thresholdPercentage")?;
        if percent.is_some_and(|percent| !(50..=99).contains(&percent)) {
            return Err(refuse(400, "thresholdPercentage is 50 to 99, or null"));
        }
        let text = percent
            .map(|percent| percent.to_string())
            .unwrap_or_default();
        rows::set_meta(change.connection, THRESHOLD, &text)?;
        Ok(done())
    })
    .await?;
    Ok(StatusCode::OK)
}

fn done() -> Answer {
    Answer {
        status: 200,
        body: None,
    }
}
