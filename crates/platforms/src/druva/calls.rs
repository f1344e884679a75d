//! The port's methods as requests of the MSP API.

use async_trait::async_trait;
use futures::try_join;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::{
    Druva, document, is_usable_id, mapping,
    pages::Listed,
    quotas::Quotas,
    reading, tasks,
    wire::{Admin, Customer, CustomerQuotas, ServicePlan, Task, Tenant},
    writes::beyond,
};
use crate::wire::garbled;
use crate::{
    api::Kind,
    estate::{
        Capabilities, Claim, HealthReport, Object, ObjectId, Scope, Snapshot, Unread, Unreadable,
        UsageReport,
    },
    {
        Beside, Lane, OperationState, Operations, Platform, PlatformError, Problem, ProblemKind,
        Reports, Suspension, Written, rows::Lost,
    },
};

const BESIDE: &str = "reading the customer's tenants, one of which can't be read";

/// The result of a sweep, as objects where they have an id.
#[derive(Default)]
struct Sorted {
    objects: Vec<Object>,
    unreadable: Unread,
}

impl Sorted {
    fn add<T>(
        &mut self,
        kind: Kind,
        listed: Listed<T>,
        object: impl Fn(&T) -> Result<Object, Lost>,
    ) {
        let read = listed.rows.iter().map(object);
        for read in read.chain(listed.lost.into_iter().map(Err)) {
            match read {
                Ok(object) => self.objects.push(object),
                Err(Lost { id: Some(id), why }) if is_usable_id(&id) => {
                    self.objects.push(Object::unreadable(kind, &id, why));
                }
                Err(Lost { why, .. }) => self.unreadable.note(Unreadable {
                    kind: kind.into(),
                    id: None,
                    why,
                }),
            }
        }
    }
}

impl Druva {
    fn sorted(
        &self,
        plans: Listed<ServicePlan>,
        customers: Listed<Customer>,
        tenants: Listed<Tenant>,
        admins: &[Admin],
        quotas: &Quotas,
    ) -> Sorted {
        let mut sorted = Sorted::default();
        sorted.add(Kind::ServicePlan, plans, |plan| {
            mapping::plan(plan, self.known.tenants_on(plan.id))
        });
        sorted.add(Kind::Customer, customers, |customer| {
            let (held, odd) = quotas.of(&customer.id);
            let holdings = self.known.holdings(&customer.id);
            let mut object = mapping::customer(customer, admins, holdings, held)?;
            object.unreadable = object.unreadable.or_else(|| odd.cloned());
            Ok(object)
        });
        sorted.add(Kind::Tenant, tenants, mapping::tenant);
        sorted
    }
}

#[async_trait]
impl Platform for Druva {
    fn probe_now(&self) {
        self.http.probe_now();
    }

    async fn identify(&self) -> Result<Capabilities, PlatformError> {
        let account = self.account(Lane::Edit).await?;
        Ok(self.capabilities(account))
    }

    async fn observe(&self, _: Scope) -> Result<Snapshot, PlatformError> {
        let account = self.account(Lane::Sweep).await?;
        let (plans, customers, tenants, admins, regions) = try_join!(
            self.plans(Lane::Sweep),
            self.customers(Lane::Sweep),
            self.tenants(Lane::Sweep),
            self.admins(Lane::Sweep),
            self.regions(Lane::Sweep),
        )?;
        // After the others, not along with them: its refusal counts only under a token that the others were answered with.
        let quotas = self.quotas(Lane::Sweep, None).await?.unwrap_or_default();
        let sorted = self.sorted(plans, customers, tenants, &admins.0, &quotas);
        let mut unreadable = sorted.unreadable;
        unreadable.add(admins.1);
        unreadable.add(regions.1);
        unreadable.add(Listed::<CustomerQuotas>::unread(quotas.lost));
        Ok(Snapshot {
            capabilities: self.capabilities(account),
            objects: sorted.objects,
            locations: mapping::locations(&regions.0),
            administrators: mapping::administrators(&admins.0),
            licences: None,
            clients: Vec::new(),
            unreadable,
        })
    }

    async fn read(&self, kind: Kind, id: &ObjectId) -> Result<Option<Object>, PlatformError> {
        self.object(kind, id).await
    }

    async fn create(
        &self,
        kind: Kind,
        _: &Claim,
        document: Map<String, Value>,
    ) -> Result<Written, PlatformError> {
        match kind {
            Kind::Customer => self.create_customer(document).await,
            Kind::Tenant => self.create_tenant(document).await,
            Kind::Reseller | Kind::ServicePlan => Err(beyond(kind, "create")),
        }
    }

    async fn update(
        &self,
        kind: Kind,
        id: &ObjectId,
        _: Option<&str>,
        _: Option<&Claim>,
        patch: Map<String, Value>,
    ) -> Result<Written, PlatformError> {
        match kind {
            Kind::Customer => self.update_customer(id, &patch).await,
            Kind::Tenant => self.update_tenant(id, &patch).await,
            Kind::Reseller | Kind::ServicePlan => Err(beyond(kind, "change")),
        }
    }

    fn list_beside(&self) -> Option<&dyn Beside> {
        Some(self)
    }

    fn suspension(&self) -> Option<&dyn Suspension> {
        Some(self)
    }

    fn operations(&self) -> Option<&dyn Operations> {
        Some(self)
    }

    fn reports(&self) -> Option<&dyn Reports> {
        Some(self)
    }
}

#[async_trait]
impl Beside for Druva {
    async fn beside(
        &self,
        kind: Kind,
        document: &Map<String, Value>,
    ) -> Result<Vec<Object>, PlatformError> {
        match kind {
            Kind::Customer => {
                let names = ["name", "accountName"].map(|path| document::text(document, path));
                let names: Vec<&str> = names.into_iter().flatten().collect();
                self.namesakes(&names).await
            }
            Kind::Tenant => {
                let Some(customer) = document::text(document, "customerId") else {
                    return Ok(Vec::new());
                };
                let product = document::text(document, "product");
                let tenants = self.tenants_of(customer).await?;
                // It may be the same product.
                if let Some(lost) = tenants.lost.first() {
                    return Err(garbled(BESIDE, &lost.why));
                }
                let objects: Result<Vec<Object>, Lost> =
                    tenants.rows.iter().map(mapping::tenant).collect();
                let mut objects = objects.map_err(|lost| garbled(BESIDE, &lost.why))?;
                objects.retain(|tenant| tenant.settings.text("product") == product);
                Ok(objects)
            }
            Kind::Reseller | Kind::ServicePlan => Ok(Vec::new()),
        }
    }
}

#[async_trait]
impl Suspension for Druva {
    async fn set_active(
        &self,
        kind: Kind,
        id: &ObjectId,
        active: bool,
    ) -> Result<Written, PlatformError> {
        match kind {
            Kind::Tenant => self.switch_tenant(id, active).await,
            _ => Err(beyond(kind, "suspend")),
        }
    }
}

#[async_trait]
impl Operations for Druva {
    async fn operation(&self, operation: &str) -> Result<OperationState, PlatformError> {
        let call = reading(tasks::OPERATION, Lane::Edit);
        let url = self.url(&["v2", "tasks", operation])?;
        let task: Option<Task> = self.look(call, url).await.map_err(tasks::lost)?;
        let unknown = || Problem {
            kind: ProblemKind::NotFound,
            ..super::invalid(None, "the platform answered 404")
        };
        let task = task.ok_or_else(|| tasks::lost(unknown().into()))?;
        let state = tasks::state(task, &self.secrets)?;
        match &state {
            OperationState::Done(made) => self.known.finished(operation, made.as_ref()),
            OperationState::Failed(_) => self.known.finished(operation, None),
            OperationState::Running | OperationState::WaitingForHuman => {}
        }
        Ok(state)
    }
}

#[async_trait]
impl Reports for Druva {
    async fn usage(&self, days: u16) -> Result<UsageReport, PlatformError> {
        if let Some(report) = self.usage.get(days) {
            return Ok(report);
        }
        let began = Instant::now();
        let report = self.consumption(days).await?;
        self.usage.keep(days, began.elapsed(), &report);
        Ok(report)
    }

    async fn health(&self, days: u16) -> Result<HealthReport, PlatformError> {
        if let Some(report) = self.health.get(days) {
            return Ok(report);
        }
        let began = Instant::now();
        let report = self.backup_health(days).await?;
        self.health.keep(days, began.elapsed(), &report);
        Ok(report)
    }
}
