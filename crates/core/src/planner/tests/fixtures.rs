//! Scenes for the planner's tests: a resource, what the platform holds, what the pass has learned, built up like a sentence.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    api::{
        Kind,
        conditions::Reason,
        shared::{Adopt, ManagedStatus, Management, Protection},
    },
    estate::{
        Account, Capabilities, Capability, Claim, Creation, Facts, Object, ObjectId, Settings,
        StorageLocation,
    },
    planner::{
        Backoff, Declared, Marks, Neighbours, PlatformFacts, PlatformState, Progress, Reference,
        References, Remote, Safety, Seen, Settlement, Step, Supplements, Verdict, View,
        deletion_begun, desired, managed_status, next,
    },
    reply::{PlatformError, Rehearsal},
    timeline::Timeline,
};

pub const ACCOUNT: &str = "9f";
pub const NAMESPACE: &str = "backup";
pub const ID: &str = "1042";

/// A moment, for everything that wants one.
pub fn noon() -> jiff::Timestamp {
    "2026-06-01T12:00:00Z".parse().expect("an instant")
}

/// A platform that can do everything, with storage in Frankfurt (DE, AT) and Zurich (CH).
pub fn platform() -> PlatformFacts {
    let location = |id: &str, countries: &[&str]| StorageLocation {
        id: id.into(),
        name: id.to_uppercase(),
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
            creation: Creation::AskFirst.everywhere(),
            apart: BTreeMap::new(),
            unlisted: BTreeMap::new(),
            products: BTreeSet::new(),
            console: BTreeMap::new(),
            lacking: BTreeMap::new(),
            default_customer: None,
        },
        safety: Safety {
            max_deletions_per_hour: 10,
            deletion_delay: Duration::ZERO,
        },
        locations: vec![location("de-1", &["DE", "AT"]), location("ch-1", &["CH"])],
    }
}

/// An object on the platform, unclaimed.
pub fn remote(kind: Kind, id: &str, document: &Value) -> Object {
    let name = document.get("name").and_then(Value::as_str);
    Object {
        kind,
        id: ObjectId::new(id),
        name: name.unwrap_or(id).to_owned(),
        claim: None,
        etag: Some("v1".into()),
        protection: Protection::None,
        created_at: Some(noon() - Duration::from_secs(3600)),
        unreadable: None,
        settings: Settings::from_document(kind, document).expect("a document that fits"),
        facts: Facts::default(),
    }
}

/// Lays a merge patch over a document.
pub fn merged(mut document: Value, patch: &Value) -> Value {
    json_patch::merge(&mut document, patch);
    document
}

/// Everything that a decision depends on.
#[derive(Clone)]
pub struct Scene {
    pub declared: Declared,
    pub facts: PlatformFacts,
    pub unobserved: Option<PlatformState>,
    pub references: References,
    pub supplements: Supplements,
    pub remote: Remote,
    pub neighbours: Neighbours,
    pub deleting_below: Vec<String>,
    pub labels: BTreeMap<String, String>,
    pub insisted: BTreeSet<String>,
    pub progress: Progress,
    pub hold: Option<String>,
    /// When the operator took over from one that ended abruptly, and when that one had.
    pub taken_over: Vec<jiff::Timestamp>,
    /// Whether the credential leads to another account than the confirmed one.
    pub mismatch: bool,
    pub backoff: Option<Backoff>,
    pub failures: u32,
    pub now: jiff::Timestamp,
    /// Where the clock was set.
    pub timeline: Option<Timeline>,
}

fn scene(kind: Kind, name: &str, spec: Value) -> Scene {
    Scene {
        declared: Declared {
            kind,
            namespace: NAMESPACE.into(),
            name: name.into(),
            generation: 1,
            created_at: noon() - Duration::from_secs(60),
            deleting: false,
            deleted_at: None,
            allowed_deletion: None,
            release_suspended: None,
            finalized: false,
            annotated: None,
            marks: Marks::default(),
            recreate: None,
            retry_create: None,
            lifecycle: serde_json::from_value(spec.clone()).expect("a lifecycle"),
            spec,
            status: ManagedStatus::default(),
        },
        facts: platform(),
        unobserved: None,
        references: References::new(),
        supplements: Supplements::default(),
        remote: Remote::default(),
        neighbours: Neighbours::default(),
        deleting_below: Vec::new(),
        labels: BTreeMap::new(),
        insisted: BTreeSet::new(),
        progress: Progress::default(),
        hold: None,
        taken_over: Vec::new(),
        mismatch: false,
        backoff: None,
        failures: 0,
        now: noon(),
        timeline: None,
    }
}

/// A customer directly under the platform.
pub fn customer(name: &str) -> Scene {
    let spec = json!({
        "platformRef": {"name": "msp"},
        "displayName": "Fabrikam GmbH",
        "profile": {"phone": "+49 30 5550100"},
    });
    scene(Kind::Customer, name, spec)
}

/// A customer with a name that the platform must never learn.
pub fn hidden_customer(name: &str) -> Scene {
    customer(name).with(json!({"hideName": true, "accountName": "acct-4711"}))
}

/// A reseller directly under the platform.
pub fn reseller(name: &str) -> Scene {
    let spec = json!({"platformRef": {"name": "msp"}, "displayName": "Northwind IT"});
    scene(Kind::Reseller, name, spec)
}

/// A service plan.
pub fn service_plan(name: &str) -> Scene {
    let spec = json!({
        "platformRef": {"name": "msp"},
        "planName": "Gold",
        "products": [{"product": "HybridWorkloads", "edition": "Enterprise", "workloads": ["MSSQL"]}],
    });
    scene(Kind::ServicePlan, name, spec)
}

/// A tenant of customer 7 on plan 3.
pub fn tenant(name: &str) -> Scene {
    let spec = json!({
        "customerRef": {"name": "fabrikam"},
        "servicePlanRef": {"name": "gold"},
        "product": "HybridWorkloads",
    });
    scene(Kind::Tenant, name, spec)
        .referring("customerRef", "fabrikam", found("7"))
        .referring("servicePlanRef", "gold", found("3"))
}

/// A reference that leads to a remote object.
pub fn found(id: &str) -> Reference {
    Reference::Found {
        id: Some(ObjectId::new(id)),
        deleting: false,
        platform: Some("msp".into()),
    }
}

impl Scene {
    /// Adds to the spec, as a merge patch.
    pub fn with(mut self, patch: Value) -> Self {
        self.declared.spec = merged(self.declared.spec, &patch);
        self.declared.lifecycle =
            serde_json::from_value(self.declared.spec.clone()).expect("a lifecycle");
        self
    }

    /// A user edits the spec after it was applied.
    pub fn edited(mut self, patch: Value) -> Self {
        self.declared.generation += 1;
        self.with(patch)
    }

    pub fn finalized(mut self) -> Self {
        self.declared.finalized = true;
        self
    }

    pub fn deleting(mut self) -> Self {
        self.declared.deleting = true;
        self.declared.deleted_at = Some(self.now);
        self
    }

    /// Noted as holding this object of our account.
    pub fn noting(self, id: &str) -> Self {
        self.noting_in(ACCOUNT, id)
    }

    /// Noted as holding this object of an account.
    pub fn noting_in(mut self, account: &str, id: &str) -> Self {
        self.declared.annotated = Some((account.into(), ObjectId::new(id)));
        self.declared.marks.external_id = Some(format!("{account}/{id}"));
        self
    }

    pub fn referring(mut self, field: &'static str, name: &str, reference: Reference) -> Self {
        self.references.insert(field, (name.into(), reference));
        self
    }

    /// The platform says outright that nothing carries our claim.
    pub fn unclaimed(mut self) -> Self {
        self.progress.unclaimed = true;
        self
    }

    /// The platform itself makes at most one object of a claim.
    pub fn repeatable(mut self) -> Self {
        self.facts.capabilities.creation = Creation::ByReference.everywhere();
        self
    }

    /// The platform says outright that there is no such object.
    pub fn gone(mut self, id: &str) -> Self {
        self.progress.gone = Some(ObjectId::new(id));
        self
    }

    pub fn read_afresh(mut self) -> Self {
        self.progress.fresh = Some(ObjectId::new(ID));
        self
    }

    pub fn rehearsed(mut self, confirmation: &str) -> Self {
        self.progress.rehearsal = Some(Rehearsal {
            confirmation: confirmation.into(),
            clients: 0,
            bytes: 0,
        });
        self
    }

    pub fn failing(mut self, failure: PlatformError) -> Self {
        self.progress.failure = Some(failure);
        self
    }

    /// The inventory has an object that carries our claim.
    pub fn holding(mut self, mut object: Object) -> Self {
        object.claim = Some(self.claim());
        self.remote.claimed = Some(Arc::new(object));
        self
    }

    /// The inventory has the object with the id that we noted or that the spec names.
    pub fn knowing(mut self, object: Object, holder: Option<&str>) -> Self {
        self.remote.known = Some(seen(object, holder));
        self
    }

    /// Another object has our name.
    pub fn beside(mut self, object: Object, holder: Option<&str>) -> Self {
        self.remote.namesakes.push(seen(object, holder));
        self
    }

    pub fn without(mut self, capability: Capability) -> Self {
        self.facts.capabilities.verbs.remove(&capability);
        self
    }

    /// The spec was applied in full: the object is there, marked, and status says so.
    pub fn applied(self) -> Self {
        let mut scene = self.finalized();
        let mut settings =
            desired::desired(&scene.view(), &scene.facts).expect("nothing in the way");
        desired::at_creation(&scene.view(), &scene.facts, &mut settings)
            .expect("a place for the data");
        let document = Value::Object(settings.to_document());
        let object = remote(scene.declared.kind, ID, &document);
        scene = scene.holding(object).noting(ID);
        let Step::Settle(settlement) = scene.next() else {
            panic!("applied, and still wants to {:?}", scene.next());
        };
        scene.declared.status = managed_status(&scene.view(), &settlement, Vec::new());
        scene
    }

    /// As `applied`, for a customer with a mail that is still to be sent.
    pub fn applied_but_for_the_mail(self) -> Self {
        let mail = self.declared.spec["welcomeMail"].clone();
        self.with(json!({"welcomeMail": null}))
            .applied()
            .with(json!({"welcomeMail": mail}))
    }

    /// A person changes the object at the platform's console.
    pub fn drifted(mut self, patch: Value) -> Self {
        let object = self.remote.claimed.take().expect("an object to change");
        let document = merged(Value::Object(object.settings.to_document()), &patch);
        let mut object = Arc::unwrap_or_clone(object);
        object.settings = Settings::from_document(object.kind, &document).expect("it fits");
        object.etag = Some("v2".into());
        self.remote.claimed = Some(Arc::new(object));
        self
    }

    /// Something about the object is otherwise.
    pub fn where_object(mut self, change: impl FnOnce(&mut Object)) -> Self {
        let object = self.remote.claimed.as_mut().expect("an object");
        change(Arc::make_mut(object));
        self
    }

    pub fn claim(&self) -> Claim {
        self.facts.claim(
            self.declared.kind,
            &self.declared.namespace,
            &self.declared.name,
        )
    }

    pub fn view(&self) -> View<'_> {
        let observed = || PlatformState::Observed(Arc::new(self.facts.clone()));
        View {
            declared: &self.declared,
            platform: self.unobserved.clone().unwrap_or_else(observed),
            references: self.references.clone(),
            supplements: self.supplements.clone(),
            remote: self.remote.clone(),
            neighbours: self.neighbours.clone(),
            deleting_below: self.deleting_below.clone(),
            labels: self.labels.clone(),
            insisted: self.insisted.clone(),
            progress: &self.progress,
            hold: self
                .hold
                .clone()
                .map(|hold| (Reason::WaitingForPlatform, hold))
                .or_else(|| {
                    let message = "the credential leads to another account.".to_owned();
                    self.mismatch.then_some((Reason::AccountMismatch, message))
                }),
            taken_over: self.taken_over.clone(),
            backoff: self.backoff.clone(),
            failures: self.failures,
            timeline: self.timeline.clone().unwrap_or_else(|| self.now.into()),
        }
    }

    /// The next step, after the note that comes before a change.
    pub fn next(&self) -> Step {
        match self.first() {
            Step::RecordIntent(intent) => {
                let mut noted = self.clone();
                let (remote, progress) = (&self.remote, &self.progress);
                noted.declared.status.deletion =
                    deletion_begun(&self.declared, remote, progress, &intent);
                noted.progress.intent = Some(intent);
                noted.first()
            }
            step => step,
        }
    }

    /// The very next step.
    pub fn first(&self) -> Step {
        next(&self.view())
    }

    /// How the pass ends, when it ends here.
    pub fn settlement(&self) -> Settlement {
        match self.next() {
            Step::Settle(settlement) => *settlement,
            step => panic!("no end yet: {step:?}"),
        }
    }

    pub fn status(&self) -> ManagedStatus {
        managed_status(&self.view(), &self.settlement(), Vec::new())
    }

    /// What the pass says when a person must act.
    pub fn stalled(&self, expected: Reason) -> String {
        match self.settlement().verdict {
            Verdict::Stalled(reason, message) if reason == expected => message,
            verdict => panic!("not Stalled/{expected}: {verdict:?}"),
        }
    }

    /// What the pass says when a machine will go on.
    pub fn waiting(&self, expected: Reason) -> String {
        match self.settlement().verdict {
            Verdict::Waiting(reason, message) if reason == expected => message,
            verdict => panic!("not Waiting/{expected}: {verdict:?}"),
        }
    }

    /// What the pass says when a deletion is held.
    pub fn blocked(&self, expected: Reason) -> String {
        match self.settlement().verdict {
            Verdict::DeletionBlocked(reason, message) if reason == expected => message,
            verdict => panic!("not DeletionBlocked/{expected}: {verdict:?}"),
        }
    }
}

fn seen(object: Object, holder: Option<&str>) -> Seen {
    Seen {
        object: Arc::new(object),
        holder: holder.map(ToOwned::to_owned),
    }
}

/// Whether a step changes something on the platform.
pub fn mutates(step: &Step) -> bool {
    match step {
        Step::Create { .. }
        | Step::Update { .. }
        | Step::SetActive { .. }
        | Step::MoveClient { .. }
        | Step::SendWelcomeMail(_)
        | Step::Delete { .. } => true,
        Step::Finalize
        | Step::Mark(_)
        | Step::LookUp(_)
        | Step::LookBeside(_)
        | Step::Read(_)
        | Step::CheckOperation(_)
        | Step::RehearseDeletion(_)
        | Step::TakeDeletionPermit(_)
        | Step::ConfirmGone(_)
        | Step::Release
        | Step::RecordIntent(_)
        | Step::Settle(_) => false,
    }
}
