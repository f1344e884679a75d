//! Taking a step on the copy: what the operator would do at the cluster and at the platform is done here in memory.

use std::sync::Arc;

use kube::ResourceExt;
use serde_json::Value;

use super::{Action, ActionKind, Change, World, values, world::Kept};
use crate::{
    api::{
        Kind, names,
        shared::{Change as Logged, ChangeOutcome},
    },
    estate::{Claim, Client, Object, ObjectId, Protection, Settings},
    inventory::Inventory,
    planner::{self, DeletionPermit, Marks, Progress, Step},
    reply::Rehearsal,
    survey::{PlatformKey, Sight, Site},
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
    /// Takes a step for a resource.
    pub(super) fn act<K: Kept>(
        &mut self,
        object: &Arc<K>,
        sight: &Sight,
        site: Option<&Site>,
        step: Step,
        taken: &mut Taken,
        now: jiff::Timestamp,
    ) {
        let mutation = step.mutation();
        let progress = &mut taken.progress;
        match step {
            Step::Finalize => self.mark(&**object, sight.declared.marks.clone()),
            Step::Mark(marks) => {
                taken.actions.extend(adopted(sight, &marks, &taken.actions));
                self.mark(&**object, marks);
            }
            Step::RecordIntent(intent) => {
                progress.logged = progress.performed.len();
                progress.before_intent = progress.performed.len();
                progress.intent = Some(intent);
            }
            Step::TakeDeletionPermit(most) => progress.permit = Some(self.permit(site, most, now)),
            Step::Release => {
                taken.actions.extend(released(sight));
                self.remove(&**object);
            }
            Step::Settle(_) => {}
            step => {
                let Some(site) = site else { return };
                let mut inventory = site.inventory_mut();
                let action = on_platform(&mut inventory, K::KIND, step, progress, now);
                taken.actions.extend(action);
            }
        }
        if let Some((step, fields)) = mutation {
            taken.progress.performed.push(Logged {
                at: now,
                step,
                fields,
                outcome: ChangeOutcome::Done,
            });
        }
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

    fn permit(&mut self, site: Option<&Site>, most: u32, now: jiff::Timestamp) -> DeletionPermit {
        let nowhere = || PlatformKey {
            namespace: String::new(),
            name: String::new(),
        };
        let key = site.map_or_else(nowhere, |site| site.key.clone());
        let turns = self.turns.entry(key).or_default();
        *turns += 1;
        if *turns <= most {
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

/// Who gets an id without having made the object has adopted it.
fn adopted(sight: &Sight, marks: &Marks, actions: &[Action]) -> Option<Action> {
    let made = actions
        .iter()
        .any(|action| action.action == ActionKind::Create);
    let (_, id) = marks.external_id.as_deref()?.split_once('/')?;
    let newly = sight.declared.marks.external_id.is_none() && !made;
    newly.then(|| plain(ActionKind::Adopt, &ObjectId::new(id), false))
}

/// Letting go is worth telling where there is something to let go of.
fn released(sight: &Sight) -> Option<Action> {
    let held = planner::remote_object(&sight.declared, &sight.remote)?;
    Some(Action {
        action: ActionKind::Release,
        external_id: Some(held.id.to_string()),
        fields: Vec::new(),
        reverts: false,
    })
}

/// What the platform would answer, and be afterwards.
fn on_platform(
    inventory: &mut Inventory,
    kind: Kind,
    step: Step,
    progress: &mut Progress,
    now: jiff::Timestamp,
) -> Option<Action> {
    let reverts = step.is_reverting();
    match step {
        Step::LookUp(claim) => {
            progress.unclaimed = inventory.claimed(kind, &claim).is_none();
            None
        }
        Step::LookBeside(_) => {
            progress.looked_beside = true;
            None
        }
        Step::Read(id) | Step::ConfirmGone(id) => {
            if inventory.get(kind, &id).is_some() {
                progress.note_read(id);
            } else {
                progress.gone = Some(id);
            }
            None
        }
        Step::CheckOperation(_) => {
            progress.operation_checked = true;
            None
        }
        Step::RehearseDeletion(_) => {
            progress.rehearsal = Some(Rehearsal {
                confirmation: String::new(),
                clients: 0,
                bytes: 0,
            });
            None
        }
        Step::Create {
            claim, document, ..
        } => {
            let (action, id) = create(inventory, kind, &claim, document, now);
            progress.made = (!inventory.marks()).then_some(id);
            Some(action)
        }
        Step::Update {
            id, mark, patch, ..
        } => update(inventory, kind, &id, mark, Value::Object(patch), reverts),
        Step::SetActive { id, active, .. } => {
            let mut object = (**inventory.get(kind, &id)?).clone();
            object.settings.set(kind, "active", Value::Bool(active));
            inventory.record(object);
            let action = if active {
                ActionKind::Activate
            } else {
                ActionKind::Suspend
            };
            Some(plain(action, &id, reverts))
        }
        Step::MoveClient {
            client, customer, ..
        } => move_client(inventory, &client, &customer),
        Step::SendWelcomeMail(id) => {
            let mut object = (**inventory.get(kind, &id)?).clone();
            object.facts.welcome_mail_sent_at = Some(now.into());
            inventory.record(object);
            Some(plain(ActionKind::SendWelcomeMail, &id, false))
        }
        Step::Delete { id, .. } => {
            let object = inventory.get(kind, &id)?.clone();
            count_below(inventory, &object, -1);
            inventory.forget(kind, &id);
            progress.deleted = Some(id.clone());
            progress.fresh = None;
            Some(plain(ActionKind::Delete, &id, false))
        }
        Step::Finalize
        | Step::Mark(_)
        | Step::RecordIntent(_)
        | Step::TakeDeletionPermit(_)
        | Step::Release
        | Step::Settle(_) => None,
    }
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
) -> (Action, ObjectId) {
    // The planner made the document from settings, so it can be read as such.
    let mut settings = Settings::from_document(kind, &Value::Object(document)).unwrap_or_default();
    if kind == Kind::Customer && settings.text("accountName").is_none() && !inventory.marks() {
        let name = settings.text("name").unwrap_or_default().to_owned();
        settings.set(kind, "accountName", name.into());
    }
    let object = Object {
        kind,
        // Nobody knows what the platform will call it; the claim is as unique.
        id: ObjectId::new(&format!("new-{claim}")),
        name: settings.text("name").unwrap_or_default().to_owned(),
        claim: inventory.marks().then(|| claim.clone()),
        etag: None,
        protection: Protection::None,
        created_at: Some(now),
        unreadable: None,
        facts: crate::estate::Facts::default(),
        settings,
    };
    let fields = values::changes(kind, &Settings::default(), &object.settings, inventory);
    count_below(inventory, &object, 1);
    let id = object.id.clone();
    inventory.record(object);
    let action = Action {
        action: ActionKind::Create,
        external_id: None,
        fields,
        reverts: false,
    };
    (action, id)
}

fn update(
    inventory: &mut Inventory,
    kind: Kind,
    id: &ObjectId,
    mark: Option<Claim>,
    patch: Value,
    reverts: bool,
) -> Option<Action> {
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
    inventory.record(after);
    Some(Action {
        action: if moved {
            ActionKind::Move
        } else {
            ActionKind::Update
        },
        external_id: Some(id.to_string()),
        fields,
        reverts,
    })
}

fn move_client(inventory: &mut Inventory, client: &ObjectId, to: &ObjectId) -> Option<Action> {
    let from = inventory.client(client)?.customer_id.clone();
    for (customer, step) in [(&from, -1), (to, 1)] {
        if let Some(object) = inventory.get(Kind::Customer, customer) {
            let mut object = (**object).clone();
            object.facts.clients = object.facts.clients.saturating_add_signed(step);
            inventory.record(object);
        }
    }
    inventory.record_client(Client {
        id: client.clone(),
        customer_id: to.clone(),
        etag: None,
    });
    let name = |id: &ObjectId| {
        let customer = inventory.get(Kind::Customer, id);
        Some(customer.map_or_else(|| id.to_string(), |customer| customer.name.clone()))
    };
    Some(Action {
        action: ActionKind::MoveClient,
        external_id: Some(to.to_string()),
        fields: vec![Change {
            field: format!("clients.ids[{client}]"),
            from: name(&from),
            to: name(to),
        }],
        reverts: false,
    })
}

/// Keeps the counts that guards read: how much hangs below what this object hangs under.
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
