use tokio::time::advance;

use super::*;
use crate::{Problem, ProblemKind};

fn down() -> PlatformError {
    PlatformError::Unreachable("GET /v1/customers: timed out".to_owned())
}

fn fail(breaker: &Breaker, times: u32) {
    for _ in 0..times {
        breaker.enter().unwrap().settle(Some(&down()));
    }
}

#[tokio::test(start_paused = true)]
async fn opens_after_five_failures_in_a_row_and_closes_after_one_probe() {
    // F12
    let breaker = Breaker::default();
    fail(&breaker, 4);
    breaker.enter().unwrap().settle(None);
    fail(&breaker, 4);
    assert_eq!(
        breaker.refusal(),
        None,
        "a success in between starts the count anew"
    );
    fail(&breaker, 1);
    let refusal = breaker.refusal().unwrap();
    assert!(
        matches!(&refusal, PlatformError::Unavailable(text) if text.contains("timed out")),
        "{refusal}"
    );
    advance(FIRST_REST).await;
    let probe = breaker.enter().unwrap();
    assert!(breaker.enter().is_err(), "one probe at a time");
    assert!(probe.settle(None), "the outage is over");
    assert_eq!(breaker.refusal(), None);
}

#[tokio::test(start_paused = true)]
async fn rests_double_up_to_two_minutes() {
    let breaker = Breaker::default();
    fail(&breaker, FAILURES);
    for rest in [10, 20, 40, 80, 120, 120] {
        advance(Duration::from_millis(rest * 1000 - 1)).await;
        assert!(
            breaker.enter().is_err(),
            "still resting after almost {rest} s"
        );
        advance(Duration::from_millis(1)).await;
        fail(&breaker, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_given_up_leaves_the_next_request_to_probe() {
    let breaker = Breaker::default();
    fail(&breaker, FAILURES);
    advance(FIRST_REST).await;
    drop(breaker.enter().unwrap());
    assert!(breaker.enter().unwrap().settle(None));
}

#[tokio::test(start_paused = true)]
async fn late_answers_of_the_time_before_decide_nothing() {
    let breaker = Breaker::default();
    let late = breaker.enter().unwrap();
    fail(&breaker, FAILURES);
    assert!(!late.settle(None));
    assert!(breaker.refusal().is_some());
}

#[tokio::test(start_paused = true)]
async fn refusals_and_waits_are_answers() {
    let breaker = Breaker::default();
    let refused: PlatformError = Problem {
        kind: ProblemKind::Conflict,
        field: None,
        detail: String::new(),
        remedy: None,
        conflicting_id: None,
    }
    .into();
    let throttled = PlatformError::Throttled {
        retry_after: Duration::from_secs(1),
    };
    for _ in 0..20 {
        breaker.enter().unwrap().settle(Some(&refused));
        breaker.enter().unwrap().settle(Some(&throttled));
    }
    assert_eq!(breaker.refusal(), None);
}

#[tokio::test(start_paused = true)]
async fn a_bad_credential_stays_one_while_the_breaker_rests() {
    // F16
    let breaker = Breaker::default();
    let bad = PlatformError::Unauthorised("GET /v1/customers answered 401".to_owned());
    for _ in 0..FAILURES {
        breaker.enter().unwrap().settle(Some(&bad));
    }
    assert_eq!(breaker.refusal(), Some(bad));
}
