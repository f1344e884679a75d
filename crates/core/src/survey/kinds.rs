//! The properties of a kind, so that the same code serves all four.

use k8s_openapi::NamespaceResourceScope;
use kube::Resource;
use serde_json::{Result, Value, to_value};

use crate::{
    api::{
        Customer, Kind, ManagedKind, Reseller, ServicePlan, Tenant,
        shared::{ManagedStatus, WebAccess},
        status_document,
    },
    estate::Object,
    planner::{self, Around, HealthCondition, Warned},
    rules::Stated,
};

/// One of the four kinds that have a remote object.
pub trait Managed:
    ManagedKind + Resource<DynamicType = (), Scope = NamespaceResourceScope>
{
    /// The spec as a document.
    fn spec_document(&self) -> Result<Value>;

    /// The status as a document.
    fn status_document(&self) -> Result<Value>;

    /// Client ids that the spec lists.
    fn listed_clients(&self) -> &[String] {
        &[]
    }

    /// Web access, where the kind has it.
    fn web_access(&self) -> Option<&WebAccess> {
        None
    }

    /// What the spec passes on to those below; nothing for kinds that pass nothing on.
    fn stated(&self) -> Option<Stated<'_>> {
        None
    }

    /// The kind's own part of the status, and the health conditions that follow from it.
    fn own_status(
        &self,
        object: Option<&Object>,
        around: &Around,
        now: jiff::Timestamp,
    ) -> (Own, Vec<HealthCondition>);
}

/// The kind's own part of a status, waiting for the shared part; the whole keeps to the bounds of its schema.
pub struct Own(Box<dyn FnOnce(ManagedStatus) -> Result<Value> + Send>);

impl Own {
    /// The whole status.
    pub fn with(self, shared: ManagedStatus) -> Result<Value> {
        (self.0)(shared)
    }
}

/// What a spec says of being warned, and whether status was written about this very spec.
fn warned(at: Option<u32>, status: Option<&ManagedStatus>, generation: Option<i64>) -> Warned {
    let seen = status.and_then(|status| status.observed_generation);
    Warned {
        at,
        settled: seen.is_some() && seen == generation,
    }
}

fn warned_customer(customer: &Customer) -> Warned {
    let limits = customer.spec.limits.as_ref();
    let status = customer.status.as_ref().map(|status| &status.managed);
    let at = limits.and_then(|limits| limits.warn_at_percent);
    warned(at, status, customer.metadata.generation)
}

fn warned_reseller(reseller: &Reseller) -> Warned {
    let allotment = reseller.spec.allotment.as_ref();
    let status = reseller.status.as_ref().map(|status| &status.managed);
    let at = allotment.and_then(|allotment| allotment.warn_at_percent);
    warned(at, status, reseller.metadata.generation)
}

macro_rules! managed {
    ($kind:ident, |$this:ident, $object:ident, $around:ident, $now:ident| $status:expr $(, $extra:item)*) => {
        impl Managed for $kind {
            fn spec_document(&self) -> Result<Value> {
                to_value(&self.spec)
            }

            fn status_document(&self) -> Result<Value> {
                to_value(&self.status)
            }

            fn own_status(&self, $object: Option<&Object>, $around: &Around, $now: jiff::Timestamp) -> (Own, Vec<HealthCondition>) {
                let $this = self;
                let (mut status, conditions) = $status;
                let own = move |shared| {
                    status.managed = shared;
                    status_document(Kind::$kind.as_str(), &status)
                };
                (Own(Box::new(own)), conditions)
            }

            $($extra)*
        }
    };
}

managed!(
    Reseller,
    |this, object, around, _now| planner::reseller(
        object,
        around,
        this.status.as_ref(),
        warned_reseller(this)
    ),
    fn stated(&self) -> Option<Stated<'_>> {
        Some(Stated {
            bandwidth: self.spec.bandwidth.as_ref(),
            branding: self.spec.branding.as_ref(),
            required: self.spec.require_limits.as_deref().unwrap_or_default(),
        })
    },
    fn web_access(&self) -> Option<&WebAccess> {
        self.spec.web_access.as_ref()
    }
);
managed!(ServicePlan, |this, object, around, _now| (
    planner::plan(
        object,
        around,
        this.spec.service_level.as_ref(),
        this.status.as_ref()
    ),
    Vec::new()
));
managed!(
    Customer,
    |this, object, around, _now| planner::customer(
        object,
        around,
        this.status.as_ref(),
        warned_customer(this)
    ),
    fn listed_clients(&self) -> &[String] {
        self.spec
            .clients
            .as_ref()
            .and_then(|clients| clients.ids.as_deref())
            .unwrap_or_default()
    },
    fn stated(&self) -> Option<Stated<'_>> {
        Some(Stated {
            bandwidth: self.spec.bandwidth.as_ref(),
            branding: self.spec.branding.as_ref(),
            required: &[],
        })
    },
    fn web_access(&self) -> Option<&WebAccess> {
        self.spec.web_access.as_ref()
    }
);
managed!(Tenant, |this, object, around, now| planner::tenant(
    object,
    around,
    this.status.as_ref(),
    now
));
