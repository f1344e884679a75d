//! Platforms with objects that can't carry our mark: a creation is recorded, sent once, and settled before another.

use crate::estate::Creation;
use std::time::Duration;

use serde_json::json;

use super::fixtures::{ACCOUNT, ID, Scene, customer, mutates, remote, tenant};
use crate::{
    api::{
        Kind,
        conditions::Reason,
        shared::{Change, ChangeOutcome, ChangeStep, Intent},
    },
    estate::{Object, ObjectId},
    planner::{PlatformState, Progress, Step, agrees},
    reply::{PlatformError, ProblemKind},
};

impl Scene {
    pub fn unmarked(mut self) -> Self {
        self.facts.capabilities.creation = [
            (Kind::Customer, Creation::UniqueName),
            (Kind::Tenant, Creation::OneOfParent),
            (Kind::ServicePlan, Creation::OneOfParent),
            (Kind::Reseller, Creation::OneOfParent),
        ]
        .into();
        self
    }

    /// A creation was sent so long ago, and then all was lost but the note of it.
    fn lost(mut self, ago: Duration) -> Self {
        self.declared.status.intent = Some(Intent {
            id: "1-77".into(),
            step: ChangeStep::Create,
            at: self.now - ago,
            fields: vec!["displayName".into()],
            operation: None,
            parent: (self.declared.kind == Kind::Tenant).then(|| "7".into()),
            names: match self.declared.kind {
                Kind::Tenant => vec!["HybridWorkloads".into()],
                _ => vec!["Fabrikam GmbH".into()],
            },
            request_hash: None,
        });
        self
    }

    fn looked(mut self) -> Self {
        self.progress.beside = Some((std::collections::BTreeSet::new(), 1));
        self
    }

    /// Everything up to the creation, as the operator would do it.
    pub fn written_down(mut self) -> Self {
        let Step::RecordIntent(intent) = self.first() else {
            panic!("first it is written down: {:?}", self.first());
        };
        self.declared.status.intent = Some(intent.clone());
        self.progress.intent = Some(intent);
        self
    }
}

pub fn fabrikam() -> Scene {
    customer("fabrikam").unmarked().finalized()
}

/// A customer on the platform that goes by these names.
pub fn named(name: &str, made: jiff::Timestamp) -> Object {
    let document =
        json!({"name": name, "accountName": name, "profile": {"phone": "+49 30 5550100"}});
    let mut object = remote(Kind::Customer, ID, &document);
    object.created_at = Some(made);
    object
}

fn performed(outcome: ChangeOutcome) -> Change {
    Change {
        at: super::fixtures::noon(),
        step: ChangeStep::Create,
        fields: vec!["displayName".into(), "profile.phone".into()],
        outcome,
    }
}

// I1, I8
#[test]
fn a_creation_is_written_down_first_with_what_it_is_known_by() {
    let scene = fabrikam()
        .with(json!({"accountName": "acct-1"}))
        .written_down();
    let intent = scene.progress.intent.clone().expect("written down");
    assert_eq!(intent.step, ChangeStep::Create);
    assert_eq!(intent.names, ["acct-1", "Fabrikam GmbH"]);
    assert_eq!(intent.request_hash.map(|hash| hash.len()), Some(64));
    assert!(matches!(scene.next(), Step::Create { .. }));
}

// R-D2
#[test]
fn of_a_hidden_customer_only_the_account_name_is_written_down() {
    let scene = super::fixtures::hidden_customer("fabrikam")
        .unmarked()
        .finalized()
        .written_down();
    let intent = scene.progress.intent.clone().expect("written down");
    assert!(!format!("{intent:?}").contains("Fabrikam"), "{intent:?}");
}

// I8
#[test]
fn the_task_is_written_down_before_it_is_asked_for_and_what_it_made_is_noted() {
    let mut scene = fabrikam().written_down();
    scene
        .progress
        .performed
        .push(performed(ChangeOutcome::Sent));
    scene.progress.operation = Some("task-1".into());
    let Step::RecordIntent(intent) = scene.first() else {
        panic!("{:?}", scene.first());
    };
    assert_eq!(intent.operation.as_deref(), Some("task-1"));
    scene.progress.intent = Some(intent.clone());
    scene.declared.status.intent = Some(intent);
    // It was accepted only now, so it isn't asked for at once.
    scene.waiting(Reason::WaitingForPlatform);
    assert_eq!(scene.settlement().again, Some(Duration::from_secs(2)));
    scene.progress = Progress::resumed(&scene.declared.status);
    assert_eq!(scene.next(), Step::CheckOperation("task-1".into()));
    scene.progress.operation = None;
    scene.progress.made = Some(ObjectId::new(ID));
    let Step::Mark(marks) = scene.next() else {
        panic!("{:?}", scene.next());
    };
    assert_eq!(
        marks.external_id.as_deref(),
        Some(format!("{ACCOUNT}/{ID}").as_str())
    );
}

// F2, F4, I1
#[test]
fn a_lost_creation_is_looked_for_and_found_by_both_names() {
    let scene = fabrikam().lost(Duration::from_secs(60));
    assert!(
        matches!(scene.next(), Step::LookBeside(_)),
        "{:?}",
        scene.next()
    );
    let found = scene
        .clone()
        .looked()
        .beside(named("Fabrikam GmbH", scene.now), None);
    let Step::Mark(marks) = found.next() else {
        panic!("{:?}", found.next());
    };
    assert_eq!(
        marks.external_id.as_deref(),
        Some(format!("{ACCOUNT}/{ID}").as_str())
    );
    // An object that was there long before belongs to another owner.
    let older = named("Fabrikam GmbH", scene.now - Duration::from_secs(3600));
    let older = scene.looked().beside(older, None);
    assert!(
        !mutates(&older.next()) && !matches!(older.next(), Step::Mark(_)),
        "{:?}",
        older.next()
    );
}

// F4, I1
#[test]
fn a_lost_customer_is_sent_once_more_after_half_an_hour_and_never_a_third_time() {
    let soon = fabrikam().lost(Duration::from_secs(1700)).looked();
    soon.waiting(Reason::CreateOutcomeUnknown);
    let late = fabrikam()
        .lost(Duration::from_secs(1801))
        .looked()
        .written_down();
    let intent = late.progress.intent.clone().expect("written down");
    assert!(intent.id.ends_with("-again"), "{}", intent.id);
    assert!(matches!(late.next(), Step::Create { .. }));
    let mut again = fabrikam().lost(Duration::from_secs(7200)).looked();
    again.declared.status.intent.as_mut().expect("a note").id = intent.id.clone();
    let message = again.stalled(Reason::CreateOutcomeUnknown);
    assert!(
        message.contains(&format!("retry-create={}", intent.id)),
        "{message}"
    );
}

// F4, I1
#[test]
fn a_lost_tenant_is_sent_again_by_a_persons_word_alone() {
    let scene = tenant("fabrikam-hybrid")
        .unmarked()
        .finalized()
        .lost(Duration::from_secs(86_400))
        .looked();
    let message = scene.stalled(Reason::CreateOutcomeUnknown);
    assert!(
        message.contains("holdfast.dev/retry-create=1-77"),
        "{message}"
    );
    let mut told = scene.clone();
    told.declared.retry_create = Some("1-77".into());
    assert!(
        matches!(told.first(), Step::RecordIntent(_)),
        "{:?}",
        told.first()
    );
    let mut another = scene;
    another.declared.retry_create = Some("1-76".into());
    another.stalled(Reason::CreateOutcomeUnknown);
}

// I1, R-D30
#[test]
fn the_place_of_a_tenant_is_looked_at_before_it_is_made() {
    let scene = tenant("fabrikam-hybrid").unmarked().finalized();
    assert!(
        matches!(scene.next(), Step::LookBeside(_)),
        "{:?}",
        scene.next()
    );
    assert!(matches!(scene.looked().first(), Step::RecordIntent(_)));
}

// I8: a note stays until the outcome is known; a refusal is an outcome, and a request that was never sent needs no note.
#[test]
fn the_note_of_a_creation_stays_until_its_outcome_is_known() {
    let with = |failure: PlatformError, outcome: Option<ChangeOutcome>| {
        let mut scene = fabrikam().written_down().failing(failure);
        scene.progress.performed.extend(outcome.map(performed));
        scene.status().intent
    };
    let unknown = Some(ChangeOutcome::Unknown);
    assert!(with(PlatformError::Unreachable("reset".into()), unknown).is_some());
    assert!(with(PlatformError::Garbled("html".into()), unknown).is_some());
    let refused = super::failures::refused(ProblemKind::Conflict);
    assert!(with(refused, Some(ChangeOutcome::Refused)).is_none());
    assert!(with(PlatformError::NotWriter("standby".into()), None).is_none());
    let made = named("Fabrikam GmbH", super::fixtures::noon());
    let found = fabrikam()
        .lost(Duration::from_secs(60))
        .holding(made)
        .noting(ID);
    assert!(found.status().intent.is_none());
    // A look that fails settles nothing.
    let look = fabrikam()
        .lost(Duration::from_secs(60))
        .failing(PlatformError::Unreachable("reset".into()));
    assert!(look.status().intent.is_some());
}

// F7, I2
#[test]
fn a_copied_annotation_gives_no_right_to_an_object_of_another_name() {
    let mut scene = fabrikam().noting(ID);
    scene.remote.disagreeing = Some(std::sync::Arc::new(named("Tailspin Toys", scene.now)));
    let message = scene.stalled(Reason::NameConflict);
    assert!(message.contains("adopt: ById"), "{message}");
    let mut deleting = scene.with(json!({"deletionPolicy": "Delete"})).deleting();
    deleting.progress.unclaimed = true;
    deleting.blocked(Reason::NameConflict);
}

// I7, N7
#[test]
fn a_creation_of_unknown_outcome_holds_up_a_deletion_and_not_a_release() {
    let scene = fabrikam().lost(Duration::from_secs(600));
    let delete = scene
        .clone()
        .with(json!({"deletionPolicy": "Delete"}))
        .deleting();
    assert!(
        matches!(delete.next(), Step::LookBeside(_)),
        "{:?}",
        delete.next()
    );
    let looked = delete.looked();
    looked.blocked(Reason::CreateOutcomeUnknown);
    let found = looked.beside(named("Fabrikam GmbH", super::fixtures::noon()), None);
    assert!(matches!(found.next(), Step::Mark(_)), "{:?}", found.next());
    let mut young = scene
        .clone()
        .with(json!({"deletionPolicy": "Retain"}))
        .deleting();
    young.declared.status.intent.as_mut().expect("a note").at = young.now - Duration::from_secs(60);
    young.blocked(Reason::WaitingForPlatform);
    let release = scene.with(json!({"deletionPolicy": "Retain"})).deleting();
    assert_eq!(release.next(), Step::Release);
}

// F3: no end is a condition, and not a hot loop.
#[test]
fn a_task_that_never_ends_is_asked_for_ever_less_often_and_told_of() {
    let mut scene = fabrikam().lost(Duration::from_secs(10));
    scene
        .declared
        .status
        .intent
        .as_mut()
        .expect("a note")
        .operation = Some("task-1".into());
    scene.progress.operation = Some("task-1".into());
    scene.progress.operation_checked = true;
    scene.waiting(Reason::WaitingForPlatform);
    assert_eq!(scene.settlement().again, Some(Duration::from_secs(10)));
    scene.now -= Duration::from_millis(10_400);
    assert_eq!(
        scene.settlement().again,
        Some(Duration::from_secs(2)),
        "noted to the second, a little ahead"
    );
    scene.now += Duration::from_millis(10_400);
    scene.now += Duration::from_secs(3600);
    let message = scene.stalled(Reason::WaitingForPlatform);
    assert!(message.contains("task-1"), "{message}");
    assert_eq!(scene.settlement().again, Some(Duration::from_secs(60)));
}

// F12, I1: what says nothing about the creation leaves its note alone.
#[test]
fn a_note_outlives_a_platform_that_is_not_observed_and_failures_of_other_requests() {
    let open = || fabrikam().lost(Duration::from_secs(60));
    let mut gone = open();
    gone.unobserved = Some(PlatformState::Unobserved {
        name: "msp".into(),
        trouble: Some("no route".into()),
    });
    assert!(gone.status().intent.is_some());
    let look = open().failing(super::failures::refused(ProblemKind::Invalid));
    assert!(look.status().intent.is_some(), "a look that is refused");
    // Accepted, its task forgotten, and then the look is throttled.
    let mut forgotten = fabrikam().written_down();
    forgotten
        .progress
        .performed
        .push(performed(ChangeOutcome::Unknown));
    forgotten.progress.concluded = true;
    let throttled = PlatformError::Throttled {
        retry_after: Duration::from_secs(1),
    };
    assert!(forgotten.failing(throttled).status().intent.is_some());
    // Its own task failed: that is knowledge.
    let mut failed = open();
    failed
        .declared
        .status
        .intent
        .as_mut()
        .expect("a note")
        .operation = Some("task-1".into());
    failed.progress.concluded = true;
    failed
        .progress
        .performed
        .push(performed(ChangeOutcome::Refused));
    let failed = failed.failing(super::failures::refused(ProblemKind::Conflict));
    assert!(failed.status().intent.is_none());
    // Of a second try it isn't: the first may have made it.
    let mut again = open();
    again.declared.status.intent.as_mut().expect("a note").id = "1-77-again".into();
    again.progress.concluded = true;
    again
        .progress
        .performed
        .push(performed(ChangeOutcome::Refused));
    let again = again.failing(super::failures::refused(ProblemKind::Conflict));
    assert!(again.status().intent.is_some());
}

// I1: under another name the platform would make a second.
#[test]
fn a_name_that_was_edited_while_a_creation_is_open_is_not_sent_by_itself() {
    let edited = fabrikam()
        .lost(Duration::from_secs(7200))
        .looked()
        .edited(json!({"displayName": "Fabrikam AG"}));
    let message = edited.stalled(Reason::CreateOutcomeUnknown);
    assert!(message.contains("Fabrikam GmbH"), "{message}");
    // What was made under the old name is found by it, and a stranger of the new name isn't taken.
    let stranger = edited
        .clone()
        .beside(named("Fabrikam AG", edited.now), None);
    stranger.stalled(Reason::CreateOutcomeUnknown);
    let ours = edited
        .clone()
        .beside(named("Fabrikam GmbH", edited.now), None);
    assert!(matches!(ours.next(), Step::Mark(_)), "{:?}", ours.next());
    assert!(agrees(
        &edited.declared,
        &edited.references,
        &named("Fabrikam GmbH", edited.now)
    ));
}

// F4, I1: no message suggests to send again what may still be on its way.
#[test]
fn a_tenants_creation_is_waited_for_before_anybody_is_asked_to_look() {
    let scene = tenant("fabrikam-hybrid")
        .unmarked()
        .finalized()
        .lost(Duration::from_secs(60))
        .looked();
    let message = scene.waiting(Reason::CreateOutcomeUnknown);
    assert!(!message.contains("retry-create"), "{message}");
    let mut hasty = scene;
    hasty.declared.retry_create = Some("1-77".into());
    hasty.waiting(Reason::CreateOutcomeUnknown);
}
