//! The reference platform with as many customers, for what is read live.

use std::path::Path;

use futures::{StreamExt, stream};
use holdfast_simulator::{Host, HostOptions};
use reqwest::Client;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::estate::display_name;

/// Requests under way while it is filled.
const AT_ONCE: usize = 16;

/// A platform, and how to reach it.
pub struct Live {
    pub url: String,
    pub token: String,
    /// Ids of its customers, by number.
    pub customers: Vec<String>,
    _host: Host,
}

impl Live {
    /// So many customers with a tenant each.
    pub async fn of(count: usize, data: &Path) -> Self {
        let host = Host::start(HostOptions::new(data))
            .await
            .expect("it starts");
        let access = host.estate("backup", "msp").await.expect("an estate");
        let mut live = Self {
            url: access.url,
            token: access.token.expose_secret().to_owned(),
            customers: Vec::new(),
            _host: host,
        };
        let client = Client::new();
        let plan = json!({"name": "Gold", "products": [{"product": "HybridWorkloads", "edition": "Enterprise", "workloads": ["FileServers", "MSSQL"]}]});
        let plan = live.made(&client, "plans/by-ref/gold", plan).await;
        let filling = stream::iter(0..count).map(|at| live.customer(&client, &plan, at));
        live.customers = filling.buffered(AT_ONCE).collect().await;
        live
    }

    /// A customer with a tenant; its id.
    async fn customer(&self, client: &Client, plan: &str, at: usize) -> String {
        let customer =
            json!({"name": display_name(at), "country": "DE", "limits": {"storage": 1_u64 << 40}});
        let path = format!("customers/by-ref/customer-{at}");
        let id = self.made(client, &path, customer).await;
        let tenant = json!({"customerId": id, "planId": plan, "product": "HybridWorkloads", "type": "Commercial", "storageRegions": ["eu-central-1"]});
        let path = format!("tenants/by-ref/tenant-{at}");
        self.made(client, &path, tenant).await;
        id
    }

    async fn made(&self, client: &Client, path: &str, body: Value) -> String {
        let request = client
            .put(format!("{}/v1/{path}", self.url))
            .bearer_auth(&self.token)
            .header("If-None-Match", "*")
            .json(&body);
        let answer = request.send().await.expect("an answer");
        let answer: Value = answer.json().await.expect("JSON");
        let id = answer["id"].as_str();
        id.unwrap_or_else(|| panic!("{path}: {answer}")).to_owned()
    }
}
