//! One resource in a cluster, one platform, and an operator between them that can be cut off around any request.

use std::{
    fmt::{self, Write as _},
    hash::{Hash as _, Hasher},
    sync::Arc,
    time::Duration,
};

use serde_json::Value;

use super::platform::Platform;
use crate::{
    api::{Kind, shared::Change},
    estate::{Claim, Object, ObjectId, Snapshot},
    inventory::{Inventory, Ticket},
    planner::{
        Answer, Declared, DeletionPermit, LATE, Lesson, PlatformState, Progress, Remote, Seen,
        Settlement, Step, Verdict, change_log, deletion_begun, managed_status, next, remote_name,
        tests::fixtures::{ACCOUNT, Scene},
    },
    reply::{PlatformError, Written},
};

/// Steps that one pass may take, as in the operator.
const STEPS: usize = 24;
const KIND: Kind = Kind::Customer;

/// How a request goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The operator dies before it sends the request.
    CrashBefore,
    /// The operator dies when the request has been carried out.
    CrashAfter,
    /// The request is carried out, and its answer is lost.
    AnswerLost,
    /// The request never arrives.
    NotSent,
    /// A creation, or a switch because of a deletion, is carried out a minute later, and its answer is lost; any other request
    /// never arrives.
    Late,
}

impl Fault {
    pub const ALL: [Self; 5] = [
        Self::CrashBefore,
        Self::CrashAfter,
        Self::AnswerLost,
        Self::NotSent,
        Self::Late,
    ];
}

/// How a pass ended.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    Settled(Verdict),
    Released,
    CutOff,
}

/// Hashes what is written to it.
struct Hashing<'a, H>(&'a mut H);

impl<H: Hasher> fmt::Write for Hashing<'_, H> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

/// The cluster, the platform, and what the operator keeps in memory.
#[derive(Clone)]
pub struct World {
    pub scene: Scene,
    /// Whether the resource is still in the cluster.
    pub exists: bool,
    pub platform: Platform,
    inventory: Inventory,
    sweep: Option<(Ticket, Snapshot)>,
    /// Requests so far, to cluster and platform.
    pub requests: usize,
    /// The request that goes wrong, and how.
    pub fault: Option<(usize, Fault)>,
    /// What a pass has changed and couldn't record.
    unlogged: Vec<Change>,
    /// Whether the process has just started.
    is_new: bool,
    /// Decisions in this pass so far.
    steps: usize,
    /// Status writes that changed something.
    pub status_writes: usize,
    /// Before which request the user cancels the deletion.
    pub cancelled_at: Option<usize>,
}

impl World {
    pub fn new(scene: Scene) -> Self {
        let mut platform = Platform::new();
        let creation = scene.facts.capabilities.creation(KIND);
        platform.creation = creation;
        Self {
            scene,
            exists: true,
            platform,
            inventory: Inventory::default(),
            sweep: None,
            requests: 0,
            fault: None,
            unlogged: Vec::new(),
            is_new: false,
            steps: 0,
            status_writes: 0,
            cancelled_at: None,
        }
    }

    pub fn declared(&self) -> &Declared {
        &self.scene.declared
    }

    pub fn claim(&self) -> Claim {
        self.scene.claim()
    }

    /// The user applies a patch to the spec.
    pub fn edit(&mut self, patch: &Value) {
        if self.exists && !self.declared().deleting {
            self.scene = self.scene.clone().edited(patch.clone());
        }
    }

    /// The user deletes the resource.
    pub fn delete(&mut self) {
        self.scene.declared.deleting = true;
        self.scene.declared.deleted_at = Some(self.scene.now);
        self.exists &= self.declared().finalized;
    }

    /// The user sets `deletionPolicy: Retain` on a resource that is being deleted.
    pub fn cancel(&mut self) {
        self.cancelled_at = None;
        if self.exists {
            let retain = serde_json::json!({"deletionPolicy": "Retain"});
            self.scene = self.scene.clone().edited(retain);
        }
    }

    /// A sweep reads the platform; what it read is installed later.
    pub fn begin_sweep(&mut self) {
        self.sweep = Some((self.inventory.begin_sweep(), self.platform.observation()));
    }

    /// The sweep that was begun last is installed, however old it is by now.
    pub fn finish_sweep(&mut self) {
        if let Some((ticket, observation)) = self.sweep.take() {
            self.inventory.install(ticket, observation, false);
        }
    }

    pub fn whole_sweep(&mut self) {
        self.begin_sweep();
        self.finish_sweep();
    }

    /// F14: the platform answers a complete and empty list.
    pub fn empty_sweep(&mut self) {
        let observation = Snapshot {
            objects: Vec::new(),
            ..self.platform.observation()
        };
        let ticket = self.inventory.begin_sweep();
        self.inventory.install(ticket, observation, false);
    }

    /// The operator starts anew and knows nothing.
    pub fn restart(&mut self) {
        self.inventory = Inventory::default();
        self.sweep = None;
        self.unlogged.clear();
        self.is_new = true;
        self.scene.taken_over.insert(0, self.scene.now);
        self.scene.taken_over.truncate(2);
        self.scene.failures = 0;
    }

    /// What the inventory says about the resource, as the operator gathers it.
    fn gather(&mut self) {
        let (inventory, claim) = (&self.inventory, self.scene.claim());
        let declared = &self.scene.declared;
        let seen = |object: &Arc<Object>| Seen {
            object: Arc::clone(object),
            holder: None,
        };
        let noted = declared.annotated.as_ref().map(|(_, id)| id);
        let name = remote_name(KIND, &declared.spec);
        self.scene.remote = Remote {
            claimed: inventory.claimed(KIND, &claim).cloned(),
            twins: inventory
                .all_claimed(KIND, &claim)
                .skip(1)
                .map(|object| object.id.clone())
                .collect(),
            known: noted.and_then(|id| inventory.get(KIND, id).map(seen)),
            namesakes: name
                .into_iter()
                .flat_map(|name| inventory.named(KIND, name))
                .filter(|object| object.claim.as_ref() != Some(&claim))
                .map(seen)
                .collect(),
            ..Remote::default()
        };
        let name = "msp".to_owned();
        let unobserved = PlatformState::Unobserved {
            name,
            trouble: None,
        };
        self.scene.unobserved = (!inventory.is_complete()).then_some(unobserved);
    }

    /// One pass, as the operator makes it.
    pub fn pass(&mut self) -> End {
        self.begin_pass();
        loop {
            if let Some(end) = self.turn() {
                return end;
            }
        }
    }

    pub fn begin_pass(&mut self) {
        self.scene.now += Duration::from_secs(10);
        self.platform.now = self.scene.now;
        self.is_new = false;
        self.steps = 0;
        self.platform.carry_out_late(self.scene.now);
        self.scene.progress = Progress::resumed(&self.declared().status);
        let unlogged = std::mem::take(&mut self.unlogged);
        let status = &self.scene.declared.status;
        self.scene.progress.recall(unlogged, status);
    }

    /// One decision of a pass, with its request; how the pass ended, if it did. Invariants are checked after every request.
    pub fn turn(&mut self) -> Option<End> {
        if !self.exists {
            return Some(End::Released);
        }
        if self.cancelled_at.is_some_and(|at| at <= self.requests) {
            self.cancel();
        }
        self.gather();
        let step = next(&self.scene.view());
        self.steps += 1;
        assert!(self.steps <= STEPS, "no end after {STEPS} steps: {step:?}");
        self.check_step(&step);
        let ended = self.request(&step);
        self.check_world();
        if ended == Some(End::CutOff) && !self.is_new {
            self.unlogged = self.scene.progress.unlogged().to_vec();
        }
        ended
    }

    /// A number for all that decides what comes next: the resource, what the pass has learnt, the platform, and what it was told.
    pub fn hash(&mut self, of: &mut impl Hasher) {
        self.gather();
        let mut hashing = Hashing(of);
        let scene = &self.scene;
        // Writing to a hasher never fails.
        let _ = write!(
            hashing,
            "{:?}{:?}{:?}{:?}{:?}",
            scene.declared, scene.progress, scene.remote, self.platform, self.unlogged
        );
        let taken_over = scene.taken_over.iter();
        let ages = taken_over.map(|since| scene.now.duration_since(*since));
        (self.exists, self.steps, scene.failures, self.is_new).hash(of);
        ages.filter(|age| *age < LATE).for_each(|age| age.hash(of));
    }

    /// A person does what a creation of unknown outcome asks for: looks at the console, and names the object or the request.
    pub fn ask_a_person(&mut self) {
        let claim = self.scene.claim();
        let is_ours = |(id, held): (&ObjectId, &Claim)| (*held == claim).then(|| id.to_string());
        let made = self.platform.claims().find_map(is_ours);
        if let Some(id) = made {
            self.edit(&serde_json::json!({"adopt": "ById", "externalId": id}));
        } else {
            let intent = self.declared().status.intent.clone();
            self.scene.declared.retry_create = intent.map(|intent| intent.id);
        }
    }

    /// One request with its answer, or without.
    fn request(&mut self, step: &Step) -> Option<End> {
        let fault = self.fault.filter(|(at, _)| *at == self.requests);
        self.requests += 1;
        let fault = fault.map(|(_, fault)| fault);
        if let (
            Some(Fault::Late),
            Step::Create {
                claim, document, ..
            },
        ) = (fault, step)
        {
            let due = self.scene.now + Duration::from_secs(60);
            self.platform
                .create_late(due, KIND, claim, document.clone());
        }
        if let (
            Some(Fault::Late),
            Step::SetActive {
                id, active, field, ..
            },
        ) = (fault, step)
            && field == "deletionDelay"
        {
            let due = self.scene.now + Duration::from_secs(60);
            self.platform.switch_late(due, id.clone(), *active);
        }
        let arrives = matches!(fault, None | Some(Fault::CrashAfter | Fault::AnswerLost));
        let outcome = if arrives {
            self.send(step)
        } else {
            Err(PlatformError::Unreachable("not sent".into()))
        };
        let to_cluster = matches!(
            step,
            Step::Finalize
                | Step::Mark(_)
                | Step::RecordIntent(_)
                | Step::TakeDeletionPermit(_)
                | Step::Release
                | Step::Settle(_)
        );
        match fault {
            Some(Fault::CrashBefore | Fault::CrashAfter) => {
                self.restart();
                Some(End::CutOff)
            }
            Some(_) if to_cluster => Some(End::CutOff),
            Some(_) => {
                let lost = PlatformError::Unreachable("no answer".into());
                self.learn(step, Err(lost));
                None
            }
            None => {
                self.learn(step, outcome);
                match step {
                    Step::Settle(settlement) => Some(End::Settled(settlement.verdict.clone())),
                    Step::Release => Some(End::Released),
                    _ => None,
                }
            }
        }
    }

    /// What the request does in the cluster or on the platform.
    fn send(&mut self, step: &Step) -> Result<Answer, PlatformError> {
        let written = |object: Object| Answer::Written(Written::Done(Box::new(object)));
        let (platform, scene) = (&mut self.platform, &mut self.scene);
        let declared = &mut scene.declared;
        Ok(match step {
            Step::Finalize => {
                declared.finalized = true;
                Answer::Stored
            }
            Step::Mark(marks) => {
                let id = marks
                    .external_id
                    .as_deref()
                    .and_then(|noted| noted.split_once('/'));
                declared.annotated = id.map(|(account, id)| (account.into(), ObjectId::new(id)));
                declared.finalized = true;
                declared.marks = marks.clone();
                Answer::Stored
            }
            Step::RecordIntent(intent) => {
                declared.status.changes = change_log(declared, &scene.progress, None);
                let (remote, progress) = (&scene.remote, &scene.progress);
                declared.status.deletion = deletion_begun(declared, remote, progress, intent);
                declared.status.intent = Some(intent.clone());
                Answer::Stored
            }
            Step::Release => {
                declared.finalized = false;
                self.exists = false;
                Answer::Stored
            }
            Step::LookUp(claim) => Answer::Claimed(platform.find(KIND, claim)),
            Step::LookBeside(_) => Answer::Beside(platform.children(KIND)),
            Step::Read(id) | Step::ConfirmGone(id) => {
                Answer::Found(platform.read(KIND, id).map(Box::new))
            }
            Step::Create {
                claim, document, ..
            } => written(platform.create(KIND, claim, document.clone())?),
            Step::Update {
                id,
                etag,
                mark,
                patch,
                ..
            } => {
                let mark = mark.as_ref();
                written(platform.update(id, etag.as_deref(), mark, patch.clone())?)
            }
            Step::SetActive { id, active, .. } => {
                let patch = [("active".to_owned(), Value::Bool(*active))];
                written(platform.update(id, None, None, patch.into_iter().collect())?)
            }
            Step::TakeDeletionPermit(_) => Answer::Permit(DeletionPermit::Granted(scene.now)),
            Step::RehearseDeletion(id) => Answer::Rehearsed(platform.rehearse(id)?),
            Step::Delete { id, confirmation } => {
                platform.delete(id, confirmation)?;
                Answer::Deleted
            }
            Step::Settle(settlement) => {
                self.write_status(settlement);
                Answer::Stored
            }
            Step::CheckOperation(_) | Step::MoveClient { .. } | Step::SendWelcomeMail(_) => {
                unreachable!("not in this model")
            }
        })
    }

    fn write_status(&mut self, settlement: &Settlement) {
        if settlement.verdict == Verdict::Released {
            return;
        }
        let status = managed_status(&self.scene.view(), settlement, Vec::new());
        if status != self.scene.declared.status {
            self.scene.declared.status = status;
            self.status_writes += 1;
        }
    }

    /// What the operator makes of an answer.
    fn learn(&mut self, step: &Step, outcome: Result<Answer, PlatformError>) {
        let progress = &mut self.scene.progress;
        if matches!(step, Step::Settle(_)) {
            let failed = progress.failure.is_some();
            self.scene.failures = if failed { self.scene.failures + 1 } else { 0 };
            return;
        }
        let lesson = Lesson {
            kind: KIND,
            step,
            outcome,
            noted: self.scene.declared.status.intent.as_ref(),
            at: self.scene.now,
        };
        progress.learn(lesson, Some(&mut self.inventory));
    }

    /// Whatever the platform still has to carry out is carried out.
    pub fn wait_for_late(&mut self) {
        self.platform.carry_out_late(jiff::Timestamp::MAX);
        self.check_world();
    }

    /// No more faults: sweeps and passes until nothing happens any more, and then once more, which must be silent.
    pub fn come_to_rest(&mut self) -> End {
        self.fault = None;
        let mut last = None;
        for _ in 0..20 {
            self.scene.now += Duration::from_secs(300);
            self.whole_sweep();
            let before = (self.platform.log.len(), self.status_writes);
            let end = self.pass();
            let silent = before == (self.platform.log.len(), self.status_writes);
            if silent && last.as_ref() == Some(&end) {
                return end;
            }
            last = Some(end);
        }
        panic!("I4: no rest: {last:?} {:?}", self.platform.log);
    }

    /// The annotation as it should be.
    pub fn noted(&self) -> Option<String> {
        let (account, id) = self.declared().annotated.as_ref()?;
        assert_eq!(account, ACCOUNT);
        Some(id.to_string())
    }
}
