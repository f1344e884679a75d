//! `/healthz`, `/readyz` and `/metrics`.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::{
    net::TcpListener,
    task::{AbortHandle, JoinHandle},
    time::Instant,
};

use super::{
    context::Context,
    figures,
    filling::unfilled,
    lease::is_of_account,
    metrics::{LeaseLabels, Metrics, PlatformLabels},
    start::Operator,
};
use crate::survey::PlatformKey;

#[derive(Clone)]
struct Served {
    contexts: Arc<Vec<Arc<Context>>>,
    metrics: Arc<Metrics>,
    customers: bool,
    tasks: Arc<Vec<AbortHandle>>,
    /// Held while a page is made: its figures are forgotten with it.
    page: Arc<Mutex<()>>,
}

/// Serves until aborted.
///
/// # Errors
/// The address can't be listened on.
pub async fn start(
    listen: SocketAddr,
    operator: &Operator,
    customers: bool,
) -> std::io::Result<JoinHandle<()>> {
    let listener = bind(listen).await?;
    let controllers = operator.controllers.iter().map(JoinHandle::abort_handle);
    let served = Served {
        contexts: Arc::new(operator.contexts.clone()),
        metrics: operator.metrics.clone(),
        customers,
        tasks: Arc::new(
            controllers
                .chain(operator.background.iter().cloned())
                .collect(),
        ),
        page: Arc::default(),
    };
    let router = Router::new()
        .route("/healthz", get(healthy))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics_page))
        .with_state(served);
    Ok(tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "health and metrics are no longer served");
        }
    }))
}

/// Where the system has no IPv6, "all addresses" are those of IPv4.
async fn bind(listen: SocketAddr) -> std::io::Result<TcpListener> {
    match TcpListener::bind(listen).await {
        Err(error) if listen.ip() == Ipv6Addr::UNSPECIFIED => {
            let ipv4 = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), listen.port());
            TcpListener::bind(ipv4).await.map_err(|_| error)
        }
        bound => bound,
    }
}

/// Healthy while every controller runs, and what wakes them: what has ended doesn't restart by itself.
async fn healthy(State(served): State<Served>) -> Response {
    if served.tasks.iter().any(AbortHandle::is_finished) {
        let message = "a controller or a watch has ended; the operator's log says why\n";
        return (StatusCode::INTERNAL_SERVER_ERROR, message).into_response();
    }
    "ok\n".into_response()
}

/// Ready when every watch has received its first list. A platform that is down doesn't make the operator unready.
async fn ready(State(served): State<Served>) -> Response {
    let waiting: Vec<&str> = served
        .contexts
        .iter()
        .flat_map(|context| unfilled(&context.survey.stores))
        .collect();
    if waiting.is_empty() {
        return "ok\n".into_response();
    }
    let message = format!(
        "waiting for the first list of: {}. Are the CRDs installed, and may the operator list them?\n",
        waiting.join(", ")
    );
    (StatusCode::SERVICE_UNAVAILABLE, message).into_response()
}

async fn metrics_page(State(served): State<Served>) -> Response {
    match page(&served) {
        Ok(text) => (
            [(
                CONTENT_TYPE,
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
            )],
            text,
        )
            .into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// One page at a time: two that ask at once get all figures each.
fn page(served: &Served) -> Result<String, std::fmt::Error> {
    let _alone = served.page.lock().unwrap_or_else(PoisonError::into_inner);
    for context in served.contexts.iter() {
        refresh(context, served.customers);
    }
    let page = served.metrics.render();
    // What is gone or another's by the next page is dropped, and no series is kept until then.
    served.metrics.forget_figures();
    page
}

/// Figures that are cheaper to compute on request than to maintain.
fn refresh(context: &Context, customers: bool) {
    let metrics = &context.metrics;
    let accounts = context.duties.accounts().into_iter();
    for account in accounts.filter(|account| is_of_account(&account.lease)) {
        let lease = account.lease.clone();
        let held = metrics.lease.get_or_create(&LeaseLabels { lease }).clone();
        held.set(account.tenure.leads().into());
    }
    for handle in context.platforms.all() {
        if let Some(swept) = handle.swept_at() {
            let age = Instant::now()
                .saturating_duration_since(swept)
                .as_secs_f64();
            metrics
                .sweep_age_seconds
                .get_or_create(&PlatformLabels {
                    platform: handle.site.key.to_string(),
                })
                .set(age);
        }
    }
    let stores = &context.survey.stores;
    for platform in stores.platforms.all() {
        if context.leads_account(&PlatformKey::of(&platform)) {
            figures::of_platform(metrics, &platform);
        }
    }
    if !customers {
        return;
    }
    for customer in stores.customers.all() {
        if context.leads(&*customer) {
            figures::of_customer(metrics, &customer);
        }
    }
    for reseller in stores.resellers.all() {
        if context.leads(&*reseller) {
            figures::of_reseller(metrics, &reseller);
        }
    }
}
