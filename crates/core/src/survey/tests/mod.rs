//! Which resource holds what and is granted how much, whatever is added, removed, added again and restarted.

mod anew;
mod below;
mod billed;
mod histories;
mod roll;
mod world;

use serde_json::json;

use super::{ResourceRef, created_at, index::Title};
use crate::{
    api::{Customer, Kind, Reseller, Tenant},
    estate::{Facts, Object, ObjectId, Protection, Settings},
};
use world::{SCOPES, World};

fn reseller(storage: u64) -> serde_json::Value {
    json!({"platformRef": {"name": "msp"}, "displayName": "R", "allotment": {"storage": storage.to_string()}})
}

fn below(reseller: &str, storage: u64) -> serde_json::Value {
    json!({"resellerRef": {"name": reseller}, "displayName": "C", "country": "DE", "limits": {"storage": storage.to_string()}})
}

fn licensed(count: u64) -> serde_json::Value {
    json!({"platformRef": {"name": "msp"}, "displayName": "C", "country": "DE", "limits": {"licences": {"mode": "Fixed", "count": count}}})
}

fn fits<K: world::Stored>(world: &mut World, scope: usize, name: &str) -> bool {
    let observation = world.look::<K>(scope, name).expect("its platform is open");
    observation.neighbours.shortages.is_empty()
}

/// A reseller that allots 10, of which the customer a has all.
fn full() -> World {
    let mut world = World::new();
    world.declare::<Reseller>(0, "r", &reseller(10));
    assert!(world.carry_out::<Reseller>(0, "r"));
    world.declare::<Customer>(0, "a", &below("r", 10));
    assert!(world.carry_out::<Customer>(0, "a"));
    world
}

fn customer_ref(scope: usize, name: &str) -> ResourceRef {
    ResourceRef {
        kind: Kind::Customer,
        namespace: SCOPES[scope].into(),
        name: name.into(),
    }
}

// R-N6, R-V20: of 20Ti granted to three, 23Ti were given after the reseller had been applied again.
#[test]
fn a_reseller_that_is_applied_again_finds_what_its_children_have() {
    let mut world = World::new();
    world.declare::<Reseller>(0, "r", &reseller(20));
    assert!(world.carry_out::<Reseller>(0, "r"));
    for name in ["a", "b"] {
        world.declare::<Customer>(0, name, &below("r", 10));
        assert!(world.carry_out::<Customer>(0, name));
    }
    world.remove::<Reseller>(0, "r");
    world.declare::<Reseller>(0, "r", &reseller(20));
    world.declare::<Customer>(0, "c", &below("r", 3));
    world.look::<Reseller>(0, "r");
    assert!(
        !fits::<Customer>(&mut world, 0, "c"),
        "a and b have all of it"
    );
    // The same after a restart in between, when it wasn't known where the children belong.
    world.remove::<Reseller>(0, "r");
    world.restart();
    world.sweep(0);
    world.declare::<Reseller>(0, "r", &reseller(20));
    world.look::<Reseller>(0, "r");
    assert!(
        !fits::<Customer>(&mut world, 0, "c"),
        "a and b have all of it"
    );
}

// R-N6: a customer that asks before the reseller has passed isn't served from a pool without a declared size.
#[test]
fn a_customer_that_passes_before_its_reseller_gets_no_more_than_there_is() {
    let mut world = World::new();
    world.declare::<Reseller>(0, "r", &reseller(20));
    world.declare::<Customer>(0, "a", &below("r", 15));
    world.declare::<Customer>(0, "b", &below("r", 15));
    assert!(!fits::<Customer>(&mut world, 0, "b"));
    assert!(
        !fits::<Customer>(&mut world, 0, "a"),
        "nothing can be below what has no object, and its spec may still change"
    );
    world.declare::<Reseller>(0, "r", &reseller(15));
    assert!(world.carry_out::<Reseller>(0, "r"));
    assert!(!fits::<Customer>(&mut world, 0, "b"), "the older is first");
    assert!(fits::<Customer>(&mut world, 0, "a"));
}

// R-N6, R-S4: a spec that names no reseller any more moves nothing, so what it asks for comes out of the same reseller.
#[test]
fn a_customer_whose_spec_names_no_reseller_any_more_takes_of_the_one_that_it_is_below() {
    let mut world = World::new();
    world.declare::<Reseller>(0, "r", &reseller(20));
    assert!(world.carry_out::<Reseller>(0, "r"));
    world.declare::<Customer>(0, "a", &below("r", 15));
    world.declare::<Customer>(0, "b", &below("r", 5));
    assert!(world.carry_out::<Customer>(0, "a"));
    assert!(world.carry_out::<Customer>(0, "b"));
    let mut spec = below("r", 10);
    spec["resellerRef"] = serde_json::Value::Null;
    spec["platformRef"] = json!({"name": "msp"});
    world.declare::<Customer>(0, "b", &spec);
    assert!(!fits::<Customer>(&mut world, 0, "b"), "a has the rest");
    world.declare::<Customer>(0, "a", &below("r", 5));
    assert!(world.carry_out::<Customer>(0, "a"));
    assert!(fits::<Customer>(&mut world, 0, "b"));
}

// R-N6
#[test]
fn what_a_paused_customer_holds_is_granted_to_nobody_else() {
    for restarts in [false, true] {
        let mut world = full();
        let mut paused = below("r", 10);
        paused["management"] = json!("Paused");
        world.declare::<Customer>(0, "a", &paused);
        if restarts {
            world.restart();
            world.sweep(0);
        }
        world.look::<Reseller>(0, "r");
        world.look::<Customer>(0, "a");
        world.declare::<Customer>(0, "b", &below("r", 5));
        assert!(!fits::<Customer>(&mut world, 0, "b"), "a has all of it");
        world.sweep(0);
        assert!(!fits::<Customer>(&mut world, 0, "b"), "a has all of it");
    }
}

// R-N6, I6: a list that leaves out what is there frees nothing: neither of one that is read by nobody since it is paused, nor
// of one whose pass hasn't read it yet, nor after a restart, nor of what no resource manages.
#[test]
fn what_a_list_leaves_out_is_granted_to_nobody_else() {
    for (management, restarts) in [
        ("Manage", false),
        ("Manage", true),
        ("Paused", false),
        ("Paused", true),
    ] {
        let mut world = full();
        let mut spec = below("r", 10);
        spec["management"] = json!(management);
        world.declare::<Customer>(0, "a", &spec);
        world.declare::<Customer>(0, "b", &below("r", 5));
        world.hidden = world.objects.keys().cloned().collect();
        if restarts {
            world.restart();
        }
        for _ in 0..3 {
            world.sweep(0);
            world.look::<Reseller>(0, "r");
            world.look::<Customer>(0, "a");
            let case = format!("{management}, {restarts}");
            assert!(!fits::<Customer>(&mut world, 0, "b"), "{case}");
        }
        world.hidden.clear();
        world.sweep(0);
        assert!(
            !world.carry_out::<Customer>(0, "b"),
            "{management}, {restarts}: a has all of it"
        );
    }
}

// R-N6: what the platform itself says is gone is free.
#[test]
fn what_the_platform_says_is_gone_is_free_for_others() {
    let mut world = full();
    world.declare::<Customer>(0, "b", &below("r", 5));
    let mut observed = below("r", 10);
    observed["management"] = json!("Observe");
    world.declare::<Customer>(0, "a", &observed);
    world
        .objects
        .retain(|_, object| object.kind != Kind::Customer);
    world.sweep(0);
    assert!(!fits::<Customer>(&mut world, 0, "b"), "it wasn't read yet");
    world.read::<Customer>(0, "a");
    world.look::<Customer>(0, "a");
    assert!(fits::<Customer>(&mut world, 0, "b"));
}

// R-N6, I6: what no resource manages is asked for when lists leave it out; what it holds is free once the platform says that it
// is gone.
#[test]
fn what_no_resource_manages_counts_until_the_platform_says_that_it_is_gone() {
    let mut world = full();
    world.remove::<Customer>(0, "a");
    world.declare::<Customer>(0, "b", &below("r", 5));
    world.hide(Kind::Customer);
    for _ in 0..3 {
        world.sweep(0);
        assert!(!fits::<Customer>(&mut world, 0, "b"));
    }
    world.hidden.clear();
    world.sweep(0);
    assert!(!fits::<Customer>(&mut world, 0, "b"));
    world
        .objects
        .retain(|_, object| object.kind != Kind::Customer);
    world.sweep(0);
    assert!(fits::<Customer>(&mut world, 0, "b"));
}

// R-N6: a reseller without an object of which nothing is written isn't one without a limit.
#[test]
fn a_reseller_that_is_only_observed_and_has_no_object_grants_nothing() {
    let mut world = World::new();
    let mut observed = reseller(10);
    observed["management"] = json!("Observe");
    world.declare::<Reseller>(0, "r", &observed);
    world.look::<Reseller>(0, "r");
    world.declare::<Customer>(0, "a", &below("r", 15));
    world.declare::<Customer>(0, "b", &below("r", 5));
    assert!(!fits::<Customer>(&mut world, 0, "a"));
    assert!(!fits::<Customer>(&mut world, 0, "b"));
}

// R-N6, R-S4: a reseller that comes back also finds the customer that is still below it while its spec names another.
#[test]
fn a_reseller_that_is_applied_again_finds_who_is_about_to_move_away() {
    let mut world = World::new();
    world.declare::<Reseller>(0, "r", &reseller(12));
    assert!(world.carry_out::<Reseller>(0, "r"));
    world.declare::<Customer>(0, "a", &below("r", 1));
    assert!(world.carry_out::<Customer>(0, "a"));
    world.remove::<Reseller>(0, "r");
    world.declare::<Customer>(0, "a", &below("other", 1));
    world.declare::<Reseller>(0, "other", &reseller(12));
    assert!(world.carry_out::<Reseller>(0, "other"));
    world.declare::<Reseller>(0, "r", &reseller(12));
    world.look::<Reseller>(0, "r");
    world.declare::<Customer>(0, "b", &below("r", 12));
    assert!(!fits::<Customer>(&mut world, 0, "b"), "a is still there");
    assert!(world.carry_out::<Customer>(0, "a"));
    assert!(fits::<Customer>(&mut world, 0, "b"));
}

// R-N6, R-V7
#[test]
fn two_platforms_of_one_account_share_its_licences_and_count_each_object_once() {
    let mut world = World::new();
    world.declare::<Customer>(0, "a", &licensed(12));
    assert!(world.carry_out::<Customer>(0, "a"));
    world.sweep(1);
    world.declare::<Customer>(1, "b", &licensed(8));
    assert!(fits::<Customer>(&mut world, 1, "b"), "a is counted once");
    world.declare::<Customer>(1, "c", &licensed(1));
    assert!(!fits::<Customer>(&mut world, 1, "c"), "and counted");
    world.restart();
    world.sweep(1);
    assert!(
        fits::<Customer>(&mut world, 1, "b"),
        "the other isn't observed yet, and known"
    );
    assert!(!fits::<Customer>(&mut world, 1, "c"));
    let woken = world.remove::<Customer>(1, "b");
    assert_eq!(woken, [customer_ref(1, "c")], "who waits is woken");
}

// R-N6: what leaves without our finalizer leaves the ledger, and what it leaves on the platform counts on.
#[test]
fn what_leaves_unseen_makes_room_once_its_object_is_gone() {
    let mut world = World::new();
    world.declare::<Customer>(0, "a", &licensed(20));
    assert!(world.carry_out::<Customer>(0, "a"));
    world.declare::<Customer>(1, "b", &licensed(5));
    assert!(!fits::<Customer>(&mut world, 1, "b"));
    assert_eq!(
        world.remove::<Customer>(0, "a"),
        [],
        "its object is still there"
    );
    assert!(!fits::<Customer>(&mut world, 1, "b"));
    world.objects.clear();
    assert_eq!(world.sweep(0), [customer_ref(1, "b")]);
    // Made and deleted before anything was made of it.
    world.declare::<Customer>(0, "c", &licensed(15));
    assert!(fits::<Customer>(&mut world, 0, "c"));
    world.declare::<Customer>(0, "d", &licensed(1));
    assert!(!fits::<Customer>(&mut world, 0, "d"));
    let d = customer_ref(0, "d");
    assert_eq!(world.remove::<Customer>(0, "c"), [d]);
}

// R-N6: after a restart a list leaves out the reseller, and the customer's spec names nothing above: it takes of the reseller still.
#[test]
fn who_stands_below_what_a_list_leaves_out_takes_of_it() {
    let mut world = World::new();
    world.declare::<Reseller>(0, "northwind", &reseller(5));
    assert!(world.carry_out::<Reseller>(0, "northwind"));
    world.declare::<Customer>(0, "a", &below("northwind", 3));
    assert!(world.carry_out::<Customer>(0, "a"));
    world.hide(Kind::Reseller);
    world.restart();
    world.sweep(0);
    let alone = json!({"platformRef": {"name": "msp"}, "displayName": "C", "country": "DE", "limits": {"storage": "30"}});
    world.declare::<Customer>(0, "a", &alone);
    assert!(!fits::<Customer>(&mut world, 0, "a"));
    world.hidden.clear();
    world.sweep(0);
    assert!(!fits::<Customer>(&mut world, 0, "a"));
    world.declare::<Reseller>(0, "northwind", &reseller(50));
    world.carry_out::<Reseller>(0, "northwind");
    assert!(fits::<Customer>(&mut world, 0, "a"));
}

// R-N6: an object whose settings can't be read holds what it held, or else what its spec asks for; and gives no more than was known.
#[test]
fn what_can_not_be_read_holds_what_it_held_and_gives_nothing_more() {
    for (kind, restarts) in [
        (Kind::Customer, false),
        (Kind::Customer, true),
        (Kind::Reseller, false),
        (Kind::Reseller, true),
    ] {
        let mut world = World::new();
        world.declare::<Reseller>(0, "northwind", &reseller(5));
        assert!(world.carry_out::<Reseller>(0, "northwind"));
        world.declare::<Customer>(0, "a", &below("northwind", 3));
        assert!(world.carry_out::<Customer>(0, "a"));
        for object in world.objects.values_mut() {
            if object.kind == kind {
                let place = json!({"name": object.name, "resellerId": object.parent()});
                object.settings = Settings::from_document(kind, &place).expect("a place");
                object.unreadable = Some("its settings are garbage".into());
            }
        }
        if restarts {
            world.restart();
        }
        world.sweep(0);
        world.declare::<Reseller>(0, "northwind", &reseller(50));
        world.look::<Reseller>(0, "northwind");
        world.look::<Customer>(0, "a");
        world.declare::<Customer>(0, "b", &below("northwind", 3));
        assert!(!fits::<Customer>(&mut world, 0, "b"), "{kind} {restarts}");
    }
}

// R-N6: what a list leaves out while its reseller goes and comes again counts once.
#[test]
fn what_a_list_leaves_out_while_its_reseller_comes_again_counts_once() {
    let mut world = World::new();
    world.declare::<Reseller>(0, "northwind", &reseller(5));
    assert!(world.carry_out::<Reseller>(0, "northwind"));
    world.declare::<Customer>(0, "a", &below("northwind", 3));
    assert!(world.carry_out::<Customer>(0, "a"));
    world.hide(Kind::Customer);
    world.sweep(0);
    world.remove::<Reseller>(0, "northwind");
    world.look::<Customer>(0, "a");
    world.declare::<Reseller>(0, "northwind", &reseller(5));
    world.look::<Reseller>(0, "northwind");
    world.declare::<Customer>(0, "b", &below("northwind", 2));
    assert!(fits::<Customer>(&mut world, 0, "b"), "a holds 3 of 5");
    world.declare::<Customer>(0, "c", &below("northwind", 1));
    assert!(!fits::<Customer>(&mut world, 0, "c"), "and no less");
}

// R-D33: the ledger changes at that instant by itself.
#[test]
fn what_waits_for_an_expired_licence_is_woken_when_it_expires() {
    let mut world = World::new();
    let customer = json!({"platformRef": {"name": "msp"}, "displayName": "C", "country": "DE", "limits": {"credits": "100"}});
    world.declare::<Customer>(0, "c", &customer);
    assert!(world.carry_out::<Customer>(0, "c"));
    let tenant = |product: &str, more: serde_json::Value| {
        let mut spec = json!({
            "customerRef": {"name": "c"}, "servicePlanRef": {"name": "gold"}, "product": product, "type": "Commercial",
            "storageRegions": ["eu"], "workloads": [{"name": "NAS"}], "quota": {"credits": "100"},
        });
        json_patch::merge(&mut spec, &more);
        spec
    };
    let expires = json!({"licenceExpiresAt": "2026-06-02T00:00:00Z"});
    world.declare::<Tenant>(0, "old", &tenant("HybridWorkloads", expires));
    world.carry_out::<Tenant>(0, "old");
    world.declare::<Tenant>(0, "next", &tenant("SaaSAppsAndEndpoints", json!({})));
    assert!(!fits::<Tenant>(&mut world, 0, "next"));
    world.now = "2026-06-02T00:00:00Z".parse().expect("an instant");
    let old = ResourceRef {
        kind: Kind::Tenant,
        namespace: SCOPES[0].into(),
        name: "old".into(),
    };
    let quotas = &world.scopes[0].survey.quotas;
    assert_eq!(quotas.end(world.now), [old]);
    let woken = world.look::<Tenant>(0, "old").expect("open").woken;
    assert_eq!(woken.len(), 1);
    assert_eq!(woken[0].name, "next");
    assert!(fits::<Tenant>(&mut world, 0, "next"));
}

// R-N6, R-D33: the end of a quota that is extended at the console is the later one.
#[test]
fn an_extended_quota_frees_nothing_at_its_old_end() {
    let (old, new) = ("2026-06-02T00:00:00Z", "2026-07-02T00:00:00Z");
    let mut world = World::new();
    let customer = json!({"platformRef": {"name": "msp"}, "displayName": "C", "country": "DE", "limits": {"credits": "100"}});
    world.declare::<Customer>(0, "c", &customer);
    assert!(world.carry_out::<Customer>(0, "c"));
    let tenant = |product: &str, ends: &str| {
        json!({
            "customerRef": {"name": "c"}, "servicePlanRef": {"name": "gold"}, "product": product, "type": "Commercial",
            "storageRegions": ["eu"], "workloads": [{"name": "NAS"}], "quota": {"credits": "100", "endsAt": ends},
        })
    };
    world.declare::<Tenant>(0, "old", &tenant("HybridWorkloads", old));
    world.carry_out::<Tenant>(0, "old");
    world.remove::<Tenant>(0, "old");
    world.sweep(0);
    world.declare::<Tenant>(0, "next", &tenant("SaaSAppsAndEndpoints", new));
    let mut tenants = world.objects.values_mut();
    let object = tenants.find(|object| object.kind == Kind::Tenant);
    let object = object.expect("what old has left");
    object
        .settings
        .set(Kind::Tenant, "quota.endsAt", new.into());
    world.sweep(0);
    world.now = old.parse().expect("an instant");
    assert_eq!(world.scopes[0].survey.quotas.end(world.now), []);
    assert!(!fits::<Tenant>(&mut world, 0, "next"));
}

// R-N6: between the note that a resource holds an object and its claim, a sweep gives nobody else what the object takes.
#[test]
fn a_sweep_amid_an_adoption_frees_nothing() {
    let mut world = full();
    world.declare::<Customer>(0, "b", &below("r", 5));
    assert!(!fits::<Customer>(&mut world, 0, "b"));
    world.remove::<Customer>(0, "a");
    world.sweep(0);
    let mut customers = world.objects.values();
    let id = customers.find(|object| object.kind == Kind::Customer);
    let id = id.expect("what a has left").id.clone();
    let index = &world.scopes[0].survey.index;
    index.note(
        &customer_ref(0, "a"),
        world.now,
        None,
        Some(("9f", &id, Title::Note)),
    );
    assert_eq!(world.sweep(0), []);
    assert!(!fits::<Customer>(&mut world, 0, "b"));
}

// R-N6: what the platform has said is gone stays so after the next list.
#[test]
fn a_list_after_it_was_said_to_be_gone_hides_no_shortage() {
    let mut world = full();
    world
        .objects
        .retain(|_, object| object.kind == Kind::Reseller);
    world.declare::<Customer>(0, "a", &below("r", 15));
    world.sweep(0);
    world.read::<Customer>(0, "a");
    assert!(!fits::<Customer>(&mut world, 0, "a"));
    world.sweep(0);
    assert!(!fits::<Customer>(&mut world, 0, "a"));
}

fn adopting(id: &str) -> serde_json::Value {
    json!({"platformRef": {"name": "msp"}, "displayName": "C", "country": "DE", "adopt": "ById", "externalId": id})
}

/// A customer that another tool has made.
fn foreign(id: &str) -> Object {
    Object {
        unreadable: None,
        kind: Kind::Customer,
        id: ObjectId::new(id),
        name: "Legacy".into(),
        claim: Some(crate::estate::Claim::new("other-tool-1")),
        etag: None,
        protection: Protection::None,
        created_at: None,
        settings: Settings::default(),
        facts: Facts::default(),
    }
}

// R-N4: after one restart in six the younger took the object and wrote over the older's fields.
#[test]
fn the_older_holds_what_both_name_whichever_platform_is_observed_first_and_the_younger_inherits() {
    for first in [0, 1] {
        let mut world = World::new();
        world.objects.insert(ObjectId::new("1042"), foreign("1042"));
        world.declare::<Customer>(0, "older", &adopting("1042"));
        world.declare::<Customer>(1, "younger", &adopting("1042"));
        world.restart();
        world.sweep(first);
        world.sweep(1 - first);
        let holder = |world: &mut World, scope, name: &str| {
            let known = world
                .look::<Customer>(scope, name)
                .and_then(|observation| observation.remote.known);
            known.expect("it is there").holder
        };
        let younger = holder(&mut world, 1, "younger");
        assert_eq!(younger.as_deref(), Some("Customer east/older"));
        assert_eq!(holder(&mut world, 0, "older"), None);
        let woken = world.remove::<Customer>(0, "older");
        assert!(woken.contains(&customer_ref(1, "younger")), "{woken:?}");
        assert_eq!(holder(&mut world, 1, "younger"), None);
    }
}

// R-N4: of two made in one second the name decides, and a later one with an older creation time is first from then on.
#[test]
fn an_older_resource_that_comes_later_takes_the_place_of_the_younger_which_is_woken() {
    let mut world = World::new();
    world.objects.insert(ObjectId::new("1042"), foreign("1042"));
    world.sweep(0);
    world.declare::<Customer>(0, "b", &adopting("1042"));
    world.look::<Customer>(0, "b");
    let born = created_at(&*world.get::<Customer>(0, "b").expect("it is there"));
    world.put::<Customer>(0, "a", &adopting("1042"), born);
    let woken = world.look::<Customer>(0, "a").expect("open").woken;
    assert_eq!(woken, [customer_ref(0, "b")]);
}

// R-V5, R-N6: of two customers that list one client the older keeps it, whatever namespace the other is in.
#[test]
fn a_client_listed_twice_on_one_account_is_the_older_ones() {
    let mut world = World::new();
    let listing = json!({"platformRef": {"name": "msp"}, "displayName": "C", "country": "DE", "clients": {"admission": "Listed", "ids": ["pc-1"]}});
    world.declare::<Customer>(1, "older", &listing);
    world.declare::<Customer>(0, "younger", &listing);
    let contested = |world: &mut World, scope, name: &str| {
        let observation = world.look::<Customer>(scope, name).expect("open");
        observation.remote.contested.get("pc-1").cloned()
    };
    let by = contested(&mut world, 0, "younger");
    assert_eq!(by.as_deref(), Some("Customer west/older"));
    assert_eq!(contested(&mut world, 1, "older"), None);
}

// R-N6, R-S4: where the platform has no resellers, what their customers hold stays theirs after a restart too, and a move
// waits until enough is free.
#[test]
fn below_a_reseller_that_the_platform_does_not_have_what_is_held_counts_and_a_move_waits_for_room()
{
    let mut world = World::new();
    world.has_resellers = false;
    world.restart();
    world.sweep(0);
    world.declare::<Customer>(0, "waiting", &below("r", 10));
    world.declare::<Reseller>(0, "r", &reseller(10));
    world.declare::<Reseller>(0, "small", &reseller(5));
    world.declare::<Customer>(0, "a", &below("r", 10));
    world.remove::<Customer>(0, "waiting");
    world.look::<Reseller>(0, "r");
    assert!(world.carry_out::<Customer>(0, "a"));
    world.put::<Customer>(0, "waiting", &below("r", 10), jiff::Timestamp::UNIX_EPOCH);
    world.restart();
    world.sweep(0);
    assert!(
        fits::<Customer>(&mut world, 0, "a"),
        "it holds that already"
    );
    assert!(
        !fits::<Customer>(&mut world, 0, "waiting"),
        "older, and yet too late"
    );
    world.declare::<Customer>(0, "a", &below("small", 10));
    assert!(
        !fits::<Customer>(&mut world, 0, "a"),
        "there is no room where it goes"
    );
    world.sweep(0);
    assert!(!fits::<Customer>(&mut world, 0, "a"));
    assert!(
        !fits::<Customer>(&mut world, 0, "waiting"),
        "it hasn't gone yet"
    );
    world.declare::<Reseller>(0, "small", &reseller(10));
    world.look::<Reseller>(0, "small");
    assert!(fits::<Customer>(&mut world, 0, "a"));
    assert!(fits::<Customer>(&mut world, 0, "waiting"));
}

// R-N6: the same where the reseller was missing at the start, so that it wasn't known where its customers belong.
#[test]
fn a_reseller_that_the_platform_does_not_have_finds_what_its_customers_hold_when_it_comes_back() {
    let mut world = World::new();
    world.has_resellers = false;
    world.restart();
    world.sweep(0);
    world.declare::<Reseller>(0, "r", &reseller(10));
    world.declare::<Customer>(0, "a", &below("r", 10));
    assert!(world.carry_out::<Customer>(0, "a"));
    world.remove::<Reseller>(0, "r");
    world.restart();
    world.sweep(0);
    world.put::<Customer>(0, "late", &below("r", 5), jiff::Timestamp::UNIX_EPOCH);
    world.declare::<Reseller>(0, "r", &reseller(10));
    assert!(!fits::<Customer>(&mut world, 0, "late"), "a has all of it");
}

// R-N6, F4: the process ended amid a change that is carried out late. Nobody else gets what it took, however old; and it may have that
// itself.
#[test]
fn what_a_process_asked_for_before_it_ended_is_granted_to_nobody_else() {
    let mut world = World::new();
    world.declare::<Reseller>(0, "r", &reseller(10));
    assert!(world.carry_out::<Reseller>(0, "r"));
    for name in ["older", "younger"] {
        world.declare::<Customer>(0, name, &below("r", 1));
        assert!(world.carry_out::<Customer>(0, name));
    }
    world.declare::<Customer>(0, "younger", &below("r", 9));
    assert!(fits::<Customer>(&mut world, 0, "younger"));
    let sent = |world: &World, intent: Option<serde_json::Value>| {
        let mut younger = (*world.get::<Customer>(0, "younger").expect("a customer")).clone();
        let status = younger.status.get_or_insert_default();
        status.managed.intent =
            intent.map(|intent| serde_json::from_value(intent).expect("an intent"));
        world.scopes[0].customers.put(younger);
    };
    let intent =
        json!({"id": "1", "step": "Update", "at": world.now, "fields": ["limits.storage"]});
    sent(&world, Some(intent));
    world.declare::<Customer>(0, "older", &below("r", 9));
    world.restart();
    world.sweep(0);
    assert!(!fits::<Customer>(&mut world, 0, "older"));
    assert!(fits::<Customer>(&mut world, 0, "younger"));
    assert!(!fits::<Customer>(&mut world, 0, "older"));
    // Now it is carried out, and recorded.
    assert!(world.carry_out::<Customer>(0, "younger"));
    sent(&world, None);
    world.sweep(0);
    assert!(fits::<Customer>(&mut world, 0, "younger"));
    assert!(!fits::<Customer>(&mut world, 0, "older"));
    // And what it doesn't need after all is free again.
    world.declare::<Customer>(0, "younger", &below("r", 1));
    assert!(world.carry_out::<Customer>(0, "younger"));
    assert!(fits::<Customer>(&mut world, 0, "older"));
}
