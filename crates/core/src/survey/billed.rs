//! What of the last report of consumption is billed: by customer, tenant, and the plan of each.

use std::{collections::BTreeSet, sync::Arc};

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use kube::ResourceExt;

use super::{PlatformView, Reports, ResourceRef, Survey, resource_ref};
use crate::{
    api::{
        Customer, Kind, ServicePlan, Tenant,
        plan::{BillingUnit, PlanBilling},
    },
    estate::{Consumption, Object, ObjectId},
    inventory::Inventory,
    invoice::{Figure, Final},
    planner,
};

/// A tenant that is billed.
struct Subscription {
    customer: Arc<Customer>,
    customer_id: ObjectId,
    tenant: Arc<Tenant>,
    billing: PlanBilling,
    /// Whether no other tenant of the customer is billed.
    only: bool,
}

/// Today's figures of all customers on a platform, for invoices. `month` is the one that credits are counted in.
pub fn figures(survey: &Survey, site: &PlatformView, month: &str) -> Vec<Figure> {
    let subscriptions = subscriptions(survey, site);
    let (inventory, reports) = (site.inventory(), site.reports());
    let mut figures: Vec<Figure> = Vec::new();
    for subscription in &subscriptions {
        let Subscription {
            customer,
            tenant,
            billing,
            ..
        } = subscription;
        let whole = billing.unit == BillingUnit::Client;
        let figure = Figure {
            customer: place(&**customer),
            reference: customer.spec.lifecycle.reference.clone(),
            tenant: (!whole).then(|| tenant.name_any()),
            object: if whole {
                Some(subscription.customer_id.as_str().to_owned())
            } else {
                subscription.object(survey)
            },
            reseller: reseller(customer),
            sku: billing.sku.clone(),
            unit: billing.unit,
            included: billing.included.unwrap_or(0),
            quantity: subscription.quantity(survey, &inventory, &reports, month),
        };
        // The clients are the customer's, however many of its tenants have such a plan.
        let same = |other: &&Figure| other.customer == figure.customer;
        let mut others = figures.iter().rev().take_while(same);
        let told = whole && others.any(|other| *other == figure);
        if !told {
            figures.push(figure);
        }
    }
    figures
}

/// Credits of a month that is over, as the platform reports them now. None of a month that its report hasn't whole any more: what
/// was counted day by day is nearer to it then than its last days.
pub fn finals(survey: &Survey, site: &PlatformView, month: &str) -> Vec<Final> {
    let subscriptions = subscriptions(survey, site);
    let reports = site.reports();
    if !reports
        .usage_as_of
        .is_some_and(|as_of| is_whole(month, as_of))
    {
        return Vec::new();
    }
    let credits = subscriptions
        .iter()
        .filter(|subscription| subscription.billing.unit == BillingUnit::Credit);
    credits
        .filter_map(|subscription| {
            Some(Final {
                customer: place(&*subscription.customer),
                tenant: Some(subscription.tenant.name_any()),
                object: subscription.object(survey),
                milli: credits_of(subscription.row(survey, &reports)?, month)?,
            })
        })
        .collect()
}

/// Whether the 90 days of a report begin before a month or on its first day.
fn is_whole(month: &str, as_of: Timestamp) -> bool {
    let today = as_of.to_zoned(TimeZone::UTC).date();
    let window = today.checked_sub(89.days()).ok();
    let begins = format!("{month}-01").parse::<Date>().ok();
    window
        .zip(begins)
        .is_some_and(|(window, begins)| window <= begins)
}

/// Customers of whose billing something can't be read: a day without it is no day on which nothing was used.
pub fn unread(survey: &Survey, site: &PlatformView) -> BTreeSet<String> {
    let (stores, index) = (&survey.stores, &survey.index);
    let tenants = stores.tenants.all().into_iter();
    let here = tenants.filter(|tenant| survey.lives_on(&**tenant, &site.key));
    let misses_plan = |tenant: &Arc<Tenant>| {
        let plan = tenant.spec.service_plan_ref.as_ref();
        let namespace = tenant.namespace().unwrap_or_default();
        let customer = named(Kind::Customer, &namespace, &tenant.spec.customer_ref.name);
        let plan = plan.map(|plan| named(Kind::ServicePlan, &namespace, &plan.name));
        let missing = plan.is_some_and(|plan| stores.is_unreadable(&plan) || !stores.exists(&plan));
        (missing || stores.is_unreadable(&customer))
            .then(|| format!("{namespace}/{}", customer.name))
    };
    let mut unread: BTreeSet<String> = here.filter_map(|tenant| misses_plan(&tenant)).collect();
    let inventory = site.inventory();
    let account = site.account();
    let customer_of = |tenant: &ResourceRef| {
        let object = inventory.get(Kind::Tenant, &index.held_by(tenant)?)?;
        let customer = object.parent()?;
        index.by_id(&account.as_ref()?.id, Kind::Customer, &customer)
    };
    let tenants = index
        .resources()
        .into_iter()
        .filter(|resource| resource.kind == Kind::Tenant && stores.is_unreadable(resource));
    unread.extend(tenants.filter_map(|tenant| {
        let customer = customer_of(&tenant)?;
        Some(format!("{}/{}", customer.namespace, customer.name))
    }));
    unread
}

fn named(kind: Kind, namespace: &str, name: &str) -> ResourceRef {
    ResourceRef {
        kind,
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    }
}

impl Subscription {
    /// What the platform reports: of the tenant, or, where it tells only customers apart, of the customer that has no other.
    fn row<'a>(&self, survey: &Survey, reports: &'a Reports) -> Option<&'a Arc<Consumption>> {
        let tenant = survey.index.held_by(&resource_ref(&*self.tenant));
        let key = |tenant| (self.customer_id.clone(), tenant);
        let of_tenant = tenant.and_then(|id| reports.usage.get(&key(Some(id))));
        of_tenant.or_else(|| reports.usage.get(&key(None)).filter(|_| self.only))
    }

    /// What the row is about, on the platform.
    fn object(&self, survey: &Survey) -> Option<String> {
        let tenant = survey.index.held_by(&resource_ref(&*self.tenant));
        let id = tenant.or_else(|| self.only.then(|| self.customer_id.clone()))?;
        Some(id.as_str().to_owned())
    }

    fn quantity(
        &self,
        survey: &Survey,
        inventory: &Inventory,
        reports: &Reports,
        month: &str,
    ) -> Option<u64> {
        match self.billing.unit {
            BillingUnit::GiBMonth => Some(self.row(survey, reports)?.storage_bytes),
            // A month that isn't listed yet is one in which nothing was consumed so far.
            BillingUnit::Credit => Some(credits_of(self.row(survey, reports)?, month).unwrap_or(0)),
            BillingUnit::Client => {
                let customer = inventory.get(Kind::Customer, &self.customer_id)?;
                customer.facts.clients.map(u64::from)
            }
            BillingUnit::Seat => {
                let id = survey.index.held_by(&resource_ref(&*self.tenant))?;
                seats(inventory.get(Kind::Tenant, &id)?)
            }
        }
    }
}

/// Every tenant with a plan that is billed, of a customer with an object on the platform; and with one itself, where the platform
/// has tenants.
fn subscriptions(survey: &Survey, site: &PlatformView) -> Vec<Subscription> {
    let stores = &survey.stores;
    let facts = site.facts();
    let knows_tenants = facts.is_none_or(|facts| facts.capabilities.knows(Kind::Tenant));
    let billed = |tenant: Arc<Tenant>| {
        let namespace = tenant.namespace()?;
        let plan: Arc<ServicePlan> = stores
            .plans
            .get(&namespace, &tenant.spec.service_plan_ref.as_ref()?.name)?;
        let billing = plan.spec.billing.clone()?;
        let customer = stores
            .customers
            .get(&namespace, &tenant.spec.customer_ref.name)?;
        let customer_id = survey.index.held_by(&resource_ref(&*customer))?;
        if knows_tenants {
            survey.index.held_by(&resource_ref(&*tenant))?;
        }
        Some(Subscription {
            customer,
            customer_id,
            tenant,
            billing,
            only: false,
        })
    };
    let tenants = stores.tenants.all().into_iter();
    let here = tenants.filter(|tenant| survey.lives_on(&**tenant, &site.key));
    let mut found: Vec<Subscription> = here.filter_map(billed).collect();
    found.sort_by_key(|one| (place(&*one.customer), place(&*one.tenant)));
    let customers: Vec<String> = found.iter().map(|one| place(&*one.customer)).collect();
    for (at, subscription) in found.iter_mut().enumerate() {
        let same = |other: usize| customers.get(other) == customers.get(at);
        let others = (at > 0 && same(at - 1)) || same(at + 1);
        subscription.only = !others;
    }
    found
}

fn place(resource: &impl ResourceExt) -> String {
    format!(
        "{}/{}",
        resource.namespace().unwrap_or_default(),
        resource.name_any()
    )
}

fn reseller(customer: &Customer) -> Option<String> {
    let reference = customer.spec.reseller_ref.as_ref()?;
    Some(reference.name.clone())
}

/// `None` when the platform doesn't list the month.
fn credits_of(row: &Arc<Consumption>, month: &str) -> Option<u64> {
    let of_month = row.months.iter().find(|other| other.month == month)?;
    let milli = planner::credits(of_month.credits).milli().unwrap_or(0);
    Some(u64::try_from(milli).unwrap_or(0))
}

/// Users of all workloads; those who left and whose data is kept don't count. `None` when the platform tells of none.
fn seats(tenant: &Object) -> Option<u64> {
    let workloads = tenant.settings.get("workloads");
    let workloads = workloads.and_then(serde_json::Value::as_array);
    let users = workloads
        .into_iter()
        .flatten()
        .filter_map(|workload| workload.get("users")?.as_u64());
    users.reduce(u64::saturating_add)
}
