//! What an API server keeps: objects, and everything that has happened to them, for watches.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use tokio::sync::watch;

/// Resource (`customers`), namespace and name.
pub type Key = (String, String, String);

/// How a write fails: HTTP status, reason, message.
#[derive(Debug, Clone)]
pub struct Failure(pub u16, pub &'static str, pub String);

/// One event for watches.
#[derive(Debug, Clone)]
pub struct Event {
    pub version: u64,
    pub key: Key,
    pub kind: &'static str,
    pub object: Value,
}

/// Is told of every change as it happens.
pub type Witness = Box<dyn Fn(&Event) + Send>;

/// By object and mark: its field managers.
type Owners = BTreeMap<(Key, Mark), BTreeSet<String>>;

/// A label, an annotation or a finalizer: where, and its name.
type Mark = (&'static str, String);

/// The marks of an object with their values.
fn marks(object: &Value) -> BTreeMap<Mark, Value> {
    let meta = &object["metadata"];
    let mut marks = BTreeMap::new();
    for field in ["labels", "annotations"] {
        let members = meta[field].as_object().into_iter().flatten();
        marks.extend(members.map(|(name, value)| ((field, name.clone()), value.clone())));
    }
    let finalizers = meta["finalizers"].as_array().into_iter().flatten();
    let names = finalizers.filter_map(Value::as_str);
    marks.extend(names.map(|name| (("finalizers", name.to_owned()), Value::Null)));
    marks
}

/// Everything in the cluster.
pub struct Store {
    objects: BTreeMap<Key, Value>,
    /// Who owns which label, annotation and finalizer.
    owners: Owners,
    pub events: Vec<Event>,
    /// Events up to this version are forgotten.
    pub compacted: u64,
    version: u64,
    uids: u64,
    /// Namespaces that are being deleted.
    ending: BTreeSet<String>,
    /// By resource: the version of its last event.
    changed: BTreeMap<String, watch::Sender<u64>>,
    /// Counts how often all watches were closed.
    pub closed: watch::Sender<u64>,
    now: fn() -> String,
    pub witness: Option<Witness>,
}

fn failure(code: u16, reason: &'static str, message: impl Into<String>) -> Failure {
    Failure(code, reason, message.into())
}

fn members<'a>(object: &'a mut Value, name: &str) -> &'a mut Map<String, Value> {
    let member = &mut object[name];
    if !member.is_object() {
        *member = json!({});
    }
    member.as_object_mut().expect("an object")
}

fn set(object: &mut Value, (field, name): &Mark, value: &Value) {
    if *field == "finalizers" {
        let finalizers = &mut object["metadata"][*field];
        if !finalizers.is_array() {
            *finalizers = json!([]);
        }
        if let Some(names) = finalizers.as_array_mut() {
            names.push(name.clone().into());
        }
    } else {
        members(&mut object["metadata"], field).insert(name.clone(), value.clone());
    }
}

fn unset(object: &mut Value, (field, name): &Mark) {
    match &mut object["metadata"][*field] {
        Value::Array(names) => names.retain(|other| other != name),
        Value::Object(members) => {
            members.remove(name);
        }
        _ => {}
    }
}

/// Merge patch, RFC 7386.
pub fn merged(mut object: Value, patch: &Value) -> Value {
    json_patch::merge(&mut object, patch);
    object
}

impl Store {
    pub fn new(now: fn() -> String) -> Self {
        Self {
            objects: BTreeMap::new(),
            owners: Owners::default(),
            events: Vec::new(),
            compacted: 0,
            version: 100,
            uids: 0,
            ending: BTreeSet::new(),
            changed: BTreeMap::new(),
            closed: watch::Sender::new(0),
            now,
            witness: None,
        }
    }

    pub fn version(&self) -> u64 {
        self.version
    }

    pub fn get(&self, key: &Key) -> Option<&Value> {
        self.objects.get(key)
    }

    /// Every object of a resource, in a namespace or in all.
    pub fn list(&self, resource: &str, namespace: Option<&str>) -> Vec<Value> {
        let of =
            |key: &&Key| key.0 == resource && namespace.is_none_or(|namespace| key.1 == namespace);
        let found = self.objects.iter().filter(|(key, _)| of(key));
        found.map(|(_, object)| object.clone()).collect()
    }

    /// Tells of every event of a resource from now on.
    pub fn changes(&mut self, resource: &str) -> watch::Receiver<u64> {
        let changed = self.changed.entry(resource.to_owned());
        changed
            .or_insert_with(|| watch::Sender::new(self.version))
            .subscribe()
    }

    fn tell(&mut self, key: &Key, kind: &'static str, object: Value) {
        let event = Event {
            version: self.version,
            key: key.clone(),
            kind,
            object,
        };
        if let Some(witness) = &self.witness {
            witness(&event);
        }
        self.events.push(event);
        if let Some(changed) = self.changed.get(&key.0) {
            changed.send_replace(self.version);
        }
    }

    pub fn create(&mut self, by: &str, key: &Key, mut object: Value) -> Result<Value, Failure> {
        if self.objects.contains_key(key) {
            return Err(failure(
                409,
                "AlreadyExists",
                format!("{key:?} already exists"),
            ));
        }
        if self.ending.contains(&key.1) {
            let message = format!("namespace {} is being terminated", key.1);
            return Err(failure(403, "NamespaceTerminating", message));
        }
        self.version += 1;
        self.uids += 1;
        let is_ours = object["apiVersion"]
            .as_str()
            .is_some_and(|version| version.starts_with("holdfast.dev/"));
        let meta = members(&mut object, "metadata");
        meta.insert("uid".into(), format!("uid-{}", self.uids).into());
        meta.insert("creationTimestamp".into(), (self.now)().into());
        if is_ours {
            meta.insert("generation".into(), 1.into());
        }
        meta.insert("resourceVersion".into(), self.version.to_string().into());
        meta.insert("name".into(), key.2.clone().into());
        if !key.1.is_empty() {
            meta.insert("namespace".into(), key.1.clone().into());
        }
        if is_ours {
            object["status"] = json!({"observedGeneration": -1});
        }
        self.own(by, key, &Value::Null, &object);
        self.objects.insert(key.clone(), object.clone());
        self.tell(key, "ADDED", object.clone());
        Ok(object)
    }

    /// Who has changed a mark owns it alone.
    fn own(&mut self, by: &str, key: &Key, before: &Value, after: &Value) {
        let (before, after) = (marks(before), marks(after));
        for mark in before.keys().filter(|mark| !after.contains_key(mark)) {
            self.owners.remove(&(key.clone(), mark.clone()));
        }
        for (mark, value) in &after {
            if before.get(mark) != Some(value) {
                let owner = BTreeSet::from([by.to_owned()]);
                self.owners.insert((key.clone(), mark.clone()), owner);
            }
        }
    }

    /// Checks what a write demands of the version that it is on.
    fn checked(&self, key: &Key, demanded: &Value) -> Result<Value, Failure> {
        let Some(current) = self.objects.get(key) else {
            return Err(failure(404, "NotFound", format!("{key:?} not found")));
        };
        for field in ["uid", "resourceVersion"] {
            let demanded = &demanded[field];
            if demanded.is_string() && *demanded != current["metadata"][field] {
                return Err(failure(
                    409,
                    "Conflict",
                    format!("the {field} of {key:?} differs"),
                ));
            }
        }
        Ok(current.clone())
    }

    /// The same for a write that could create the object: one that demands a certain object is in conflict with none.
    fn named(&self, key: &Key, demanded: &Value) -> Result<Value, Failure> {
        match self.checked(key, demanded) {
            Err(Failure(404, _, message)) if demanded["uid"].is_string() => {
                Err(failure(409, "Conflict", message))
            }
            checked => checked,
        }
    }

    /// The same for a patch: in one, another uid is an edit of what can't be edited.
    fn patched(&self, key: &Key, meta: &Value) -> Result<Value, Failure> {
        let before = self.checked(key, &json!({"resourceVersion": meta["resourceVersion"]}))?;
        let uid = &meta["uid"];
        if uid.is_string() && *uid != before["metadata"]["uid"] {
            return Err(failure(422, "Invalid", "metadata.uid can't change"));
        }
        Ok(before)
    }

    /// Installs a new version of an object; nothing happens where nothing has changed. The last finalizer takes a deleted one
    /// with it.
    fn install(&mut self, key: &Key, before: &Value, mut object: Value) -> Value {
        let empty = |value: &Value| {
            value.as_array().is_some_and(Vec::is_empty)
                || value.as_object().is_some_and(Map::is_empty)
        };
        let meta = members(&mut object, "metadata");
        meta.retain(|_, value| !empty(value) && !value.is_null());
        if object == *before {
            return object;
        }
        self.version += 1;
        let begins = before["metadata"]["deletionTimestamp"].is_null()
            && object["metadata"]["deletionTimestamp"].is_string();
        let generation = before["metadata"]["generation"].as_u64();
        if let Some(generation) = generation.filter(|_| object["spec"] != before["spec"] || begins)
        {
            object["metadata"]["generation"] = (generation + 1).into();
        }
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        let gone = object["metadata"]["deletionTimestamp"].is_string()
            && object["metadata"]["finalizers"].is_null();
        if gone {
            self.objects.remove(key);
            self.owners.retain(|(of, _), _| of != key);
            self.tell(key, "DELETED", object.clone());
        } else {
            self.objects.insert(key.clone(), object.clone());
            self.tell(key, "MODIFIED", object.clone());
        }
        object
    }

    pub fn replace(&mut self, by: &str, key: &Key, object: Value) -> Result<Value, Failure> {
        let before = self.named(key, &object["metadata"])?;
        let mut object = object;
        for field in ["uid", "creationTimestamp", "generation"] {
            object["metadata"][field] = before["metadata"][field].clone();
        }
        object["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"].clone();
        if !before["status"].is_null() {
            object["status"] = before["status"].clone();
        }
        self.own(by, key, &before, &object);
        Ok(self.install(key, &before, object))
    }

    /// A merge patch of everything but status.
    pub fn merge(&mut self, by: &str, key: &Key, patch: &Value) -> Result<Value, Failure> {
        let before = self.patched(key, &patch["metadata"])?;
        let mut object = merged(before.clone(), patch);
        object["status"] = before["status"].clone();
        object["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"].clone();
        self.own(by, key, &before, &object);
        Ok(self.install(key, &before, object))
    }

    pub fn json_patch(
        &mut self,
        by: &str,
        key: &Key,
        patch: &json_patch::Patch,
    ) -> Result<Value, Failure> {
        let before = self.checked(key, &Value::Null)?;
        let mut object = before.clone();
        json_patch::patch(&mut object, patch)
            .map_err(|error| failure(422, "Invalid", error.to_string()))?;
        // One that states a version is carried out on that version alone.
        self.patched(key, &object["metadata"])?;
        object["status"] = before["status"].clone();
        self.own(by, key, &before, &object);
        Ok(self.install(key, &before, object))
    }

    /// Server-side apply of status: its one manager owns all of it. The real server looks at the version alone, not at the uid.
    pub fn apply_status(&mut self, key: &Key, applied: &Value) -> Result<Value, Failure> {
        let version = json!({"resourceVersion": applied["metadata"]["resourceVersion"]});
        let before = self.checked(key, &version)?;
        let mut object = before.clone();
        object["status"] = applied["status"].clone();
        Ok(self.install(key, &before, object))
    }

    /// Server-side apply of metadata: what only this manager owns and doesn't apply any more goes.
    pub fn apply(&mut self, by: &str, key: &Key, applied: &Value) -> Result<Value, Failure> {
        if !self.objects.contains_key(key) {
            self.named(key, &applied["metadata"])?;
        }
        let before = self.patched(key, &applied["metadata"])?;
        let (stood, wanted) = (marks(&before), marks(applied));
        let mut object = before.clone();
        let own = self.owners.range_mut((key.clone(), ("", String::new()))..);
        for ((_, mark), owners) in own.take_while(|((of, _), _)| of == key) {
            if wanted.contains_key(mark) || !owners.remove(by) || !owners.is_empty() {
                continue;
            }
            if stood.contains_key(mark) {
                unset(&mut object, mark);
            }
        }
        for (mark, value) in &wanted {
            let there = stood.get(mark);
            let new_finalizer = mark.0 == "finalizers" && there.is_none();
            // A deleted object takes no new finalizers.
            if new_finalizer && before["metadata"]["deletionTimestamp"].is_string() {
                let message = "no new finalizers can be added if the object is being deleted";
                return Err(failure(422, "Invalid", message));
            }
            let owners = self.owners.entry((key.clone(), mark.clone())).or_default();
            if there != Some(value) {
                owners.clear();
                set(&mut object, mark, value);
            }
            owners.insert(by.to_owned());
        }
        Ok(self.install(key, &before, object))
    }

    pub fn delete(&mut self, key: &Key, preconditions: &Value) -> Result<Value, Failure> {
        let before = self.checked(key, preconditions)?;
        let mut object = before.clone();
        if object["metadata"]["deletionTimestamp"].is_null() {
            object["metadata"]["deletionTimestamp"] = (self.now)().into();
        }
        Ok(self.install(key, &before, object))
    }

    /// Deletes a namespace with everything in it.
    pub fn end_namespace(&mut self, namespace: &str) {
        let of = |key: &&Key| key.1 == namespace;
        let keys: Vec<Key> = self.objects.keys().filter(of).cloned().collect();
        self.ending.insert(namespace.to_owned());
        let itself = ("namespaces".to_owned(), String::new(), namespace.to_owned());
        let finalized = json!({"metadata": {"finalizers": ["kubernetes"]}});
        let _ = self.merge("controller", &itself, &finalized);
        for key in keys.iter().chain([&itself]) {
            let _ = self.delete(key, &Value::Null);
        }
    }
}
