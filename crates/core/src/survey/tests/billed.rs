//! What of a report is billed, and of whom it isn't known.

use std::collections::BTreeSet;

use serde_json::json;

use super::world::World;
use crate::{
    api::{Customer, Kind, ServicePlan, Tenant, plan::BillingUnit},
    estate::{Consumption, MonthlyConsumption, Report, Unread},
    survey::{AnyRef, figures, finals, unread},
};

fn plan() -> ServicePlan {
    let plan = json!({
        "apiVersion": "holdfast.dev/v1alpha1", "kind": "ServicePlan",
        "metadata": {"name": "gold", "namespace": "east"},
        "spec": {"platformRef": {"name": "msp"}, "planName": "Gold",
            "billing": {"sku": "HF-GOLD", "unit": "GiBMonth", "included": 5}},
    });
    serde_json::from_value(plan).expect("a plan")
}

/// A customer with a tenant that is billed, and another without.
fn world() -> World {
    let mut world = World::new();
    world.scopes[0].plans.put(plan());
    for name in ["fabrikam", "contoso"] {
        let spec = json!({"platformRef": {"name": "msp"}, "displayName": name, "country": "DE"});
        world.declare::<Customer>(0, name, &spec);
        assert!(world.carry_out::<Customer>(0, name));
    }
    let tenant = json!({"customerRef": {"name": "fabrikam"}, "product": "HybridWorkloads",
        "type": "Sandbox", "servicePlanRef": {"name": "gold"}});
    world.declare::<Tenant>(0, "hybrid", &tenant);
    assert!(world.carry_out::<Tenant>(0, "hybrid"));
    report(&mut world);
    world
}

fn report(world: &mut World) {
    let object = |kind| {
        world
            .objects
            .values()
            .filter(move |object| object.kind == kind)
    };
    let rows = object(Kind::Tenant).map(|tenant| Consumption {
        customer_id: tenant.parent().expect("a customer"),
        tenant_id: Some(tenant.id.clone()),
        storage_bytes: 7,
        credits: Some(0.0),
        months: Vec::new(),
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

/// What is billed today, and the customers of whom it isn't known.
fn told(world: &World) -> (Vec<(String, Option<u64>)>, BTreeSet<String>) {
    let scope = &world.scopes[0];
    let figures = figures(&scope.survey, &scope.site, "2026-06").into_iter();
    let figures = figures.map(|figure| (figure.customer, figure.quantity));
    (figures.collect(), unread(&scope.survey, &scope.site))
}

fn cannot_be_read(world: &World, kind: &str, name: &str) {
    let unreadable = &world.scopes[0].survey.stores.unreadable;
    unreadable.note(AnyRef::new(kind, "east", name), "odd".into());
}

fn unsure() -> BTreeSet<String> {
    BTreeSet::from(["east/fabrikam".to_owned()])
}

// R-N15
#[test]
fn a_billed_tenant_is_counted_and_nobody_else_is() {
    let billed = vec![("east/fabrikam".to_owned(), Some(7))];
    assert_eq!(told(&world()), (billed, BTreeSet::new()));
}

// R-N15: what can't be read doesn't make a day free of charge.
#[test]
fn of_whom_something_can_not_be_read_nothing_is_known() {
    let world = world();
    world.scopes[0].plans.remove(&plan());
    assert_eq!(told(&world), (Vec::new(), unsure()), "no plan");
    for kind in ["ServicePlan", "Tenant"] {
        let world = self::world();
        if kind == "Tenant" {
            let tenant = world.get::<Tenant>(0, "hybrid").expect("a tenant");
            world.scopes[0].tenants.remove(&tenant);
            cannot_be_read(&world, kind, "hybrid");
        } else {
            world.scopes[0].plans.remove(&plan());
            cannot_be_read(&world, kind, "gold");
        }
        assert_eq!(told(&world), (Vec::new(), unsure()), "{kind}");
    }
}

// R-N15
#[test]
fn of_a_customer_that_can_not_be_read_nothing_is_known() {
    let world = world();
    let mut tenant = (*world.get::<Tenant>(0, "hybrid").expect("a tenant")).clone();
    let status = tenant.status.get_or_insert_default();
    status.managed.platform = Some("msp".into());
    world.scopes[0].tenants.put(tenant);
    let customer = world.get::<Customer>(0, "fabrikam").expect("a customer");
    world.scopes[0].customers.remove(&customer);
    cannot_be_read(&world, "Customer", "fabrikam");
    assert_eq!(told(&world), (Vec::new(), unsure()));
}

// R-N15: a report of 90 days has only the tail of a month that began before them, which is no month's credits.
#[test]
fn a_month_that_a_report_has_not_whole_has_no_final_credits() {
    let mut world = world();
    let mut plan = plan();
    plan.spec.billing.as_mut().expect("billing").unit = BillingUnit::Credit;
    world.scopes[0].plans.put(plan);
    let mut told = |as_of: &str| {
        report(&mut world);
        let scope = &world.scopes[0];
        let month = MonthlyConsumption {
            month: "2026-05".into(),
            storage_max_bytes: 7,
            credits: 1.5,
        };
        let whole = |row: &std::sync::Arc<Consumption>| Consumption {
            months: vec![month.clone()],
            ..(**row).clone()
        };
        let rows = scope.site.reports().usage.values().map(whole).collect();
        scope.site.set_reports(|reports| {
            reports.note_usage(Report {
                as_of: as_of.parse().expect("an instant"),
                rows,
                unreadable: Unread::default(),
            })
        });
        let finals = finals(&scope.survey, &scope.site, "2026-05").into_iter();
        finals.map(|one| one.milli).collect::<Vec<_>>()
    };
    assert_eq!(told("2026-06-01T00:00:00Z"), [1500]);
    assert_eq!(
        told("2026-07-29T23:00:00Z"),
        [1500],
        "May 1 is the first of 90 days"
    );
    assert_eq!(told("2026-07-30T00:00:00Z"), [0; 0], "it begins on May 2");
}
