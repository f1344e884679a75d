//! What lies around every request: which estate, the count, the token.

use std::sync::Arc;

use axum::{
    extract::{MatchedPath, RawPathParams, Request, State},
    http::{HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};

use super::Shared;
use crate::{
    Kind,
    problem::{Problem, Slug},
};

/// A request's path below the base URL.
#[derive(Debug, Clone)]
pub(crate) struct Below(pub String);

/// Finds the estate, counts the request, and takes as long as the server is told to.
pub(super) async fn locate(
    State(shared): State<Arc<Shared>>,
    matched: MatchedPath,
    parameters: RawPathParams,
    mut request: Request,
    next: Next,
) -> Response {
    let parameter = |wanted: &str| {
        parameters
            .iter()
            .find(|(name, _)| *name == wanted)
            .map(|(_, value)| value)
    };
    let place = parameter("namespace").zip(parameter("name"));
    let Some(estate) = shared.estates.find(place) else {
        return Problem::new(Slug::NotFound, "there is no such estate").into_response();
    };
    let path = request.uri().path();
    let below = match place {
        // The estate's part has four slashes: /estates/{namespace}/{name}/v1…
        Some(_) => path
            .match_indices('/')
            .nth(3)
            .map_or(path, |(start, _)| &path[start..]),
        None => path,
    };
    let below = Below(below.to_owned());
    estate.count(route(
        request.method(),
        matched.as_str(),
        parameter("kind"),
        parameter("id"),
    ));
    request.extensions_mut().insert(estate);
    request.extensions_mut().insert(below);
    if let Some(latency) = shared.latency {
        tokio::time::sleep(latency).await;
    }
    next.run(request).await
}

/// Method and route template, as the statistics count them: `POST /v1/customers/{id}:activate`.
fn route(method: &Method, matched: &str, kind: Option<&str>, id: Option<&str>) -> String {
    let template = matched
        .strip_prefix("/estates/{namespace}/{name}")
        .unwrap_or(matched);
    let kind = kind
        .and_then(Kind::from_plural)
        .map_or("{kind}", Kind::plural);
    let mut template = template.replace("{kind}", kind);
    if let Some((_, verb)) = id.and_then(|id| id.rsplit_once(':'))
        && method == Method::POST
        && matches!(verb, "activate" | "deactivate" | "send-welcome-mail")
    {
        template = format!("{template}:{verb}");
    }
    format!("{method} {template}")
}

/// Refuses a request without the token.
pub(super) async fn authenticate(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let given = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let given = given
        .and_then(|value| value.strip_prefix("Bearer "))
        .map(str::trim);
    // Comparing digests takes the same time wherever they differ.
    let good = given
        .is_some_and(|given| Sha256::digest(given) == Sha256::digest(shared.token.expose_secret()));
    if !good {
        return Problem::new(Slug::Unauthorized, "the request carries no valid token")
            .remedy("Send Authorization: Bearer TOKEN with the platform's token")
            .into_response();
    }
    next.run(request).await
}

/// No answer may be kept by anything on the way.
pub(super) async fn never_cached(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_template() {
        let matched = "/estates/{namespace}/{name}/v1/{kind}/{id}";
        assert_eq!(
            route(&Method::GET, matched, Some("customers"), Some("7")),
            "GET /v1/customers/{id}"
        );
        assert_eq!(
            route(
                &Method::POST,
                matched,
                Some("customers"),
                Some("7:activate")
            ),
            "POST /v1/customers/{id}:activate"
        );
        assert_eq!(
            route(&Method::GET, "/v1/{kind}", Some("frogs"), None),
            "GET /v1/{kind}"
        );
        assert_eq!(
            route(&Method::GET, "/v1/stats", None, None),
            "GET /v1/stats"
        );
    }
}
