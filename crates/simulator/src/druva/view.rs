//! The estate's items as Druva shows them.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use serde_json::{Map, Value, json};

use super::{
    extra::{Feature, Phase},
    features::{self, product_id},
    ids::Ids,
    moment::seconds,
    refusal::refuse,
    tasks,
};
use crate::{
    Kind,
    item::{Item, Protection},
    problem::Problem,
    rows::{self, Filter},
    rules::plan_fit,
};

/// How long a licence lasts that nobody has set an end to.
const USUAL_LICENCE: SignedDuration = SignedDuration::from_hours(365 * 24);
/// More administrators or plans than any estate has.
const ALL: i64 = 10_000;

/// The attributes that every customer has.
pub(super) const LICENCE_MANAGEMENT: &str = "licenseManagementAllowed";
pub(super) const DATA_ACCESS: &str = "dataAccessAllowed";

/// Shows items of one moment.
pub(super) struct Views<'a> {
    ids: &'a Ids,
    busy: HashSet<String>,
    admins: HashMap<String, i64>,
    plans: HashMap<String, Item>,
}

impl<'a> Views<'a> {
    pub fn new(connection: &Connection, ids: &'a Ids) -> Result<Self, Problem> {
        let all = |kind| rows::list(connection, kind, &Filter::default(), 0, ALL);
        let admins = all(Kind::Administrator)?.into_iter();
        let plans = all(Kind::Plan)?.into_iter();
        Ok(Self {
            ids,
            busy: tasks::busy_customers(connection)?,
            admins: admins
                .map(|admin| {
                    (
                        admin.text("email").unwrap_or_default().to_owned(),
                        admin.sequence,
                    )
                })
                .collect(),
            plans: plans.map(|plan| (plan.id.clone(), plan)).collect(),
        })
    }

    /// Source: Druva OpenAPI, `GetCustomerV3`.
    pub fn customer(&self, customer: &Item, with_features: bool) -> Value {
        let extra = &customer.state.druva;
        let status = match extra.phase {
            Some(Phase::Pending) => 0,
            _ if self.busy.contains(&customer.id) => 2,
            _ => 1,
        };
        let attribute = |name: &str| {
            let value = extra.attributes.get(name).map_or("1", String::as_str);
            json!({"name": name, "value": value})
        };
        let mut document = json!({
            "id": self.ids.customer(customer),
            "accountName": customer.text("accountName").unwrap_or(customer.name()),
            "customerName": customer.name(),
            "address": address(customer),
            "phone": customer.text("profile.phone").unwrap_or_default(),
            "tenantAdmins": self.admins_of(customer),
            "status": status,
            "createdOn": seconds(customer.created_at),
            "activeSince": seconds(customer.created_at),
            "attributes": [attribute(LICENCE_MANAGEMENT), attribute(DATA_ACCESS)],
            "cloud": 0,
        });
        if with_features {
            let features = extra.features.iter();
            document["features"] = features
                .map(|feature| json!({"name": feature.name}))
                .collect();
        }
        document
    }

    /// The ids of a customer's administrators, as far as Druva knows them.
    pub fn admins_of(&self, customer: &Item) -> Vec<i64> {
        let listed = customer.value("administrators").and_then(Value::as_array);
        listed
            .into_iter()
            .flatten()
            .filter_map(|admin| self.admins.get(admin["email"].as_str()?).copied())
            .collect()
    }

    /// The addresses of administrators, in the estate's form. One that isn't known is refused.
    pub fn administrators(&self, wanted: &[i64]) -> Result<Value, Problem> {
        let entry = |id: &i64| {
            self.admins
                .iter()
                .find(|(_, known)| *known == id)
                .map(|(email, _)| json!({"email": email}))
                .ok_or_else(|| refuse(400, format!("there is no admin {id}")))
        };
        wanted.iter().map(entry).collect()
    }

    pub fn plan(&self, id: &str) -> Option<&Item> {
        self.plans.get(id)
    }

    /// Source: Druva OpenAPI, `GetTenantV3`.
    pub fn tenant(&self, tenant: &Item, with_features: bool) -> Value {
        let customer = tenant.text("customerId").unwrap_or_default();
        let product = tenant.text("product").unwrap_or_default();
        let plan = self.plan(tenant.text("planId").unwrap_or_default());
        let mut document = json!({
            "id": self.ids.tenant(tenant),
            "customerID": self.ids.customer_by(customer),
            "productID": product_id(product),
            "servicePlanID": plan.map_or(-1, |plan| plan.sequence),
            "tenantType": tenant_type(tenant),
            "status": tenant_status(tenant),
            "storageRegions": regions(tenant),
            "licenseExpiryDate": seconds(licence_end(tenant)),
            "createdOn": seconds(tenant.created_at),
            "activeSince": seconds(tenant.created_at),
        });
        if let Some(edition) = plan.and_then(|plan| edition(plan, product)) {
            document["edition"] = json!(edition);
        }
        let quota = [
            ("quotaStartDate", "quota.effectiveAt"),
            ("quotaEndDate", "quota.endsAt"),
        ];
        document["quota"] = tenant.value("quota.credits").cloned().unwrap_or(json!(0.0));
        for (member, path) in quota {
            if let Some(at) = moment(tenant, path) {
                document[member] = seconds(at);
            }
        }
        if let Some(at) = tenant.state.druva.delete_date {
            document["deleteDate"] = seconds(at);
        }
        if with_features {
            document["features"] = json!(Self::features(tenant, plan, product));
        }
        document
    }

    /// What the plan forces on, with the numbers that the estate has; then what the tenant has beyond.
    pub fn features(tenant: &Item, plan: Option<&Item>, product: &str) -> Vec<Feature> {
        let own = &tenant.state.druva.features;
        let mut shown: Vec<Feature> = Vec::new();
        let forced = plan
            .map(|plan| features::forced(plan, product))
            .unwrap_or_default();
        for kind in &forced {
            let mut attrs = features::counts(tenant, kind);
            let same = own.iter().filter(|feature| feature.name == kind.name);
            let others = same.flat_map(|feature| feature.attrs.iter().cloned());
            let unset = kind.needed.iter().map(|name| features::unset(name));
            for attribute in others.chain(unset) {
                if attrs.iter().all(|known| known.name != attribute.name) {
                    attrs.push(attribute);
                }
            }
            shown.push(Feature {
                name: kind.name.to_owned(),
                attrs,
            });
        }
        let beyond = own
            .iter()
            .filter(|feature| features::named(&feature.name).is_none_or(|kind| !kind.of_plan));
        shown.extend(beyond.cloned());
        shown
    }

    /// Source: Druva OpenAPI, `ServicePlanV3`.
    pub fn service_plan(plan: &Item) -> Value {
        let products = plan.value("products").and_then(Value::as_array);
        let product = |entry: &Value| {
            let name = entry["product"].as_str().unwrap_or_default();
            let forced = features::forced(plan, name);
            let features = features::of_product(product_id(name)).filter(|kind| kind.of_plan);
            let features: Vec<Value> = features
                .map(|kind| {
                    let enabled = forced.iter().any(|forced| forced.name == kind.name);
                    json!({"name": kind.name, "isEnabled": enabled, "attrs": []})
                })
                .collect();
            let mut document = Map::new();
            document.insert("productID".into(), json!(product_id(name)));
            document.insert("features".into(), json!(features));
            if let Some(edition) = edition(plan, name) {
                document.insert("edition".into(), json!(edition));
            }
            Value::Object(document)
        };
        json!({
            "id": plan.sequence,
            "name": plan.name(),
            "status": 1,
            "products": products.into_iter().flatten().map(product).collect::<Vec<_>>(),
        })
    }
}

/// Whether Druva knows of an item; the estate's default customer only holds machines that nobody has listed.
pub(super) fn is_shown(item: &Item) -> bool {
    item.kind != Kind::Customer || item.protection != Protection::Default
}

/// The address as one text.
pub(super) fn address(customer: &Item) -> String {
    let parts = ["text", "street", "postalCode", "city", "state", "country"];
    let parts = parts.map(|part| customer.text(&format!("profile.address.{part}")));
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// A plan's edition for a product, as Druva writes it.
pub(super) fn edition(plan: &Item, product: &str) -> Option<String> {
    plan_fit::entry(plan, product)?["edition"]
        .as_str()
        .map(str::to_lowercase)
}

/// 1 sandbox, 2 evaluation, 3 commercial.
pub(super) fn tenant_type(tenant: &Item) -> i64 {
    match tenant.text("type") {
        Some("Sandbox") => 1,
        Some("Commercial") => 3,
        _ => 2,
    }
}

/// 0 pending, 1 ready, 2 suspended, 3 marked for deletion, 4 being migrated, 5 updating.
pub(super) fn tenant_status(tenant: &Item) -> i64 {
    match tenant.state.druva.phase {
        Some(Phase::Pending) => 0,
        Some(Phase::Deleted) => 3,
        Some(Phase::Migrated) => 4,
        Some(Phase::Updating) => 5,
        None if tenant.active() => 1,
        None => 2,
    }
}

/// When a tenant's licence ends.
pub(super) fn licence_end(tenant: &Item) -> Timestamp {
    let usual = tenant.created_at.saturating_add(USUAL_LICENCE);
    moment(tenant, "licenceExpiresAt").unwrap_or(usual.unwrap_or(tenant.created_at))
}

fn moment(item: &Item, path: &str) -> Option<Timestamp> {
    item.text(path).and_then(|at| at.parse().ok())
}

fn regions(tenant: &Item) -> Vec<Value> {
    let names = tenant.value("storageRegions").and_then(Value::as_array);
    let names = names.into_iter().flatten().filter_map(Value::as_str);
    names.map(region).collect()
}

/// A region by name: AWS writes them with dashes and a number, Azure in one word.
pub(super) fn region(name: &str) -> Value {
    json!({"name": name, "storageProvider": provider(name)})
}

/// 1 AWS, 2 Azure.
pub(super) fn provider(region: &str) -> i64 {
    if region.contains('-') { 1 } else { 2 }
}
