//! Gaps in a platform's interface: each gap is reported, and none blocks other work.

use std::collections::BTreeSet;

use serde_json::json;

use super::{
    fixtures::{ID, Scene, remote, reseller, service_plan, tenant},
    unmarked::{fabrikam, named},
};
use crate::{
    api::{
        Kind,
        conditions::Reason,
        shared::{Change, ChangeOutcome, ChangeStep},
    },
    estate::{Capability, Creation, Object, ObjectId},
    planner::{Step, Verdict},
};

// R-D20
#[test]
fn a_plan_that_can_only_be_made_at_the_console_is_bound_by_its_name_and_its_drift_told() {
    let plan = json!({"name": "Gold", "products": []});
    let scene = service_plan("gold")
        .unmarked()
        .finalized()
        .without(Capability::CreateServicePlan)
        .without(Capability::UpdateServicePlan);
    assert!(scene.stalled(Reason::CapabilityMissing).contains("console"));
    let bound = scene.beside(remote(Kind::ServicePlan, "7", &plan), None);
    assert!(matches!(bound.next(), Step::Mark(_)), "{:?}", bound.next());
    let mut held = bound
        .holding(remote(Kind::ServicePlan, "7", &plan))
        .noting("7");
    held.remote.namesakes.clear();
    let settlement = held.settlement();
    assert_eq!(settlement.verdict, Verdict::InSync);
    assert_eq!(settlement.drift.len(), 1, "{:?}", settlement.drift);
}

// R-S20, N12
#[test]
fn where_the_platform_knows_no_resellers_they_group_in_the_cluster() {
    let without = |mut scene: Scene| {
        scene
            .facts
            .capabilities
            .fields
            .insert(Kind::Reseller, BTreeSet::new());
        scene
            .without(Capability::CreateReseller)
            .without(Capability::UpdateReseller)
    };
    let scene = without(reseller("northwind").unmarked());
    assert!(matches!(
        scene.settlement().verdict,
        Verdict::ClusterOnly(_)
    ));
    let below = without(fabrikam().referring(
        "resellerRef",
        "northwind",
        crate::planner::Reference::Found {
            id: None,
            deleting: false,
            platform: Some("msp".into()),
        },
    ));
    let below = below.written_down();
    let Step::Create { document, .. } = below.next() else {
        panic!("{:?}", below.next());
    };
    assert_eq!(document.get("resellerId"), None);
}

// R-N12: a tenant in the cluster alone says which of its fields nothing acts on, and what a person does instead.
#[test]
fn what_a_tenant_without_an_object_says_in_vain_is_told() {
    let cluster_only = |mut scene: Scene| {
        let capabilities = &mut scene.facts.capabilities;
        for kind in [Kind::Tenant, Kind::ServicePlan] {
            capabilities.fields.insert(kind, BTreeSet::new());
        }
        let page = |field: &str, page: &str| (field.to_owned(), page.to_owned());
        let pages = [
            page("servicePlanRef", "Retention"),
            page("workloads", "Profiles"),
        ];
        capabilities.console.insert(Kind::Tenant, pages.into());
        [Kind::Tenant, Kind::ServicePlan]
            .into_iter()
            .flat_map(|kind| [Capability::create(kind), Capability::update(kind)])
            .fold(scene, Scene::without)
    };
    let told = |scene: Scene| {
        let settlement = cluster_only(scene).settlement();
        assert!(matches!(settlement.verdict, Verdict::ClusterOnly(_)));
        let steps = settlement.manual_steps.into_iter();
        let steps: Vec<String> = steps
            .map(|step| format!("{}: {}", step.field, step.step))
            .collect();
        (steps, settlement.not_acted_on)
    };
    let plain = "servicePlanRef: Retention".to_owned();
    assert_eq!(told(tenant("servers")), (vec![plain.clone()], vec![]));
    let full = tenant("servers").with(json!({
        "type": "Commercial", "state": "Suspended", "storageRegions": ["eu-central-1"],
        "workloads": [{"name": "MSSQL"}], "quota": {"credits": "50"}, "reference": "CWM:1",
    }));
    let (steps, nowhere) = told(full);
    assert_eq!(steps, ["workloads: Profiles".to_owned(), plain]);
    assert_eq!(
        nowhere,
        ["state", "quota.credits", "storageRegions", "type"]
    );
    let ignoring = tenant("servers").with(json!({"ignore": ["servicePlanRef"]}));
    assert_eq!(told(ignoring), (vec![], vec![]));
    let plan = service_plan("gold").with(json!({"usageReport": "Monthly"}));
    assert_eq!(told(plan), (vec![], vec!["usageReport".to_owned()]));
}

// R-N12: what the interface can't do names the console's page; what the platform has no place for is said.
#[test]
fn each_gap_names_the_page_of_the_console_or_says_that_there_is_no_place() {
    let mut scene = fabrikam().with(
        json!({"contacts": [{"email": "a@fabrikam.example"}], "bandwidth": {"mode": "Unlimited"}}),
    );
    let takes = ["name", "accountName", "profile.phone"].map(str::to_owned);
    let capabilities = &mut scene.facts.capabilities;
    capabilities.fields.insert(Kind::Customer, takes.into());
    let page = "Managed Services Center > Customers > the customer > Contacts";
    let pages = [("contacts".to_owned(), page.to_owned())];
    capabilities.console.insert(Kind::Customer, pages.into());
    let scene = scene
        .holding(named("Fabrikam GmbH", super::fixtures::noon()))
        .noting(ID);
    let settlement = scene.settlement();
    assert_eq!(settlement.verdict, Verdict::InSync);
    let [step] = settlement.manual_steps.as_slice() else {
        panic!("{:?}", settlement.manual_steps);
    };
    assert_eq!(
        (step.field.as_str(), step.step.as_str()),
        ("contacts", page)
    );
    assert_eq!(settlement.not_acted_on, ["bandwidth.mode"]);
}

// R-V4, R-N11: what no list shows is read before it is compared, also where nothing may be written and before an adoption.
#[test]
fn a_setting_that_no_list_shows_is_read_before_it_is_compared() {
    const FIELD: &str = "clients.admission";
    let mut scene = fabrikam().with(json!({"clients": {"admission": "Automatic"}}));
    let capabilities = &mut scene.facts.capabilities;
    let takes = ["name", "accountName", FIELD].map(str::to_owned);
    capabilities.fields.insert(Kind::Customer, takes.into());
    let unlisted = [FIELD.to_owned()];
    capabilities
        .unlisted
        .insert(Kind::Customer, unlisted.into());
    let held = |admission: Option<&str>| {
        let mut object = named("Fabrikam GmbH", super::fixtures::noon());
        if let Some(word) = admission {
            object.settings.set(Kind::Customer, FIELD, word.into());
        }
        object
    };
    let look = Step::Read(ObjectId::new(ID));
    let listed = scene.clone().holding(held(None)).noting(ID);
    assert_eq!(listed.next(), look);
    let observed = listed.clone().with(json!({"management": "Observe"}));
    assert_eq!(
        observed.next(),
        look,
        "it is no drift before it was looked at"
    );
    let read = |admission| {
        let mut scene = scene.clone().holding(held(admission)).noting(ID);
        scene.progress.fresh = Some(ObjectId::new(ID));
        scene
    };
    assert_eq!(
        read(Some("Automatic")).settlement().verdict,
        Verdict::InSync
    );
    for other in [Some("Listed"), None] {
        let next = read(other).next();
        let is_sent = matches!(&next, Step::Update { fields, .. } if fields == &[FIELD]);
        assert!(is_sent, "{next:?}");
    }
    let mut namesake = held(None);
    namesake.claim = None;
    let beside = scene.clone().with(json!({"adopt": "Matching"}));
    let beside = beside.beside(namesake, None).unclaimed();
    assert_eq!(beside.next(), look);
}

// R-S4: the driver says what follows from another name; a new object's first name is none.
#[test]
fn what_follows_from_another_name_is_told_for_a_day() {
    let page = "Users: they log in under the new name";
    let mut scene = fabrikam();
    let capabilities = &mut scene.facts.capabilities;
    let takes = ["name", "accountName"].map(str::to_owned);
    capabilities.fields.insert(Kind::Customer, takes.into());
    let pages = [("displayName".to_owned(), page.to_owned())];
    capabilities.console.insert(Kind::Customer, pages.into());
    capabilities.creation = Creation::ListAndMark.everywhere();
    let scene = scene
        .holding(named("Fabrikam GmbH", super::fixtures::noon()))
        .noting(ID);
    let change = |step: ChangeStep, minutes: i64| Change {
        at: scene.now - jiff::SignedDuration::from_mins(minutes),
        step,
        fields: vec!["displayName".to_owned()],
        outcome: ChangeOutcome::Done,
    };
    let told = |changes: &[Change]| {
        let mut scene = scene.clone();
        scene.declared.status.changes = changes.to_vec();
        let steps = scene.settlement().manual_steps.into_iter();
        steps.map(|step| step.step).collect::<Vec<_>>()
    };
    let (create, rename) = (ChangeStep::Create, ChangeStep::Update);
    let day = 24 * 60;
    assert_eq!(told(&[change(rename, 5)]), [page]);
    let made = [change(create, 3 * day), change(rename, 3 * day)];
    let since = [made.to_vec(), vec![change(rename, day - 1)]].concat();
    assert_eq!(told(&since), [page]);
    assert_eq!(told(&[change(rename, day + 1)]), [""; 0]);
    // Where a second request gives an object its first name, that is none.
    assert_eq!(told(&[change(create, 6), change(rename, 5)]), [""; 0]);
    let again = [change(create, 6), change(rename, 5), change(rename, 1)];
    assert_eq!(told(&again), [page]);
    assert_eq!(told(&[]), [""; 0]);
}

// F3: an object that the platform is still working on isn't written to.
#[test]
fn nothing_is_written_while_the_platform_is_at_work_on_the_object() {
    let mut object = named("Fabrikam GmbH", super::fixtures::noon());
    object.facts.busy = Some("is still being created".into());
    let scene = fabrikam()
        .holding(object)
        .noting(ID)
        .edited(json!({"profile": {"phone": "1"}}));
    let message = scene.waiting(Reason::WaitingForPlatform);
    assert!(
        message.contains("Customer 1042 is still being created."),
        "{message}"
    );
}

// F19: a user that isn't told until it is gone can't cancel it any more.
#[test]
fn a_tenant_that_is_marked_for_deletion_is_not_well_though_nothing_differs() {
    let document = json!({"customerId": "7", "planId": "3", "product": "HybridWorkloads"});
    let mut object = remote(Kind::Tenant, ID, &document);
    let scene = |object: &Object| {
        let scene = tenant("servers").unmarked().finalized();
        scene.holding(object.clone()).noting(ID)
    };
    object.facts.phase = Some("Updating".into());
    object.facts.busy = Some("is being updated".into());
    assert_eq!(scene(&object).settlement().verdict, Verdict::InSync);
    object.facts.phase = Some("Deleting".into());
    object.facts.busy = Some("is marked for deletion".into());
    let message = scene(&object).waiting(Reason::WaitingForPlatform);
    assert_eq!(message, "Tenant 1042 is marked for deletion.");
}

// R-D2: the platform can't say that a name is hidden, so the resource remembers it.
#[test]
fn a_hidden_name_stays_hidden_where_the_platform_does_not_know_of_it() {
    let mut scene = super::fixtures::hidden_customer("fabrikam")
        .unmarked()
        .finalized();
    let takes = ["name", "accountName", "profile.phone"].map(str::to_owned);
    scene
        .facts
        .capabilities
        .fields
        .insert(Kind::Customer, takes.into());
    let account = scene.declared.spec["accountName"]
        .as_str()
        .expect("a name")
        .to_owned();
    let scene = scene
        .holding(named(&account, super::fixtures::noon()))
        .noting(ID);
    let Step::Mark(marks) = scene.next() else {
        panic!("{:?}", scene.next());
    };
    let mut shown = scene.edited(json!({"hideName": null}));
    shown.declared.marks = marks;
    assert_eq!(shown.settlement().rule, Some("hide-name-fixed"));
}

// R-N12: a right that the credential lacks is told with what gives it, and isn't taken for a gap in the interface.
#[test]
fn a_right_that_the_credential_lacks_is_told_with_what_gives_it() {
    let give = "admin caps add users=write";
    let lacking = |mut scene: Scene| {
        for needed in [Capability::CreateCustomer, Capability::UpdateCustomer] {
            let lacking = &mut scene.facts.capabilities.lacking;
            lacking.insert(needed, give.to_owned());
            scene = scene.without(needed);
        }
        scene
    };
    let message = lacking(fabrikam()).stalled(Reason::CapabilityMissing);
    assert_eq!(
        message,
        "The credential has no right to create a Customer. To give it: admin caps add users=write. Holdfast then goes on by itself."
    );
    let there = fabrikam()
        .holding(named("Fabrikam GmbH", super::fixtures::noon()))
        .noting(ID)
        .edited(json!({"profile": {"phone": "1"}}));
    let steps = lacking(there).settlement().manual_steps;
    let [step] = steps.as_slice() else {
        panic!("{steps:?}");
    };
    assert_eq!(step.field, "profile.phone");
    assert!(step.step.ends_with(give), "{}", step.step);
}
