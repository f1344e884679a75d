//! What the adversarial platform answers, as our objects.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_api::{Capability, Kind};
use holdfast_core::estate::{
    Account, Capabilities, Claim, Creation, Facts, Object, ObjectId, Protection, Settings,
};
use holdfast_platforms::{PlatformError, Problem, ProblemKind, Written};
use serde_json::Value;

use crate::platform::{Estate, Item, Nature};

/// The name under which an object is created that gets its mark by a second request.
pub fn provisional(name: &str, claim: &str) -> String {
    format!("{name} [{claim}]")
}

/// The claim in such a name.
fn claim_in(name: &str) -> Option<&str> {
    let (_, claim) = name.strip_suffix(']')?.rsplit_once(" [")?;
    claim.starts_with("hf-").then_some(claim)
}

/// A refusal.
pub fn problem(kind: ProblemKind, detail: &str) -> PlatformError {
    Problem {
        kind,
        field: None,
        detail: detail.to_owned(),
        remedy: None,
        conflicting_id: None,
    }
    .into()
}

/// An item as the port shows it, beside all others.
pub fn object(estate: &Estate, item: &Item, all: &[Item]) -> Object {
    let mut document = item.document.clone();
    document.insert("active".into(), item.active.into());
    if item.spoilt {
        // Its name and place can still be read.
        document.retain(|field, _| field == "name" || field.ends_with("Id"));
    }
    let name = item.text("name").unwrap_or_default();
    let later = estate.nature.creation(item.kind) == Creation::ListAndMark;
    let named = claim_in(name).filter(|_| later && item.mark.is_none());
    let claim = item.mark.as_deref().or(named).map(Claim::new);
    let (settings, _) = Settings::salvage(item.kind, &Value::Object(document));
    let below = |kind| {
        let below = { all.iter() }
            .filter(|other| other.kind == kind && other.parent() == Some(item.id.as_str()));
        u32::try_from(below.count()).unwrap_or(u32::MAX)
    };
    Object {
        kind: item.kind,
        id: ObjectId::new(&item.id),
        name: name.to_owned(),
        claim,
        etag: Some(item.version.to_string()),
        protection: Protection::None,
        created_at: None,
        unreadable: item.spoilt.then(|| "the rest of it can't be read".into()),
        settings,
        facts: Facts {
            provisional: named.is_some(),
            tenants: below(Kind::Tenant),
            customers: below(Kind::Customer),
            resellers: below(Kind::Reseller),
            ..Facts::default()
        },
    }
}

/// All of these as the port shows them.
pub fn objects<'a>(
    estate: &Estate,
    items: impl Iterator<Item = &'a Item>,
    all: &[Item],
) -> Vec<Object> {
    items.map(|item| object(estate, item, all)).collect()
}

/// The object after a change, if there is one.
pub fn done(estate: &Estate, item: Option<Item>) -> Result<Written, PlatformError> {
    let item = item.ok_or_else(|| problem(ProblemKind::NotFound, "there is no such object"))?;
    let written = object(estate, &item, &estate.items());
    Ok(Written::Done(Box::new(written)))
}

/// What this platform can do.
pub fn capabilities(nature: &Nature) -> Capabilities {
    let switches = [
        Capability::SuspendReseller,
        Capability::SuspendCustomer,
        Capability::SuspendTenant,
        Capability::SuspendKeepsData,
    ];
    let mut verbs = BTreeSet::from([Capability::MoveReseller, Capability::MoveCustomer]);
    for kind in Kind::ALL {
        verbs.extend([
            Capability::create(*kind),
            Capability::update(*kind),
            Capability::delete(*kind),
        ]);
    }
    if nature.suspends {
        verbs.extend(switches);
    }
    let fields = |kind, fields: &[&str]| (kind, fields.iter().map(|&path| path.into()).collect());
    Capabilities {
        verbs,
        fields: BTreeMap::from([
            fields(
                Kind::Reseller,
                &[
                    "name",
                    "parentId",
                    "level",
                    "active",
                    "profile.phone",
                    "allotment.storage",
                ],
            ),
            fields(Kind::ServicePlan, &["name", "products"]),
            fields(
                Kind::Customer,
                &[
                    "name",
                    "resellerId",
                    "country",
                    "active",
                    "profile.phone",
                    "profile.website",
                    "limits.storage",
                ],
            ),
            fields(
                Kind::Tenant,
                &[
                    "customerId",
                    "planId",
                    "product",
                    "type",
                    "active",
                    "quota.credits",
                ],
            ),
        ]),
        creation: { Kind::ALL.iter() }
            .map(|kind| (*kind, nature.creation(*kind)))
            .collect(),
        ..Capabilities::by_reference(Account {
            id: "adversary".into(),
            name: "Adversary".into(),
        })
    }
}
