//! A platform in memory: creation by claim, merge patches on a version, deletion with a token; every mutation is logged.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{
    api::Kind,
    estate::{Capabilities, Claim, Creation, Object, ObjectId, Snapshot, StorageLocation},
    planner::tests::fixtures::{merged, noon, platform, remote},
    reply::{PlatformError, Problem, ProblemKind, Rehearsal},
};

/// One mutation, as the platform carried it out.
#[derive(Debug, Clone, PartialEq)]
pub struct Mutation {
    pub what: &'static str,
    pub id: ObjectId,
    pub claim: Option<Claim>,
}

#[derive(Debug, Clone)]
struct Record {
    kind: Kind,
    document: Value,
    claim: Option<Claim>,
    version: u32,
    made_at: Option<Timestamp>,
}

/// What a platform makes of the values that it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// It keeps them.
    AsSent,
    /// It keeps these fields of a profile in its own form, and says so in every answer.
    Own(&'static [&'static str]),
    /// The same, but the answer to a write repeats what was sent.
    OwnInReads(&'static [&'static str]),
}

impl Form {
    fn of_reads(self, mut document: Value) -> Value {
        let (Self::Own(fields) | Self::OwnInReads(fields)) = self else {
            return document;
        };
        let profile = document.get_mut("profile").and_then(Value::as_object_mut);
        for (field, value) in profile.into_iter().flatten() {
            if let Value::String(text) = value
                && fields.contains(&field.as_str())
                && !text.starts_with("00")
            {
                *text = format!("00{text}");
            }
        }
        document
    }

    fn of_answers(self, document: Value) -> Value {
        match self {
            Self::OwnInReads(_) => document,
            form => form.of_reads(document),
        }
    }
}

#[derive(Debug, Clone)]
pub struct Platform {
    pub form: Form,
    /// Its clock.
    pub now: Timestamp,
    records: BTreeMap<ObjectId, Record>,
    next_id: u32,
    /// How it creates.
    pub creation: Creation,
    /// Creations that were received and are carried out later.
    late: Vec<(Timestamp, Kind, Claim, Map<String, Value>)>,
    /// Suspensions and activations that are carried out later.
    late_switches: Vec<(Timestamp, ObjectId, bool)>,
    pub log: Vec<Mutation>,
}

type Answer<T> = Result<T, PlatformError>;

fn refused(kind: ProblemKind, conflicting: Option<&ObjectId>) -> PlatformError {
    PlatformError::Refused(Problem {
        kind,
        field: None,
        detail: format!("{kind:?}"),
        remedy: None,
        conflicting_id: conflicting.map(ToString::to_string),
    })
}

/// F18: this server re-cases mail addresses and sorts lists.
fn as_stored(mut document: Value) -> Value {
    if let Some(Value::String(email)) = document.pointer_mut("/profile/email") {
        *email = email.to_lowercase();
    }
    if let Some(Value::Array(contacts)) = document.get_mut("contacts") {
        contacts.sort_by_key(|contact| contact["email"].to_string());
    }
    prune(&mut document);
    document
}

/// An empty group or list is none.
fn prune(value: &mut Value) {
    if let Value::Object(members) = value {
        members.values_mut().for_each(prune);
        members.retain(|_, member| {
            !matches!(member, Value::Null)
                && member.as_object().is_none_or(|members| !members.is_empty())
                && member.as_array().is_none_or(|items| !items.is_empty())
        });
    }
}

impl Platform {
    pub fn new() -> Self {
        Self {
            form: Form::AsSent,
            now: noon(),
            records: BTreeMap::new(),
            next_id: 1,
            creation: Creation::ByReference,
            late: Vec::new(),
            late_switches: Vec::new(),
            log: Vec::new(),
        }
    }

    /// What stands on the platform, without versions.
    pub fn documents(&self) -> Vec<(ObjectId, Value)> {
        let one = |(id, record): (&ObjectId, &Record)| (id.clone(), record.document.clone());
        self.records.iter().map(one).collect()
    }

    pub fn claims(&self) -> impl Iterator<Item = (&ObjectId, &Claim)> {
        self.records
            .iter()
            .filter_map(|(id, record)| Some((id, record.claim.as_ref()?)))
    }

    pub fn observation(&self) -> Snapshot {
        let facts = platform();
        let (capabilities, locations): (Capabilities, Vec<StorageLocation>) =
            (facts.capabilities, facts.locations);
        Snapshot {
            capabilities,
            objects: self.records.keys().map(|id| self.show(id)).collect(),
            locations,
            administrators: Vec::new(),
            licences: None,
            clients: Vec::new(),
            unreadable: crate::estate::Unread::default(),
        }
    }

    fn show(&self, id: &ObjectId) -> Object {
        self.shown(id, Form::of_reads)
    }

    fn answer(&self, id: &ObjectId) -> Object {
        self.shown(id, Form::of_answers)
    }

    fn shown(&self, id: &ObjectId, form: impl FnOnce(Form, Value) -> Value) -> Object {
        let record = &self.records[id];
        let document = form(self.form, record.document.clone());
        let mut object = remote(record.kind, id.as_str(), &document);
        object.claim = record.claim.clone().filter(|_| self.creation.is_marked());
        object.etag = Some(format!("v{}", record.version));
        object.created_at = record.made_at.or(object.created_at);
        let in_name = |claim: &Claim| object.name.ends_with(&format!("[{claim}]"));
        object.facts.provisional = record.claim.as_ref().is_some_and(in_name);
        object
    }

    fn note(&mut self, what: &'static str, id: &ObjectId) {
        let claim = self.records.get(id).and_then(|record| record.claim.clone());
        let id = id.clone();
        self.log.push(Mutation { what, id, claim });
    }

    /// A person at the console makes an object.
    pub fn add_by_hand(&mut self, kind: Kind, document: Value) -> ObjectId {
        self.insert(kind, None, document)
    }

    /// A person at the console changes every object that has a claim.
    pub fn change_by_hand(&mut self, patch: &Value) {
        for record in self
            .records
            .values_mut()
            .filter(|record| record.claim.is_some())
        {
            record.document = as_stored(merged(record.document.clone(), patch));
            record.version += 1;
        }
    }

    /// A person at the console removes every object that has a claim.
    pub fn remove_by_hand(&mut self) {
        self.records.retain(|_, record| record.claim.is_none());
    }

    fn insert(&mut self, kind: Kind, claim: Option<Claim>, document: Value) -> ObjectId {
        let id = ObjectId::new(&self.next_id.to_string());
        self.next_id += 1;
        let record = Record {
            kind,
            document: as_stored(document),
            made_at: claim.is_some().then_some(self.now),
            claim,
            version: 1,
        };
        self.records.insert(id.clone(), record);
        id
    }

    pub fn find(&self, kind: Kind, claim: &Claim) -> Vec<Object> {
        let mut objects = self.children(kind);
        objects.retain(|object| object.claim.as_ref() == Some(claim));
        objects
    }

    /// Every object of a kind.
    pub fn children(&self, kind: Kind) -> Vec<Object> {
        let records = self
            .records
            .iter()
            .filter(|(_, record)| record.kind == kind);
        records.map(|(id, _)| self.show(id)).collect()
    }

    pub fn read(&self, kind: Kind, id: &ObjectId) -> Option<Object> {
        let record = self.records.get(id)?;
        (record.kind == kind).then(|| self.show(id))
    }

    pub fn create(
        &mut self,
        kind: Kind,
        claim: &Claim,
        document: Map<String, Value>,
    ) -> Answer<Object> {
        if self.creation.is_repeatable() && !self.find(kind, claim).is_empty() {
            return Err(refused(ProblemKind::AlreadyExists, None));
        }
        let keeps_names_unique =
            self.creation.is_repeatable() || self.creation == Creation::UniqueName;
        let taken = self.records.iter().find(|(_, record)| {
            keeps_names_unique
                && record.kind == kind
                && record.document.get("name") == document.get("name")
        });
        if let Some((id, _)) = taken {
            return Err(refused(ProblemKind::Conflict, Some(id)));
        }
        let mut document = document;
        if self.creation == Creation::ListAndMark {
            let name = document.get("name").and_then(Value::as_str);
            let name = format!("{} [{claim}]", name.unwrap_or_default());
            document.insert("name".into(), name.into());
        }
        if !self.creation.is_marked() {
            // Without a claim it is known by the account's name, which is the name where none was given.
            let name = document.get("name").cloned().unwrap_or_default();
            document.entry("accountName").or_insert(name);
        }
        let id = self.insert(kind, Some(claim.clone()), Value::Object(document));
        self.note("Create", &id);
        Ok(self.answer(&id))
    }

    /// F4: a creation that is received now and carried out at some later instant.
    pub fn create_late(
        &mut self,
        due: Timestamp,
        kind: Kind,
        claim: &Claim,
        document: Map<String, Value>,
    ) {
        self.late.push((due, kind, claim.clone(), document));
    }

    /// F4: an object that is switched at some later instant.
    pub fn switch_late(&mut self, due: Timestamp, id: ObjectId, active: bool) {
        self.late_switches.push((due, id, active));
    }

    /// Carries out what is due. What has been made meanwhile isn't made again: creation is by claim.
    pub fn carry_out_late(&mut self, now: Timestamp) {
        let (due, later): (Vec<_>, Vec<_>) = self.late.drain(..).partition(|(due, ..)| *due <= now);
        self.late = later;
        for (_, kind, claim, document) in due {
            let _ = self.create(kind, &claim, document);
        }
        let (due, later): (Vec<_>, Vec<_>) = self
            .late_switches
            .drain(..)
            .partition(|(due, ..)| *due <= now);
        self.late_switches = later;
        for (_, id, active) in due {
            let patch = [("active".to_owned(), Value::Bool(active))];
            let _ = self.update(&id, None, None, patch.into_iter().collect());
        }
    }

    pub fn update(
        &mut self,
        id: &ObjectId,
        etag: Option<&str>,
        mark: Option<&Claim>,
        patch: Map<String, Value>,
    ) -> Answer<Object> {
        let missing = || refused(ProblemKind::NotFound, None);
        let record = self.records.get_mut(id).ok_or_else(missing)?;
        if etag.is_some_and(|etag| etag != format!("v{}", record.version)) {
            return Err(refused(ProblemKind::PreconditionFailed, None));
        }
        let document = merged(record.document.clone(), &Value::Object(patch));
        record.document = as_stored(document);
        record.claim = mark.or(record.claim.as_ref()).cloned();
        record.version += 1;
        self.note("Update", id);
        Ok(self.answer(id))
    }

    pub fn rehearse(&self, id: &ObjectId) -> Answer<Rehearsal> {
        let record = self.records.get(id);
        let record = record.ok_or_else(|| refused(ProblemKind::NotFound, None))?;
        Ok(Rehearsal {
            confirmation: format!("{id}@{}", record.version),
            clients: 0,
            bytes: 0,
        })
    }

    pub fn delete(&mut self, id: &ObjectId, confirmation: &str) -> Answer<()> {
        if self.rehearse(id)?.confirmation != confirmation {
            return Err(refused(ProblemKind::ConfirmationRequired, None));
        }
        self.note("Delete", id);
        self.records.remove(id);
        Ok(())
    }
}
