//! Protection, listed clients and the welcome mail.

use jiff::SignedDuration;
use serde_json::json;

use super::fixtures::{ID, Scene, customer, mutates, noon, tenant};
use crate::{
    api::{
        conditions::Reason,
        shared::{Change, ChangeOutcome, ChangeStep, Protection},
    },
    estate::{Capability, Client, ObjectId},
    planner::{Step, Verdict},
};

// R-D12, R-D13, I3
#[test]
fn protection_decides_what_may_be_written() {
    let quota = json!({"quota": {"credits": 5}, "storageRegions": ["eu-central-1"]});
    let kind = json!({"type": "Commercial", "state": "Suspended"});
    let base = || {
        tenant("t")
            .with(json!({"type": "Evaluation", "state": "Active"}))
            .applied()
    };
    for (protection, edit, writes) in [
        (Protection::None, &kind, true),
        (Protection::Sandbox, &quota, true),
        (Protection::Sandbox, &kind, false),
        (Protection::Default, &quota, true),
        (Protection::System, &quota, false),
        (Protection::Foreign, &quota, false),
        (Protection::Foreign, &kind, false),
    ] {
        let scene = base()
            .where_object(|object| object.protection = protection)
            .edited(edit.clone());
        assert_eq!(mutates(&scene.next()), writes, "{protection} {edit}");
    }
}

// R-D12, I3
#[test]
fn protected_customers_get_neither_mail_nor_clients() {
    for protection in [Protection::Sandbox, Protection::System, Protection::Foreign] {
        let scene = listing("elsewhere")
            .with(json!({"welcomeMail": true}))
            .where_object(|object| object.protection = protection);
        let settlement = scene.settlement();
        let fields: Vec<_> = settlement
            .manual_steps
            .iter()
            .map(|step| step.field.as_str())
            .collect();
        assert_eq!(fields, ["clients.ids", "welcomeMail"], "{protection}");
    }
}

/// A customer that lists pc-17, which is with the given customer.
fn listing(with: &str) -> Scene {
    let mut scene = customer("fabrikam")
        .with(json!({"clients": {"ids": ["pc-17"]}}))
        .applied();
    let client = Client {
        id: ObjectId::new("pc-17"),
        customer_id: ObjectId::new(with),
        etag: Some("c1".into()),
    };
    scene.remote.clients = Some([("pc-17".to_owned(), Some(client))].into());
    scene
}

// R-V5
#[test]
fn a_listed_client_moves_here_once() {
    let scene = listing("elsewhere");
    assert_eq!(
        scene.next(),
        Step::MoveClient {
            client: ObjectId::new("pc-17"),
            etag: Some("c1".into()),
            customer: ObjectId::new(ID),
        }
    );
    assert_eq!(listing(ID).settlement().verdict, Verdict::InSync);
    let unable = scene.clone().without(Capability::MoveClient).settlement();
    assert_eq!(unable.manual_steps[0].field, "clients.ids");
    let mut held = scene;
    held.hold = Some("not now".into());
    assert_eq!(held.waiting(Reason::WaitingForPlatform), "not now");
}

// R-V5
#[test]
fn a_contested_client_stays_with_the_older_resource() {
    let mut scene = listing("elsewhere");
    let older = "Customer backup/contoso".to_owned();
    scene.remote.contested.insert("pc-17".into(), older);
    assert!(
        scene
            .stalled(Reason::ClientConflict)
            .contains("Customer backup/contoso")
    );
}

// R-V4
#[test]
fn an_unknown_client_is_awaited() {
    let mut scene = listing("elsewhere");
    scene.remote.clients = Some([("pc-17".to_owned(), None)].into());
    let settlement = scene.settlement();
    assert_eq!(settlement.verdict, Verdict::InSync);
    assert!(settlement.manual_steps[0].step.contains("pc-17"));
    scene.remote.clients = None;
    assert!(scene.settlement().manual_steps.is_empty());
}

// R-V12
#[test]
fn the_welcome_mail_is_sent_once() {
    let scene = customer("fabrikam")
        .with(json!({"welcomeMail": true}))
        .applied_but_for_the_mail();
    assert_eq!(scene.next(), Step::SendWelcomeMail(ObjectId::new(ID)));
    let sent = scene
        .clone()
        .where_object(|object| object.facts.welcome_mail_sent_at = Some(noon().into()));
    assert_eq!(sent.settlement().verdict, Verdict::InSync);
    let unable = scene.clone().without(Capability::SendWelcomeMail);
    assert_eq!(unable.settlement().manual_steps[0].field, "welcomeMail");
    let mut silent = scene;
    silent.progress.performed.push(Change {
        at: silent.now,
        step: ChangeStep::SendWelcomeMail,
        fields: vec!["welcomeMail".into()],
        outcome: ChangeOutcome::Done,
    });
    assert_eq!(
        silent.settlement().verdict,
        Verdict::InSync,
        "also when the platform doesn't say when it was sent"
    );
    silent.declared.status = silent.status();
    silent.progress.performed.clear();
    assert_eq!(silent.settlement().verdict, Verdict::InSync);
}

// R-V12: a platform may mail at every request, and not say that it has mailed.
#[test]
fn a_welcome_mail_that_was_not_answered_is_not_sent_again() {
    let mut scene = customer("fabrikam")
        .with(json!({"welcomeMail": true}))
        .applied_but_for_the_mail();
    scene.declared.status.changes.push(Change {
        at: scene.now - SignedDuration::from_mins(5),
        step: ChangeStep::SendWelcomeMail,
        fields: vec!["welcomeMail".into()],
        outcome: ChangeOutcome::Unknown,
    });
    let settlement = scene.settlement();
    assert_eq!(settlement.verdict, Verdict::InSync);
    assert!(settlement.manual_steps[0].step.contains("was not answered"));
    let seen = scene.where_object(|object| object.facts.welcome_mail_sent_at = Some(noon().into()));
    assert_eq!(seen.settlement().manual_steps, []);
}

// R-V12
#[test]
fn a_welcome_mail_is_remembered_however_many_changes_follow() {
    let mut scene = customer("fabrikam")
        .with(json!({"welcomeMail": true}))
        .applied_but_for_the_mail();
    let change = |step, at: i64| Change {
        at: noon() + SignedDuration::from_secs(at),
        step,
        fields: vec![format!("field{at}")],
        outcome: ChangeOutcome::Done,
    };
    let mail = change(ChangeStep::SendWelcomeMail, 0);
    scene.declared.status.changes.push(mail);
    for number in 1..40 {
        scene.progress.performed = vec![change(ChangeStep::Update, number)];
        scene.declared.status = scene.status();
    }
    scene.progress.performed.clear();
    assert_eq!(scene.declared.status.changes.len(), 20);
    assert_eq!(scene.settlement().verdict, Verdict::InSync);
}
