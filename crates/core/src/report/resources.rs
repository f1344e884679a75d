//! The resources that a report is made of, and the ways between them.

use std::collections::{BTreeMap, BTreeSet};

use kube::ResourceExt;

use crate::api::{BackupPlatform, Customer, Reseller, ServicePlan, Tenant, tenant::TenantType};

/// Everything that a report is made of.
#[derive(Debug, Clone, Default)]
pub struct Resources {
    /// All `BackupPlatform`s.
    pub platforms: Vec<BackupPlatform>,
    /// All `Reseller`s.
    pub resellers: Vec<Reseller>,
    /// All `ServicePlan`s.
    pub plans: Vec<ServicePlan>,
    /// All `Customer`s.
    pub customers: Vec<Customer>,
    /// All `Tenant`s.
    pub tenants: Vec<Tenant>,
}

/// Namespace and name.
pub type Place = (String, String);

/// Namespace and name of a resource.
pub fn place(resource: &impl ResourceExt) -> Place {
    (
        resource.namespace().unwrap_or_default(),
        resource.name_any(),
    )
}

/// Who is above and below whom.
pub struct Ways<'a> {
    resellers: BTreeMap<Place, &'a Reseller>,
    tenants: BTreeMap<Place, Vec<&'a Tenant>>,
}

impl<'a> Ways<'a> {
    /// Through these resources.
    pub fn through(resources: &'a Resources) -> Self {
        let mut tenants: BTreeMap<Place, Vec<&Tenant>> = BTreeMap::new();
        for tenant in &resources.tenants {
            let (namespace, _) = place(tenant);
            let customer = (namespace, tenant.spec.customer_ref.name.clone());
            tenants.entry(customer).or_default().push(tenant);
        }
        let resellers = resources.resellers.iter();
        Self {
            resellers: resellers
                .map(|reseller| (place(reseller), reseller))
                .collect(),
            tenants,
        }
    }

    /// The resellers above a customer, the nearest first. A circle ends where it closes.
    pub fn above(&self, customer: &Customer) -> Vec<String> {
        let (namespace, _) = place(customer);
        let mut next = customer
            .spec
            .reseller_ref
            .as_ref()
            .map(|reference| reference.name.clone());
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        while let Some(name) = next {
            if !seen.insert(name.clone()) {
                break;
            }
            let reseller = self.resellers.get(&(namespace.clone(), name.clone()));
            found.push(name);
            next = reseller
                .and_then(|reseller| reseller.spec.parent_ref.as_ref())
                .map(|parent| parent.name.clone());
        }
        found
    }

    /// The platform of a customer: what status says, or what the references lead to.
    pub fn platform(&self, customer: &Customer) -> Option<String> {
        let told = customer
            .status
            .as_ref()
            .and_then(|status| status.managed.platform.clone());
        let own = customer
            .spec
            .platform_ref
            .as_ref()
            .map(|platform| platform.name.clone());
        told.or(own).or_else(|| {
            let (namespace, _) = place(customer);
            let reseller = customer.spec.reseller_ref.as_ref()?.name.clone();
            let reseller = self.resellers.get(&(namespace, reseller))?;
            Some(reseller.spec.platform_ref.name.clone())
        })
    }

    /// The tenants of a customer.
    pub fn tenants(&self, customer: &Customer) -> &[&'a Tenant] {
        self.tenants
            .get(&place(customer))
            .map_or(&[], Vec::as_slice)
    }
}

/// The plan that a tenant has, by its status, or is to have.
pub fn plan_of(tenant: &Tenant) -> Option<&str> {
    let told = tenant
        .status
        .as_ref()
        .and_then(|status| status.summary.as_ref()?.plan.as_deref());
    let told = told.filter(|plan| *plan != "-");
    told.or_else(|| {
        tenant
            .spec
            .service_plan_ref
            .as_ref()
            .map(|plan| plan.name.as_str())
    })
}

/// The type that a tenant has, by its status, or is to have.
pub fn kind_of(tenant: &Tenant) -> Option<TenantType> {
    let told = tenant
        .status
        .as_ref()
        .and_then(|status| status.summary.as_ref()?.tenant_type.as_deref());
    told.and_then(|kind| kind.parse().ok())
        .or(tenant.spec.tenant_type)
}
