//! Consumption, added up from the itemised report: a row for each day, tenant and billed item. Tenants without itemised
//! figures get their credits from the report of all usage.

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use serde::Deserialize;
use serde_json::json;

use super::{Druva, lenient};
use crate::{
    PlatformError,
    estate::{Consumption, ItemKind, MonthlyConsumption, ObjectId, UsageReport},
};

const OPERATION: &str = "POST /msp/reporting/v3/reports/consumptionItemized";
/// How old figures may be. Source: Druva OpenAPI, reports.
const LAG_HOURS: i64 = 48;
/// A tenant with figures this many days older than the newest of all no longer has stored data.
const STILL_THERE_DAYS: i32 = 3;

/// Source: Druva OpenAPI, `TenantDataItemizedV3`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    #[serde(default, deserialize_with = "lenient::text")]
    customer_global_id: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    tenant_id: Option<String>,
    #[serde(default, deserialize_with = "lenient::whole")]
    product_module_id: Option<i64>,
    #[serde(default, deserialize_with = "lenient::instant")]
    date: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient::number")]
    usage_amount: Option<f64>,
    #[serde(default, deserialize_with = "lenient::text")]
    usage_unit: Option<String>,
    #[serde(default, deserialize_with = "lenient::number")]
    cu_consumed: Option<f64>,
}

/// What one tenant consumed.
#[derive(Default)]
struct Figures {
    credits: f64,
    months: BTreeMap<String, f64>,
    /// Bytes by day and module: the largest row. A module's rows are several views of the same data (source and backend,
    /// an extra that is billed by what it protects), so that adding them up would count it twice.
    days: BTreeMap<Date, BTreeMap<i64, u64>>,
}

impl Figures {
    fn add(&mut self, row: &Row) {
        let credits = row.cu_consumed.unwrap_or_default();
        self.credits += credits;
        let Some(day) = row.date.map(|date| date.to_zoned(TimeZone::UTC).date()) else {
            return;
        };
        *self.months.entry(month(day)).or_default() += credits;
        if row.usage_unit.as_deref() == Some("Bytes") {
            let modules = self.days.entry(day).or_default();
            let stored = modules.entry(row.product_module_id.unwrap_or_default());
            let stored = stored.or_default();
            *stored = (*stored).max(bytes(row.usage_amount.unwrap_or_default()));
        }
    }

    /// Bytes by day.
    fn stored(&self) -> BTreeMap<Date, u64> {
        let days = self.days.iter();
        days.map(|(day, modules)| (*day, modules.values().sum()))
            .collect()
    }
}

#[derive(Default)]
struct Gathered(BTreeMap<(String, String), Figures>);

impl Gathered {
    fn add(&mut self, row: Row) {
        let (Some(customer), Some(tenant)) = (&row.customer_global_id, &row.tenant_id) else {
            return;
        };
        let key = (customer.clone(), tenant.clone());
        self.0.entry(key).or_default().add(&row);
    }

    /// Adds credits of tenants without itemised figures; returns whether there were any.
    fn complete(&mut self, credits: BTreeMap<(String, String), f64>) -> bool {
        let before = self.0.len();
        for (key, credits) in credits {
            self.0.entry(key).or_insert_with(|| Figures {
                credits,
                ..Figures::default()
            });
        }
        self.0.len() > before
    }

    fn newest(&self) -> Option<Date> {
        let days = self
            .0
            .values()
            .filter_map(|figures| figures.days.keys().next_back());
        days.max().copied()
    }

    /// A row for each tenant, and one for each customer with all of its tenants.
    fn rows(&self) -> Vec<Consumption> {
        let newest = self.newest();
        let mut rows = Vec::new();
        let mut totals: BTreeMap<&str, Total> = BTreeMap::new();
        for ((customer, tenant), figures) in &self.0 {
            let stored = figures.stored();
            let now = now(&stored, newest);
            let total = totals.entry(customer).or_default();
            total.add(figures, &stored, now);
            rows.push(Consumption {
                customer_id: ObjectId::new(customer),
                tenant_id: Some(ObjectId::new(tenant)),
                storage_bytes: now,
                credits: Some(figures.credits),
                months: months(&figures.months, &stored),
            });
        }
        let totals = totals.into_iter().map(|(customer, total)| Consumption {
            customer_id: ObjectId::new(customer),
            tenant_id: None,
            storage_bytes: total.now,
            credits: Some(total.credits),
            months: months(&total.months, &total.stored),
        });
        rows.extend(totals);
        rows
    }
}

/// The total consumption of a customer's tenants.
#[derive(Default)]
struct Total {
    credits: f64,
    months: BTreeMap<String, f64>,
    stored: BTreeMap<Date, u64>,
    now: u64,
}

impl Total {
    fn add(&mut self, figures: &Figures, stored: &BTreeMap<Date, u64>, now: u64) {
        self.credits += figures.credits;
        self.now += now;
        for (month, credits) in &figures.months {
            *self.months.entry(month.clone()).or_default() += credits;
        }
        for (day, bytes) in stored {
            *self.stored.entry(*day).or_default() += bytes;
        }
    }
}

fn now(stored: &BTreeMap<Date, u64>, newest: Option<Date>) -> u64 {
    let Some(((day, bytes), newest)) = stored.last_key_value().zip(newest) else {
        return 0;
    };
    let behind = newest.since(*day).map_or(0, |span| span.get_days());
    if behind <= STILL_THERE_DAYS {
        *bytes
    } else {
        0
    }
}

fn months(
    credits: &BTreeMap<String, f64>,
    stored: &BTreeMap<Date, u64>,
) -> Vec<MonthlyConsumption> {
    let most = |name: &str| {
        let days = stored.iter().filter(|(day, _)| month(**day) == name);
        days.map(|(_, bytes)| *bytes).max().unwrap_or_default()
    };
    let months = credits.iter().map(|(month, credits)| MonthlyConsumption {
        month: month.clone(),
        storage_max_bytes: most(month),
        credits: *credits,
    });
    months.collect()
}

fn month(day: Date) -> String {
    day.strftime("%Y-%m").to_string()
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bytes stay far below 2^53, and less than none is none"
)]
fn bytes(amount: f64) -> u64 {
    amount.max(0.0).round() as u64
}

/// The first instant of a report, in the format of its filters. Source: Druva OpenAPI, examples of `date` and
/// `lastUpdatedTime`.
pub(super) fn since(days: u16, now: Timestamp) -> String {
    let today = now.to_zoned(TimeZone::UTC).date();
    let first = today.saturating_sub(i64::from(days).days());
    first.strftime("%Y-%m-%dT00:00:00.000Z").to_string()
}

/// The age of figures in a report that doesn't state it.
pub(super) fn as_of(said: Option<Timestamp>, now: Timestamp) -> Timestamp {
    said.unwrap_or_else(|| now.checked_sub(LAG_HOURS.hours()).unwrap_or(now))
}

impl Druva {
    pub(super) async fn consumption(&self, days: u16) -> Result<UsageReport, PlatformError> {
        let now = Timestamp::now();
        // Before the many pages, which would be read in vain where this fails.
        let global = self.global_usage().await?;
        let filters = json!([{"fieldName": "date", "operator": "GTE", "value": since(days, now)}]);
        let path = ["reporting", "v3", "reports", "consumptionItemized"];
        let mut gathered = Gathered::default();
        let mut unreadable = global.unreadable;
        let noted = (ItemKind::UsageRow, &mut unreadable);
        let said = self
            .report(OPERATION, &path, filters, noted, |row: Row| {
                gathered.add(row);
            })
            .await?;
        let itemised = as_of(said, now);
        let is_mixed = gathered.complete(global.credits);
        Ok(UsageReport {
            as_of: if is_mixed {
                itemised.min(as_of(global.said, now))
            } else {
                itemised
            },
            rows: gathered.rows(),
            unreadable,
        })
    }
}

#[cfg(test)]
mod tests;
