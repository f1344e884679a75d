//! The processes, the resources, and what is done to them.

use std::{
    path::PathBuf,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use futures::{StreamExt, stream};
use holdfast_api::{BackupPlatform, Customer, ServicePlan, Tenant};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::{
    Api, Client, Resource,
    api::{ListParams, Patch, PatchParams, PostParams},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    counters::{Console, Counts, cluster_writes, conditions},
    process::{Process, free_port, until},
};

/// Idle sweeps measured.
pub const SWEEPS: u32 = 10;
/// Requests under way at a time while everything is applied.
const APPLIERS: usize = 10;
const NAMESPACE: &str = "bench";
const TOKEN: &str = "bench-token-of-no-value";

/// Everything on stage.
pub struct Stage {
    counts: (usize, usize),
    cluster: Client,
    /// The platform.
    pub console: Console,
    _platform: Process,
    operator: Option<Process>,
    binary: PathBuf,
    directory: TempDir,
    port: u16,
}

impl Stage {
    /// Starts the platform, with 20 ms latency a request, and the operator; makes what the customers hang under.
    pub async fn set(customers: usize, tenants: usize) -> Self {
        let binary = std::env::var_os("HOLDFAST_BIN")
            .map(PathBuf::from)
            .expect("HOLDFAST_BIN names the binary to measure: run this through make bench");
        let cluster = Client::try_default()
            .await
            .expect("KUBECONFIG names an API server: run this through make bench");
        let directory = TempDir::new().expect("a directory");
        let listen = format!("127.0.0.1:{}", free_port());
        let data = directory.path().join("estate.sqlite");
        let platform = Process::start(
            &binary,
            &[
                "platform",
                "serve",
                "--listen",
                &listen,
                "--latency",
                "20ms",
                "--data",
                data.to_str().expect("a path in UTF-8"),
            ],
            &[("HOLDFAST_PLATFORM_TOKEN", TOKEN)],
            &directory.path().join("platform.log"),
        );
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]);
        let console = Console {
            url: format!("http://{listen}"),
            token: TOKEN.into(),
            http: http.build().expect("a client"),
        };
        until(
            "the platform answers",
            Duration::from_millis(50),
            async || console.get("/v1/capabilities").await,
        )
        .await;
        let mut stage = Self {
            counts: (customers, tenants),
            cluster,
            console,
            _platform: platform,
            operator: None,
            binary,
            directory,
            port: free_port(),
        };
        stage.surroundings().await;
        stage.start_operator();
        stage.await_platform().await;
        stage
    }

    async fn surroundings(&self) {
        let namespace: Namespace = read(json!({"metadata": {"name": NAMESPACE}}));
        Api::all(self.cluster.clone())
            .create(&PostParams::default(), &namespace)
            .await
            .expect("a namespace");
        self.create::<Secret>(
            json!({"metadata": {"name": "platform"}, "stringData": {"token": TOKEN}}),
        )
        .await;
        self.create::<BackupPlatform>(json!({
            "metadata": {"name": "msp"},
            "spec": {
                "ownerId": "6f1c7d0e-2b7a-4a52-9b57-bench00000001",
                "bridge": {"endpoint": self.console.url, "credentialsRef": {"name": "platform"}},
                "rateLimit": {"requestsPerSecond": 1000, "burst": 1000},
                "sweepInterval": "24h",
                "usageInterval": "24h",
            },
        }))
        .await;
        if self.counts.1 > 0 {
            self.create::<ServicePlan>(json!({
                "metadata": {"name": "gold"},
                "spec": {"platformRef": {"name": "msp"}, "planName": "Gold", "products": [{"product": "HybridWorkloads", "edition": "Enterprise"}]},
            }))
            .await;
        }
    }

    async fn await_platform(&self) {
        let ready = async |object: Value| is_ready(&object).then_some(());
        let platforms = self.api::<BackupPlatform>();
        until(
            "the platform is observed",
            Duration::from_millis(100),
            async || ready(json!(platforms.get("msp").await.ok()?)).await,
        )
        .await;
        if self.counts.1 > 0 {
            let plans = self.api::<ServicePlan>();
            until(
                "the plan is Ready",
                Duration::from_millis(100),
                async || ready(json!(plans.get("gold").await.ok()?)).await,
            )
            .await;
        }
    }

    /// Starts the operator.
    pub fn start_operator(&mut self) {
        let data = self.directory.path().join("operator");
        let listen = format!("127.0.0.1:{}", self.port);
        let arguments = [
            "run",
            "--namespace",
            NAMESPACE,
            "--lease-namespace",
            NAMESPACE,
            "--listen",
            &listen,
            "--data-dir",
            data.to_str().expect("a path in UTF-8"),
        ];
        let log = std::env::var_os("BENCH_LOG")
            .map_or_else(|| self.directory.path().join("operator.log"), PathBuf::from);
        self.operator = Some(Process::start(&self.binary, &arguments, &[], &log));
    }

    /// The operator's process.
    pub fn operator(&self) -> &Process {
        self.operator.as_ref().expect("the operator runs")
    }

    /// Ends the operator in order.
    pub fn stop_operator(&mut self) {
        self.operator.take().expect("the operator runs").terminate();
    }

    /// Creates all customers and tenants, as fast as the API server takes them.
    pub async fn apply(&self) {
        let customers = (0..self.counts.0).map(|number| self.create::<Customer>(customer(number)));
        stream::iter(customers)
            .buffer_unordered(APPLIERS)
            .collect::<Vec<()>>()
            .await;
        let tenants = (0..self.counts.1).map(|number| self.create::<Tenant>(tenant(number)));
        stream::iter(tenants)
            .buffer_unordered(APPLIERS)
            .collect::<Vec<()>>()
            .await;
    }

    /// Runs `holdfast plan` on what was applied; how long it took. It finds nothing to change.
    pub fn plan(&self) -> Duration {
        let manifest = |kind: &str, mut document: Value| {
            document["apiVersion"] = "holdfast.dev/v1alpha1".into();
            document["kind"] = kind.into();
            document.to_string()
        };
        let customers = (0..self.counts.0).map(|number| manifest("Customer", customer(number)));
        let tenants = (0..self.counts.1).map(|number| manifest("Tenant", tenant(number)));
        let documents: Vec<String> = customers.chain(tenants).collect();
        let file = self.directory.path().join("plan.yaml");
        std::fs::write(&file, documents.join("\n---\n")).expect("a file");
        let started = Instant::now();
        let output = std::process::Command::new(&self.binary)
            .args(["plan", "-n", NAMESPACE, "-f"])
            .arg(&file)
            .output()
            .expect("the command runs");
        let took = started.elapsed();
        let text = String::from_utf8_lossy(&output.stdout);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(
            text.contains("Nothing changes on the platform"),
            "{text}{error}"
        );
        took
    }

    /// Waits until the operator has looked at all and found all Ready.
    pub async fn all_ready(&self, pause: Duration) {
        let url = format!("http://127.0.0.1:{}/metrics", self.port);
        let wanted = [("Customer", self.counts.0), ("Tenant", self.counts.1)];
        for (kind, count) in wanted.into_iter().filter(|(_, count)| *count > 0) {
            let count = i64::try_from(count).expect("a number of objects");
            until(&format!("every {kind} is Ready"), pause, async || {
                let ready = conditions(&self.console.http, &url, kind).await?;
                (ready == count).then_some(())
            })
            .await;
        }
    }

    /// Asserts what the operator said: every resource is Ready at its generation, and the platform holds each once.
    pub async fn check(&self) {
        let customers = self.api::<Customer>().list(&ListParams::default()).await;
        for customer in customers.expect("a list").items {
            assert!(is_ready(&json!(customer)), "{customer:?}");
        }
        let held = self.customers().await;
        let wanted = i64::try_from(self.counts.0).expect("a number of objects");
        assert_eq!(held, wanted, "each resource has exactly one customer");
    }

    /// Customers on the platform, without the one that it makes for itself.
    pub async fn customers(&self) -> i64 {
        let mut path = "/v1/customers?limit=500".to_owned();
        let mut count = 0;
        loop {
            let page = self.console.get(&path).await.expect("a page");
            let items = page["items"].as_array().expect("items");
            let ours = items.iter().filter(|item| !item["externalRef"].is_null());
            count += i64::try_from(ours.count()).expect("a page's length");
            match page["next"].as_str() {
                Some(next) => path = format!("/v1/customers?limit=500&cursor={next}"),
                None => return count,
            }
        }
    }

    /// Writes to our kinds and to events so far.
    pub async fn writes(&self) -> Counts {
        cluster_writes(&self.cluster).await
    }

    /// Asks for a sweep, and waits until it is over: the reports come last, the list of administrators in any case.
    pub async fn sweep(&self) {
        let before = self.console.requests().await;
        let asked = json!({"metadata": {"annotations": {"holdfast.dev/reconcile-at": milliseconds().to_string()}}});
        self.patch::<BackupPlatform>("msp", asked).await;
        let swept = |counts: &Counts| counts.get("GET /v1/administrators").copied();
        until("a sweep", Duration::from_millis(100), async || {
            (swept(&self.console.requests().await) > swept(&before)).then_some(())
        })
        .await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }

    /// Sets the time between sweeps.
    pub async fn sweep_every(&self, interval: &str) {
        self.patch::<BackupPlatform>("msp", json!({"spec": {"sweepInterval": interval}}))
            .await;
        self.sweep().await;
    }

    /// Edits a customer; answers when the edit left, in milliseconds of the system's clock.
    pub async fn edit(&self, number: usize) -> i64 {
        let phone = format!("+49 30 {:07}", 9_000_000 + number);
        let left = milliseconds();
        let name = format!("customer-{:05}", number * 7 % self.counts.0);
        self.patch::<Customer>(&name, json!({"spec": {"profile": {"phone": phone}}}))
            .await;
        left
    }

    async fn patch<K>(&self, name: &str, patch: Value)
    where
        K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
        K: Clone + std::fmt::Debug + DeserializeOwned,
    {
        self.api::<K>()
            .patch(name, &PatchParams::default(), &Patch::Merge(patch))
            .await
            .expect("a patch");
    }

    async fn create<K>(&self, document: Value)
    where
        K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
        K: Clone + std::fmt::Debug + Serialize + DeserializeOwned,
    {
        self.api::<K>()
            .create(&PostParams::default(), &read(document))
            .await
            .expect("it is taken");
    }

    fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
    {
        Api::namespaced(self.cluster.clone(), NAMESPACE)
    }
}

impl Console {
    /// The number of the last change so far.
    pub async fn last_change(&self) -> i64 {
        let mut last = 0;
        loop {
            let (changes, next) = self.changes(last).await;
            if changes.is_empty() {
                return last;
            }
            last = next;
        }
    }

    /// When the next change after one was made, in milliseconds of the system's clock, and its number.
    pub async fn next_change(&self, after: i64) -> (i64, i64) {
        let (changes, last) = until("the edit arrives", Duration::from_millis(50), async || {
            let (changes, last) = self.changes(after).await;
            (!changes.is_empty()).then_some((changes, last))
        })
        .await;
        assert_eq!(changes.len(), 1, "one edit is one change");
        let time = changes[0]["time"].as_str().expect("a time");
        let time: jiff::Timestamp = time.parse().expect("an instant");
        (time.as_millisecond(), last)
    }
}

fn customer(number: usize) -> Value {
    json!({
        "metadata": {"name": format!("customer-{number:05}")},
        "spec": {
            "platformRef": {"name": "msp"},
            "displayName": format!("Customer {number:05} GmbH"),
            "country": "DE",
            "profile": {
                "email": format!("office@customer-{number:05}.example"),
                "phone": format!("+49 30 {number:07}"),
                "address": {"street": "Musterweg 1", "city": "Berlin", "postalCode": "10115", "country": "DE"},
            },
            "contacts": [{"email": format!("it@customer-{number:05}.example"), "name": "IT", "role": "Technical"}],
            "limits": {"storage": "500Gi", "clients": 25},
        },
    })
}

fn tenant(number: usize) -> Value {
    json!({
        "metadata": {"name": format!("tenant-{number:05}")},
        "spec": {
            "customerRef": {"name": format!("customer-{number:05}")},
            "servicePlanRef": {"name": "gold"},
            "product": "HybridWorkloads",
            "storageRegions": ["eu-central-1"],
            "quota": {"credits": 50},
        },
    })
}

/// Whether an object is Ready, and its status is about its spec as it is.
fn is_ready(object: &Value) -> bool {
    let conditions = object["status"]["conditions"].as_array();
    let ready = conditions
        .into_iter()
        .flatten()
        .any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
    ready && object["status"]["observedGeneration"] == object["metadata"]["generation"]
}

fn read<K: DeserializeOwned>(document: Value) -> K {
    serde_json::from_value(document).expect("a manifest")
}

fn milliseconds() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(now.expect("after 1970").as_millis()).expect("before the year 292 million")
}
