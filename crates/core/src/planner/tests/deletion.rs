//! Deleting removes nothing that wasn't asked for, and releases nothing that may still exist.

use std::time::Duration;

use serde_json::json;

use super::fixtures::{ID, Scene, customer, mutates, noon, remote, reseller, service_plan, tenant};
use crate::{
    api::{
        Kind,
        conditions::Reason,
        shared::{Change, ChangeOutcome, ChangeStep, Management, Protection},
    },
    estate::{Capability, Claim, Creation, Facts, ObjectId},
    planner::{DeletionPermit, Step, Verdict},
};

/// Applied, and then deleted with `deletionPolicy: Delete`.
fn doomed(scene: Scene) -> Scene {
    scene
        .with(json!({"deletionPolicy": "Delete"}))
        .applied()
        .deleting()
}

// What is a part of its customer's record has nothing of its own that could be deleted: whatever the policy, it is released.
#[test]
fn a_facet_is_released_whatever_the_policy() {
    for policy in ["Delete", "Retain"] {
        let scene = super::fixtures::tenant("fabrikam-backup").applied();
        let scene = scene.with(json!({"deletionPolicy": policy}));
        let scene = scene.where_object(|object| object.facts.facet = true);
        let scene = scene.deleting();
        assert_eq!(scene.next(), Step::Release, "{policy}");
        assert!(crate::planner::is_facet(&scene.view()));
    }
}

// What hangs below a customer counts a Tenant resource that stands for a facet of it, and not the facet itself.
#[test]
fn a_customer_waits_for_the_resources_of_its_facets_and_not_for_the_facets() {
    let free = |scene: Scene| scene.where_object(|object| object.facts = Facts::default());
    let mut waiting = free(doomed(customer("fabrikam"))).read_afresh();
    waiting.neighbours.dependents = vec!["Tenant fabrikam-backup".into()];
    waiting.neighbours.facets = 1;
    let message = waiting.blocked(Reason::HasDependents);
    assert!(
        message.contains("1 tenant (Tenant fabrikam-backup)"),
        "{message}"
    );
    waiting.neighbours.dependents.clear();
    waiting.neighbours.facets = 0;
    assert!(!matches!(waiting.next(), Step::Settle(_)));
}

// I3
#[test]
fn retain_lets_go_of_the_object_untouched() {
    for spec in [json!({}), json!({"deletionPolicy": "Retain"})] {
        let scene = customer("fabrikam").with(spec).applied().deleting();
        assert_eq!(scene.next(), Step::Release);
    }
    let mut unmade = customer("fabrikam").finalized().deleting();
    assert_eq!(unmade.next(), Step::Release);
    unmade.hold = Some("not now".into());
    assert_eq!(unmade.next(), Step::Release, "letting go is always allowed");
}

// I3
#[test]
fn observe_and_paused_let_go_even_when_the_policy_says_delete() {
    for management in ["Observe", "Paused"] {
        let scene = doomed(customer("fabrikam").with(json!({"management": management})));
        assert_eq!(scene.next(), Step::Release, "{management}");
    }
    for management in [Management::Observe, Management::Paused] {
        let mut scene = doomed(customer("fabrikam"));
        scene.facts.management = management;
        assert_eq!(scene.next(), Step::Release, "{management}");
    }
}

// I7, R-N7
#[test]
fn deleting_reads_rehearses_deletes_confirms_and_only_then_lets_go() {
    let id = ObjectId::new(ID);
    let scene = doomed(customer("fabrikam"));
    assert_eq!(scene.next(), Step::TakeDeletionPermit(10));
    let mut scene = scene;
    scene.progress.permit = Some(DeletionPermit::Granted(noon()));
    assert_eq!(scene.next(), Step::Read(id.clone()));
    let scene = scene.read_afresh();
    assert_eq!(scene.next(), Step::RehearseDeletion(id.clone()));
    let mut scene = scene.rehearsed("token");
    let deletion = Step::Delete {
        id: id.clone(),
        confirmation: "token".into(),
    };
    assert_eq!(scene.next(), deletion);
    scene.progress.deleted = Some(id.clone());
    scene.progress.fresh = None;
    assert_eq!(scene.next(), Step::ConfirmGone(id));
    assert_eq!(scene.gone(ID).next(), Step::Release);
}

// R-D6, R-S3, R-D22
#[test]
fn what_still_hangs_below_holds_the_deletion() {
    let facts = |tenants, clients, customers, resellers| Facts {
        clients: Some(clients),
        tenants,
        customers,
        resellers,
        ..Facts::default()
    };
    for (scene, facts, what) in [
        (customer("c"), facts(2, 0, 0, 0), "2 tenants"),
        (customer("c"), facts(0, 3, 0, 0), "3 clients"),
        (reseller("r"), facts(0, 0, 1, 0), "1 customer."),
        (reseller("r"), facts(0, 0, 0, 1), "1 reseller."),
        (service_plan("p"), facts(4, 0, 0, 0), "4 tenants"),
    ] {
        let scene = doomed(scene)
            .where_object(|object| object.facts = facts)
            .read_afresh()
            .rehearsed("token");
        let message = scene.blocked(Reason::HasDependents);
        assert!(message.contains(what), "{message}");
        assert!(message.contains("deletionPolicy: Retain"), "{message}");
    }
}

// R-D13, R-D22, I3
#[test]
fn a_protected_object_is_never_deleted() {
    let protections = [
        Protection::Sandbox,
        Protection::Default,
        Protection::System,
        Protection::Foreign,
    ];
    for protection in protections {
        for scene in [customer("c"), tenant("t"), service_plan("p"), reseller("r")] {
            let scene = doomed(scene)
                .where_object(|object| object.protection = protection)
                .read_afresh()
                .rehearsed("token");
            scene.blocked(Reason::Protected);
        }
    }
}

// R-N12
#[test]
fn what_the_platform_cannot_delete_is_held_and_says_how_to_let_go() {
    for scene in [customer("c"), tenant("t"), service_plan("p"), reseller("r")] {
        let capability = Capability::delete(scene.declared.kind);
        let scene = doomed(scene).read_afresh().without(capability);
        let message = scene.blocked(Reason::CapabilityMissing);
        assert!(message.contains("deletionPolicy: Retain"), "{message}");
    }
}

// F28
#[test]
fn a_hold_holds_deletions_too() {
    let mut scene = doomed(customer("fabrikam"))
        .read_afresh()
        .rehearsed("token");
    scene.hold = Some("not now".into());
    assert_eq!(scene.blocked(Reason::WaitingForPlatform), "not now");
}

// I7, F14
#[test]
fn an_object_that_the_inventory_lacks_is_asked_for_before_letting_go() {
    let mut scene = doomed(customer("fabrikam"));
    scene.remote.claimed = None;
    assert_eq!(scene.next(), Step::LookUp(scene.claim()));
    let scene = scene.unclaimed();
    assert_eq!(scene.next(), Step::Read(ObjectId::new(ID)));
    assert_eq!(scene.gone(ID).next(), Step::Release);
}

// I7
#[test]
fn one_that_never_noted_an_id_is_let_go_once_the_platform_knows_no_claim() {
    let scene = customer("fabrikam")
        .with(json!({"deletionPolicy": "Delete"}))
        .finalized()
        .deleting();
    assert_eq!(scene.next(), Step::LookUp(scene.claim()));
    assert_eq!(scene.unclaimed().next(), Step::Release);
}

// I2, F1, F4: what a process sent as it died is noted nowhere. What was there long before needed no creation.
#[test]
fn after_a_crash_only_what_may_be_under_way_is_waited_for() {
    let by_reference = |scene: Scene| {
        let mut scene = scene.with(json!({"deletionPolicy": "Delete"}));
        scene.facts.capabilities.creation = Creation::ByReference.everywhere();
        scene.taken_over = vec![scene.now];
        scene.now += Duration::from_secs(119);
        scene
    };
    let mut new = by_reference(customer("fabrikam").finalized()).deleting();
    let message = new.blocked(Reason::WaitingForPlatform);
    assert!(message.contains("ended abruptly"), "{message}");
    let mut old = by_reference(customer("fabrikam").applied());
    old.declared.status = old.status();
    let mut again = old.clone().deleting();
    assert_eq!(again.next(), Step::TakeDeletionPermit(10));
    again.declared.recreate = Some(ID.to_owned());
    again.blocked(Reason::WaitingForPlatform);
    let made = Change {
        at: old.now,
        step: ChangeStep::Create,
        fields: Vec::new(),
        outcome: ChangeOutcome::Done,
    };
    old.declared.status.changes.push(made);
    old.clone().deleting().blocked(Reason::WaitingForPlatform);
    // Made by the one that ended: it was answered.
    let made = old.declared.status.changes.last_mut();
    made.expect("a change").at = old.now - Duration::from_secs(122);
    assert_eq!(old.deleting().next(), Step::TakeDeletionPermit(10));
    new.now += Duration::from_secs(1);
    assert!(matches!(new.next(), Step::LookUp(_)), "{:?}", new.next());
}

// I7, F4
#[test]
fn a_creation_whose_answer_was_lost_is_awaited_before_letting_go() {
    let mut scene = customer("fabrikam")
        .with(json!({"deletionPolicy": "Delete"}))
        .finalized()
        .unclaimed()
        .deleting();
    scene.declared.status.changes.push(Change {
        at: scene.now,
        step: ChangeStep::Create,
        fields: Vec::new(),
        outcome: ChangeOutcome::Unknown,
    });
    scene.now += Duration::from_secs(60);
    scene.blocked(Reason::WaitingForPlatform);
    let mut made_meanwhile = doomed(customer("fabrikam"))
        .read_afresh()
        .rehearsed("token");
    made_meanwhile.declared.status.changes = scene.declared.status.changes.clone();
    made_meanwhile.blocked(Reason::WaitingForPlatform);
    scene.now += Duration::from_secs(120);
    assert_eq!(scene.next(), Step::Release);
}

// I7, F2, R-N7: Retain calls no deletion back that was sent; what became of it isn't known yet, and nothing is said to be unchanged.
#[test]
fn a_deletion_whose_answer_was_lost_is_awaited_before_letting_go() {
    let mut scene = customer("fabrikam")
        .with(json!({"deletionPolicy": "Retain"}))
        .applied()
        .deleting();
    let mut sent = Change {
        at: scene.now,
        step: ChangeStep::Delete,
        fields: Vec::new(),
        outcome: ChangeOutcome::Unknown,
    };
    scene.declared.status.changes = vec![sent.clone()];
    scene.now += Duration::from_secs(60);
    let message = scene.blocked(Reason::WaitingForPlatform);
    assert!(message.contains("may still be carried out"), "{message}");
    sent.outcome = ChangeOutcome::Refused;
    scene.declared.status.changes.push(sent);
    assert_eq!(scene.next(), Step::Release, "nothing was deleted");
    scene.declared.status.changes.pop();
    scene.now += Duration::from_secs(61);
    assert_eq!(scene.next(), Step::Release);
}

// I3, F7
#[test]
fn an_unmarked_object_is_deleted_only_by_a_noted_id_of_this_account() {
    let object = || remote(Kind::Customer, ID, &json!({"name": "Fabrikam GmbH"}));
    let base = || {
        customer("fabrikam")
            .with(json!({"deletionPolicy": "Delete"}))
            .finalized()
            .unclaimed()
            .deleting()
            .knowing(object(), None)
    };
    let mut noted = base().noting(ID);
    noted.progress.permit = Some(DeletionPermit::Granted(noon()));
    assert_eq!(noted.next(), Step::Read(ObjectId::new(ID)));
    let message = base()
        .noting_in("another", ID)
        .blocked(Reason::AccountMismatch);
    assert!(
        message.contains("another") && message.contains("Retain"),
        "{message}"
    );

    let mut marked = object();
    marked.claim = Some(Claim::new("hf-somebody"));
    let marked = base().noting(ID).knowing(marked, None);
    let held = base()
        .noting(ID)
        .knowing(object(), Some("Customer backup/older"));
    for mut scene in [marked, held] {
        assert_eq!(scene.next(), Step::Release, "a copy has never held it");
        scene.declared.status.external_id = Some(ID.into());
        scene.blocked(Reason::OwnedByAnother);
    }
}

// I3: the spec names another object than the one that was held: neither is deleted, whichever of them there is.
#[test]
fn a_spec_that_names_another_object_than_the_one_that_was_held_deletes_neither() {
    let other = || remote(Kind::Customer, "77", &json!({"name": "Fabrikam GmbH"}));
    let mut scene = customer("fabrikam")
        .with(json!({"deletionPolicy": "Delete", "adopt": "ById", "externalId": "77"}))
        .finalized()
        .unclaimed()
        .deleting()
        .noting(ID);
    scene.declared.status.external_id = Some(ID.into());
    scene.progress.permit = Some(DeletionPermit::Granted(noon()));
    for scene in [scene.clone(), scene.knowing(other(), None)] {
        assert_eq!(scene.next(), Step::Read(ObjectId::new(ID)));
        let message = scene.clone().read_afresh().blocked(Reason::NameConflict);
        assert!(message.contains("externalId: 1042"), "{message}");
        assert_eq!(scene.gone(ID).next(), Step::Release);
    }
}

#[test]
fn a_resource_without_our_finalizer_is_none_of_our_business() {
    let mut scene = doomed(customer("fabrikam"));
    scene.declared.finalized = false;
    assert_eq!(scene.settlement().verdict, Verdict::Released);
}

// I3, I7: whatever else is known, nothing is deleted without all of read, guards and rehearsal.
#[test]
fn no_shortcut_leads_to_a_deletion_or_a_release() {
    let flags = |bits: u8| {
        let mut scene = doomed(customer("fabrikam"));
        if bits & 1 != 0 {
            scene = scene.unclaimed();
        }
        if bits & 2 != 0 {
            scene = scene.read_afresh();
        }
        if bits & 4 != 0 {
            scene = scene.rehearsed("token");
        }
        if bits & 8 != 0 {
            scene.remote.claimed = None;
        }
        scene.progress.permit = Some(DeletionPermit::Granted(noon()));
        if bits & 16 != 0 {
            scene = scene.gone("another");
        }
        if bits & 32 != 0 {
            scene.declared.annotated = None;
            scene.declared.status.external_id = None;
        }
        scene
    };
    for bits in 0..64 {
        let scene = flags(bits);
        let step = scene.next();
        let there = scene.remote.claimed.is_some();
        let prepared = bits & 6 == 6 && there;
        assert_eq!(mutates(&step), prepared, "{bits:06b}: {step:?}");
        let asked_in_vain = bits & 1 != 0 && !there && scene.noted_nowhere();
        assert_eq!(step == Step::Release, asked_in_vain, "{bits:06b}: {step:?}");
    }
}

// F8: kubectl replace drops the annotation, and status still knows the id.
#[test]
fn the_id_in_status_counts_when_the_annotation_is_lost() {
    let mut scene = doomed(customer("fabrikam")).unclaimed();
    scene.remote.claimed = None;
    scene.declared.annotated = None;
    assert_eq!(scene.declared.status.external_id.as_deref(), Some(ID));
    assert_eq!(scene.next(), Step::Read(ObjectId::new(ID)));
    assert_eq!(scene.gone(ID).next(), Step::Release);
}

// F17: a 404 from another account proves nothing, neither by id nor by claim.
#[test]
fn what_another_account_does_not_know_is_not_gone() {
    let lost = || {
        let mut scene = doomed(customer("fabrikam")).unclaimed().gone(ID);
        scene.remote.claimed = None;
        scene.declared.annotated = None;
        scene
    };
    assert_eq!(lost().next(), Step::Release, "of this account it does");
    for noted in [Some("another".to_owned()), None] {
        let mut scene = lost();
        scene.declared.status.account = noted;
        let message = scene.blocked(Reason::AccountMismatch);
        assert!(message.contains("Retain"), "{message}");
    }
    let mut scene = lost();
    scene.declared.status.external_id = None;
    scene.mismatch = true;
    scene.blocked(Reason::AccountMismatch);
}

impl Scene {
    fn noted_nowhere(&self) -> bool {
        self.declared.annotated.is_none() && self.declared.status.external_id.is_none()
    }
}

#[test]
fn every_hold_names_what_to_do() {
    let messages: Vec<String> = [
        doomed(customer("c"))
            .without(Capability::DeleteCustomer)
            .read_afresh(),
        doomed(customer("c"))
            .where_object(|object| object.facts.tenants = 1)
            .read_afresh(),
        doomed(customer("c"))
            .where_object(|object| object.protection = Protection::Sandbox)
            .read_afresh(),
    ]
    .into_iter()
    .map(|scene| match scene.settlement().verdict {
        Verdict::DeletionBlocked(_, message) => message,
        verdict => panic!("not held: {verdict:?}"),
    })
    .collect();
    for message in messages {
        assert!(message.contains("Retain"), "{message}");
    }
}
