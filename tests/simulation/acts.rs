//! What happens to the world: what users, consoles, processes and the weather do.

use std::time::Duration;

use holdfast::operator::simulation::{now, set_time};
use serde_json::{Map, Value, json};

use crate::{
    cast::Role,
    platform::What,
    story::Act,
    world::{NAMESPACE, World},
};

impl World {
    pub async fn act(&mut self, act: &Act) {
        self.acts += 1;
        self.bury();
        if std::env::var_os("TRACE").is_some() {
            eprintln!("{} {act:?}", now());
        }
        match act {
            Act::Apply(role, spec) => self.apply(*role, &spec.0),
            Act::Delete(role) => {
                self.keep(*role);
                self.cluster.delete(role.0.as_str(), role.1);
            }
            Act::Restore(role, finalized) => self.restore(*role, *finalized),
            Act::Unmark((kind, name)) => {
                self.annotate(kind.as_str(), name, "external-id", &Value::Null);
            }
            Act::Relabel((kind, name), off) => {
                let value = if *off { Value::Null } else { "a user's".into() };
                let labels = json!({"holdfast.dev/platform": value});
                self.cluster.merge(
                    kind.as_str(),
                    name,
                    &json!({"metadata": {"labels": labels}}),
                );
            }
            Act::Strip(role) => {
                self.keep(*role);
                let (kind, name) = (role.0.as_str(), role.1);
                let bare = json!({"metadata": {"finalizers": null}});
                self.cluster.merge(kind, name, &bare);
                self.cluster.delete(kind, name);
            }
            Act::Recreate((kind, name)) => {
                let resource = self.cluster.get(kind.as_str(), name).unwrap_or_default();
                let id = resource["status"]["externalId"].clone();
                self.annotate(kind.as_str(), name, "recreate", &id);
            }
            Act::Manage(management) => {
                let patch = json!({"spec": {"management": management}});
                self.cluster.merge("BackupPlatform", "msp", &patch);
            }
            Act::Safety(most) => self.limit_deletions(*most),
            Act::Secret(there) => self.put_secret(*there),
            Act::EndNamespace => self.cluster.end_namespace(),
            Act::ConsoleEdit(phone) => {
                self.console(What::Update, &json!({"profile": {"phone": phone}}));
            }
            Act::ConsoleDelete => self.console(What::Delete, &json!({})),
            Act::ConsoleSwitch(on) => {
                let what = if *on { What::Activate } else { What::Suspend };
                self.console(what, &json!({}));
            }
            Act::Spoil(spoilt) => {
                if let Some(item) = self.estate.items().last() {
                    self.estate.spoil(&item.id, *spoilt);
                }
            }
            Act::Kill(index) => self.kill(*index),
            Act::KillAt {
                operator,
                requests,
                when,
            } => {
                if let Some(operator) = self.operators.get(operator) {
                    self.processes.die_at(&operator.actor, *requests, *when);
                }
            }
            Act::Isolate(index) => {
                if let Some(operator) = self.operators.get(index) {
                    self.processes.isolate(&operator.actor);
                }
            }
            Act::Rejoin(index) => {
                if let Some(operator) = self.operators.get(index) {
                    self.processes.rejoin(&operator.actor);
                }
            }
            Act::Clock(seconds) => {
                set_time(now() + jiff::SignedDuration::from_secs(*seconds));
            }
            Act::Start(index) => self.start(*index),
            Act::Stop(index) => {
                if let Some(operator) = self.operators.remove(index) {
                    let stopping = operator.simulated.stop();
                    let _ = tokio::time::timeout(Duration::from_secs(60), stopping).await;
                    self.processes.cut(&operator.actor);
                }
            }
            Act::Platform(weather) => self.estate.set_weather(*weather),
            Act::Cluster {
                fails,
                loses,
                delay,
            } => self.cluster.set_faults(*fails, *loses, *delay),
            Act::CloseWatches(gap) => self.cluster.close_watches(*gap),
            Act::Sweep => self.sweep(),
        }
    }

    pub fn limit_deletions(&self, most: u64) {
        let patch = json!({"spec": {"safety": {"maxDeletionsPerHour": most}}});
        self.cluster.merge("BackupPlatform", "msp", &patch);
    }

    /// The Secret with the credential is there, or not.
    pub fn put_secret(&self, there: bool) {
        if there {
            self.cluster.apply(&json!({
                "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "adversary", "namespace": NAMESPACE},
                "data": {"token": "YS10b2tlbi1vZi1zaXh0ZWVu"},
            }));
        } else {
            self.cluster.delete("Secret", "adversary");
        }
    }

    fn annotate(&self, kind: &str, name: &str, annotation: &str, value: &Value) {
        let annotation = format!("holdfast.dev/{annotation}");
        let patch = json!({"metadata": {"annotations": {annotation: value}}});
        self.cluster.merge(kind, name, &patch);
    }

    fn sweep(&self) {
        let stamp = self.acts.to_string().into();
        self.annotate("BackupPlatform", "msp", "reconcile-at", &stamp);
    }

    fn apply(&self, (kind, name): Role, spec: &Value) {
        self.cluster.apply(&json!({
            "apiVersion": "holdfast.dev/v1alpha1", "kind": kind.as_str(),
            "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec,
        }));
    }

    /// A backup keeps what is deleted now.
    fn keep(&mut self, role: Role) {
        if let Some(resource) = self.cluster.get(role.0.as_str(), role.1) {
            self.backups.insert(role, resource);
        }
    }

    fn restore(&mut self, (kind, name): Role, finalized: bool) {
        let there = self.cluster.get(kind.as_str(), name).is_some();
        let Some(mut resource) = self.backups.get(&(kind, name)).cloned().filter(|_| !there) else {
            return;
        };
        let old = resource["metadata"].take();
        resource["status"] = Value::Null;
        resource["metadata"] = json!({
            "name": name, "namespace": NAMESPACE,
            "labels": old["labels"], "annotations": old["annotations"],
            "finalizers": if finalized { old["finalizers"].clone() } else { Value::Null },
        });
        self.cluster.apply(&resource);
    }

    /// A person at the console changes the object that was made last.
    fn console(&self, what: What, patch: &Value) {
        let empty = Map::new();
        let patch = patch.as_object().unwrap_or(&empty);
        if let Some(item) = self.estate.items().last() {
            self.estate.change("console", &item.id, what, None, patch);
        }
    }
}
