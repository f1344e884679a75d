//! What the rules refuse, before anything is sent.

use std::sync::Arc;

use serde_json::json;

use super::fixtures::{Scene, customer, mutates, remote, reseller, tenant};
use crate::{
    api::{Kind, Reason, shared::Protection},
    estate::{Creation, Object},
    planner::{Step, Verdict},
    rules::quota::{Measure, Shortage},
};

impl Scene {
    fn under(mut self, above: Vec<Object>) -> Self {
        self.neighbours.above = above.into_iter().map(Arc::new).collect();
        self
    }

    fn on_plan(mut self, products: serde_json::Value) -> Self {
        let plan = remote(
            Kind::ServicePlan,
            "3",
            &json!({"name": "Gold", "products": products}),
        );
        self.neighbours.plan = Some(Arc::new(plan));
        self
    }

    fn short_of(mut self, measure: Measure) -> Self {
        self.neighbours.shortages = vec![Shortage {
            pool: "Reseller northwind".into(),
            measure,
            wanted: 500,
            has: 0,
            free: 100,
            allotted: 1000,
        }];
        self
    }

    fn protected(self, protection: Protection) -> Self {
        self.where_object(|object| object.protection = protection)
    }

    /// The rule that ends the pass.
    fn rule(&self) -> &'static str {
        self.settlement().rule.expect("a rule refuses")
    }
}

fn new(scene: Scene) -> Scene {
    scene.finalized().unclaimed()
}

// R-D12, R-D13
#[test]
fn of_a_sandbox_only_what_the_requirement_lists_may_change() {
    let sandbox = || tenant("t").applied().protected(Protection::Sandbox);
    for patch in [
        json!({"quota": {"credits": "20"}}),
        json!({"storageRegions": ["eu-central-1"]}),
        json!({"workloads": [{"name": "MSSQL", "users": 5}]}),
    ] {
        let scene = sandbox().edited(patch.clone());
        assert!(mutates(&scene.next()), "{patch}: {:?}", scene.next());
    }
    let refused = |patch| sandbox().edited(patch).rule();
    assert_eq!(refused(json!({"state": "Suspended"})), "sandbox-state");
    assert_eq!(refused(json!({"type": "Commercial"})), "sandbox-type");
    assert_eq!(
        refused(json!({"licenceExpiresAt": "2027-01-01T00:00:00Z"})),
        "sandbox-fields"
    );
    let fewer = tenant("t")
        .with(json!({"workloads": [{"name": "MSSQL"}, {"name": "NAS"}]}))
        .applied()
        .protected(Protection::Sandbox)
        .edited(json!({"workloads": [{"name": "NAS"}]}));
    assert_eq!(fewer.rule(), "sandbox-fields");
    assert!(fewer.stalled(Reason::Protected).starts_with("workloads: "));
}

// R-D12, R-D13
#[test]
fn a_product_that_the_sandbox_lacks_is_added_and_its_type_left_to_the_platform() {
    let mut sandbox = remote(Kind::Customer, "7", &json!({"name": "Sandbox"}));
    sandbox.protection = Protection::Sandbox;
    let of = |spec| {
        let mut scene = new(tenant("t").with(spec));
        scene.neighbours.customer = Some(Arc::new(sandbox.clone()));
        scene
    };
    let Step::Create { document, .. } = of(json!({})).next() else {
        panic!("it is made");
    };
    assert_eq!(document.get("type"), None);
    assert_eq!(of(json!({"type": "Commercial"})).rule(), "sandbox-type");
    assert_eq!(
        of(json!({"type": "Sandbox"})).rule(),
        "sandbox-never-created"
    );
}

// R-D11, R-V4
#[test]
fn a_default_object_keeps_its_name_and_stays_on() {
    let default = || customer("c").applied().protected(Protection::Default);
    let scene = default().edited(json!({"profile": {"phone": "1"}}));
    assert!(mutates(&scene.next()));
    for patch in [json!({"active": false}), json!({"displayName": "Other"})] {
        assert_eq!(default().edited(patch).rule(), "default-fields");
    }
}

// R-S20, R-S4
#[test]
fn levels_fall_on_the_way_down_and_service_types_are_passed_on() {
    let above = |level: &str| {
        let settings =
            json!({"name": "Nordic", "level": level, "childServiceTypes": ["SoftwareOnly"]});
        vec![remote(Kind::Reseller, "9", &settings)]
    };
    let sub = |level: &str, above| new(reseller("r").with(json!({"level": level}))).under(above);
    assert!(mutates(&sub("SubDistributor", above("Distributor")).next()));
    assert_eq!(
        sub("Distributor", above("SubDistributor")).rule(),
        "level-below-parent"
    );
    assert_eq!(
        sub("Reseller", above("Reseller")).rule(),
        "level-below-parent"
    );
    let typed =
        |service| new(customer("c").with(json!({"serviceType": service}))).under(above("Reseller"));
    assert!(mutates(&typed("SoftwareOnly").next()));
    assert_eq!(typed("AllInclusive").rule(), "service-type-passed-on");
}

// R-S20
#[test]
fn parents_form_no_circle() {
    let mut scene = new(reseller("a"));
    scene.neighbours.circle = Some("a > b > a".into());
    assert_eq!(scene.rule(), "no-cycle");
    assert!(
        scene
            .stalled(Reason::ReferenceInvalid)
            .contains("a > b > a")
    );
}

// R-D32, R-D30
#[test]
fn a_tenant_gets_what_its_plan_offers() {
    let gold = json!([{"product": "HybridWorkloads", "workloads": ["MSSQL", "NAS"]}]);
    let wanting = |name: &str| {
        new(tenant("t").with(json!({"workloads": [{"name": name}]}))).on_plan(gold.clone())
    };
    assert!(mutates(&wanting("NAS").next()));
    assert_eq!(wanting("Oracle").rule(), "workload-in-plan");
    let message = wanting("Oracle").stalled(Reason::PlanMismatch);
    assert!(message.contains("MSSQL, NAS"), "{message}");
    let saas = new(tenant("t").with(json!({"product": "SaaSAppsAndEndpoints"}))).on_plan(gold);
    assert_eq!(saas.rule(), "plan-covers-product");
}

// R-D30, R-S1
#[test]
fn there_is_no_way_back_to_evaluation_or_trial() {
    let commercial = tenant("t").with(json!({"type": "Commercial"})).applied();
    assert_eq!(
        commercial.edited(json!({"type": "Evaluation"})).rule(),
        "commercial-stays-commercial"
    );
    let evaluation = tenant("t").with(json!({"type": "Evaluation"})).applied();
    assert!(mutates(
        &evaluation.edited(json!({"type": "Commercial"})).next()
    ));
    let production = customer("c").with(json!({"stage": "Production"})).applied();
    assert_eq!(
        production.edited(json!({"stage": "Trial"})).rule(),
        "trial-not-again"
    );
}

// R-D2
#[test]
fn a_hidden_name_stays_hidden_when_the_spec_forgets_to_say_so() {
    let hidden = super::fixtures::hidden_customer("c").applied();
    for patch in [json!({"hideName": null}), json!({"hideName": false})] {
        let scene = hidden.clone().edited(patch.clone());
        assert_eq!(scene.rule(), "hide-name-fixed", "{patch}");
    }
}

// R-N3
#[test]
fn an_object_stays_on_the_platform_where_it_was_made() {
    let mut scene = customer("c").applied();
    scene.declared.status.platform = Some("other".into());
    scene.remote.claimed = None;
    assert_eq!(scene.rule(), "platform-fixed");
    let mut again = scene.clone();
    again.declared.status = scene.status();
    assert_eq!(again.rule(), "platform-fixed", "in the next pass too");
    assert_eq!(
        again.unclaimed().rule(),
        "platform-fixed",
        "and after asking"
    );
    let mut restored = customer("c").finalized().noting_in("another", "7");
    restored.facts.capabilities.creation = Creation::ByReference.everywhere();
    let first = restored.next();
    assert!(matches!(first, Step::LookUp(_)), "asked before refused");
    assert_eq!(restored.unclaimed().rule(), "platform-fixed");
    let let_go = scene.deleting().next();
    assert_eq!(let_go, Step::Release, "letting go is always allowed");
}

// R-D41
#[test]
fn a_customer_keeps_an_administrator() {
    let scene = customer("c")
        .with(json!({"administrators": [{"email": "ops@fabrikam.example"}]}))
        .applied();
    let other = json!({"administrators": [{"email": "it@fabrikam.example"}]});
    assert!(mutates(&scene.clone().edited(other).next()));
    assert_eq!(
        scene.edited(json!({"administrators": []})).rule(),
        "last-administrator"
    );
}

// R-N6, R-V20
#[test]
fn nothing_that_is_not_granted_is_made_and_everything_else_of_an_edit_goes_on() {
    let limits = json!({"limits": {"storage": "500"}});
    let made = new(customer("c").with(limits.clone())).short_of(Measure::Storage);
    assert_eq!(made.rule(), "storage-overcommit");
    assert!(matches!(made.settlement().verdict, Verdict::OverQuota(_)));
    let edit = crate::planner::tests::fixtures::merged(limits, &json!({"profile": {"phone": "1"}}));
    let edited = customer("c")
        .applied()
        .edited(edit)
        .short_of(Measure::Storage);
    let Step::Update { fields, .. } = edited.next() else {
        panic!("{:?}", edited.next());
    };
    assert_eq!(fields, ["profile.phone"]);
}

// R-V20
#[test]
fn an_allotment_does_not_shrink_below_what_is_granted() {
    let allotted = |amount: &str| json!({"allotment": {"storage": amount}});
    let mut scene = reseller("r")
        .with(allotted("1000"))
        .applied()
        .edited(allotted("400"));
    scene.neighbours.granted_below = [400, 0, 0, 0];
    assert!(mutates(&scene.next()));
    scene.neighbours.granted_below = [401, 0, 0, 0];
    assert_eq!(scene.rule(), "allotment-below-granted");
    let message = scene.stalled(Reason::QuotaBelowUsage);
    assert!(message.contains("401"), "{message}");
}

// R-V3, R-V6
#[test]
fn a_limit_is_not_set_below_what_is_in_use() {
    let limits = |clients: u32| json!({"limits": {"clients": clients}});
    let mut scene = customer("c").with(limits(20)).applied().edited(limits(14));
    scene.neighbours.used = [None, None, Some(14), None];
    assert!(mutates(&scene.next()));
    scene.neighbours.used = [None, None, Some(15), None];
    assert_eq!(scene.rule(), "limit-below-use");
}

// R-D33
#[test]
fn dates_are_in_order_whoever_holds_them() {
    let held = || {
        tenant("t")
            .with(json!({"quota": {"effectiveAt": "2026-10-01T00:00:00Z"}, "licenceExpiresAt": "2027-10-01T00:00:00Z"}))
            .applied()
    };
    let ends = |at: &str| held().edited(json!({"quota": {"endsAt": at}}));
    for at in ["2026-10-01T00:00:01Z", "2027-10-01T00:00:00Z"] {
        assert!(mutates(&ends(at).next()), "{at}");
    }
    for at in ["2026-10-01T00:00:00Z", "2027-10-01T00:00:01Z"] {
        assert_eq!(ends(at).rule(), "quota-dates-in-order", "{at}");
    }
    let wrong =
        json!({"quota": {"effectiveAt": "2026-10-01T00:00:00Z", "endsAt": "2026-09-01T00:00:00Z"}});
    assert_eq!(new(tenant("t").with(wrong)).rule(), "quota-dates-in-order");
}

// R-S4, R-S20
#[test]
fn a_reseller_keeps_what_those_below_it_rely_on() {
    let below = |mut scene: Scene| {
        let sub = json!({"name": "Sub", "level": "SubDistributor", "serviceType": "SoftwareOnly"});
        scene.neighbours.below = vec![Arc::new(remote(Kind::Reseller, "9", &sub))];
        scene
    };
    let both = json!(["SoftwareOnly", "AllInclusive"]);
    let distributor = || {
        let spec = json!({"level": "Distributor", "childServiceTypes": both});
        below(reseller("r").with(spec).applied())
    };
    let refused = |patch| distributor().edited(patch).rule();
    assert_eq!(
        refused(json!({"level": "SubDistributor"})),
        "level-below-parent"
    );
    assert_eq!(refused(json!({"level": "Reseller"})), "level-below-parent");
    let alone = json!({"childServiceTypes": ["AllInclusive"]});
    assert_eq!(refused(alone), "service-type-passed-on");
    for patch in [
        json!({"childServiceTypes": ["SoftwareOnly"]}),
        json!({"profile": {"phone": "1"}}),
    ] {
        assert!(mutates(&distributor().edited(patch).next()));
    }
}
