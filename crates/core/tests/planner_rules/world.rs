//! What surrounds the subject of a case: the platform, and the objects of other resources on it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use holdfast_api::{
    Kind,
    shared::{Adopt, Management, RequiredLimit},
};
use holdfast_core::estate::{
    Account, Capabilities, Capability, Creation, Facts, Object, ObjectId, Settings, StorageLocation,
};
use holdfast_core::planner::{self, Declared, PlatformFacts, Reference, References, Safety, Seen};
use holdfast_core::rules;
use serde_json::{Value, json};

use holdfast_testkit::rule_cases::{Case, Other};

pub const ACCOUNT: &str = "9f";
pub const NAMESPACE: &str = "backup";

pub fn now() -> jiff::Timestamp {
    "2026-06-01T12:00:00Z".parse().expect("an instant")
}

pub fn platform() -> PlatformFacts {
    let location = |id: &str, countries: &[&str]| StorageLocation {
        id: id.into(),
        name: id.into(),
        countries: countries.iter().map(|&country| country.into()).collect(),
        products: Vec::new(),
    };
    PlatformFacts {
        name: "msp".into(),
        owner_id: "5b0c1d7e-0000-4000-8000-000000000000".into(),
        management: Management::Manage,
        adopt: Adopt::Claimed,
        capabilities: Capabilities {
            account: Account {
                id: ACCOUNT.into(),
                name: "Acme MSP".into(),
            },
            verbs: Capability::ALL.iter().copied().collect(),
            fields: BTreeMap::new(),
            fixed: BTreeMap::new(),
            creation: Creation::ByReference.everywhere(),
            apart: BTreeMap::new(),
            unlisted: BTreeMap::new(),
            products: std::collections::BTreeSet::new(),
            console: BTreeMap::new(),
            lacking: BTreeMap::new(),
            default_customer: None,
        },
        locations: vec![location("de-1", &["DE", "AT"]), location("ch-1", &["CH"])],
        safety: Safety {
            max_deletions_per_hour: 10,
            deletion_delay: Duration::ZERO,
        },
    }
}

/// Fields of a spec that refer to other resources, with the setting that stands for each.
pub const REFERENCES: [(&str, &str, Kind); 4] = [
    ("parentRef", "parentId", Kind::Reseller),
    ("resellerRef", "resellerId", Kind::Reseller),
    ("customerRef", "customerId", Kind::Customer),
    ("servicePlanRef", "planId", Kind::ServicePlan),
];

/// What surrounds the subject of a case: the objects of other resources, by kind and resource name.
pub struct World {
    pub objects: BTreeMap<(Kind, String), Arc<Object>>,
    /// The subject itself, for others that refer to it.
    subject: Option<((Kind, String), ObjectId)>,
}

impl World {
    pub fn of(case: &Case) -> Self {
        let id = case.status.as_ref().map(|status| &status["externalId"]);
        let id = id.and_then(Value::as_str).map(ObjectId::new);
        let mut world = Self {
            objects: BTreeMap::new(),
            subject: kind(&case.kind)
                .map(|kind| (kind, case.name.clone()))
                .zip(id),
        };
        for other in &case.with {
            let Some(kind) = kind(&other.kind) else {
                continue;
            };
            let Some(id) = other
                .status
                .as_ref()
                .and_then(|status| status["externalId"].as_str())
            else {
                continue;
            };
            let object = world.object(kind, id, &other.spec);
            world
                .objects
                .insert((kind, other.name.clone()), Arc::new(object));
        }
        world
    }

    pub fn id(&self, kind: Kind, name: &str) -> Option<ObjectId> {
        let key = (kind, name.to_owned());
        if let Some((_, id)) = self.subject.as_ref().filter(|(subject, _)| *subject == key) {
            return Some(id.clone());
        }
        self.objects.get(&key).map(|object| object.id.clone())
    }

    /// The object that a spec, applied in full, stands for.
    pub fn object(&self, kind: Kind, id: &str, spec: &Value) -> Object {
        let mut document = spec.clone();
        let name = planner::remote_name(kind, spec).unwrap_or(id).to_owned();
        document["name"] = json!(name);
        if kind == Kind::Tenant {
            document["active"] = json!(spec["state"] != "Suspended");
        }
        for (field, setting, above) in REFERENCES {
            if let Some(id) = spec[field]["name"]
                .as_str()
                .and_then(|name| self.id(above, name))
            {
                document[setting] = json!(id);
            }
        }
        Object {
            kind,
            id: ObjectId::new(id),
            name,
            claim: None,
            etag: Some("1".into()),
            protection: holdfast_core::estate::Protection::None,
            created_at: None,
            unreadable: None,
            settings: Settings::from_document(kind, &document).expect("a spec that can be read"),
            facts: Facts::default(),
        }
    }

    /// What hangs under an object, or is on it where it is a plan. Others refer to the subject by its id.
    pub fn below(&self, id: &ObjectId) -> Vec<Arc<Object>> {
        let objects = self.objects.values();
        let refers = |object: &&Arc<Object>| {
            object.parent().as_ref() == Some(id)
                || object.settings.text("planId") == Some(id.as_str())
        };
        objects.filter(refers).cloned().collect()
    }

    /// The chain of resellers above, nearest first.
    pub fn above(&self, spec: &Value) -> Vec<Arc<Object>> {
        let named = REFERENCES[..2]
            .iter()
            .find_map(|(field, ..)| spec[*field]["name"].as_str());
        let mut next = named.and_then(|name| self.id(Kind::Reseller, name));
        let mut chain: Vec<Arc<Object>> = Vec::new();
        while let Some(id) = next.take() {
            let Some(object) = self.objects.values().find(|object| object.id == id) else {
                break;
            };
            next = object.parent();
            chain.push(object.clone());
        }
        chain
    }
}

/// The limits that the resellers above and the platform require.
pub fn requirements(case: &Case, spec: &Value) -> Vec<rules::Requirement> {
    let named = |kind: &str, reference: &Value| {
        let name = reference["name"].as_str()?;
        let mut others = case.with.iter();
        others.find(|other| other.kind == kind && other.name == name)
    };
    let level = |other: &Other| {
        let required = other.spec["requireLimits"].clone();
        let required: Vec<RequiredLimit> = serde_json::from_value(required).unwrap_or_default();
        let stated = rules::Stated {
            required: &required,
            ..rules::Stated::default()
        };
        rules::Level::new(&format!("{}/{}", other.kind, other.name), stated, None)
    };
    let mut levels = Vec::new();
    let mut spec = spec;
    let mut above = named("Reseller", &spec["resellerRef"]);
    while let Some(reseller) = above {
        levels.push(level(reseller));
        spec = &reseller.spec;
        above = named("Reseller", &spec["parentRef"]);
    }
    levels.extend(named("BackupPlatform", &spec["platformRef"]).map(level));
    rules::requirements(&levels)
}

pub fn kind(name: &str) -> Option<Kind> {
    Kind::ALL.iter().copied().find(|kind| kind.as_str() == name)
}

/// The object that the platform holds for the subject.
pub fn held(case: &Case, world: &World, kind: Kind, facts: &PlatformFacts) -> Option<Object> {
    let nothing = json!({});
    let status = case.status.as_ref().unwrap_or(&nothing);
    let noted = case.annotations.get("holdfast.dev/external-id");
    let noted = noted.and_then(|noted| Some(noted.as_str()?.split_once('/')?.1));
    let id = status["externalId"].as_str().or(noted)?;
    let mut object = world.object(kind, id, case.before.as_ref()?);
    object.claim = Some(facts.claim(kind, NAMESPACE, &case.name));
    object.protection = serde_json::from_value(status["protection"].clone())
        .unwrap_or(holdfast_core::estate::Protection::None);
    let count = |value: &Value| u32::try_from(value.as_u64().unwrap_or(0)).unwrap_or(u32::MAX);
    object.facts = Facts {
        tenants: count(&status["tenants"]["total"]) + count(&status["tenants"]),
        clients: Some(count(&status["clients"]["total"])),
        customers: count(&status["customers"]),
        resellers: count(&status["resellers"]),
        ..Facts::default()
    };
    if let Some(remote) = &case.remote {
        let mut document = Value::Object(object.settings.to_document());
        for (path, value) in &remote.settings {
            json_patch::merge(&mut document, &nested(path, value));
        }
        object.settings = Settings::from_document(kind, &document).expect("settings that fit");
        let mut facts = json!({});
        facts
            .as_object_mut()
            .expect("an object")
            .extend(remote.facts.clone());
        if !remote.facts.is_empty() {
            object.facts = serde_json::from_value(facts).expect("facts");
        }
    }
    Some(object)
}

pub fn nested(path: &str, value: &Value) -> Value {
    path.rsplit('.')
        .fold(value.clone(), |value, member| json!({member: value}))
}

pub fn references(case: &Case, world: &World, spec: &Value) -> References {
    let lead = REFERENCES.iter().filter_map(|(field, _, kind)| {
        let name = spec[*field]["name"].as_str()?;
        let found = Reference::Found {
            id: world.id(*kind, name),
            deleting: false,
            platform: case
                .with
                .iter()
                .find(|other| other.kind == kind.as_str() && other.name == name)
                .map(|other| platform_of(case, &other.spec)),
        };
        Some((*field, (name.to_owned(), found)))
    });
    lead.collect()
}

/// An object of another resource, with that resource.
pub fn seen((key, object): (&(Kind, String), &Arc<Object>)) -> Seen {
    Seen {
        object: object.clone(),
        holder: Some(format!("{} {NAMESPACE}/{}", key.0.as_str(), key.1)),
    }
}

/// What the spec names by id, where another resource holds it.
pub fn known(world: &World, declared: &Declared) -> Option<Seen> {
    let id = ObjectId::new(declared.lifecycle.external_id.as_deref()?);
    let mut objects = world.objects.iter();
    let named = objects.find(|(key, object)| key.0 == declared.kind && object.id == id);
    named.map(seen)
}

/// Objects that stand where the subject's would: of its name, or of its customer and product.
pub fn namesakes(world: &World, declared: &Declared) -> Vec<Seen> {
    let name = planner::remote_name(declared.kind, &declared.spec);
    let customer = declared.spec["customerRef"]["name"].as_str();
    let customer = customer.and_then(|name| world.id(Kind::Customer, name));
    let product = declared.spec["product"].as_str();
    let stands_there = |object: &Object| match declared.kind {
        Kind::Tenant => object.parent() == customer && object.settings.text("product") == product,
        _ => Some(object.name.as_str()) == name,
    };
    let others = world.objects.iter().filter(|(key, object)| {
        key.0 == declared.kind && key.1 != declared.name && stands_there(object)
    });
    others.map(seen).collect()
}

/// The circle that parents form, if they do.
pub fn circle(case: &Case, declared: &Declared) -> Option<String> {
    let mut names = vec![case.name.clone()];
    let mut spec = &declared.spec;
    while let Some(name) = spec["parentRef"]["name"].as_str() {
        names.push(name.to_owned());
        if name == case.name {
            return Some(names.join(" > "));
        }
        spec = &case.with.iter().find(|other| other.name == name)?.spec;
    }
    None
}

/// The platform that a spec leads to.
pub fn platform_of(case: &Case, spec: &Value) -> String {
    if let Some(name) = spec["platformRef"]["name"].as_str() {
        return name.to_owned();
    }
    let mut above = REFERENCES[..3].iter();
    let above = above.find_map(|(field, ..)| spec[*field]["name"].as_str());
    let above = case
        .with
        .iter()
        .find(|other| Some(other.name.as_str()) == above);
    above.map_or_else(|| "msp".to_owned(), |above| platform_of(case, &above.spec))
}
