//! Customers: what is sent, and what is found out before anything is.

use holdfast_api::Kind;
use holdfast_core::estate::{ObjectId, Scope};
use holdfast_platforms::Suspension as _;
use holdfast_platforms::{Platform, PlatformError, ProblemKind};
use serde_json::{Value, json};

use crate::{
    estate::{
        CUSTOMER, create, customer, customer_id, document, done, except, healthy, pending, problem,
        update, with_customer,
    },
    server::{Fake, Reply},
};

const GET: &str = "GET /v3/customers/11111111-2222-4333-8444-555555555555-77?includeFeatures=true";

fn contoso() -> Value {
    json!({"name": "Contoso", "profile": {"phone": "+49", "address": {"text": "Ulm"}}})
}

/// The customer of the account, as an update that changes nothing would send it.
fn whole() -> Value {
    let mut whole = customer();
    for member in ["id", "status", "createdOn", "activeSince", "cloud"] {
        whole.as_object_mut().unwrap().remove(member);
    }
    whole
}

#[tokio::test]
async fn a_customer_is_made_under_its_name() {
    let fake = Fake::start(healthy).await;
    let task = pending(create(&fake.druva(), Kind::Customer, contoso()).await);
    assert_eq!(task, "5f0c0000-0000-4000-8000-000000000001");
    assert_eq!(fake.lines(), ["POST /v3/customers"], "nothing to look up");
    assert_eq!(
        fake.written(),
        json!({"accountName": "Contoso", "customerName": "Contoso", "address": "Ulm", "phone": "+49",
            "attributes": [{"name": "licenseManagementAllowed", "value": "1"}, {"name": "dataAccessAllowed", "value": "1"}]})
    );
}

#[tokio::test]
async fn a_hidden_name_never_leaves() {
    let fake = Fake::start(healthy).await;
    let mut hidden = contoso();
    hidden["name"] = json!("acct-4711");
    hidden["accountName"] = json!("acct-4711");
    hidden["hideName"] = json!(true);
    hidden["administrators"] = json!([{"email": "OPS@msp.example"}]);
    pending(create(&fake.druva(), Kind::Customer, hidden).await);
    let body = fake.written();
    assert_eq!(
        (&body["accountName"], &body["customerName"]),
        (&json!("acct-4711"), &json!("acct-4711"))
    );
    assert_eq!(body["tenantAdmins"], json!([42]));
    assert!(body.get("hideName").is_none());
}

#[tokio::test]
async fn what_a_new_customer_needs_is_asked_for_before_anything_is_sent() {
    let fake = Fake::start(healthy).await;
    let druva = fake.druva();
    let without = |change: fn(&mut Value)| {
        let mut document = contoso();
        change(&mut document);
        document
    };
    for (document, field) in [
        (without(|customer| customer["name"] = json!("")), "name"),
        (
            without(|customer| customer["profile"]["phone"] = json!(null)),
            "profile.phone",
        ),
        (
            without(|customer| customer["profile"] = json!({"phone": "+49"})),
            "profile.address.text",
        ),
        (
            without(|customer| customer["profile"]["phone"] = json!("1".repeat(31))),
            "profile.phone",
        ),
        (
            without(|customer| customer["administrators"] = json!([{"email": "who@msp.example"}])),
            "administrators",
        ),
    ] {
        let refused = problem(create(&druva, Kind::Customer, document).await);
        assert_eq!(
            (refused.kind, refused.field.as_deref()),
            (ProblemKind::Invalid, Some(field))
        );
    }
    let strange = without(|customer| customer["country"] = json!("DE"));
    let refused = problem(create(&druva, Kind::Customer, strange).await);
    assert_eq!(
        (refused.kind, refused.field.as_deref()),
        (ProblemKind::Unsupported, Some("country"))
    );
    assert_eq!(fake.writes().len(), 0);
}

#[tokio::test]
async fn an_unknown_administrator_is_named_with_what_to_do() {
    let fake = Fake::start(healthy).await;
    let druva = fake.druva();
    druva.observe(Scope::default()).await.unwrap();
    let patch =
        json!({"administrators": [{"email": "ops@msp.example"}, {"email": "who@msp.example"}]});
    let refused = problem(update(&druva, Kind::Customer, CUSTOMER, patch).await);
    assert_eq!(refused.field.as_deref(), Some("administrators"));
    assert!(refused.detail.contains("who@msp.example"), "{refused:?}");
    assert!(refused.remedy.unwrap().contains("console"));
    let asked = fake
        .lines()
        .into_iter()
        .filter(|line| line.contains("/admins"))
        .count();
    assert_eq!(asked, 2, "asked once more before giving up");
    let renamed = json!({"administrators": [{"email": "ops@msp.example", "name": "Somebody"}]});
    let refused = problem(update(&druva, Kind::Customer, CUSTOMER, renamed).await);
    assert_eq!(refused.kind, ProblemKind::Unsupported);
    assert_eq!(fake.writes().len(), 0);
}

#[tokio::test]
async fn a_change_sends_everything_else_back_as_it_came() {
    let fake = Fake::start(healthy).await;
    pending(
        update(
            &fake.druva(),
            Kind::Customer,
            CUSTOMER,
            json!({"profile": {"phone": "+44"}}),
        )
        .await,
    );
    assert_eq!(
        fake.lines(),
        [GET.to_owned(), format!("PUT /v3/customers/{CUSTOMER}")]
    );
    let mut expected = whole();
    expected["phone"] = json!("+44");
    assert_eq!(fake.written(), expected);

    let fake = Fake::start(with_customer(|customer| {
        customer["attributes"] = json!([{"name": "licenseManagementAllowed", "value": "0"}]);
        customer["customerName"] = json!("Known to the vendor alone");
        customer.as_object_mut().unwrap().remove("features");
    }))
    .await;
    let patch = json!({"administrators": [{"email": "desk@msp.example"}, {"email": "id-43@unlisted.invalid"}]});
    pending(update(&fake.druva(), Kind::Customer, CUSTOMER, patch).await);
    let body = fake.written();
    assert_eq!(body["customerName"], "Known to the vendor alone");
    assert_eq!(body["accountName"], "fabrikam-001");
    assert_eq!(
        body["attributes"],
        json!([{"name": "licenseManagementAllowed", "value": "0"}])
    );
    assert_eq!(
        body["tenantAdmins"],
        json!([44, 43]),
        "one who isn't listed stays"
    );
    assert!(
        body.get("features").is_none(),
        "an empty list would switch all off"
    );
}

#[tokio::test]
async fn a_change_that_is_none_sends_nothing() {
    let fake = Fake::start(healthy).await;
    let druva = fake.druva();
    let same = json!({"name": "Fabrikam GmbH", "accountName": "fabrikam-001", "profile": {"phone": "+497310000"},
        "administrators": [{"email": "id-43@unlisted.invalid"}, {"email": "ops@msp.example", "name": "Ada Ops"}]});
    let object = done(update(&druva, Kind::Customer, CUSTOMER, same).await);
    assert_eq!(object.name, "Fabrikam GmbH");
    assert_eq!(fake.writes().len(), 0);
}

#[tokio::test]
async fn what_a_customer_cannot_lose_is_not_taken_away() {
    let fake = Fake::start(healthy).await;
    let druva = fake.druva();
    for (patch, field) in [
        (json!({"name": null}), "name"),
        (json!({"profile": null}), "profile.address.text"),
        (json!({"profile": {"phone": null}}), "profile.phone"),
        (json!({"accountName": "another"}), "accountName"),
    ] {
        let refused = problem(update(&druva, Kind::Customer, CUSTOMER, patch).await);
        assert_eq!(
            (refused.kind, refused.field.as_deref()),
            (ProblemKind::Invalid, Some(field))
        );
    }
    assert_eq!(fake.writes().len(), 0);
}

#[tokio::test]
async fn a_customer_that_is_worked_on_is_not_written() {
    for (status, words) in [(0, "being created"), (2, "products"), (9, "state 9")] {
        let fake = Fake::start(with_customer(move |customer| {
            customer["status"] = json!(status);
        }))
        .await;
        let druva = fake.druva();
        let refused =
            problem(update(&druva, Kind::Customer, CUSTOMER, json!({"name": "Contoso"})).await);
        assert_eq!(refused.kind, ProblemKind::Busy);
        assert!(refused.detail.contains(words), "{refused:?}");
        assert_eq!(fake.writes().len(), 0);
    }
}

#[tokio::test]
async fn a_customer_that_vanished_is_not_found() {
    let fake = Fake::start(healthy).await;
    let druva = fake.druva();
    let refused = problem(update(&druva, Kind::Customer, "gone", json!({"name": "Contoso"})).await);
    assert_eq!(refused.kind, ProblemKind::NotFound);
    let refused = problem(
        druva
            .set_active(Kind::Tenant, &ObjectId::new("gone"), false)
            .await,
    );
    assert_eq!(refused.kind, ProblemKind::NotFound);
    assert_eq!(fake.writes().len(), 0);
}

#[tokio::test]
async fn a_lost_answer_leaves_open_what_became_of_a_creation() {
    let lost: [fn() -> Reply; 4] = [
        || Reply::task("1").cut(),
        || Reply::error(500, "no"),
        || Reply::html(504),
        || Reply::ok(&json!({"task": {"id": ""}})),
    ];
    for (place, answer) in lost.into_iter().enumerate() {
        let fake = Fake::start(except("/v3/customers", move |_| answer())).await;
        let created = create(&fake.druva(), Kind::Customer, contoso()).await;
        let open = match &created {
            Err(PlatformError::Unreachable(_)) => place < 3,
            Err(PlatformError::Garbled(_)) => place == 3,
            _ => false,
        };
        assert!(open, "{created:?}");
        assert_eq!(fake.writes().len(), 1, "never repeated by itself");
    }
}

#[tokio::test]
async fn a_look_that_fails_before_a_write_leaves_nothing_open() {
    let failures: [fn() -> Reply; 3] = [
        || Reply::error(500, "no"),
        || Reply::html(200),
        || Reply::ok(&customer()).cut(),
    ];
    for failure in failures {
        let fake = Fake::start(except(format!("/v3/customers/{CUSTOMER}"), move |_| {
            failure()
        }))
        .await;
        let written = update(
            &fake.druva(),
            Kind::Customer,
            CUSTOMER,
            json!({"name": "Contoso"}),
        )
        .await;
        assert!(
            matches!(&written, Err(PlatformError::Unavailable(_))),
            "{written:?}"
        );
        assert_eq!(fake.writes().len(), 0);
    }
}

#[tokio::test]
async fn a_refusal_passes_the_vendors_words_on() {
    let fake = Fake::start(except("/v3/customers", |_| {
        Reply::error(400, "phone is bad")
    }))
    .await;
    let refused = problem(create(&fake.druva(), Kind::Customer, contoso()).await);
    assert_eq!(refused.kind, ProblemKind::Invalid);
    assert!(
        refused.detail.contains("phone is bad (code E1)"),
        "{refused:?}"
    );
    let fake = Fake::start(except("/v3/customers", |_| {
        Reply::raw(422, "text/plain", "")
    }))
    .await;
    let refused = problem(create(&fake.druva(), Kind::Customer, contoso()).await);
    assert!(refused.detail.contains("422"), "{refused:?}");
    let fake = Fake::start(except("/v3/customers", |_| Reply::html(400))).await;
    let refused = create(&fake.druva(), Kind::Customer, contoso()).await;
    assert!(
        matches!(refused, Err(PlatformError::Garbled(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn what_the_interface_cannot_do_is_said_without_asking() {
    let fake = Fake::start(healthy).await;
    let druva = fake.druva();
    let (id, empty) = (customer_id(), document(json!({})));
    let unsupported = |kind: ProblemKind| assert_eq!(kind, ProblemKind::Unsupported);
    assert!(druva.deletion().is_none() && druva.by_claim().is_none());
    assert!(druva.mail().is_none() && druva.clients().is_none());
    for kind in [Kind::ServicePlan, Kind::Reseller] {
        unsupported(problem(create(&druva, kind, json!({})).await).kind);
        unsupported(problem(druva.update(kind, &id, None, None, empty.clone()).await).kind);
    }
    unsupported(problem(druva.set_active(Kind::Customer, &id, false).await).kind);
    assert_eq!(fake.all().len(), 0);
}
