//! The inventory against a naive model of it: writes win over sweeps, indexes are exact, changes are just the changes.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::json;

use super::{Inventory, Key, Ticket};
use crate::{
    api::Kind,
    estate::{
        Account, Capabilities, Claim, Client, Creation, Facts, ItemKind, Object, ObjectId,
        Protection, Settings, Snapshot, Unreadable,
    },
};

const KINDS: [Kind; 2] = [Kind::Customer, Kind::Tenant];

fn object(kind: Kind, id: &str, name: &str, claim: Option<&str>, parent: Option<&str>) -> Object {
    let field = Object::parent_field(kind).expect("a kind with parents");
    let document = json!({"name": name, field: parent, "planId": parent});
    Object {
        kind,
        id: ObjectId::new(id),
        name: name.into(),
        claim: claim.map(Claim::new),
        etag: None,
        protection: Protection::None,
        created_at: None,
        unreadable: None,
        settings: Settings::from_document(kind, &document).expect("it fits"),
        facts: Facts::default(),
    }
}

fn customer(id: &str, name: &str) -> Object {
    object(Kind::Customer, id, name, Some(&format!("hf-{id}")), None)
}

fn observation(objects: Vec<Object>) -> Snapshot {
    Snapshot {
        capabilities: Capabilities {
            account: Account {
                id: "a".into(),
                name: "A".into(),
            },
            verbs: BTreeSet::new(),
            fields: BTreeMap::new(),
            fixed: BTreeMap::new(),
            creation: Creation::ByReference.everywhere(),
            apart: BTreeMap::new(),
            unlisted: BTreeMap::new(),
            products: BTreeSet::new(),
            console: BTreeMap::new(),
            lacking: BTreeMap::new(),
            default_customer: None,
        },
        objects,
        locations: Vec::new(),
        administrators: Vec::new(),
        licences: None,
        clients: Vec::new(),
        unreadable: crate::estate::Unread::default(),
    }
}

fn client(id: &str, customer: &str) -> Client {
    Client {
        id: ObjectId::new(id),
        customer_id: ObjectId::new(customer),
        etag: None,
    }
}

fn name_of(inventory: &Inventory, id: &str) -> Option<String> {
    inventory
        .get(Kind::Customer, &ObjectId::new(id))
        .map(|object| object.name.clone())
}

/// An inventory that has seen one complete sweep.
fn swept(objects: Vec<Object>) -> Inventory {
    let mut inventory = Inventory::default();
    let sweep = inventory.begin_sweep();
    inventory.install(sweep, observation(objects), false);
    inventory
}

// F14
#[test]
fn nothing_is_complete_before_the_first_sweep() {
    let mut inventory = Inventory::default();
    assert!(!inventory.is_complete());
    inventory.record(customer("1", "a"));
    assert!(!inventory.is_complete());
    assert!(swept(Vec::new()).is_complete());
}

// F5, F6
#[test]
fn a_write_during_a_sweep_wins_over_it_and_loses_to_the_next() {
    let mut inventory = swept(vec![customer("1", "old")]);
    let sweep = inventory.begin_sweep();
    inventory.record(customer("1", "written"));
    inventory.record(customer("2", "made"));
    let changes = inventory.install(sweep, observation(vec![customer("1", "old")]), false);
    assert!(changes.objects.is_empty());
    assert_eq!(name_of(&inventory, "1").as_deref(), Some("written"));
    assert_eq!(
        name_of(&inventory, "2").as_deref(),
        Some("made"),
        "not gone: the sweep is older"
    );

    let sweep = inventory.begin_sweep();
    inventory.install(sweep, observation(vec![customer("1", "by hand")]), false);
    assert_eq!(name_of(&inventory, "1").as_deref(), Some("by hand"));
    assert_eq!(name_of(&inventory, "2"), None);
}

// F5
#[test]
fn what_was_forgotten_does_not_come_back_from_an_older_sweep() {
    let mut inventory = swept(vec![customer("1", "a")]);
    let sweep = inventory.begin_sweep();
    inventory.forget(Kind::Customer, &ObjectId::new("1"));
    inventory.install(sweep, observation(vec![customer("1", "a")]), false);
    assert_eq!(name_of(&inventory, "1"), None);
    assert!(
        inventory
            .claimed(Kind::Customer, &Claim::new("hf-1"))
            .is_none()
    );

    let sweep = inventory.begin_sweep();
    inventory.install(sweep, observation(vec![customer("1", "a")]), false);
    assert_eq!(
        name_of(&inventory, "1").as_deref(),
        Some("a"),
        "the next one is believed"
    );
}

// I4
#[test]
fn an_unchanged_platform_brings_no_changes() {
    let mut inventory = swept(vec![customer("1", "a"), customer("2", "b")]);
    let sweep = inventory.begin_sweep();
    let observed = observation(vec![customer("2", "b"), customer("1", "a")]);
    let changes = inventory.install(sweep, observed, false);
    assert!(changes.objects.is_empty() && !changes.surroundings);
}

#[test]
fn the_surroundings_are_new_at_first_and_when_they_differ() {
    let mut inventory = Inventory::default();
    for (licences, expected) in [
        (None, true),
        (None, false),
        (Some(5), true),
        (Some(5), false),
    ] {
        let mut observed = observation(Vec::new());
        observed.licences = licences.map(|total| crate::estate::Licences { total, free: 0 });
        let sweep = inventory.begin_sweep();
        assert_eq!(
            inventory.install(sweep, observed, false).surroundings,
            expected
        );
    }
}

// I1: the platform shouldn't, but a person at its console could.
#[test]
fn of_two_objects_with_one_claim_the_other_is_found_when_one_goes() {
    let twin = |id: &str| object(Kind::Customer, id, id, Some("hf-one"), None);
    let claimed = |inventory: &Inventory| {
        let found = inventory.claimed(Kind::Customer, &Claim::new("hf-one"));
        found.map(|object| object.id.to_string())
    };
    let mut inventory = swept(vec![twin("2"), twin("1")]);
    assert_eq!(
        claimed(&inventory).as_deref(),
        Some("1"),
        "always the same of the two"
    );
    inventory.forget(Kind::Customer, &ObjectId::new("1"));
    assert_eq!(claimed(&inventory).as_deref(), Some("2"));
    inventory.forget(Kind::Customer, &ObjectId::new("2"));
    assert_eq!(claimed(&inventory), None);
}

fn with_clients(clients: Vec<Client>) -> Snapshot {
    Snapshot {
        clients,
        ..observation(vec![customer("1", "a"), customer("2", "b")])
    }
}

// R-V5
#[test]
fn a_client_that_moved_during_a_sweep_stays_moved_and_is_no_news() {
    let mut inventory = Inventory::default();
    let sweep = inventory.begin_sweep();
    inventory.install(sweep, with_clients(vec![client("pc", "1")]), true);
    let sweep = inventory.begin_sweep();
    inventory.record_client(client("pc", "2"));
    let changes = inventory.install(sweep, with_clients(vec![client("pc", "1")]), true);
    assert!(changes.objects.is_empty() && !changes.surroundings);
    let held = inventory.client(&ObjectId::new("pc")).expect("a client");
    assert_eq!(held.customer_id, ObjectId::new("2"));
}

// R-V4, R-V5
#[test]
fn a_client_that_came_went_or_moved_by_hand_is_news_to_those_who_list_it() {
    let mut inventory = Inventory::default();
    let sweep = inventory.begin_sweep();
    inventory.install(sweep, with_clients(Vec::new()), true);
    let mut sweeping = |clients: Vec<Client>| {
        let sweep = inventory.begin_sweep();
        inventory
            .install(sweep, with_clients(clients), true)
            .surroundings
    };
    assert!(sweeping(vec![client("pc", "1")]), "came");
    assert!(!sweeping(vec![client("pc", "1")]));
    assert!(sweeping(vec![client("pc", "2")]), "moved");
    assert!(sweeping(Vec::new()), "went");
    assert!(!sweeping(Vec::new()));
}

/// Something that happens to platform and inventory.
#[derive(Debug, Clone)]
enum Event {
    /// We write, and record the answer.
    Write(Object),
    /// We learn that an object is gone.
    Forget(Key),
    /// Another writer changes the platform.
    Elsewhere(Object),
    ElsewhereGone(Key),
    Begin,
    Install,
}

fn any_object() -> impl Strategy<Value = Object> {
    let parts = (
        prop::sample::select(KINDS.to_vec()),
        "[1-4]",
        "[a-bA-B]",
        prop::option::of("hf-[1-2]"),
        prop::option::of("[1-2]"),
    );
    parts.prop_map(|(kind, id, name, claim, parent)| {
        object(kind, &id, &name, claim.as_deref(), parent.as_deref())
    })
}

fn any_key() -> impl Strategy<Value = Key> {
    any_object().prop_map(|object| (object.kind, object.id))
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => any_object().prop_map(Event::Write),
        2 => any_key().prop_map(Event::Forget),
        2 => any_object().prop_map(Event::Elsewhere),
        1 => any_key().prop_map(Event::ElsewhereGone),
        2 => Just(Event::Begin),
        2 => Just(Event::Install),
    ]
}

type Objects = BTreeMap<Key, Object>;

/// The platform, and what the inventory should hold.
#[derive(Default)]
struct Naive {
    platform: Objects,
    known: Objects,
    /// Written or forgotten since the sweep under way began.
    since: BTreeSet<Key>,
    sweep: Option<(Ticket, Objects)>,
}

fn key(object: &Object) -> Key {
    (object.kind, object.id.clone())
}

/// What the inventory holds, once more, by looking at every object.
fn check_indexes(inventory: &Inventory) {
    let all: Vec<&Object> = inventory.objects().map(|object| &**object).collect();
    let ids = |wanted: &dyn Fn(&Object) -> bool| -> BTreeSet<String> {
        all.iter()
            .filter(|object| wanted(object))
            .map(|object| object.id.to_string())
            .collect()
    };
    let found = |objects: Vec<&std::sync::Arc<Object>>| -> BTreeSet<String> {
        objects
            .into_iter()
            .map(|object| object.id.to_string())
            .collect()
    };
    for kind in KINDS {
        for number in ["1", "2"] {
            let claim = Claim::new(&format!("hf-{number}"));
            let carrying =
                ids(&|object| object.kind == kind && object.claim.as_ref() == Some(&claim));
            let claimed = inventory
                .claimed(kind, &claim)
                .map(|object| object.id.to_string());
            assert_eq!(claimed.as_ref(), carrying.first(), "claim {kind} {claim}");
            let parent = ObjectId::new(number);
            let below =
                ids(&|object| object.kind == kind && object.parent().as_ref() == Some(&parent));
            assert_eq!(found(inventory.children(kind, &parent).collect()), below);
            let using = ids(&|object| {
                object.kind == Kind::Tenant && object.settings.text("planId") == Some(number)
            });
            assert_eq!(found(inventory.referring_to_plan(&parent).collect()), using);
        }
        for name in ["a", "B"] {
            let named =
                ids(&|object| object.kind == kind && object.name.eq_ignore_ascii_case(name));
            assert_eq!(found(inventory.named(kind, name).collect()), named);
        }
    }
}

impl Naive {
    fn happen(&mut self, inventory: &mut Inventory, event: Event) {
        match event {
            Event::Write(object) => {
                self.platform.insert(key(&object), object.clone());
                self.known.insert(key(&object), object.clone());
                self.since.insert(key(&object));
                inventory.record(object);
            }
            Event::Forget(gone) => {
                self.platform.remove(&gone);
                self.known.remove(&gone);
                self.since.insert(gone.clone());
                inventory.forget(gone.0, &gone.1);
            }
            Event::Elsewhere(object) => {
                self.platform.insert(key(&object), object);
            }
            Event::ElsewhereGone(gone) => {
                self.platform.remove(&gone);
            }
            Event::Begin => {
                self.since.clear();
                self.sweep = Some((inventory.begin_sweep(), self.platform.clone()));
            }
            Event::Install => self.install(inventory),
        }
    }

    fn install(&mut self, inventory: &mut Inventory) {
        let Some((ticket, mut seen)) = self.sweep.take() else {
            return;
        };
        let objects = observation(seen.values().cloned().collect());
        let before = self.known.clone();
        seen.retain(|key, _| !self.since.contains(key));
        self.known.retain(|key, _| self.since.contains(key));
        self.known.append(&mut seen);
        let changes = inventory.install(ticket, objects, false);
        let mut told: Vec<Key> = changes.objects.iter().map(|(key, _)| key.clone()).collect();
        told.sort();
        let either: BTreeSet<&Key> = before.keys().chain(self.known.keys()).collect();
        let changed = either
            .into_iter()
            .filter(|key| before.get(*key) != self.known.get(*key));
        assert_eq!(
            told,
            changed.cloned().collect::<Vec<_>>(),
            "just the changes, each once"
        );
        for (key, claim) in changes.objects {
            let object = self
                .known
                .get(&key)
                .or_else(|| before.get(&key))
                .expect("one of the two");
            assert_eq!(
                claim, object.claim,
                "with the claim that it carries or carried"
            );
        }
    }
}

proptest! {
    #[test]
    fn any_history_leaves_what_the_naive_model_says(events in prop::collection::vec(event(), 1..60)) {
        let (mut inventory, mut naive) = (Inventory::default(), Naive::default());
        for event in events {
            naive.happen(&mut inventory, event);
            let held: Objects = inventory.objects().map(|object| (key(object), (**object).clone())).collect();
            prop_assert_eq!(&held, &naive.known);
            check_indexes(&inventory);
        }
    }
}

// An item that can't be read is there: it is no absence, and what it held stays held.
#[test]
fn what_can_not_be_read_is_not_gone_and_holds_what_it_held() {
    let mut inventory = Inventory::default();
    let sweep = inventory.begin_sweep();
    let mut fabrikam = customer("1", "Fabrikam");
    fabrikam
        .settings
        .set(Kind::Customer, "limits.storage", json!(5));
    inventory.install(
        sweep,
        observation(vec![fabrikam, customer("2", "Contoso")]),
        false,
    );
    let odd = Object::unreadable(Kind::Customer, "1", "limits.storage is -5".into());
    for again in [false, true] {
        let sweep = inventory.begin_sweep();
        let seen = observation(vec![odd.clone(), customer("2", "Contoso")]);
        let changes = inventory.install(sweep, seen, false);
        assert_eq!(changes.objects.is_empty(), again, "it is news once");
        let held = inventory
            .claimed(Kind::Customer, &Claim::new("hf-1"))
            .expect("it is there");
        assert_eq!(held.settings.whole("limits.storage"), Some(5));
        assert_eq!(held.unreadable.as_deref(), Some("limits.storage is -5"));
        assert_eq!(inventory.named(Kind::Customer, "fabrikam").count(), 1);
    }
    let sweep = inventory.begin_sweep();
    inventory.install(sweep, observation(vec![customer("1", "Fabrikam")]), false);
    let held = inventory
        .get(Kind::Customer, &ObjectId::new("1"))
        .expect("it is there");
    assert_eq!(
        (
            held.unreadable.as_deref(),
            held.settings.get("limits.storage")
        ),
        (None, None)
    );
}

#[test]
fn beside_an_item_without_an_id_nothing_of_its_kind_counts_as_gone() {
    let mut inventory = Inventory::default();
    let sweep = inventory.begin_sweep();
    let tenant = object(Kind::Tenant, "9", "t", None, Some("1"));
    inventory.install(
        sweep,
        observation(vec![customer("1", "Fabrikam"), tenant]),
        false,
    );
    let mut seen = observation(Vec::new());
    seen.unreadable.note(Unreadable {
        kind: ItemKind::Customer,
        id: None,
        why: "null isn't an object".into(),
    });
    seen.unreadable.note(Unreadable {
        kind: ItemKind::LicencePool,
        id: None,
        why: "licences is -1".into(),
    });
    let sweep = inventory.begin_sweep();
    inventory.install(sweep, seen, false);
    assert!(inventory.get(Kind::Customer, &ObjectId::new("1")).is_some());
    assert!(inventory.get(Kind::Tenant, &ObjectId::new("9")).is_none());
    let licences = inventory.surroundings().and_then(|around| around.licences);
    assert_eq!(
        licences.map(|licences| licences.total),
        Some(0),
        "nothing to give"
    );
}
