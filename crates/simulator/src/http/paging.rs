//! Query parameters and pages.

use axum::{extract::Query, http::Uri};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{estate::Page, problem::Problem, rows::Filter};

/// Largest page.
const LARGEST: i64 = 500;
/// Page when nothing is said.
const USUAL: i64 = 100;

/// Reads the query; a parameter that doesn't exist is refused, since a filter that is ignored lies.
pub(super) fn query<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    Query::try_from_uri(uri)
        .map(|Query(query)| query)
        .map_err(|rejection| {
            Problem::malformed(rejection.body_text())
                .remedy("See the contract for the parameters of this route")
        })
}

/// What a list can be asked.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ListQuery {
    limit: Option<i64>,
    cursor: Option<String>,
    external_ref: Option<String>,
    customer_id: Option<String>,
}

/// What a report can be asked.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReportQuery {
    pub days: Option<i64>,
    limit: Option<i64>,
    cursor: Option<String>,
}

/// What the trail can be asked.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuditQuery {
    pub after: Option<i64>,
    limit: Option<i64>,
}

/// What a deletion can be asked.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DeleteQuery {
    #[serde(default)]
    pub mode: Mode,
    #[serde(default)]
    pub dry_run: bool,
    pub confirm: Option<String>,
    #[serde(default)]
    pub force: bool,
}

/// What becomes of the backups.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mode {
    #[default]
    Purge,
    Retain,
}

impl ListQuery {
    /// Start, length and filter of the page.
    pub fn page(self) -> Result<(i64, i64, Filter), Problem> {
        let filter = Filter {
            external_ref: self.external_ref,
            customer: self.customer_id,
        };
        Ok((start(self.cursor.as_deref())?, length(self.limit)?, filter))
    }
}

impl ReportQuery {
    /// Days, start and length of the page.
    pub fn page(&self, usual_days: i64, most_days: i64) -> Result<(i64, i64, i64), Problem> {
        let days = self.days.unwrap_or(usual_days);
        if !(1..=most_days).contains(&days) {
            return Err(Problem {
                status: 400,
                ..Problem::invalid("days", format!("days is 1 to {most_days}"))
            });
        }
        Ok((days, start(self.cursor.as_deref())?, length(self.limit)?))
    }
}

impl AuditQuery {
    /// Start and length of the page.
    pub fn page(&self) -> Result<(i64, i64), Problem> {
        Ok((self.after.unwrap_or(0), length(self.limit)?))
    }
}

fn length(limit: Option<i64>) -> Result<i64, Problem> {
    let limit = limit.unwrap_or(USUAL);
    if (1..=LARGEST).contains(&limit) {
        Ok(limit)
    } else {
        Err(Problem {
            status: 400,
            ..Problem::invalid("limit", format!("limit is 1 to {LARGEST}"))
        })
    }
}

fn start(cursor: Option<&str>) -> Result<i64, Problem> {
    let Some(cursor) = cursor else { return Ok(0) };
    let place = cursor
        .strip_prefix('s')
        .and_then(|place| place.parse().ok());
    place.ok_or_else(|| {
        Problem {
            status: 400,
            ..Problem::invalid("cursor", "the cursor isn't one of ours")
        }
        .remedy("Start again without a cursor")
    })
}

/// A page whose cursor is a text.
pub(super) fn document(page: Page) -> Value {
    json!({"items": page.rows, "next": page.next.map(|place| format!("s{place}")), "complete": page.next.is_none()})
}

/// A page of the trail, whose next start is a number.
pub(super) fn numbered(page: Page) -> Value {
    json!({"items": page.rows, "next": page.next, "complete": page.next.is_none()})
}
