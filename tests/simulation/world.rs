//! One run: a cluster, an adversarial platform, operators, and what happens to them; then calm, and judgement.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use holdfast::operator::simulation::{Simulated, begin};
use holdfast_core::planner::claim;
use holdfast_platforms::Registry;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    cast::{CAST, Role},
    chance::Chance,
    cluster::Cluster,
    driver::EstateDriver,
    judge::{History, Stand, doubled, is_managed, judge},
    platform::Estate,
    processes::Processes,
    store::Event,
    story::Story,
};

const OWNER: &str = "owner-of-the-simulation";
pub const NAMESPACE: &str = "backup";
/// The same for writes to the cluster.
const WRITES_PER_ACT: usize = 25;

/// What a run that held everything looked like.
#[derive(Debug, Default)]
pub struct Summary {
    pub mutations: usize,
    pub requests: u64,
    pub writes: usize,
    /// States of cluster, platform and operators, each once.
    pub states: BTreeSet<u64>,
    /// Operators that died at a request.
    pub died: usize,
}

/// An operator's process.
pub struct Running {
    pub actor: String,
    pub simulated: Simulated,
}

pub struct World {
    pub story: Story,
    pub cluster: Cluster,
    pub estate: Estate,
    pub history: History,
    pub processes: Processes,
    pub operators: BTreeMap<usize, Running>,
    /// What was deleted, as it was last.
    pub backups: BTreeMap<Role, Value>,
    /// What stood in the cluster and on the platform, each once.
    pub states: BTreeSet<u64>,
    starts: usize,
    pub acts: usize,
}

/// Plays a story. The error says what was broken.
pub async fn play(story: &Story) -> Result<Summary, String> {
    begin("2026-11-26T10:00:00Z".parse().expect("an instant"));
    let chance = Chance::new(story.seed ^ 0x5eed);
    let processes = Processes::default();
    let cluster = Cluster::start(chance.fork(), processes.clone());
    let history = History::default();
    let witness = history.clone();
    cluster.witness(move |event| note(event, &witness));
    let watched = (history.clone(), processes.clone());
    let declared = history.clone();
    let estate = Estate::new(
        story.nature.clone(),
        chance.fork(),
        processes.clone(),
        Arc::new(move |actor, what, mark, item, values| {
            if actor == "console" {
                return None;
            }
            let (history, processes) = &watched;
            judge(
                history,
                processes.staleness(actor),
                what,
                mark,
                item,
                values,
            )
        }),
        Arc::new(move |item| {
            let claim = item.made_for.as_deref();
            claim.is_some_and(|claim| declared.has_stood(claim))
        }),
    );
    let mut world = World {
        story: story.clone(),
        cluster,
        estate,
        history,
        processes,
        operators: BTreeMap::new(),
        backups: BTreeMap::new(),
        states: BTreeSet::new(),
        starts: 0,
        acts: 0,
    };
    world.begin();
    for (pause, act) in &story.acts {
        sleep(*pause).await;
        world.act(act).await;
        world.broken()?;
        world.bury();
        world.remember();
    }
    world.calm();
    world.rest().await?;
    let summary = world.silent().await?;
    for (_, operator) in std::mem::take(&mut world.operators) {
        operator.simulated.kill();
    }
    Ok(summary)
}

/// Notes how a resource is in the cluster from now on.
fn note(event: &Event, history: &History) {
    let resource = &event.object;
    let kind = resource["kind"].as_str().unwrap_or_default();
    if kind == "BackupPlatform" {
        history.note_platform(is_managed(&resource["spec"]["management"]));
        let most = &resource["spec"]["safety"]["maxDeletionsPerHour"];
        history.note_limit(most.as_u64().unwrap_or_default());
    }
    let (_, namespace, name) = &event.key;
    for (kind, _) in CAST
        .iter()
        .filter(|(of, known)| of.as_str() == kind && known == name)
    {
        let claim = claim(OWNER, *kind, namespace, name);
        let stand = (event.kind != "DELETED").then(|| Stand::of(resource));
        history.note(claim.as_str(), stand);
    }
}

impl World {
    fn begin(&mut self) {
        self.cluster.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "holdfast-system"}}));
        self.cluster.apply(
            &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}),
        );
        self.put_secret(true);
        self.cluster.apply(&json!({
            "apiVersion": "holdfast.dev/v1alpha1", "kind": "BackupPlatform", "metadata": {"name": "msp", "namespace": NAMESPACE},
            "spec": {
                "ownerId": OWNER,
                "bridge": {"endpoint": "https://adversary.example/", "credentialsRef": {"name": "adversary"}},
                "sweepInterval": "60s",
                "safety": {"maxDeletionsPerHour": 1000, "deletionDelay": if self.story.seed.is_multiple_of(3) { "30s" } else { "0s" }},
            },
        }));
        for index in 0..self.story.operators {
            self.start(index);
        }
    }

    pub fn start(&mut self, index: usize) {
        if self.operators.contains_key(&index) {
            return;
        }
        self.starts += 1;
        // Half of them come back under the identity that they had.
        let again = self.starts.is_multiple_of(2);
        let identity = if again {
            format!("operator-{index}")
        } else {
            format!("operator-{index}-{}", self.starts)
        };
        let actor = format!("{index}.{}", self.starts);
        let driver = EstateDriver {
            estate: self.estate.clone(),
            actor: actor.clone(),
        };
        let drivers = Registry::default().with(Arc::new(driver));
        let simulated = Simulated::start(&self.cluster.client(&actor), drivers, &identity);
        self.operators.insert(index, Running { actor, simulated });
    }

    /// The process is gone: what it has sent may still be carried out, and it learns of nothing.
    pub fn kill(&mut self, index: usize) {
        if let Some(operator) = self.operators.remove(&index) {
            self.processes.cut(&operator.actor);
            operator.simulated.kill();
        }
    }

    /// What died at a request is gone; it is started again by the story, or in the end.
    pub fn bury(&mut self) {
        let dead: Vec<usize> = self
            .operators
            .iter()
            .filter(|(_, operator)| self.processes.is_cut(&operator.actor))
            .map(|(index, _)| *index)
            .collect();
        for index in dead {
            self.kill(index);
        }
    }

    /// Counts the state in which cluster, platform and operators are now, unless it was so before.
    fn remember(&mut self) {
        let mut hasher = DefaultHasher::new();
        for (kind, name) in CAST {
            let resource = self.cluster.get(kind.as_str(), name).unwrap_or_default();
            for field in [
                "/spec",
                "/metadata/finalizers",
                "/metadata/annotations",
                "/status/intent",
            ] {
                let value = resource.pointer(field).unwrap_or(&Value::Null);
                value.to_string().hash(&mut hasher);
            }
            resource["metadata"]["deletionTimestamp"]
                .is_null()
                .hash(&mut hasher);
            let conditions = resource.pointer("/status/conditions");
            for condition in conditions.and_then(Value::as_array).into_iter().flatten() {
                for field in ["type", "status", "reason"] {
                    condition[field].as_str().hash(&mut hasher);
                }
            }
        }
        for item in self.estate.items() {
            (&item.id, &item.mark, item.active).hash(&mut hasher);
            Value::Object(item.document).to_string().hash(&mut hasher);
        }
        self.operators
            .keys()
            .for_each(|index| index.hash(&mut hasher));
        self.states.insert(hasher.finish());
    }

    pub fn broken(&self) -> Result<(), String> {
        let mut broken = self.estate.violations();
        broken.extend(self.cluster.unsupported());
        // A platform that takes two objects of one claim never gets the second one from us.
        broken.extend(doubled(&self.estate.items(), &self.history));
        // I4: no loop.
        let most = 200 + WRITES_PER_ACT * (self.acts + 1);
        if self.cluster.writes() > most {
            broken.push(format!(
                "a storm of {} writes: {:#?}",
                self.cluster.writes(),
                self.cluster.last_writes(12)
            ));
        }
        match broken.first() {
            None => Ok(()),
            Some(first) => Err(format!("{first} ({} in all)", broken.len())),
        }
    }
}
