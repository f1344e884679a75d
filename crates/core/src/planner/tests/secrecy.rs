//! What must not be shown isn't: hidden names leave the cluster in nothing, secrets appear nowhere.

use serde_json::{Value, json};

use super::fixtures::{ID, Scene, customer, hidden_customer, remote};
use crate::{
    api::{Kind, conditions::Reason, shared::ManagedStatus},
    estate::{Capability, Object, ObjectId},
    planner::{PlatformState, Step, for_log, managed_status, notes},
    reply::{PlatformError, Problem, ProblemKind},
};

const NAME: &str = "Fabrikam GmbH";
const TAG: &str = "t-abcde";

/// An object at the platform that gives the name away wherever it can.
fn telltale() -> Object {
    let document = json!({
        "name": NAME, "accountName": NAME, "hideName": false,
        "profile": {"phone": "0", "notes": format!("the notes of {NAME}")},
    });
    remote(Kind::Customer, ID, &document)
}

fn conflict() -> PlatformError {
    let problem = Problem {
        kind: ProblemKind::Conflict,
        field: Some("name".into()),
        detail: format!("there is a {NAME} already"),
        remedy: Some(format!("Rename {NAME}.")),
        conflicting_id: Some("77".into()),
    };
    problem.into()
}

/// The hidden customer in every situation that we can think of.
fn situations() -> Vec<Scene> {
    let base = || hidden_customer("fabrikam");
    let by_id = || base().with(json!({"adopt": "ById", "externalId": ID}));
    let doomed = || {
        base()
            .with(json!({"deletionPolicy": "Delete"}))
            .applied()
            .deleting()
    };
    let mut missing = base();
    missing.unobserved = Some(PlatformState::Missing { name: "msp".into() });
    let ready = || base().finalized().unclaimed();
    vec![
        base(),
        missing,
        base().finalized(),
        ready(),
        ready().with(json!({"country": "FR"})),
        ready().with(json!({"limits": {"storage": "plenty"}})),
        ready().without(Capability::CreateCustomer),
        ready().beside(telltale(), None),
        ready().beside(telltale(), Some("Customer backup/other")),
        ready()
            .with(json!({"adopt": "Matching"}))
            .beside(telltale(), None),
        ready().failing(conflict()),
        base().finalized().noting(ID),
        base().finalized().noting(ID).gone(ID),
        by_id().finalized().knowing(telltale(), None),
        by_id().finalized().noting(ID).knowing(telltale(), None),
        by_id()
            .with(json!({"management": "Observe"}))
            .finalized()
            .noting(ID)
            .knowing(telltale(), None),
        by_id()
            .finalized()
            .knowing(telltale(), Some("Customer backup/other")),
        base().applied(),
        base().applied().edited(json!({"profile": {"phone": "0"}})),
        base()
            .applied()
            .edited(json!({"displayName": "Fabrikam GmbH"})),
        base().applied().drifted(json!({"name": NAME})),
        base().applied().drifted(json!({"accountName": NAME})),
        base()
            .applied()
            .drifted(json!({"name": NAME}))
            .without(Capability::UpdateCustomer),
        base()
            .applied()
            .drifted(json!({"name": NAME}))
            .with(json!({"management": "Observe"})),
        base().applied().failing(conflict()),
        doomed(),
        doomed().read_afresh(),
        doomed().read_afresh().rehearsed("token"),
        doomed().failing(conflict()),
    ]
}

// R-D2
#[test]
fn a_hidden_name_is_in_no_step_no_status_and_no_note() {
    for (number, scene) in situations().into_iter().enumerate() {
        let step = scene.next();
        let said = format!("{step:?}");
        assert!(!said.contains("Fabrikam"), "situation {number}: {said}");
        if let Step::Settle(settlement) = &step {
            let status = managed_status(&scene.view(), settlement, Vec::new());
            let text = serde_json::to_string(&status).expect("JSON");
            assert!(!text.contains("Fabrikam"), "situation {number}: {text}");
            let notes = notes(&ManagedStatus::default(), &status, &scene.progress);
            let text = format!("{notes:?}");
            assert!(!text.contains("Fabrikam"), "situation {number}: {text}");
        }
    }
}

// R-D2
#[test]
fn a_name_that_is_not_hidden_is_shown() {
    let scene = customer("fabrikam")
        .applied()
        .drifted(json!({"name": "Contoso"}))
        .with(json!({"management": "Observe"}));
    let drift = &scene.settlement().drift[0];
    assert_eq!(drift.desired.as_deref(), Some(NAME));
    assert_eq!(drift.observed.as_deref(), Some("Contoso"));
}

// R-D2
#[test]
fn hiding_a_short_name_leaves_other_words_alone() {
    let scene = hidden_customer("fabrikam")
        .with(json!({"displayName": "on"}))
        .finalized()
        .noting(ID)
        .gone(ID);
    let message = scene.stalled(Reason::VanishedOnPlatform);
    assert!(message.contains("annotate this resource with"), "{message}");
}

// R-D2
#[test]
fn what_would_give_a_hidden_name_away_is_refused() {
    for spec in [
        json!({"profile": {"billing": {"legalName": NAME}}}),
        json!({"branding": {"companyName": NAME}}),
    ] {
        let scene = hidden_customer("fabrikam")
            .with(spec)
            .finalized()
            .unclaimed();
        assert!(scene.stalled(Reason::InvalidSpec).contains("hideName"));
    }
    let nameless = hidden_customer("fabrikam")
        .with(json!({"accountName": null}))
        .finalized()
        .unclaimed();
    assert!(
        nameless
            .stalled(Reason::InvalidSpec)
            .contains("accountName")
    );
}

/// A customer with a password for the web console.
fn with_password(tag: &str) -> Scene {
    let mut scene = customer("fabrikam").with(json!({
        "webAccess": {"username": "fabrikam", "passwordRef": {"name": "web", "key": "password"}}
    }));
    let setting = ("webAccess.passwordTag", tag.to_owned());
    scene.supplements.settings.extend([setting]);
    scene
}

// R-V11, I5
#[test]
fn a_password_goes_out_as_its_tag_and_is_shown_in_no_drift() {
    let created = with_password(TAG).finalized().unclaimed().next();
    let Step::Create {
        document, fields, ..
    } = created
    else {
        panic!("nothing is made");
    };
    assert_eq!(
        document["webAccess"],
        json!({"username": "fabrikam", "passwordTag": TAG})
    );
    assert!(fields.contains(&"webAccess.passwordRef".to_owned()));

    let mut changed = with_password(TAG).applied();
    changed
        .supplements
        .settings
        .insert("webAccess.passwordTag", "t-other".into());
    assert!(matches!(changed.next(), Step::Update { patch, .. }
        if Value::Object(patch.clone()) == json!({"webAccess": {"passwordTag": "t-other"}})));

    let observed = changed.with(json!({"management": "Observe"}));
    let settlement = observed.settlement();
    assert_eq!(settlement.drift[0].field, "webAccess.passwordRef");
    let text = format!("{settlement:?}");
    assert!(!text.contains(TAG) && !text.contains("t-other"), "{text}");
    let text = serde_json::to_string(&observed.status()).expect("JSON");
    assert!(!text.contains(TAG) && !text.contains("t-other"), "{text}");
}

// R-V11: the other edits of the customer don't wait for it.
#[test]
fn a_secret_that_is_missing_holds_back_its_own_field_alone() {
    let mut scene = with_password(TAG).applied();
    scene.supplements.settings.clear();
    let problem = "Secret \"web\" doesn't exist.".to_owned();
    let missing = (Reason::SecretMissing, problem);
    scene
        .supplements
        .missing
        .insert("webAccess.passwordRef", missing);
    let told = scene.stalled(Reason::SecretMissing);
    assert!(told.starts_with("webAccess.passwordRef: "), "{told}");
    let edited = scene.with(json!({"profile": {"phone": "2"}}));
    assert!(matches!(edited.next(), Step::Update { patch, .. }
        if Value::Object(patch.clone()) == json!({"profile": {"phone": "2"}})));
}

// R-N3
#[test]
fn a_new_password_is_not_taken_for_drift() {
    let mut scene = with_password(TAG).applied();
    scene
        .supplements
        .settings
        .insert("webAccess.passwordTag", "t-other".into());
    assert!(matches!(
        scene.next(),
        Step::Update {
            reverting: false,
            ..
        }
    ));
}

// I5
#[test]
fn a_tag_changes_with_the_secret_and_says_nothing_about_it() {
    let claim = customer("fabrikam").claim();
    let tag = |owner: &str, secret: &str| crate::planner::secret_tag(owner, &claim, secret);
    assert_eq!(tag("owner", "one"), tag("owner", "one"));
    assert_ne!(tag("owner", "one"), tag("owner", "two"));
    assert_ne!(tag("owner", "one"), tag("another", "one"));
    assert!(tag("owner", "one").len() <= 8);
    assert_ne!(
        tag("owner", "one"),
        crate::planner::secret_tag("owner", &customer("contoso").claim(), "one"),
        "equal passwords of two customers don't show as equal"
    );
}

#[test]
fn the_hidden_customer_can_still_be_told_apart() {
    let read = hidden_customer("fabrikam").finalized().noting(ID);
    assert_eq!(read.next(), Step::Read(ObjectId::new(ID)));
}

// R-D2
#[test]
fn a_log_repeats_no_hidden_name() {
    let scene = hidden_customer("c");
    let name = scene.declared.spec["displayName"].as_str().expect("a name");
    let told = format!("{name} exists, and {name}s does too");
    assert_eq!(
        for_log(&scene.declared, &told),
        format!("(hidden) exists, and {name}s does too")
    );
    assert_eq!(for_log(&customer("c").declared, &told), told);
}
