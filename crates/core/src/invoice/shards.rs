//! A month in parts, each small enough for one `ConfigMap`.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::month::Month;

/// Most parts of a month: with 5,000 customers each is below 256 KiB. It never changes: a part is found by it.
const SHARDS: u8 = 32;
/// The key of a `ConfigMap` that holds a part.
pub const KEY: &str = "month.json";
/// The form in which parts are kept.
const VERSION: u32 = 1;

/// A part of a month that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ShardError {
    /// No document of ours.
    #[error("it can't be read: {0}. Restore it from a backup.")]
    Malformed(String),
    /// Made by another version.
    #[error(
        "it has version {0}, and this version of Holdfast reads {VERSION}. Use the version that wrote it, or a later one."
    )]
    Version(u32),
}

/// A part as it is kept.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shard {
    version: u32,
    /// The parts that the month has, so that a lost one is noticed.
    shards: BTreeSet<u8>,
    month: Month,
}

/// The part that a customer is in.
fn shard_of(customer: &str) -> u8 {
    Sha256::digest(customer.as_bytes())[0] % SHARDS
}

/// The number and the text of the part that a `ConfigMap` holds; `None` when it holds none.
pub fn part(map: &ConfigMap) -> Option<(u8, String)> {
    let name = map.name_any();
    let (_, number) = name.rsplit_once('.')?;
    let text = map.data.as_ref()?.get(KEY)?;
    Some((number.parse().ok()?, text.clone()))
}

/// A month in parts, by number; only those with customers.
fn shards(month: &Month) -> BTreeMap<u8, Month> {
    let mut parts: BTreeMap<u8, Month> = BTreeMap::new();
    for (name, billed) in &month.customers {
        let part = parts.entry(shard_of(name)).or_insert_with(|| Month {
            platform: month.platform.clone(),
            month: month.month.clone(),
            frozen: month.frozen,
            lost: month.lost,
            seen: month.seen.clone(),
            customers: BTreeMap::new(),
        });
        part.customers.insert(name.clone(), billed.clone());
    }
    parts
}

/// The parts of a month as text, by number: the same month gives the same bytes. Each names itself and those that are `there`, so
/// that one which was never written isn't taken for lost.
pub fn text(month: &Month, there: &BTreeSet<u8>) -> BTreeMap<u8, String> {
    let written = |(number, month)| {
        let mut shards = there.clone();
        shards.insert(number);
        let shard = Shard {
            version: VERSION,
            shards,
            month,
        };
        // Maps with text as keys and numbers: always JSON.
        let text = serde_json::to_string(&shard).unwrap_or_default();
        (number, text)
    };
    shards(month).into_iter().map(written).collect()
}

/// A month from its parts, by number. One that lacks a part is `lost`.
///
/// # Errors
/// The number of a part that can't be read.
pub fn join(parts: &BTreeMap<u8, String>) -> Result<Option<Month>, (u8, ShardError)> {
    let mut joined: Option<Month> = None;
    let mut named = BTreeSet::new();
    for (number, text) in parts {
        let shard = read(text).map_err(|error| (*number, error))?;
        named.extend(shard.shards);
        match &mut joined {
            None => joined = Some(shard.month),
            Some(month) => {
                // A month is frozen part by part: one that was begun is finished.
                month.frozen &= shard.month.frozen;
                month.lost |= shard.month.lost;
                month.seen.extend(shard.month.seen);
                month.customers.extend(shard.month.customers);
            }
        }
    }
    if let Some(month) = &mut joined {
        month.lost |= named.iter().any(|number| !parts.contains_key(number));
    }
    Ok(joined)
}

fn read(text: &str) -> Result<Shard, ShardError> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    let malformed = |error: serde_json::Error| ShardError::Malformed(error.to_string());
    let versioned: Versioned = serde_json::from_str(text).map_err(malformed)?;
    if versioned.version != VERSION {
        return Err(ShardError::Version(versioned.version));
    }
    serde_json::from_str(text).map_err(malformed)
}
