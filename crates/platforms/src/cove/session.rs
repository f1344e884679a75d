//! The session: a visa of 15 minutes that every answer renews.

use std::{
    sync::{
        Mutex as Lock, MutexGuard as Locked, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    sync::{Mutex, MutexGuard},
    time::Instant,
};

use crate::{http::SetupError, wire::Secrets};

/// After so long without another visa a new login is made: a visa is good for 15 minutes. Source: "Authorization in JSON-RPC
/// API"; public clients use 13 to 14 minutes.
const GOOD_FOR: Duration = Duration::from_secs(13 * 60);

/// The record of the user that logged in.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct User {
    /// Its customer: the top of what it sees.
    pub(super) partner_id: i64,
}

struct Visa {
    text: SecretString,
    renew_at: Instant,
}

#[derive(Default)]
struct State {
    visa: Option<Visa>,
    user: Option<User>,
    logins: u64,
}

/// One API user's session.
pub(super) struct Session {
    partner: SecretString,
    username: SecretString,
    password: SecretString,
    state: Lock<State>,
    /// Requests in a row whose visa was refused right after a login.
    fruitless: AtomicU32,
    /// Whether only the newest visa was found to be good. Sources disagree on that.
    newest_only: AtomicBool,
    /// Held then by the one request that is under way.
    line: Mutex<()>,
}

impl Session {
    /// Sends nothing.
    ///
    /// # Errors
    /// A credential that can't be right.
    pub(super) fn new(
        partner: SecretString,
        username: SecretString,
        password: SecretString,
    ) -> Result<Self, SetupError> {
        for (key, secret) in [
            ("partner", &partner),
            ("username", &username),
            ("password", &password),
        ] {
            let text = secret.expose_secret();
            if text.trim().is_empty() || text.contains(['\n', '\r']) {
                return Err(SetupError::Credential(format!(
                    "the key `{key}` must hold one line that isn't empty"
                )));
            }
        }
        Ok(Self {
            partner,
            username,
            password,
            state: Lock::default(),
            fruitless: AtomicU32::new(0),
            newest_only: AtomicBool::new(false),
            line: Mutex::default(),
        })
    }

    /// The parameters of a login. The partner is always sent: API users must.
    pub(super) fn login(&self) -> Value {
        json!({
            "partner": self.partner.expose_secret(),
            "username": self.username.expose_secret(),
            "password": self.password.expose_secret(),
        })
    }

    /// The newest visa, as long as it is good and isn't the refused one.
    pub(super) fn visa(&self, refused: Option<&SecretString>) -> Option<SecretString> {
        let state = self.state();
        let visa = state.visa.as_ref()?;
        let is_refused =
            refused.is_some_and(|refused| refused.expose_secret() == visa.text.expose_secret());
        (!is_refused && Instant::now() < visa.renew_at).then(|| visa.text.clone())
    }

    /// Takes the visa of an answer, also of one that is an error; not of one that refuses the visa itself.
    pub(super) fn adopt(&self, visa: Option<SecretString>, refuses: bool) {
        if refuses {
            return;
        }
        self.fruitless.store(0, Ordering::Relaxed);
        if let Some(visa) = visa {
            self.state().visa = Some(Visa::fresh(visa));
        }
    }

    /// A login has succeeded.
    pub(super) fn begin(&self, visa: SecretString, user: User) {
        let mut state = self.state();
        state.visa = Some(Visa::fresh(visa));
        state.user = Some(user);
        state.logins += 1;
    }

    /// The user of the last login.
    pub(super) fn user(&self) -> Option<User> {
        self.state().user
    }

    /// How many logins there were.
    pub(super) fn logins(&self) -> u64 {
        self.state().logins
    }

    /// Whether another answer had replaced a refused visa, without a login since.
    pub(super) fn was_outdated(&self, refused: &SecretString, logins: u64) -> bool {
        self.logins() == logins && self.visa(Some(refused)).is_some()
    }

    /// Waits until no other request is under way, where visas are good one at a time.
    pub(super) async fn alone(&self) -> Option<MutexGuard<'_, ()>> {
        if self.newest_only.load(Ordering::Relaxed) {
            return Some(self.line.lock().await);
        }
        None
    }

    /// Lets one request go at a time from now on, and waits for the turn of this one.
    pub(super) async fn stand_in_line(&self) -> MutexGuard<'_, ()> {
        self.newest_only.store(true, Ordering::Relaxed);
        self.line.lock().await
    }

    /// Requests may go at once again: it wasn't their number that made a visa bad.
    pub(super) fn leave_the_line(&self) {
        self.newest_only.store(false, Ordering::Relaxed);
    }

    /// A visa was refused right after a login; how often in a row that was.
    pub(super) fn fruitless(&self) -> u32 {
        self.fruitless
            .fetch_add(1, Ordering::Relaxed)
            .saturating_add(1)
    }

    /// What no message may repeat.
    pub(super) fn secrets(&self) -> Secrets {
        let visa = self.state().visa.as_ref().map(|visa| visa.text.clone());
        visa.into_iter().chain([self.password.clone()]).collect()
    }

    fn state(&self) -> Locked<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Visa {
    fn fresh(text: SecretString) -> Self {
        Self {
            text,
            renew_at: Instant::now() + GOOD_FOR,
        }
    }
}
