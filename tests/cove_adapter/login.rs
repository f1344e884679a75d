//! Logins: one at a time, and a wrong one once, since failed logins can lock the user out. R-N9

use std::{sync::Arc, time::Duration};

use holdfast_core::estate::Scope;
use holdfast_platforms::{
    Platform, PlatformError,
    cove::{Cove, CoveOptions},
    http::HttpOptions,
};
use holdfast_simulator::Action;

use crate::stage::{Quiet, Stage};

/// An adapter with another password, which shares the process's budgets.
fn with_password(stage: &Stage, password: &str) -> Cove {
    let user = stage.platform.credentials();
    Cove::new(CoveOptions {
        endpoint: format!("{}/jsonapi", stage.tap.url).parse().unwrap(),
        partner: user.partner.into(),
        username: user.username.into(),
        password: password.into(),
        root_partner: None,
        drops_columns: false,
        rate_limit: None,
        budgets: Arc::clone(&stage.budgets),
        http: HttpOptions {
            ca_bundle_pem: None,
            observer: Arc::new(Quiet),
            writer: Arc::new(Quiet),
        },
    })
    .unwrap()
}

// R-N9: the numbers of a locked or expired user aren't published; none of them is tried again.
#[tokio::test]
async fn a_login_that_is_refused_with_any_number_is_given_up() {
    let stage = Stage::set().await;
    stage.tap.spoil(Some((r#""data":2100"#, r#""data":7"#)));
    let (first, second) = (
        with_password(&stage, "wrong"),
        with_password(&stage, "wrong"),
    );
    for cove in [&first, &second].repeat(5) {
        cove.probe_now();
        let error = cove.identify().await.unwrap_err();
        let PlatformError::Unauthorised(told) = &error else {
            panic!("{error:?}");
        };
        assert!(
            told.contains("(error 7)") && told.contains("Secret changes"),
            "{told}"
        );
    }
    assert_eq!(stage.count("Login"), 1);
}

// R-N9: it says nothing about the credential, and is left alone after some of them all the same.
#[tokio::test]
async fn a_login_that_is_refused_without_a_number_counts_as_a_failure_of_the_platform() {
    let stage = Stage::set().await;
    stage.tap.spoil(Some((r#""data":2100,"#, "")));
    let cove = with_password(&stage, "wrong");
    for _ in 0..10 {
        let error = cove.identify().await.unwrap_err();
        assert!(
            matches!(&error, PlatformError::Unavailable(told) if told.contains("Login")),
            "{error:?}"
        );
    }
    assert_eq!(stage.count("Login"), 5, "then it is left alone for a while");
}

// R-N9
#[tokio::test]
async fn a_wrong_login_is_sent_once_by_all_that_ask_at_the_same_time() {
    let stage = Stage::set().await;
    stage.befall("Login", Action::Delay(Duration::from_millis(200)));
    let (first, second) = (
        with_password(&stage, "wrong"),
        with_password(&stage, "wrong"),
    );
    let both = [&first, &second].repeat(5);
    let all = futures::future::join_all(both.iter().map(|cove| cove.identify())).await;
    assert!(
        all.iter()
            .all(|one| matches!(one, Err(PlatformError::Unauthorised(_)))),
        "{all:?}"
    );
    assert_eq!(stage.platform.refused_logins(), 1);
}

// R-N9: more attempts would lock the user out.
#[tokio::test]
async fn a_wrong_login_is_tried_once_whoever_asks_and_however_often() {
    let stage = Stage::set().await;
    let user = stage.platform.credentials();
    let open = |password: &str| with_password(&stage, password);
    let (first, second) = (open("wrong"), open("wrong"));
    for _ in 0..3 {
        for cove in [&first, &second] {
            cove.probe_now();
            let error = cove.identify().await.unwrap_err();
            let PlatformError::Unauthorised(told) = &error else {
                panic!("{error:?}");
            };
            assert!(
                told.contains("2100") && told.contains("Secret changes"),
                "{told}"
            );
        }
    }
    assert_eq!(stage.platform.refused_logins(), 1);
    // Another Secret is another credential.
    let right = open(secrecy::ExposeSecret::expose_secret(&user.password));
    right.identify().await.unwrap();
}

// The name ends with an address in parentheses; what is wrong with a login the service doesn't say.
#[tokio::test]
async fn the_partner_of_a_login_is_its_exact_name_and_a_wrong_one_looks_like_a_wrong_password() {
    let stage = Stage::set().await;
    stage.cove.identify().await.unwrap();
    let right = stage.tap.heard()[0].body.clone();
    let partner = right["params"]["partner"].as_str().unwrap().to_owned();
    assert!(partner.ends_with(".example)"), "{partner}");
    let short = partner.split(" (").next().unwrap();
    let mut told = Vec::new();
    for (member, value) in [
        ("partner", short),
        ("partner", &partner.to_lowercase()),
        ("password", "wrong"),
    ] {
        let mut login = right.clone();
        login["params"][member] = value.into();
        told.push(stage.post(&login).await["error"].clone());
    }
    assert_eq!(told[0]["data"], 2100);
    assert!(told.iter().all(|error| *error == told[0]), "{told:?}");
}

// R-N9: also where the login is good and each visa that follows is not.
#[tokio::test]
async fn a_service_that_refuses_every_visa_is_left_alone_for_a_while() {
    let stage = Stage::set_with(|options| options.visa_lifetime = Duration::ZERO).await;
    for _ in 0..20 {
        let error = stage.cove.identify().await.unwrap_err();
        assert!(
            matches!(&error, PlatformError::Unavailable(told) if told.contains("1701")),
            "{error:?}"
        );
    }
    // Five requests, each of which has logged in twice.
    assert!(stage.count("Login") <= 10, "{}", stage.count("Login"));
}

// R-N9: somebody makes another token for the API user, and the Secret has the old one.
#[tokio::test]
async fn a_token_that_is_changed_meanwhile_stalls_after_one_login() {
    let stage = Stage::set().await;
    let made = stage.customer("Fabrikam", None).await;
    let writes = stage.writes().len();
    stage.platform.rotate("another");
    for _ in 0..3 {
        stage.cove.probe_now();
        let swept = stage.cove.observe(Scope::default()).await;
        assert!(
            matches!(&swept, Err(PlatformError::Unauthorised(told)) if told.contains("2100")),
            "{swept:?}"
        );
        let patch = serde_json::json!({"profile": {"phone": "1"}});
        let changed = stage.change(&made, patch).await;
        assert!(
            matches!(&changed, Err(PlatformError::Unauthorised(_))),
            "{changed:?}"
        );
    }
    assert_eq!(stage.count("Login"), 2);
    assert_eq!(stage.platform.refused_logins(), 1);
    // The one write was refused with its visa, before the login.
    assert!(stage.writes().len() <= writes + 1, "{:?}", stage.writes());
    // The new Secret is another credential.
    let fresh = with_password(&stage, "another");
    fresh.observe(Scope::default()).await.unwrap();
}

// R-N9: public clients wait for half a minute or more; a login or a read that takes longer than an edit elsewhere may is no failure.
#[tokio::test]
async fn a_login_and_a_read_may_take_longer_than_a_write() {
    let stage = Stage::set().await;
    let six_seconds = Duration::from_secs(6);
    stage.befall("Login", Action::Delay(six_seconds));
    stage.befall("GetPartnerInfoById", Action::Delay(six_seconds));
    stage.cove.identify().await.unwrap();
    assert_eq!(
        (stage.count("Login"), stage.count("GetPartnerInfoById")),
        (1, 1)
    );
}
