//! Parameters in the query, and pages by opaque cursors.

use std::collections::BTreeMap;

use axum::{extract::Query, http::Uri};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::refusal::refuse;
use crate::problem::Problem;

/// Where a list goes on, and what was asked for on its first page.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// The list that it belongs to.
    pub list: String,
    /// The last item that was shown completely.
    pub after: i64,
    /// How much of the item after that was shown.
    #[serde(default)]
    pub skip: usize,
    pub size: i64,
    #[serde(default)]
    pub features: bool,
    /// What the list was narrowed to.
    #[serde(default)]
    pub only: Value,
    /// Seconds; a cursor that doesn't last says when it was made.
    #[serde(default)]
    pub made: i64,
}

impl Cursor {
    pub fn first(list: &str, size: i64) -> Self {
        Self {
            list: list.to_owned(),
            size,
            ..Self::default()
        }
    }

    pub fn token(&self) -> String {
        let text = serde_json::to_string(self).unwrap_or_default();
        BASE64URL_NOPAD.encode(text.as_bytes())
    }

    pub fn read(list: &str, token: &str) -> Result<Self, Problem> {
        let read = BASE64URL_NOPAD
            .decode(token.as_bytes())
            .ok()
            .and_then(|text| serde_json::from_slice::<Self>(&text).ok());
        read.filter(|cursor| cursor.list == list)
            .ok_or_else(|| refuse(400, "pageToken isn't one of this list"))
    }
}

/// The query of a request. A parameter without a value counts as absent.
pub(super) struct Asked(BTreeMap<String, String>);

impl Asked {
    pub fn of(uri: &Uri) -> Result<Self, Problem> {
        let Query(mut query) = Query::<BTreeMap<String, String>>::try_from_uri(uri)
            .map_err(|rejection| refuse(400, rejection.body_text()))?;
        query.retain(|_, value| !value.is_empty());
        Ok(Self(query))
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A list separated by commas.
    pub fn list(&self, name: &str) -> Option<Vec<&str>> {
        self.text(name).map(|text| text.split(',').collect())
    }

    pub fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self.text(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(refuse(400, format!("{name} is true or false"))),
        }
    }

    /// The page's size within its bounds.
    pub fn size(&self, usual: i64, most: i64) -> Result<i64, Problem> {
        let Some(text) = self.text("pageSize") else {
            return Ok(usual);
        };
        text.parse()
            .ok()
            .filter(|size| (1..=most).contains(size))
            .ok_or_else(|| refuse(400, format!("pageSize is 1 to {most}")))
    }

    /// The cursor of a later page. It stands alone where `alone` names what it excludes.
    pub fn cursor(&self, list: &str, alone: &[&str]) -> Result<Option<Cursor>, Problem> {
        let Some(token) = self.text("pageToken") else {
            return Ok(None);
        };
        if let Some(other) = alone.iter().find(|name| self.0.contains_key(**name)) {
            return Err(refuse(
                400,
                format!("{other} and pageToken exclude each other"),
            ));
        }
        Cursor::read(list, token).map(Some)
    }
}

/// Cuts a list that was read one longer than a page; the place of the last that stays, if there is more.
pub(super) fn cut<T>(rows: &mut Vec<T>, size: i64, place: impl Fn(&T) -> i64) -> Option<i64> {
    let size = usize::try_from(size).unwrap_or(0);
    let more = rows.len() > size;
    rows.truncate(size);
    rows.last().filter(|_| more).map(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_belongs_to_its_list() {
        let cursor = Cursor {
            after: 7,
            ..Cursor::first("customers", 20)
        };
        assert_eq!(
            Cursor::read("customers", &cursor.token()),
            Ok(cursor.clone())
        );
        assert!(Cursor::read("tenants", &cursor.token()).is_err());
        assert!(Cursor::read("customers", "s0").is_err());
    }

    #[test]
    fn a_cursor_stands_alone_and_blanks_are_absent() {
        let token = Cursor::first("customers", 20).token();
        let asked = |query: &str| {
            let uri = format!("/msp/v3/customers?{query}").parse().expect("a URI");
            Asked::of(&uri).and_then(|asked| asked.cursor("customers", &["pageSize"]))
        };
        assert!(
            asked(&format!("pageToken={token}&pageSize="))
                .expect("taken")
                .is_some()
        );
        assert!(asked(&format!("pageToken={token}&pageSize=10")).is_err());
    }
}
