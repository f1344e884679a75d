//! An adversarial platform in memory. It keeps documents, not our objects, and knows nothing of how Holdfast compares them: it
//! keeps what it receives in a form of its own, answers late or not at all, carries out what it hasn't answered, and shows
//! lists that lag behind.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use holdfast_api::Kind;
use holdfast_core::estate::Creation;
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::{chance::Chance, grants::Grants, processes::Processes};

/// How a platform treats what it receives, fixed by the seed.
#[derive(Debug, Clone)]
pub struct Nature {
    /// How objects are created; see [`Nature::creation`].
    pub creation: Creation,
    /// How texts are kept.
    pub texts: Texts,
    /// A field that is accepted and not kept.
    pub ignores: Option<&'static str>,
    /// How long a new object may be missing from lists.
    pub lists_lag: Duration,
    /// Whether objects can be suspended.
    pub suspends: bool,
    /// Whether a new object gets the id of one that is gone.
    pub reuses_ids: bool,
    /// What it does beside what it says that it does.
    pub unsaid: Unsaid,
}

/// What a platform does without saying so.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unsaid {
    /// No two objects of a kind may have one name, although none is created by it: a rename can be refused.
    pub names_unique: bool,
    /// A mark is kept at creation.
    pub marks_new: bool,
}

impl Nature {
    /// How objects of a kind are created. Tenants have no name that could be unique or carry a claim.
    pub fn creation(&self, kind: Kind) -> Creation {
        match self.creation {
            Creation::UniqueName | Creation::ListAndMark if kind == Kind::Tenant => {
                Creation::OneOfParent
            }
            creation => creation,
        }
    }
}

/// The form in which a platform keeps a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Texts {
    AsSent,
    Trimmed,
    UpperCase,
    SingleBlanks,
}

impl Texts {
    fn kept(self, text: &str) -> String {
        match self {
            Self::AsSent => text.to_owned(),
            Self::Trimmed => text.trim().to_owned(),
            Self::UpperCase => text.to_uppercase(),
            Self::SingleBlanks => text.split_whitespace().collect::<Vec<_>>().join(" "),
        }
    }
}

/// The faults that are possible now, each in per mille of the requests.
#[derive(Debug, Clone, Copy, Default)]
pub struct Weather {
    /// Refused before anything was done: 503, 429.
    pub refuses: u64,
    /// Carried out, and the answer is lost.
    pub loses: u64,
    /// Carried out later, and not answered.
    pub late: u64,
    /// Slow, up to this.
    pub slow: Duration,
    /// A request waits up to this for its turn, before it is sent.
    pub queues: Duration,
    /// An answer that isn't one.
    pub garbles: u64,
    /// A list that misses rows although it says that it is complete.
    pub partial: u64,
}

/// One object.
#[derive(Debug, Clone)]
pub struct Item {
    pub kind: Kind,
    pub id: String,
    pub mark: Option<String>,
    /// The claim for which it was made: the platform may not know it, the judge does.
    pub made_for: Option<String>,
    pub document: Map<String, Value>,
    pub active: bool,
    pub version: u64,
    /// When its creation was sent, and when it was carried out.
    pub asked_at: Instant,
    pub made_at: Instant,
    /// Nothing of it can be read for now but its id.
    pub spoilt: bool,
}

impl Item {
    /// Whether this is the object of a kind and id.
    pub fn is(&self, kind: Kind, id: &str) -> bool {
        self.kind == kind && self.id == id
    }

    /// Whether this has the kind of another, and the name that it has or is to get.
    pub fn is_named_like(&self, kind: Kind, document: &Map<String, Value>) -> bool {
        let name = document.get("name");
        self.kind == kind && name.is_some() && self.document.get("name") == name
    }

    pub fn text(&self, field: &str) -> Option<&str> {
        self.document.get(field).and_then(Value::as_str)
    }

    /// The id of what it is below.
    pub fn parent(&self) -> Option<&str> {
        holdfast_core::estate::Object::parent_field(self.kind).and_then(|field| self.text(field))
    }
}

/// What a request changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Create,
    Update,
    Suspend,
    Activate,
    Delete,
}

/// The switch of an object: it isn't kept with the rest of the document.
fn switch(document: &mut Map<String, Value>) -> Option<bool> {
    document.remove("active")?.as_bool()
}

/// How long an id rests before it is used again.
const RESTS: Duration = Duration::from_secs(180);

fn id(number: u64) -> String {
    format!("{}", 100 + number)
}

#[derive(Debug)]
struct State {
    items: BTreeMap<String, Item>,
    next: u64,
    /// Changes so far, by actor.
    deeds: BTreeMap<String, usize>,
    requests: u64,
    weather: Weather,
    /// Who has a mutating request under way, and since when.
    writing: BTreeMap<String, usize>,
    grants: Grants,
    /// Who has had a list.
    informed: BTreeSet<String>,
    /// Whether the first list of a process has left something out.
    partial: bool,
    /// When an id became free.
    freed: BTreeMap<String, Instant>,
    violations: Vec<String>,
}

impl State {
    /// Whether an object has this id, or had it until a few minutes ago.
    fn is_in_use(&self, id: &str) -> bool {
        let freed = self.freed.get(id);
        self.items.contains_key(id) || freed.is_some_and(|freed| freed.elapsed() < RESTS)
    }

    /// After every change: nobody was granted what isn't there.
    fn changed(&mut self, actor: &str, declares: &Declares) {
        *self.deeds.entry(actor.to_owned()).or_default() += 1;
        let broken = self.grants.note(self.items.values(), declares);
        // What the first list of a process leaves out counts with what its spec asks for.
        let judged = actor != "console" && !self.partial;
        self.violations.extend(broken.filter(|_| judged));
    }
}

/// What judges a mutating request when it arrives: actor, deed, claim, object and values.
pub type Judge =
    dyn Fn(&str, What, Option<&str>, Option<&Item>, &Value) -> Option<String> + Send + Sync;

/// Whether a resource in the cluster declares an object.
pub type Declares = dyn Fn(&Item) -> bool + Send + Sync;

/// The platform. Clones are the same platform.
#[derive(Clone)]
pub struct Estate {
    pub nature: Nature,
    pub chance: Chance,
    pub processes: Processes,
    judge: Arc<Judge>,
    declares: Arc<Declares>,
    state: Arc<Mutex<State>>,
}

/// How a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    Fine,
    Refused,
    Throttled,
    Lost,
    Late(Duration),
    Garbled,
}

impl Estate {
    pub fn new(
        nature: Nature,
        chance: Chance,
        processes: Processes,
        judge: Arc<Judge>,
        declares: Arc<Declares>,
    ) -> Self {
        Self {
            nature,
            chance,
            processes,
            judge,
            declares,
            state: Arc::new(Mutex::new(State {
                items: BTreeMap::new(),
                next: 1,
                deeds: BTreeMap::new(),
                requests: 0,
                weather: Weather::default(),
                writing: BTreeMap::new(),
                informed: BTreeSet::new(),
                partial: false,
                freed: BTreeMap::new(),
                grants: Grants::default(),
                violations: Vec::new(),
            })),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("unpoisoned")
    }

    pub fn set_weather(&self, weather: Weather) {
        self.state().weather = weather;
    }

    pub fn items(&self) -> Vec<Item> {
        self.state().items.values().cloned().collect()
    }

    /// Changes that operators have made.
    pub fn changes(&self) -> usize {
        let state = self.state();
        let deeds = state.deeds.iter();
        deeds
            .filter(|(actor, _)| *actor != "console")
            .map(|(_, count)| count)
            .sum()
    }

    pub fn requests(&self) -> u64 {
        self.state().requests
    }

    pub fn violations(&self) -> Vec<String> {
        self.state().violations.clone()
    }

    /// Waits until a request's turn has come: a budget has many in line.
    pub async fn turn(&self) {
        let queues = self.state().weather.queues;
        let most = u64::try_from(queues.as_millis()).unwrap_or(u64::MAX);
        if most > 0 {
            tokio::time::sleep(Duration::from_millis(self.chance.below(most))).await;
        }
    }

    /// Notes a request, waits as long as it takes, and says how it goes.
    pub async fn arrive(&self, mutates: bool) -> Course {
        let (pause, course) = {
            let mut state = self.state();
            state.requests += 1;
            let weather = state.weather;
            drop(state);
            let slow = u64::try_from(weather.slow.as_millis()).unwrap_or(u64::MAX);
            let pause = Duration::from_millis(1 + self.chance.below(slow.max(20)));
            let course = if self.chance.hits(weather.refuses) {
                if self.chance.hits(300) {
                    Course::Throttled
                } else {
                    Course::Refused
                }
            } else if self.chance.hits(weather.loses) {
                Course::Lost
            } else if mutates && self.chance.hits(weather.late) {
                Course::Late(Duration::from_secs(1 + self.chance.below(100)))
            } else if self.chance.hits(weather.garbles) {
                Course::Garbled
            } else {
                Course::Fine
            };
            (pause, course)
        };
        tokio::time::sleep(pause).await;
        course
    }

    /// A mutating request arrives: whatever becomes of it, it must not break anything.
    pub fn asked(
        &self,
        actor: &str,
        what: What,
        mark: Option<&str>,
        id: Option<&str>,
        values: &Map<String, Value>,
    ) {
        if std::env::var_os("TRACE").is_some() {
            eprintln!(
                "{} {actor} asks {what:?} {mark:?} {id:?} {values:?}",
                holdfast::operator::simulation::now()
            );
        }
        let items = self.items();
        let item = id.and_then(|id| items.iter().find(|item| item.id == id));
        let values = Value::Object(values.clone());
        if let Some(broken) = (self.judge)(actor, what, mark, item, &values) {
            self.state().violations.push(broken);
        }
    }

    /// One writer an account: a mutating request arrives while another operator's is under way.
    pub fn begin_write(&self, actor: &str) {
        let mut state = self.state();
        let others: Vec<String> = state
            .writing
            .iter()
            .filter(|(other, count)| *other != actor && **count > 0)
            .map(|(other, _)| other.clone())
            .collect();
        if !others.is_empty() {
            state
                .violations
                .push(format!("{actor} writes while {others:?} does"));
        }
        *state.writing.entry(actor.to_owned()).or_default() += 1;
    }

    pub fn end_write(&self, actor: &str) {
        if let Some(count) = self.state().writing.get_mut(actor) {
            *count = count.saturating_sub(1);
        }
    }

    /// What a list shows now: new objects may be missing for a while, and a bad list misses rows.
    pub fn listed(&self, actor: &str) -> Option<Vec<Item>> {
        let (lag, partial) = (self.nature.lists_lag, self.state().weather.partial);
        let mut items = self.items();
        items.retain(|item| item.made_at.elapsed() >= lag);
        // A page that fails makes the whole list fail; a list that leaves out some or all is an answer like any other.
        if self.chance.hits(partial) {
            if self.chance.hits(300) {
                return None;
            }
            let shown = [0, 500][usize::from(self.chance.hits(500))];
            items.retain(|_| self.chance.hits(shown));
            let mut state = self.state();
            state.partial |= state.informed.insert(actor.to_owned());
            return Some(items);
        }
        self.state().informed.insert(actor.to_owned());
        Some(items)
    }

    fn kept(&self, field: &str, value: &Value) -> Option<Value> {
        if self.nature.ignores == Some(field) {
            return None;
        }
        Some(match value {
            Value::String(text) if field == "name" || field.starts_with("profile.") => {
                self.nature.texts.kept(text).into()
            }
            Value::Object(members) => {
                let kept = members
                    .iter()
                    .filter_map(|(name, value)| {
                        let field = format!("{field}.{name}");
                        Some((name.clone(), self.kept(&field, value)?))
                    })
                    .collect();
                Value::Object(kept)
            }
            other => other.clone(),
        })
    }

    fn normalised(&self, document: &Map<String, Value>) -> Map<String, Value> {
        let members = document.iter();
        members
            .filter_map(|(name, value)| Some((name.clone(), self.kept(name, value)?)))
            .collect()
    }

    /// Creates an object, or says the id of the one in the way.
    pub fn create(
        &self,
        actor: &str,
        kind: Kind,
        mark: &str,
        document: &Map<String, Value>,
        asked_at: Instant,
    ) -> Result<Item, String> {
        let mut kept = self.normalised(document);
        let active = switch(&mut kept);
        let creation = self.nature.creation(kind);
        let mut state = self.state();
        let in_the_way = |item: &&Item| match creation {
            Creation::ByReference => item.mark.as_deref() == Some(mark),
            Creation::UniqueName => item.is_named_like(kind, &kept),
            _ => self.nature.unsaid.names_unique && item.is_named_like(kind, &kept),
        };
        if let Some(taken) = state.items.values().find(in_the_way) {
            return Err(taken.id.clone());
        }
        if self.nature.reuses_ids {
            state.next = 1;
            while state.is_in_use(&id(state.next)) {
                state.next += 1;
            }
        }
        let id = id(state.next);
        state.next += 1;
        let marked = match creation {
            Creation::ListAndMark => self.nature.unsaid.marks_new,
            creation => creation.is_marked(),
        };
        let item = Item {
            kind,
            id: id.clone(),
            mark: marked.then(|| mark.to_owned()),
            made_for: Some(mark.to_owned()),
            document: kept,
            active: active.unwrap_or(true),
            version: 1,
            asked_at,
            made_at: Instant::now(),
            spoilt: false,
        };
        state.items.insert(id, item.clone());
        state.changed(actor, &*self.declares);
        Ok(item)
    }

    /// The object whose name is in the way of a change.
    pub fn namesake(&self, kind: Kind, id: &str, patch: &Map<String, Value>) -> Option<String> {
        let kept = self.normalised(patch);
        let state = self.state();
        let mut others = state.items.values().filter(|item| item.id != id);
        let taken = others.find(|item| item.is_named_like(kind, &kept))?;
        self.nature.unsaid.names_unique.then(|| taken.id.clone())
    }

    /// Whether something on the platform is below an object.
    pub fn has_below(&self, id: &str) -> bool {
        let state = self.state();
        state.items.values().any(|item| item.parent() == Some(id))
    }

    /// From now on an object can't be read, or can be again.
    pub fn spoil(&self, id: &str, spoilt: bool) {
        if let Some(item) = self.state().items.get_mut(id) {
            item.spoilt = spoilt;
            item.version += 1;
        }
    }

    /// Changes an object as an operator or a console does; `None` when there is none.
    pub fn change(
        &self,
        actor: &str,
        id: &str,
        what: What,
        mark: Option<&str>,
        patch: &Map<String, Value>,
    ) -> Option<Item> {
        let mut kept = self.normalised(patch);
        let active = switch(&mut kept);
        let mut state = self.state();
        let item = state.items.get_mut(id)?;
        match what {
            What::Update => {
                let mut document = Value::Object(std::mem::take(&mut item.document));
                json_patch::merge(&mut document, &Value::Object(kept));
                item.document = document.as_object().cloned().unwrap_or_default();
                item.active = active.unwrap_or(item.active);
                if let Some(mark) = mark {
                    item.mark = Some(mark.to_owned());
                }
            }
            What::Suspend => item.active = false,
            What::Activate => item.active = true,
            What::Create | What::Delete => {}
        }
        item.version += 1;
        let item = item.clone();
        if what == What::Delete {
            state.items.remove(id);
            state.freed.insert(id.to_owned(), Instant::now());
        }
        state.changed(actor, &*self.declares);
        Some(item)
    }
}
