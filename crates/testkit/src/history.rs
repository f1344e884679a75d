//! The platform's own history: its audit trail says what was carried out and in which order, and the tap in front of it says
//! what the state was after each change.

use std::collections::{BTreeMap, HashMap, VecDeque};

use serde_json::Value;

use super::{operator::Console, tap::Tap};

/// What the platform held at one moment, by collection and id.
pub type Moment = BTreeMap<String, Value>;

/// Every moment of a platform that was empty when the tap began to listen, in the platform's order. Panics when a change in
/// the platform's audit trail wasn't heard, or one that was heard isn't in it.
pub async fn moments(console: &Console, tap: &Tap) -> Vec<Moment> {
    let mut heard: HashMap<String, VecDeque<Value>> = HashMap::new();
    for exchange in tap.heard() {
        let taken = exchange.status.is_some_and(|status| status.is_success());
        let rehearsed = exchange.line.contains("dryRun=true");
        let path = exchange.line.split('?').next().unwrap_or_default();
        if taken && !rehearsed && !path.starts_with("GET ") {
            heard
                .entry(path.to_owned())
                .or_default()
                .push_back(exchange.answer);
        }
    }
    let mut now = Moment::new();
    let mut moments = Vec::new();
    for entry in console.mutations().await {
        if entry["outcome"] != "accepted" {
            continue;
        }
        let text = |member: &str| entry[member].as_str().unwrap_or_default();
        let (method, path) = (text("method"), text("path"));
        let line = format!("{method} {path}");
        let left = heard.get_mut(&line).and_then(VecDeque::pop_front);
        let left = left.unwrap_or_else(|| panic!("nobody heard {entry}"));
        let kind = path.split('/').nth(2).unwrap_or_default();
        if method == "DELETE" {
            let id = path.rsplit('/').next().unwrap_or_default();
            now.remove(&format!("{kind}/{id}"));
        } else {
            let id = left["id"].as_str().expect("an item has an id");
            now.insert(format!("{kind}/{id}"), left.clone());
        }
        moments.push(now.clone());
    }
    heard.retain(|_, rest| !rest.is_empty());
    assert!(heard.is_empty(), "the platform doesn't tell of {heard:?}");
    moments
}

/// Bytes that a reseller can allot at this moment, and bytes that its customers hold; nothing before it was created.
pub fn storage(moment: &Moment, reseller: &str) -> Option<(u64, u64)> {
    let of = |kind: &'static str| {
        let items = moment.iter();
        items
            .filter(move |(place, _)| place.starts_with(kind))
            .map(|(_, item)| item)
    };
    let found = of("resellers/").find(|item| item["name"] == reseller)?;
    let held = of("customers/")
        .filter(|item| item["resellerId"] == found["id"])
        .filter_map(|item| item["limits"]["storage"].as_u64());
    Some((found["allotment"]["storage"].as_u64()?, held.sum()))
}
