//! A Ceph Object Gateway, over its Admin Operations API: a customer is a user whose uid is our claim, a client is a bucket.
//! Backups are stored there by other programs; the gateway knows objects and requests, not jobs.

pub use driver::RgwDriver;

use std::sync::Arc;

use reqsign_aws_v4::{Credential, RequestSigner};
use reqsign_core::{Context, SignRequest};
use reqwest::{Method, Request, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;

mod account;
mod calls;
mod driver;
mod figures;
mod keys;
mod log;
mod mapping;
mod reads;
mod refusal;
mod reports;
mod snapshots;
mod storage;
mod wire;
mod writes;
mod written;

use mapping::Known;
use refusal::{body, succeeded};

use super::{
    Budgets, Fingerprint, Lane, PlatformError, RateLimit,
    http::{Answer, Call, Http, HttpOptions, SetupError},
};
use crate::api::platform::RgwRegion;

/// How to reach a gateway.
pub struct RgwOptions {
    /// Where it is; `/admin` is added. `https`, or `http` on this host.
    pub endpoint: Url,
    /// The access key of the admin user.
    pub access_key: SecretString,
    /// The secret key that goes with it.
    pub secret_key: SecretString,
    /// Key of our claims, and of the tags of passwords.
    pub owner_id: String,
    /// What we call the gateway's placements.
    pub regions: Vec<RgwRegion>,
    /// Whether the names below `snapshots/` of every bucket are listed; the user needs the flag `admin` for it.
    pub list_snapshots: bool,
    /// Our own limit on requests.
    pub rate_limit: Option<RateLimit>,
    /// The process's budgets, shared by platforms of one credential.
    pub budgets: Arc<Budgets>,
    /// Trust, and the process's hooks.
    pub http: HttpOptions,
}

/// A gateway under one admin user.
pub struct Rgw {
    http: Http,
    endpoint: Url,
    access_key: String,
    credential: Credential,
    signer: RequestSigner,
    owner_id: String,
    regions: Vec<RgwRegion>,
    list_snapshots: bool,
    known: Known,
}

/// The gateway takes any region in a signature; this is the one that S3 programs use when they have none.
const REGION: &str = "us-east-1";

impl Rgw {
    /// Sets the adapter up. Sends nothing.
    ///
    /// # Errors
    /// An endpoint, credential or CA bundle that can't be used.
    pub fn new(options: RgwOptions) -> Result<Self, SetupError> {
        let access_key = options.access_key.expose_secret().trim().to_owned();
        let secret_key = options.secret_key.expose_secret().trim();
        let plain =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !plain(&access_key) || !plain(secret_key) {
            let words =
                "the keys `accessKey` and `secretKey` must each hold one word of printable ASCII";
            return Err(SetupError::Credential(words.to_owned()));
        }
        let parts = ["rgw", options.endpoint.as_str(), &access_key, secret_key];
        let budget = options
            .budgets
            .for_credential(Fingerprint::of(&parts), options.rate_limit);
        Ok(Self {
            http: Http::new(&options.endpoint, budget, options.http)?,
            credential: Credential {
                access_key_id: access_key.clone(),
                secret_access_key: secret_key.to_owned(),
                session_token: None,
                expires_in: None,
            },
            access_key,
            signer: RequestSigner::new("s3", REGION),
            endpoint: options.endpoint,
            owner_id: options.owner_id,
            regions: options.regions,
            list_snapshots: options.list_snapshots,
            known: Known::default(),
        })
    }

    /// The address of a call: a path below `/admin`, and its parameters. A flag is a parameter without a value.
    fn url(&self, path: &str, parameters: &[(&str, &str)]) -> Url {
        let path = ["admin"].into_iter().chain(path.split('/'));
        self.address(path, parameters)
    }

    fn address<'a>(
        &self,
        path: impl IntoIterator<Item = &'a str>,
        parameters: &[(&str, &str)],
    ) -> Url {
        let mut url = self.endpoint.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url.query_pairs_mut().extend_pairs(parameters);
        // Signatures know no other space than this one.
        let query = url.query().map(|query| query.replace('+', "%20"));
        url.set_query(query.as_deref());
        url
    }

    /// Reads what always exists, and what may not: then the error is that it isn't found.
    async fn get<T: DeserializeOwned>(
        &self,
        call: Call,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> Result<T, PlatformError> {
        let url = self.url(path, parameters);
        self.send(call, Method::GET, url, |answer| body(call, &answer))
            .await
    }

    /// Sends a mutating request.
    async fn change<T>(
        &self,
        operation: &'static str,
        method: Method,
        parameters: &[(&str, &str)],
        decode: impl FnOnce(Call, Answer) -> Result<T, PlatformError>,
    ) -> Result<T, PlatformError> {
        let call = Call {
            operation,
            lane: Lane::Edit,
            mutates: true,
            lists: false,
        };
        let url = self.url("user", parameters);
        self.send(call, method, url, |answer| decode(call, answer))
            .await
    }

    async fn send<T>(
        &self,
        call: Call,
        method: Method,
        url: Url,
        decode: impl FnOnce(Answer) -> Result<T, PlatformError>,
    ) -> Result<T, PlatformError> {
        let request = self.signed(call, method, url).await?;
        self.http
            .send(call, request, |answer| decode(succeeded(call, answer)?))
            .await
    }

    async fn signed(&self, call: Call, method: Method, url: Url) -> Result<Request, PlatformError> {
        let unsigned =
            |()| PlatformError::Unavailable(format!("{}: can't be signed", call.operation));
        let blank = http::Request::builder()
            .method(method.clone())
            .uri(url.as_str())
            .body(());
        let (mut parts, ()) = blank.map_err(|_| unsigned(()))?.into_parts();
        self.signer
            .sign_request(&Context::new(), &mut parts, Some(&self.credential), None)
            .await
            .map_err(|_| unsigned(()))?;
        let mut request = Request::new(method, url);
        *request.headers_mut() = parts.headers;
        Ok(request)
    }
}

fn reading(operation: &'static str, lane: Lane) -> Call {
    Call {
        operation,
        lane,
        mutates: false,
        lists: false,
    }
}
