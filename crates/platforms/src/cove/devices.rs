//! Devices, by the statistics query: the one read of devices that brings no secrets. Only documented columns are asked for,
//! never `I3`, the password; what comes unasked is dropped before anything is kept.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
    time::Duration,
};

use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use tokio::time::Instant;

use super::{Cove, envelope, tree::Tree};
use crate::{
    Lane, PlatformError,
    rows::{self, Lost},
    wire::{garbled, patiently},
};

pub(super) const LIST: &str = "EnumerateAccountStatistics";
/// Rows that are asked for at once. The largest number isn't documented; public clients ask for 500 to 5,000.
const PAGE: usize = 1_000;
/// How often a list is begun anew that changed while it was read.
const TRIES: usize = 3;
/// How long it is remembered which device belongs to whom, where nothing needs to know it exactly.
const REMEMBERED: Duration = Duration::from_secs(3600);
/// The name of the device, which is unique: the order of the rows.
pub(super) const NAME: &str = "I1";
/// Bytes in the cloud. Source: column codes; `I15` and `I16` are no sizes.
pub(super) const USED: &str = "I14";

/// A row of statistics.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Row {
    pub(super) account_id: i64,
    pub(super) partner_id: i64,
    /// A list of objects with one member each, or null.
    #[serde(default)]
    settings: Option<Vec<BTreeMap<String, Value>>>,
    /// Whether the platform says something of it that can't be read. It isn't quoted: columns may be secret.
    #[serde(skip)]
    pub(super) is_odd: bool,
}

impl Row {
    /// The values by column. A column without a value is absent.
    pub(super) fn columns(&self, asked: &[String]) -> BTreeMap<&str, String> {
        let settings = self.settings.iter().flatten().flatten();
        let of_asked = settings.filter(|(column, _)| asked.contains(column));
        of_asked
            .filter_map(|(column, value)| Some((column.as_str(), text(value)?)))
            .collect()
    }
}

/// A value: a text, or a list of texts.
fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Array(texts) => {
            let texts: Vec<&str> = texts.iter().filter_map(Value::as_str).collect();
            texts.join(", ")
        }
        _ => return None,
    };
    Some(text).filter(|text| !text.is_empty())
}

/// What a statistics query asks for.
pub(super) struct Query<'a> {
    /// The partner, with all below it.
    pub(super) partner: i64,
    pub(super) columns: &'a [String],
    /// Partners whose devices are left out.
    pub(super) without: &'a [i64],
}

impl Query<'_> {
    fn params(&self, from: usize, count: usize) -> Value {
        let mut query = json!({
            "PartnerId": self.partner,
            "SelectionMode": "Merged",
            "StartRecordNumber": from,
            "RecordsCount": count,
            "OrderBy": format!("{NAME} ASC"),
            "Columns": self.columns,
        });
        if !self.without.is_empty() {
            query["ExcludedPartners"] = json!(self.without);
        }
        json!({"query": query})
    }
}

/// Which device belongs to which partner.
#[derive(Debug, Clone)]
pub(super) struct Owners {
    pub(super) of: BTreeMap<i64, i64>,
    /// When it was asked.
    read: Instant,
}

impl Owners {
    /// The devices of each customer; those of its sites count as its own.
    pub(super) fn by_customer(&self, tree: &Tree) -> BTreeMap<i64, Vec<i64>> {
        let mut devices: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for (device, partner) in &self.of {
            let customer = tree.customer_of(*partner);
            devices.entry(customer).or_default().push(*device);
        }
        devices
    }
}

impl Cove {
    /// What `make` keeps of each row of a query, and rows that can't be read; page by page. Each page begins with the last row of
    /// the one before: if it isn't there, the list has moved meanwhile, and a row may have been passed over.
    pub(super) async fn devices<T>(
        &self,
        query: &Query<'_>,
        lane: Lane,
        mut make: impl FnMut(&Row) -> T,
    ) -> Result<(Vec<T>, Vec<Lost>), PlatformError> {
        for _ in 0..TRIES {
            if let Some(all) = self.all_pages(query, lane, &mut make).await? {
                return Ok(all);
            }
        }
        Err(PlatformError::Unavailable(format!(
            "{LIST}: the list of devices changed each time while it was read"
        )))
    }

    /// `None` when the list moved.
    async fn all_pages<T>(
        &self,
        query: &Query<'_>,
        lane: Lane,
        make: &mut impl FnMut(&Row) -> T,
    ) -> Result<Option<(Vec<T>, Vec<Lost>)>, PlatformError> {
        let (mut made, mut lost) = (Vec::new(), Vec::new());
        let mut ids: Vec<Option<i64>> = Vec::new();
        loop {
            let from = ids.len().saturating_sub(1);
            let page = self.page(query, from, lane).await?;
            let overlap = usize::from(!ids.is_empty());
            if overlap == 1 && page.first().map(id) != ids.last().copied() {
                return Ok(None);
            }
            let count = page.len();
            for row in page.into_iter().skip(overlap) {
                ids.push(id(&row));
                match row {
                    Ok(row) => made.push(make(&row)),
                    Err(row) => lost.push(row),
                }
            }
            // The platform may give fewer rows at once than it is asked for, and not always as many: only nothing more is the end.
            if count <= overlap {
                break;
            }
        }
        let mut ids: Vec<i64> = ids.into_iter().flatten().collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        Ok((ids.len() == count).then_some((made, lost)))
    }

    async fn page(
        &self,
        query: &Query<'_>,
        from: usize,
        lane: Lane,
    ) -> Result<Vec<Result<Row, Lost>>, PlatformError> {
        let params = query.params(from, PAGE);
        let decode = |result: &RawValue| {
            let rows = envelope::rows(LIST, result)?;
            if rows.len() > PAGE {
                return Err(garbled(LIST, "more rows than were asked for"));
            }
            Ok(rows.into_iter().map(row).collect())
        };
        patiently(|| self.ask(LIST, lane, &params, decode)).await
    }

    /// Whether the API user may ask for these columns.
    pub(super) async fn may_ask(
        &self,
        partner: i64,
        columns: &[String],
    ) -> Result<bool, PlatformError> {
        let query = Query {
            partner,
            columns,
            without: &[],
        };
        let params = query.params(0, 1);
        let decode = |result: &RawValue| envelope::rows(LIST, result).map(drop);
        match patiently(|| self.ask(LIST, Lane::Sweep, &params, decode)).await {
            Ok(()) => Ok(true),
            Err(error) if envelope::is_forbidden(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Which device belongs to whom: read now, or not long ago where that is enough.
    pub(super) async fn owners(
        &self,
        tree: &Tree,
        now: bool,
        lane: Lane,
    ) -> Result<Arc<Owners>, PlatformError> {
        let recent = || {
            let known = self.owners.last();
            known.filter(|known| !now && known.read.elapsed() < REMEMBERED)
        };
        if let Some(owners) = recent() {
            return Ok(owners);
        }
        let _turn = self.owners.turn(lane).await;
        if let Some(owners) = recent() {
            return Ok(owners);
        }
        let columns = [NAME.to_owned()];
        let without = tree.recycle_bins();
        let query = Query {
            partner: self.root(lane).await?.id,
            columns: &columns,
            without: &without,
        };
        let read = Instant::now();
        let owner = |row: &Row| (row.account_id, row.partner_id);
        let (owners, lost) = self.devices(&query, lane, owner).await?;
        if let Some(lost) = lost.first() {
            // Whose it is isn't known, so nobody's count is.
            return Err(garbled(LIST, &lost.why));
        }
        let mut of: BTreeMap<i64, i64> = owners.into_iter().collect();
        of.extend(self.moved_since(read));
        let later = |new: &Owners, held: &Owners| new.read > held.read;
        Ok(self.owners.put(Owners { of, read }, later))
    }

    /// Devices that were moved after a list was begun, which may have them where they were.
    fn moved_since(&self, read: Instant) -> Vec<(i64, i64)> {
        let mut moves = self.moves.lock().unwrap_or_else(PoisonError::into_inner);
        moves.retain(|(at, ..)| at.elapsed() < REMEMBERED);
        let since = moves.iter().filter(|(at, ..)| *at >= read);
        since.map(|(_, device, to)| (*device, *to)).collect()
    }

    /// A device was moved.
    pub(super) fn note_move(&self, device: i64, to: i64) {
        let mut moves = self.moves.lock().unwrap_or_else(PoisonError::into_inner);
        moves.push((Instant::now(), device, to));
        drop(moves);
        self.owners.amend(|owners| {
            owners.of.insert(device, to);
        });
    }

    /// The devices below a partner, and what they store: asked now. What one stores may not be known.
    pub(super) async fn devices_below(
        &self,
        partner: i64,
    ) -> Result<Vec<(i64, Option<u64>)>, PlatformError> {
        let columns = [NAME.to_owned(), USED.to_owned()];
        let query = Query {
            partner,
            columns: &columns,
            without: &[],
        };
        let used = |row: &Row| row.columns(&columns).remove(USED)?.parse().ok();
        let device = |row: &Row| (row.account_id, used(row));
        let (mut devices, lost) = self.devices(&query, Lane::Edit, device).await?;
        // What can't be read is there all the same.
        devices.extend(lost.iter().map(|_| (0, None)));
        Ok(devices)
    }
}

/// A row. Settings of another form are a device of which nothing is known: whose it is stays known.
fn row(raw: &RawValue) -> Result<Row, Lost> {
    let (row, odd) = rows::salvage::<Row>(raw, &["AccountId", "PartnerId"])?;
    Ok(Row {
        is_odd: odd.is_some(),
        ..row
    })
}

fn id(row: &Result<Row, Lost>) -> Option<i64> {
    match row {
        Ok(row) => Some(row.account_id),
        Err(lost) => lost.id.as_ref()?.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // I7
    #[test]
    fn a_column_that_nobody_asked_for_is_dropped() {
        let row = serde_json::json!({
            "AccountId": 7, "PartnerId": 8, "Settings": [{"I3": "hidden"}, {"I14": "1"}],
        });
        let row: Row = serde_json::from_value(row).expect("a row");
        let told = row.columns(&[USED.to_owned()]);
        assert_eq!(told, BTreeMap::from([(USED, "1".to_owned())]));
    }
}
