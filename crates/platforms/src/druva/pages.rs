//! Lists and reports, read completely or not at all: a short list would look like a mass deletion.

use std::collections::HashSet;

use jiff::Timestamp;
use reqwest::Url;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{
    Druva, reading,
    wire::{Page, Row},
};
use crate::{
    estate::{ItemKind, Unread, Unreadable},
    {
        Lane, PlatformError,
        rows::{Lost, whole},
        wire::{Cursors, garbled, patiently},
    },
};

/// The most that the platform gives at once. Source: Druva OpenAPI, `ListCustomersV3`, `ListTenantsV3` and
/// `ListQuotaConfigRequestForDoc`.
pub(super) const PAGE: (&str, &str) = ("pageSize", "100");
/// Rows on a page of a report. Source: Druva OpenAPI, `FilterTypeV3`.
const REPORT_PAGE: u32 = 500;

/// A list's name and first query. The pages after the first are requested by token alone: the platform refuses the two
/// together.
pub(super) struct Walk<'a> {
    pub(super) operation: &'static str,
    pub(super) lane: Lane,
    pub(super) path: &'a [&'a str],
    pub(super) query: &'a [(&'a str, &'a str)],
}

/// A list, read to its end.
pub(super) struct Listed<T> {
    /// Entries that can be read, in whole or in part.
    pub(super) rows: Vec<T>,
    /// Entries that can't.
    pub(super) lost: Vec<Lost>,
}

impl<T: Row> Listed<T> {
    /// The kind of entries that can't be read.
    pub(super) fn unread(lost: Vec<Lost>) -> Unread {
        let mut unread = Unread::default();
        for Lost { id, why } in lost {
            let kind = T::KIND;
            unread.note(Unreadable { kind, id, why });
        }
        unread
    }
}

impl Druva {
    /// Reads a list to its end.
    pub(super) async fn list<T: Row>(&self, walk: Walk<'_>) -> Result<Listed<T>, PlatformError> {
        let first = self.url(walk.path)?;
        let (mut rows, mut lost, mut keys) = (Vec::new(), Vec::new(), HashSet::new());
        let (mut cursors, mut cursor) = (Cursors::default(), None::<String>);
        loop {
            let url = match &cursor {
                None => with_query(&first, walk.query),
                Some(cursor) => with_query(&first, &[("pageToken", cursor)]),
            };
            let call = reading(walk.operation, walk.lane);
            let page: Page = patiently(|| self.get(call, url.clone())).await?;
            for raw in page.rows {
                match T::read(&raw) {
                    Ok(row) if !keys.insert(row.key()) => {
                        return Err(garbled(walk.operation, "the list names an item twice"));
                    }
                    Ok(row) => rows.push(row),
                    Err(row) => lost.push(row),
                }
            }
            cursor = cursors
                .next(page.next_page_token)
                .map_err(|problem| garbled(walk.operation, problem))?;
            if cursor.is_none() {
                return Ok(Listed { rows, lost });
            }
        }
    }

    /// Reads a report to its end, row by row, and says how old it is: as old as its oldest page. Rows that can't be read are
    /// noted as being of a `kind`. The first query sets filters and size for all pages.
    pub(super) async fn report<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        path: &[&str],
        filters: Value,
        (kind, unread): (ItemKind, &mut Unread),
        mut each: impl FnMut(T),
    ) -> Result<Option<Timestamp>, PlatformError> {
        let (url, call) = (self.url(path)?, reading(operation, Lane::Sweep));
        let filters = json!({"pageSize": REPORT_PAGE, "filterBy": filters});
        let mut question = json!({"filters": filters, "pageToken": ""});
        let (mut cursors, mut as_of) = (Cursors::default(), None);
        loop {
            let page: Page = patiently(|| self.ask(call, url.clone(), &question)).await?;
            for raw in page.rows {
                match whole(&raw, &[]) {
                    Ok(row) => each(row),
                    Err(Lost { id, why }) => unread.note(Unreadable { kind, id, why }),
                }
            }
            as_of = [as_of, page.last_sync_timestamp]
                .into_iter()
                .flatten()
                .min();
            let cursor = cursors
                .next(page.next_page_token)
                .map_err(|problem| garbled(operation, problem))?;
            let Some(cursor) = cursor else {
                return Ok(as_of);
            };
            question = json!({"pageToken": cursor});
        }
    }
}

/// The address with its query, if there is one.
pub(super) fn with_query(address: &Url, query: &[(&str, &str)]) -> Url {
    let mut url = address.clone();
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    url
}
