//! Moments as Druva writes them.

use jiff::{Timestamp, Unit};
use serde_json::{Value, json};

/// A moment to the second, as Druva writes it.
pub(super) fn seconds(at: Timestamp) -> Value {
    let whole = Timestamp::from_second(at.as_second()).unwrap_or(at);
    json!(whole.round(Unit::Second).unwrap_or(whole))
}
