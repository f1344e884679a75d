//! The bearer token: how it is got, renewed and kept to ourselves.

use holdfast_platforms::{Operations as _, Suspension as _};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use holdfast_api::Kind;
use holdfast_core::estate::{ObjectId, Scope};
use holdfast_platforms::{
    Platform, PlatformError,
    druva::{Druva, DruvaOptions},
    http::SetupError,
};
use serde_json::json;

use crate::{
    estate::{CUSTOMER, SAAS_TENANT, TENANT, create, customer_id, except, healthy, update},
    server::{CLIENT_ID, Fake, Reply, SECRET_KEY, Seen, druva, options},
};

fn is_token(seen: &Seen) -> bool {
    seen.path == "/msp/auth/v1/token"
}

/// Gives `tok-1`, `tok-2` and so on, and denies those before `good`.
fn numbered(good: usize, status: u16) -> impl Fn(&Seen) -> Reply + Send + Sync {
    let given = AtomicUsize::new(0);
    move |seen| {
        if is_token(seen) {
            let number = given.fetch_add(1, Ordering::SeqCst) + 1;
            return Reply::token(&format!("tok-{number}"), 900);
        }
        let number: usize = seen
            .token()
            .strip_prefix("Bearer tok-")
            .unwrap()
            .parse()
            .unwrap();
        if number < good {
            return Reply::json(status, &json!({"message": "expired"}));
        }
        healthy(seen)
    }
}

#[tokio::test]
async fn one_token_serves_many_requests_at_once() {
    let fake = Fake::start(healthy).await;
    let druva = fake.druva();
    let (customer, tenant) = (customer_id(), ObjectId::new("7"));
    let reads = (0..4).map(|_| druva.read(Kind::Customer, &customer));
    let plans = (0..4).map(|_| druva.read(Kind::ServicePlan, &tenant));
    let (reads, plans) = tokio::join!(
        futures::future::join_all(reads),
        futures::future::join_all(plans)
    );
    assert!(
        reads
            .iter()
            .chain(&plans)
            .all(|read| matches!(read, Ok(Some(_))))
    );
    druva.observe(Scope::default()).await.unwrap();
    assert_eq!(fake.tokens(), 1);
    let asked = fake.all().into_iter().find(is_token).unwrap();
    let expected = data_encoding::BASE64.encode(format!("{CLIENT_ID}:{SECRET_KEY}").as_bytes());
    assert_eq!(asked.token(), format!("Basic {expected}"));
    assert_eq!(asked.body, json!({"grant_type": "client_credentials"}));
    assert!(
        fake.seen()
            .iter()
            .all(|seen| seen.token() == "Bearer tok-1")
    );
}

#[tokio::test]
async fn a_token_is_renewed_before_it_runs_out() {
    let fake = Fake::start(except("/auth/v1/token", |_| Reply::token("tok-1", 1))).await;
    let druva = fake.druva();
    druva.read(Kind::Customer, &customer_id()).await.unwrap();
    druva.read(Kind::Customer, &customer_id()).await.unwrap();
    assert_eq!(fake.tokens(), 1);
    tokio::time::sleep(Duration::from_millis(600)).await;
    druva.read(Kind::Customer, &customer_id()).await.unwrap();
    assert_eq!(fake.tokens(), 2);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_for_all_who_wait() {
    for status in [401, 403] {
        let fake = Fake::start(numbered(2, status)).await;
        let druva = fake.druva();
        let observed = druva.observe(Scope::default()).await;
        assert!(observed.is_ok(), "{status}: {observed:?}");
        assert_eq!(fake.tokens(), 2, "{status}");
    }
}

#[tokio::test]
async fn a_token_that_runs_out_in_the_middle_of_a_sweep_is_renewed() {
    let pages = Arc::new(AtomicUsize::new(0));
    let first = numbered(1, 401);
    let fake = Fake::start(move |seen| {
        let late = pages.load(Ordering::SeqCst) > 0 && !is_token(seen);
        if late && seen.token() == "Bearer tok-1" {
            return Reply::json(401, &json!({}));
        }
        if seen.path == "/msp/v3/tenants" && seen.query.contains("pageSize") {
            pages.fetch_add(1, Ordering::SeqCst);
            let page = json!({"tenants": [crate::estate::tenant()], "nextPageToken": "two"});
            return Reply::ok(&page);
        }
        if seen.path == "/msp/v3/tenants" {
            return Reply::ok(
                &json!({"tenants": [crate::estate::saas_tenant()], "nextPageToken": ""}),
            );
        }
        first(seen)
    })
    .await;
    let observation = fake.druva().observe(Scope::default()).await.unwrap();
    let tenants = observation
        .objects
        .iter()
        .filter(|object| object.kind == Kind::Tenant);
    assert_eq!(tenants.count(), 2, "nothing is lost");
    assert_eq!(fake.tokens(), 2);
}

#[tokio::test]
async fn two_refusals_are_the_credentials_fault_unless_they_forbid_one_change() {
    for status in [401, 403] {
        let fake = Fake::start(numbered(usize::MAX, status)).await;
        let druva = fake.druva();
        let read = druva.read(Kind::Customer, &customer_id()).await;
        assert!(
            matches!(&read, Err(PlatformError::Unauthorised(_))),
            "{read:?}"
        );
        assert_eq!((fake.tokens(), fake.lines().len()), (2, 2), "{status}");
        let created = create(&druva, Kind::Customer, new_customer()).await;
        let forbidden = matches!(created, Err(PlatformError::Refused(_)));
        let unauthorised = matches!(created, Err(PlatformError::Unauthorised(_)));
        assert_eq!(
            (unauthorised, forbidden),
            (status == 401, status == 403),
            "{created:?}"
        );
    }
}

fn new_customer() -> serde_json::Value {
    json!({"name": "Contoso", "profile": {"phone": "+49", "address": {"text": "Ulm"}}})
}

#[tokio::test]
async fn a_credential_that_is_refused_sends_nothing_else() {
    for status in [400, 401, 403] {
        let fake =
            Fake::start(move |_| Reply::json(status, &json!({"error": "invalid_client"}))).await;
        let druva = fake.druva();
        let created = create(&druva, Kind::Customer, new_customer()).await;
        assert!(
            matches!(&created, Err(PlatformError::Unauthorised(_))),
            "{status}: {created:?}"
        );
        assert_eq!(fake.lines(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_login_page_is_no_answer() {
    let fake = Fake::start(|_| Reply::html(200)).await;
    let read = fake.druva().read(Kind::Customer, &customer_id()).await;
    assert!(matches!(&read, Err(PlatformError::Garbled(_))), "{read:?}");
    let fake = Fake::start(except("/v3/customers", |_| Reply::html(200))).await;
    let druva = fake.druva();
    let swept = druva.observe(Scope::default()).await;
    assert!(
        matches!(&swept, Err(PlatformError::Garbled(_))),
        "{swept:?}"
    );
    // A page in answer to a creation leaves open what became of it.
    let created = create(&druva, Kind::Customer, new_customer()).await;
    assert!(
        matches!(&created, Err(PlatformError::Garbled(_))),
        "{created:?}"
    );
}

#[tokio::test]
async fn the_credential_never_follows_a_redirect() {
    let elsewhere = Fake::start(healthy).await;
    let target = elsewhere.url.to_string();
    let fake = Fake::start(move |_| Reply::json(307, &json!({})).with("location", &target)).await;
    let read = fake.druva().read(Kind::Customer, &customer_id()).await;
    assert!(
        matches!(&read, Err(PlatformError::Garbled(text)) if text.contains("redirect")),
        "{read:?}"
    );
    assert_eq!(elsewhere.all().len(), 0);
}

#[tokio::test]
async fn without_a_token_a_write_is_known_not_to_have_been_sent() {
    let cut = |_: &Seen| Reply::token("tok-1", 900).cut();
    let failures: [fn(&Seen) -> Reply; 3] = [cut, |_| Reply::html(502), |_| Reply::html(200)];
    for failure in failures {
        let fake = Fake::start(except("/auth/v1/token", failure)).await;
        let druva = fake.druva();
        for written in [
            create(&druva, Kind::Customer, new_customer()).await,
            update(&druva, Kind::Customer, CUSTOMER, json!({"name": "Contoso"})).await,
            druva
                .set_active(Kind::Tenant, &ObjectId::new(TENANT), false)
                .await,
        ] {
            assert!(
                matches!(&written, Err(PlatformError::Unavailable(_))),
                "{written:?}"
            );
        }
        assert_eq!(fake.lines(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn no_error_repeats_a_secret() {
    let told = |text: String| {
        for secret in [SECRET_KEY, "tok-1"] {
            assert!(!text.contains(secret), "{text}");
        }
    };
    let echo =
        |seen: &Seen| Reply::error(400, &format!("bad token {} or {SECRET_KEY}", seen.token()));
    let fake = Fake::start(except(format!("/v3/customers/{CUSTOMER}"), echo)).await;
    let error = fake
        .druva()
        .read(Kind::Customer, &customer_id())
        .await
        .unwrap_err();
    told(format!("{error} {error:?}"));
    assert!(error.to_string().contains("withheld"), "{error}");
    let task = json!({"id": "1", "status": 4, "output": {"failed": 1, "errorResp": {"code": 1, "message": SECRET_KEY}}});
    let fake = Fake::start(except("/v2/tasks/1", move |_| Reply::ok(&task))).await;
    told(format!("{:?}", fake.druva().operation("1").await));
}

#[tokio::test]
async fn a_credential_that_cannot_be_sent_is_said_so() {
    let url = "http://127.0.0.1:1/".parse().unwrap();
    for (id, key, named) in [
        ("", "s3cret", "clientId"),
        ("id", "two\nlines", "secretKey"),
        ("id", "", "secretKey"),
        ("a:b", "s3cret", "clientId"),
        ("id", "schlüssel", "secretKey"),
    ] {
        let options = DruvaOptions {
            client_id: id.into(),
            secret_key: key.into(),
            ..options(&url, Ok(()))
        };
        let refused = Druva::new(options).err();
        assert!(
            matches!(&refused, Some(SetupError::Credential(text)) if text.contains(named) && (key.is_empty() || !text.contains(key))),
            "{refused:?}"
        );
    }
    let trimmed = DruvaOptions {
        secret_key: format!("{SECRET_KEY}\n").into(),
        ..options(&url, Ok(()))
    };
    assert!(Druva::new(trimmed).is_ok(), "as it comes from a file");
}

#[tokio::test]
async fn without_the_lease_nothing_is_written() {
    let fake = Fake::start(healthy).await;
    let druva = druva(&fake.url, Err("the Lease was lost".to_owned()));
    let tenant = ObjectId::new(SAAS_TENANT);
    for written in [
        create(&druva, Kind::Customer, new_customer()).await,
        update(&druva, Kind::Customer, CUSTOMER, json!({"name": "Contoso"})).await,
        update(
            &druva,
            Kind::Tenant,
            TENANT,
            json!({"quota": {"credits": 3}}),
        )
        .await,
        druva.set_active(Kind::Tenant, &tenant, true).await,
    ] {
        assert!(
            matches!(&written, Err(PlatformError::NotWriter(_))),
            "{written:?}"
        );
    }
    assert_eq!(fake.writes().len(), 0);
}
