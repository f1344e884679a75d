//! The session, and every trap of the envelope. R-N9

use std::{sync::atomic::Ordering, time::Duration};

use holdfast_api::Kind;
use holdfast_core::estate::{ObjectId, Scope};
use holdfast_platforms::{Platform, PlatformError};
use holdfast_simulator::{Action, Clock};
use jiff::SignedDuration;
use serde_json::Value;

use crate::stage::{ROOT, Stage, problem};

fn status(code: u16, body: &str) -> Action {
    Action::Status {
        code,
        content_type: Some("application/json".into()),
        body: Some(body.into()),
        retry_after: None,
    }
}

/// The visas that requests were sent with, and those that answers brought.
fn visas(stage: &Stage) -> (Vec<Value>, Vec<Value>) {
    let heard = stage.tap.heard();
    let sent = heard.iter().skip(1).map(|heard| heard.body["visa"].clone());
    let brought = heard.iter().map(|heard| heard.answer["visa"].clone());
    (sent.collect(), brought.collect())
}

#[tokio::test]
async fn each_request_goes_under_the_visa_of_the_answer_before_also_of_an_error() {
    let stage = Stage::set_with(|options| options.modes.newest_visa_only = true).await;
    stage.cove.identify().await.unwrap();
    // Refused, and its answer brings a visa all the same.
    let unknown = stage.cove.read(Kind::Customer, &ObjectId::new("5")).await;
    assert_eq!(unknown.unwrap(), None);
    stage.observe().await;
    let (sent, brought) = visas(&stage);
    assert!(sent.len() > 4);
    assert_eq!(sent, brought[..sent.len()]);
    assert_eq!(stage.count("Login"), 1);
}

#[tokio::test]
async fn a_refused_visa_brings_one_login_and_one_more_try() {
    let stage = Stage::set().await;
    stage.observe().await;
    stage.platform.revoke_visas();
    stage.observe().await;
    assert_eq!(stage.count("Login"), 2);
    // Also a write: a refused visa means that nothing was carried out.
    stage.platform.revoke_visas();
    let made = stage.customer("Fabrikam", None).await;
    assert_eq!(made.name, "Fabrikam");
    assert_eq!(stage.count("Login"), 3);
}

#[tokio::test]
async fn many_requests_at_once_make_one_login() {
    let stage = Stage::set().await;
    let read = |number: i64| {
        let id = ObjectId::new(&number.to_string());
        let cove = &stage.cove;
        async move { cove.read(Kind::Reseller, &id).await.map(drop) }
    };
    let all = futures::future::join_all((0..8).map(|_| read(ROOT))).await;
    assert_eq!(all.len(), 8);
    assert_eq!(stage.count("Login"), 1);
}

// Sources disagree on whether older visas stay good: where they don't, requests go one at a time.
#[tokio::test]
async fn where_only_the_newest_visa_is_good_requests_at_once_go_one_after_the_other() {
    let stage = Stage::set_with(|options| options.modes.newest_visa_only = true).await;
    let made = stage.customer("Fabrikam", None).await;
    let burst =
        || futures::future::join_all((0..8).map(|_| stage.cove.read(Kind::Customer, &made.id)));
    // Found out the hard way, and nobody hears of it.
    for read in burst().await {
        assert_eq!(read.unwrap().unwrap().id, made.id);
    }
    let refused = || {
        let heard = stage.tap.heard();
        let refused = heard
            .iter()
            .filter(|heard| heard.answer["error"]["data"] == 1701);
        refused.count()
    };
    let before = refused();
    assert!(before > 0, "they were at once");
    for read in burst().await {
        assert_eq!(read.unwrap().unwrap().id, made.id);
    }
    assert_eq!(refused(), before, "no more of them");
}

// R-N9: a visa that ended is no reason to send one request at a time.
#[tokio::test]
async fn visas_that_ended_leave_requests_at_once() {
    let stage = Stage::set().await;
    let made = stage.customer("Fabrikam", None).await;
    stage.platform.revoke_visas();
    // One hears of it when the others have logged in again.
    stage.befall(
        "GetPartnerInfoById",
        Action::Delay(Duration::from_millis(500)),
    );
    let burst =
        || futures::future::join_all((0..8).map(|_| stage.cove.read(Kind::Customer, &made.id)));
    for read in burst().await {
        assert_eq!(read.unwrap().unwrap().id, made.id);
    }
    assert_eq!(stage.count("Login"), 2);
    stage.befall("GetPartnerInfoById", Action::Delay(Duration::from_secs(2)));
    let started = std::time::Instant::now();
    let mut reads: futures::stream::FuturesUnordered<_> = (0..2)
        .map(|_| stage.cove.read(Kind::Customer, &made.id))
        .collect();
    futures::StreamExt::next(&mut reads).await.unwrap().unwrap();
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "the other one didn't wait"
    );
}

#[tokio::test]
async fn errors_in_http_200_are_errors_and_their_number_is_in_data() {
    let stage = Stage::set().await;
    let unknown = problem(stage.below("nobody").identify().await);
    let heard = stage.tap.heard();
    let last = heard.last().unwrap();
    assert_eq!(last.status.unwrap().as_u16(), 200);
    assert_eq!(last.answer["error"]["code"], -32603);
    assert!(
        unknown.detail.contains("(error 90001)"),
        "{}",
        unknown.detail
    );
}

// A visa among the parameters is no visa: it stands at the top, and the parameters hold what is documented.
#[tokio::test]
async fn the_visa_is_a_member_of_the_body_and_never_a_parameter_or_a_header() {
    let stage = Stage::set().await;
    stage.observe().await;
    let heard = stage.tap.heard();
    let (login, others) = heard.split_first().unwrap();
    assert_eq!(
        (login.body["method"].as_str(), login.body.get("visa")),
        (Some("Login"), None)
    );
    for heard in others {
        assert!(heard.body["visa"].is_string() && heard.body["params"].get("visa").is_none());
    }
    let mut headers = heard.iter().flat_map(|heard| &heard.headers);
    assert!(headers.all(|(name, _)| name != "authorization"));
    // What the service says to a visa in the wrong place.
    let misplaced = serde_json::json!({
        "jsonrpc": "2.0", "id": "1", "method": "EnumerateLocations", "params": {"visa": others[0].body["visa"]},
    });
    assert_eq!(stage.post(&misplaced).await["error"]["data"], 1701);
}

#[tokio::test]
async fn names_of_methods_and_parameters_are_case_sensitive() {
    let stage = Stage::set().await;
    let by_id = |name: &str| serde_json::json!({name: ROOT});
    for (method, params, right) in [
        ("GetPartnerInfoById", by_id("partnerId"), true),
        ("getPartnerInfoById", by_id("partnerId"), false),
        ("GetPartnerInfoById", by_id("PartnerId"), false),
    ] {
        let answer = stage.call(method, params).await;
        assert_eq!(answer.get("result").is_some(), right, "{answer}");
    }
    // So are members and the words of enums.
    let made = stage.customer("Fabrikam", None).await;
    let modify = |member: &str, value: &str| {
        let info = serde_json::json!({"Id": crate::stage::number(&made.id), member: value});
        stage.call("ModifyPartner", serde_json::json!({"partnerInfo": info}))
    };
    let before = stage.held(&made.id).await;
    let dropped = modify("externalcode", "CWM:1").await;
    assert!(dropped.get("error").is_none(), "{dropped}");
    assert_eq!(stage.held(&made.id).await, before);
    let refused = modify("Level", "endcustomer").await;
    assert!(refused.get("error").is_some(), "{refused}");
    // Ours are as documented, which the contract judges at the end of each test.
    stage.observe().await;
}

#[tokio::test]
async fn results_are_nested_twice_and_a_method_without_a_value_answers_null() {
    let stage = Stage::set().await;
    stage.customer("Fabrikam", None).await;
    let heard = stage.tap.heard();
    let of = |method: &str| {
        let mut heard = heard.iter();
        heard
            .find(|heard| heard.body["method"] == method)
            .unwrap()
            .answer
            .clone()
    };
    assert!(of("AddPartner")["result"]["result"].is_i64());
    assert!(of("ModifyPartner").get("result").unwrap().is_null());
}

// I2: the answer is to the request, and nested once or null, it is no list.
#[tokio::test]
async fn a_result_that_is_nested_once_or_null_is_never_an_empty_list() {
    let stage = Stage::set().await;
    assert_eq!(stage.observe().await.objects.len(), 0);
    stage.spoilt.store(true, Ordering::Relaxed);
    let right = r#""result":{"result":[]}"#;
    for wrong in [
        r#""result":[]"#,
        r#""result":null"#,
        r#""result":{"result":null}"#,
    ] {
        stage.tap.spoil(Some((right, wrong)));
        let swept = stage.cove.observe(Scope::default()).await;
        let Err(PlatformError::Garbled(told)) = swept else {
            panic!("{wrong}: {swept:?}");
        };
        assert!(told.contains("EnumeratePartners"), "{told}");
        let heard = stage.tap.heard();
        let mut answers = heard.iter().rev();
        let list = answers.find(|heard| heard.body["method"] == "EnumeratePartners");
        let list = list.unwrap();
        assert_eq!(list.answer["id"], list.body["id"]);
        assert!(list.answer.get("result").is_some());
    }
}

#[tokio::test]
async fn what_is_no_answer_is_never_an_empty_list() {
    let stage = Stage::set().await;
    stage.customer("Fabrikam", None).await;
    stage.spoilt.store(true, Ordering::Relaxed);
    for body in [
        "",
        "null",
        "{}",
        "<html>log in</html>",
        r#"{"jsonrpc": "2.0", "id": "another", "result": {"result": []}}"#,
        r#"{"jsonrpc": "2.0", "id": "holdfast-1"}"#,
    ] {
        stage.befall("EnumeratePartners", status(200, body));
        stage.cove.probe_now();
        let swept = stage.cove.observe(Scope::default()).await;
        assert!(
            matches!(swept, Err(PlatformError::Garbled(_))),
            "{body}: {swept:?}"
        );
    }
    stage.befall("EnumeratePartners", Action::Truncate(300));
    stage.cove.probe_now();
    let swept = stage.cove.observe(Scope::default()).await;
    assert!(matches!(swept, Err(PlatformError::Garbled(_))), "{swept:?}");
}

#[tokio::test]
async fn faults_of_the_transport_are_told_apart() {
    let stage = Stage::set().await;
    stage.cove.identify().await.unwrap();
    let wait = Action::Status {
        code: 429,
        content_type: None,
        body: None,
        retry_after: Some("1".into()),
    };
    stage.befall("EnumeratePartners", wait);
    let swept = stage.cove.observe(Scope::default()).await;
    let Err(PlatformError::Throttled { retry_after }) = swept else {
        panic!("{swept:?}");
    };
    assert_eq!(retry_after, Duration::from_secs(1));
    stage.befall("EnumeratePartners", status(503, ""));
    let swept = stage.cove.observe(Scope::default()).await;
    assert!(
        matches!(swept, Err(PlatformError::Unavailable(_))),
        "{swept:?}"
    );
    // Whether a write was carried out isn't known then.
    stage.befall("ModifyPartner", status(503, ""));
    let made = stage.begin("Fabrikam", None).await;
    let changed = stage
        .change(&made, serde_json::json!({"name": "Fabrikam"}))
        .await;
    assert!(
        matches!(changed, Err(PlatformError::Unreachable(_))),
        "{changed:?}"
    );
}

#[tokio::test]
async fn refused_for_security_reasons_is_told_with_what_to_do_and_isnt_gone() {
    let stage = Stage::set_with(|options| options.modes.unknown_is_forbidden = true).await;
    let strange = stage
        .cove
        .read(Kind::Customer, &ObjectId::new("4711"))
        .await;
    let refused = problem(strange);
    assert!(refused.detail.contains("13501"), "{}", refused.detail);
    assert!(refused.remedy.unwrap().contains("SuperUser"));
    // What Cove lists as removed is gone, also for a process that didn't remove it.
    let made = stage.customer("Fabrikam", None).await;
    crate::removal::remove(&stage, &made).await.unwrap();
    let gone = stage.anew().read(Kind::Customer, &made.id).await.unwrap();
    assert_eq!(gone, None);
}

// I7
#[tokio::test]
async fn no_message_repeats_a_secret() {
    let stage = Stage::set().await;
    let user = stage.platform.credentials();
    let password = secrecy::ExposeSecret::expose_secret(&user.password).to_owned();
    for secret in ["the password", "the visa sent", "the visa brought", "none"] {
        let cove = stage.anew();
        cove.identify().await.unwrap();
        let heard = stage.tap.heard();
        let sent = heard.last().unwrap().answer["visa"].as_str().unwrap();
        let text = match secret {
            "the password" => &password,
            "the visa sent" => sent,
            "the visa brought" => "70010-9001-new-1767225600-x",
            _ => "nothing secret",
        };
        let error =
            serde_json::json!({"code": -32603, "data": 7, "message": format!("no: {text}")});
        let body = serde_json::json!({
            "jsonrpc": "2.0", "id": "holdfast-3", "visa": "70010-9001-new-1767225600-x", "error": error,
        });
        stage.befall("EnumeratePartners", status(200, &body.to_string()));
        let error = cove.observe(Scope::default()).await.unwrap_err();
        let told = error.to_string();
        assert!(told.contains("(error 7)"), "{told}");
        let (withheld, shown) = (told.contains("withheld"), told.contains(text));
        assert_eq!(
            (withheld, shown),
            (secret != "none", secret == "none"),
            "{told}"
        );
    }
}

// R-N9: the newest visa, which another answer brought, is as bad as the one before it.
#[tokio::test]
async fn after_a_restart_of_the_service_a_late_request_logs_in_too() {
    let stage = Stage::set().await;
    let made = stage.customer("Fabrikam", None).await;
    stage.observe().await;
    stage.befall(
        "GetPartnerInfoById",
        Action::Delay(Duration::from_millis(500)),
    );
    let meanwhile = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        stage.observe().await;
        stage.platform.revoke_visas();
    };
    let (read, ()) = tokio::join!(stage.cove.read(Kind::Customer, &made.id), meanwhile);
    assert_eq!(read.unwrap().unwrap().id, made.id);
    assert_eq!(stage.count("Login"), 2);
}

// R-N9: the adapter's own clock doesn't tell when Cove's has passed a quarter of an hour.
#[tokio::test]
async fn a_visa_is_good_for_a_quarter_of_an_hour() {
    let clock = Clock::fixed("2026-11-01T12:00:00Z".parse().unwrap());
    let stage = Stage::set_with(|options| options.clock = clock.clone()).await;
    stage.observe().await;
    clock.advance(SignedDuration::from_mins(14));
    stage.observe().await;
    assert_eq!(stage.count("Login"), 1);
    clock.advance(SignedDuration::from_mins(15));
    stage.observe().await;
    assert_eq!(stage.count("Login"), 2);
    let heard = stage.tap.heard();
    let refused = heard
        .iter()
        .filter(|heard| heard.answer["error"]["data"] == 1701);
    assert_eq!(refused.count(), 1);
}
