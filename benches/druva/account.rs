//! An account at Druva: the embedded platform behind its wire, and a person at its console.

use std::{path::Path, sync::Arc, time::Duration};

use futures::{StreamExt, stream};
use holdfast_platforms::{
    Budgets, RateLimit, RequestObserver, WriterGuard,
    druva::{Druva, DruvaOptions},
    http::HttpOptions,
};
use holdfast_simulator::{self, DruvaCredentials, DruvaPlatform};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::counters::{Console, Counts};

/// What every request takes besides.
pub const LATENCY: Duration = Duration::from_millis(20);
/// Requests under way at a time while an account is filled.
const AT_ONCE: usize = 8;

/// An account.
pub struct Account {
    platform: DruvaPlatform,
    console: Console,
}

impl Account {
    /// Starts the platform on an estate's file.
    pub async fn start(data: &Path, latency: Option<Duration>, task_delay: Duration) -> Self {
        let platform = DruvaPlatform::start(holdfast_simulator::DruvaOptions {
            latency,
            task_delay,
            ..holdfast_simulator::DruvaOptions::new(data)
        });
        let platform = platform.await.expect("the platform starts");
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]);
        let console = Console {
            url: platform.url(),
            token: platform.console_token().expose_secret().to_owned(),
            http: http.build().expect("a client"),
        };
        Self { platform, console }
    }

    /// Where the interface is.
    pub fn endpoint(&self) -> String {
        format!("{}/", self.platform.url())
    }

    /// What a client shows for a token.
    pub fn credentials(&self) -> DruvaCredentials {
        self.platform.credentials()
    }

    /// A new adapter, which knows nothing yet.
    pub fn adapter(&self, rate_limit: Option<RateLimit>) -> Druva {
        let credentials = self.credentials();
        let adapter = Druva::new(DruvaOptions {
            endpoint: self.endpoint().parse().expect("an address"),
            client_id: credentials.client_id.into(),
            secret_key: credentials.secret_key,
            rate_limit,
            budgets: Arc::new(Budgets::default()),
            http: HttpOptions {
                ca_bundle_pem: None,
                observer: Arc::new(Nobody),
                writer: Arc::new(Nobody),
            },
        });
        adapter.expect("an adapter")
    }

    /// Requests of Druva's interface so far, by method and route.
    pub async fn requests(&self) -> Counts {
        let mut requests = self.console.requests().await;
        requests.retain(|route, _| route.contains(" /msp/"));
        requests
    }

    /// How many customers have a name that begins so.
    pub async fn customers(&self, prefix: &str) -> usize {
        let (mut count, mut path) = (0, "/v1/customers?limit=500".to_owned());
        loop {
            let page = self.console.get(&path).await.expect("a page");
            let items = page["items"].as_array().expect("items").iter();
            let ours = |item: &&Value| {
                let name = item["name"].as_str();
                name.is_some_and(|name| name.starts_with(prefix))
            };
            count += items.filter(ours).count();
            match page["next"].as_str() {
                Some(next) => path = format!("/v1/customers?limit=500&cursor={next}"),
                None => return count,
            }
        }
    }

    /// Makes a plan of both products at the console; its id.
    pub async fn plan(&self) -> Value {
        let products = json!([
            {"product": "HybridWorkloads", "edition": "Enterprise", "workloads": ["FileServers"]},
            {"product": "SaaSAppsAndEndpoints", "edition": "Enterprise", "workloads": ["Microsoft365"]},
        ]);
        self.make(
            "plans",
            "gold",
            json!({"name": "Gold", "products": products}),
        )
        .await
    }

    /// Makes customers at the console, each with servers; the first also with users, until there are so many tenants.
    pub async fn fill(&self, customers: usize, tenants: usize) {
        let plan = &self.plan().await;
        let make = |number: usize| async move {
            let name = format!("customer-{number:05}");
            let customer = self.make("customers", &name, customer(number)).await;
            let servers = json!({"customerId": customer, "planId": plan, "product": "HybridWorkloads", "type": "Commercial", "quota": {"credits": 50}});
            self.make("tenants", &format!("{name}-servers"), servers)
                .await;
            if number < tenants - customers {
                let users = json!({"customerId": customer, "planId": plan, "product": "SaaSAppsAndEndpoints", "type": "Commercial", "workloads": [{"name": "Microsoft365", "users": 10}]});
                self.make("tenants", &format!("{name}-users"), users).await;
            }
        };
        stream::iter((0..customers).map(make))
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<()>>()
            .await;
    }

    async fn make(&self, kind: &str, name: &str, document: Value) -> Value {
        let Console { url, token, http } = &self.console;
        let request = http
            .put(format!("{url}/v1/{kind}/by-ref/console-{name}"))
            .bearer_auth(token)
            .header("X-Actor", "console")
            .json(&document);
        let answer = request.send().await.expect("the platform answers");
        let status = answer.status();
        let made: Value = answer.json().await.expect("JSON");
        assert!(status.is_success(), "{name}: {status} {made}");
        made["id"].clone()
    }

    /// Lets requests under way end, and closes the estate's file.
    pub async fn shutdown(self) {
        self.platform.shutdown().await;
    }
}

fn customer(number: usize) -> Value {
    json!({
        "name": format!("Customer {number:05} GmbH"),
        "accountName": format!("customer-{number:05}"),
        "profile": {"phone": format!("+49 30 {number:07}"), "address": {"text": "Musterweg 1, 10115 Berlin"}},
    })
}

/// Nobody listens, and everything may be written.
struct Nobody;

impl RequestObserver for Nobody {
    fn finished(&self, _: &'static str, _: &'static str, _: Duration) {}
}

impl WriterGuard for Nobody {
    fn may_write(&self) -> Result<(), String> {
        Ok(())
    }
}
