//! The last known facts: where each tenant belongs, since a tenant is addressed below its customer; the numbers of names on
//! the wire; and the customers of account names in reports.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::time::Instant;

use super::{
    wire::{Admin, Customer, ProductRegions, ServicePlan, Tenant},
    words::SANDBOX,
};
use crate::estate::ObjectId;

/// Accepted creations for which the customer is remembered until they are finished.
const MOST_CREATIONS: usize = 10_000;

/// The last known facts. Nothing in here decides anything that the platform wouldn't find out by itself.
#[derive(Default)]
pub(super) struct Known(Mutex<State>);

#[derive(Default)]
struct State {
    /// When the last list of all tenants was begun.
    listed: Option<Instant>,
    /// By tenant, also those that the last list doesn't have: the platform is asked whether they are gone.
    homes: HashMap<ObjectId, ObjectId>,
    /// By customer.
    tenants: HashMap<ObjectId, Vec<TenantEntry>>,
    /// Customers by account name, as listed last; none where several have it.
    accounts: HashMap<String, Option<ObjectId>>,
    /// Customers of tenants in the making, by task.
    creations: HashMap<String, (ObjectId, TenantEntry)>,
    admins: Option<Arc<[Admin]>>,
    regions: Option<Arc<[ProductRegions]>>,
    plans: HashMap<i64, Arc<ServicePlan>>,
    /// Whether the account may manage quotas; `None` until the platform was asked.
    manages_quotas: Option<bool>,
}

/// A tenant in the context of its customer.
#[derive(Clone)]
pub(super) struct TenantEntry {
    id: ObjectId,
    product: i64,
    plan: Option<i64>,
    sandbox: bool,
}

impl TenantEntry {
    fn of(tenant: &Tenant) -> Self {
        Self {
            id: ObjectId::new(&tenant.id),
            product: tenant.product_id,
            plan: tenant.service_plan_id,
            sandbox: tenant.kind == Some(SANDBOX),
        }
    }

    /// A tenant without an id yet.
    pub(super) fn to_be(product: i64, plan: i64) -> Self {
        Self {
            id: ObjectId::new(""),
            product,
            plan: Some(plan),
            sandbox: false,
        }
    }
}

/// What a customer has.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Holdings {
    pub(super) tenants: u32,
    pub(super) sandbox: bool,
}

impl Known {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All tenants, by a list that was begun then.
    pub(super) fn note_all(&self, begun: Instant, tenants: &[Tenant]) {
        let mut state = self.state();
        state.listed = Some(begun);
        state.tenants.clear();
        for tenant in tenants {
            state.place(&ObjectId::new(&tenant.customer_id), TenantEntry::of(tenant));
        }
    }

    /// All customers.
    pub(super) fn note_customers(&self, customers: &[Customer]) {
        let mut accounts = HashMap::new();
        for customer in customers {
            if let Some(name) = &customer.account_name {
                accounts
                    .entry(name.clone())
                    .and_modify(|id| *id = None)
                    .or_insert_with(|| Some(ObjectId::new(&customer.id)));
            }
        }
        self.state().accounts = accounts;
    }

    /// One tenant.
    pub(super) fn note(&self, tenant: &Tenant) {
        let customer = ObjectId::new(&tenant.customer_id);
        self.state().place(&customer, TenantEntry::of(tenant));
    }

    /// A tenant's customer; `None` when it isn't known.
    pub(super) fn home(&self, tenant: &ObjectId) -> Option<ObjectId> {
        self.state().homes.get(tenant).cloned()
    }

    /// When the last list of all tenants was begun.
    pub(super) fn listed(&self) -> Option<Instant> {
        self.state().listed
    }

    /// What a customer has.
    pub(super) fn holdings(&self, customer: &str) -> Holdings {
        let state = self.state();
        let tenants = state.tenants.get(&ObjectId::new(customer));
        let tenants = tenants.map(Vec::as_slice).unwrap_or_default();
        Holdings {
            tenants: u32::try_from(tenants.len()).unwrap_or(u32::MAX),
            sandbox: tenants.iter().any(|entry| entry.sandbox),
        }
    }

    /// The tenant that a customer has of a product.
    pub(super) fn tenant_of(&self, customer: &ObjectId, product: i64) -> Option<ObjectId> {
        let state = self.state();
        let mut tenants = state.tenants.get(customer)?.iter();
        let entry = tenants.find(|entry| entry.product == product)?;
        Some(entry.id.clone())
    }

    /// The customer of an account name and its tenant of a product, where there is exactly one of each.
    pub(super) fn tenant_by_account(
        &self,
        account: &str,
        product: i64,
    ) -> Option<(ObjectId, ObjectId)> {
        let state = self.state();
        let customer = state.accounts.get(account)?.as_ref()?;
        let tenants = state.tenants.get(customer)?.iter();
        let mut tenants = tenants.filter(|entry| entry.product == product);
        match (tenants.next(), tenants.next()) {
            (Some(entry), None) => Some((customer.clone(), entry.id.clone())),
            _ => None,
        }
    }

    /// How many tenants are on a plan.
    pub(super) fn tenants_on(&self, plan: i64) -> u32 {
        let state = self.state();
        let tenants = state.tenants.values().flatten();
        let count = tenants.filter(|entry| entry.plan == Some(plan)).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// A task is creating a tenant.
    pub(super) fn expect(&self, task: &str, customer: ObjectId, tenant: TenantEntry) {
        let mut state = self.state();
        if state.creations.len() >= MOST_CREATIONS {
            state.creations.clear();
        }
        state.creations.insert(task.to_owned(), (customer, tenant));
    }

    /// A task is finished, and has created a tenant if it was to and an id is given.
    pub(super) fn finished(&self, task: &str, made: Option<&ObjectId>) {
        let mut state = self.state();
        let creation = state.creations.remove(task);
        if let (Some((customer, entry)), Some(id)) = (creation, made) {
            let id = id.clone();
            state.place(&customer, TenantEntry { id, ..entry });
        }
    }

    pub(super) fn set_admins(&self, admins: &Arc<[Admin]>) {
        self.state().admins = Some(Arc::clone(admins));
    }

    pub(super) fn admins(&self) -> Option<Arc<[Admin]>> {
        self.state().admins.clone()
    }

    pub(super) fn set_regions(&self, regions: &Arc<[ProductRegions]>) {
        self.state().regions = Some(Arc::clone(regions));
    }

    pub(super) fn regions(&self) -> Option<Arc<[ProductRegions]>> {
        self.state().regions.clone()
    }

    pub(super) fn set_plans(&self, plans: impl IntoIterator<Item = ServicePlan>) {
        let plans = plans.into_iter().map(|plan| (plan.id, Arc::new(plan)));
        self.state().plans = plans.collect();
    }

    pub(super) fn plan(&self, id: i64) -> Option<Arc<ServicePlan>> {
        self.state().plans.get(&id).cloned()
    }

    /// A known refusal stays: a list that was begun before says nothing new.
    pub(super) fn set_manages_quotas(&self, manages: bool) {
        let mut state = self.state();
        state.manages_quotas = Some(manages && state.manages_quotas != Some(false));
    }

    /// Whether the account may manage quotas; `None` until the platform was asked.
    pub(super) fn manages_quotas(&self) -> Option<bool> {
        self.state().manages_quotas
    }
}

impl State {
    fn place(&mut self, customer: &ObjectId, entry: TenantEntry) {
        self.homes.insert(entry.id.clone(), customer.clone());
        let tenants = self.tenants.entry(customer.clone()).or_default();
        tenants.retain(|other| other.id != entry.id);
        tenants.push(entry);
    }
}
