use proptest::prelude::*;

use super::*;

fn limit(requests_per_second: u32, burst: u32) -> Option<RateLimit> {
    Some(RateLimit {
        requests_per_second: NonZeroU32::new(requests_per_second)?,
        burst: NonZeroU32::new(burst)?,
    })
}

fn share(limit: Option<RateLimit>) -> Arc<BudgetShare> {
    Arc::new(Budgets::default().for_credential(Fingerprint::of(&["test"]), limit))
}

/// Takes `count` tokens, all asked for at once; answers when each came, since now.
async fn take(share: &Arc<BudgetShare>, lane: Lane, count: usize) -> Vec<Duration> {
    let start = Instant::now();
    let tasks = (0..count).map(|_| {
        let share = Arc::clone(share);
        tokio::spawn(async move {
            share.acquire(lane).await.unwrap();
            start.elapsed()
        })
    });
    let mut times = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        times.push(task.await.unwrap());
    }
    times.sort();
    times
}

fn millis(times: &[Duration]) -> Vec<u128> {
    times.iter().map(Duration::as_millis).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    // I6: calls per window never exceed the bucket, whatever the traffic; after a 429 none leaves before Retry-After.
    #[test]
    fn no_window_exceeds_the_bucket(
        rate in 1u32..20,
        burst in 1u32..20,
        steps in proptest::collection::vec((0u64..700, prop::option::weighted(0.05, 1u64..5000)), 1..400),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let (taken, pauses) = runtime.block_on(async {
            let share = share(limit(rate, burst));
            let (mut now, mut taken, mut pauses) = (Instant::now(), Vec::new(), Vec::new());
            for (gap, pause) in &steps {
                tokio::time::advance(Duration::from_millis(*gap)).await;
                now += Duration::from_millis(*gap);
                if let Some(pause) = pause {
                    share.pause(Duration::from_millis(*pause));
                    pauses.push((taken.len(), now + Duration::from_millis(*pause)));
                }
                while share.state().take(now).is_ok() {
                    taken.push(now);
                }
            }
            (taken, pauses)
        });
        for (first, from) in taken.iter().enumerate() {
            for (last, to) in taken.iter().enumerate().skip(first) {
                let allowed = f64::from(burst) + (*to - *from).as_secs_f64() * f64::from(rate);
                prop_assert!(f64::from(u32::try_from(last - first + 1).unwrap()) <= allowed + 1e-6);
            }
        }
        for (before, until) in pauses {
            prop_assert!(taken[before..].iter().all(|at| *at >= until));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_burst_leaves_at_once_and_the_rest_at_the_steady_rate() {
    let share = share(limit(5, 3));
    let times = take(&share, Lane::Edit, 6).await;
    assert_eq!(millis(&times), [0, 0, 0, 200, 400, 600]);
}

#[tokio::test(start_paused = true)]
async fn an_edit_waits_for_one_token_however_many_sweeps_stand_in_line() {
    let share = share(limit(2, 1));
    let sweeps = tokio::spawn({
        let share = Arc::clone(&share);
        async move { take(&share, Lane::Sweep, 10).await }
    });
    tokio::time::sleep(Duration::from_millis(600)).await;
    let edits = take(&share, Lane::Edit, 3).await;
    // Sweeps left at 0 and 500 ms; the edits take the tokens of 1000, 1500 and 2000 ms.
    assert_eq!(millis(&edits), [400, 900, 1400]);
    let sweeps = sweeps.await.unwrap();
    assert_eq!(millis(&sweeps)[..4], [0, 500, 2500, 3000]);
}

#[tokio::test(start_paused = true)]
async fn after_a_429_nothing_leaves_early_and_no_burst_follows() {
    // I6, F11
    let share = share(limit(10, 10));
    share.pause(Duration::from_secs(30));
    let refused = share.acquire(Lane::Edit).await.unwrap_err();
    assert_eq!(
        refused,
        PlatformError::Throttled {
            retry_after: Duration::from_secs(30)
        },
        "an edit's worker isn't held for half a minute"
    );
    let times = take(&share, Lane::Sweep, 3).await;
    assert_eq!(millis(&times), [30_000, 30_100, 30_200]);
}

#[tokio::test(start_paused = true)]
async fn a_quarter_of_an_hour_is_too_long_for_a_sweep_too() {
    let share = share(None);
    share.pause(Duration::from_secs(900));
    assert!(matches!(
        share.acquire(Lane::Sweep).await,
        Err(PlatformError::Throttled { .. })
    ));
    tokio::time::sleep(Duration::from_secs(900)).await;
    assert_eq!(share.acquire(Lane::Sweep).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_shorter_pause_does_not_cut_a_longer_one() {
    let share = share(None);
    share.pause(Duration::from_secs(4));
    share.pause(Duration::from_secs(1));
    assert_eq!(millis(&take(&share, Lane::Edit, 1).await), [4000]);
}

#[tokio::test(start_paused = true)]
async fn platforms_of_one_credential_share_the_strictest_limit_and_every_pause() {
    let budgets = Budgets::default();
    let credential = || Fingerprint::of(&["druva", "https://example", "secret"]);
    let loose = Arc::new(budgets.for_credential(credential(), limit(100, 100)));
    let strict = Arc::new(budgets.for_credential(credential(), limit(1, 1)));
    assert_eq!(millis(&take(&loose, Lane::Sweep, 2).await), [0, 1000]);
    drop(strict);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(millis(&take(&loose, Lane::Edit, 100).await), [0; 100]);
    // A pause outlives the adapter that caused it.
    loose.pause(Duration::from_secs(3));
    drop(loose);
    let anew = Arc::new(budgets.for_credential(credential(), limit(100, 100)));
    assert_eq!(millis(&take(&anew, Lane::Edit, 1).await), [3000]);
    // F11: other credentials aren't touched.
    let other = Arc::new(budgets.for_credential(
        Fingerprint::of(&["druva", "https://examples", "ecret"]),
        None,
    ));
    anew.pause(Duration::from_secs(3));
    assert_eq!(millis(&take(&other, Lane::Edit, 50).await), [0; 50]);
}

#[tokio::test(start_paused = true)]
async fn traffic_comes_back_gently_after_an_outage() {
    // F12
    let share = share(limit(10, 100));
    share.ramp_up();
    let times = take(&share, Lane::Sweep, 400).await;
    let within = |seconds| times.iter().filter(|time| time.as_secs() < seconds).count();
    assert!(
        (25..=30).contains(&within(10)),
        "a quarter of the rate at first: {}",
        within(10)
    );
    assert!((110..=170).contains(&within(30)), "{}", within(30));
    let next = times[398] + Duration::from_millis(100);
    assert_eq!(times[399], next, "the full rate in the end");
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_given_up_costs_nothing_and_blocks_nobody() {
    let share = share(limit(1, 1));
    share.acquire(Lane::Edit).await.unwrap();
    let impatient =
        tokio::time::timeout(Duration::from_millis(100), share.acquire(Lane::Edit)).await;
    assert!(impatient.is_err());
    assert_eq!(millis(&take(&share, Lane::Sweep, 1).await), [900]);
}
