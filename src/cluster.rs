//! The connection to the cluster, as kubectl makes it.

use std::{net::IpAddr, time::Duration};

use hyper_util::client::proxy::matcher::Matcher;
use kube::{Client, Config, client::ClientBuilder};
use reqwest::Url;
use tower::timeout::TimeoutLayer;
use tower_http::timeout::ResponseBodyTimeoutLayer;

/// Within this time an answer begins. A connection of which the other end is lost may stay open for a quarter of an hour, and
/// every request over it would wait as long. F9.
const ANSWER: Duration = Duration::from_secs(30);
/// The longest pause within an answer. A watch ends before.
const SILENCE: Duration = Duration::from_secs(90);
/// The variables that name a proxy for HTTPS.
const PROXIES: [&str; 2] = ["HTTPS_PROXY", "https_proxy"];

/// Connects by `KUBECONFIG`, the default file, or from inside a pod. `HTTPS_PROXY` and `NO_PROXY` hold, never for this host
/// itself; a proxy that the kubeconfig names is always used.
///
/// # Errors
/// What is wrong with the configuration, and what to do.
pub async fn connect() -> Result<(Config, Client), String> {
    let mut config = Config::infer().await.map_err(|error| {
        format!("can't connect to the cluster: {error}. Set KUBECONFIG to a kubeconfig that works with kubectl.")
    })?;
    let of_kubeconfig = config.proxy_url.as_ref().is_some_and(|proxy| {
        let mut named = of_environment();
        !named.any(|named| same(&named, &proxy.to_string()))
    });
    if !of_kubeconfig {
        // kube holds NO_PROXY against the proxy's own address.
        let proxied = !is_loopback(&config.cluster_url.to_string())
            && Matcher::from_env().intercept(&config.cluster_url).is_some();
        let mut named = of_environment().filter_map(|proxy| proxy.parse().ok());
        config.proxy_url = named.next().filter(|_| proxied);
    }
    let client = ClientBuilder::try_from(config.clone())
        .map_err(|error| format!("can't connect to the cluster: {error}"))?
        .with_layer(&ResponseBodyTimeoutLayer::new(SILENCE))
        .with_layer(&TimeoutLayer::new(ANSWER))
        .build();
    Ok((config, client))
}

fn of_environment() -> impl Iterator<Item = String> {
    let named = PROXIES.iter().filter_map(|name| std::env::var(name).ok());
    named.filter(|proxy| !proxy.is_empty())
}

fn same(one: &str, other: &str) -> bool {
    let parsed = Url::parse(one).ok();
    parsed.is_some() && parsed == Url::parse(other).ok()
}

fn is_loopback(url: &str) -> bool {
    let url = Url::parse(url);
    let host = url
        .as_ref()
        .map_or("", |url| url.host_str().unwrap_or_default());
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = |address: IpAddr| address.is_loopback();
    host == "localhost" || address.parse().is_ok_and(is_loopback)
}
