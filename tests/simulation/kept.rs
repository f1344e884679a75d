//! Stories that broke something once, shrunk to what that needed. They stay, whatever seeds tell later.

use std::time::Duration;

use holdfast_api::Kind;
use holdfast_core::estate::Creation;
use serde_json::{Value, json};

use crate::{
    cast::{Role, Spec},
    platform::{Nature, Texts, Unsaid, Weather},
    play,
    processes::When,
    story::{Act, Story},
};

const NORTH: Role = (Kind::Reseller, "north");
const C: Role = (Kind::Customer, "c");

fn nature(creation: Creation) -> Nature {
    Nature {
        creation,
        texts: Texts::AsSent,
        ignores: None,
        lists_lag: Duration::ZERO,
        suspends: true,
        reuses_ids: false,
        unsaid: Unsaid::default(),
    }
}

fn holds(nature: Nature, operators: usize, acts: Vec<(u64, Act)>) {
    let acts = acts.into_iter();
    let story = Story {
        seed: 1,
        nature,
        operators,
        acts: acts
            .map(|(seconds, act)| (Duration::from_secs(seconds), act))
            .collect(),
    };
    if let Err(broken) = play(&story) {
        panic!("{broken}\n{story:?}");
    }
}

fn north(storage: &str, management: &str) -> Act {
    let spec = json!({
        "platformRef": {"name": "msp"}, "displayName": "Reseller north", "level": "Distributor",
        "allotment": {"storage": storage}, "management": management,
    });
    Act::Apply(NORTH, Spec(spec))
}

fn customer(role: Role, patch: &Value) -> Act {
    let mut spec = json!({"displayName": format!("Customer {}", role.1), "country": "DE"});
    json_patch::merge(&mut spec, patch);
    Act::Apply(role, Spec(spec))
}

// R-N6, R-S4: the limit was counted as one directly under the platform, and granted beyond what the reseller had.
#[test]
fn a_customer_whose_spec_names_no_reseller_any_more_gets_no_more_than_its_reseller_has() {
    let below = json!({"resellerRef": {"name": "north"}});
    let alone = json!({"platformRef": {"name": "msp"}, "limits": {"storage": "150Gi"}});
    holds(
        nature(Creation::ByReference),
        1,
        vec![
            (0, north("100Gi", "Manage")),
            (20, customer(C, &below)),
            (20, customer(C, &alone)),
        ],
    );
}

// R-N6: while nothing was written of the reseller, it counted as one without a limit, and what that granted stayed.
#[test]
fn a_reseller_that_is_only_observed_at_first_grants_no_more_than_it_allots() {
    let below = json!({"resellerRef": {"name": "north"}, "limits": {"storage": "150Gi"}});
    holds(
        nature(Creation::UniqueName),
        1,
        vec![
            (0, customer(C, &below)),
            (20, north("100Gi", "Observe")),
            (200, north("100Gi", "Manage")),
            (200, Act::Sweep),
        ],
    );
}

// R-S4: of two operators one had the platform's Lease and the other that of what resolves to no platform. Nothing told the
// other of the tenant when its customer's reseller went. Which gets which is by chance, so it is played several times.
#[test]
fn a_tenant_is_told_that_its_customers_reseller_is_gone_whichever_lease_an_operator_holds() {
    let gold = json!({
        "platformRef": {"name": "msp"}, "planName": "Gold",
        "products": [{"product": "HybridWorkloads", "edition": "Enterprise", "workloads": ["FileServers"]}],
    });
    let tenant = json!({
        "customerRef": {"name": "b"}, "servicePlanRef": {"name": "gold"}, "product": "HybridWorkloads",
    });
    let below = json!({"resellerRef": {"name": "north"}});
    let fails = |fails| Act::Cluster {
        fails,
        loses: 0,
        delay: Duration::ZERO,
    };
    for _ in 0..12 {
        holds(
            nature(Creation::ByReference),
            2,
            vec![
                (
                    0,
                    Act::Apply((Kind::ServicePlan, "gold"), Spec(gold.clone())),
                ),
                (0, north("100Gi", "Manage")),
                (0, customer((Kind::Customer, "b"), &below)),
                (0, Act::Apply((Kind::Tenant, "tb"), Spec(tenant.clone()))),
                (120, Act::Kill(0)),
                (0, Act::Kill(1)),
                (1, fails(500)),
                (0, Act::Start(0)),
                (0, Act::Start(1)),
                (40, fails(0)),
                (60, Act::Delete(NORTH)),
            ],
        );
    }
}

// I1: a creation whose answer is lost, and a process that dies at the next write to the cluster, on a platform that makes a
// second object of one claim.
#[test]
fn a_creation_that_is_not_repeatable_survives_a_lost_answer_and_a_death() {
    let weather = Weather {
        loses: 1000,
        ..Weather::default()
    };
    for requests in 0..6 {
        let dies = Act::KillAt {
            operator: 0,
            requests,
            when: When::After,
        };
        let alone = json!({"platformRef": {"name": "msp"}});
        holds(
            nature(Creation::AskFirst),
            2,
            vec![
                (30, Act::Platform(weather)),
                (0, dies),
                (0, customer(C, &alone)),
                (40, Act::Platform(Weather::default())),
                (5, Act::Start(0)),
            ],
        );
    }
}

// I1, F21: what had been sent seconds ago was half an hour old, and was sent again.
#[test]
fn a_creation_under_way_is_not_repeated_because_the_clock_is_set_forward() {
    let late = |late| {
        Act::Platform(Weather {
            late,
            ..Weather::default()
        })
    };
    let edited = json!({"platformRef": {"name": "msp"}, "profile": {"phone": "+49 30 5550100"}});
    holds(
        nature(Creation::AskFirst),
        1,
        vec![
            (20, late(1000)),
            (0, customer(C, &json!({"platformRef": {"name": "msp"}}))),
            (2, Act::Clock(1800)),
            (0, late(0)),
            (0, customer(C, &edited)),
        ],
    );
}

// I1: whoever strips the finalizer of a resource and applies it again gets a second object of what was on its way.
#[test]
fn a_resource_that_comes_again_knows_what_the_one_before_it_has_sent() {
    let late = |late| {
        Act::Platform(Weather {
            late,
            ..Weather::default()
        })
    };
    let alone = json!({"platformRef": {"name": "msp"}});
    holds(
        nature(Creation::AskFirst),
        1,
        vec![
            (20, late(1000)),
            (0, customer(C, &alone)),
            (3, Act::Strip(C)),
            (2, late(0)),
            (2, customer(C, &alone)),
        ],
    );
}

// I3: deletions that waited in line for the budget were sent half a minute after the platform had been paused.
#[test]
fn a_deletion_that_waits_in_line_is_not_sent_once_the_platform_is_paused() {
    let queues = Act::Platform(Weather {
        queues: Duration::from_secs(25),
        ..Weather::default()
    });
    let all = ["a", "b", "c", "d"].map(|name| (Kind::Customer, name));
    let goes = json!({"platformRef": {"name": "msp"}, "deletionPolicy": "Delete"});
    let made = all.map(|role| (0, customer(role, &goes)));
    let deleted = all.map(|role| (0, Act::Delete(role)));
    let mut acts = made.to_vec();
    acts.push((30, queues));
    acts.extend(deleted);
    acts.push((1, Act::Manage("Paused")));
    acts.push((60, Act::Platform(Weather::default())));
    holds(nature(Creation::ByReference), 1, acts);
}

// R-N6: it was granted to the customer while the reseller had neither an object nor a limit, and taken when it had both.
#[test]
fn a_customer_that_waits_for_its_reseller_gets_no_more_than_that_has_in_the_end() {
    let below =
        |reseller: &str| json!({"resellerRef": {"name": reseller}, "limits": {"storage": "150Gi"}});
    let reseller = |name: &'static str, patch: Value| {
        let mut spec =
            json!({"platformRef": {"name": "msp"}, "displayName": format!("Reseller {name}")});
        json_patch::merge(&mut spec, &patch);
        Act::Apply((Kind::Reseller, name), Spec(spec))
    };
    let south = |patch: Value| {
        let mut spec = json!({"level": "Reseller", "parentRef": {"name": "north"}});
        json_patch::merge(&mut spec, &patch);
        reseller("south", spec)
    };
    holds(
        nature(Creation::ByReference),
        1,
        vec![
            (0, south(json!({}))),
            (20, customer(C, &below("south"))),
            (20, south(json!({"allotment": {"storage": "100Gi"}}))),
            (20, north("100Gi", "Manage")),
        ],
    );
    let refuses = |refuses| {
        Act::Platform(Weather {
            refuses,
            ..Weather::default()
        })
    };
    holds(
        nature(Creation::ByReference),
        1,
        vec![
            (0, refuses(1000)),
            (0, reseller("north", json!({"level": "Distributor"}))),
            (20, customer(C, &below("north"))),
            (20, north("100Gi", "Manage")),
            (20, refuses(0)),
        ],
    );
}

// R-N6, R-S4: a customer that moves below a reseller which goes at the same moment was counted nowhere.
#[test]
fn a_customer_that_moves_below_a_reseller_that_goes_counts_where_it_is() {
    let south = json!({
        "platformRef": {"name": "msp"}, "displayName": "Reseller south", "level": "Reseller",
        "allotment": {"storage": "100Gi"},
    });
    let north = json!({"platformRef": {"name": "msp"}, "displayName": "Reseller north", "level": "Distributor"});
    let below =
        |reseller| json!({"resellerRef": {"name": reseller}, "limits": {"storage": "100Gi"}});
    let d = (Kind::Customer, "d");
    holds(
        nature(Creation::ListAndMark),
        1,
        vec![
            (1, Act::Apply((Kind::Reseller, "south"), Spec(south))),
            (4, customer(C, &below("south"))),
            (4, Act::Apply(NORTH, Spec(north))),
            (28, customer(d, &below("south"))),
            (28, Act::Isolate(0)),
            (2, customer(C, &below("north"))),
            (13, Act::Delete(NORTH)),
        ],
    );
}
