//! A small account in which nothing goes wrong, and what tests say to it.

use holdfast_api::Kind;
use holdfast_core::estate::{Claim, Object, ObjectId};
use holdfast_platforms::{Platform, PlatformError, Problem, Written, druva::Druva};
use serde_json::{Map, Value, json};

use crate::server::{Reply, Seen};

pub const CUSTOMER: &str = "11111111-2222-4333-8444-555555555555-77";
pub const TENANT: &str = "e293b4c7-a984-4813-8fba-526d5b0edc80";
pub const SAAS_TENANT: &str = "0001f138-0c37-4980-b3f2-a3342f201ba3";
pub const MSP: &str = "c8b3866b-aa9e-4a87-a316-133214f7d23f";

pub fn customer() -> Value {
    json!({
        "id": CUSTOMER, "accountName": "fabrikam-001", "customerName": "Fabrikam GmbH",
        "address": "Hauptstr. 1, Ulm", "phone": "+497310000", "tenantAdmins": [42, 43], "status": 1,
        "features": [{"name": "Security Posture and Observability"}],
        "createdOn": "2024-10-25T00:00:00Z", "activeSince": "2024-10-25T00:00:00Z", "cloud": 0,
        "attributes": [{"name": "licenseManagementAllowed", "value": "1"}, {"name": "dataAccessAllowed", "value": "1"}],
    })
}

pub fn other_customer() -> Value {
    let mut other = customer();
    other["id"] = json!("other-1");
    other
}

pub fn tenant() -> Value {
    json!({
        "id": TENANT, "customerID": CUSTOMER, "productID": 1, "servicePlanID": 7, "edition": "enterprise", "tenantType": 3,
        "status": 1, "licenseExpiryDate": "2027-12-31T00:00:00Z", "quota": 12.5, "quotaStartDate": "2026-01-01T00:00:00Z",
        "quotaEndDate": "2026-12-31T00:00:00Z", "storageRegions": [{"name": "eu-west-2", "storageProvider": 1}],
        "features": [{"name": "Enterprise Workloads", "attrs": []}, {"name": "Long Term Retention", "attrs": []}],
        "createdOn": "2024-10-25T00:00:00Z",
    })
}

pub fn saas_tenant() -> Value {
    json!({
        "id": SAAS_TENANT, "customerID": CUSTOMER, "productID": 2, "servicePlanID": 7, "edition": "business", "tenantType": 2,
        "status": 2, "licenseExpiryDate": "2027-06-30T00:00:00Z", "quota": 0.0,
        "storageRegions": [{"name": "eu-west-2", "storageProvider": 1}],
        "features": [
            {"name": "M365", "attrs": [{"name": "userCount", "value": 40}, {"name": "preservedUserCount", "value": 5},
                {"name": "educationLicenseState", "value": 1}]},
            {"name": "M365 Accelerated Ransomware Recovery", "attrs": []},
        ],
    })
}

pub fn plan() -> Value {
    let feature = |name: &str, on: bool| json!({"name": name, "isEnabled": on, "attrs": []});
    json!({"id": 7, "name": "Gold", "status": 1, "products": [
        {"productID": 1, "edition": "enterprise", "features": [feature("Enterprise Workloads", true), feature("Storage", true)]},
        {"productID": 2, "edition": "business", "features": [
            feature("M365", true), feature("Endpoints", false), feature("storage", true), feature("sensitiveDataGovernance", true)]},
    ]})
}

/// As `plan`, with endpoints besides.
pub fn wider_plan() -> Value {
    let mut plan = plan();
    plan["id"] = json!(8);
    plan["name"] = json!("Platinum");
    plan["products"][1]["features"][1]["isEnabled"] = json!(true);
    plan
}

fn admin(id: i64, email: &str, role: i64) -> Value {
    json!({"id": id, "email": email, "firstName": "Ada", "lastName": "Ops", "phone": "1", "timezone": "Europe/Berlin", "status": 0,
        "role": role, "active": true, "createdBy": 1, "lastLogin": "0001-01-01T00:00:00Z"})
}

pub fn admins() -> Value {
    json!([
        admin(42, "ops@msp.example", 2),
        admin(44, "desk@msp.example", 3)
    ])
}

pub fn regions() -> Value {
    json!({"storageRegions": [
        {"productID": 1, "regions": [{"name": "eu-west-2", "storageProvider": 1}, {"name": "westeurope", "storageProvider": 2}]},
        {"productID": 2, "regions": [{"name": "eu-west-2", "storageProvider": 1}, {"name": "us-east-1", "storageProvider": 1}]},
    ]})
}

pub fn events() -> Value {
    json!({"events": [{"category": "AUDIT", "type": "AdminCreated", "feature": "Admin", "globalID": format!("MSP:{MSP}"),
        "timeStamp": 1_709_208_497, "syslogFacility": 14, "syslogSeverity": 6, "details": {}}], "nextPageToken": ""})
}

/// Answers as an account in which nothing goes wrong.
pub fn healthy(seen: &Seen) -> Reply {
    let one = |path: &str| seen.path.strip_prefix("/msp").unwrap() == path;
    let body = match seen.method.as_str() {
        "GET" if one("/v2/events") => events(),
        "GET" if one("/v3/customers") => json!({"customers": [customer()], "nextPageToken": ""}),
        "GET" if one("/v3/tenants") => {
            json!({"tenants": [tenant(), saas_tenant()], "nextPageToken": null})
        }
        "GET" if one("/v3/servicePlans") => {
            json!({"servicePlans": [plan(), wider_plan()], "nextPageToken": ""})
        }
        "GET" if one("/v3/servicePlans/7") => plan(),
        "GET" if one("/v3/servicePlans/8") => wider_plan(),
        "GET" if one("/v2/admins") => json!({"admins": admins(), "nextPageToken": ""}),
        "GET" if one("/v2/storage-regions") => regions(),
        "GET" if one("/quota/v1/customers/configurations") => {
            json!({"quotaConfigList": [], "nextPageToken": ""})
        }
        "GET" if one(&format!("/v3/customers/{CUSTOMER}")) => customer(),
        "GET" if one(&format!("/v3/customers/{CUSTOMER}/tenants/{TENANT}")) => tenant(),
        "GET" if one(&format!("/v3/customers/{CUSTOMER}/tenants/{SAAS_TENANT}")) => saas_tenant(),
        "GET" => return Reply::error(404, "there is no such thing"),
        "POST" if one("/auth/v1/token") => return Reply::token("tok-1", 900),
        "POST" if seen.path.starts_with("/msp/reporting/") => {
            json!({"data": [], "lastSyncTimestamp": "2026-11-20T04:53:06Z", "nextPageToken": null})
        }
        _ => return Reply::task("5f0c0000-0000-4000-8000-000000000001"),
    };
    Reply::ok(&body)
}

/// As `healthy`, with another answer to one path below `/msp`.
pub fn except(
    path: impl Into<String>,
    answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
) -> impl Fn(&Seen) -> Reply + Send + Sync + 'static {
    let path = format!("/msp{}", path.into());
    move |seen| {
        if seen.path == path {
            answer(seen)
        } else {
            healthy(seen)
        }
    }
}

/// As `healthy`, with another customer.
pub fn with_customer(
    change: impl Fn(&mut Value) + Send + Sync + 'static,
) -> impl Fn(&Seen) -> Reply + Send + Sync + 'static {
    except(format!("/v3/customers/{CUSTOMER}"), move |seen| {
        let mut customer = customer();
        change(&mut customer);
        if seen.mutates() {
            healthy(seen)
        } else {
            Reply::ok(&customer)
        }
    })
}

/// As `healthy`, with another tenant.
pub fn with_tenant(
    id: &str,
    change: impl Fn(&mut Value) + Send + Sync + 'static,
) -> impl Fn(&Seen) -> Reply + Send + Sync + 'static {
    let mut tenant = if id == TENANT {
        tenant()
    } else {
        saas_tenant()
    };
    change(&mut tenant);
    except(
        format!("/v3/customers/{CUSTOMER}/tenants/{id}"),
        move |seen| {
            if seen.mutates() {
                healthy(seen)
            } else {
                Reply::ok(&tenant)
            }
        },
    )
}

pub fn document(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

pub fn customer_id() -> ObjectId {
    ObjectId::new(CUSTOMER)
}

pub async fn create(druva: &Druva, kind: Kind, value: Value) -> Result<Written, PlatformError> {
    druva
        .create(kind, &Claim::new("hf-1"), document(value))
        .await
}

pub async fn update(
    druva: &Druva,
    kind: Kind,
    id: &str,
    patch: Value,
) -> Result<Written, PlatformError> {
    let id = ObjectId::new(id);
    druva.update(kind, &id, None, None, document(patch)).await
}

pub fn pending(written: Result<Written, PlatformError>) -> String {
    match written {
        Ok(Written::Pending(task)) => task,
        other => panic!("not accepted: {other:?}"),
    }
}

pub fn done(written: Result<Written, PlatformError>) -> Object {
    match written {
        Ok(Written::Done(object)) => *object,
        other => panic!("not done: {other:?}"),
    }
}

pub fn problem<T: std::fmt::Debug>(answer: Result<T, PlatformError>) -> Problem {
    match answer {
        Err(PlatformError::Refused(problem)) => problem,
        other => panic!("not a refusal: {other:?}"),
    }
}
