//! Lists and reports, read whole or not at all: a short list would look like a mass deletion.

use std::collections::HashSet;

use jiff::Timestamp;
use reqwest::Url;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{
    Druva,
    answer::garbled,
    reading,
    wire::{Page, Row},
};
use crate::{
    estate::{ItemKind, Unread, Unreadable},
    {
        Lane, PlatformError,
        rows::{Lost, whole},
    },
};

/// The most that the platform gives at once. Source: Druva OpenAPI, `ListCustomersV3`, `ListTenantsV3` and
/// `ListQuotaConfigRequestForDoc`.
pub(super) const PAGE: (&str, &str) = ("pageSize", "100");
/// More pages than any estate has.
const MOST_PAGES: usize = 10_000;
/// How often one page is asked for while the platform says "later".
const THROTTLED_TRIES: u32 = 4;
/// Rows on a page of a report. Source: Druva OpenAPI, `FilterTypeV3`.
const REPORT_PAGE: u32 = 500;

/// A list's name and first question. The pages after the first are asked for by token alone: the platform refuses the two
/// together.
pub(super) struct Walk<'a> {
    pub(super) operation: &'static str,
    pub(super) lane: Lane,
    pub(super) path: &'a [&'a str],
    pub(super) query: &'a [(&'a str, &'a str)],
}

/// The page tokens of one list so far.
#[derive(Default)]
pub(super) struct Cursors(HashSet<String>);

impl Cursors {
    /// The token of the next page; `None` when the list is complete.
    ///
    /// # Errors
    /// Why the list can't be believed.
    pub(super) fn next(&mut self, token: Option<String>) -> Result<Option<String>, &'static str> {
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            return Ok(None);
        };
        if self.0.len() >= MOST_PAGES {
            return Err("the list doesn't end");
        }
        if !self.0.insert(token.clone()) {
            return Err("the list's pages form a cycle");
        }
        Ok(Some(token))
    }
}

/// A list, read to its end.
pub(super) struct Listed<T> {
    /// What can be read, in whole or in part.
    pub(super) rows: Vec<T>,
    /// What can't.
    pub(super) lost: Vec<Lost>,
}

impl<T: Row> Listed<T> {
    /// What can't be read, as what it is.
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
    /// noted as being of a `kind`. The first question sets filters and size for the whole walk.
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

/// The address with a query, if there is anything to ask.
pub(super) fn with_query(address: &Url, query: &[(&str, &str)]) -> Url {
    let mut url = address.clone();
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    url
}

/// Asks for one page. When throttled it waits for its turn and asks again, so that a platform that is slower than our budget
/// sees a slow sweep and not one that begins anew for ever.
async fn patiently<T, F: Future<Output = Result<T, PlatformError>>>(
    ask: impl Fn() -> F,
) -> Result<T, PlatformError> {
    let mut tries = 1;
    loop {
        match ask().await {
            Err(PlatformError::Throttled { .. }) if tries < THROTTLED_TRIES => tries += 1,
            answer => return answer,
        }
    }
}
