//! One run: a cluster, an adversarial platform, operators, and what happens to them; then calm, and judgement.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use holdfast::operator::simulation::{Simulated, now, set_time};
use holdfast_api::Kind;
use holdfast_core::planner::claim;
use holdfast_platforms::Registry;
use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep};

use crate::{
    chance::Chance,
    cluster::Cluster,
    driver::EstateDriver,
    judge::{History, Stand, doubled, judge},
    platform::{Estate, Weather, What},
    processes::Processes,
    story::{Act, NAMES, Story},
};

const OWNER: &str = "owner-of-the-simulation";
const NAMESPACE: &str = "backup";
/// How long everything may take to come to rest after the last fault. Backoffs grow to hours where a value comes back.
const REST: Duration = Duration::from_secs(8 * 3600);
/// How long it is watched for silence.
const SILENCE: Duration = Duration::from_secs(1800);
/// What is counted beyond the requests that nothing changes: mutating requests for each thing that happened.
const PER_ACT: usize = 14;
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
struct Running {
    actor: String,
    simulated: Simulated,
}

struct World {
    story: Story,
    cluster: Cluster,
    estate: Estate,
    history: History,
    processes: Processes,
    operators: BTreeMap<usize, Running>,
    /// What stood in the cluster and on the platform, each once.
    states: BTreeSet<u64>,
    starts: usize,
    acts: usize,
}

/// Plays a story. The error says what was broken.
pub async fn play(story: &Story) -> Result<Summary, String> {
    set_time("2026-11-26T10:00:00Z".parse().expect("an instant"));
    let chance = Chance::new(story.seed ^ 0x5eed);
    let processes = Processes::default();
    let cluster = Cluster::start(chance.fork(), processes.clone());
    let history = History::default();
    let watched = (cluster.clone(), history.clone(), processes.clone());
    let estate = Estate::new(
        story.nature.clone(),
        chance.fork(),
        processes.clone(),
        Arc::new(move |actor, what, mark, item, values| {
            if actor == "console" {
                return None;
            }
            let (cluster, history, processes) = &watched;
            note(cluster, history);
            judge(
                history,
                processes.staleness(actor),
                what,
                mark,
                item,
                values,
            )
        }),
    );
    let mut world = World {
        story: story.clone(),
        cluster,
        estate,
        history,
        processes,
        operators: BTreeMap::new(),
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

/// Notes how every customer is in the cluster now.
fn note(cluster: &Cluster, history: &History) {
    for name in NAMES {
        let claim = claim(OWNER, Kind::Customer, NAMESPACE, name);
        let stand = cluster
            .get("Customer", name)
            .map(|resource| Stand::of(&resource));
        history.note(claim.as_str(), stand);
    }
}

impl World {
    fn begin(&mut self) {
        self.cluster.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "holdfast-system"}}));
        self.cluster.apply(
            &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}),
        );
        self.cluster.apply(&json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "adversary", "namespace": NAMESPACE},
            "data": {"token": "YS10b2tlbi1vZi1zaXh0ZWVu"},
        }));
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

    fn start(&mut self, index: usize) {
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
    fn kill(&mut self, index: usize) {
        if let Some(operator) = self.operators.remove(&index) {
            self.processes.cut(&operator.actor);
            operator.simulated.kill();
        }
    }

    /// What died at a request is gone; it is started again by the story, or in the end.
    fn bury(&mut self) {
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
        for name in NAMES {
            let resource = self.cluster.get("Customer", name).unwrap_or_default();
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

    async fn act(&mut self, act: &Act) {
        self.acts += 1;
        self.bury();
        match act {
            Act::Apply {
                name,
                phone,
                delete,
                management,
            } => self.apply(name, phone, *delete, management),
            Act::Delete(name) => self.cluster.delete("Customer", name),
            Act::Unmark(name) => {
                let patch =
                    json!({"metadata": {"annotations": {"holdfast.dev/external-id": null}}});
                self.cluster.merge("Customer", name, &patch);
            }
            Act::Strip(name) => {
                self.cluster
                    .merge("Customer", name, &json!({"metadata": {"finalizers": null}}));
                self.cluster.delete("Customer", name);
            }
            Act::ConsoleEdit(phone) => {
                self.console(What::Update, &json!({"profile": {"phone": phone}}));
            }
            Act::ConsoleDelete => self.console(What::Delete, &json!({})),
            Act::ConsoleSwitch(on) => {
                let what = if *on { What::Activate } else { What::Suspend };
                self.console(what, &json!({}));
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
        note(&self.cluster, &self.history);
    }

    fn sweep(&self) {
        let stamp = self.acts.to_string();
        let patch = json!({"metadata": {"annotations": {"holdfast.dev/reconcile-at": stamp}}});
        self.cluster.merge("BackupPlatform", "msp", &patch);
    }

    fn apply(&self, name: &str, phone: &str, delete: bool, management: &str) {
        self.cluster.apply(&json!({
            "apiVersion": "holdfast.dev/v1alpha1", "kind": "Customer", "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {
                "platformRef": {"name": "msp"},
                "displayName": format!("Customer {name}"),
                "country": "DE",
                "profile": {"phone": phone, "website": "https://example.com/"},
                "deletionPolicy": if delete { "Delete" } else { "Retain" },
                "management": management,
            },
        }));
    }

    /// A person at the console changes the object that was made last.
    fn console(&self, what: What, patch: &Value) {
        let empty = Map::new();
        let patch = patch.as_object().unwrap_or(&empty);
        if let Some(item) = self.estate.items().last() {
            self.estate.change("console", &item.id, what, None, patch);
        }
    }

    fn broken(&self) -> Result<(), String> {
        let mut broken = self.estate.violations();
        broken.extend(self.cluster.unsupported());
        // A platform that takes two objects of one claim never gets the second one from us.
        broken.extend(doubled(&self.estate.items()));
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

    /// No more faults, and an operator that runs.
    fn calm(&mut self) {
        for operator in self.operators.values() {
            self.processes.rejoin(&operator.actor);
            self.processes.live_on(&operator.actor);
        }
        self.bury();
        self.estate.set_weather(Weather::default());
        self.cluster.set_faults(0, 0, Duration::ZERO);
        for index in 0..self.story.operators {
            self.start(index);
        }
    }

    /// Everything comes to rest: Ready, or says why not.
    async fn rest(&self) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            self.broken()?;
            let open: Vec<String> = NAMES.iter().filter_map(|name| self.open(name)).collect();
            if open.is_empty() {
                return Ok(());
            }
            if begun.elapsed() > REST {
                return Err(format!("no rest after {REST:?}: {}", open.join("; ")));
            }
            sleep(Duration::from_secs(20)).await;
        }
    }

    /// What of a customer is still open.
    fn open(&self, name: &str) -> Option<String> {
        let resource = self.cluster.get("Customer", name)?;
        let condition = |kind: &str| {
            let conditions = resource.pointer("/status/conditions")?.as_array()?;
            let found = conditions
                .iter()
                .find(|condition| condition["type"] == kind)?;
            found["status"].as_str().map(ToOwned::to_owned)
        };
        let is = |kind: &str, status: &str| condition(kind).as_deref() == Some(status);
        let reason = |kind: &str| {
            let conditions = resource.pointer("/status/conditions")?.as_array()?;
            let found = conditions
                .iter()
                .find(|condition| condition["type"] == kind)?;
            found["reason"].as_str().map(ToOwned::to_owned)
        };
        let observed = resource.pointer("/status/observedGeneration")
            == resource.pointer("/metadata/generation");
        let settled = is("Ready", "True") && !is("Reconciling", "True")
            || is("Stalled", "True")
            || is("DeletionBlocked", "True")
            || is("Paused", "True")
            || reason("Ready").as_deref() == Some("Observing");
        let status = resource.get("status").cloned().unwrap_or_default();
        (!(observed && settled)).then(|| format!("{name}: {status}"))
    }

    /// I4: then nothing is sent and nothing is written.
    async fn silent(&self) -> Result<Summary, String> {
        let mutations = || self.estate.changes();
        // What was decided just before may still be on its way.
        sleep(Duration::from_secs(600)).await;
        let before = (mutations(), self.cluster.writes());
        sleep(SILENCE).await;
        self.broken()?;
        let after = (mutations(), self.cluster.writes());
        if before != after {
            return Err(format!(
                "not silent: {before:?} mutations and writes became {after:?}: {:?}",
                self.cluster.last_writes(6)
            ));
        }
        let most = 40 + PER_ACT * self.acts;
        if after.0 > most {
            return Err(format!("{} mutations for {} acts", after.0, self.acts));
        }
        Ok(Summary {
            mutations: after.0,
            requests: self.estate.requests(),
            writes: after.1,
            states: self.states.clone(),
            died: self.processes.died(),
        })
    }
}
