//! Quotas for each consumption parameter: the limits of customers on this platform. Not every account may manage them: the
//! vendor's support enables that. Source: help articles 14752405 and 13933662.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{
    Druva,
    document::{clears, stated},
    invalid,
    pages::{Listed, PAGE, Walk},
    refusal::{QUOTA_LIST, QUOTA_SAVE, unsent},
    sent::{QuotaConfigurations, QuotaEntry, QuotaIncrements, date},
    wire::{Customer, CustomerQuotas, Quota, QuotaIncrementsShown},
    words::ENTERPRISE_WORKLOADS,
};
use crate::wire::garbled;
use crate::{
    estate::{Object, ObjectId},
    {Lane, PlatformError, Problem, ProblemKind, Written, rows::Lost},
};

/// Settings of customers that the platform stores where the account may manage quotas.
pub(super) const QUOTA_FIELDS: [&str; 2] = [STORAGE.setting, CLIENTS.setting];

/// Enterprise Workloads among the modules. Source: Druva OpenAPI, `QuotaConfigEntry`.
const MODULE: i64 = 1;
/// Every quota is below it, in TB and in number. Source: Druva OpenAPI, `SaveQuotaConfigRequestForDoc`.
const TOO_MUCH: f64 = 1_000_000.0;
/// The largest of both kinds, in hundredths of a TB and in number.
const MOST_HUNDREDTHS: u32 = 99_999_999;
const MOST_CLIENTS: u32 = 999_999;
/// A TB in bytes, and a hundredth of it, which is the smallest quota and the precision of ours.
const TERABYTE: f64 = 1e12;
const HUNDREDTH: u64 = 10_000_000_000;
/// How far from a whole number of hundredths a figure may be to count as one.
const SLACK: f64 = 1e-6;

/// A limit of ours, and its consumption parameter on the platform.
#[derive(Debug, PartialEq)]
struct Parameter {
    setting: &'static str,
    name: &'static str,
    unit: &'static str,
}

/// Source: Druva OpenAPI, `SaveQuotaConfigRequestForDoc`.
const STORAGE: Parameter = Parameter {
    setting: "limits.storage",
    name: "Frontend Source Storage",
    unit: "TB",
};
const CLIENTS: Parameter = Parameter {
    setting: "limits.clients",
    name: "Total Active Devices or Backup sets",
    unit: "Count",
};

impl Parameter {
    fn is_of(&self, quota: &Quota) -> bool {
        let name = quota.consumption_parameter.as_deref();
        is_of_product(quota)
            && quota.product_module_id == Some(MODULE)
            && name.is_some_and(|name| name.eq_ignore_ascii_case(self.name))
    }

    /// The quota's amount; none for a unit that isn't known.
    fn limit(&self, quotas: &[Quota]) -> Option<f64> {
        let quota = quotas.iter().find(|quota| self.is_of(quota))?;
        let limit = quota.limit?;
        let is_known = quota.unit.as_deref() == Some(self.unit) && limit > 0.0 && limit < TOO_MUCH;
        is_known.then_some(limit)
    }
}

/// Whether a quota is of the product that has our quotas: a write replaces the set of one product.
fn is_of_product(quota: &Quota) -> bool {
    quota
        .product_id
        .is_none_or(|product| product == ENTERPRISE_WORKLOADS)
}

/// The limits among a customer's quotas.
pub(super) fn limits(quotas: &[Quota]) -> Value {
    json!({
        "storage": STORAGE.limit(quotas).map(bytes),
        "clients": CLIENTS.limit(quotas).map(rounded),
    })
}

/// A figure in TB as bytes: as a whole number of hundredths where it means one.
fn bytes(terabytes: f64) -> u64 {
    let hundredths = terabytes * 100.0;
    if (hundredths - hundredths.round()).abs() < SLACK {
        rounded(hundredths).saturating_mul(HUNDREDTH)
    } else {
        rounded(terabytes * TERABYTE)
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "quotas are above none and below 10^18 bytes"
)]
fn rounded(amount: f64) -> u64 {
    amount.round() as u64
}

/// The change of a limit: another figure, or none.
#[derive(Debug, PartialEq)]
pub(super) struct Change {
    parameter: &'static Parameter,
    quota: Option<f64>,
}

/// The limits in a document.
///
/// # Errors
/// A limit that no quota matches exactly: rounded it would differ for ever.
pub(super) fn changes(document: &Map<String, Value>) -> Result<Vec<Change>, Problem> {
    let mut changes = Vec::new();
    for (parameter, quota_of) in [
        (&STORAGE, terabytes as fn(u64) -> Result<f64, Problem>),
        (&CLIENTS, count),
    ] {
        let Some(value) = stated(document, parameter.setting) else {
            continue;
        };
        let quota = if clears(document, parameter.setting) {
            None
        } else {
            let strange = || invalid(Some(parameter.setting), "isn't a whole number");
            Some(quota_of(value.as_u64().ok_or_else(strange)?)?)
        };
        changes.push(Change { parameter, quota });
    }
    Ok(changes)
}

fn terabytes(bytes: u64) -> Result<f64, Problem> {
    let above = u32::try_from(bytes.div_ceil(HUNDREDTH).max(1));
    let above = above.ok().filter(|above| *above <= MOST_HUNDREDTHS);
    let refused = |detail: &str, remedy: String| Problem {
        remedy: Some(remedy),
        ..invalid(Some(STORAGE.setting), detail)
    };
    let Some(above) = above else {
        let detail = "a quota on this platform is less than 1000000 TB";
        return Err(refused(detail, "Write less, such as `5.5T`".to_owned()));
    };
    let quota = f64::from(above) / 100.0;
    if u64::from(above) * HUNDREDTH == bytes {
        return Ok(quota);
    }
    Err(refused(
        "a quota on this platform is a multiple of 0.01 TB (10 GB), and no less than that",
        format!("Write a multiple of `10G`, such as `5.5T`; the next one above is `{quota}T`"),
    ))
}

fn count(clients: u64) -> Result<f64, Problem> {
    let clients = u32::try_from(clients).ok();
    let clients = clients.filter(|clients| (1..=MOST_CLIENTS).contains(clients));
    clients.map(f64::from).ok_or_else(|| Problem {
        remedy: Some(format!("Write a number from 1 to {MOST_CLIENTS}")),
        ..invalid(
            Some(CLIENTS.setting),
            format!("a quota on this platform is a number from 1 to {MOST_CLIENTS}"),
        )
    })
}

/// A customer's quotas with the changes. The other settings of a quota stay with it, such as that it grows by itself.
fn changed(held: &[Quota], changes: &[Change]) -> Vec<Quota> {
    let mut next = held.to_vec();
    for Change { parameter, quota } in changes {
        let place = next.iter().position(|quota| parameter.is_of(quota));
        match (place, quota) {
            (None, None) => {}
            (Some(place), None) => {
                next.remove(place);
            }
            (Some(place), Some(limit)) => {
                next[place].limit = Some(*limit);
                next[place].unit = Some(parameter.unit.to_owned());
            }
            (None, Some(limit)) => next.push(Quota {
                product_id: Some(ENTERPRISE_WORKLOADS),
                product_module_id: Some(MODULE),
                consumption_parameter: Some(parameter.name.to_owned()),
                limit: Some(*limit),
                unit: Some(parameter.unit.to_owned()),
                increment_settings: None,
            }),
        }
    }
    next
}

/// The quotas of the product in the format of a write; `None` when one of them can't be written, since it would be lost.
fn whole(quotas: &[Quota]) -> Option<QuotaConfigurations> {
    let own = quotas.iter().filter(|quota| is_of_product(quota));
    let config = own.map(entry).collect::<Option<Vec<_>>>()?;
    Some(QuotaConfigurations { config })
}

fn entry(quota: &Quota) -> Option<QuotaEntry> {
    Some(QuotaEntry {
        product_module_id: quota.product_module_id?,
        consumption_parameter: quota.consumption_parameter.clone()?,
        quota: figure(quota.limit?),
        unit: quota.unit.clone()?,
        increment_settings: match &quota.increment_settings {
            Some(shown) => Some(increments(shown)?),
            None => None,
        },
    })
}

fn increments(shown: &QuotaIncrementsShown) -> Option<QuotaIncrements> {
    Some(QuotaIncrements {
        increment_by: figure(shown.increment_by?),
        frequency: shown.frequency?,
        increment_till: date(shown.increment_till.as_ref()?),
        skip_next_increment: shown.skip_next_increment,
    })
}

/// A number as it is written: a whole one without a fraction.
#[allow(
    clippy::cast_possible_truncation,
    reason = "quotas stay far below 2^53"
)]
fn figure(amount: f64) -> Value {
    if amount.fract() == 0.0 {
        (amount as i64).into()
    } else {
        amount.into()
    }
}

/// The message about limits where the account may not manage quotas.
fn forbidden() -> Problem {
    Problem {
        field: Some("limits".to_owned()),
        remedy: Some(
            "Have Druva's support enable Quota Management, or leave limits.storage and limits.clients out"
                .to_owned(),
        ),
        ..Problem::unsupported("this account may not manage quotas")
    }
}

/// Quotas by customer.
#[derive(Default)]
pub(super) struct Quotas {
    held: HashMap<String, Vec<Quota>>,
    /// Quotas that can't be read, by customer.
    odd: HashMap<String, String>,
    /// Quotas that can't be read and have no known customer.
    pub(super) lost: Vec<Lost>,
}

impl Quotas {
    /// The quotas of a customer, and which of them can't be read.
    pub(super) fn of(&self, customer: &str) -> (&[Quota], Option<&String>) {
        let held = self.held.get(customer).map(Vec::as_slice);
        (held.unwrap_or_default(), self.odd.get(customer))
    }
}

impl Druva {
    /// The quotas of all customers, or of one, by customer; `None` where the account may not manage them, which is asked once.
    pub(super) async fn quotas(
        &self,
        lane: Lane,
        customer: Option<&str>,
    ) -> Result<Option<Quotas>, PlatformError> {
        if self.known.manages_quotas() == Some(false) {
            return Ok(None);
        }
        let filter = customer.map(|id| ("customerIds", id));
        let query: Vec<(&str, &str)> = filter.into_iter().chain([PAGE]).collect();
        let listed = self.list(Walk {
            operation: QUOTA_LIST,
            lane,
            path: &["quota", "v1", "customers", "configurations"],
            query: &query,
        });
        let listed: Listed<CustomerQuotas> = match listed.await {
            Err(error) if is_refused(&error) => {
                self.known.set_manages_quotas(false);
                return Ok(None);
            }
            listed => listed?,
        };
        self.known.set_manages_quotas(true);
        let mut quotas = Quotas {
            lost: listed.lost,
            ..Quotas::default()
        };
        for entry in listed.rows {
            if let Some(odd) = entry.odd {
                quotas.odd.insert(entry.customer_global_id.clone(), odd);
            }
            let own = quotas.held.entry(entry.customer_global_id).or_default();
            own.extend(entry.quota_config);
        }
        Ok(Some(quotas))
    }

    /// The quotas of one customer, in the same way.
    pub(super) async fn quotas_of(
        &self,
        customer: &str,
    ) -> Result<Option<Vec<Quota>>, PlatformError> {
        let listed = self.quotas(Lane::Edit, Some(customer)).await?;
        let Some(mut listed) = listed else {
            return Ok(None);
        };
        // A write replaces all of them: one that can't be read would be lost.
        let lost = listed.lost.first().map(|lost| &lost.why);
        if let Some(why) = listed.odd.get(customer).or(lost) {
            return Err(garbled(QUOTA_LIST, why));
        }
        // If the filter is ever ignored, others' quotas aren't mistaken for this customer's.
        Ok(Some(listed.held.remove(customer).unwrap_or_default()))
    }

    /// Writes a customer's limits, at once: there is no task. Source: Druva OpenAPI, `SaveQuotaConfigRequestForDoc`.
    pub(super) async fn change_limits(
        &self,
        customer: &Customer,
        id: &ObjectId,
        changes: &[Change],
    ) -> Result<Written, PlatformError> {
        let held = self.quotas_of(id.as_str()).await.map_err(unsent)?;
        let Some(held) = held else {
            return match changes {
                [] => self.with_limits(customer, id, &[]).await,
                _ => Err(forbidden().into()),
            };
        };
        let next = changed(&held, changes);
        // Built before anything is sent, since a failure afterwards would leave the outcome open.
        let written = self.with_limits(customer, id, &next).await?;
        if next == held {
            return Ok(written);
        }
        let lost = || garbled(QUOTA_LIST, "a quota lacks fields that must be sent back");
        let body = whole(&next).ok_or_else(|| unsent(lost()))?;
        let product = ENTERPRISE_WORKLOADS.to_string();
        let path = [
            "quota",
            "v1",
            "customers",
            id.as_str(),
            "products",
            &product,
            "configurations",
        ];
        let saved = self.replace(QUOTA_SAVE, self.url(&path)?, &body).await;
        if let Err(error) = &saved
            && is_refused(error)
        {
            self.known.set_manages_quotas(false);
            return Err(forbidden().into());
        }
        saved.map(|()| written)
    }

    async fn with_limits(
        &self,
        customer: &Customer,
        id: &ObjectId,
        quotas: &[Quota],
    ) -> Result<Written, PlatformError> {
        let object: Object = self
            .customer_object(customer, id, quotas)
            .await
            .map_err(unsent)?;
        Ok(Written::Done(Box::new(object)))
    }
}

/// Whether it failed because the account may not: no other status becomes this kind of refusal.
fn is_refused(error: &PlatformError) -> bool {
    matches!(error, PlatformError::Refused(problem) if problem.kind == ProblemKind::Unsupported)
}

#[cfg(test)]
mod tests;
