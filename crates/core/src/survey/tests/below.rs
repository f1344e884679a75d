//! Whose figures a reseller's are.

use serde_json::json;

use super::world::World;
use crate::{
    api::{Customer, Kind, Reseller},
    estate::{
        Consumption, ItemKind, MonthlyConsumption, Object, ObjectId, Protection, Report, Unread,
        Unreadable,
    },
    survey::resource_ref,
};

/// A figure of each customer, and these months.
fn report(world: &World, months: &[MonthlyConsumption]) {
    let customers = world
        .objects
        .values()
        .filter(|object| object.kind == Kind::Customer);
    let rows = customers.map(|customer| Consumption {
        customer_id: customer.id.clone(),
        tenant_id: None,
        storage_bytes: 1,
        credits: Some(0.0),
        months: months.to_vec(),
    });
    let report = Report {
        as_of: world.now,
        rows: rows.collect(),
        unreadable: Unread::default(),
    };
    world.scopes[0]
        .site
        .set_reports(|reports| reports.note_usage(report));
}

/// How many customers' figures a reseller has.
fn counted(world: &mut World, reseller: &str) -> (usize, usize) {
    let observation = world.look::<Reseller>(0, reseller).expect("it is open");
    let around = &observation.around;
    (around.usage.len(), around.children.len())
}

fn filled(world: &mut World) {
    let spec = |above: Option<&str>| {
        let above = above.map(|name| json!({"name": name}));
        json!({"platformRef": {"name": "msp"}, "displayName": "R", "parentRef": above})
    };
    let below = |reseller: &str| json!({"resellerRef": {"name": reseller}, "displayName": "C", "country": "DE"});
    world.declare::<Reseller>(0, "above", &spec(None));
    let above = (!world.has_resellers).then_some("above");
    world.declare::<Reseller>(0, "under", &spec(above));
    if world.has_resellers {
        assert!(world.carry_out::<Reseller>(0, "above"));
        assert!(world.carry_out::<Reseller>(0, "under"));
    }
    for (name, reseller) in [("a", "above"), ("b", "under"), ("c", "under")] {
        world.declare::<Customer>(0, name, &below(reseller));
        assert!(world.carry_out::<Customer>(0, name), "{name}");
    }
    report(world, &[]);
}

fn object(world: &World, name: &str) -> Object {
    let resource = world.get::<Reseller>(0, name).expect("a reseller");
    let survey = &world.scopes[0].survey;
    let id = survey.index.held_by(&resource_ref(&*resource));
    world.objects[&id.expect("an object")].clone()
}

fn put_under(world: &World, name: &str, above: &ObjectId) {
    let mut moved = object(world, name);
    moved
        .settings
        .set(Kind::Reseller, "parentId", above.as_str().into());
    world.scopes[0].site.inventory_mut().record(moved);
}

// R-N6, R-V3: what is used of an allotment is what all below use, also below resellers further down. Resellers that a platform
// shows in a circle are gone through once.
#[test]
fn a_reseller_has_the_figures_of_all_below() {
    let mut world = World::new();
    filled(&mut world);
    assert_eq!(counted(&mut world, "above"), (1, 1), "side by side");
    let above = object(&world, "above").id;
    put_under(&world, "under", &above);
    assert_eq!(counted(&mut world, "above"), (3, 1));
    assert_eq!(counted(&mut world, "under"), (2, 2));
    let under = object(&world, "under").id;
    put_under(&world, "above", &under);
    assert_eq!(counted(&mut world, "above"), (3, 1));
}

// R-N6: where the platform has no resellers, those below in the cluster count.
#[test]
fn a_reseller_of_the_cluster_has_the_figures_of_all_below() {
    let mut world = World::new();
    world.has_resellers = false;
    world.restart();
    world.sweep(0);
    filled(&mut world);
    assert_eq!(counted(&mut world, "above"), (3, 1));
    assert_eq!(counted(&mut world, "under"), (2, 2));
}

// R-N6, R-N16: platforms tell of the last months only; what status still has of each customer is added up with them.
#[test]
fn a_reseller_has_the_months_that_its_customers_have() {
    let mut world = World::new();
    filled(&mut world);
    let month = |month: &str, storage_max_bytes| MonthlyConsumption {
        month: month.to_owned(),
        storage_max_bytes,
        credits: 0.0,
    };
    let mut known = (*world.get::<Customer>(0, "b").expect("a customer")).clone();
    let usage = json!({"months": [{"month": "2026-02", "storageMax": "5"}]});
    let status = known.status.get_or_insert_default();
    status.usage = Some(serde_json::from_value(usage).expect("usage"));
    world.scopes[0].customers.put(known);
    let now = month("2026-05", 1);
    report(&world, std::slice::from_ref(&now));
    let observation = world.look::<Reseller>(0, "under").expect("it is open");
    let rows = observation.around.usage.iter();
    let mut months: Vec<_> = rows.flat_map(|row| row.months.clone()).collect();
    months.sort_by(|one, other| one.month.cmp(&other.month));
    assert_eq!(months, [month("2026-02", 5), now.clone(), now]);
}

// R-N6: recycle bins and customers of other tools are the platform's, not the reseller's.
#[test]
fn what_belongs_to_the_platform_or_to_another_tool_is_in_no_sum() {
    for (protection, counts) in [
        (Protection::System, 1),
        (Protection::Foreign, 1),
        (Protection::Default, 2),
    ] {
        let mut world = World::new();
        filled(&mut world);
        let customer = world.get::<Customer>(0, "b").expect("a customer");
        let survey = &world.scopes[0].survey;
        let id = survey.index.held_by(&resource_ref(&*customer));
        let mut object = world.objects[&id.expect("an object")].clone();
        object.protection = protection;
        world.scopes[0].site.inventory_mut().record(object);
        assert_eq!(counted(&mut world, "under").0, counts, "{protection:?}");
    }
}

/// What a customer's status says that it uses.
fn known(world: &World, customer: &str, usage: serde_json::Value) {
    let mut known = (*world.get::<Customer>(0, customer).expect("a customer")).clone();
    let status = known.status.get_or_insert_default();
    status.usage = Some(serde_json::from_value(usage).expect("usage"));
    world.scopes[0].customers.put(known);
}

/// A report that says nothing of one customer; whole, or with something in it that can't be read.
fn report_without(world: &World, customer: &str, months: &[MonthlyConsumption], is_whole: bool) {
    let customer = world.get::<Customer>(0, customer).expect("a customer");
    let survey = &world.scopes[0].survey;
    let id = survey.index.held_by(&resource_ref(&*customer));
    let id = id.expect("an object");
    let others = world.objects.values().filter(|object| object.id != id);
    let others = others.filter(|object| object.kind == Kind::Customer);
    let row = |customer: &Object| Consumption {
        customer_id: customer.id.clone(),
        tenant_id: None,
        storage_bytes: 1,
        credits: Some(0.0),
        months: months.to_vec(),
    };
    let mut unreadable = Unread::default();
    if !is_whole {
        unreadable.note(Unreadable {
            kind: ItemKind::UsageRow,
            id: None,
            why: "a size is missing".to_owned(),
        });
    }
    let report = Report {
        as_of: world.now,
        rows: others.map(row).collect(),
        unreadable,
    };
    world.scopes[0]
        .site
        .set_reports(|reports| reports.note_usage(report));
}

// R-N6, R-D15: a device without a figure takes its customer out of the report, and what it stores doesn't go away by that.
#[test]
fn a_customer_that_a_report_leaves_out_counts_with_what_was_last_known_of_it() {
    let mut world = World::new();
    filled(&mut world);
    let month = |storage_max_bytes| MonthlyConsumption {
        month: "2026-06".to_owned(),
        storage_max_bytes,
        credits: 0.0,
    };
    report_without(&world, "b", &[], true);
    assert_eq!(counted(&mut world, "under").0, 1, "it uses nothing");
    report_without(&world, "b", &[], false);
    assert_eq!(counted(&mut world, "under").0, 0, "nothing is known of it");
    known(&world, "b", json!({"asOf": "2026-05-31T00:00:00Z"}));
    assert_eq!(counted(&mut world, "under").0, 0, "nor is its storage");
    let usage = json!({"storage": "7", "months": [{"month": "2026-06", "storageMax": "9"}]});
    known(&world, "b", usage);
    let rows = |world: &mut World| {
        let observation = world.look::<Reseller>(0, "under").expect("it is open");
        let mut rows: Vec<(u64, Vec<MonthlyConsumption>)> = observation
            .around
            .usage
            .iter()
            .map(|row| (row.storage_bytes, row.months.clone()))
            .collect();
        rows.sort_by_key(|(bytes, _)| *bytes);
        rows
    };
    // Months that the platform doesn't keep are sampled of the sum, not of one of several.
    assert_eq!(rows(&mut world), [(1, vec![]), (7, vec![])]);
    report_without(&world, "b", &[month(2)], false);
    assert_eq!(rows(&mut world), [(1, vec![month(2)]), (7, vec![month(9)])]);
}
