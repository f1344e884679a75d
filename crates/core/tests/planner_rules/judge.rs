//! The planner's way with a case, to its end.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use holdfast_api::Kind;
use holdfast_core::estate::{Capability, Facts, Object, ObjectId, Settings};
use holdfast_core::planner::{
    self, Declared, DeletionPermit, Marks, Neighbours, PlatformFacts, PlatformState, Progress,
    Remote, Settlement, Step, Supplements, View,
};
use holdfast_core::reply::Rehearsal;
use serde_json::{Value, json};

use crate::{
    ledger::ask_ledger,
    rule_cases::Case,
    world::{
        ACCOUNT, NAMESPACE, World, circle, held, known, namesakes, now, platform, platform_of,
        references, requirements,
    },
};

/// More steps than any case needs.
const STEPS: usize = 20;

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
        release_suspended: None,
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
        retry_create: None,
        lifecycle: serde_json::from_value(spec.clone()).expect("a lifecycle"),
        spec,
        status: serde_json::from_value(json!({
            "externalId": status["externalId"],
            "platform": status["platform"],
        }))
        .expect("a status"),
    }
}

fn clients(object: Option<&Object>) -> Option<u64> {
    object?.facts.clients.map(u64::from)
}

/// Goes the planner's way to its end: nothing when it may, the settlement when a rule refuses.
pub fn judge(case: &Case, kind: Kind) -> Option<Settlement> {
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
    let fixed = case.platform.fixed.iter().cloned().collect();
    facts.capabilities.fixed.insert(kind, fixed);
    let products = case.platform.products.iter();
    facts.capabilities.products = products
        .map(|product| product.parse().expect("a product"))
        .collect();
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
                facets: 0,
                dependents: Vec::new(),
                above: world.above(&declared.spec),
                below: object
                    .as_ref()
                    .map(|object| world.below(&object.id))
                    .unwrap_or_default(),
                plan: plan.and_then(|key| world.objects.get(&key).cloned()),
                customer: None,
                shortages,
                granted_below,
                circle: circle(case, &declared),
                used: [None, None, clients(object.as_ref()), None],
                requirements: requirements(case, &declared.spec),
            },
            deleting_below: Vec::new(),
            labels: BTreeMap::new(),
            insisted: std::collections::BTreeSet::new(),
            progress: &progress,
            backoff: None,
            hold: None,
            taken_over: Vec::new(),
            failures: 0,
            timeline: now().into(),
        };
        let step = planner::next(&view);
        match step {
            Step::Settle(settlement) => return settlement.rule.map(|_| *settlement),
            Step::Create { document, .. } if !case.platform.answers.is_empty() => {
                object = Some(answered(case, kind, &facts, document));
            }
            Step::Release | Step::Create { .. } | Step::Delete { .. } => return None,
            Step::Finalize => declared.finalized = true,
            Step::Mark(marks) => declared.marks = marks,
            Step::RecordIntent(intent) => progress.intent = Some(intent),
            Step::LookUp(_) => progress.unclaimed = true,
            // What is to be adopted isn't in the table.
            Step::Read(_) if object.is_none() => return None,
            Step::Read(id) => progress.fresh = Some(id),
            Step::RehearseDeletion(_) => progress.rehearsal = Some(rehearsed()),
            Step::TakeDeletionPermit(_) => {
                progress.permit = Some(permit(case));
            }
            Step::Update { patch, .. } => change(object.as_mut(), &Value::Object(patch)),
            Step::SetActive { active, .. } => change(object.as_mut(), &json!({"active": active})),
            Step::SendWelcomeMail(_)
            | Step::MoveClient { .. }
            | Step::CheckOperation(_)
            | Step::LookBeside(_)
            | Step::ConfirmGone(_) => panic!("{}: not in the table: {step:?}", case.title),
        }
    }
    panic!("{}: no end", case.title);
}

fn rehearsed() -> Rehearsal {
    Rehearsal {
        confirmation: "yes".into(),
        clients: 0,
        bytes: 0,
    }
}

/// The permit for a deletion that the case leaves, if it does.
fn permit(case: &Case) -> DeletionPermit {
    match case.platform.deletions_left {
        Some(0) => DeletionPermit::Refused(Some(now() + Duration::from_secs(2400))),
        _ => DeletionPermit::Granted(now()),
    }
}

/// What the platform makes of a creation, where that isn't what it was told.
fn answered(
    case: &Case,
    kind: Kind,
    facts: &PlatformFacts,
    document: serde_json::Map<String, Value>,
) -> Object {
    let mut document = Value::Object(document);
    json_patch::merge(&mut document, &case.platform.answers.clone().into());
    Object {
        unreadable: None,
        kind,
        id: ObjectId::new("90"),
        name: case.name.clone(),
        claim: Some(facts.claim(kind, NAMESPACE, &case.name)),
        etag: None,
        protection: holdfast_core::estate::Protection::None,
        created_at: Some(now()),
        settings: Settings::from_document(kind, &document).expect("settings that fit"),
        facts: Facts::default(),
    }
}

fn change(object: Option<&mut Object>, patch: &Value) {
    let object = object.expect("an object to change");
    let mut document = Value::Object(object.settings.to_document());
    json_patch::merge(&mut document, patch);
    object.settings = Settings::from_document(object.kind, &document).expect("settings that fit");
}
