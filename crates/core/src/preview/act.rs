//! Performing a step on the copy: what the operator would do at the cluster and at the platform is done here in memory.

use std::sync::Arc;

use kube::ResourceExt;
use serde_json::Value;

use super::{Action, ActionKind, Change, World, values, world::Kept};
use crate::{
    api::{Kind, names},
    estate::{Claim, Client, Object, ObjectId, Protection, Settings},
    inventory::Inventory,
    planner::{self, Answer, DeletionPermit, Lesson, Marks, Progress, Step},
    reply::{OperationState, Rehearsal, Written},
    survey::{Observation, PlatformKey, PlatformView},
};

/// One resource's pass: what was learned, and what would be done.
#[derive(Default)]
pub struct Taken {
    /// As in the operator.
    pub progress: Progress,
    /// What would be done.
    pub actions: Vec<Action>,
}

impl World {
    /// Performs a step for a resource.
    pub(super) fn act<K: Kept>(
        &mut self,
        object: &Arc<K>,
        observation: &Observation,
        site: Option<&PlatformView>,
        step: Step,
        taken: &mut Taken,
        now: jiff::Timestamp,
    ) {
        let answer = match &step {
            Step::Finalize => {
                self.mark(&**object, observation.declared.marks.clone());
                Answer::Stored
            }
            Step::Mark(marks) => {
                taken
                    .actions
                    .extend(adopted(observation, marks, &taken.actions));
                self.mark(&**object, marks.clone());
                Answer::Stored
            }
            Step::RecordIntent(_) | Step::Settle(_) => Answer::Stored,
            Step::TakeDeletionPermit(most) => Answer::Permit(self.permit(site, *most, now)),
            Step::Release => {
                taken.actions.extend(released(observation));
                self.remove(&**object);
                Answer::Stored
            }
            step => {
                let Some(site) = site else { return };
                let mut inventory = site.inventory_mut();
                let Some((answer, action)) = on_platform(&mut inventory, K::KIND, step, now) else {
                    return;
                };
                taken.actions.extend(action);
                answer
            }
        };
        let lesson = Lesson {
            kind: K::KIND,
            step: &step,
            outcome: Ok(answer),
            noted: observation.declared.status.intent.as_ref(),
            at: now,
        };
        let mut inventory = site.map(PlatformView::inventory_mut);
        taken.progress.learn(lesson, inventory.as_deref_mut());
    }

    fn mark<K: Kept>(&mut self, object: &K, marks: Marks) {
        let mut object = object.clone();
        object.meta_mut().finalizers = Some(vec![names::FINALIZER.to_owned()]);
        if let Some(id) = marks.external_id {
            let name = names::EXTERNAL_ID_ANNOTATION.to_owned();
            object.annotations_mut().insert(name, id);
        }
        let labels = object.labels_mut();
        labels.retain(|name, _| !is_ours(name));
        labels.extend(marks.labels);
        self.put(object);
    }

    fn permit(
        &mut self,
        site: Option<&PlatformView>,
        most: u32,
        now: jiff::Timestamp,
    ) -> DeletionPermit {
        let nowhere = || PlatformKey {
            namespace: String::new(),
            name: String::new(),
        };
        let key = site.map_or_else(nowhere, |site| site.key.clone());
        let permits = self.permits.entry(key).or_default();
        *permits += 1;
        if *permits <= most {
            DeletionPermit::Granted(now)
        } else {
            DeletionPermit::Refused((most > 0).then(|| now + jiff::SignedDuration::from_hours(1)))
        }
    }
}

/// Whether a label is one that we set.
fn is_ours(name: &str) -> bool {
    let prefix = name.split_once('/').map_or("", |(prefix, _)| prefix);
    prefix == names::GROUP || prefix.ends_with(".holdfast.dev")
}

/// A resource that gets an id without a creation has adopted the object.
fn adopted(observation: &Observation, marks: &Marks, actions: &[Action]) -> Option<Action> {
    let made = actions
        .iter()
        .any(|action| action.action == ActionKind::Create);
    let (_, id) = marks.external_id.as_deref()?.split_once('/')?;
    let newly = observation.declared.marks.external_id.is_none() && !made;
    newly.then(|| plain(ActionKind::Adopt, &ObjectId::new(id), false))
}

/// A release is worth reporting where there is an object to release.
fn released(observation: &Observation) -> Option<Action> {
    let held = planner::remote_object(&observation.declared, &observation.remote)?;
    Some(Action {
        action: ActionKind::Release,
        external_id: Some(held.id.to_string()),
        fields: Vec::new(),
        reverts: false,
    })
}

/// What the platform would answer, and the name of the action; `None` where the object of the step no longer exists.
fn on_platform(
    inventory: &mut Inventory,
    kind: Kind,
    step: &Step,
    now: jiff::Timestamp,
) -> Option<(Answer, Option<Action>)> {
    let reverts = step.is_reverting();
    let written = |object: Object| Answer::Written(Written::Done(Box::new(object)));
    Some(match step {
        Step::LookUp(claim) => {
            let found = inventory.all_claimed(kind, claim);
            let found = found.map(|object| (**object).clone()).collect();
            (Answer::Claimed(found), None)
        }
        Step::LookBeside(_) => (Answer::Beside(Vec::new()), None),
        Step::Read(id) | Step::ConfirmGone(id) => {
            let found = inventory.get(kind, id);
            let found = found.map(|object| Box::new((**object).clone()));
            (Answer::Found(found), None)
        }
        Step::CheckOperation(_) => (Answer::Operation(OperationState::Running), None),
        Step::RehearseDeletion(_) => {
            let nothing = Rehearsal {
                confirmation: String::new(),
                clients: 0,
                bytes: 0,
            };
            (Answer::Rehearsed(nothing), None)
        }
        Step::Create {
            claim, document, ..
        } => {
            let (object, action) = create(inventory, kind, claim, document.clone(), now);
            (written(object), Some(action))
        }
        Step::Update {
            id, mark, patch, ..
        } => {
            let patch = Value::Object(patch.clone());
            let (object, action) = update(inventory, kind, id, mark.clone(), patch, reverts)?;
            (written(object), Some(action))
        }
        Step::SetActive { id, active, .. } => {
            let mut object = (**inventory.get(kind, id)?).clone();
            object.settings.set(kind, "active", Value::Bool(*active));
            let action = if *active {
                ActionKind::Activate
            } else {
                ActionKind::Suspend
            };
            (written(object), Some(plain(action, id, reverts)))
        }
        Step::MoveClient {
            client, customer, ..
        } => {
            let (client, action) = move_client(inventory, client, customer)?;
            (Answer::Moved(client), Some(action))
        }
        Step::SendWelcomeMail(id) => {
            let mut object = (**inventory.get(kind, id)?).clone();
            object.facts.welcome_mail_sent_at = Some(now.into());
            let action = plain(ActionKind::SendWelcomeMail, id, false);
            (written(object), Some(action))
        }
        Step::Delete { id, .. } => {
            let object = inventory.get(kind, id)?.clone();
            count_below(inventory, &object, -1);
            inventory.forget(kind, id);
            let action = plain(ActionKind::Delete, id, false);
            (Answer::Deleted, Some(action))
        }
        Step::Finalize
        | Step::Mark(_)
        | Step::RecordIntent(_)
        | Step::TakeDeletionPermit(_)
        | Step::Release
        | Step::Settle(_) => return None,
    })
}

fn plain(action: ActionKind, id: &ObjectId, reverts: bool) -> Action {
    Action {
        action,
        external_id: Some(id.to_string()),
        fields: Vec::new(),
        reverts,
    }
}

fn create(
    inventory: &mut Inventory,
    kind: Kind,
    claim: &Claim,
    document: serde_json::Map<String, Value>,
    now: jiff::Timestamp,
) -> (Object, Action) {
    // The planner built the document from settings, so it can be read as such.
    let mut settings = Settings::from_document(kind, &Value::Object(document)).unwrap_or_default();
    if kind == Kind::Customer && settings.text("accountName").is_none() && !inventory.marks(kind) {
        let name = settings.text("name").unwrap_or_default().to_owned();
        settings.set(kind, "accountName", name.into());
    }
    let object = Object {
        kind,
        // The platform's future id isn't known; the claim is as unique.
        id: ObjectId::new(&format!("new-{claim}")),
        name: settings.text("name").unwrap_or_default().to_owned(),
        claim: inventory.marks(kind).then(|| claim.clone()),
        etag: None,
        protection: Protection::None,
        created_at: Some(now),
        unreadable: None,
        facts: crate::estate::Facts::default(),
        settings,
    };
    let fields = values::changes(kind, &Settings::default(), &object.settings, inventory);
    count_below(inventory, &object, 1);
    let action = Action {
        action: ActionKind::Create,
        external_id: None,
        fields,
        reverts: false,
    };
    (object, action)
}

fn update(
    inventory: &mut Inventory,
    kind: Kind,
    id: &ObjectId,
    mark: Option<Claim>,
    patch: Value,
    reverts: bool,
) -> Option<(Object, Action)> {
    let before = inventory.get(kind, id)?.clone();
    let mut document = Value::Object(before.settings.to_document());
    json_patch::merge(&mut document, &patch);
    let mut after = (*before).clone();
    after.settings = Settings::from_document(kind, &document).unwrap_or_default();
    if let Some(name) = after.settings.text("name") {
        name.clone_into(&mut after.name);
    }
    after.claim = after.claim.or(mark);
    let fields = values::changes(kind, &before.settings, &after.settings, inventory);
    let moved = before.parent() != after.parent();
    if moved {
        count_below(inventory, &before, -1);
        count_below(inventory, &after, 1);
    }
    let action = Action {
        action: if moved {
            ActionKind::Move
        } else {
            ActionKind::Update
        },
        external_id: Some(id.to_string()),
        fields,
        reverts,
    };
    Some((after, action))
}

fn move_client(
    inventory: &mut Inventory,
    client: &ObjectId,
    to: &ObjectId,
) -> Option<(Client, Action)> {
    let from = inventory.client(client)?.customer_id.clone();
    for (customer, step) in [(&from, -1), (to, 1)] {
        if let Some(object) = inventory.get(Kind::Customer, customer) {
            let mut object = (**object).clone();
            let clients = &mut object.facts.clients;
            *clients = clients.map(|clients| clients.saturating_add_signed(step));
            inventory.record(object);
        }
    }
    let moved = Client {
        id: client.clone(),
        customer_id: to.clone(),
        etag: None,
    };
    let name = |id: &ObjectId| {
        let customer = inventory.get(Kind::Customer, id);
        Some(customer.map_or_else(|| id.to_string(), |customer| customer.name.clone()))
    };
    let action = Action {
        action: ActionKind::MoveClient,
        external_id: Some(to.to_string()),
        fields: vec![Change {
            field: format!("clients.ids[{client}]"),
            from: name(&from),
            to: name(to),
        }],
        reverts: false,
    };
    Some((moved, action))
}

/// Maintains the counts that guards read: how many objects are below the parents of this object.
fn count_below(inventory: &mut Inventory, object: &Object, step: i32) {
    let above = match object.kind {
        Kind::Reseller | Kind::Customer => object.parent().map(|id| (Kind::Reseller, id)),
        Kind::Tenant => object.parent().map(|id| (Kind::Customer, id)),
        Kind::ServicePlan => None,
    };
    let plan = object.settings.text("planId");
    let plan = plan.map(|id| (Kind::ServicePlan, ObjectId::new(id)));
    for (kind, id) in above.into_iter().chain(plan) {
        let Some(known) = inventory.get(kind, &id) else {
            continue;
        };
        let mut known = (**known).clone();
        let count = match object.kind {
            Kind::Reseller => &mut known.facts.resellers,
            Kind::Customer => &mut known.facts.customers,
            Kind::Tenant | Kind::ServicePlan => &mut known.facts.tenants,
        };
        *count = count.saturating_add_signed(step);
        inventory.record(known);
    }
}
