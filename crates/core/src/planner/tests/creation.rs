//! Nothing is made before the platform said outright that it isn't there, unless it keeps claims unique by itself; what is
//! made carries our claim.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    failures::refused,
    fixtures::{
        Scene, customer, found, hidden_customer, mutates, remote, reseller, service_plan, tenant,
    },
};
use crate::{
    api::{
        Kind,
        conditions::Reason,
        shared::{Change, ChangeOutcome, ChangeStep, Management},
    },
    estate::{Capability, ObjectId},
    planner::{Reference, Step},
    reply::ProblemKind,
};

fn every_kind() -> [Scene; 4] {
    [
        reseller("northwind"),
        service_plan("gold"),
        customer("fabrikam"),
        tenant("fabrikam-hybrid"),
    ]
}

/// The document that a scene creates.
fn created(scene: &Scene) -> Value {
    match scene.next() {
        Step::Create { document, .. } => Value::Object(document),
        step => panic!("nothing is made: {step:?}"),
    }
}

// I7, F23
#[test]
fn the_finalizer_comes_before_anything_else() {
    for scene in every_kind() {
        assert_eq!(scene.next(), Step::Finalize, "{}", scene.declared.title());
        let claim = scene.claim();
        assert!(
            matches!(scene.finalized().next(), Step::LookUp(asked) if asked == claim),
            "afterwards the platform is asked"
        );
    }
}

// F23
#[test]
fn a_stripped_finalizer_is_put_back_before_the_next_write() {
    let mut scene = customer("fabrikam")
        .applied()
        .edited(json!({"profile": {"phone": "1"}}));
    scene.declared.finalized = false;
    assert_eq!(scene.next(), Step::Finalize);
}

// I1, F14
#[test]
fn an_empty_inventory_is_no_proof_of_absence() {
    for scene in every_kind() {
        let scene = scene.finalized();
        assert!(scene.remote.claimed.is_none() && scene.remote.known.is_none());
        assert_eq!(scene.next(), Step::LookUp(scene.claim()));
    }
}

// I1
#[test]
fn a_platform_that_keeps_claims_unique_need_not_be_asked_first() {
    for scene in every_kind() {
        let scene = scene.finalized().repeatable();
        let claim = scene.claim();
        assert!(matches!(scene.next(), Step::Create { claim: sent, .. } if sent == claim));
    }
}

// I1, F2
#[test]
fn a_creation_that_was_one_already_is_looked_up_once_and_adopted() {
    for scene in every_kind() {
        let scene = scene.finalized().repeatable();
        let twice = scene.clone().failing(refused(ProblemKind::AlreadyExists));
        assert_eq!(twice.next(), Step::LookUp(scene.claim()));
        let denied = twice.clone().unclaimed();
        denied.waiting(Reason::Updating);
        let found = twice.holding(remote(scene.declared.kind, "42", &json!({"name": "x"})));
        let step = found.next();
        assert!(
            !matches!(step, Step::Create { .. } | Step::LookUp(_)),
            "{step:?}"
        );
    }
}

// I1, F14
#[test]
fn nothing_is_said_about_an_absent_object_before_the_platform_was_asked() {
    let scene = customer("fabrikam").finalized().repeatable();
    let lookup = Step::LookUp(scene.claim());
    let mut observed = scene.clone();
    observed.facts.management = Management::Observe;
    let unlocated = scene.clone().with(json!({"country": "FR"}));
    let unable = scene.clone().without(Capability::CreateCustomer);
    let taken = scene.clone().beside(
        remote(Kind::Customer, "9", &json!({"name": "Fabrikam GmbH"})),
        None,
    );
    let mut held = scene.clone();
    held.hold = Some("another replica holds the account".into());
    for scene in [observed, unlocated, unable, taken, held] {
        assert_eq!(scene.next(), lookup);
    }
    let waiting = tenant("fabrikam-hybrid")
        .finalized()
        .repeatable()
        .referring(
            "customerRef",
            "fabrikam",
            Reference::Found {
                id: None,
                deleting: false,
                platform: Some("msp".into()),
            },
        );
    waiting.waiting(Reason::ReferenceNotReady);
}

// I1, I2
#[test]
fn a_noted_id_is_still_read_before_anything_is_made() {
    let scene = customer("fabrikam").finalized().repeatable().noting("42");
    assert_eq!(scene.next(), Step::Read(ObjectId::new("42")));
    assert!(!mutates(&scene.gone("42").next()), "what vanished stays so");
}

// I1, F2
#[test]
fn the_claim_travels_with_the_creation() {
    for scene in every_kind() {
        let scene = scene.finalized().unclaimed();
        let Step::Create { claim, .. } = scene.next() else {
            panic!("nothing is made: {:?}", scene.next());
        };
        assert_eq!(claim, scene.claim(), "{}", scene.declared.title());
        assert!(claim.as_str().starts_with("hf-") && claim.as_str().len() > 20);
    }
}

// R-N11
#[test]
fn the_same_yaml_yields_the_same_claim_and_any_other_yields_another() {
    let claim = customer("fabrikam").claim();
    assert_eq!(
        claim,
        customer("fabrikam").with(json!({"active": false})).claim()
    );
    assert_ne!(claim, customer("contoso").claim());
    assert_ne!(claim, reseller("fabrikam").claim());
    let mut elsewhere = customer("fabrikam");
    elsewhere.declared.namespace = "other".into();
    assert_ne!(claim, elsewhere.claim());
    let mut another_owner = customer("fabrikam");
    another_owner.facts.owner_id = "another-owner-entirely".into();
    assert_ne!(claim, another_owner.claim());
    assert!(!claim.as_str().contains("fabrikam"));
}

// I2
#[test]
fn a_new_object_starts_with_what_the_spec_says_and_nothing_else() {
    let scene = customer("fabrikam").finalized().unclaimed();
    assert_eq!(
        created(&scene),
        json!({"name": "Fabrikam GmbH", "profile": {"phone": "+49 30 5550100"}})
    );
    let Step::Create { fields, .. } = scene.next() else {
        unreachable!()
    };
    assert_eq!(fields, ["displayName", "profile.phone"]); // R-N13: fields, not values
}

// R-D30
#[test]
fn a_new_tenant_is_an_evaluation_unless_said_otherwise() {
    let scene = tenant("fabrikam-hybrid").finalized().unclaimed();
    assert_eq!(
        created(&scene),
        json!({"customerId": "7", "planId": "3", "product": "HybridWorkloads", "type": "Evaluation"})
    );
    let commercial = scene.with(json!({"type": "Commercial", "state": "Suspended"}));
    let document = created(&commercial);
    assert_eq!(document["type"], "Commercial");
    assert_eq!(document["active"], false); // R-D31
}

// R-D13
#[test]
fn a_sandbox_tenant_is_never_created() {
    let scene = tenant("sandbox")
        .with(json!({"type": "Sandbox"}))
        .finalized()
        .unclaimed();
    assert!(scene.stalled(Reason::Protected).contains("never created"));
}

// R-S20
#[test]
fn a_new_reseller_is_of_level_reseller_unless_said_otherwise() {
    let scene = reseller("northwind").finalized().unclaimed();
    assert_eq!(created(&scene)["level"], "Reseller");
    let scene = scene.with(json!({"level": "Distributor"}));
    assert_eq!(created(&scene)["level"], "Distributor");
}

// R-D2
#[test]
fn a_hidden_customer_is_created_under_its_account_name() {
    let scene = hidden_customer("fabrikam").finalized().unclaimed();
    let document = created(&scene);
    assert_eq!(document["name"], "acct-4711");
    assert_eq!(document["accountName"], "acct-4711");
    assert_eq!(document["hideName"], true);
}

// R-S2, R-V2
#[test]
fn the_country_decides_the_location_where_the_platform_hosts_it() {
    let cases: [(Value, Result<Option<&str>, Reason>); 8] = [
        (json!({}), Ok(None)),
        (json!({"country": "DE"}), Ok(Some("de-1"))),
        (json!({"country": "AT"}), Ok(Some("de-1"))),
        (
            json!({"country": "DE", "storageLocation": "de-1"}),
            Ok(Some("de-1")),
        ),
        (
            json!({"country": "DE", "storageLocation": "ch-1"}),
            Err(Reason::LocationMismatch),
        ),
        (json!({"country": "FR"}), Err(Reason::LocationRequired)),
        (
            json!({"country": "FR", "storageLocation": "ch-1"}),
            Ok(Some("ch-1")),
        ),
        (
            json!({"storageLocation": "mars-1"}),
            Err(Reason::LocationUnknown),
        ),
    ];
    for (spec, expected) in cases {
        let scene = customer("fabrikam")
            .with(spec.clone())
            .finalized()
            .unclaimed();
        match expected {
            Ok(location) => assert_eq!(
                created(&scene)
                    .get("storageLocation")
                    .and_then(Value::as_str),
                location,
                "{spec}"
            ),
            Err(reason) => {
                let message = scene.stalled(reason);
                assert!(message.contains("storageLocation"), "{spec}: {message}");
            }
        }
    }
}

// F22
#[test]
fn creation_waits_for_what_it_refers_to() {
    let leading = |reference: Reference| {
        tenant("fabrikam-hybrid").finalized().unclaimed().referring(
            "customerRef",
            "fabrikam",
            reference,
        )
    };
    let elsewhere = Reference::Found {
        id: Some(ObjectId::new("7")),
        deleting: false,
        platform: Some("other".into()),
    };
    let going = Reference::Found {
        id: Some(ObjectId::new("7")),
        deleting: true,
        platform: Some("msp".into()),
    };
    let unmade = Reference::Found {
        id: None,
        deleting: false,
        platform: Some("msp".into()),
    };
    for message in [
        leading(Reference::Missing).stalled(Reason::ReferenceNotFound),
        leading(elsewhere).stalled(Reason::ReferenceInvalid),
        leading(going).waiting(Reason::WaitingForReference),
        leading(unmade).waiting(Reason::ReferenceNotReady),
    ] {
        assert!(message.contains("customerRef"), "{message}");
    }
    assert!(mutates(&leading(found("7")).next()));
}

// R-N12
#[test]
fn what_the_platform_cannot_create_is_said_and_not_tried() {
    for scene in every_kind() {
        let capability = Capability::create(scene.declared.kind);
        let scene = scene.finalized().unclaimed().without(capability);
        let message = scene.stalled(Reason::CapabilityMissing);
        assert!(message.contains("adopt: ById"), "{message}");
    }
}

#[test]
fn a_field_that_the_platform_has_no_room_for_is_left_out() {
    let mut scene = customer("fabrikam").finalized().unclaimed();
    let fields = ["name".to_owned()].into();
    scene
        .facts
        .capabilities
        .fields
        .insert(Kind::Customer, fields);
    assert_eq!(created(&scene), json!({"name": "Fabrikam GmbH"}));
}

// F20, F29
#[test]
fn nothing_is_created_while_writing_is_on_hold() {
    let mut scene = customer("fabrikam").finalized().unclaimed();
    scene.hold = Some("another replica holds the account".into());
    assert_eq!(
        scene.waiting(Reason::WaitingForPlatform),
        "another replica holds the account"
    );
}

#[test]
fn a_value_that_cannot_be_read_stalls_and_names_its_field() {
    let scene = customer("fabrikam")
        .with(json!({"limits": {"storage": "plenty"}}))
        .finalized()
        .unclaimed();
    assert!(
        scene
            .stalled(Reason::InvalidSpec)
            .contains("limits.storage")
    );
}

// R-V11
#[test]
fn a_missing_secret_stalls_and_names_its_field() {
    let mut scene = customer("fabrikam").finalized().unclaimed();
    scene.supplements.missing.insert(
        "webAccess.passwordRef",
        (
            Reason::SecretMissing,
            "Secret \"web\" doesn't exist.".into(),
        ),
    );
    assert!(
        scene
            .stalled(Reason::SecretMissing)
            .starts_with("webAccess.passwordRef: ")
    );
}

// F4, I1
#[test]
fn an_unanswered_creation_is_looked_for_before_it_is_tried_again() {
    let mut scene = customer("fabrikam").finalized().unclaimed();
    scene.declared.status.changes.push(Change {
        at: scene.now,
        step: ChangeStep::Create,
        fields: Vec::new(),
        outcome: ChangeOutcome::Unknown,
    });
    scene.now += Duration::from_secs(119);
    scene.waiting(Reason::CreateOutcomeUnknown);
    assert!(
        mutates(&scene.clone().repeatable().next()),
        "unless the platform makes at most one"
    );
    scene.now += Duration::from_secs(1);
    assert!(mutates(&scene.next()));
}

// F3, F4, I1: where the platform may make two objects of one claim, a creation is noted before it is sent: whatever becomes of
// the status afterwards, and whoever goes on, nobody sends a second one while the first may still be carried out.
#[test]
fn a_creation_that_is_not_repeatable_is_noted_before_and_waited_for_by_whoever_goes_on() {
    let scene = customer("fabrikam").finalized().unclaimed();
    let Step::RecordIntent(intent) = scene.first() else {
        panic!("it is sent without a trace: {:?}", scene.first());
    };
    assert_eq!(intent.step, ChangeStep::Create);
    // The status was written, the request sent, and the process died: another one finds the note.
    let mut after = scene.clone();
    after.declared.status.intent = Some(intent.clone());
    after.now += Duration::from_secs(5);
    after.waiting(Reason::CreateOutcomeUnknown);
    after.now += Duration::from_secs(120);
    let Step::RecordIntent(again) = after.first() else {
        panic!("it is given up: {:?}", after.first());
    };
    assert!(again.at > intent.at, "the wait begins anew");
}
