//! Reports on platforms as they are, of which the cluster's status says nothing.

use serde_json::{Value, json};

use super::*;
use crate::{
    estate::{Account, Capabilities, Facts, Protection, Settings},
    report::{Basis, Cell, Filter, Period, Report, Subject, Wish, make},
};

fn now() -> Timestamp {
    "2026-11-26T12:00:00Z".parse().expect("an instant")
}

fn read<K: DeserializeOwned>(document: Value) -> K {
    serde_json::from_value(document).expect("it can be read")
}

fn object(kind: Kind, id: &str, settings: Value) -> Object {
    Object {
        kind,
        id: ObjectId::new(id),
        name: id.to_owned(),
        claim: None,
        etag: None,
        protection: Protection::None,
        created_at: None,
        unreadable: None,
        settings: Settings::from_document(kind, &settings).expect("settings"),
        facts: Facts::default(),
    }
}

fn document(kind: &str, name: &str, id: &str, spec: Value) -> Document {
    let mut spec = spec;
    spec["externalId"] = json!(id);
    spec["adopt"] = json!("ById");
    Document {
        kind: kind.to_owned(),
        name: name.to_owned(),
        body: json!({"apiVersion": "holdfast.dev/v1alpha1", "kind": kind, "metadata": {"name": name, "namespace": "backup"}, "spec": spec}),
        gaps: Vec::new(),
    }
}

fn sources(count: usize) -> Value {
    let source = |at: usize| {
        let at_last = if at == 0 {
            "2026-11-20T00:00:00Z"
        } else {
            "2026-11-26T11:00:00Z"
        };
        json!({"name": format!("vm-{at:02}"), "lastStatus": "Successful", "lastSuccessAt": at_last})
    };
    (0..count).map(source).collect()
}

/// A customer with a tenant under a plan that promises a backup a day, and one that no resource manages.
fn living(platform: &str) -> Living {
    let customer = |id: &str| object(Kind::Customer, id, json!({"displayName": id}));
    let existing = |name: &str, spec: Value| json!({"metadata": {"name": name, "namespace": "backup"}, "spec": spec});
    let report = |rows: Value| rows;
    Living {
        platform: read(existing(
            platform,
            json!({"ownerId": "0123456789abcdef", "embedded": {}}),
        )),
        observation: Snapshot {
            capabilities: Capabilities::by_reference(Account {
                id: "a".into(),
                name: "A".into(),
            }),
            objects: vec![
                object(Kind::ServicePlan, "p1", json!({"planName": "Gold"})),
                customer("c1"),
                customer("c2"),
                object(
                    Kind::Tenant,
                    "t1",
                    json!({"customerId": "c1", "planId": "p1", "product": "HybridWorkloads"}),
                ),
            ],
            locations: Vec::new(),
            administrators: Vec::new(),
            licences: None,
            clients: Vec::new(),
            unreadable: Unread::default(),
        },
        documents: vec![
            document(
                "ServicePlan",
                "gold",
                "p1",
                json!({"platformRef": {"name": platform}, "planName": "Gold"}),
            ),
            document(
                "Customer",
                "fabrikam",
                "c1",
                json!({"platformRef": {"name": platform}, "displayName": "Fabrikam GmbH"}),
            ),
            document(
                "Customer",
                "contoso",
                "c2",
                json!({"platformRef": {"name": platform}, "displayName": "Contoso AG"}),
            ),
            document(
                "Tenant",
                "fabrikam-hybrid",
                "t1",
                json!({"customerRef": {"name": "fabrikam"}, "servicePlanRef": {"name": "gold"}, "product": "HybridWorkloads"}),
            ),
        ],
        existing: Existing {
            plans: vec![read(existing(
                "gold",
                json!({"platformRef": {"name": platform}, "planName": "Gold", "serviceLevel": {"recoveryPointObjective": "24h"}}),
            ))],
            customers: vec![read(existing(
                "fabrikam",
                json!({"platformRef": {"name": platform}, "displayName": "Fabrikam GmbH", "reference": "CWM:1", "administrators": [{"email": "ops@fabrikam.example"}]}),
            ))],
            ..Existing::default()
        },
        usage: Some(crate::estate::Report {
            as_of: now(),
            rows: read(report(json!([
                {"customerId": "c1", "storageBytes": 4096, "credits": 1.5, "months": [{"month": "2026-11", "storageMaxBytes": 5000, "credits": 1.5}]},
                {"customerId": "c2", "storageBytes": 2048},
                {"customerId": "c1", "tenantId": "t1", "storageBytes": 4000, "credits": 1.25},
            ]))),
            unreadable: Unread::default(),
        }),
        health: Some(crate::estate::Report {
            as_of: now(),
            rows: read(report(json!([
                {"customerId": "c1", "tenantId": "t1", "jobs": {"total": 30, "successful": 29, "failed": 1}, "dataSources": sources(14)},
            ]))),
            unreadable: Unread::default(),
        }),
    }
}

fn wish(subject: Subject, basis: Basis) -> Wish {
    Wish {
        subject,
        basis,
        filter: Filter::default(),
        period: Period::default(),
        columns: Vec::new(),
        all_columns: false,
    }
}

fn live(subject: Subject, all: Vec<Living>) -> Report {
    let estates: Vec<Resources> = all
        .into_iter()
        .map(|living| {
            let (resources, notes) = living.resources(now());
            assert_eq!(notes, [""; 0]);
            resources
        })
        .collect();
    make(&estates, &wish(subject, Basis::Platforms), now()).expect("a report")
}

fn column(report: &Report, name: &str) -> Vec<String> {
    let at = report
        .table
        .headings
        .iter()
        .position(|heading| heading.name == name);
    let at = at.unwrap_or_else(|| panic!("there is no column {name}"));
    report
        .table
        .rows
        .iter()
        .map(|row| row[at].plain())
        .collect()
}

// R-N5: figures come from the platforms, of each customer that they hold, and each row says which platform that is.
#[test]
fn several_platforms_stand_in_one_table() {
    let report = live(Subject::Usage, vec![living("one"), living("two")]);
    assert_eq!(column(&report, "platform"), ["one", "two", "one", "two"]);
    assert_eq!(
        column(&report, "customer"),
        ["Fabrikam GmbH", "Fabrikam GmbH", "Contoso AG", "Contoso AG"]
    );
    assert_eq!(column(&report, "storage"), ["4096", "4096", "2048", "2048"]);
    assert_eq!(
        column(&report, "plan"),
        ["gold", "gold", "", ""],
        "a namesake on another platform lends nothing"
    );
    assert!(report.total.sums.contains(&Cell::Size(2 * (4096 + 2048))));
    let platforms: Vec<&str> = report
        .by_platform
        .iter()
        .map(|group| group.name.as_str())
        .collect();
    assert_eq!(platforms, ["one", "two"]);
}

// R-D16: not the ten worst, but all; what each misses is judged by the plan in the cluster.
#[test]
fn every_data_source_that_the_platform_reports_is_named() {
    let report = live(Subject::Sources, vec![living("one")]);
    let sources = report.sources.as_ref().expect("data sources");
    assert_eq!((sources.rows.len(), report.missed), (14, 1));
    let at = |name: &str| {
        sources
            .headings
            .iter()
            .position(|heading| heading.name == name)
            .expect(name)
    };
    assert_eq!(sources.rows[0][at("source")].plain(), "vm-00");
    assert_eq!(sources.rows[0][at("missed")].plain(), "RecoveryPoint");
    assert_eq!(sources.rows[0][at("platform")].plain(), "one");
    let health = live(Subject::Health, vec![living("one")]);
    assert_eq!(column(&health, "dataSources"), ["14", ""]);
    assert_eq!(column(&health, "dataSourcesMeeting"), ["13", ""]);
}

// R-D9: what only the resources know is taken from them: the provider's number, and who administrates.
#[test]
fn what_only_the_cluster_knows_is_kept() {
    let (resources, _) = living("one").resources(now());
    let fabrikam = &resources.customers[0];
    assert_eq!(fabrikam.spec.lifecycle.reference.as_deref(), Some("CWM:1"));
    assert_eq!(fabrikam.spec.administrators.as_ref().map(Vec::len), Some(1));
    let status = fabrikam.status.as_ref().expect("a status");
    assert_eq!(status.managed.external_id.as_deref(), Some("c1"));
}

// R-D15: an exported estate has no figures, and none is made up.
#[test]
fn what_is_not_known_is_empty_and_not_zero() {
    let file = Living {
        usage: None,
        health: None,
        ..living("one")
    };
    let (resources, _) = file.resources(now());
    let report = |subject| {
        make(
            std::slice::from_ref(&resources),
            &wish(subject, Basis::File),
            now(),
        )
        .expect("a report")
    };
    let usage = report(Subject::Usage);
    assert_eq!(column(&usage, "storage"), ["", ""]);
    assert_eq!((usage.total.customers, usage.total.known), (2, 0));
    assert_eq!(column(&report(Subject::Health), "jobs"), ["", ""]);
    assert_eq!(column(&report(Subject::Customers), "tenants"), ["0", "1"]);
}

// R-N5: what has no row is said.
#[test]
fn what_is_left_out_is_said() {
    let mut odd = living("one");
    odd.observation
        .objects
        .retain(|object| object.id.as_str() != "c2");
    odd.documents.retain(|document| document.name != "contoso");
    let (_, notes) = odd.resources(now());
    assert_eq!(
        notes,
        [
            "its reports name 1 customers that it doesn't list, and that have no row; the first is c2"
        ]
    );
    let mut odd = living("one");
    odd.documents[1].body["spec"]["displayName"] = json!(7);
    let (resources, notes) = odd.resources(now());
    assert!(
        notes[0].starts_with("Customer fabrikam holds what can't be read and is left out: "),
        "{notes:?}"
    );
    assert_eq!(resources.customers.len(), 1);
}

// R-D16: where only the cluster knows resellers, it says who is below whom.
#[test]
fn a_platform_without_resellers_has_those_of_the_cluster() {
    let with = |knows: bool| {
        let mut all = living("one");
        if !knows {
            let fields = &mut all.observation.capabilities.fields;
            fields.insert(Kind::Reseller, BTreeSet::new());
        }
        let resource = |name: &str, spec: Value| json!({"metadata": {"name": name, "namespace": "backup"}, "spec": spec});
        all.existing.resellers = vec![
            read(resource(
                "northwind",
                json!({"platformRef": {"name": "one"}, "displayName": "Northwind"}),
            )),
            read(resource(
                "tailspin",
                json!({"platformRef": {"name": "one"}, "parentRef": {"name": "northwind"}, "displayName": "Tailspin"}),
            )),
        ];
        let spec = &mut all.existing.customers[0].spec;
        spec.platform_ref = None;
        spec.reseller_ref = Some(read(json!({"name": "tailspin"})));
        let (resources, _) = all.resources(now());
        let mut wish = wish(Subject::Usage, Basis::Platforms);
        wish.filter.reseller = (!knows).then(|| "northwind".into());
        let report = make(&[resources], &wish, now()).expect("a report");
        (column(&report, "reseller"), column(&report, "platform"))
    };
    assert_eq!(with(false), (vec!["tailspin".into()], vec!["one".into()]));
    let (resellers, _) = with(true);
    assert_eq!(resellers, ["", ""], "the platform says that there is none");
}

// R-N10: a single look makes no month.
#[test]
fn a_single_day_is_not_shown_as_the_month() {
    let (resources, _) = living("one").resources(now());
    let health = |status: &Option<crate::api::CustomerStatus>| status.clone()?.health;
    let fabrikam = health(&resources.customers[0].status).expect("health");
    assert_eq!(fabrikam.attainment, []);
    assert_eq!(
        fabrikam
            .data_sources
            .and_then(|sources| sources.meeting_objective),
        Some(13)
    );
    let tenant = resources.tenants[0]
        .status
        .clone()
        .and_then(|status| status.health);
    assert_eq!(tenant.map(|health| health.attainment), Some(Vec::new()));
}

// R-N10: where tenants exist in the cluster only, what its plans promise the customer holds for all its data sources.
#[test]
fn a_platform_without_tenants_is_judged_by_what_the_cluster_promises() {
    let mut plain = living("one");
    plain
        .observation
        .capabilities
        .fields
        .insert(Kind::Tenant, BTreeSet::new());
    plain
        .observation
        .objects
        .retain(|object| object.kind == Kind::Customer);
    plain
        .documents
        .retain(|document| document.kind == "Customer");
    plain.existing.tenants = vec![read(
        json!({"metadata": {"name": "fabrikam-hybrid", "namespace": "backup"}, "spec": {"customerRef": {"name": "fabrikam"}, "servicePlanRef": {"name": "gold"}, "product": "HybridWorkloads"}}),
    )];
    let health = plain.health.as_mut().expect("health");
    health.rows[0].tenant_id = None;
    let report = live(Subject::Health, vec![plain]);
    assert_eq!(column(&report, "dataSourcesMeeting"), ["13", ""]);
    assert_eq!(column(&report, "plan"), ["gold", ""]);
    assert_eq!(
        report.sources.as_ref().map(|sources| sources.rows.len()),
        Some(14)
    );
}

// R-D16: what belongs to no tenant is among them.
#[test]
fn data_sources_without_a_tenant_are_named_beside_those_with_one() {
    let mut odd = living("one");
    let health = odd.health.as_mut().expect("health");
    health.rows.push(read(
        json!({"customerId": "c1", "dataSources": [{"name": "stray", "lastStatus": "Successful"}]}),
    ));
    let report = live(Subject::Sources, vec![odd]);
    let sources = report.sources.as_ref().expect("data sources");
    assert_eq!(sources.rows.len(), 15);
}
