//! What counts for a resource whose object has vanished, or that has left an object which can't be read.

use serde_json::json;

use super::{below, fits, full, reseller};
use crate::{
    api::{Customer, Kind, Reseller},
    estate::{ObjectId, Settings},
    survey::{index::Title, resource_ref},
};

// R-N6: both levels vanished, and the reseller came again with less than its customer had been granted of the old one, which
// the ledger took for granted still.
#[test]
fn a_new_object_of_a_reseller_owes_nothing_that_the_old_one_granted() {
    for whole_pass in [true, false] {
        let mut world = full();
        let spec = reseller(5);
        world.declare::<Reseller>(0, "r", &spec);
        let resellers = world.objects.values();
        let mut anew = resellers
            .clone()
            .find(|object| object.kind == Kind::Reseller)
            .expect("the first one")
            .clone();
        world.objects.clear();
        world.sweep(0);
        world.read::<Reseller>(0, "r");
        world.read::<Customer>(0, "a");
        assert!(
            fits::<Customer>(&mut world, 0, "a"),
            "nothing has changed yet"
        );
        anew.id = ObjectId::new("77");
        anew.settings = Settings::from_document(Kind::Reseller, &spec).expect("settings");
        let id = anew.id.clone();
        world.objects.insert(id.clone(), anew);
        world.sweep(0);
        if whole_pass {
            world.look::<Reseller>(0, "r");
        } else {
            // It is noted already, and the ledger has still to be asked.
            let owner = resource_ref(&*world.get::<Reseller>(0, "r").expect("a reseller"));
            let index = &world.scopes[0].survey.index;
            index.note(&owner, world.now, None, Some(("9f", &id, Title::Claim)));
        }
        assert!(!fits::<Customer>(&mut world, 0, "a"), "{whole_pass}");
        world.look::<Reseller>(0, "r");
        assert!(!fits::<Customer>(&mut world, 0, "a"), "{whole_pass}");
        world.declare::<Customer>(0, "a", &below("r", 5));
        assert!(fits::<Customer>(&mut world, 0, "a"));
    }
}

// R-N6: a customer went while its object couldn't be read, and what that holds was given to others.
#[test]
fn what_is_left_behind_unreadable_counts_with_what_it_held() {
    for restarts in [false, true] {
        let mut world = full();
        for object in world.objects.values_mut() {
            if object.kind == Kind::Customer {
                let place = json!({"name": object.name, "resellerId": object.parent()});
                object.settings = Settings::from_document(object.kind, &place).expect("a place");
                object.unreadable = Some("its settings are garbage".into());
            }
        }
        if restarts {
            world.restart();
        }
        world.sweep(0);
        world.look::<Customer>(0, "a");
        world.remove::<Customer>(0, "a");
        world.declare::<Customer>(0, "b", &below("r", 5));
        assert!(!fits::<Customer>(&mut world, 0, "b"), "{restarts}");
        world.sweep(0);
        assert!(!fits::<Customer>(&mut world, 0, "b"), "{restarts}");
    }
}
