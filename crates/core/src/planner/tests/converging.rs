//! An existing object is made to match: what is written, in which order, and what never is.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::fixtures::{ID, Scene, customer, found, mutates, reseller, service_plan, tenant};
use crate::{
    api::{
        Kind,
        conditions::Reason,
        shared::{ChangeOutcome, ChangeStep, Management},
    },
    estate::Capability,
    planner::{Step, Verdict},
};

fn patch(scene: &Scene) -> Value {
    match scene.next() {
        Step::Update { patch, .. } => Value::Object(patch),
        step => panic!("nothing is written: {step:?}"),
    }
}

fn reverting(scene: &Scene) -> bool {
    match scene.next() {
        Step::Update { reverting, .. } | Step::SetActive { reverting, .. } => reverting,
        step => panic!("nothing is written: {step:?}"),
    }
}

// I4
#[test]
fn what_was_applied_settles_without_a_step() {
    for scene in [
        reseller("northwind").applied(),
        service_plan("gold").applied(),
        customer("fabrikam").applied(),
        tenant("fabrikam-hybrid").applied(),
    ] {
        assert_eq!(scene.settlement().verdict, Verdict::InSync);
        assert_eq!(scene.status(), scene.declared.status, "and status stays");
    }
}

// R-D5
#[test]
fn an_edit_writes_just_the_field_that_changed() {
    let scene = customer("fabrikam")
        .with(json!({"profile": {"fax": "1", "notes": "old"}}))
        .applied()
        .edited(json!({"profile": {"notes": "new"}}));
    assert_eq!(patch(&scene), json!({"profile": {"notes": "new"}}));
    assert!(matches!(scene.next(), Step::Update { etag, fields, .. }
        if etag.as_deref() == Some("v1") && fields == ["profile.notes"]));
}

#[test]
fn an_emptied_field_is_cleared_and_a_dropped_one_is_left_alone() {
    let applied = customer("fabrikam")
        .with(json!({"profile": {"fax": "1"}}))
        .applied();
    let emptied = applied.clone().edited(json!({"profile": {"fax": ""}}));
    assert_eq!(patch(&emptied), json!({"profile": {"fax": null}}));
    let dropped = applied.edited(json!({"profile": {"fax": null}}));
    assert_eq!(dropped.settlement().verdict, Verdict::InSync);
}

// R-V8
#[test]
fn dropping_active_false_switches_nobody_on() {
    let scene = customer("fabrikam")
        .with(json!({"active": false}))
        .applied()
        .edited(json!({"active": null}));
    assert_eq!(scene.settlement().verdict, Verdict::InSync);
}

#[test]
fn ignored_fields_are_neither_compared_nor_written() {
    let scene = customer("fabrikam")
        .with(json!({"ignore": ["profile"]}))
        .applied()
        .drifted(json!({"profile": {"phone": "other"}}));
    assert_eq!(scene.settlement().verdict, Verdict::InSync);
}

// R-V8, R-D31
#[test]
fn suspending_comes_before_other_changes_and_activating_after_them() {
    let applied = tenant("fabrikam-hybrid")
        .with(json!({"state": "Active", "quota": {"credits": 50}}))
        .applied();
    let suspend = applied
        .clone()
        .edited(json!({"state": "Suspended", "quota": {"credits": 10}}));
    assert!(
        matches!(suspend.next(), Step::SetActive { active: false, ref field, .. } if field == "state")
    );
    let suspended = suspend.drifted(json!({"active": false}));
    assert_eq!(patch(&suspended), json!({"quota": {"credits": 10}}));

    let off = tenant("fabrikam-hybrid")
        .with(json!({"state": "Suspended", "quota": {"credits": 50}}))
        .applied();
    let activate = off.edited(json!({"state": "Active", "quota": {"credits": 10}}));
    assert_eq!(patch(&activate), json!({"quota": {"credits": 10}}));
    let changed = activate.drifted(json!({"quota": {"credits": 10}}));
    assert!(matches!(
        changed.next(),
        Step::SetActive { active: true, .. }
    ));
}

// R-D5, R-N3
#[test]
fn drift_is_told_from_an_edit() {
    let applied = customer("fabrikam").applied();
    let drifted = applied.clone().drifted(json!({"profile": {"phone": "0"}}));
    assert!(reverting(&drifted));
    let edited = applied.clone().edited(json!({"profile": {"phone": "0"}}));
    assert!(!reverting(&edited));
    let both_switch_and_phone = customer("fabrikam")
        .with(json!({"active": true}))
        .applied()
        .drifted(json!({"profile": {"phone": "0"}, "active": false}));
    assert!(reverting(&both_switch_and_phone));
}

// R-N3
#[test]
fn the_second_write_that_undoes_drift_is_told_as_such_too() {
    let mut scene = customer("fabrikam")
        .with(json!({"active": false}))
        .applied()
        .drifted(json!({"profile": {"phone": "0"}, "active": true}));
    assert!(matches!(
        scene.next(),
        Step::SetActive {
            active: false,
            reverting: true,
            ..
        }
    ));
    scene.progress.performed.push(crate::api::shared::Change {
        at: scene.now,
        step: ChangeStep::Suspend,
        fields: vec!["active".into()],
        outcome: ChangeOutcome::Done,
    });
    let scene = scene.drifted(json!({"active": false}));
    assert!(reverting(&scene));
}

// R-N3: every pass raises observedGeneration, also one that could write nothing.
#[test]
fn an_edit_that_had_to_wait_is_not_taken_for_drift_later() {
    use crate::reply::PlatformError::Unreachable;
    let edited = customer("fabrikam")
        .applied()
        .edited(json!({"profile": {"phone": "0"}}));
    let mut waiting = edited.clone();
    for _ in 0..3 {
        let outage = waiting.clone().failing(Unreachable("cut".into()));
        waiting.declared.status = outage.status();
    }
    assert_eq!(waiting.declared.status.observed_generation, Some(2));
    assert!(!reverting(&waiting));
}

// I3, R-N3
#[test]
fn observe_reports_what_differs_and_never_writes() {
    let applied = customer("fabrikam")
        .with(json!({"active": true, "welcomeMail": true, "clients": {"ids": ["pc-17"]}}))
        .applied_but_for_the_mail();
    let scene = applied
        .with(json!({"management": "Observe"}))
        .drifted(json!({"profile": {"phone": "0"}, "active": false}));
    let settlement = scene.settlement();
    assert_eq!(settlement.verdict, Verdict::Observing);
    let fields: Vec<_> = settlement.drift.iter().map(|drift| &drift.field).collect();
    assert_eq!(fields, ["active", "profile.phone"]);
    assert_eq!(settlement.drift[1].observed.as_deref(), Some("0"));
}

// I3
#[test]
fn observe_reports_a_difference_in_a_fixed_field_like_any_other() {
    let scene = customer("fabrikam")
        .with(json!({"accountName": "acct-1", "management": "Observe"}))
        .applied()
        .drifted(json!({"accountName": "acct-2"}));
    let settlement = scene.settlement();
    assert_eq!(settlement.verdict, Verdict::Observing);
    assert_eq!(settlement.drift[0].field, "accountName");
}

// I3, I4: nothing that Holdfast does can change it, so it is no state that passes.
#[test]
fn observe_makes_nothing_that_is_missing_and_says_so() {
    let scene = customer("fabrikam").with(json!({"management": "Observe"}));
    assert_eq!(scene.next(), Step::LookUp(scene.claim()));
    scene.unclaimed().stalled(Reason::Observing);
}

// I3
#[test]
fn paused_looks_at_nothing() {
    let paused = json!({"management": "Paused"});
    let mut by_platform = customer("fabrikam").applied().drifted(json!({"name": "x"}));
    by_platform.facts.management = Management::Paused;
    for scene in [
        customer("fabrikam").with(paused.clone()),
        customer("fabrikam")
            .with(paused.clone())
            .finalized()
            .noting(ID),
        customer("fabrikam")
            .applied()
            .with(paused)
            .drifted(json!({"name": "x"})),
        by_platform,
    ] {
        assert_eq!(scene.settlement().verdict, Verdict::Paused);
    }
}

// I3
#[test]
fn the_stricter_of_platform_and_resource_decides() {
    let mut scene = customer("fabrikam")
        .with(json!({"management": "Manage"}))
        .applied()
        .drifted(json!({"profile": {"phone": "0"}}));
    assert!(mutates(&scene.next()));
    scene.facts.management = Management::Observe;
    assert_eq!(scene.settlement().verdict, Verdict::Observing);
}

// R-S2, R-D2, R-D20
#[test]
fn a_fixed_field_is_refused_with_the_value_in_effect() {
    let customer = |spec, drift| customer("fabrikam").with(spec).applied().drifted(drift);
    let located = customer(json!({"country": "DE"}), json!({"storageLocation": "ch-1"}));
    assert_eq!(
        located.settlement().verdict,
        Verdict::InSync,
        "a derived location isn't managed"
    );
    let stated = customer(
        json!({"storageLocation": "de-1"}),
        json!({"storageLocation": "ch-1"}),
    );
    let message = stated.stalled(Reason::LocationMismatch);
    assert!(
        message.contains("ch-1") && message.contains("de-1"),
        "{message}"
    );
    let account = customer(
        json!({"accountName": "acct-1"}),
        json!({"accountName": "acct-2"}),
    );
    assert!(account.stalled(Reason::FixedField).contains("acct-2"));
    let plan = service_plan("gold")
        .applied()
        .edited(json!({"planName": "Silver"}));
    assert!(plan.stalled(Reason::FixedField).starts_with("planName"));
    let tenant =
        tenant("fabrikam-hybrid")
            .applied()
            .referring("customerRef", "contoso", found("8"));
    assert!(
        tenant
            .stalled(Reason::FixedField)
            .starts_with("customerRef")
    );
}

// R-S2: what decides the location at creation, and which the platform doesn't show afterwards, can't be compared.
#[test]
fn a_fixed_field_that_the_platform_does_not_show_is_no_difference() {
    let mut scene = customer("fabrikam")
        .with(json!({"country": "DE"}))
        .applied()
        .drifted(json!({"country": null}));
    assert!(mutates(&scene.next()), "where it can be written, it is");
    let fixed = BTreeSet::from(["country".to_owned()]);
    scene.facts.capabilities.fixed = BTreeMap::from([(Kind::Customer, fixed)]);
    assert_eq!(scene.settlement().verdict, Verdict::InSync);
    let elsewhere = scene.drifted(json!({"country": "FR"}));
    let message = elsewhere.stalled(Reason::FixedField);
    assert!(message.contains("FR"), "{message}");
}

// R-S4
#[test]
fn moving_to_another_reseller_needs_the_capability_to_move() {
    let scene = customer("fabrikam")
        .referring("resellerRef", "northwind", found("5"))
        .applied()
        .referring("resellerRef", "southwind", found("6"));
    assert_eq!(patch(&scene), json!({"resellerId": "6"}));
    let stuck = scene.without(Capability::MoveCustomer).settlement();
    assert_eq!(stuck.verdict, Verdict::InSync);
    assert_eq!(stuck.manual_steps[0].field, "resellerRef");
    let scene = reseller("northwind")
        .referring("parentRef", "nordic", found("5"))
        .applied()
        .referring("parentRef", "baltic", found("6"));
    assert_eq!(patch(&scene), json!({"parentId": "6"}));
    let stuck = scene.without(Capability::MoveReseller).settlement();
    assert_eq!(stuck.manual_steps[0].field, "parentRef");
}

// R-N12
#[test]
fn what_the_interface_cannot_set_becomes_a_manual_step_and_stays_ready() {
    let scene = customer("fabrikam")
        .applied()
        .edited(json!({"active": false}))
        .without(Capability::SuspendCustomer);
    let settlement = scene.settlement();
    assert_eq!(settlement.verdict, Verdict::InSync);
    assert_eq!(settlement.manual_steps[0].field, "active");
    let mut roomless = customer("fabrikam").applied();
    let fields = ["name".to_owned()].into();
    roomless
        .facts
        .capabilities
        .fields
        .insert(Kind::Customer, fields);
    assert_eq!(roomless.settlement().manual_steps[0].field, "profile.phone");
}

// R-D33
#[test]
fn a_quota_window_brings_the_pass_back_at_its_edge() {
    let scene = tenant("fabrikam-hybrid")
        .with(json!({"quota": {"credits": 50, "effectiveAt": "2026-06-01T13:00:00Z"}}))
        .applied();
    assert_eq!(
        scene.settlement().again,
        Some(std::time::Duration::from_secs(3600))
    );
}

// R-D33
#[test]
fn a_licence_that_expires_ends_the_quota_and_brings_the_pass_back() {
    let again = |spec| tenant("t").with(spec).applied().settlement().again;
    let hours = |hours: u64| Some(std::time::Duration::from_secs(hours * 3600));
    let open = json!({"quota": {"credits": 50}, "licenceExpiresAt": "2026-06-01T14:00:00Z"});
    assert_eq!(again(open), hours(2));
    let ending = json!({
        "quota": {"credits": 50, "endsAt": "2026-06-01T13:00:00Z"},
        "licenceExpiresAt": "2026-06-01T14:00:00Z",
    });
    assert_eq!(again(ending), hours(1));
    let over = json!({"quota": {"credits": 50}, "licenceExpiresAt": "2026-06-01T12:00:00Z"});
    assert_eq!(again(over), None);
    let never = "9999-12-31T23:59:59Z";
    let endless = json!({"quota": {"credits": 50, "endsAt": never}, "licenceExpiresAt": never});
    assert_eq!(again(endless), None);
    let unbegun = tenant("t")
        .with(json!({"quota": {"credits": 50, "effectiveAt": never}}))
        .applied();
    let (status, _) = crate::planner::tenant(
        unbegun.remote.claimed.as_deref(),
        &crate::planner::Around::default(),
        None,
        crate::planner::tests::fixtures::noon(),
    );
    let quota = status.quota.expect("a quota");
    assert_eq!((quota.in_effect, quota.next_change_at), (Some(false), None));
}

// F20
#[test]
fn nothing_is_written_while_writing_is_on_hold() {
    for edit in [json!({"profile": {"phone": "0"}}), json!({"active": false})] {
        let mut scene = customer("fabrikam").applied().edited(edit);
        scene.hold = Some("not now".into());
        assert_eq!(scene.waiting(Reason::WaitingForPlatform), "not now");
    }
}

// R-N18: what needs a request of its own is sent by itself, after all others, one group after the other; a creation sends
// none of it.
#[test]
fn what_needs_a_request_of_its_own_is_sent_by_itself() {
    let apart = |mut scene: Scene| {
        let groups = ["limits.storage", "webAccess"].map(str::to_owned);
        let apart = &mut scene.facts.capabilities.apart;
        apart.insert(Kind::Customer, groups.into());
        scene
    };
    let edit = json!({
        "profile": {"fax": "1"},
        "limits": {"storage": "1Gi"},
        "webAccess": {"username": "fabrikam"},
    });
    let all = apart(customer("fabrikam").applied().edited(edit.clone()));
    assert_eq!(patch(&all), json!({"profile": {"fax": "1"}}));
    let two = apart(
        customer("fabrikam")
            .with(json!({"profile": {"fax": "1"}}))
            .applied()
            .edited(edit.clone()),
    );
    assert_eq!(patch(&two), json!({"limits": {"storage": 1 << 30}}));
    match apart(customer("fabrikam").with(edit).finalized().repeatable()).next() {
        Step::Create {
            document, fields, ..
        } => {
            let document = Value::Object(document);
            assert_eq!(document["profile"]["fax"], "1");
            assert!(document.get("limits").is_none() && document.get("webAccess").is_none());
            assert!(!fields.iter().any(|field| field.starts_with("limits")));
        }
        step => panic!("nothing is created: {step:?}"),
    }
}

// R-V5, R-N12: where the platform says how a client is moved by hand, those words are told with both ids in place.
#[test]
fn a_move_by_hand_is_told_in_the_platforms_own_words() {
    let mut scene = customer("fabrikam").applied();
    let words = "link {client} to {customer}".to_owned();
    let pages = [("clients.ids".to_owned(), words)].into();
    scene
        .facts
        .capabilities
        .console
        .insert(Kind::Customer, pages);
    let customer = crate::estate::ObjectId::new("7");
    let step = crate::planner::console::move_step(&scene.facts, "pc-17", &customer);
    assert_eq!(step.step, "link pc-17 to 7");
}
