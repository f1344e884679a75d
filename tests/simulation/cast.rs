//! The resources of a story, and what users write into them.

use std::fmt;

use holdfast_api::Kind;
use serde_json::{Value, json};

use crate::chance::Chance;

/// A resource that users play with: kind and name.
pub type Role = (Kind, &'static str);

/// All of them. A customer has one letter, its tenant a `t` before it.
pub const CAST: [Role; 9] = [
    (Kind::Reseller, "north"),
    (Kind::Reseller, "south"),
    (Kind::ServicePlan, "gold"),
    (Kind::Customer, "a"),
    (Kind::Customer, "b"),
    (Kind::Customer, "c"),
    (Kind::Customer, "d"),
    (Kind::Tenant, "ta"),
    (Kind::Tenant, "tb"),
];

/// A spec as a user writes it.
#[derive(Clone)]
pub struct Spec(pub Value);

impl fmt::Debug for Spec {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, out)
    }
}

/// A telephone number in one of the forms that people and platforms write.
pub fn phone(chance: &Chance) -> String {
    let forms = ["+49 30 1", " 030 2", "tel  3", "Ext 4"];
    format!("{}{}", chance.pick(&forms), chance.below(10))
}

/// What a user writes into one of them.
pub fn spec((kind, name): Role, chance: &Chance) -> Spec {
    let mut spec = match kind {
        Kind::Reseller => reseller(name, chance),
        Kind::ServicePlan => json!({
            "platformRef": {"name": "msp"},
            "planName": "Gold",
            "products": [{"product": "HybridWorkloads", "edition": "Enterprise", "workloads": ["FileServers"]}],
        }),
        Kind::Customer => customer(name, chance),
        Kind::Tenant => json!({
            "customerRef": {"name": &name[1..]},
            "servicePlanRef": {"name": "gold"},
            "product": "HybridWorkloads",
            "quota": {"credits": *chance.pick(&[5, 10, 20])},
            "state": if chance.hits(150) { "Suspended" } else { "Active" },
        }),
    };
    let delete = if kind == Kind::Customer { 400 } else { 250 };
    spec["deletionPolicy"] = if chance.hits(delete) {
        "Delete"
    } else {
        "Retain"
    }
    .into();
    spec["management"] = management(chance).into();
    Spec(spec)
}

fn management(chance: &Chance) -> &'static str {
    match chance.below(100) {
        0..5 => "Observe",
        5..10 => "Paused",
        _ => "Manage",
    }
}

fn reseller(name: &str, chance: &Chance) -> Value {
    let mut spec = json!({
        "platformRef": {"name": "msp"},
        "displayName": format!("Reseller {name}"),
        "level": if name == "north" { "Distributor" } else { "Reseller" },
        "profile": {"phone": phone(chance)},
    });
    if name == "south" && chance.hits(400) {
        spec["parentRef"] = json!({"name": "north"});
    }
    if chance.hits(600) {
        spec["allotment"] = json!({"storage": *chance.pick(&["100Gi", "200Gi", "400Gi"])});
    }
    spec
}

fn customer(name: &str, chance: &Chance) -> Value {
    let display = match chance.below(100) {
        0..6 => format!("Customer {name} Ltd"),
        6..8 => "A name that two have".into(),
        _ => format!("Customer {name}"),
    };
    let mut spec = json!({
        "displayName": display,
        "country": "DE",
        "profile": {"phone": phone(chance), "website": "https://example.com/"},
    });
    let above = if name == "a" { 0 } else { chance.below(10) };
    match above {
        0..4 => spec["platformRef"] = json!({"name": "msp"}),
        4..8 => spec["resellerRef"] = json!({"name": "north"}),
        _ => spec["resellerRef"] = json!({"name": "south"}),
    }
    if chance.hits(600) {
        spec["limits"] = json!({"storage": *chance.pick(&["50Gi", "100Gi", "150Gi"])});
    }
    if chance.hits(100) {
        spec["active"] = chance.hits(500).into();
    }
    spec
}
