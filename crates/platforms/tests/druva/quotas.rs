//! Limits of customers: quotas that not every account may manage.

use holdfast_api::Kind;
use holdfast_core::estate::{Object, Scope, Snapshot};
use holdfast_platforms::{Platform, PlatformError, ProblemKind, Written, druva::Druva};
use serde_json::{Value, json};

use crate::{
    estate::{
        CUSTOMER, create, customer_id, done, except, healthy, other_customer, pending, problem,
        update,
    },
    server::{Fake, Reply, Seen},
};

const LIST: &str = "/quota/v1/customers/configurations";

fn save() -> String {
    format!("/quota/v1/customers/{CUSTOMER}/products/1/configurations")
}

fn quota(parameter: &str, limit: f64, unit: &str) -> Value {
    json!({"productId": 1, "productModuleId": 1, "consumptionParameter": parameter, "quotaLimit": limit, "unit": unit})
}

/// What the customer has: both limits, one that grows by itself, and two of another product.
fn quotas() -> Value {
    let mut growing = quota("Warm Tier Cloud Storage", 2.0, "TB");
    growing["incrementSettings"] = json!({"incrementBy": 0.25, "frequency": 2, "incrementTill": "2027-06-30T00:00:00Z",
        "skipNextIncrement": false, "nextIncrementOn": "2027-01-01T00:00:00Z"});
    let mut of_users = quota("Frontend Source Storage", 9.0, "TB");
    of_users["productId"] = json!(2);
    of_users["productModuleId"] = json!(2);
    json!([
        of_users,
        quota("Frontend Source Storage", 5.51, "TB"),
        growing,
        quota("Total Active Devices or Backup sets", 25.0, "Count"),
    ])
}

fn listed(customer: &str, quotas: &Value) -> Reply {
    Reply::ok(
        &json!({"quotaConfigList": [{"customerGlobalId": customer, "quotaConfig": quotas}], "nextPageToken": ""}),
    )
}

/// As `healthy`, where the customer has these quotas and what is written gets this answer.
async fn account(quotas: Value, answer: fn() -> Reply) -> (Fake, Druva) {
    let fake = Fake::start(move |seen| match seen.path.strip_prefix("/msp") {
        Some(LIST) => listed(CUSTOMER, &quotas),
        Some(path) if path == save() => answer(),
        _ => healthy(seen),
    })
    .await;
    let druva = fake.druva();
    (fake, druva)
}

fn saved() -> Reply {
    Reply::raw(200, "text/plain", "")
}

async fn limit(druva: &Druva, limits: Value) -> Result<Written, PlatformError> {
    update(druva, Kind::Customer, CUSTOMER, json!({"limits": limits})).await
}

fn limits(object: &Object) -> (Option<u64>, Option<u64>) {
    let limit = |path| object.settings.whole(path);
    (limit("limits.storage"), limit("limits.clients"))
}

fn takes_limits(observation: &Snapshot) -> bool {
    let takes = ["limits.storage", "limits.clients"]
        .map(|field| observation.capabilities.takes(Kind::Customer, field));
    assert_eq!(takes[0], takes[1]);
    takes[0]
}

fn asked(fake: &Fake) -> usize {
    let seen = fake.seen().into_iter();
    seen.filter(|seen| seen.path == format!("/msp{LIST}"))
        .count()
}

#[tokio::test]
async fn an_account_that_may_not_manage_quotas_is_asked_once() {
    let fake = Fake::start(except(LIST, |_| Reply::raw(403, "text/html", "<html>"))).await;
    let druva = fake.druva();
    for _ in 0..2 {
        let observation = druva.observe(Scope::default()).await.unwrap();
        assert!(!takes_limits(&observation));
        for field in ["limits.storage", "limits.clients"] {
            let page = observation.capabilities.console_page(Kind::Customer, field);
            assert!(page.unwrap().contains("Quota Management"), "{page:?}");
        }
    }
    let read = druva.read(Kind::Customer, &customer_id()).await;
    assert_eq!(limits(&read.unwrap().unwrap()), (None, None));
    let refused = problem(limit(&druva, json!({"clients": 5})).await);
    assert_eq!(refused.kind, ProblemKind::Unsupported);
    done(
        update(
            &druva,
            Kind::Customer,
            CUSTOMER,
            json!({"name": "Fabrikam GmbH"}),
        )
        .await,
    );
    assert_eq!(
        (asked(&fake), fake.tokens(), fake.writes().len()),
        (1, 1, 0)
    );
}

#[tokio::test]
async fn a_write_finds_out_what_no_sweep_has() {
    let fake = Fake::start(except(LIST, |_| Reply::error(403, "no"))).await;
    let druva = fake.druva();
    let refused = problem(limit(&druva, json!({"clients": 5})).await);
    assert_eq!(refused.kind, ProblemKind::Unsupported);
    assert!(refused.remedy.unwrap().contains("support"));
    let (fake, druva) = account(quotas(), || Reply::error(403, "no")).await;
    assert!(takes_limits(
        &druva.observe(Scope::default()).await.unwrap()
    ));
    let refused = problem(limit(&druva, json!({"clients": 5})).await);
    assert_eq!(refused.kind, ProblemKind::Unsupported);
    assert!(!takes_limits(
        &druva.observe(Scope::default()).await.unwrap()
    ));
    assert_eq!((fake.tokens(), fake.writes().len()), (1, 1));
}

#[tokio::test]
async fn limits_are_read_with_their_customers() {
    let fake = Fake::start(|seen| match seen.path.strip_prefix("/msp") {
        Some("/v3/customers") => {
            Reply::ok(&json!({"customers": [crate::estate::customer(), other_customer()]}))
        }
        Some(LIST) if seen.query == "pageSize=100" => {
            let mut page = json!({"quotaConfigList": [{"customerGlobalId": CUSTOMER, "quotaConfig": quotas()}]});
            page["nextPageToken"] = json!("2");
            Reply::ok(&page)
        }
        // Not a hundredth of a TB, and a unit that isn't known.
        Some(LIST) if seen.query == "pageToken=2" => listed("other-1", &json!([
            quota("Frontend Source Storage", 0.012_345, "TB"),
            quota("Total Active Devices or Backup sets", 3.0, "Dozens"),
        ])),
        _ => healthy(seen),
    })
    .await;
    let observation = fake.druva().observe(Scope::default()).await.unwrap();
    assert!(takes_limits(&observation));
    let customers: Vec<_> = observation
        .objects
        .iter()
        .filter(|object| object.kind == Kind::Customer)
        .map(limits)
        .collect();
    assert_eq!(
        customers,
        [
            (Some(5_510_000_000_000), Some(25)),
            (Some(12_345_000_000), None)
        ]
    );
    assert_eq!(asked(&fake), 2);
}

#[tokio::test]
async fn a_customer_is_read_with_its_own_limits() {
    let (fake, druva) = account(quotas(), saved).await;
    let read = druva.read(Kind::Customer, &customer_id()).await.unwrap();
    assert_eq!(limits(&read.unwrap()), (Some(5_510_000_000_000), Some(25)));
    let one = format!("GET {LIST}?customerIds={CUSTOMER}&pageSize=100");
    assert!(fake.lines().contains(&one), "{:?}", fake.lines());
    let fake = Fake::start(except(LIST, |_| listed("other-1", &quotas()))).await;
    let read = fake.druva().read(Kind::Customer, &customer_id()).await;
    assert_eq!(limits(&read.unwrap().unwrap()), (None, None), "another's");
}

#[tokio::test]
async fn a_list_of_quotas_that_is_not_whole_is_an_error() {
    async fn swept(answer: fn() -> Reply) -> (Result<Snapshot, PlatformError>, usize) {
        let fake = Fake::start(except(LIST, move |_| answer())).await;
        let swept = fake.druva().observe(Scope::default()).await;
        (swept, fake.tokens())
    }
    let (failing, _) = swept(|| Reply::error(500, "no")).await;
    assert!(
        matches!(failing, Err(PlatformError::Unreachable(_))),
        "{failing:?}"
    );
    for answer in [(|| Reply::error(404, "no")) as fn() -> Reply, || {
        Reply::ok(&json!({"quotaConfig": []}))
    }] {
        let (garbled, _) = swept(answer).await;
        assert!(
            matches!(garbled, Err(PlatformError::Garbled(_))),
            "{garbled:?}"
        );
    }
    let (denied, tokens) = swept(|| Reply::error(401, "no")).await;
    assert!(
        matches!(denied, Err(PlatformError::Unauthorised(_))),
        "{denied:?}"
    );
    assert_eq!(tokens, 2, "that one is about the token");
}

#[tokio::test]
async fn a_limit_is_written_and_everything_else_sent_back() {
    let (fake, druva) = account(quotas(), saved).await;
    let object = done(limit(&druva, json!({"storage": 6_000_000_000_000_u64})).await);
    assert_eq!(limits(&object), (Some(6_000_000_000_000), Some(25)));
    let entry = |parameter: &str, quota: Value, unit: &str| json!({"productModuleId": 1, "consumptionParameter": parameter, "quota": quota, "unit": unit});
    let mut growing = entry("Warm Tier Cloud Storage", json!(2), "TB");
    growing["incrementSettings"] = json!({"incrementBy": 0.25, "frequency": 2, "incrementTill": "2027-06-30T00:00:00Z",
        "skipNextIncrement": false});
    assert_eq!(
        fake.written(),
        json!({"config": [
            entry("Frontend Source Storage", json!(6), "TB"),
            growing,
            entry("Total Active Devices or Backup sets", json!(25), "Count"),
        ]})
    );
    assert_eq!(
        fake.lines(),
        [
            format!("GET /v3/customers/{CUSTOMER}?includeFeatures=true"),
            format!("GET {LIST}?customerIds={CUSTOMER}&pageSize=100"),
            "GET /v2/admins?pageSize=500".to_owned(),
            format!("PUT {}", save()),
        ]
    );
}

#[tokio::test]
async fn a_limit_can_be_new_or_taken_away() {
    let (fake, druva) = account(json!([]), saved).await;
    let both = json!({"storage": 10_000_000_000_u64, "clients": 999_999});
    let object = done(limit(&druva, both).await);
    assert_eq!(limits(&object), (Some(10_000_000_000), Some(999_999)));
    assert_eq!(fake.written()["config"][0]["quota"], json!(0.01));
    assert_eq!(fake.written()["config"][1]["quota"], json!(999_999));

    let (fake, druva) = account(quotas(), saved).await;
    let object = done(limit(&druva, Value::Null).await);
    assert_eq!(limits(&object), (None, None));
    let config = fake.written()["config"].clone();
    assert_eq!(config.as_array().unwrap().len(), 1, "{config}");

    let last = json!([quota("Total Active Devices or Backup sets", 5.0, "Count")]);
    let (fake, druva) = account(last, saved).await;
    done(limit(&druva, json!({"clients": null})).await);
    assert_eq!(fake.written(), json!({"config": []}));
}

#[tokio::test]
async fn a_limit_that_is_so_already_is_not_sent() {
    let (fake, druva) = account(quotas(), saved).await;
    let same = json!({"storage": 5_510_000_000_000_u64, "clients": 25});
    let object = done(limit(&druva, same).await);
    assert_eq!(limits(&object), (Some(5_510_000_000_000), Some(25)));
    assert_eq!(fake.writes().len(), 0);
}

#[tokio::test]
async fn a_limit_that_no_quota_is_exactly_is_refused_before_anything_is_asked() {
    let (fake, druva) = account(quotas(), saved).await;
    for (asked, field, remedy) in [
        (
            json!({"storage": 5_497_558_138_880_u64}),
            "limits.storage",
            "`5.5T`",
        ),
        (
            json!({"storage": 9_999_999_999_u64}),
            "limits.storage",
            "`0.01T`",
        ),
        (json!({"storage": u64::MAX}), "limits.storage", "less"),
        (json!({"clients": 0}), "limits.clients", "999999"),
        (json!({"clients": 1_000_000}), "limits.clients", "999999"),
    ] {
        let new = json!({"name": "Contoso", "profile": {"phone": "+49", "address": {"text": "Ulm"}}, "limits": asked});
        for refused in [
            problem(limit(&druva, asked).await),
            problem(create(&druva, Kind::Customer, new).await),
        ] {
            assert_eq!(
                (refused.kind, refused.field.as_deref()),
                (ProblemKind::Invalid, Some(field))
            );
            assert!(refused.remedy.unwrap().contains(remedy));
        }
    }
    assert_eq!(fake.all().len(), 0);
}

#[tokio::test]
async fn limits_wait_for_the_other_fields() {
    let (fake, druva) = account(quotas(), saved).await;
    let both = json!({"profile": {"phone": "+44"}, "limits": {"clients": 5}});
    pending(update(&druva, Kind::Customer, CUSTOMER, both).await);
    let written = fake.written();
    assert_eq!(
        (&written["phone"], written.get("limits")),
        (&json!("+44"), None)
    );
    let new = json!({"name": "Contoso", "profile": {"phone": "+49", "address": {"text": "Ulm"}}, "limits": {"clients": 5}});
    pending(create(&druva, Kind::Customer, new).await);
    let lines: Vec<String> = fake.writes().iter().map(Seen::line).collect();
    assert_eq!(
        lines,
        [
            format!("PUT /v3/customers/{CUSTOMER}"),
            "POST /v3/customers".to_owned()
        ]
    );
    assert!(fake.writes()[1].body.get("limits").is_none());
}

#[tokio::test]
async fn a_quota_that_cannot_be_sent_back_is_not_lost() {
    for member in ["quotaLimit", "unit", "productModuleId"] {
        let mut quotas = quotas();
        quotas[2].as_object_mut().unwrap().remove(member);
        let (fake, druva) = account(quotas, saved).await;
        let written = limit(&druva, json!({"clients": 5})).await;
        assert!(
            matches!(written, Err(PlatformError::Unavailable(_))),
            "{written:?}"
        );
        assert_eq!(fake.writes().len(), 0);
    }
}

#[tokio::test]
async fn a_lost_answer_leaves_open_what_became_of_a_limit() {
    let (fake, druva) = account(quotas(), || Reply::error(500, "no")).await;
    let written = limit(&druva, json!({"clients": 5})).await;
    assert!(
        matches!(written, Err(PlatformError::Unreachable(_))),
        "{written:?}"
    );
    assert_eq!(fake.writes().len(), 1);
    let (_fake, druva) = account(quotas(), || Reply::html(200)).await;
    let written = limit(&druva, json!({"clients": 5})).await;
    assert!(
        matches!(written, Err(PlatformError::Garbled(_))),
        "{written:?}"
    );
    let (_fake, druva) = account(quotas(), || Reply::error(400, "no such product")).await;
    let refused = problem(limit(&druva, json!({"clients": 5})).await);
    assert!(refused.detail.contains("no such product"), "{refused:?}");
}
