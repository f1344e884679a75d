//! A platform as it is, as resources with a status made of what it holds and reports: such a report needs nothing of the
//! cluster's status. Serves R-D16, R-N5.

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use jiff::Timestamp;
use kube::ResourceExt;
use serde::de::DeserializeOwned;

use super::resources::Resources;
use crate::{
    api::{
        BackupPlatform, Customer, Kind, Reseller, ServicePlan, Tenant,
        plan::ServiceLevel,
        shared::{Health, ManagedStatus},
    },
    estate::{HealthReport, Object, ObjectId, Snapshot, Unread, UsageReport},
    export::Document,
    planner::{self, Around, PlanName, Warned},
    preview::Existing,
    survey::Reports,
};

/// What a platform holds and reports, and the resources that manage it.
#[derive(Debug)]
pub struct Living {
    /// The platform.
    pub platform: BackupPlatform,
    /// What it holds.
    pub observation: Snapshot,
    /// The same as manifests, one an object.
    pub documents: Vec<Document>,
    /// The resources that live on it.
    pub existing: Existing,
    /// Its report of consumption, where it was asked for and the platform has one.
    pub usage: Option<UsageReport>,
    /// Its report of health, likewise.
    pub health: Option<HealthReport>,
}

impl Living {
    /// As resources, and in sentences what is left out of them.
    pub fn resources(self, now: Timestamp) -> (Resources, Vec<String>) {
        let mut notes = self.unread();
        let Self {
            platform,
            observation,
            documents,
            existing,
            usage,
            health,
        } = self;
        let mut reports = Reports::default();
        if let Some(usage) = usage {
            reports.note_usage(usage);
        }
        if let Some(health) = health {
            reports.note_health(health);
        }
        let mut resources = Resources::default();
        let mut names = BTreeMap::new();
        for document in documents {
            let kind = document.kind.parse::<Kind>();
            let id = document.body["spec"]["externalId"]
                .as_str()
                .map(ObjectId::new);
            if let (Ok(kind), Some(id)) = (kind, id) {
                names.insert((kind, id), document.name.clone());
            }
            declare(&mut resources, document, &mut notes);
        }
        let picture = Picture::new(&platform, observation, &existing, &names, &reports);
        picture.fill(&mut resources, now);
        notes.extend(picture.strangers());
        picture.add_what_only_the_cluster_has(&mut resources);
        resources.platforms = vec![platform];
        (resources, notes)
    }

    /// What of the platform's answers can't be read.
    fn unread(&self) -> Vec<String> {
        let usage = self.usage.as_ref().map(|report| &report.unreadable);
        let health = self.health.as_ref().map(|report| &report.unreadable);
        let mut all = self.observation.unreadable.clone();
        [usage, health]
            .into_iter()
            .flatten()
            .for_each(|some| all.add(some.clone()));
        sentence(&all).into_iter().collect()
    }
}

fn sentence(unread: &Unread) -> Option<String> {
    let first = unread.named.first();
    let why = first.map_or("", |first| first.why.as_str());
    let of = first.and_then(|first| first.id.as_deref());
    let of = of.map_or(String::new(), |id| format!(" {id}"));
    (unread.count() > 0).then(|| {
        format!(
            "{} items of what it reports can't be read and are left out; the first is{of}: {why}",
            unread.count()
        )
    })
}

/// One document as the resource that it is.
fn declare(resources: &mut Resources, document: Document, notes: &mut Vec<String>) {
    let what = format!("{} {}", document.kind, document.name);
    let read = match document.kind.as_str() {
        "Reseller" => keep(&mut resources.resellers, document),
        "ServicePlan" => keep(&mut resources.plans, document),
        "Customer" => keep(&mut resources.customers, document),
        "Tenant" => keep(&mut resources.tenants, document),
        _ => Ok(()),
    };
    if let Err(error) = read {
        notes.push(format!(
            "{what} holds what can't be read and is left out: {error}"
        ));
    }
}

fn keep<K: DeserializeOwned>(into: &mut Vec<K>, document: Document) -> serde_json::Result<()> {
    into.push(serde_json::from_value(document.body)?);
    Ok(())
}

/// What is looked up again and again.
struct Picture<'a> {
    platform: String,
    knows_tenants: bool,
    knows_resellers: bool,
    objects: HashMap<(Kind, ObjectId), Arc<Object>>,
    tenants: HashMap<ObjectId, Vec<Arc<Object>>>,
    names: &'a BTreeMap<(Kind, ObjectId), String>,
    resellers: &'a [Reseller],
    customers: BTreeMap<String, &'a Customer>,
    subscriptions: BTreeMap<String, &'a Tenant>,
    /// The same by name of the customer.
    promises: BTreeMap<String, Vec<&'a Tenant>>,
    plans: BTreeMap<String, &'a ServicePlan>,
    reports: &'a Reports,
}

impl<'a> Picture<'a> {
    fn new(
        platform: &BackupPlatform,
        observation: Snapshot,
        existing: &'a Existing,
        names: &'a BTreeMap<(Kind, ObjectId), String>,
        reports: &'a Reports,
    ) -> Self {
        let mut picture = Self {
            platform: platform.name_any(),
            knows_tenants: observation.capabilities.knows(Kind::Tenant),
            knows_resellers: observation.capabilities.knows(Kind::Reseller),
            objects: HashMap::new(),
            tenants: HashMap::new(),
            names,
            resellers: &existing.resellers,
            customers: by_name(&existing.customers),
            subscriptions: by_name(&existing.tenants),
            promises: BTreeMap::new(),
            plans: by_name(&existing.plans),
            reports,
        };
        for tenant in &existing.tenants {
            let customer = tenant.spec.customer_ref.name.clone();
            picture.promises.entry(customer).or_default().push(tenant);
        }
        for object in observation.objects.into_iter().map(Arc::new) {
            if let Some(customer) = object.parent().filter(|_| object.kind == Kind::Tenant) {
                let tenants = picture.tenants.entry(customer).or_default();
                tenants.push(object.clone());
            }
            let key = (object.kind, object.id.clone());
            picture.objects.insert(key, object);
        }
        picture
    }

    /// Gives customers and tenants the status that follows from their objects and from the reports.
    fn fill(&self, resources: &mut Resources, now: Timestamp) {
        for customer in &mut resources.customers {
            self.fill_customer(customer);
        }
        for tenant in &mut resources.tenants {
            self.fill_tenant(tenant, now);
        }
    }

    fn fill_customer(&self, customer: &mut Customer) {
        let known = self.customers.get(&customer.name_any());
        if let Some(known) = known {
            customer.metadata = known.metadata.clone();
            let reference = &mut customer.spec.lifecycle.reference;
            reference.clone_from(&known.spec.lifecycle.reference);
            let people = &mut customer.spec.administrators;
            *people = people.take().or_else(|| known.spec.administrators.clone());
            if !self.knows_resellers {
                let (spec, known) = (&mut customer.spec, &known.spec);
                spec.reseller_ref.clone_from(&known.reseller_ref);
                spec.platform_ref.clone_from(&known.platform_ref);
            }
        }
        let id = customer.spec.lifecycle.external_id.as_deref();
        let Some(object) = self.object(Kind::Customer, id) else {
            return;
        };
        let around = self.around_customer(object, &customer.name_any());
        let warned = Warned {
            at: None,
            settled: true,
        };
        let (mut status, _) = planner::customer(Some(object), &around, None, warned);
        status
            .health
            .iter_mut()
            .for_each(|health| now_only(health, &around));
        let known = known.and_then(|known| known.status.as_ref());
        status.managed = self.managed(object, known.map(|known| &known.managed));
        customer.status = Some(status);
    }

    fn fill_tenant(&self, tenant: &mut Tenant, now: Timestamp) {
        let known = self.subscriptions.get(&tenant.name_any());
        if let Some(known) = known {
            tenant.metadata = known.metadata.clone();
            let plan = &mut tenant.spec.service_plan_ref;
            *plan = plan.take().or_else(|| known.spec.service_plan_ref.clone());
        }
        let id = tenant.spec.lifecycle.external_id.as_deref();
        let Some(object) = self.object(Kind::Tenant, id) else {
            return;
        };
        let around = self.around_tenant(object);
        let (mut status, _) = planner::tenant(Some(object), &around, None, now);
        status
            .health
            .iter_mut()
            .for_each(|health| now_only(health, &around));
        let known = known.and_then(|known| known.status.as_ref());
        status.managed = self.managed(object, known.map(|known| &known.managed));
        tenant.status = Some(status);
    }

    fn object(&self, kind: Kind, id: Option<&str>) -> Option<&Arc<Object>> {
        self.objects.get(&(kind, ObjectId::new(id?)))
    }

    /// Whether a resource is Ready is the only thing that the cluster's status is asked for: no platform knows it.
    fn managed(&self, object: &Object, known: Option<&ManagedStatus>) -> ManagedStatus {
        ManagedStatus {
            external_id: Some(object.id.to_string()),
            platform: Some(self.platform.clone()),
            conditions: known.map_or_else(Vec::new, |known| known.conditions.clone()),
            ..ManagedStatus::default()
        }
    }

    fn around_customer(&self, object: &Object, name: &str) -> Around {
        let health = self.reports.health.get(&object.id);
        self.around(
            object,
            None,
            self.tenants.get(&object.id).cloned().unwrap_or_default(),
            health.cloned().unwrap_or_default(),
            if self.knows_tenants {
                Vec::new()
            } else {
                self.promised(name)
            },
        )
    }

    fn around_tenant(&self, object: &Arc<Object>) -> Around {
        let Some(customer) = object.parent() else {
            return Around::default();
        };
        let rows = self.reports.health.get(&customer).into_iter().flatten();
        let own = rows.filter(|row| row.tenant_id.as_ref() == Some(&object.id));
        let health = own.cloned().collect();
        let tenants = vec![object.clone()];
        let tenant = (&customer, &object.id);
        self.around(object, Some(tenant), tenants, health, Vec::new())
    }

    fn around(
        &self,
        object: &Object,
        tenant: Option<(&ObjectId, &ObjectId)>,
        tenants: Vec<Arc<Object>>,
        health: Vec<Arc<crate::estate::DataSources>>,
        promised: Vec<ServiceLevel>,
    ) -> Around {
        let key = match tenant {
            Some((customer, tenant)) => (customer.clone(), Some(tenant.clone())),
            None => (object.id.clone(), None),
        };
        let (mut plans, mut kept_plans) = (BTreeMap::new(), BTreeMap::new());
        for tenant in &tenants {
            if let Some(id) = tenant.settings.text("planId").map(ObjectId::new) {
                let name = self.names.get(&(Kind::ServicePlan, id.clone()));
                plans.insert(id, self.plan(name.map_or("", String::as_str)));
                continue;
            }
            let name = self.names.get(&(Kind::Tenant, tenant.id.clone()));
            let known = name.and_then(|name| self.subscriptions.get(name));
            let plan = known.and_then(|known| known.spec.service_plan_ref.as_ref());
            if let Some(plan) = plan {
                kept_plans.insert(tenant.id.clone(), self.plan(&plan.name));
            }
        }
        Around {
            children: tenants,
            promised,
            plans,
            kept_plans,
            usage_as_of: self.reports.usage_as_of,
            usage: self.reports.usage.get(&key).cloned().into_iter().collect(),
            health_as_of: self.reports.health_as_of,
            health,
            ..Around::default()
        }
    }

    fn plan(&self, name: &str) -> PlanName {
        let known = self.plans.get(name);
        PlanName {
            name: name.to_owned(),
            service_level: known.and_then(|plan| plan.spec.service_level.clone()),
        }
    }

    /// What a customer is promised where its tenants exist in the cluster only.
    fn promised(&self, customer: &str) -> Vec<ServiceLevel> {
        let own = self.promises.get(customer).into_iter().flatten();
        own.filter_map(|tenant| {
            let plan = tenant.spec.service_plan_ref.as_ref()?;
            self.plan(&plan.name).service_level
        })
        .collect()
    }

    /// Resellers, tenants and plans of platforms that know none.
    fn add_what_only_the_cluster_has(&self, resources: &mut Resources) {
        let there =
            |plans: &[ServicePlan], name: &str| plans.iter().any(|plan| plan.name_any() == name);
        let plans = self.plans.iter();
        let more: Vec<ServicePlan> = plans
            .filter(|(name, _)| !there(&resources.plans, name))
            .map(|(_, plan)| (*plan).clone())
            .collect();
        resources.plans.extend(more);
        if !self.knows_resellers {
            resources.resellers.extend(self.resellers.iter().cloned());
        }
        if !self.knows_tenants {
            let tenants = self.subscriptions.values();
            resources
                .tenants
                .extend(tenants.map(|tenant| (*tenant).clone()));
        }
    }

    /// Customers that a report names and that the platform doesn't list: they have no row.
    fn strangers(&self) -> Option<String> {
        let used = self.reports.usage.keys().map(|(customer, _)| customer);
        let named = used.chain(self.reports.health.keys());
        let strange = named.filter(|id| {
            let key = (Kind::Customer, (*id).clone());
            !self.objects.contains_key(&key)
        });
        let strange: BTreeSet<&ObjectId> = strange.collect();
        let first = strange.first()?;
        Some(format!(
            "its reports name {} customers that it doesn't list, and that have no row; the first is {first}",
            strange.len()
        ))
    }
}

/// Health with every data source, and without a month: a single look has one day of it.
fn now_only(health: &mut Health, around: &Around) {
    health.worst = planner::every_source(around);
    health.attainment.clear();
}

fn by_name<K: ResourceExt>(resources: &[K]) -> BTreeMap<String, &K> {
    let each = resources.iter();
    each.map(|resource| (resource.name_any(), resource))
        .collect()
}
