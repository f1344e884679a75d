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

/// Everything in the cluster.
pub struct Store {
    objects: BTreeMap<Key, Value>,
    /// Of metadata, what each field manager has applied last.
    applied: BTreeMap<(Key, String), Value>,
    pub events: Vec<Event>,
    /// Events up to this version are forgotten.
    pub compacted: u64,
    version: u64,
    uids: u64,
    /// Namespaces that are being deleted.
    ending: BTreeSet<String>,
    pub changed: watch::Sender<u64>,
    /// Counts how often all watches were closed.
    pub closed: watch::Sender<u64>,
    now: fn() -> String,
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

/// Merge patch, RFC 7386.
pub fn merged(mut object: Value, patch: &Value) -> Value {
    json_patch::merge(&mut object, patch);
    object
}

impl Store {
    pub fn new(now: fn() -> String) -> Self {
        Self {
            objects: BTreeMap::new(),
            applied: BTreeMap::new(),
            events: Vec::new(),
            compacted: 0,
            version: 100,
            uids: 0,
            ending: BTreeSet::new(),
            changed: watch::Sender::new(100),
            closed: watch::Sender::new(0),
            now,
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

    fn tell(&mut self, key: &Key, kind: &'static str, object: Value) {
        self.events.push(Event {
            version: self.version,
            key: key.clone(),
            kind,
            object,
        });
        self.changed.send_replace(self.version);
    }

    pub fn create(&mut self, key: &Key, mut object: Value) -> Result<Value, Failure> {
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
        meta.insert("generation".into(), 1.into());
        meta.insert("resourceVersion".into(), self.version.to_string().into());
        meta.insert("name".into(), key.2.clone().into());
        if !key.1.is_empty() {
            meta.insert("namespace".into(), key.1.clone().into());
        }
        if is_ours {
            object["status"] = json!({"observedGeneration": -1});
        }
        self.objects.insert(key.clone(), object.clone());
        self.tell(key, "ADDED", object.clone());
        Ok(object)
    }

    /// Checks what a write demands of the version that it is on.
    fn checked(&self, key: &Key, demanded: &Value) -> Result<Value, Failure> {
        let Some(current) = self.objects.get(key) else {
            let code = if demanded["uid"].is_string() {
                409
            } else {
                404
            };
            let reason = if code == 409 { "Conflict" } else { "NotFound" };
            return Err(failure(code, reason, format!("{key:?} not found")));
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
        if object["spec"] != before["spec"] || begins {
            let generation = before["metadata"]["generation"]
                .as_u64()
                .unwrap_or_default()
                + 1;
            object["metadata"]["generation"] = generation.into();
        }
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        let gone = object["metadata"]["deletionTimestamp"].is_string()
            && object["metadata"]["finalizers"].is_null();
        if gone {
            self.objects.remove(key);
            self.applied.retain(|(of, _), _| of != key);
            self.tell(key, "DELETED", object.clone());
        } else {
            self.objects.insert(key.clone(), object.clone());
            self.tell(key, "MODIFIED", object.clone());
        }
        object
    }

    pub fn replace(&mut self, key: &Key, object: Value) -> Result<Value, Failure> {
        let before = self.checked(key, &object["metadata"])?;
        let mut object = object;
        for field in ["uid", "creationTimestamp", "generation"] {
            object["metadata"][field] = before["metadata"][field].clone();
        }
        object["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"].clone();
        if !before["status"].is_null() {
            object["status"] = before["status"].clone();
        }
        Ok(self.install(key, &before, object))
    }

    /// A merge patch of everything but status.
    pub fn merge(&mut self, key: &Key, patch: &Value) -> Result<Value, Failure> {
        let before = self.checked(key, &patch["metadata"])?;
        let mut object = merged(before.clone(), patch);
        object["status"] = before["status"].clone();
        object["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"].clone();
        Ok(self.install(key, &before, object))
    }

    pub fn json_patch(&mut self, key: &Key, patch: &json_patch::Patch) -> Result<Value, Failure> {
        let before = self.checked(key, &Value::Null)?;
        let mut object = before.clone();
        json_patch::patch(&mut object, patch)
            .map_err(|error| failure(422, "Invalid", error.to_string()))?;
        object["status"] = before["status"].clone();
        Ok(self.install(key, &before, object))
    }

    /// Server-side apply of status: its one manager owns all of it.
    pub fn apply_status(&mut self, key: &Key, applied: &Value) -> Result<Value, Failure> {
        let before = self.checked(key, &applied["metadata"])?;
        let mut object = before.clone();
        object["status"] = applied["status"].clone();
        Ok(self.install(key, &before, object))
    }

    /// Server-side apply of metadata: what this manager applied before and doesn't any more goes.
    pub fn apply(&mut self, key: &Key, manager: &str, applied: &Value) -> Result<Value, Failure> {
        let before = self.checked(key, &applied["metadata"])?;
        let slot = (key.clone(), manager.to_owned());
        let earlier = self
            .applied
            .insert(slot, applied["metadata"].clone())
            .unwrap_or_default();
        let mut object = before.clone();
        for field in ["labels", "annotations"] {
            let names = |from: &Value| -> BTreeSet<String> {
                let members = from[field].as_object();
                members
                    .into_iter()
                    .flat_map(|members| members.keys().cloned())
                    .collect()
            };
            let (now, then) = (names(&applied["metadata"]), names(&earlier));
            let target = members(&mut object["metadata"], field);
            for gone in then.difference(&now) {
                target.remove(gone);
            }
            for name in &now {
                target.insert(name.clone(), applied["metadata"][field][name].clone());
            }
        }
        let texts = |from: &Value| from["finalizers"].as_array().cloned().unwrap_or_default();
        let (now, then) = (texts(&applied["metadata"]), texts(&earlier));
        let mut finalizers = texts(&before["metadata"]);
        finalizers.retain(|name| now.contains(name) || !then.contains(name));
        for name in now {
            if !finalizers.contains(&name) {
                // A deleted object takes no new finalizers.
                if before["metadata"]["deletionTimestamp"].is_string() {
                    return Err(failure(
                        422,
                        "Invalid",
                        "no new finalizers can be added if the object is being deleted",
                    ));
                }
                finalizers.push(name);
            }
        }
        object["metadata"]["finalizers"] = finalizers.into();
        Ok(self.install(key, &before, object))
    }

    pub fn delete(&mut self, key: &Key, preconditions: &Value) -> Result<Value, Failure> {
        let before = match self.checked(key, preconditions) {
            Err(Failure(409, _, message)) if !self.objects.contains_key(key) => {
                return Err(failure(404, "NotFound", message));
            }
            checked => checked?,
        };
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
        let _ = self.merge(&itself, &finalized);
        for key in keys.iter().chain([&itself]) {
            let _ = self.delete(key, &Value::Null);
        }
    }
}
