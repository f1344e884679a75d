//! The trail of every change that was asked for. Names of fields, never values.

use jiff::Timestamp;
use rusqlite::{Connection, params};
use serde_json::{Value, json};

use super::store::StoreError;

/// One request for a change, as far as the trail is concerned.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub actor: String,
    pub method: &'static str,
    /// Below the base URL, without the query.
    pub path: String,
    /// Mark of the item concerned, once known.
    pub external_ref: Option<String>,
    /// Dotted paths that the request names.
    pub fields: Vec<String>,
}

/// Writes an entry with how the request ended.
pub(super) fn record(
    connection: &Connection,
    entry: &Entry,
    status: u16,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO audit (time, actor, method, path, external_ref, status, fields) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let fields = serde_json::to_string(&entry.fields)?;
    let values = params![
        now.as_millisecond(),
        entry.actor,
        entry.method,
        entry.path,
        entry.external_ref,
        status,
        fields
    ];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

/// Entries after one, oldest first, each with its number.
pub(super) fn list(
    connection: &Connection,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, Value)>, StoreError> {
    let sql = "SELECT seq, time, actor, method, path, external_ref, status, fields FROM audit WHERE seq > ?1 ORDER BY seq LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([after, limit])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let (seq, time): (i64, i64) = (row.get(0)?, row.get(1)?);
        let (status, fields): (u16, String) = (row.get(6)?, row.get(7)?);
        let fields: Value = serde_json::from_str(&fields)?;
        let entry = json!({
            "seq": seq,
            "time": Timestamp::from_millisecond(time).unwrap_or(Timestamp::UNIX_EPOCH),
            "actor": row.get::<_, String>(2)?,
            "method": row.get::<_, String>(3)?,
            "path": row.get::<_, String>(4)?,
            "externalRef": row.get::<_, Option<String>>(5)?,
            "outcome": if status < 400 { "accepted" } else { "refused" },
            "status": status,
            "fields": fields,
        });
        entries.push((seq, entry));
    }
    Ok(entries)
}
