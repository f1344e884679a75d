//! Customers with figures, as the API server would list them.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_api::plan::BillingUnit;
use holdfast_core::invoice::{self, Figure, Month};
use serde::Deserialize;
use serde_json::{Value, json};

/// What is asked of a list.
#[derive(Deserialize)]
pub struct Asked {
    limit: Option<usize>,
    #[serde(rename = "continue")]
    next: Option<usize>,
}

/// Resources as JSON, by the plural of their kind.
pub struct Estate(BTreeMap<&'static str, (&'static str, Vec<String>)>);

/// Month of the invoice lines; it is over.
pub const MONTH: &str = "2026-10";
/// What a service plan promises: the months since then have an attainment.
const SERVICE_LEVEL: &str = "48h";

const NAMES: [&str; 10] = [
    "Fabrikam",
    "Contoso",
    "Litware",
    "Proseware",
    "Tailspin",
    "Adatum",
    "Coho",
    "Woodgrove",
    "Alpine",
    "Margie",
];
const WORKLOADS: [&str; 4] = ["MSSQL", "FileServers", "VMware", "Oracle"];

impl Estate {
    /// So many customers, with a tenant each, below fifty resellers. Their ids on the platform are `ids`, as far as there are any.
    pub fn of(count: usize, ids: &[String]) -> Self {
        let id = |at: usize| ids.get(at).cloned().unwrap_or_else(|| at.to_string());
        let kinds = [
            (
                "backupplatforms",
                "BackupPlatform",
                vec![object(
                    "msp",
                    &json!({"ownerId": "0123456789abcdef", "embedded": {}}),
                    &json!({}),
                )],
            ),
            (
                "serviceplans",
                "ServicePlan",
                vec![object(
                    "gold",
                    &json!({"platformRef": {"name": "msp"}, "planName": "Gold", "serviceLevel": {"recoveryPointObjective": SERVICE_LEVEL}}),
                    &json!({}),
                )],
            ),
            ("resellers", "Reseller", (0..50).map(reseller).collect()),
            (
                "customers",
                "Customer",
                (0..count).map(|at| customer(at, &id(at))).collect(),
            ),
            ("tenants", "Tenant", (0..count).map(tenant).collect()),
            ("configmaps", "ConfigMap", invoiced(count)),
        ];
        Self(
            kinds
                .into_iter()
                .map(|(plural, kind, objects)| (plural, (kind, objects)))
                .collect(),
        )
    }

    /// One page of a list.
    pub fn page(&self, plural: &str, asked: &Asked) -> String {
        let Some((kind, objects)) = self.0.get(plural) else {
            return "{}".to_owned();
        };
        let from = asked.next.unwrap_or(0).min(objects.len());
        let to = (from + asked.limit.unwrap_or(500)).min(objects.len());
        let next = if to < objects.len() {
            to.to_string()
        } else {
            String::new()
        };
        let version = if *kind == "ConfigMap" {
            "v1"
        } else {
            "holdfast.dev/v1alpha1"
        };
        format!(
            "{{\"apiVersion\":\"{version}\",\"kind\":\"{kind}List\",\"metadata\":{{\"resourceVersion\":\"1\",\"continue\":\"{next}\"}},\"items\":[{}]}}",
            objects[from..to].join(",")
        )
    }
}

fn object(name: &str, spec: &Value, status: &Value) -> String {
    let metadata = json!({"name": name, "namespace": "backup", "uid": name, "resourceVersion": "1", "creationTimestamp": "2026-09-01T00:00:00Z"});
    json!({"metadata": metadata, "spec": spec, "status": status}).to_string()
}

fn reseller(at: usize) -> String {
    let parent = (at >= 5).then(|| json!({"name": format!("reseller-{}", at % 5)}));
    let name = format!("reseller-{at}");
    object(
        &name,
        &json!({"platformRef": {"name": "msp"}, "parentRef": parent, "displayName": name}),
        &json!({}),
    )
}

fn customer(at: usize, id: &str) -> String {
    let name = format!("customer-{at}");
    let stored = (at as u64 * 7_919 % 1_000 + 1) << 30;
    let spec = json!({
        "resellerRef": {"name": format!("reseller-{}", at * at % 50)},
        "displayName": display_name(at),
        "country": "DE", "limits": {"storage": "1Ti"},
    });
    let status = json!({
        "externalId": id, "platform": "msp", "storageLocation": "de-1",
        "conditions": [{"type": "Ready", "status": "True", "reason": "InSync", "message": "in sync", "lastTransitionTime": "2026-09-01T00:00:00Z"}],
        "usage": usage(stored), "health": health(at), "tenants": {"total": 1}, "clients": {"total": at % 40},
        "summary": {"active": "yes"},
    });
    object(&name, &spec, &status)
}

/// What a customer is called.
pub fn display_name(at: usize) -> String {
    format!("{} {at} GmbH", NAMES[at % NAMES.len()])
}

/// The days of the month, frozen, in the parts in which the operator keeps them.
fn invoiced(count: usize) -> Vec<String> {
    let mut month = Month::new("backup/msp", MONTH);
    for day in 1..=31_u8 {
        let figures: Vec<Figure> = (0..count).map(|at| figure(at, day)).collect();
        month.note(day, &figures, &BTreeSet::new());
    }
    month.freeze(&[]);
    let parts = invoice::text(&month, &BTreeSet::new());
    let parts = invoice::text(&month, &parts.into_keys().collect());
    let map = |(number, text): (u8, String)| {
        let labels = json!({
            "invoice.holdfast.dev/month": MONTH, "invoice.holdfast.dev/namespace": "backup",
            "invoice.holdfast.dev/state": "frozen", "holdfast.dev/platform": "msp",
        });
        let metadata = json!({"name": format!("backup.msp.{MONTH}.{number:02}"), "namespace": "holdfast-invoices", "labels": labels});
        json!({"metadata": metadata, "immutable": true, "data": {"month.json": text}}).to_string()
    };
    parts.into_iter().map(map).collect()
}

fn figure(at: usize, day: u8) -> Figure {
    let stored = (at as u64 * 7_919 % 1_000 + 1) << 30;
    Figure {
        customer: format!("backup/customer-{at}"),
        reference: Some(format!("CWM:{at}")),
        tenant: Some(format!("tenant-{at}")),
        object: Some(format!("tenant-{at}")),
        reseller: Some(format!("reseller-{}", at * at % 50)),
        sku: "HF-GOLD".to_owned(),
        unit: BillingUnit::GiBMonth,
        included: 500,
        quantity: Some(stored + (u64::from(day) << 26)),
    }
}

fn tenant(at: usize) -> String {
    let spec = json!({
        "customerRef": {"name": format!("customer-{at}")}, "servicePlanRef": {"name": "gold"},
        "product": "HybridWorkloads", "storageRegions": ["eu-central-1"],
    });
    let status = json!({
        "edition": "Enterprise", "summary": {"plan": "gold", "type": "Commercial", "regions": "eu-central-1"},
        "usage": usage(5 << 30), "health": health(at),
    });
    object(&format!("tenant-{at}"), &spec, &status)
}

/// Thirteen months up to now.
fn months() -> impl Iterator<Item = String> {
    let now = jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date();
    (0..13_i64).rev().map(move |back| {
        let month = now
            .first_of_month()
            .saturating_sub(jiff::Span::new().months(back));
        month.strftime("%Y-%m").to_string()
    })
}

fn attainment(month: &str, failing: bool) -> Value {
    let meeting = if failing { 82 } else { 90 };
    json!({"month": month, "meeting": meeting, "total": 90, "percent": meeting * 100 / 90, "days": 30, "until": format!("{month}-28")})
}

fn usage(stored: u64) -> Value {
    let months = months().zip(0_u64..).map(|(month, at)| {
        let most = stored - stored / 40 * (12 - at);
        json!({"month": month, "storageMax": most.to_string(), "credits": "12.5"})
    });
    json!({
        "asOf": jiff::Timestamp::now(), "days": 90, "storage": stored.to_string(), "credits": "41.5",
        "storagePercent": stored * 100 / (1 << 40), "months": months.collect::<Vec<_>>(),
    })
}

/// One of a hundred has something to mend.
fn health(at: usize) -> Value {
    let failing = at % 100 == 7;
    let worst = failing.then(|| {
        json!({
            "name": format!("sql{at:05}.internal"), "workload": WORKLOADS[at % WORKLOADS.len()], "policy": "nightly",
            "lastStatus": if at % 200 == 7 { "Failed" } else { "Missed" }, "lastJobId": at.to_string(),
            "lastRunAt": "2026-11-26T01:00:00Z", "lastSuccessAt": "2026-11-23T01:00:00Z",
            "missed": if at % 200 == 7 { json!(["RecoveryPoint", "SuccessRatio"]) } else { json!(["RecoveryPoint"]) },
        })
    });
    json!({
        "asOf": "2026-11-26T02:00:00Z",
        "jobs": {"total": 90, "successful": if failing { 84 } else { 90 }, "failed": if failing { 6 } else { 0 }},
        "restores": {"total": at % 4, "successful": at % 4}, "alerts": {"critical": u64::from(failing), "warning": at % 3},
        "dataSources": {"total": 3, "heldToObjective": 3, "meetingObjective": if failing { 2 } else { 3 }},
        "attainment": months().map(|month| attainment(&month, failing)).collect::<Vec<_>>(),
        "worst": worst.into_iter().collect::<Vec<_>>(),
    })
}
