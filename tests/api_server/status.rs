//! A full status, as the contract shows it, is taken by the API server and by the types, and fills every column.

use holdfast_api::{
    BackupPlatformStatus, CustomerStatus, ResellerStatus, ServicePlanStatus, TenantStatus,
};
use holdfast_testkit::{Cluster, read};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// What every managed kind reports.
const MANAGED: &str = r#"
observedGeneration: 1
externalId: "1042"
claim: hf-7f3k
platform: msp
conditions:
- {type: Ready, status: "True", reason: Applied, message: applied, lastTransitionTime: "2026-11-22T20:00:00Z", observedGeneration: 1}
- {type: PlatformReachable, status: "True", reason: Reachable, message: it answers, lastTransitionTime: "2026-11-22T20:00:00Z"}
protection: None
drift: [{field: profile.phone, desired: "1", observed: "2"}]
manualSteps: [{field: contacts, step: "Managed Services Center > Customers > Add Contact"}]
changes: [{at: "2026-11-22T20:00:00Z", step: Update, fields: [profile.phone], outcome: Done}]
intent: {id: i-1, step: Create, at: "2026-11-22T20:00:00Z", operation: op-1, parent: "7", names: [Fabrikam], requestHash: abc}
"#;

const EFFECTIVE: &str = r##"
effective:
  bandwidth: {mode: Window, window: {from: "08:00", to: "18:00", timeZone: Europe/Berlin, exceptWeekends: true}, maxRate: 20M, from: Reseller/northwind}
  branding: {companyName: Northwind, primaryColour: "#0a7", logoRef: {name: cm, key: logo.png}, senderAddress: a@b.example, from: Reseller/northwind}
"##;

const USAGE: &str = r#"
usage: {asOf: "2026-11-22T00:00:00Z", days: 90, storage: 310Gi, credits: "41.5", storagePercent: 62, quotaExhaustedOn: "2027-02-11", forecast: RunsOut, months: [{month: 2026-10, storageMax: 300Gi, credits: "14"}]}
"#;

const HEALTH: &str = r#"
health:
  asOf: "2026-11-22T00:00:00Z"
  jobs: {total: 900, successful: 884, failed: 16}
  restores: {total: 3, successful: 3}
  alerts: {critical: 1, warning: 4}
  dataSources: {total: 14, heldToObjective: 14, meetingObjective: 13, missingRecoveryPoint: 1}
  attainment: [{month: 2026-11, meeting: 300, total: 308, percent: 97, days: 22, until: "2026-11-22"}]
  worst: [{name: sql01, organisation: Fabrikam, workload: MSSQL, policy: nightly, lastStatus: Failed, lastJobId: "881", lastRunAt: "2026-11-22T00:00:00Z", lastSuccessAt: "2026-11-20T00:00:00Z", lastSuccessJobId: "874", lastRestoreAt: "2026-11-01T00:00:00Z"}]
"#;

/// The manifest of an object of this kind with the status given; the status must survive its type unchanged.
fn with_status<S: DeserializeOwned + Serialize>(kind: &str, spec: Value, status: &str) -> Value {
    let status: Value = read(status);
    let typed: S =
        serde_json::from_value(status.clone()).unwrap_or_else(|error| panic!("{kind}: {error}"));
    assert_eq!(
        serde_json::to_value(typed).expect("a status is JSON"),
        status,
        "{kind}"
    );
    json!({"apiVersion": "holdfast.dev/v1alpha1", "kind": kind, "metadata": {"name": "it"}, "spec": spec, "status": status})
}

fn objects() -> [Value; 5] {
    let platform_ref = json!({"name": "msp"});
    [
        with_status::<BackupPlatformStatus>(
            "BackupPlatform",
            json!({"ownerId": "0123456789abcdef", "embedded": {}}),
            r#"
observedGeneration: 1
conditions:
- {type: Ready, status: "True", reason: Applied, message: usable, lastTransitionTime: "2026-11-22T20:00:00Z"}
- {type: PlatformReachable, status: "True", reason: Reachable, message: it answers, lastTransitionTime: "2026-11-22T20:00:00Z"}
account: {id: 9f, name: Acme MSP}
capabilities: [CreateCustomer, UpdateCustomer, DeleteCustomer, SuspendTenant]
storageLocations: [{id: de-1, name: Frankfurt, countries: [DE, AT]}]
defaultCustomer: {externalId: "1", name: Default Customer}
objects: {resellers: 12, customers: 340, tenants: 610, servicePlans: 4, unmanaged: 3, unreadable: 0}
unmanaged: [{kind: Customer, externalId: "77", name: Sandbox, protection: Sandbox}]
administrators: {active: 2}
licences: {total: "500", free: "120"}
summary: {driver: embedded, account: Acme MSP, freeLicences: "120"}
"#,
        ),
        with_status::<ResellerStatus>(
            "Reseller",
            json!({"platformRef": platform_ref, "displayName": "Northwind"}),
            &format!(
                r#"{MANAGED}{EFFECTIVE}{USAGE}
allotment: {{storage: {{allotted: 20Ti, granted: 12Ti, free: 8Ti, used: 7Ti}}, licences: {{allotted: "200", granted: "20"}}, credits: {{used: "12.5"}}}}
customers: 31
resellers: 2
summary: {{level: Reseller, allotted: 20Ti, granted: 12Ti, free: 8Ti, used: 7Ti, parent: "-", active: "Yes"}}
"#
            ),
        ),
        with_status::<ServicePlanStatus>(
            "ServicePlan",
            json!({"platformRef": platform_ref, "planName": "Gold"}),
            &format!(
                r#"{MANAGED}
tenants: 41
default: false
editions: [Enterprise, Business]
summary: {{editions: "Enterprise,Business", products: HybridWorkloads, objective: "24h, 98%", default: "No"}}
"#
            ),
        ),
        with_status::<CustomerStatus>(
            "Customer",
            json!({"platformRef": platform_ref, "displayName": "Fabrikam"}),
            &format!(
                r#"{MANAGED}{EFFECTIVE}{USAGE}{HEALTH}
accountName: acct-4711
storageLocation: de-1
tenants: {{total: 2, products: [HybridWorkloads], plans: [gold], regions: [eu-central-1], types: [Commercial]}}
clients: {{total: 14, ids: [pc-17]}}
trialEndsAt: "2026-12-22T00:00:00Z"
welcomeMailSentAt: "2026-11-22T00:00:00Z"
summary: {{reseller: "-", plan: gold, product: HybridWorkloads, storage: 310Gi, limit: 500Gi, usedPercent: 62%, location: de-1, types: Commercial, active: "Yes", health: 884/900}}
"#
            ),
        ),
        with_status::<TenantStatus>(
            "Tenant",
            json!({"customerRef": {"name": "fabrikam"}, "product": "HybridWorkloads", "type": "Commercial", "state": "Active"}),
            &format!(
                r#"{MANAGED}{USAGE}{HEALTH}
edition: Enterprise
phase: Active
quota: {{allotted: "50", inEffect: true, nextChangeAt: "2027-01-01T00:00:00Z"}}
summary: {{plan: gold, type: Commercial, state: Active, quota: "50", used: "41.5", edition: Enterprise, regions: eu-central-1, expires: "2027-01-01", health: 884/900}}
"#
            ),
        ),
    ]
}

fn kubectl(cluster: &Cluster, arguments: &str) -> String {
    let arguments: Vec<_> = ["-n", &cluster.namespace]
        .into_iter()
        .chain(arguments.split(' '))
        .collect();
    let output = holdfast_testkit::kubectl(&arguments, "");
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

// R-D10, R-D7
#[tokio::test]
async fn every_column_is_filled_and_every_field_selector_selects() {
    let cluster = Cluster::start("status").await;
    let folder = tempfile::tempdir().expect("a folder");
    for object in objects() {
        let path = folder.path().join("object.json");
        std::fs::write(&path, object.to_string()).expect("a file");
        let file = path.display();
        kubectl(&cluster, &format!("create -f {file}"));
        kubectl(
            &cluster,
            &format!("apply --server-side --subresource=status -f {file}"),
        );
    }
    let table = kubectl(&cluster, "get holdfast -o wide");
    assert!(!table.contains("<none>") && !table.contains('['), "{table}");
    for kind in ["bp", "rsl", "splan", "cust", "tnt"] {
        let name = kubectl(&cluster, &format!("get {kind} -o name"));
        assert!(name.trim_end().ends_with("/it"), "{kind}: {name}");
    }
    let selectors = "rsl spec.platformRef.name=msp|splan spec.platformRef.name=msp|cust spec.platformRef.name=msp|\
        cust status.protection=None|rsl status.protection=None|tnt spec.customerRef.name=fabrikam|tnt spec.product=HybridWorkloads|\
        tnt spec.type=Commercial|tnt spec.state=Active|tnt status.protection=None";
    for selector in selectors.split('|') {
        let (kind, selector) = selector.split_once(' ').expect("kind and selector");
        let found = kubectl(
            &cluster,
            &format!("get {kind} --field-selector {selector} -o name"),
        );
        assert!(found.contains("/it"), "{kind} {selector}");
    }
}

#[tokio::test]
async fn kubectl_explain_is_the_manual() {
    let cluster = Cluster::start("explain").await;
    for kind in [
        "backupplatforms",
        "resellers",
        "serviceplans",
        "customers",
        "tenants",
    ] {
        let text = kubectl(&cluster, &format!("explain --recursive {kind}"));
        assert!(text.contains("spec") && text.contains("status"), "{text}");
    }
    let text = kubectl(&cluster, "explain customers.spec.limits.storage");
    assert!(
        text.contains("in bytes") && text.contains("Absent") && text.contains("Example"),
        "{text}"
    );
}
