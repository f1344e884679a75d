//! N-able Cove Data Protection (formerly SolarWinds Backup), over its JSON-RPC Management Service: a tree of partners, which are
//! resellers and customers alike, with devices below them. Objects carry our claim in the customer reference (`ExternalCode`).

pub use driver::CoveDriver;

use std::{
    sync::{
        Arc, Mutex as Lock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, value::RawValue};
use tokio::{
    sync::{Mutex, OnceCell},
    time::Instant,
};

mod account;
mod calls;
mod console;
mod deployment;
mod devices;
mod driver;
mod envelope;
mod fleet;
mod guards;
mod locations;
mod lookups;
mod mapping;
mod mark;
mod partner;
mod reports;
mod session;
mod shelf;
mod tree;
mod writes;

use account::Root;
use deployment::Deployments;
use devices::Owners;
use envelope::Said;
use fleet::Fleet;
use session::Session;
use shelf::Shelf;
use tree::Tree;

use super::{
    Budgets, Fingerprint, Lane, PlatformError, RateLimit,
    http::{Call, Http, HttpOptions, SetupError},
};
use crate::wire::garbled;

/// How to reach a Management Service.
pub struct CoveOptions {
    /// The address of the JSON-RPC interface. `https`, or `http` on this host.
    pub endpoint: Url,
    /// The API user's customer, exactly as the console writes it.
    pub partner: SecretString,
    /// The API user's login name.
    pub username: SecretString,
    /// The API user's token.
    pub password: SecretString,
    /// The name of the partner at the top of what we work on; the API user's own where there is none.
    pub root_partner: Option<String>,
    /// Whether a move may lose values of custom columns.
    pub drops_columns: bool,
    /// Our own limit on requests: the vendor documents none.
    pub rate_limit: Option<RateLimit>,
    /// The process's budgets, shared by platforms of one credential.
    pub budgets: Arc<Budgets>,
    /// Trust, and the process's hooks.
    pub http: HttpOptions,
}

/// A Management Service.
pub struct Cove {
    http: Http,
    endpoint: Url,
    session: Session,
    root_partner: Option<String>,
    drops_columns: bool,
    /// The partner at the top; it can't change.
    root: OnceCell<Root>,
    /// Numbers requests.
    next: AtomicU64,
    /// The whole tree.
    tree: Shelf<Tree>,
    /// Which device belongs to which partner.
    owners: Shelf<Owners>,
    /// Devices that this process has moved, to which partner, and when.
    moves: Lock<Vec<(Instant, i64, i64)>>,
    /// The figures of all devices as read last, and until when they count.
    fleet: Mutex<Option<(Instant, Arc<Fleet>)>>,
    /// What was answered about the automatic deployment of customers.
    deployments: Deployments,
    /// Partners that this process has removed.
    removed: Lock<Vec<i64>>,
}

impl Cove {
    /// Sets the adapter up. Sends nothing.
    ///
    /// # Errors
    /// An endpoint, credential or CA bundle that can't be used.
    pub fn new(options: CoveOptions) -> Result<Self, SetupError> {
        let parts = [&options.partner, &options.username, &options.password];
        let [partner, username, password] = parts.map(ExposeSecret::expose_secret);
        let credential = Fingerprint::of(&[
            "cove",
            options.endpoint.as_str(),
            partner,
            username,
            password,
        ]);
        let budget = options
            .budgets
            .for_credential(credential, options.rate_limit);
        Ok(Self {
            http: Http::new(&options.endpoint, budget, options.http)?,
            session: Session::new(options.partner, options.username, options.password)?,
            endpoint: options.endpoint,
            root_partner: options.root_partner,
            drops_columns: options.drops_columns,
            root: OnceCell::new(),
            next: AtomicU64::new(1),
            tree: Shelf::default(),
            owners: Shelf::default(),
            moves: Lock::default(),
            fleet: Mutex::default(),
            deployments: Deployments::default(),
            removed: Lock::default(),
        })
    }

    /// Asks something; `decode` reads the outer result. Public clients wait for half a minute or more for any answer. Source: ways
    /// of public clients.
    async fn ask<T>(
        &self,
        method: &'static str,
        lane: Lane,
        params: &Value,
        decode: impl Fn(&RawValue) -> Result<T, PlatformError>,
    ) -> Result<T, PlatformError> {
        self.send(reading(method, lane), params, decode).await
    }

    /// Sends a mutating request, once. It may take no longer than on any other platform, since who leads next waits that long: what
    /// takes longer has an unknown outcome, and is looked at before anything is sent again.
    async fn change<T>(
        &self,
        method: &'static str,
        params: &Value,
        decode: impl Fn(&RawValue) -> Result<T, PlatformError>,
    ) -> Result<T, PlatformError> {
        let call = Call {
            operation: method,
            lane: Lane::Edit,
            mutates: true,
            lists: false,
        };
        self.send(call, params, decode).await
    }

    /// Sends a request under the newest visa; and once more, under a newer one and then after another login, when the visa is
    /// refused: then nothing was carried out. Where a visa is refused that another answer had replaced, and the newer one is good,
    /// requests go one at a time from then on.
    async fn send<T>(
        &self,
        call: Call,
        params: &Value,
        decode: impl Fn(&RawValue) -> Result<T, PlatformError>,
    ) -> Result<T, PlatformError> {
        let unsent = |error| if call.mutates { not_sent(error) } else { error };
        let mut alone = self.session.alone().await;
        let visa = self.visa(None).await.map_err(unsent)?;
        let logins = self.session.logins();
        if let Said::Value(value) = self.exchange(call, params, &visa, &decode).await? {
            return Ok(value);
        }
        if alone.is_none() && self.session.was_outdated(&visa, logins) {
            alone = Some(self.session.stand_in_line().await);
        }
        let visa = self.visa(Some(&visa)).await.map_err(unsent)?;
        let mut said = self.exchange(call, params, &visa, &decode).await?;
        if let (Said::VisaRefused, true) = (&said, self.session.logins() == logins) {
            // Not even the newest is good any more, as after a restart of the service; or another answer has just renewed it.
            let were_all_bad = self.session.visa(Some(&visa)).is_none();
            let visa = self.visa(Some(&visa)).await.map_err(unsent)?;
            said = self.exchange(call, params, &visa, &decode).await?;
            if were_all_bad {
                self.session.leave_the_line();
            }
        }
        drop(alone);
        let Said::Value(value) = said else {
            let error = PlatformError::Unavailable(format!(
                "{}: the platform refuses the visa of a login just made (error 1701)",
                call.operation
            ));
            // Each answer by itself is a good one, so that the breaker doesn't see it.
            self.http.failed(self.session.fruitless(), &error);
            return Err(error);
        };
        Ok(value)
    }

    async fn exchange<T>(
        &self,
        call: Call,
        params: &Value,
        visa: &SecretString,
        decode: &impl Fn(&RawValue) -> Result<T, PlatformError>,
    ) -> Result<Said<T>, PlatformError> {
        let id = self.number();
        let request = envelope::request(&self.endpoint, &id, call.operation, params, Some(visa))?;
        // Another answer may have brought a newer one meanwhile.
        let secrets = self.session.secrets().and(visa);
        let answer = self.http.send(call, request, |answer| {
            let read = envelope::read(call, &id, &secrets, &answer)?;
            let refuses = read.refuses_visa();
            self.session.adopt(read.visa.clone(), refuses);
            read.said(decode)
        });
        answer.await
    }

    /// The newest visa, but not the refused one; a new login where there is no other. Logins are made one at a time.
    async fn visa(&self, refused: Option<&SecretString>) -> Result<SecretString, PlatformError> {
        if let Some(visa) = self.session.visa(refused) {
            return Ok(visa);
        }
        let _turn = self.http.login_turn().await;
        if let Some(visa) = self.session.visa(refused) {
            return Ok(visa);
        }
        self.login().await
    }

    async fn login(&self) -> Result<SecretString, PlatformError> {
        let call = reading(LOGIN, Lane::Edit);
        let id = self.number();
        let params = self.session.login();
        let request = envelope::request(&self.endpoint, &id, call.operation, &params, None)?;
        let secrets = self.session.secrets();
        let answer = self.http.send(call, request, |answer| {
            let read = envelope::read(call, &id, &secrets, &answer)?;
            let visa = read.visa.clone();
            match read.said(|result| envelope::inner::<session::User>(call.operation, result))? {
                Said::Value(user) => Ok((user, visa)),
                Said::VisaRefused => Err(garbled(call.operation, "it has no visa to refuse")),
            }
        });
        let (user, visa) = match answer.await {
            Err(error @ PlatformError::Unauthorised(_)) => {
                // More logins would lock the user out.
                self.http.give_up(&error);
                return Err(error);
            }
            answer => answer?,
        };
        let visa = visa.ok_or_else(|| garbled(call.operation, "the answer has no visa"))?;
        self.session.begin(visa.clone(), user);
        Ok(visa)
    }

    fn number(&self) -> String {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        format!("holdfast-{next}")
    }

    fn was_removed(&self, id: i64) -> bool {
        let removed = self.removed.lock().unwrap_or_else(PoisonError::into_inner);
        removed.contains(&id)
    }

    fn note_removed(&self, id: i64) {
        let mut removed = self.removed.lock().unwrap_or_else(PoisonError::into_inner);
        removed.push(id);
    }
}

fn reading(operation: &'static str, lane: Lane) -> Call {
    Call {
        operation,
        lane,
        mutates: false,
        lists: true,
    }
}

/// A failure before a mutating request was sent: its outcome is known, nothing was carried out.
fn not_sent(error: PlatformError) -> PlatformError {
    match error {
        PlatformError::Unreachable(_) | PlatformError::Garbled(_) => {
            PlatformError::Unavailable(error.to_string())
        }
        error => error,
    }
}

/// The method that makes a session.
const LOGIN: &str = "Login";
/// How long figures are used again: the reports of usage and health are read one after the other.
const SHARED: Duration = Duration::from_secs(5);
