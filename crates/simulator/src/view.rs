//! Items as the contract shows them: head, settings, facts.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use serde_json::{Map, Value, json};

use super::{
    Kind,
    item::{Item, Protection},
    lineage::Lineage,
    rows,
    rules::plan_fit,
    store::StoreError,
};

type Result<T> = std::result::Result<T, StoreError>;

/// How long a trial lasts.
const TRIAL: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Shows items of one moment.
pub(super) struct Views<'a> {
    connection: &'a Connection,
    lineage: Lineage<'a>,
    now: Timestamp,
    plans: RefCell<HashMap<String, Option<Rc<Item>>>>,
}

impl<'a> Views<'a> {
    pub fn new(connection: &'a Connection, now: Timestamp) -> Self {
        Self {
            connection,
            lineage: Lineage::new(connection),
            now,
            plans: RefCell::default(),
        }
    }

    /// The item's document.
    pub fn show(&self, item: &Item) -> Result<Value> {
        let mut document = item.settings.clone();
        let (name, facts) = match item.kind {
            Kind::Tenant => self.tenant(item)?,
            _ => (item.name().to_owned(), self.facts(item)?),
        };
        if item.kind == Kind::Plan {
            document.insert(
                "default".into(),
                json!(item.protection == Protection::Default),
            );
        }
        document.insert("id".into(), json!(item.id));
        document.insert("name".into(), json!(name));
        document.insert("externalRef".into(), json!(item.external_ref));
        document.insert("etag".into(), json!(item.etag()));
        document.insert("protection".into(), json!(item.protection.name()));
        document.insert("createdAt".into(), json!(item.created_at));
        document.insert("updatedAt".into(), json!(item.updated_at));
        document.insert("facts".into(), Value::Object(facts));
        Ok(Value::Object(document))
    }

    fn facts(&self, item: &Item) -> Result<Map<String, Value>> {
        let mut facts = Map::new();
        let mut put = |name: &str, value: Value| facts.insert(name.into(), value);
        match item.kind {
            Kind::Reseller => {
                put(
                    "customers",
                    json!(rows::count_of_reseller(
                        self.connection,
                        Kind::Customer,
                        &item.id
                    )?),
                );
                put(
                    "resellers",
                    json!(rows::count_of_reseller(
                        self.connection,
                        Kind::Reseller,
                        &item.id
                    )?),
                );
            }
            Kind::Customer => {
                put(
                    "clients",
                    json!(rows::count_of_customer(
                        self.connection,
                        Kind::Client,
                        &item.id
                    )?),
                );
                put(
                    "clientIds",
                    json!(rows::client_ids(self.connection, &item.id)?),
                );
                put(
                    "tenants",
                    json!(rows::count_of_customer(
                        self.connection,
                        Kind::Tenant,
                        &item.id
                    )?),
                );
            }
            Kind::Plan => {
                put(
                    "tenants",
                    json!(rows::count_of_plan(self.connection, &item.id)?),
                );
            }
            Kind::Client => {
                put(
                    "workload",
                    json!(item.state.load.as_ref().map(|load| &load.workload)),
                );
            }
            Kind::Tenant | Kind::Location | Kind::Administrator => {}
        }
        if matches!(item.kind, Kind::Reseller | Kind::Customer) {
            put("effectiveActive", json!(self.lineage.active(item)?));
            if item.text("stage") == Some("Trial") {
                put(
                    "trialEndsAt",
                    json!(
                        item.created_at
                            .saturating_add(TRIAL)
                            .unwrap_or(item.created_at)
                    ),
                );
            }
            if let Some(at) = item.state.welcome_mail_sent_at {
                put("welcomeMailSentAt", json!(at));
            }
            if item.state.password_set {
                put("webAccessPasswordSet", json!(true));
            }
        }
        Ok(facts)
    }

    fn tenant(&self, tenant: &Item) -> Result<(String, Map<String, Value>)> {
        let customer = rows::get(
            self.connection,
            Kind::Customer,
            tenant.text("customerId").unwrap_or_default(),
        )?;
        let product = tenant.text("product").unwrap_or_default();
        let effective = match &customer {
            Some(customer) => self.lineage.active_below(customer, tenant)?,
            None => tenant.active(),
        };
        let expiry = tenant
            .text("licenceExpiresAt")
            .and_then(|at| at.parse::<Timestamp>().ok());
        let phase = match () {
            () if !tenant.active() => "Suspended",
            () if !effective => "Stopped",
            () if expiry.is_some_and(|at| at <= self.now) => "Expired",
            () => "Active",
        };
        let mut facts = Map::new();
        facts.insert("phase".into(), json!(phase));
        facts.insert("effectiveActive".into(), json!(effective));
        let plan = self.plan(tenant.text("planId").unwrap_or_default())?;
        if let Some(edition) = plan
            .as_deref()
            .and_then(|plan| plan_fit::entry(plan, product))
            .and_then(|entry| entry.get("edition"))
        {
            facts.insert("edition".into(), edition.clone());
        }
        let customer = customer.map_or_else(String::new, |customer| customer.name().to_owned());
        Ok((format!("{customer} / {product}"), facts))
    }

    fn plan(&self, id: &str) -> Result<Option<Rc<Item>>> {
        if let Some(known) = self.plans.borrow().get(id) {
            return Ok(known.clone());
        }
        let plan = rows::get(self.connection, Kind::Plan, id)?.map(Rc::new);
        self.plans.borrow_mut().insert(id.to_owned(), plan.clone());
        Ok(plan)
    }
}
