//! Customers and tenants that the operator creates.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};
use holdfast_api::{BackupPlatform, Customer, ServicePlan, Tenant};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::{Api, Client, Resource, ResourceExt, api::PostParams};
use secrecy::ExposeSecret as _;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    account::Account,
    counters::{Counts, conditions, since, total},
    process::{Process, free_port, until},
};

/// Requests under way at a time while everything is applied.
const APPLIERS: usize = 10;
/// Between two looks at a counter.
const PAUSE: Duration = Duration::from_millis(100);
/// How long nothing may happen for things to count as settled.
const QUIET: Duration = Duration::from_secs(4);

/// What a creation sends; everything else is a row of its own.
const ROUTES: [(&str, &[&str]); 4] = [
    (
        "pages of lists",
        &["GET /msp/v3/customers", "GET /msp/v3/tenants"],
    ),
    (
        "creations",
        &[
            "POST /msp/v3/customers",
            "POST /msp/v3/customers/{customerID}/tenants",
        ],
    ),
    ("looks at a task", &["GET /msp/v2/tasks/{taskID}"]),
    (
        "reads of what was made",
        &[
            "GET /msp/v3/customers/{customerID}",
            "GET /msp/v3/customers/{customerID}/tenants/{tenantID}",
        ],
    ),
];

/// What is measured.
#[derive(Clone, Copy)]
pub struct Course {
    /// Customers that are created.
    pub customers: usize,
    /// Tenants that are created: at most one a customer.
    pub tenants: usize,
    /// Customers that the account has already.
    pub beside: usize,
    /// Requests a second.
    pub rate: u32,
    /// Requests that may leave at once.
    pub burst: u32,
    /// How long a task takes.
    pub task: Duration,
}

/// What came of it.
pub struct Outcome {
    course: Course,
    seconds: f64,
    requests: Counts,
}

/// Applies the customers to a cluster whose operator has swept the account, and waits until all are Ready.
pub async fn measure(course: Course, account: &Account) -> Outcome {
    eprintln!(
        "bench: {} customers and {} tenants beside {} customers, {}/s, tasks of {:?}",
        course.customers, course.tenants, course.beside, course.rate, course.task
    );
    let stage = Stage::set(course, account).await;
    settled(account).await;
    let before = account.requests().await;
    let started = Instant::now();
    stage.apply(course).await;
    stage.all_ready(course).await;
    let seconds = started.elapsed().as_secs_f64();
    let requests = since(&before, &account.requests().await);
    assert_eq!(
        account.customers("Bench ").await,
        course.customers,
        "each was created once"
    );
    eprintln!("bench:   {seconds:.1} s, {} requests", total(&requests));
    Outcome {
        course,
        seconds,
        requests,
    }
}

/// Prints the table.
pub fn print(outcomes: &[Outcome]) {
    let row = |title: &str, cell: &dyn Fn(&Outcome) -> String| {
        print!("| {title} |");
        for outcome in outcomes {
            print!(" {} |", cell(outcome));
        }
        println!();
    };
    println!();
    row("Customers created", &|outcome| {
        outcome.course.customers.to_string()
    });
    println!("|---|{}", "---|".repeat(outcomes.len()));
    row("tenants created", &|outcome| {
        outcome.course.tenants.to_string()
    });
    row("customers there before", &|outcome| {
        outcome.course.beside.to_string()
    });
    row("budget of requests", &|outcome| {
        format!("{}/s, burst {}", outcome.course.rate, outcome.course.burst)
    });
    row("a task takes", &|outcome| {
        format!("{:?}", outcome.course.task)
    });
    row("all Ready, from the first `apply`", &|outcome| {
        format!("{:.1} s", outcome.seconds)
    });
    row("at least, by the budget", &|outcome| {
        format!("{:.1} s", outcome.least())
    });
    row("requests", &|outcome| total(&outcome.requests).to_string());
    row("requests for each that was created", &|outcome| {
        outcome.each(total(&outcome.requests))
    });
    for (title, routes) in ROUTES {
        row(&format!("… {title}"), &|outcome| {
            outcome.each(outcome.count(routes))
        });
    }
    row("… everything else", &|outcome| {
        let known = ROUTES.iter().map(|(_, routes)| outcome.count(routes));
        outcome.each(total(&outcome.requests) - known.sum::<i64>())
    });
    for outcome in outcomes {
        println!("\nrequests in {:.1} s:", outcome.seconds);
        for (route, count) in &outcome.requests {
            println!("  {count:>7}  {route}");
        }
    }
}

impl Outcome {
    fn count(&self, routes: &[&str]) -> i64 {
        let counts = routes.iter().map(|route| self.requests.get(*route));
        counts.flatten().sum()
    }

    #[allow(clippy::cast_precision_loss, reason = "small counts")]
    fn each(&self, count: i64) -> String {
        let created = self.course.customers + self.course.tenants;
        format!("{:.2}", count as f64 / created as f64)
    }

    /// The time that so many requests take when the budget is always used up.
    #[allow(clippy::cast_precision_loss, reason = "small counts")]
    fn least(&self) -> f64 {
        let waiting = total(&self.requests) - i64::from(self.course.burst);
        (waiting.max(0) as f64) / f64::from(self.course.rate)
    }
}

/// A namespace with a platform, and the operator.
struct Stage {
    cluster: Client,
    namespace: String,
    http: reqwest::Client,
    metrics: String,
    _operator: Process,
    _directory: TempDir,
}

impl Stage {
    async fn set(course: Course, account: &Account) -> Self {
        let cluster = Client::try_default()
            .await
            .expect("KUBECONFIG names an API server: run this through make bench-druva");
        let wanted: Namespace = read(json!({"metadata": {"generateName": "bench-"}}));
        let namespace = Api::<Namespace>::all(cluster.clone())
            .create(&PostParams::default(), &wanted)
            .await
            .expect("a namespace")
            .name_any();
        let directory = TempDir::new().expect("a directory");
        let port = free_port();
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]);
        let stage = Self {
            _operator: operator(&namespace, port, directory.path()),
            cluster,
            namespace,
            http: http.build().expect("a client"),
            metrics: format!("http://127.0.0.1:{port}/metrics"),
            _directory: directory,
        };
        stage.surroundings(course, account).await;
        stage
    }

    async fn surroundings(&self, course: Course, account: &Account) {
        let credentials = account.credentials();
        let secret_key = credentials.secret_key.expose_secret();
        self.create::<Secret>(json!({
            "metadata": {"name": "druva"},
            "stringData": {"clientId": credentials.client_id, "secretKey": secret_key},
        }))
        .await;
        self.create::<BackupPlatform>(json!({
            "metadata": {"name": "druva"},
            "spec": {
                "ownerId": "6f1c7d0e-2b7a-4a52-9b57-bench00000002",
                "druva": {"endpoint": account.endpoint(), "credentialsRef": {"name": "druva"}},
                "rateLimit": {"requestsPerSecond": course.rate, "burst": course.burst},
                "sweepInterval": "24h",
                "usageInterval": "24h",
            },
        }))
        .await;
        self.create::<ServicePlan>(json!({
            "metadata": {"name": "gold"},
            "spec": {"platformRef": {"name": "druva"}, "planName": "Gold"},
        }))
        .await;
        let platforms = self.api::<BackupPlatform>();
        until("the platform is observed", PAUSE, async || {
            is_ready(&json!(platforms.get("druva").await.ok()?)).then_some(())
        })
        .await;
        let plans = self.api::<ServicePlan>();
        until("the plan is Ready", PAUSE, async || {
            is_ready(&json!(plans.get("gold").await.ok()?)).then_some(())
        })
        .await;
    }

    /// Creates everything, as fast as the API server takes it.
    async fn apply(&self, course: Course) {
        let customers =
            (0..course.customers).map(|number| self.create::<Customer>(customer(number)));
        stream::iter(customers)
            .buffer_unordered(APPLIERS)
            .collect::<Vec<()>>()
            .await;
        let tenants = (0..course.tenants).map(|number| self.create::<Tenant>(tenant(number)));
        stream::iter(tenants)
            .buffer_unordered(APPLIERS)
            .collect::<Vec<()>>()
            .await;
    }

    /// Waits until the operator has found all Ready.
    async fn all_ready(&self, course: Course) {
        let wanted = [("Customer", course.customers), ("Tenant", course.tenants)];
        for (kind, count) in wanted.into_iter().filter(|(_, count)| *count > 0) {
            let count = i64::try_from(count).expect("a number of objects");
            until(&format!("every {kind} is Ready"), PAUSE, async || {
                let ready = conditions(&self.http, &self.metrics, kind).await?;
                (ready == count).then_some(())
            })
            .await;
        }
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
        Api::namespaced(self.cluster.clone(), &self.namespace)
    }
}

fn operator(namespace: &str, port: u16, directory: &Path) -> Process {
    let data = directory.join("operator");
    let arguments = [
        "run",
        "--namespace",
        namespace,
        "--lease-namespace",
        namespace,
        "--listen",
        &format!("127.0.0.1:{port}"),
        "--data-dir",
        data.to_str().expect("a path in UTF-8"),
    ];
    let log =
        std::env::var_os("BENCH_LOG").map_or_else(|| directory.join("operator.log"), Into::into);
    let binary = Path::new(env!("CARGO_BIN_EXE_holdfast"));
    Process::start(binary, &arguments, &[], &log)
}

fn customer(number: usize) -> Value {
    json!({
        "metadata": {"name": format!("bench-{number:05}")},
        "spec": {
            "platformRef": {"name": "druva"},
            "displayName": format!("Bench {number:05} GmbH"),
            "accountName": format!("bench-{number:05}"),
            "profile": {"phone": format!("+49 30 {number:07}"), "address": {"text": "Musterweg 1, 10115 Berlin"}},
        },
    })
}

fn tenant(number: usize) -> Value {
    json!({
        "metadata": {"name": format!("bench-{number:05}")},
        "spec": {
            "customerRef": {"name": format!("bench-{number:05}")},
            "servicePlanRef": {"name": "gold"},
            "product": "HybridWorkloads",
            "type": "Commercial",
            "storageRegions": ["eu-central-1"],
            "licenceExpiresAt": "2028-12-31T00:00:00Z",
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

/// Waits until the platform hasn't got a request of ours for a while: the reports after the first sweep, too.
async fn settled(account: &Account) {
    let (mut last, mut quiet_since) = (Counts::new(), Instant::now());
    while quiet_since.elapsed() < QUIET {
        let now = account.requests().await;
        if now != last {
            (last, quiet_since) = (now, Instant::now());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn read<K: DeserializeOwned>(document: Value) -> K {
    serde_json::from_value(document).expect("a manifest")
}
