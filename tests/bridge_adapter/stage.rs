//! An embedded platform with a bridge to it.

use std::sync::Arc;

use holdfast_api::Kind;
use holdfast_core::estate::{Claim, Object, ObjectId};
use holdfast_platforms::{Budgets, Platform, PlatformError, Problem, Written, bridge::Bridge};
use holdfast_simulator::{Action, EstateAccess, Fault, Host, HostOptions, When};
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::server::{Outcomes, options};

/// An estate of its own, and a bridge to it.
pub struct Stage {
    pub host: Host,
    pub bridge: Bridge,
    _directory: TempDir,
}

impl Stage {
    pub async fn set() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let host = Host::start(HostOptions::new(directory.path()))
            .await
            .unwrap();
        let bridge = bridge(&host.estate("backup", "msp").await.unwrap());
        Self {
            host,
            bridge,
            _directory: directory,
        }
    }

    pub fn fault(&self, method: &str, route: &str, then: Action) {
        let when = When {
            method: Some(method.to_owned()),
            route: Some(route.to_owned()),
            ..When::default()
        };
        self.host.faults().add(Fault {
            name: String::new(),
            when,
            then,
        });
    }

    pub async fn make(&self, kind: Kind, claim: &str, settings: Value) -> Object {
        let settings = settings.as_object().cloned().unwrap();
        match self.bridge.create(kind, &Claim::new(claim), settings).await {
            Ok(Written::Done(object)) => *object,
            other => panic!("{claim}: {other:?}"),
        }
    }

    pub async fn create(
        &self,
        claim: &str,
        settings: Map<String, Value>,
    ) -> Result<Written, PlatformError> {
        let claim = Claim::new(claim);
        self.bridge.create(Kind::Customer, &claim, settings).await
    }

    /// A reseller, a plan, a customer under the reseller, and a tenant of the customer.
    pub async fn furnish(&self) -> [Object; 4] {
        let reseller = json!({"name": "Northwind IT", "level": "Reseller", "country": "DE", "active": true, "allotment": {"storage": 20_u64 << 40}});
        let reseller = self.make(Kind::Reseller, "hf-reseller", reseller).await;
        let products = json!([{"product": "HybridWorkloads", "edition": "Enterprise", "workloads": ["FileServers", "MSSQL"]}]);
        let plan = json!({"name": "Gold", "products": products, "usageReport": "Monthly"});
        let plan = self.make(Kind::ServicePlan, "hf-plan", plan).await;
        let customer = self
            .make(Kind::Customer, "hf-customer", customer(&reseller.id))
            .await;
        let tenant = json!({"customerId": customer.id, "planId": plan.id, "product": "HybridWorkloads", "type": "Commercial",
            "storageRegions": ["eu-central-1"], "quota": {"credits": 50}, "active": true});
        let tenant = self.make(Kind::Tenant, "hf-tenant", tenant).await;
        [reseller, plan, customer, tenant]
    }
}

pub fn customer(reseller: &ObjectId) -> Value {
    json!({"name": "Fabrikam GmbH", "resellerId": reseller, "country": "DE", "stage": "Production", "active": true,
        "limits": {"storage": 500_u64 << 30, "credits": 62.5},
        "webAccess": {"username": "fabrikam", "password": "Corr3ct-horse", "passwordTag": "t1"}})
}

pub fn bridge(access: &EstateAccess) -> Bridge {
    bridge_at(&access.url, &access.token)
}

/// A bridge to the same estate by another way.
pub fn bridge_at(url: &str, token: &SecretString) -> Bridge {
    let mut options = options(
        &url.parse().unwrap(),
        &Arc::new(Budgets::default()),
        Ok(()),
        Arc::new(Outcomes::default()),
    );
    options.token = token.clone();
    Bridge::new(options).unwrap()
}

pub fn patch(document: Value) -> Map<String, Value> {
    document.as_object().cloned().unwrap()
}

pub fn done(written: Result<Written, PlatformError>) -> Object {
    match written {
        Ok(Written::Done(object)) => *object,
        other => panic!("not done: {other:?}"),
    }
}

pub fn problem<T: std::fmt::Debug>(answer: Result<T, PlatformError>) -> Problem {
    match answer {
        Err(PlatformError::Refused(problem)) => problem,
        other => panic!("not a refusal: {other:?}"),
    }
}
