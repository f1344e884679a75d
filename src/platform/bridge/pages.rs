//! Lists and reports, read whole or not at all: a short list would look like a mass deletion.

use std::collections::HashSet;

use reqwest::Url;

use super::{
    Bridge,
    account::reading,
    answer::garbled,
    wire::{Page, Row},
};
use crate::platform::{Lane, PlatformError};

/// More pages than any estate has: 10,000 of 500.
const MOST_PAGES: usize = 10_000;
/// How often one page is asked for while the platform says "later".
const THROTTLED_TRIES: u32 = 4;

/// The pages of one list so far; rows until they are taken out.
pub(super) struct Pages<T> {
    rows: Vec<T>,
    keys: HashSet<String>,
    cursors: HashSet<String>,
    as_of: Option<jiff::Timestamp>,
}

impl<T: Row> Pages<T> {
    pub(super) fn new() -> Self {
        Self {
            rows: Vec::new(),
            keys: HashSet::new(),
            cursors: HashSet::new(),
            as_of: None,
        }
    }

    /// Adds a page; answers the cursor of the next one, or `None` when the list is complete.
    ///
    /// # Errors
    /// Why the list can't be believed.
    pub(super) fn add(&mut self, page: Page<T>) -> Result<Option<String>, &'static str> {
        for row in page.items {
            let key = row.key();
            if key.is_empty() {
                return Err("an item has no id");
            }
            if !self.keys.insert(key) {
                return Err("the list names an item twice");
            }
            self.rows.push(row);
        }
        // A report is as old as its oldest page.
        self.as_of = [self.as_of, page.as_of].into_iter().flatten().min();
        match (page.complete, page.next) {
            (true, None) => Ok(None),
            (true, Some(_)) => Err("the list says that it is complete and that there is more"),
            (false, None) => Err("the list ends without saying that it is complete"),
            (false, Some(_)) if self.cursors.len() >= MOST_PAGES => Err("the list doesn't end"),
            (false, Some(cursor)) if self.cursors.insert(cursor.clone()) => Ok(Some(cursor)),
            (false, Some(_)) => Err("the list runs in a circle"),
        }
    }
}

impl Bridge {
    /// Reads a list to its end.
    pub(super) async fn list<T: Row>(
        &self,
        operation: &'static str,
        collection: &str,
        page_size: u32,
    ) -> Result<Vec<T>, PlatformError> {
        self.list_as(operation, collection, page_size, Ok).await
    }

    /// Reads a list to its end, and keeps of each row what `keep` makes of it, page by page: as they come rows are several
    /// times as large.
    pub(super) async fn list_as<T: Row, Kept>(
        &self,
        operation: &'static str,
        collection: &str,
        page_size: u32,
        keep: impl Fn(T) -> Result<Kept, PlatformError>,
    ) -> Result<Vec<Kept>, PlatformError> {
        let pages = self.pages(operation, collection, page_size, None, keep);
        Ok(pages.await?.1)
    }

    /// Reads a report over some days to its end.
    pub(super) async fn report<T: Row>(
        &self,
        operation: &'static str,
        name: &str,
        days: u16,
    ) -> Result<(jiff::Timestamp, Vec<T>), PlatformError> {
        let (as_of, rows) = self
            .pages(operation, name, self.page_size(), Some(days), Ok)
            .await?;
        let as_of =
            as_of.ok_or_else(|| garbled(operation, "the report doesn't say how old it is"))?;
        Ok((as_of, rows))
    }

    async fn pages<T: Row, Kept>(
        &self,
        operation: &'static str,
        path: &str,
        page_size: u32,
        days: Option<u16>,
        keep: impl Fn(T) -> Result<Kept, PlatformError>,
    ) -> Result<(Option<jiff::Timestamp>, Vec<Kept>), PlatformError> {
        let mut first = self.url(&[path])?;
        first
            .query_pairs_mut()
            .append_pair("limit", &page_size.to_string())
            .extend_pairs(days.map(|days| ("days", days.to_string())));
        let mut pages = Pages::new();
        let mut kept = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut url = first.clone();
            url.query_pairs_mut()
                .extend_pairs(cursor.iter().map(|cursor| ("cursor", cursor)));
            let page = self.page(operation, url).await?;
            cursor = pages
                .add(page)
                .map_err(|problem| garbled(operation, problem))?;
            for row in pages.rows.drain(..) {
                kept.push(keep(row)?);
            }
            if cursor.is_none() {
                kept.shrink_to_fit();
                return Ok((pages.as_of, kept));
            }
        }
    }

    /// Reads one page. When throttled it waits for its turn and asks again, so that a platform that is slower than our
    /// budget sees a slow sweep and not one that begins anew for ever.
    async fn page<T: Row>(
        &self,
        operation: &'static str,
        url: Url,
    ) -> Result<Page<T>, PlatformError> {
        let call = reading(operation, Lane::Sweep);
        let mut tries = 1;
        loop {
            match self.get(call, url.clone()).await {
                Err(PlatformError::Throttled { .. }) if tries < THROTTLED_TRIES => tries += 1,
                answer => return answer,
            }
        }
    }
}
