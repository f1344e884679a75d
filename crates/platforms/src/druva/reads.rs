//! Single objects and whole lists, as the platform shows them.

use std::sync::Arc;

use reqwest::Url;
use tokio::time::Instant;

use super::{
    Druva, customers, invalid, mapping,
    pages::{Listed, PAGE, Walk, with_query},
    reading,
    refusal::unsent,
    tenants,
    wire::{Admin, Customer, ProductRegions, Quota, Row, ServicePlan, StorageRegions, Tenant},
};
use crate::wire::garbled;
use crate::{
    api::Kind,
    estate::{ItemKind, Object, ObjectId, Unread, Unreadable},
    {
        Lane, PlatformError,
        http::Call,
        rows::{Lost, Raw, whole},
    },
};

pub(super) const GET_CUSTOMER: &str = "GET /msp/v3/customers/{customerID}";
pub(super) const GET_TENANT: &str = "GET /msp/v3/customers/{customerID}/tenants/{tenantID}";
pub(super) const GET_PLAN: &str = "GET /msp/v3/servicePlans/{servicePlanID}";
const LIST_CUSTOMERS: &str = "GET /msp/v3/customers";
const LIST_TENANTS: &str = "GET /msp/v3/tenants";
/// Without it the platform leaves features out, and a change would lose them.
const WITH_FEATURES: (&str, &str) = ("includeFeatures", "true");
/// The same for administrators. Source: Druva OpenAPI, `ListAdminsV2`.
const ADMINS_PAGE: (&str, &str) = ("pageSize", "500");

/// An object as read, when it is the one that was asked for.
fn expected(
    operation: &str,
    id: &str,
    object: Result<Object, Lost>,
) -> Result<Object, PlatformError> {
    let object = object.map_err(|lost| garbled(operation, &lost.why))?;
    if object.id.as_str() == id {
        Ok(object)
    } else {
        Err(garbled(operation, "the answer is about another object"))
    }
}

/// The regions of each product, and which of these can't be read.
pub(super) fn product_regions(body: &StorageRegions) -> (Vec<ProductRegions>, Unread) {
    let (mut regions, mut unread) = (Vec::new(), Unread::default());
    for raw in &body.storage_regions {
        match whole(raw, &["productID"]) {
            Ok(of_product) => regions.push(of_product),
            Err(Lost { id, why }) => {
                let kind = ItemKind::StorageLocation;
                unread.note(Unreadable { kind, id, why });
            }
        }
    }
    (regions, unread)
}

impl Druva {
    /// All customers; their account names are remembered.
    pub(super) async fn customers(&self, lane: Lane) -> Result<Listed<Customer>, PlatformError> {
        let customers: Listed<Customer> = self
            .list(Walk {
                operation: LIST_CUSTOMERS,
                lane,
                path: &["v3", "customers"],
                query: &[PAGE],
            })
            .await?;
        self.known.note_customers(&customers.rows);
        Ok(customers)
    }

    /// All tenants; the customer of each is remembered.
    pub(super) async fn tenants(&self, lane: Lane) -> Result<Listed<Tenant>, PlatformError> {
        let begun = Instant::now();
        let tenants: Listed<Tenant> = self
            .list(Walk {
                operation: LIST_TENANTS,
                lane,
                path: &["v3", "tenants"],
                query: &[PAGE, WITH_FEATURES],
            })
            .await?;
        self.known.note_all(begun, &tenants.rows);
        Ok(tenants)
    }

    /// The tenants of one customer.
    pub(super) async fn tenants_of(&self, customer: &str) -> Result<Listed<Tenant>, PlatformError> {
        let Listed { mut rows, lost } = self
            .list(Walk {
                operation: LIST_TENANTS,
                lane: Lane::Edit,
                path: &["v3", "tenants"],
                query: &[("customerIds", customer), PAGE, WITH_FEATURES],
            })
            .await?;
        // If the filter is ever ignored, others' tenants aren't mistaken for this customer's.
        rows.retain(|tenant: &Tenant| tenant.customer_id == customer);
        for tenant in &rows {
            self.known.note(tenant);
        }
        Ok(Listed { rows, lost })
    }

    pub(super) async fn plans(&self, lane: Lane) -> Result<Listed<ServicePlan>, PlatformError> {
        let plans: Listed<ServicePlan> = self
            .list(Walk {
                operation: "GET /msp/v3/servicePlans",
                lane,
                path: &["v3", "servicePlans"],
                query: &[],
            })
            .await?;
        self.known.set_plans(plans.rows.iter().cloned());
        Ok(plans)
    }

    pub(super) async fn admins(&self, lane: Lane) -> Result<(Arc<[Admin]>, Unread), PlatformError> {
        let admins: Listed<Admin> = self
            .list(Walk {
                operation: "GET /msp/v2/admins",
                lane,
                path: &["v2", "admins"],
                query: &[ADMINS_PAGE],
            })
            .await?;
        let mut unread = Listed::<Admin>::unread(admins.lost);
        for admin in &admins.rows {
            if let Some(why) = admin.odd.clone() {
                let (kind, id) = (Admin::KIND, Some(admin.id.to_string()));
                unread.note(Unreadable { kind, id, why });
            }
        }
        let admins: Arc<[Admin]> = admins.rows.into();
        self.known.set_admins(&admins);
        Ok((admins, unread))
    }

    pub(super) async fn regions(
        &self,
        lane: Lane,
    ) -> Result<(Arc<[ProductRegions]>, Unread), PlatformError> {
        let call = reading("GET /msp/v2/storage-regions", lane);
        let body: StorageRegions = self
            .get(call, self.url(&["v2", "storage-regions"])?)
            .await?;
        let (regions, unread) = product_regions(&body);
        let regions: Arc<[ProductRegions]> = regions.into();
        self.known.set_regions(&regions);
        Ok((regions, unread))
    }

    pub(super) async fn customer(&self, id: &str) -> Result<Option<Customer>, PlatformError> {
        let url = with_query(&self.url(&["v3", "customers", id])?, &[WITH_FEATURES]);
        self.row(reading(GET_CUSTOMER, Lane::Edit), url).await
    }

    /// A tenant; `None` when neither the platform nor its list contains it.
    pub(super) async fn tenant(&self, id: &ObjectId) -> Result<Option<Tenant>, PlatformError> {
        let Some(home) = self.home(id).await? else {
            return Ok(None);
        };
        let path = ["v3", "customers", home.as_str(), "tenants", id.as_str()];
        let url = with_query(&self.url(&path)?, &[WITH_FEATURES]);
        let tenant: Option<Tenant> = self.row(reading(GET_TENANT, Lane::Edit), url).await?;
        if let Some(tenant) = &tenant {
            if tenant.id != id.as_str() || tenant.customer_id != home.as_str() {
                return Err(garbled(GET_TENANT, "the answer is about another object"));
            }
            self.known.note(tenant);
        }
        Ok(tenant)
    }

    /// The customer of a tenant: a tenant has no address without it. Where it isn't remembered all tenants are listed;
    /// concurrent requests share the next list.
    async fn home(&self, tenant: &ObjectId) -> Result<Option<ObjectId>, PlatformError> {
        let asked = Instant::now();
        if let Some(home) = self.known.home(tenant) {
            return Ok(Some(home));
        }
        let _one_lists = self.listing.lock().await;
        if self.known.listed().is_none_or(|begun| begun < asked) {
            self.tenants(Lane::Edit).await?;
        }
        Ok(self.known.home(tenant))
    }

    pub(super) async fn plan(&self, id: &str) -> Result<Option<ServicePlan>, PlatformError> {
        if id.parse::<i64>().is_err() {
            let detail = "isn't the id of a plan on this platform";
            return Err(invalid(None, format!("{id:?} {detail}")).into());
        }
        let url = self.url(&["v3", "servicePlans", id])?;
        self.row(reading(GET_PLAN, Lane::Edit), url).await
    }

    /// One object, as far as it can be read.
    async fn row<T: Row>(&self, call: Call, url: Url) -> Result<Option<T>, PlatformError> {
        let raw: Option<Raw> = self.look(call, url).await?;
        raw.map(|raw| T::read(&raw).map_err(|lost| garbled(call.operation, &lost.why)))
            .transpose()
    }

    /// The plan for a write: the one seen last, or read now.
    pub(super) async fn plan_for_write(&self, id: i64) -> Result<Arc<ServicePlan>, PlatformError> {
        if let Some(plan) = self.known.plan(id) {
            return Ok(plan);
        }
        let plan = self.plan(&id.to_string()).await.map_err(unsent)?;
        let gone = || invalid(Some("planId"), format!("there is no plan {id}"));
        Ok(Arc::new(plan.ok_or_else(gone)?))
    }

    /// The administrators for a write: those seen last, or read now where one of these addresses isn't among them.
    pub(super) async fn admins_for_write(
        &self,
        emails: Option<&[&str]>,
    ) -> Result<Arc<[Admin]>, PlatformError> {
        let Some(emails) = emails else {
            return Ok(Arc::new([]));
        };
        let known = |admins: &[Admin], email: &&str| mapping::administrator_id(email, admins);
        if let Some(admins) = self.known.admins()
            && emails.iter().all(|email| known(&admins, email).is_some())
        {
            return Ok(admins);
        }
        Ok(self.admins(Lane::Edit).await.map_err(unsent)?.0)
    }

    /// The regions for a write, in the same way.
    pub(super) async fn regions_for_write(
        &self,
        names: &[&str],
        product: i64,
    ) -> Result<Arc<[ProductRegions]>, PlatformError> {
        if let Some(regions) = self.known.regions()
            && names
                .iter()
                .all(|name| tenants::region(name, product, &regions).is_some())
        {
            return Ok(regions);
        }
        Ok(self.regions(Lane::Edit).await.map_err(unsent)?.0)
    }

    /// One object.
    pub(super) async fn object(
        &self,
        kind: Kind,
        id: &ObjectId,
    ) -> Result<Option<Object>, PlatformError> {
        match kind {
            Kind::Customer => {
                let Some(customer) = self.customer(id.as_str()).await? else {
                    return Ok(None);
                };
                let quotas = self.quotas_of(id.as_str()).await?.unwrap_or_default();
                self.customer_object(&customer, id, &quotas).await.map(Some)
            }
            Kind::Tenant => {
                let tenant = self.tenant(id).await?;
                let object = tenant.map(|tenant| tenant_object(&tenant, id));
                object.transpose()
            }
            Kind::ServicePlan => {
                let plan = self.plan(id.as_str()).await?;
                let object = plan.map(|plan| {
                    let tenants = self.known.tenants_on(plan.id);
                    expected(GET_PLAN, id.as_str(), mapping::plan(&plan, tenants))
                });
                object.transpose()
            }
            Kind::Reseller => Ok(None),
        }
    }

    pub(super) async fn customer_object(
        &self,
        customer: &Customer,
        id: &ObjectId,
        quotas: &[Quota],
    ) -> Result<Object, PlatformError> {
        let admins = match self.known.admins() {
            Some(admins) => admins,
            None => self.admins(Lane::Edit).await?.0,
        };
        let holdings = self.known.holdings(&customer.id);
        let object = mapping::customer(customer, &admins, holdings, quotas);
        expected(GET_CUSTOMER, id.as_str(), object)
    }

    /// Every customer of one of these names, without its limits. There is no other way than to list all, so concurrent
    /// requests share a list, which must have been begun after they were made.
    pub(super) async fn namesakes(&self, names: &[&str]) -> Result<Vec<Object>, PlatformError> {
        let asked = Instant::now();
        let mut last = self.roll.lock().await;
        let customers = match &*last {
            Some((begun, customers)) if *begun >= asked => Arc::clone(customers),
            _ => {
                let begun = Instant::now();
                let customers: Arc<[Customer]> = self.customers(Lane::Edit).await?.rows.into();
                *last = Some((begun, Arc::clone(&customers)));
                customers
            }
        };
        drop(last);
        let mut found = Vec::new();
        for customer in customers
            .iter()
            .filter(|customer| customers::is_called(customer, names))
        {
            let id = ObjectId::new(&customer.id);
            found.push(self.customer_object(customer, &id, &[]).await?);
        }
        Ok(found)
    }
}

pub(super) fn tenant_object(tenant: &Tenant, id: &ObjectId) -> Result<Object, PlatformError> {
    expected(GET_TENANT, id.as_str(), mapping::tenant(tenant))
}
