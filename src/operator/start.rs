//! Starting the operator's tasks on a cluster, and stopping them in order.

use std::{sync::Arc, time::Duration};

use futures::{channel::mpsc::unbounded, future::join_all};
use kube::{
    Client,
    runtime::{events::Reporter, watcher::Event},
};
use tokio::{
    sync::{Mutex, watch},
    task::{AbortHandle, JoinHandle},
    time::timeout,
};

use super::{
    account::Accounts,
    context::{Context, Peers},
    controller,
    duties::Duties,
    embedding::Embedding,
    events::Events,
    filling::Filling,
    memory::Memory,
    metrics::Metrics,
    newest::Newest,
    platform_controller,
    platforms::Platforms,
    secrets, unreadable,
    wakers::Wakers,
    watches::{Legibility, Watched, watch},
};
use crate::{
    api::{BackupPlatform, Customer, Reseller, ServicePlan, Tenant, names},
    platform::{Budgets, Registry},
    survey::{AnyRef, Commons, Managed, PlatformKey, Stores, Survey, resource_ref},
};

/// What the operator works with.
pub struct Settings {
    /// The platforms that it can reach.
    pub drivers: Registry,
    /// The embedded platform.
    pub embedding: Arc<Mutex<Embedding>>,
    /// Namespaces to watch; empty means all.
    pub namespaces: Vec<String>,
    /// Namespace for Leases.
    pub lease_namespace: String,
    /// Namespace in which months are kept for invoices; none are kept when absent.
    pub invoices_namespace: Option<String>,
    /// The identity under which it holds them; no other process has it.
    pub identity: String,
}

/// The operator's tasks.
pub struct Operator {
    /// One for each scope.
    pub contexts: Vec<Arc<Context>>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// The controllers.
    pub controllers: Vec<JoinHandle<()>>,
    /// What runs beside them until the process ends.
    pub background: Vec<AbortHandle>,
    accounts: Arc<Accounts>,
    filling: Filling,
    stopping: watch::Sender<bool>,
}

/// How long passes that run are waited for at the end: less than a cluster waits for a pod.
const LAST_PASSES: Duration = Duration::from_secs(20);

impl Operator {
    /// Starts watching and reconciling.
    pub fn start(client: &Client, settings: Settings) -> Self {
        let metrics = Metrics::new();
        let accounts = Arc::new(Accounts::new(
            client.clone(),
            settings.lease_namespace,
            settings.identity.clone(),
        ));
        let (stopping, stopped) = watch::channel(false);
        let share = Share {
            client: client.clone(),
            identity: settings.identity,
            invoices: settings.invoices_namespace,
            metrics: metrics.clone(),
            drivers: settings.drivers,
            embedding: settings.embedding,
            budgets: Arc::default(),
            accounts: accounts.clone(),
            commons: Arc::default(),
            filling: Filling::default(),
            peers: Arc::default(),
        };
        let mut scopes: Vec<Option<String>> = settings.namespaces.into_iter().map(Some).collect();
        if scopes.is_empty() {
            scopes.push(None);
        }
        let (mut contexts, mut controllers, mut background) = (Vec::new(), Vec::new(), Vec::new());
        for scope in scopes {
            let (context, running, beside) = start(&share, scope.as_deref(), &stopped);
            contexts.push(context);
            controllers.extend(running);
            background.extend(beside);
        }
        tokio::spawn(share.filling.clone().run(share.commons.scopes()));
        Self {
            contexts,
            metrics,
            controllers,
            background,
            accounts,
            filling: share.filling,
            stopping,
        }
    }

    /// Lets running passes end, ends sweeps, and gives the Leases back, so that the next process needn't wait until they expire.
    pub async fn stop(mut self) {
        let _ = self.stopping.send(true);
        // Without the first lists no pass has begun, and a controller waits for them.
        let patience = if self.filling.is_done() {
            LAST_PASSES
        } else {
            Duration::ZERO
        };
        let ended = join_all(&mut self.controllers);
        let cut_short = timeout(patience, ended).await.is_err();
        if cut_short {
            self.controllers.iter().for_each(JoinHandle::abort);
        }
        let unlogged = self
            .contexts
            .iter()
            .any(|context| context.memory.has_unlogged());
        for context in self.contexts {
            for handle in context.platforms.all() {
                handle.retire();
            }
        }
        // What was sent and isn't recorded may be carried out late: the next process learns of it when the Leases run out.
        if cut_short || unlogged {
            self.accounts.abandon_all();
        } else {
            self.accounts.give_back_all().await;
        }
    }
}

impl Operator {
    /// Ends everything where it is.
    pub fn kill(self) {
        self.controllers.iter().for_each(JoinHandle::abort);
        self.background.iter().for_each(AbortHandle::abort);
        for context in &self.contexts {
            for handle in context.platforms.all() {
                handle.retire();
            }
        }
        self.accounts.abandon_all();
    }
}

/// What all scopes of one process share.
struct Share {
    client: Client,
    identity: String,
    invoices: Option<String>,
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
    share: &Share,
    namespace: Option<&str>,
    stopped: &watch::Receiver<bool>,
) -> (Arc<Context>, Vec<JoinHandle<()>>, [AbortHandle; 2]) {
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
        instance: Some(share.identity.clone()),
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
            share.commons.clone(),
        ),
        wakers: Wakers {
            platforms: platforms_wake,
            resellers: resellers_wake,
            plans: plans_wake,
            customers: customers_wake,
            tenants: tenants_wake,
        },
        metrics: share.metrics.clone(),
        platforms: Platforms::default(),
        recent: Newest::default(),
        drivers: share.drivers.clone(),
        embedding: share.embedding.clone(),
        budgets: share.budgets.clone(),
        accounts: share.accounts.clone(),
        filling: share.filling.clone(),
        peers: share.peers.clone(),
        memory: Memory::default(),
        scope: namespace.map(ToOwned::to_owned),
        invoices: share.invoices.clone(),
        duties: Duties::default(),
        attended: std::sync::Mutex::default(),
    });
    news.tell(&context);
    context.peers.add(&context);
    context.keep_unassigned();
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
    let namespace = namespace.map(ToOwned::to_owned);
    let background = [
        tokio::spawn(context.clone().run_late_wakes()).abort_handle(),
        tokio::spawn(secrets::watch(context.clone(), namespace)).abort_handle(),
    ];
    (context, tasks, background)
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
                let key = PlatformKey::of(platform);
                context.platform_gone(&key);
                // They resolve to no platform now, and are under another Lease.
                context.wake_all(&key);
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
                    if let Some(uid) = &object.meta().uid {
                        context.recent.forget::<K>(uid);
                    }
                    context.gone(&resource_ref(object));
                }
                Event::Init | Event::InitDone => {}
            }
        }
    }
}
