//! The planner's verdict on every case of the table in `tests/rule_cases`, which the API server judges in `admission_rules`.

#[path = "support/rule_cases.rs"]
mod rule_cases;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use holdfast::{
    api::{
        Kind,
        shared::{Adopt, Management},
    },
    estate::{
        Account, Capabilities, Capability, Facts, Object, ObjectId, Settings, StorageLocation,
    },
    planner::{
        self, Declared, Marks, Neighbours, PlatformFacts, PlatformState, Progress, Reference,
        References, Remote, Safety, Seen, Settlement, Step, Supplements, Turn, View,
    },
    platform::Rehearsal,
    rules::{
        quota::{self, Ledger, Membership, Rank, Shortage},
        registry::{self, Place},
    },
};
use rule_cases::{Case, Sort, Verdict};
use serde_json::{Value, json};

const ACCOUNT: &str = "9f";
const NAMESPACE: &str = "backup";
/// More steps than any case needs.
const STEPS: usize = 20;

fn now() -> jiff::Timestamp {
    "2026-06-01T12:00:00Z".parse().expect("an instant")
}

fn platform() -> PlatformFacts {
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
            repeatable_create: true,
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
const REFERENCES: [(&str, &str, Kind); 4] = [
    ("parentRef", "parentId", Kind::Reseller),
    ("resellerRef", "resellerId", Kind::Reseller),
    ("customerRef", "customerId", Kind::Customer),
    ("servicePlanRef", "planId", Kind::ServicePlan),
];

/// What surrounds the subject of a case: the objects of other resources, by kind and resource name.
struct World {
    objects: BTreeMap<(Kind, String), Arc<Object>>,
}

impl World {
    fn of(case: &Case) -> Self {
        let mut world = Self {
            objects: BTreeMap::new(),
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

    fn id(&self, kind: Kind, name: &str) -> Option<ObjectId> {
        let object = self.objects.get(&(kind, name.to_owned()))?;
        Some(object.id.clone())
    }

    /// The object that a spec, applied in full, stands for.
    fn object(&self, kind: Kind, id: &str, spec: &Value) -> Object {
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
            protection: holdfast::estate::Protection::None,
            created_at: None,
            settings: Settings::from_document(kind, &document).expect("a spec that can be read"),
            facts: Facts::default(),
        }
    }

    /// The chain of resellers above, nearest first.
    fn above(&self, spec: &Value) -> Vec<Arc<Object>> {
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

fn kind(name: &str) -> Option<Kind> {
    Kind::ALL.iter().copied().find(|kind| kind.as_str() == name)
}

/// The object that the platform holds for the subject.
fn held(case: &Case, world: &World, kind: Kind, facts: &PlatformFacts) -> Option<Object> {
    let nothing = json!({});
    let status = case.status.as_ref().unwrap_or(&nothing);
    let noted = case.annotations.get("holdfast.dev/external-id");
    let noted = noted.and_then(|noted| Some(noted.as_str()?.split_once('/')?.1));
    let id = status["externalId"].as_str().or(noted)?;
    let mut object = world.object(kind, id, case.before.as_ref()?);
    object.claim = Some(facts.claim(kind, NAMESPACE, &case.name));
    object.protection = serde_json::from_value(status["protection"].clone())
        .unwrap_or(holdfast::estate::Protection::None);
    let count = |value: &Value| u32::try_from(value.as_u64().unwrap_or(0)).unwrap_or(u32::MAX);
    object.facts = Facts {
        tenants: count(&status["tenants"]["total"]) + count(&status["tenants"]),
        clients: count(&status["clients"]["total"]),
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

fn nested(path: &str, value: &Value) -> Value {
    path.rsplit('.')
        .fold(value.clone(), |value, member| json!({member: value}))
}

/// What the ledger says: claims of the other resources are held, the subject asks.
fn ask_ledger(
    case: &Case,
    world: &World,
    view: &Declared,
    held: Option<&Object>,
) -> (Vec<Shortage<String>>, [u64; 4]) {
    let mut ledger: Ledger<(Kind, String), (Kind, String)> = Ledger::default();
    let rank = |name: &str| Rank {
        created: now(),
        name: name.to_owned(),
    };
    let parent = |spec: &Value| {
        REFERENCES[..3].iter().find_map(|(field, _, kind)| {
            let name = spec[*field]["name"].as_str()?;
            Some((*kind, name.to_owned()))
        })
    };
    for other in &case.with {
        let Some(kind) = kind(&other.kind) else {
            continue;
        };
        let key = (kind, other.name.clone());
        let Some(object) = world.objects.get(&key) else {
            continue;
        };
        let amounts = quota::amounts(kind, &object.settings, now());
        ledger.allot(&key, amounts);
        if let Some(pool) = parent(&other.spec) {
            let membership = Membership {
                pool,
                held: amounts,
                wanted: amounts,
            };
            ledger.declare(&key, &rank(&other.name), &[membership], true);
        }
    }
    let key = (view.kind, case.name.clone());
    let holds = held.map_or([None; 4], |held| {
        quota::amounts(view.kind, &held.settings, now())
    });
    let spec = Settings::from_document(view.kind, &view.spec).expect("a spec that can be read");
    let wanted = quota::wanted(view.kind, &spec, &holds, now());
    let before = case
        .before
        .as_ref()
        .and_then(parent)
        .filter(|_| held.is_some());
    let after = parent(&view.spec);
    let memberships: Vec<_> = if before == after {
        after
            .map(|pool| Membership {
                pool,
                held: holds,
                wanted,
            })
            .into_iter()
            .collect()
    } else {
        let leaves = before.map(|pool| Membership {
            pool,
            held: holds,
            wanted: [None; 4],
        });
        let comes = after.map(|pool| Membership {
            pool,
            held: [None; 4],
            wanted,
        });
        leaves.into_iter().chain(comes).collect()
    };
    let present: Vec<_> = memberships
        .iter()
        .map(|member| Membership {
            wanted: member.held,
            ..member.clone()
        })
        .collect();
    ledger.declare(&key, &rank(&case.name), &present, true);
    others_on_the_platform(case, &mut ledger);
    let outcome = ledger.declare(&key, &rank(&case.name), &memberships, true);
    let named = |shortage: Shortage<(Kind, String)>| Shortage {
        pool: format!("{} {}", shortage.pool.0.as_str(), shortage.pool.1),
        measure: shortage.measure,
        wanted: shortage.wanted,
        has: shortage.has,
        free: shortage.free,
        allotted: shortage.allotted,
    };
    let shortages = outcome.shortages.into_iter().map(named).collect();
    (shortages, ledger.taken(&key))
}

/// What a reseller's status says is granted, and no resource of the case accounts for.
fn others_on_the_platform(case: &Case, ledger: &mut Ledger<(Kind, String), (Kind, String)>) {
    for other in case.with.iter().filter(|other| other.kind == "Reseller") {
        let pool = (Kind::Reseller, other.name.clone());
        let shares = other
            .status
            .as_ref()
            .map(|status| status["allotment"].clone());
        let granted = |name: &str| -> Value {
            shares
                .as_ref()
                .map_or(Value::Null, |shares| shares[name]["granted"].clone())
        };
        let document = json!({"allotment": {
            "storage": granted("storage"), "licences": granted("licences"), "clients": granted("clients"), "credits": granted("credits"),
        }});
        let granted = Settings::from_document(Kind::Reseller, &document).expect("amounts");
        let granted = quota::amounts(Kind::Reseller, &granted, now());
        let taken = ledger.taken(&pool);
        let mut rest = granted;
        for (at, rest) in rest.iter_mut().enumerate() {
            *rest = granted[at].map(|granted| granted.saturating_sub(taken[at]));
        }
        let stranger = (Kind::Customer, format!("others of {}", other.name));
        let rank = Rank {
            created: jiff::Timestamp::MIN,
            name: String::new(),
        };
        ledger.declare(
            &stranger,
            &rank,
            &[Membership {
                pool,
                held: rest,
                wanted: rest,
            }],
            true,
        );
    }
}

fn declare(case: &Case, kind: Kind, held: Option<&Object>) -> Declared {
    let spec = case.after.as_ref().or(case.before.as_ref());
    let spec = spec.expect("a spec").clone();
    let status = case.status.clone().unwrap_or_else(|| json!({}));
    let noted = held.map(|object| format!("{ACCOUNT}/{}", object.id));
    Declared {
        kind,
        namespace: NAMESPACE.into(),
        name: case.name.clone(),
        generation: 2,
        created_at: now(),
        deleting: case.delete,
        deleted_at: case.delete.then(now),
        allowed_deletion: case
            .annotations
            .get("holdfast.dev/allow-deletion")
            .and_then(Value::as_str)
            .map(ToOwned::to_owned),
        finalized: held.is_some(),
        annotated: held.map(|object| (ACCOUNT.into(), object.id.clone())),
        marks: Marks {
            external_id: noted,
            labels: BTreeMap::new(),
        },
        recreate: None,
        lifecycle: serde_json::from_value(spec.clone()).expect("a lifecycle"),
        spec,
        status: serde_json::from_value(json!({
            "externalId": status["externalId"],
            "platform": status["platform"],
        }))
        .expect("a status"),
    }
}

fn references(case: &Case, world: &World, spec: &Value) -> References {
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
fn seen((key, object): (&(Kind, String), &Arc<Object>)) -> Seen {
    Seen {
        object: object.clone(),
        holder: Some(format!("{} {NAMESPACE}/{}", key.0.as_str(), key.1)),
    }
}

/// What the spec names by id, where another resource holds it.
fn known(world: &World, declared: &Declared) -> Option<Seen> {
    let id = ObjectId::new(declared.lifecycle.external_id.as_deref()?);
    let mut objects = world.objects.iter();
    let named = objects.find(|(key, object)| key.0 == declared.kind && object.id == id);
    named.map(seen)
}

/// Objects that stand where the subject's would: of its name, or of its customer and product.
fn namesakes(world: &World, declared: &Declared) -> Vec<Seen> {
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
fn circle(case: &Case, declared: &Declared) -> Option<String> {
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
fn platform_of(case: &Case, spec: &Value) -> String {
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

/// Goes the planner's way to its end: nothing when it may, the settlement when a rule refuses.
fn judge(case: &Case, kind: Kind) -> Option<Settlement> {
    let (world, mut facts) = (World::of(case), platform());
    facts.safety.deletion_delay = Duration::from_secs(case.platform.deletion_delay_seconds);
    let lacks = |capability: &Capability| {
        case.platform
            .without
            .contains(&capability.as_str().to_owned())
    };
    facts
        .capabilities
        .verbs
        .retain(|capability| !lacks(capability));
    let mut object = held(case, &world, kind, &facts);
    let mut declared = declare(case, kind, object.as_ref());
    let home = case.before.as_ref().map(|spec| platform_of(case, spec));
    facts.name = platform_of(case, &declared.spec);
    if home.is_some_and(|home| home != facts.name) {
        // Another platform doesn't know the object.
        facts.capabilities.account.id = "another".into();
        object = None;
    }
    let mut progress = Progress::default();
    for _ in 0..STEPS {
        let (shortages, granted_below) = ask_ledger(case, &world, &declared, object.as_ref());
        let plan = declared.spec["servicePlanRef"]["name"].as_str();
        let plan = plan.map(|name| (Kind::ServicePlan, name.to_owned()));
        let view = View {
            declared: &declared,
            platform: PlatformState::Observed(Arc::new(facts.clone())),
            references: references(case, &world, &declared.spec),
            supplements: Supplements::default(),
            remote: Remote {
                claimed: object.clone().map(Arc::new),
                known: known(&world, &declared),
                namesakes: namesakes(&world, &declared),
                ..Remote::default()
            },
            neighbours: Neighbours {
                above: world.above(&declared.spec),
                plan: plan.and_then(|key| world.objects.get(&key).cloned()),
                shortages,
                granted_below,
                circle: circle(case, &declared),
                used: [
                    None,
                    None,
                    object.as_ref().map(|object| object.facts.clients.into()),
                    None,
                ],
            },
            labels: BTreeMap::new(),
            progress: &progress,
            rest: None,
            hold: None,
            failures: 0,
            now: now(),
        };
        let step = planner::next(&view);
        match step {
            Step::Settle(settlement) => return settlement.rule.map(|_| *settlement),
            Step::Release | Step::Delete { .. } => return None,
            Step::Finalize => declared.finalized = true,
            Step::Mark(marks) => declared.marks = marks,
            Step::RecordIntent(intent) => progress.intent = Some(intent),
            Step::LookUp(_) => progress.unclaimed = true,
            // What is to be adopted isn't in the table.
            Step::Read(_) if object.is_none() => return None,
            Step::Read(id) => progress.fresh = Some(id),
            Step::RehearseDeletion(_) => {
                progress.rehearsal = Some(Rehearsal {
                    confirmation: "yes".into(),
                    clients: 0,
                    bytes: 0,
                });
            }
            Step::TakeDeletionTurn(_) => {
                let refused = Turn::Refused(Some(now() + Duration::from_secs(2400)));
                let none_left = case.platform.deletions_left == Some(0);
                progress.turn = Some(if none_left { refused } else { Turn::Granted });
            }
            Step::Create { .. } => return None,
            Step::Update { patch, .. } => change(object.as_mut(), &Value::Object(patch)),
            Step::SetActive { active, .. } => change(object.as_mut(), &json!({"active": active})),
            Step::SendWelcomeMail(_)
            | Step::MoveClient { .. }
            | Step::CheckOperation(_)
            | Step::ConfirmGone(_) => panic!("{}: not in the table: {step:?}", case.title),
        }
    }
    panic!("{}: no end", case.title);
}

fn change(object: Option<&mut Object>, patch: &Value) {
    let object = object.expect("an object to change");
    let mut document = Value::Object(object.settings.to_document());
    json_patch::merge(&mut document, patch);
    object.settings = Settings::from_document(object.kind, &document).expect("settings that fit");
}

/// Every case, and what the planner says to those that it refuses.
fn judged() -> Vec<(Case, Option<Settlement>)> {
    let cases = rule_cases::all()
        .into_iter()
        .chain(rule_cases::beyond_admission());
    // A BackupPlatform has no object on the platform that could be planned.
    let planned = cases.filter_map(|case| Some((kind(&case.kind)?, case)));
    planned
        .map(|(kind, case)| {
            let refused = judge(&case, kind);
            (case, refused)
        })
        .collect()
}

fn message(settlement: &Settlement) -> &str {
    match &settlement.verdict {
        planner::Verdict::Stalled(_, message)
        | planner::Verdict::OverQuota(message)
        | planner::Verdict::DeletionBlocked(_, message) => message,
        other => panic!("a refusal says something: {other:?}"),
    }
}

#[test]
fn the_planner_judges_every_case_as_the_table_says() {
    let mut wrong = Vec::new();
    for (case, refused) in judged() {
        let rule = refused.as_ref().and_then(|settlement| settlement.rule);
        let agrees = match &case.planner {
            Verdict::Refused => rule == Some(case.rule.as_str()),
            Verdict::Allowed | Verdict::Blind(_) => rule.is_none(),
        };
        if !agrees {
            wrong.push(format!(
                "{} ({:?}): {}: {:?}, but {:?}",
                case.rule,
                case.sort,
                case.title,
                case.planner,
                refused.map(|settlement| (settlement.rule, settlement.verdict))
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} cases:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_rule_but_those_of_the_schema_has_an_accepted_a_refused_and_a_boundary_case() {
    let cases: Vec<Case> = rule_cases::all()
        .into_iter()
        .chain(rule_cases::beyond_admission())
        .collect();
    for rule in registry::ALL
        .iter()
        .filter(|rule| rule.told != [Place::Schema])
    {
        for sort in [Sort::Accepted, Sort::Refused, Sort::Boundary] {
            let has = |case: &Case| case.rule == rule.name && case.sort == sort;
            assert!(cases.iter().any(has), "{} has no case {sort:?}", rule.name);
        }
    }
    for case in &cases {
        let known = registry::ALL.iter().any(|rule| rule.name == case.rule);
        assert!(known, "{} is no rule", case.rule);
    }
}

#[test]
fn each_refusal_names_its_rule_and_says_what_to_do() {
    let mut text = String::from(
        "# What the planner says to each case that it refuses\n\nMade by `UPDATE=1 cargo test --test planner_rules`; read for clarity.\n",
    );
    for (case, refused) in judged() {
        let Some(refused) = refused else { continue };
        let message = message(&refused);
        let sentences = message.matches(". ").count();
        assert!(sentences >= 1, "what is wrong, and what to do: {message}");
        assert!(
            message.ends_with(&format!("(rule {}).", case.rule)),
            "{message}"
        );
        if matches!(case.admission, Verdict::Blind(_)) {
            for words in &case.says {
                assert!(
                    message.contains(words.as_str()),
                    "{words:?} isn't in {message:?}"
                );
            }
        }
        text.push_str(&format!(
            "\n**{}**: {}\n\n> {message}\n",
            case.rule, case.title
        ));
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rule_cases/messages.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &text).expect("the file can be written");
    }
    let kept = std::fs::read_to_string(path).expect("the file is there");
    assert!(
        kept == text,
        "the messages have changed: read them, then UPDATE=1 cargo test --test planner_rules"
    );
}
