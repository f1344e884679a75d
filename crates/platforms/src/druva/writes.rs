//! Mutating calls: at most one such request a call, and only after a fresh read where there is an object to read.

use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Map, Value};

use super::{
    Druva, busy, customers, document, invalid,
    known::TenantEntry,
    mapping::{CUSTOMER_FIELDS, TENANT_FIELDS},
    quotas::{self, QUOTA_FIELDS},
    reads::{GET_CUSTOMER, GET_TENANT, tenant_object},
    refusal::unsent,
    sent::ChangedTenant,
    tenants,
    wire::{Customer, Tenant},
    words,
};
use crate::wire::garbled;
use crate::{
    api::Kind,
    estate::ObjectId,
    {PlatformError, Problem, ProblemKind, Written},
};

/// Members of a creation that Holdfast handles before and after it, not in it.
const ASIDE: [&str; 2] = ["hideName", "active"];

impl Druva {
    pub(super) async fn create_customer(
        &self,
        mut document: Map<String, Value>,
    ) -> Result<Written, PlatformError> {
        document.retain(|member, _| !ASIDE.contains(&member.as_str()));
        self.check_customer(&document)?;
        // The next pass sends them, to the customer that there is then.
        quotas::changes(&document)?;
        let emails = customers::administrators(&document);
        let admins = self.admins_for_write(emails.as_deref()).await?;
        let body = customers::created(&document, &admins)?;
        let url = self.url(&["v3", "customers"])?;
        self.change("POST /msp/v3/customers", Method::POST, url, Some(&body))
            .await
    }

    pub(super) async fn update_customer(
        &self,
        id: &ObjectId,
        patch: &Map<String, Value>,
    ) -> Result<Written, PlatformError> {
        self.check_customer(patch)?;
        let limits = quotas::changes(patch)?;
        let customer = self.ready_customer(id.as_str()).await?;
        let emails = customers::administrators(patch);
        let admins = self.admins_for_write(emails.as_deref()).await?;
        let nameless = || garbled(GET_CUSTOMER, "the customer has no name to send back");
        let held = customers::held(&customer).ok_or_else(nameless);
        let held = held.map_err(unsent)?;
        let next = customers::changed(&held, patch, &admins)?;
        if next == held {
            return self.change_limits(&customer, id, &limits).await;
        }
        // One write at a time: the next pass sends the limits.
        let url = self.url(&["v3", "customers", id.as_str()])?;
        let operation = "PUT /msp/v3/customers/{customerID}";
        self.change(operation, Method::PUT, url, Some(&next)).await
    }

    fn check_customer(&self, document: &Map<String, Value>) -> Result<(), Problem> {
        let quotas = match self.known.manages_quotas() {
            Some(false) => &[],
            _ => &QUOTA_FIELDS[..],
        };
        document::check(document, &[&CUSTOMER_FIELDS, quotas].concat())
    }

    /// A customer as it is now, when the platform isn't changing it.
    async fn ready_customer(&self, id: &str) -> Result<Customer, PlatformError> {
        let customer = self.customer(id).await.map_err(unsent)?;
        let customer = customer.ok_or_else(|| gone("customer", id))?;
        if customer.id != id {
            let other = garbled(GET_CUSTOMER, "the answer is about another object");
            return Err(unsent(other));
        }
        readable(GET_CUSTOMER, customer.odd.as_ref())?;
        match words::customer_busy(customer.status) {
            Some(words) => Err(busy("customer", &words).into()),
            None => Ok(customer),
        }
    }

    pub(super) async fn create_tenant(
        &self,
        mut document: Map<String, Value>,
    ) -> Result<Written, PlatformError> {
        document.retain(|member, _| !ASIDE.contains(&member.as_str()));
        document::check(&document, &TENANT_FIELDS)?;
        let customer = document::text(&document, "customerId");
        let customer = customer.ok_or_else(|| invalid(Some("customerId"), "must be stated"))?;
        let product = tenants::product_id(&document)?;
        let plan = tenants::plan_id(&document)?;
        let unplanned = || invalid(Some("planId"), "the platform requires a service plan");
        let plan = self.plan_for_write(plan.ok_or_else(unplanned)?).await?;
        let names = tenants::regions(&document);
        let regions = self.regions_for_write(&names, product).await?;
        let body = tenants::created(&document, &plan, &regions, Timestamp::now())?;
        if customers::is_the_vendors(&self.ready_customer(customer).await?) {
            let detail = "the vendor provisions this customer's products itself; request the licence at the console";
            return Err(Problem::unsupported(detail).into());
        }
        let url = self.url(&["v3", "customers", customer, "tenants"])?;
        let operation = "POST /msp/v3/customers/{customerID}/tenants";
        let written = self
            .change(operation, Method::POST, url, Some(&body))
            .await?;
        if let Written::Pending(task) = &written {
            let tenant = TenantEntry::to_be(product, plan.id);
            self.known.expect(task, ObjectId::new(customer), tenant);
        }
        Ok(written)
    }

    pub(super) async fn update_tenant(
        &self,
        id: &ObjectId,
        patch: &Map<String, Value>,
    ) -> Result<Written, PlatformError> {
        document::check(patch, &TENANT_FIELDS)?;
        let tenant = self.ready_tenant(id).await?;
        let touches_features =
            ["planId", "workloads"].map(|field| document::stated(patch, field).is_some());
        let plan = tenants::plan_id(patch)?.or(tenant.service_plan_id);
        let plan = match plan.filter(|id| *id >= 0 && touches_features.contains(&true)) {
            Some(plan) => Some(self.plan_for_write(plan).await?),
            None => None,
        };
        let names = tenants::regions(patch);
        let regions = self.regions_for_write(&names, tenant.product_id).await?;
        let body = tenants::changed(&tenant, patch, plan.as_deref(), &regions, Timestamp::now())?;
        if body == ChangedTenant::default() {
            return unchanged(&tenant, id);
        }
        let path = [
            "v3",
            "customers",
            &tenant.customer_id,
            "tenants",
            id.as_str(),
        ];
        let operation = "PATCH /msp/v3/customers/{customerID}/tenants/{tenantID}";
        self.change(operation, Method::PATCH, self.url(&path)?, Some(&body))
            .await
    }

    /// Suspends or resumes. The answer to a repeated call isn't documented, so none is sent.
    pub(super) async fn switch_tenant(
        &self,
        id: &ObjectId,
        active: bool,
    ) -> Result<Written, PlatformError> {
        let tenant = self.ready_tenant(id).await?;
        let object = tenant_object(&tenant, id).map_err(unsent)?;
        if object.active() == active {
            return Ok(Written::Done(Box::new(object)));
        }
        let (verb, operation) = if active {
            (
                "unsuspend",
                "POST /msp/v2/customers/{customerID}/tenants/{tenantID}/unsuspend",
            )
        } else {
            (
                "suspend",
                "POST /msp/v2/customers/{customerID}/tenants/{tenantID}/suspend",
            )
        };
        let customer = tenant.customer_id.as_str();
        let url = self.url(&["v2", "customers", customer, "tenants", id.as_str(), verb])?;
        self.change(operation, Method::POST, url, None::<&()>).await
    }

    /// A tenant as it is now, when the platform isn't changing it.
    async fn ready_tenant(&self, id: &ObjectId) -> Result<Tenant, PlatformError> {
        let tenant = self.tenant(id).await.map_err(unsent)?;
        let tenant = tenant.ok_or_else(|| gone("tenant", id.as_str()))?;
        readable(GET_TENANT, tenant.odd.as_ref())?;
        match words::tenant_state(tenant.status, tenant.delete_date).busy {
            Some(words) => Err(busy("tenant", &words).into()),
            None => Ok(tenant),
        }
    }
}

/// A value that can't be read is never overwritten.
fn readable(operation: &str, odd: Option<&String>) -> Result<(), PlatformError> {
    odd.map_or(Ok(()), |why| Err(unsent(garbled(operation, why))))
}

fn unchanged(tenant: &Tenant, id: &ObjectId) -> Result<Written, PlatformError> {
    let object = tenant_object(tenant, id).map_err(unsent)?;
    Ok(Written::Done(Box::new(object)))
}

fn gone(what: &str, id: &str) -> Problem {
    Problem {
        kind: ProblemKind::NotFound,
        ..invalid(None, format!("the platform has no {what} {id}"))
    }
}

/// The error for operations that this interface has for none of its objects.
pub(super) fn beyond(kind: Kind, verb: &str) -> PlatformError {
    let kind = kind.as_str();
    Problem::unsupported(&format!("this API can't {verb} a {kind}; the console can")).into()
}
