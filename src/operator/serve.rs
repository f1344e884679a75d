//! `/healthz`, `/readyz` and `/metrics`.

use std::{net::SocketAddr, sync::Arc};

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
    filling::unfilled,
    metrics::{CustomerLabels, Metrics, ObjectiveLabels, PlatformLabels},
    start::Operator,
};
use crate::api::Customer;
use kube::ResourceExt;

#[derive(Clone)]
struct Served {
    contexts: Arc<Vec<Arc<Context>>>,
    metrics: Arc<Metrics>,
    customers: bool,
    controllers: Arc<Vec<AbortHandle>>,
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
    let listener = TcpListener::bind(listen).await?;
    let controllers = operator.controllers.iter();
    let served = Served {
        contexts: Arc::new(operator.contexts.clone()),
        metrics: operator.metrics.clone(),
        customers,
        controllers: Arc::new(controllers.map(JoinHandle::abort_handle).collect()),
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

/// Healthy while every controller runs: a controller that has ended doesn't restart by itself.
async fn healthy(State(served): State<Served>) -> Response {
    if served.controllers.iter().any(AbortHandle::is_finished) {
        let message = "a controller has ended; the operator's log says why\n";
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
    for context in served.contexts.iter() {
        refresh(context, served.customers);
    }
    let page = served.metrics.render();
    // A customer that is gone by the next page is dropped, and no series is kept until then.
    served.metrics.forget_customers();
    match page {
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

/// Figures that are cheaper to compute on request than to maintain.
fn refresh(context: &Context, customers: bool) {
    let metrics = &context.metrics;
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
    for customer in context
        .survey
        .stores
        .customers
        .all()
        .iter()
        .filter(|customer| customers && context.leads(&***customer))
    {
        figures(metrics, customer);
    }
}

#[allow(
    clippy::cast_precision_loss,
    reason = "metrics are floating point; bytes stay far below 2^53"
)]
fn figures(metrics: &Metrics, customer: &Customer) {
    let Some(status) = &customer.status else {
        return;
    };
    let labels = CustomerLabels {
        platform: status.managed.platform.clone().unwrap_or_default(),
        namespace: customer.namespace().unwrap_or_default(),
        customer: customer.name_any(),
    };
    if let Some(usage) = &status.usage {
        let bytes = usage
            .storage
            .as_ref()
            .and_then(|size| size.bytes().ok())
            .unwrap_or_default();
        metrics
            .customer_storage_bytes
            .get_or_create(&labels)
            .set(bytes as f64);
        let milli = usage
            .credits
            .as_ref()
            .and_then(|credits| credits.milli().ok())
            .unwrap_or_default();
        metrics
            .customer_credits
            .get_or_create(&labels)
            .set(milli as f64 / 1000.0);
    }
    let limit = customer
        .spec
        .limits
        .as_ref()
        .and_then(|limits| limits.storage.as_ref())
        .and_then(|size| size.bytes().ok());
    if let Some(limit) = limit {
        metrics
            .customer_storage_limit_bytes
            .get_or_create(&labels)
            .set(limit as f64);
    }
    let sources = status
        .health
        .as_ref()
        .and_then(|health| health.data_sources);
    if let Some((total, met)) =
        sources.and_then(|sources| Some((sources.total, sources.meeting_objective?)))
    {
        for (objective, count) in [("met", met), ("missed", total.saturating_sub(met))] {
            let CustomerLabels {
                platform,
                namespace,
                customer,
            } = labels.clone();
            let labels = ObjectiveLabels {
                platform,
                namespace,
                customer,
                objective: objective.into(),
            };
            metrics
                .customer_data_sources
                .get_or_create(&labels)
                .set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }
}
