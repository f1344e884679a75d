//! Lists and reports, read completely or not at all: a short list would look like a mass deletion. Entries that can't be read
//! count as existing, and are reported.

use std::collections::HashSet;

use reqwest::Url;
use serde_json::value::RawValue;

use super::{
    Bridge,
    account::reading,
    wire::{Page, Row, collection, listed},
};
use crate::wire::{Cursors, garbled, patiently};
use crate::{
    api::Kind,
    estate::{ItemKind, Object, Report, Unread, Unreadable},
    {Lane, PlatformError, rows::Lost},
};

/// The pages of one list so far.
pub(super) struct Pages {
    keys: HashSet<String>,
    cursors: Cursors,
    as_of: Option<jiff::Timestamp>,
}

impl Pages {
    pub(super) fn new() -> Self {
        Self {
            keys: HashSet::new(),
            cursors: Cursors::default(),
            as_of: None,
        }
    }

    /// Records an item that may occur once.
    ///
    /// # Errors
    /// It occurred before.
    pub(super) fn note(&mut self, key: String) -> Result<(), &'static str> {
        if self.keys.insert(key) {
            Ok(())
        } else {
            Err("the list names an item twice")
        }
    }

    /// Adds the next page; returns the cursor of the one after it, or `None` when the list is complete.
    ///
    /// # Errors
    /// Why the list can't be trusted.
    pub(super) fn turn(&mut self, page: &Page) -> Result<Option<String>, &'static str> {
        // A report is as old as its oldest page.
        self.as_of = [self.as_of, page.as_of].into_iter().flatten().min();
        match (page.complete, &page.next) {
            (true, None) => Ok(None),
            (true, Some(_)) => Err("the list says that it is complete and that there is more"),
            (false, None) => Err("the list ends without saying that it is complete"),
            (false, Some(cursor)) if cursor.is_empty() => Err("the list goes on without a cursor"),
            (false, Some(cursor)) => self.cursors.next(Some(cursor.clone())),
        }
    }
}

impl Bridge {
    /// Reads a list to its end. Entries that can't be read are recorded.
    pub(super) async fn list<T: Row>(
        &self,
        operation: &'static str,
        collection: &str,
        page_size: u32,
    ) -> Result<(Vec<T>, Unread), PlatformError> {
        let (_, rows, unread) = self
            .pages(
                operation,
                collection,
                page_size,
                None,
                T::KIND,
                T::read,
                T::key,
            )
            .await?;
        Ok((rows, unread))
    }

    /// Reads the objects of a kind to the end of their list.
    pub(super) async fn objects(
        &self,
        operation: &'static str,
        kind: Kind,
        page_size: u32,
    ) -> Result<(Vec<Object>, Unread), PlatformError> {
        let (read, key) = (
            |raw: &RawValue| listed(kind, raw),
            |object: &Object| object.id.to_string(),
        );
        let (_, objects, unread) = self
            .pages(
                operation,
                collection(kind),
                page_size,
                None,
                kind.into(),
                read,
                key,
            )
            .await?;
        Ok((objects, unread))
    }

    /// Reads a report over some days to its end.
    pub(super) async fn report<T: Row>(
        &self,
        operation: &'static str,
        name: &str,
        days: u16,
    ) -> Result<Report<T>, PlatformError> {
        let size = self.page_size();
        let (as_of, rows, unreadable) = self
            .pages(operation, name, size, Some(days), T::KIND, T::read, T::key)
            .await?;
        let as_of =
            as_of.ok_or_else(|| garbled(operation, "the report doesn't say how old it is"))?;
        Ok(Report {
            as_of,
            rows,
            unreadable,
        })
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "what to ask for, and how to read what comes"
    )]
    async fn pages<T>(
        &self,
        operation: &'static str,
        path: &str,
        page_size: u32,
        days: Option<u16>,
        kind: ItemKind,
        read: impl Fn(&RawValue) -> Result<T, Lost>,
        key: impl Fn(&T) -> String,
    ) -> Result<(Option<jiff::Timestamp>, Vec<T>, Unread), PlatformError> {
        let mut first = self.url(&[path])?;
        first
            .query_pairs_mut()
            .append_pair("limit", &page_size.to_string())
            .extend_pairs(days.map(|days| ("days", days.to_string())));
        let unbelievable = |problem| garbled(operation, problem);
        let (mut pages, mut rows, mut unread) = (Pages::new(), Vec::new(), Unread::default());
        let mut cursor: Option<String> = None;
        loop {
            let mut url = first.clone();
            url.query_pairs_mut()
                .extend_pairs(cursor.iter().map(|cursor| ("cursor", cursor)));
            let page = self.page(operation, url).await?;
            cursor = pages.turn(&page).map_err(unbelievable)?;
            // Page by page: the raw rows are several times as large.
            for raw in page.items {
                match read(&raw) {
                    Ok(row) => {
                        pages.note(key(&row)).map_err(unbelievable)?;
                        rows.push(row);
                    }
                    Err(Lost { id, why }) => unread.note(Unreadable { kind, id, why }),
                }
            }
            if cursor.is_none() {
                rows.shrink_to_fit();
                return Ok((pages.as_of, rows, unread));
            }
        }
    }

    /// Reads one page. When throttled it waits and asks again, so that a platform that is slower than our budget causes a slow
    /// sweep and not one that starts over for ever.
    async fn page(&self, operation: &'static str, url: Url) -> Result<Page, PlatformError> {
        let call = reading(operation, Lane::Sweep);
        patiently(|| self.get(call, url.clone())).await
    }
}
