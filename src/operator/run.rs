//! Starting the operator, and stopping it in order.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use futures::channel::mpsc::unbounded;
use kube::{
    Client,
    runtime::{events::Reporter, watcher::Event},
};
use thiserror::Error;
use tokio::sync::{Mutex, watch};

use super::{
    account::Accounts,
    context::{Context, Peers},
    controller,
    embedding::Embedding,
    events::Events,
    filling::Filling,
    identity::{Identity, IdentityError},
    lease::Keeper,
    memory::Memory,
    metrics::Metrics,
    newest::Newest,
    platform_controller,
    platforms::Platforms,
    secrets, serve, unreadable,
    wakers::Wakers,
    watches::{Legibility, Watched, watch},
};
use crate::{
    api::{BackupPlatform, Customer, Reseller, ServicePlan, Tenant, names},
    platform::{Budgets, Registry},
    survey::{AnyRef, Commons, Managed, PlatformKey, Stores, Survey, resource_ref},
};

/// The operator's configuration.
#[derive(Clone)]
pub struct RunOptions {
    /// The platforms that it can reach.
    pub drivers: Registry,
    /// Where the embedded platform keeps its estates, and this process its identity.
    pub data_dir: PathBuf,
    /// Where health and metrics are served.
    pub listen: SocketAddr,
    /// Where the embedded platform is served.
    pub platform_listen: SocketAddr,
    /// Namespaces to watch; empty means all.
    pub namespaces: Vec<String>,
    /// Namespace for Leases.
    pub lease_namespace: String,
    /// Whether there are metrics of each customer.
    pub customer_metrics: bool,
}

/// Why the operator can't run.
#[derive(Debug, Error)]
pub enum RunError {
    /// The cluster can't be reached.
    #[error("can't connect to the cluster: {0}. Set KUBECONFIG, or run inside a cluster.")]
    Cluster(String),
    /// The process has no identity.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Health and metrics can't be served.
    #[error("can't listen on {address}: {source}. Choose another with --listen.")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}

/// Runs the operator until `stop` resolves; then lets running passes end, and releases its Leases.
///
/// # Errors
/// Any error at startup. Once started the operator continues in spite of all errors.
pub async fn run(
    options: RunOptions,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), RunError> {
    let identity = Identity::of(&options.data_dir)?;
    let config = kube::Config::infer()
        .await
        .map_err(|error| RunError::Cluster(error.to_string()))?;
    let client = Client::try_from(config).map_err(|error| RunError::Cluster(error.to_string()))?;
    let metrics = Metrics::new();
    let embedding = Arc::new(Mutex::new(Embedding::new(
        options.data_dir.clone(),
        options.platform_listen,
    )));
    let budgets = Arc::new(Budgets::default());
    let accounts = Arc::new(Accounts::default());
    let scopes: Vec<Option<String>> = if options.namespaces.is_empty() {
        vec![None]
    } else {
        options.namespaces.iter().cloned().map(Some).collect()
    };
    let (stopping, stopped) = watch::channel(false);
    let commons = Arc::new(Commons::default());
    let (filling, peers) = (Filling::default(), Arc::new(Peers::default()));
    let mut contexts = Vec::new();
    let mut tasks = Vec::new();
    for scope in scopes {
        let share = Share {
            client: client.clone(),
            metrics: metrics.clone(),
            drivers: options.drivers.clone(),
            embedding: embedding.clone(),
            budgets: budgets.clone(),
            accounts: accounts.clone(),
            commons: commons.clone(),
            filling: filling.clone(),
            peers: peers.clone(),
        };
        let (context, running) = start(
            share,
            scope.as_deref(),
            &identity,
            &options.lease_namespace,
            &stopped,
        );
        contexts.push(context);
        tasks.extend(running);
    }
    tokio::spawn(filling.run(commons.scopes()));
    let server = serve::start(
        options.listen,
        contexts.clone(),
        metrics,
        options.customer_metrics,
        tasks
            .iter()
            .map(tokio::task::JoinHandle::abort_handle)
            .collect(),
    )
    .await;
    let server = server.map_err(|source| RunError::Listen {
        address: options.listen,
        source,
    })?;
    tracing::info!(listen = %options.listen, identity = identity.name, "running");
    stop.await;
    tracing::info!("stopping: waiting for running reconciliations");
    let _ = stopping.send(true);
    for task in tasks {
        let _ = task.await;
    }
    for context in contexts {
        wind_up(&context).await;
    }
    server.abort();
    embedding.lock().await.stop().await;
    Ok(())
}

/// What all scopes of one process share.
struct Share {
    client: Client,
    metrics: Arc<Metrics>,
    drivers: Registry,
    embedding: Arc<Mutex<Embedding>>,
    budgets: Arc<Budgets>,
    accounts: Arc<Accounts>,
    commons: Arc<Commons>,
    filling: Filling,
    peers: Arc<Peers>,
}

/// Starts the controllers of one scope.
#[allow(clippy::too_many_lines, reason = "one scope, kind by kind")]
fn start(
    share: Share,
    namespace: Option<&str>,
    identity: &Identity,
    lease_namespace: &str,
    stopped: &watch::Receiver<bool>,
) -> (Arc<Context>, Vec<tokio::task::JoinHandle<()>>) {
    let (platforms_wake, platforms_woken) = unbounded();
    let (resellers_wake, resellers_woken) = unbounded();
    let (plans_wake, plans_woken) = unbounded();
    let (customers_wake, customers_woken) = unbounded();
    let (tenants_wake, tenants_woken) = unbounded();
    let client = &share.client;
    let news = News::default();
    let (platforms, platform_stream) =
        watch::<BackupPlatform, _, _>(client, namespace, news.platform(), news.legibility());
    let (resellers, reseller_stream) =
        watch::<Reseller, _, _>(client, namespace, news.resource(), news.legibility());
    let (plans, plan_stream) =
        watch::<ServicePlan, _, _>(client, namespace, news.resource(), news.legibility());
    let (customers, customer_stream) =
        watch::<Customer, _, _>(client, namespace, news.resource(), news.legibility());
    let (tenants, tenant_stream) =
        watch::<Tenant, _, _>(client, namespace, news.resource(), news.legibility());
    let reporter = Reporter {
        controller: names::GROUP.into(),
        instance: Some(identity.name.clone()),
    };
    let context = Arc::new(Context {
        events: Events::new(client.clone(), reporter),
        client: client.clone(),
        survey: Survey::beside(
            Stores {
                platforms: Arc::new(Watched(platforms.clone())),
                resellers: Arc::new(Watched(resellers.clone())),
                plans: Arc::new(Watched(plans.clone())),
                customers: Arc::new(Watched(customers.clone())),
                tenants: Arc::new(Watched(tenants.clone())),
                unreadable: Arc::default(),
            },
            share.commons,
        ),
        wakers: Wakers {
            platforms: platforms_wake,
            resellers: resellers_wake,
            plans: plans_wake,
            customers: customers_wake,
            tenants: tenants_wake,
        },
        metrics: share.metrics,
        platforms: Platforms::default(),
        recent: Newest::default(),
        drivers: share.drivers,
        embedding: share.embedding,
        budgets: share.budgets,
        accounts: share.accounts,
        filling: share.filling,
        peers: share.peers,
        memory: Memory::default(),
        scope: namespace.map(ToOwned::to_owned),
        lease_namespace: lease_namespace.to_owned(),
        identity: identity.name.clone(),
        attended: std::sync::Mutex::default(),
    });
    news.tell(&context);
    context.peers.add(&context);
    let stop = || {
        let mut stopped = stopped.clone();
        async move {
            let _ = stopped.wait_for(|stopped| *stopped).await;
        }
    };
    let tasks = vec![
        tokio::spawn(platform_controller::run(
            context.clone(),
            platforms,
            platform_stream,
            platforms_woken,
            stop(),
        )),
        tokio::spawn(controller::run(
            context.clone(),
            resellers,
            reseller_stream,
            resellers_woken,
            stop(),
        )),
        tokio::spawn(controller::run(
            context.clone(),
            plans,
            plan_stream,
            plans_woken,
            stop(),
        )),
        tokio::spawn(controller::run(
            context.clone(),
            customers,
            customer_stream,
            customers_woken,
            stop(),
        )),
        tokio::spawn(controller::run(
            context.clone(),
            tenants,
            tenant_stream,
            tenants_woken,
            stop(),
        )),
    ];
    tokio::spawn(context.clone().run_late_wakes());
    tokio::spawn(secrets::watch(
        context.clone(),
        namespace.map(ToOwned::to_owned),
    ));
    (context, tasks)
}

/// Ends sweeps, and releases the Leases so that the next process needn't wait until they expire.
async fn wind_up(context: &Context) {
    for handle in context.platforms.all() {
        handle.retire();
        handle.writer.account().inspect(|account| account.stop());
    }
    for lease in context.memory.leases() {
        let vacated = Keeper::vacate(
            context.client.clone(),
            &context.lease_namespace,
            &lease,
            &context.identity,
        )
        .await;
        if let Err(error) = vacated {
            tracing::warn!(lease, %error, "the Lease wasn't released; it expires by itself");
        }
    }
}

/// Tells the context about events of the watches. They exist before the context does, hence the detour.
#[derive(Default, Clone)]
struct News(Arc<std::sync::OnceLock<std::sync::Weak<Context>>>);

impl News {
    fn tell(&self, context: &Arc<Context>) {
        let _ = self.0.set(Arc::downgrade(context));
    }

    fn context(&self) -> Option<Arc<Context>> {
        self.0.get().and_then(std::sync::Weak::upgrade)
    }

    fn legibility(&self) -> impl Fn(AnyRef, Legibility) + Send + Sync + Clone + 'static {
        let this = self.clone();
        move |resource, seen| {
            if let Some(context) = this.context() {
                unreadable::note(&context, resource, seen);
            }
        }
    }

    fn platform(&self) -> impl Fn(&Event<BackupPlatform>) + Send + Sync + Clone + 'static {
        let this = self.clone();
        move |event| {
            if let (Event::Delete(platform), Some(context)) = (event, this.context()) {
                context.platform_gone(&PlatformKey::of(platform));
            }
        }
    }

    fn resource<K: Managed>(&self) -> impl Fn(&Event<K>) + Send + Sync + Clone + 'static {
        let this = self.clone();
        move |event| {
            let Some(context) = this.context() else {
                return;
            };
            match event {
                Event::Apply(object) | Event::InitApply(object) => context.note_named(object),
                Event::Delete(object) => {
                    let resource = resource_ref(object);
                    context.forget(&resource);
                    if let Some(uid) = &object.meta().uid {
                        context.recent.forget::<K>(uid);
                    }
                    context.wake_referrers(&resource);
                }
                Event::Init | Event::InitDone => {}
            }
        }
    }
}
