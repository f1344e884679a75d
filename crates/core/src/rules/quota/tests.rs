//! The ledger over tables.

use serde_json::json;

use super::{
    Amounts, Ledger, Measure, Membership, Rank, Shortage, allotment, amounts, overcommit, wanted,
};
use crate::{api::Kind, estate::Settings};

type TestLedger = Ledger<&'static str, u8>;

const POOL: &str = "northwind";

fn storage(amount: u64) -> Amounts {
    [Some(amount), None, None, None]
}

fn rank(claimant: u8) -> Rank {
    Rank {
        created: jiff::Timestamp::from_second(i64::from(claimant)).expect("an instant"),
        name: format!("c{claimant}"),
    }
}

fn claim(held: u64, wanted: u64) -> [Membership<&'static str>; 1] {
    [Membership {
        pool: POOL,
        held: storage(held),
        wanted: storage(wanted),
        perhaps: [None; 4],
    }]
}

fn with_room(amount: u64) -> TestLedger {
    let mut ledger = TestLedger::default();
    ledger.allot(&POOL, storage(amount));
    ledger
}

fn declare(ledger: &mut TestLedger, who: u8, held: u64, wanted: u64) -> bool {
    let outcome = ledger.declare(&who, &rank(who), &claim(held, wanted), true);
    outcome.shortages.is_empty()
}

// R-N6: whatever a platform says of one object, what the others have is counted right afterwards.
#[test]
fn an_absurd_figure_that_is_corrected_leaves_the_others_as_they_were() {
    let mut ledger = with_room(100);
    for (who, held) in [(1, u64::MAX), (2, 60), (1, 10)] {
        ledger.enrol(&who, &rank(who), &claim(held, held));
    }
    assert_eq!(ledger.taken(&POOL)[0], 70);
    assert!(!declare(&mut ledger, 3, 0, 31));
}

// R-V20, R-N6
#[test]
fn of_fifty_equal_claims_twenty_are_granted_and_kept() {
    let mut ledger = with_room(200);
    let granted: Vec<bool> = (0..50)
        .map(|who| declare(&mut ledger, who, 0, 10))
        .collect();
    assert_eq!(granted.iter().filter(|granted| **granted).count(), 20);
    let again: Vec<bool> = (0..50)
        .rev()
        .map(|who| declare(&mut ledger, who, 0, 10))
        .collect();
    assert!(
        granted.iter().eq(again.iter().rev()),
        "what is granted is kept"
    );
    assert_eq!(ledger.taken(&POOL), [200, 0, 0, 0]);
}

// R-N6
#[test]
fn room_goes_to_the_next_in_order_and_a_large_claim_does_not_block_a_small_one() {
    let mut ledger = with_room(100);
    assert!(declare(&mut ledger, 1, 0, 90));
    assert!(!declare(&mut ledger, 3, 0, 50));
    assert!(!declare(&mut ledger, 2, 0, 40));
    assert!(declare(&mut ledger, 4, 0, 10), "fits beside");
    assert_eq!(ledger.leave(&1), [2, 3], "older first, both fit");
    assert_eq!(ledger.taken(&POOL), [100, 0, 0, 0]);
}

// R-V20
#[test]
fn what_the_platform_holds_counts_and_a_decrease_frees_only_when_it_is_carried_out() {
    let mut ledger = with_room(100);
    assert!(declare(&mut ledger, 1, 80, 80));
    assert!(!declare(&mut ledger, 2, 0, 40));
    assert!(
        declare(&mut ledger, 1, 80, 50),
        "a decrease is always granted"
    );
    assert!(!declare(&mut ledger, 2, 0, 40), "and frees nothing yet");
    let outcome = ledger.declare(&1, &rank(1), &claim(50, 50), true);
    assert_eq!(outcome.promoted, [2]);
}

// F4, N6
#[test]
fn while_a_change_is_in_doubt_nothing_granted_is_given_back() {
    let mut ledger = with_room(100);
    assert!(declare(&mut ledger, 1, 10, 100));
    let outcome = ledger.declare(&1, &rank(1), &claim(10, 10), false);
    assert!(outcome.shortages.is_empty());
    assert!(!declare(&mut ledger, 2, 0, 40));
    let outcome = ledger.declare(&1, &rank(1), &claim(10, 10), true);
    assert_eq!(outcome.promoted, [2]);
}

// R-S4
#[test]
fn who_moves_keeps_the_old_place_taken_until_it_has_moved() {
    let mut ledger = with_room(100);
    ledger.allot(&"contoso", storage(50));
    assert!(declare(&mut ledger, 1, 60, 60));
    let member = |pool, held, wanted| Membership {
        pool,
        held: storage(held),
        wanted: storage(wanted),
        perhaps: [None; 4],
    };
    let moving = [member(POOL, 60, 0), member("contoso", 0, 60)];
    let outcome = ledger.declare(&1, &rank(1), &moving, true);
    assert_eq!(outcome.shortages.len(), 1);
    assert_eq!(outcome.shortages[0].pool, "contoso");
    assert_eq!(ledger.allot(&"contoso", storage(60)), [1]);
    assert_eq!(ledger.taken(&POOL)[0], 60);
    let moved = [member("contoso", 60, 60)];
    assert!(
        ledger
            .declare(&1, &rank(1), &moved, true)
            .shortages
            .is_empty()
    );
    assert_eq!(ledger.taken(&POOL)[0], 0);
}

// R-V7
#[test]
fn a_claim_is_granted_whole_or_not_at_all() {
    let mut ledger = TestLedger::default();
    ledger.allot(&POOL, [Some(100), Some(5), None, None]);
    let both = [Membership {
        pool: POOL,
        held: [None; 4],
        wanted: [Some(10), Some(6), None, None],
        perhaps: [None; 4],
    }];
    let outcome = ledger.declare(&1, &rank(1), &both, true);
    let short: Vec<Measure> = outcome
        .shortages
        .iter()
        .map(|shortage| shortage.measure)
        .collect();
    assert_eq!(short, [Measure::Licences]);
    assert_eq!(ledger.taken(&POOL), [0; 4]);
}

// R-D33: an expired licence ends a quota in the ledger as it does in status, stated or only held.
#[test]
fn an_expired_licence_ends_a_quota() {
    let of = |document| Settings::from_document(Kind::Tenant, &document).expect("it fits");
    let at = |text: &str| -> jiff::Timestamp { text.parse().expect("an instant") };
    let (before, after) = (at("2026-05-31T23:59:59Z"), at("2026-06-01T00:00:00Z"));
    let held = of(json!({"quota": {"credits": "5"}, "licenceExpiresAt": "2026-06-01T00:00:00Z"}));
    let credits = [None, None, None, Some(5_000)];
    assert_eq!(amounts(Kind::Tenant, &held, before), credits);
    assert_eq!(amounts(Kind::Tenant, &held, after), [None; 4]);
    let silent = of(json!({"quota": {"credits": "5"}}));
    assert_eq!(wanted(Kind::Tenant, &silent, Some(&held), before), credits);
    assert_eq!(wanted(Kind::Tenant, &silent, Some(&held), after), [None; 4]);
    let prolonged = of(json!({"licenceExpiresAt": "2027-06-01T00:00:00Z"}));
    assert_eq!(
        wanted(Kind::Tenant, &prolonged, Some(&held), after),
        credits
    );
}

// R-N6, R-V20: deleted and applied again while its children stay, a reseller finds in its pool what they have.
#[test]
fn a_pool_that_is_closed_keeps_what_is_taken_of_it_and_grants_nothing_until_it_is_opened_again() {
    let mut ledger = with_room(100);
    assert!(declare(&mut ledger, 1, 60, 60));
    ledger.close(&POOL);
    assert!(
        !declare(&mut ledger, 2, 0, 50),
        "nobody says how much there is"
    );
    assert!(declare(&mut ledger, 1, 60, 60), "what is held stays");
    assert_eq!(ledger.allot(&POOL, storage(100)), [] as [u8; 0]);
    assert_eq!(ledger.taken(&POOL)[0], 60);
    assert_eq!(ledger.allot(&POOL, storage(110)), [2]);
}

// R-N6: a claimant that asks before the amount of the pool is declared waits.
#[test]
fn nothing_is_granted_of_a_pool_that_nobody_has_opened() {
    let mut ledger = TestLedger::default();
    assert!(!declare(&mut ledger, 2, 0, 80));
    assert!(!declare(&mut ledger, 1, 0, 80));
    assert_eq!(ledger.allot(&POOL, storage(100)), [1], "the older is first");
}

// R-D33
#[test]
fn a_quota_that_has_ended_takes_nothing() {
    let settings = json!({"quota": {"credits": "12.5", "endsAt": "2026-06-01T00:00:00Z"}});
    let settings = Settings::from_document(Kind::Tenant, &settings).expect("it fits");
    let at = |text: &str| -> jiff::Timestamp { text.parse().expect("an instant") };
    let before = amounts(Kind::Tenant, &settings, at("2026-05-31T23:59:59Z"));
    assert_eq!(before, [None, None, None, Some(12_500)]);
    assert_eq!(
        amounts(Kind::Tenant, &settings, at("2026-06-01T00:00:00Z")),
        [None; 4]
    );
}

#[test]
fn what_the_spec_leaves_out_stays_as_the_platform_holds_it() {
    let now = jiff::Timestamp::UNIX_EPOCH;
    let spec = |document| Settings::from_document(Kind::Customer, &document).expect("it fits");
    let held = spec(json!({"limits": {"storage": 7, "licences": {"mode": "Fixed", "count": 3}}}));
    let holds = amounts(Kind::Customer, &held, now);
    assert_eq!(holds, [Some(7), Some(3), None, None]);
    let held = Some(&held);
    assert_eq!(wanted(Kind::Customer, &spec(json!({})), held, now), holds);
    let cleared = spec(json!({"limits": {"storage": "", "licences": {"mode": "Automatic"}}}));
    assert_eq!(wanted(Kind::Customer, &cleared, held, now), [None; 4]);
    let less = allotment(&storage(5), Some(&storage(9)));
    assert_eq!(less, storage(5), "nobody gets what is going away");
    assert_eq!(
        allotment(&storage(9), Some(&storage(5))),
        storage(5),
        "nor what isn't there yet"
    );
}

// R-V3
#[test]
fn a_shortage_says_the_numbers_and_what_to_do() {
    let shortage = Shortage {
        pool: "Reseller northwind".to_owned(),
        measure: Measure::Storage,
        wanted: 500 << 30,
        has: 100 << 30,
        free: 120 << 30,
        allotted: 20 << 40,
    };
    let refusal = overcommit(Kind::Customer, &[shortage]).expect("a refusal");
    assert_eq!(
        refusal.text(),
        "limits.storage: it asks for 500Gi and has 100Gi, and Reseller northwind has 120Gi of its 20Ti storage left. Ask for less, \
         free some elsewhere, or raise the allotment of Reseller northwind; it is granted as soon as there is room (rule \
         storage-overcommit)."
    );
}
